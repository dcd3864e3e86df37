//! One service for each watched folder: two would claim each other's files. And whether a folder is on another
//! machine, whose changes the system does not tell.

use super::Folder;
use std::io;

/// Held for as long as this service watches a folder.
#[derive(Debug)]
pub struct Claim {
    /// Where the lock is a file, it goes with this.
    _file: Option<std::fs::File>,
}

/// Why a folder is not claimed.
#[derive(Debug)]
pub enum Refused {
    /// Another service watches it.
    InUse,
}

#[cfg(unix)]
impl Folder {
    /// Claims the folder, for as long as it is open. Where the file system has no locks of folders nobody can be told.
    ///
    /// # Errors
    /// If another service has it.
    pub fn claim_for_watching(&self) -> Result<Claim, Refused> {
        use rustix::fs::{FlockOperation, flock};
        match flock(self.fd(), FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(Refused::InUse),
            Err(error) => tracing::debug!("{}: cannot be locked: {error}", self.path().display()),
        }
        Ok(Claim { _file: None })
    }
}

#[cfg(windows)]
impl Folder {
    /// Claims the folder by a hidden file in it, which goes when it is closed. Where none can be made nobody can be told.
    ///
    /// # Errors
    /// If another service has it.
    pub fn claim_for_watching(&self) -> Result<Claim, Refused> {
        use std::os::windows::fs::OpenOptionsExt;
        use windows_sys::Win32::Foundation::ERROR_SHARING_VIOLATION;
        use windows_sys::Win32::Storage::FileSystem::{FILE_ATTRIBUTE_HIDDEN, FILE_FLAG_DELETE_ON_CLOSE};
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(false).share_mode(0);
        options.attributes(FILE_ATTRIBUTE_HIDDEN).custom_flags(FILE_FLAG_DELETE_ON_CLOSE);
        match options.open(self.path().join(super::LOCK_NAME)) {
            Ok(file) => Ok(Claim { _file: Some(file) }),
            Err(error) if error.raw_os_error() == Some(ERROR_SHARING_VIOLATION.cast_signed()) => {
                Err(Refused::InUse)
            }
            Err(error) => {
                tracing::debug!("{}: cannot be locked: {error}", self.path().display());
                Ok(Claim { _file: None })
            }
        }
    }
}

impl Refused {
    /// The same as an error of the system.
    pub fn to_error(&self) -> io::Error {
        io::Error::new(
            io::ErrorKind::ResourceBusy,
            "another pywats-client watches this folder; stop it, or take the folder out of one of the two \
             configurations",
        )
    }
}

/// The file systems of Linux that are on other machines, or may be: see statfs(2).
#[cfg(target_os = "linux")]
const REMOTE: [u32; 13] = [
    0x6969,      // NFS
    0x517b,      // SMB
    0xff53_4d42, // CIFS
    0xfe53_4d42, // SMB2
    0x6573_5546, // FUSE
    0x0102_1997, // 9P
    0x00c3_6400, // Ceph
    0x5346_414f, // AFS
    0x6b41_4653, // kAFS
    0x7375_7245, // Coda
    0x0bd0_0bd0, // Lustre
    0x4750_4653, // GPFS
    0x786f_4256, // VirtualBox
];

impl Folder {
    /// Whether other machines may change the folder without the system's telling.
    pub fn is_remote(&self) -> bool {
        #[cfg(target_os = "linux")]
        {
            // The type of the number differs between architectures; all of these fit.
            #[allow(clippy::cast_possible_truncation, clippy::unnecessary_cast)]
            return rustix::fs::fstatfs(self.fd()).is_ok_and(|stat| REMOTE.contains(&(stat.f_type as u32)));
        }
        #[cfg(windows)]
        {
            use std::os::windows::ffi::OsStrExt;
            use std::path::{Component, Prefix};
            use windows_sys::Win32::Storage::FileSystem::GetDriveTypeW;
            const DRIVE_REMOTE: u32 = 4;
            let Some(Component::Prefix(prefix)) = self.path().components().next() else { return false };
            let root: Vec<u16> = match prefix.kind() {
                Prefix::UNC(..) | Prefix::VerbatimUNC(..) => return true,
                _ => prefix.as_os_str().encode_wide().chain([u16::from(b'\\'), 0]).collect(),
            };
            // SAFETY: the text ends with a zero.
            (unsafe { GetDriveTypeW(root.as_ptr()) }) == DRIVE_REMOTE
        }
        #[cfg(not(any(target_os = "linux", windows)))]
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: two can watch one folder, or nobody can after the first has ended; or this disk is taken for a share.
    #[test]
    fn one_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Folder::open(dir.path()).unwrap();
        let first = open();
        let claim = first.claim_for_watching().unwrap();
        assert!(open().claim_for_watching().is_err());
        drop((claim, first));
        let second = open();
        assert!(second.claim_for_watching().is_ok());
        assert!(!second.is_remote());
    }
}
