//! Folders on Unix: everything happens relative to an open folder, so that a folder on the way to it
//! cannot be swapped for a link in between.

use super::lease;
use super::{Identity, Item, Kind, Moved, OpenFile, OpenRefused, Writer};
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// An open folder.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    fd: OwnedFd,
}

impl Folder {
    /// Creates a folder and those above it where they are missing, for this account and its group.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn create_all(path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o750).create(path)
    }

    /// Opens a folder, which must not be a symbolic link itself.
    ///
    /// # Errors
    /// If it is missing, no folder, a link, or not accessible.
    pub fn open(path: &Path) -> io::Result<Folder> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(CWD, path, flags, Mode::empty()) {
            Ok(fd) => Ok(Folder { path: path.to_path_buf(), fd }),
            Err(Errno::LOOP | Errno::MLINK) => Err(is_a_link()),
            // Linux says ENOTDIR of a link that it was told not to follow to a folder.
            Err(Errno::NOTDIR) if path.is_symlink() => Err(is_a_link()),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether both are the same folder, not only the same name.
    pub fn same_as(&self, other: &Folder) -> bool {
        match (rustix::fs::fstat(&self.fd), rustix::fs::fstat(&other.fd)) {
            (Ok(a), Ok(b)) => (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino),
            _ => false,
        }
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in the folder, without `.` and `..`, in no order.
    ///
    /// # Errors
    /// If the system fails to read it.
    pub fn list(&self) -> io::Result<Vec<Item>> {
        let mut items = Vec::new();
        for entry in Dir::read_from(&self.fd)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                let name = OsStr::from_bytes(name).to_owned();
                let is_folder = match entry.file_type() {
                    FileType::Directory => true,
                    // Some file systems leave it to another look.
                    FileType::Unknown => self.is_folder(&name),
                    _ => false,
                };
                items.push(Item { name, is_folder });
            }
        }
        Ok(items)
    }

    fn is_folder(&self, name: &OsStr) -> bool {
        let stat = rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW);
        stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
    }

    /// What stands behind a name, without opening it; `None` if nothing does.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn look(&self, name: &OsStr) -> io::Result<Option<Kind>> {
        match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(kind(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a name is taken.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn exists(&self, name: &OsStr) -> io::Result<bool> {
        Ok(self.look(name)?.is_some())
    }

    /// Opens a plain file for reading.
    ///
    /// # Errors
    /// If it is not a plain file, or the system refuses.
    pub fn open_file(&self, name: &OsStr) -> Result<OpenFile, OpenRefused> {
        // Opening a device or a pipe may do something by itself; it is not even tried.
        match self.look(name) {
            Ok(Some(Kind::Plain(_))) => {}
            Ok(Some(Kind::Foreign(what))) => return Err(OpenRefused::Foreign(what)),
            Ok(None) => return Err(OpenRefused::Gone),
            Err(error) => return Err(OpenRefused::Failed(error)),
        }
        self.open_looked_at(name)
    }

    /// Opens a plain file for reading that was looked at right before.
    ///
    /// # Errors
    /// If it is not a plain file, or the system refuses.
    pub fn open_looked_at(&self, name: &OsStr) -> Result<OpenFile, OpenRefused> {
        let (file, identity) = self.open_plain(name)?;
        Ok(OpenFile { writer: lease::writer_of(&file), file, identity })
    }

    /// Opens a plain file of a folder that belongs to the service alone, without asking who writes to it.
    ///
    /// # Errors
    /// If it is not a plain file, or the system refuses.
    pub fn open_own(&self, name: &OsStr) -> Result<OpenFile, OpenRefused> {
        let (file, identity) = self.open_plain(name)?;
        Ok(OpenFile { writer: Writer::Unknown, file, identity })
    }

    fn open_plain(&self, name: &OsStr) -> Result<(File, Identity), OpenRefused> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, name, flags, Mode::empty()).map_err(|error| match error {
            Errno::NOENT => OpenRefused::Gone,
            Errno::LOOP | Errno::MLINK => OpenRefused::Foreign("a symbolic link"),
            error => OpenRefused::Failed(error.into()),
        })?;
        let stat = rustix::fs::fstat(&fd).map_err(|error| OpenRefused::Failed(error.into()))?;
        match kind(&stat) {
            Kind::Plain(identity) => Ok((File::from(fd), identity)),
            Kind::Foreign(what) => Err(OpenRefused::Foreign(what)),
        }
    }

    /// Whether the answer that a file has a writer can be believed here: some network file systems
    /// give it for every file.
    pub fn knows_writers(&self) -> bool {
        lease::are_honest(self)
    }

    /// The open folder.
    pub(super) fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// Which file is open here now, to notice a change while it was read.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn identity_of(file: &File) -> io::Result<Option<Identity>> {
        Ok(match kind(&rustix::fs::fstat(file)?) {
            Kind::Plain(identity) => Some(identity),
            Kind::Foreign(_) => None,
        })
    }

    /// Creates a new, empty file.
    pub(super) fn create(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP;
        Ok(File::from(rustix::fs::openat(&self.fd, name, flags, mode)?))
    }

    /// Gives a file of our own making in this folder another name, in place of what has it.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn rename_over(&self, temporary: &OsStr, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.fd, temporary, &self.fd, name)?)
    }

    /// Gives a temporary file of this folder its name.
    pub(super) fn put_in_place(&self, temporary: &OsStr, name: &OsStr, replace: bool) -> io::Result<Moved> {
        if replace {
            rustix::fs::renameat(&self.fd, temporary, &self.fd, name)?;
        } else if !rename_without_overwriting(self, temporary, self, name)? {
            return Ok(Moved::NameTaken);
        }
        Ok(Moved::Done)
    }

    /// Removes a file of our own making; if that fails it stays, recognisable by its name.
    pub fn discard(&self, name: &OsStr) {
        if let Err(error) = rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            tracing::debug!("{}: {name:?} cannot be removed: {error}", self.path.display());
        }
    }

    /// Removes a file if it is still the one that `identity` says; says whether it was.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn remove(&self, name: &OsStr, identity: &Identity) -> io::Result<bool> {
        if self.look(name)? != Some(Kind::Plain(*identity)) {
            return Ok(false);
        }
        rustix::fs::unlinkat(&self.fd, name, AtFlags::empty())?;
        self.sync()?;
        Ok(true)
    }

    pub(super) fn rename(
        &self,
        name: &OsStr,
        identity: &Identity,
        to: &Folder,
        new: &OsStr,
    ) -> io::Result<Moved> {
        let moved = self.claim(name, identity, to, new)?;
        if moved == Moved::Done {
            to.sync()?;
            self.sync()?;
        }
        Ok(moved)
    }

    /// Renames a plain file into another folder of the same file system, if it is still the one that
    /// `identity` says and if the new name is free. [`Folder::sync`] then makes it survive a power cut.
    ///
    /// # Errors
    /// If the system refuses; the file is then where it was.
    pub fn claim(&self, name: &OsStr, identity: &Identity, to: &Folder, new: &OsStr) -> io::Result<Moved> {
        if self.look(name)? != Some(Kind::Plain(*identity)) {
            return Ok(Moved::Changed);
        }
        if !rename_without_overwriting(self, name, to, new)? {
            return Ok(Moved::NameTaken);
        }
        // Somebody may have swapped the file between the look and the move: then it goes back.
        if to.look(new)? != Some(Kind::Plain(*identity)) {
            to.give_back(new, self, name)?;
            return Ok(Moved::Changed);
        }
        Ok(Moved::Done)
    }

    /// Puts a file back that was moved from there by mistake, beside what has taken its name since.
    fn give_back(&self, new: &OsStr, from: &Folder, name: &OsStr) -> io::Result<()> {
        let mut free = name.to_owned();
        while !rename_without_overwriting(self, new, from, &free)? {
            free = from.free_name(name)?;
        }
        Ok(())
    }

    /// Renames a file that belongs to the service alone, without a look at which file it is and without
    /// making that survive a power cut. [`Moved::Changed`] means that there is no such file.
    ///
    /// # Errors
    /// If the system refuses, or the folders are on different file systems.
    pub fn rename_lazily(&self, name: &OsStr, to: &Folder, new: &OsStr) -> io::Result<Moved> {
        match rename_without_overwriting(self, name, to, new) {
            Ok(true) => Ok(Moved::Done),
            Ok(false) => Ok(Moved::NameTaken),
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.look(name)?.is_none() => {
                Ok(Moved::Changed)
            }
            Err(error) => Err(error),
        }
    }

    /// When a file got its present name, in seconds since 1970: its last renaming, or a later change of its
    /// rights.
    ///
    /// # Errors
    /// If the system does not tell.
    #[allow(clippy::unnecessary_cast)] // the field's type differs between systems
    pub fn arrival(&self, name: &OsStr) -> io::Result<i64> {
        Ok(rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW)?.st_ctime as i64)
    }

    /// Makes the content of a file survive a power cut.
    ///
    /// # Errors
    /// If the system cannot.
    pub fn sync_file(&self, name: &OsStr) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        File::from(rustix::fs::openat(&self.fd, name, flags, Mode::empty())?).sync_all()
    }

    /// Makes the content of files survive a power cut. Several are synchronised together where the system can:
    /// then it writes all that waits for this disk, once.
    ///
    /// # Errors
    /// If the system cannot.
    pub(super) fn sync_files(&self, names: &[OsString]) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        if names.len() > 1 {
            return Ok(rustix::fs::syncfs(&self.fd)?);
        }
        names.iter().try_for_each(|name| self.sync_file(name))
    }

    /// Makes what was renamed survive a power cut. Some network file systems cannot, and say so.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn sync(&self) -> io::Result<()> {
        match rustix::fs::fsync(&self.fd) {
            Err(Errno::INVAL | Errno::NOTSUP) | Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Device and inode of a folder, links followed.
pub(super) fn folder_id(path: &Path) -> io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    Ok((metadata.dev(), metadata.ino()))
}

fn is_a_link() -> io::Error {
    io::Error::other("is a symbolic link; write the folder that it stands for in the configuration")
}

#[allow(clippy::unnecessary_cast, clippy::cast_lossless)] // the fields' types differ between systems
fn kind(stat: &Stat) -> Kind {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile if stat.st_nlink as u64 > 1 => {
            Kind::Foreign("a file with several names (hard links)")
        }
        FileType::RegularFile => Kind::Plain(Identity {
            device: stat.st_dev as u64,
            file: stat.st_ino as u64,
            size: stat.st_size as u64,
            modified_ns: (stat.st_mtime as i64)
                .saturating_mul(1_000_000_000)
                .saturating_add(stat.st_mtime_nsec as i64),
        }),
        FileType::Symlink => Kind::Foreign("a symbolic link"),
        FileType::Directory => Kind::Foreign("a folder"),
        FileType::Fifo => Kind::Foreign("a pipe"),
        FileType::Socket => Kind::Foreign("a socket"),
        _ => Kind::Foreign("a device"),
    }
}

/// Says whether it was renamed; `false` if the new name is taken.
fn rename_without_overwriting(from: &Folder, name: &OsStr, to: &Folder, new: &OsStr) -> io::Result<bool> {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    match rustix::fs::renameat_with(&from.fd, name, &to.fd, new, rustix::fs::RenameFlags::NOREPLACE) {
        Ok(()) => return Ok(true),
        Err(Errno::EXIST) => return Ok(false),
        // This file system or kernel does not know the flag.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
        Err(error) => return Err(error.into()),
    }
    // A name of our own reserves the place; the rename then replaces only that.
    match to.create(new) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(error),
    }
    match rustix::fs::renameat(&from.fd, name, &to.fd, new) {
        Ok(()) => Ok(true),
        Err(error) => {
            to.discard(new);
            Err(error.into())
        }
    }
}
