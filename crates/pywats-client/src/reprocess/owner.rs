//! The account that files are taken back as.

use std::io;
use std::path::Path;

/// Becomes the account that owns the data folder: what root puts into the watch folder the service could not
/// read.
#[cfg(unix)]
pub(super) fn become_owner(data: &Path) -> io::Result<()> {
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
        done(libc::setuid(folder.uid()))
    }
}

/// New files inherit the rights of the folder here.
#[cfg(windows)]
pub(super) fn become_owner(_data: &Path) -> io::Result<()> {
    Ok(())
}
