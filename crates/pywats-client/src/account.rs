//! The account of the service: commands that touch its data do so as that account, so that root never makes a file
//! that the service could not read.

use std::io;
use std::path::Path;

/// Becomes the account that owns the data folder, if this is root; and lets new files be read by its group at most.
/// Call it before a thread is started.
///
/// # Errors
/// If there is no such folder, or the system refuses.
#[cfg(unix)]
pub fn become_owner(data: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let folder = std::fs::metadata(data)?;
    if folder.uid() == 0 {
        return stays_root(data);
    }
    let done = |result: libc::c_int| if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) };
    // SAFETY: these calls take numbers, and no other thread runs yet.
    unsafe {
        done(libc::setgroups(0, std::ptr::null()))?;
        done(libc::setgid(folder.gid()))?;
        done(libc::setuid(folder.uid()))?;
    }
    // As the unit of the service has it.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o027));
    Ok(())
}

/// Says whether root may stay root: nobody else may put a link to another place where it is about to write.
#[cfg(unix)]
fn stays_root(data: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let others_may_write = |path: &Path| -> io::Result<bool> {
        let found = std::fs::symlink_metadata(path)?;
        // In a folder like /tmp nobody replaces what belongs to root.
        let lets_write = found.mode() & 0o022 != 0 && found.mode() & 0o1000 == 0;
        Ok(found.uid() != 0 || lets_write && !found.is_symlink())
    };
    // Of a link in the path both sides matter.
    for whole in [data.to_path_buf(), data.canonicalize()?] {
        for part in whole.ancestors() {
            if part != Path::new("") && others_may_write(part)? {
                return Err(io::Error::other(format!(
                    "the data folder belongs to root, but other accounts may change {}; give the data folder to the \
                     account of the service (chown), or take the right to write from others (chmod go-w)",
                    part.display()
                )));
            }
        }
    }
    Ok(())
}

/// Lets no others read what the service makes, whatever it was started by.
#[cfg(unix)]
pub fn keep_others_out() {
    use rustix::fs::Mode;
    let given = rustix::process::umask(Mode::RWXO);
    rustix::process::umask(given | Mode::RWXO);
}

/// New files inherit the rights of the folder here.
///
/// # Errors
/// Never.
#[cfg(windows)]
pub fn become_owner(_data: &Path) -> io::Result<()> {
    Ok(())
}
