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
        return Ok(());
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

/// New files inherit the rights of the folder here.
///
/// # Errors
/// Never.
#[cfg(windows)]
pub fn become_owner(_data: &Path) -> io::Result<()> {
    Ok(())
}
