//! Asking the kernel whether somebody has a file open for writing, by a read lease, which it grants
//! only while nobody has; see fcntl(2), "Leases". It takes owning the file or CAP_LEASE.
//!
//! NFS without delegations and CIFS without oplocks refuse every lease in the words that mean
//! "somebody is writing": that answer is believed only where it was seen to be true.

use super::{Folder, Writer, temporary_name};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Once;

/// File systems of this machine alone, by the numbers of statfs(2): their kernel knows all writers.
const LOCAL: &[u64] = &[
    0xEF53,      // ext2, ext3, ext4
    0x5846_5342, // xfs
    0x9123_683E, // btrfs
    0x0102_1994, // tmpfs
    0x794C_7630, // overlayfs
    0xF2F5_2010, // f2fs
    0x2FC1_2FC1, // zfs
    0x4D44,      // fat
    0x2011_BAB0, // exfat
    0x7366_746E, // ntfs3
    0xCA45_1A4E, // bcachefs
];

/// Asks for a lease and gives it back at once.
pub(super) fn writer_of(file: &File) -> Writer {
    static IGNORE_SIGIO: Once = Once::new();
    // A writer that comes while we hold the lease makes the kernel send SIGIO, which would kill us.
    IGNORE_SIGIO.call_once(|| {
        // SAFETY: setting a signal to be ignored runs no code of ours at any later time.
        unsafe { libc::signal(libc::SIGIO, libc::SIG_IGN) };
    });
    let set = |lease: libc::c_int| {
        // SAFETY: the descriptor is open for as long as `file` is borrowed; F_SETLEASE takes an int.
        match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, lease) } {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    };
    match set(libc::F_RDLCK) {
        Ok(()) => {
            let given_back = set(libc::F_UNLCK);
            debug_assert!(given_back.is_ok(), "a lease that was granted can be given back");
            Writer::Absent
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Writer::Present,
        Err(_) => Writer::Unknown,
    }
}

/// Whether "somebody is writing" is believed of files in this folder: its file system belongs to this
/// machine, and a file that certainly has no writer is not said to have one.
pub(super) fn are_honest(folder: &Folder) -> bool {
    #[allow(clippy::unnecessary_cast, clippy::cast_lossless)] // the field's type differs between systems
    let local = rustix::fs::fstatfs(folder.fd()).is_ok_and(|stat| LOCAL.contains(&(stat.f_type as u64)));
    local && !refuses_a_fresh_file(folder)
}

/// A folder that cannot be written to has no fresh file: its file system is believed then.
fn refuses_a_fresh_file(folder: &Folder) -> bool {
    let name = temporary_name();
    if folder.create(&name).is_err() {
        return false;
    }
    let open = folder.open_file(&name);
    folder.discard(&name);
    open.is_ok_and(|open| open.writer == Writer::Present)
}
