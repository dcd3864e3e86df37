//! Folders that other people write to, handled so that nobody can make the service read or move
//! anything but the plain files in them.
//!
//! A name is looked at before it is opened, opened without following links and without blocking, and
//! judged again by what was really opened. Symbolic links, reparse points, hard links, pipes, devices
//! and sockets are never opened. A file is only moved if it is still the one that was judged, and
//! nothing is ever overwritten. `unix.rs` and `windows.rs` have the same interface.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::Folder;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::Folder;

mod claimed;
#[cfg(target_os = "linux")]
mod lease;
#[cfg(all(unix, not(target_os = "linux")))]
#[path = "no_lease.rs"]
mod lease;
pub mod place;
mod transfer;

pub use claimed::{Claim, Refused};

use crate::disposition::{REASON_SUFFIX, SENT_SUFFIX};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};

/// The file that says on Windows that a folder is watched.
pub(crate) const LOCK_NAME: &str = ".pywats-client.lock";

/// Which file it is and whether it has changed: what is compared before a file is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The device or the serial number of the volume.
    pub device: u64,
    /// The inode or the file index.
    pub file: u64,
    /// The size in bytes.
    pub size: u64,
    /// The time of the last change, in nanoseconds since 1970.
    pub modified_ns: i64,
}

/// What stands behind a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A plain file with one name.
    Plain(Identity),
    /// Something that is never opened; the text says what.
    Foreign(&'static str),
}

/// One name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The name.
    pub name: OsString,
    /// Whether a folder stands behind it.
    pub is_folder: bool,
}

/// Whether somebody has a file open for writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// Nobody has.
    Absent,
    /// Somebody has.
    Present,
    /// This system or file system does not tell.
    Unknown,
}

/// A plain file, open for reading.
#[derive(Debug)]
pub struct OpenFile {
    /// The open file.
    pub file: File,
    /// Which file it is, as of when it was opened.
    pub identity: Identity,
    /// Whether it was being written when it was opened.
    pub writer: Writer,
}

/// Why a file was not opened.
#[derive(Debug)]
pub enum OpenRefused {
    /// There is no such file any more.
    Gone,
    /// Its writer does not share it.
    InUse,
    /// It is something that is never opened.
    Foreign(&'static str),
    /// The system refuses.
    Failed(io::Error),
}

/// What became of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// The file is at its new place.
    Done,
    /// The name does not stand for this file any more; nothing was moved.
    Changed,
    /// The new name is taken; nothing was moved.
    NameTaken,
}

impl OpenFile {
    /// Reads the content, but not more than `limit` bytes and one. Of a file that has grown since it was opened
    /// one byte more than it had then is read: enough to notice.
    ///
    /// # Errors
    /// If the system fails to read.
    pub fn read(&mut self, limit: u64) -> io::Result<Vec<u8>> {
        let expected = usize::try_from(self.identity.size.min(limit)).unwrap_or(0);
        // One byte more: a read that is short of it has met the end, and nothing needs to be asked again.
        let mut bytes = vec![0; expected + 1];
        let mut length = 0;
        while length <= expected {
            match self.file.read(&mut bytes[length..]) {
                Ok(0) => break,
                Ok(read) => {
                    length += read;
                    if length == expected {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(length);
        Ok(bytes)
    }
}

impl Folder {
    /// The names in the folder, in no order.
    ///
    /// # Errors
    /// If the system fails to read it.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        Ok(self.list()?.into_iter().map(|item| item.name).collect())
    }

    /// Removes what a crash has left half-written here. Nobody may be writing at the same time.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn sweep(&self) -> io::Result<()> {
        for name in self.names()? {
            if is_temporary(&name) {
                self.discard(&name);
            }
        }
        Ok(())
    }

    fn is_taken(&self, name: &OsStr) -> io::Result<bool> {
        if self.exists(name)? {
            return Ok(true);
        }
        for suffix in [SENT_SUFFIX, REASON_SUFFIX] {
            let mut beside = name.to_owned();
            beside.push(suffix);
            if self.exists(&beside)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The first free one of `name`, `name.1`, `name.2`… with the number before the extension. A name
    /// too long for an extension to be added is cut. A name is free if neither a file nor the note or reason
    /// of one lies there: those would be taken for the new file's.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn free_name(&self, name: &OsStr) -> io::Result<OsString> {
        let name = shortened(name);
        if !self.is_taken(&name)? {
            return Ok(name);
        }
        let path = std::path::Path::new(&name);
        let stem = path.file_stem().unwrap_or(&name);
        let numbered = |number: u32| {
            let mut numbered = stem.to_owned();
            numbered.push(format!(".{number}"));
            if let Some(extension) = path.extension() {
                numbered.push(".");
                numbered.push(extension);
            }
            numbered
        };
        // Some test systems write the same name each time: the search doubles its steps, then halves them.
        let mut taken = 0;
        let mut step = 1;
        while self.is_taken(&numbered(taken + step))? {
            taken += step;
            step *= 2;
        }
        while step > 1 {
            step /= 2;
            if self.is_taken(&numbered(taken + step))? {
                taken += step;
            }
        }
        Ok(numbered(taken + 1))
    }
}

/// File systems allow 255 bytes (or units) for a name; `.NUMBER` and `.reason.json` must fit, too.
pub(crate) fn shortened(name: &OsStr) -> OsString {
    const LONGEST: usize = 220;
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let text = name.to_string_lossy();
    let extension = text.rfind('.').map_or("", |at| &text[at..]);
    let extension = if extension.len() <= 16 { extension } else { "" };
    let mut end = (LONGEST - extension.len()).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    OsString::from(format!("{}{extension}", &text[..end]))
}

const TEMPORARY_PREFIX: &str = ".pywats-";
const TEMPORARY_SUFFIX: &str = ".part";

/// Whether a name is that of a file that is being written by us.
pub fn is_temporary(name: &OsStr) -> bool {
    let text = name.to_string_lossy();
    text.starts_with(TEMPORARY_PREFIX) && text.ends_with(TEMPORARY_SUFFIX)
}

/// What to do about a folder that cannot be used.
pub fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists => {
            "create it and let the service's account use it"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem if cfg!(target_os = "linux") => {
            "the service's account or its unit may not use it: run pywats-client diagnose as root, which names what \
             forbids it and the command that allows it"
        }
        _ => "check the disk or the share that it is on, and let the service's account use it",
    }
}

/// The name of a file that is being written, which intake and people can recognise as such.
fn temporary_name() -> OsString {
    let unique = uuid::Uuid::new_v4().simple();
    OsString::from(format!("{TEMPORARY_PREFIX}{unique}{TEMPORARY_SUFFIX}"))
}
