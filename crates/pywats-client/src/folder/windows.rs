//! Folders on Windows: files are opened without sharing, which no writer survives unnoticed, and
//! without following reparse points.

use super::{Identity, Item, Kind, Moved, OpenFile, OpenRefused, Writer};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
use std::os::windows::io::AsRawHandle;
use std::path::{Path, PathBuf};
use windows_sys::Win32::Foundation::{ERROR_ALREADY_EXISTS, ERROR_FILE_EXISTS, ERROR_SHARING_VIOLATION};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_ATTRIBUTE_DEVICE, FILE_ATTRIBUTE_DIRECTORY,
    FILE_ATTRIBUTE_REPARSE_POINT, FILE_BASIC_INFO, FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT,
    FILE_READ_ATTRIBUTES, FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_TYPE_DISK, FileBasicInfo,
    GetFileInformationByHandle, GetFileInformationByHandleEx, GetFileType, MOVEFILE_REPLACE_EXISTING,
    MOVEFILE_WRITE_THROUGH, MoveFileExW,
};

/// A folder.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Creates a folder and those above it where they are missing. They inherit their access rights.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn create_all(path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    /// Opens a folder, which must not be a reparse point (a junction or a link) itself.
    ///
    /// # Errors
    /// If it is missing, no folder, a reparse point, or not accessible.
    pub fn open(path: &Path) -> io::Result<Folder> {
        let metadata = fs::symlink_metadata(path)?;
        if metadata.file_attributes() & FILE_ATTRIBUTE_REPARSE_POINT != 0 {
            return Err(io::Error::other(
                "is a junction or a link; write the folder that it stands for in the configuration",
            ));
        }
        if !metadata.is_dir() {
            return Err(io::Error::other("is not a folder"));
        }
        Ok(Folder { path: path.to_path_buf() })
    }

    /// Whether both are the same folder. A folder that is watched cannot be replaced on Windows, so
    /// the name says it.
    pub fn same_as(&self, other: &Folder) -> bool {
        self.path == other.path
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in the folder, in no order.
    ///
    /// # Errors
    /// If the system fails to read it.
    pub fn list(&self) -> io::Result<Vec<Item>> {
        let item = |entry: fs::DirEntry| {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            Item { name: entry.file_name(), is_folder }
        };
        fs::read_dir(&self.path)?.map(|entry| entry.map(item)).collect()
    }

    /// What stands behind a name; `None` if nothing does.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn look(&self, name: &OsStr) -> io::Result<Option<Kind>> {
        // No access at all: works even while a writer shares nothing.
        let open = File::options()
            .access_mode(0)
            .custom_flags(FILE_FLAG_OPEN_REPARSE_POINT)
            .open(self.path.join(name));
        match open {
            Ok(file) => kind(&file).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            // Folders need a flag that files must not have; nobody wants to look into them anyway.
            Err(error) => match fs::symlink_metadata(self.path.join(name)) {
                Ok(metadata) if metadata.is_dir() => Ok(Some(Kind::Foreign("a folder"))),
                _ => Err(error),
            },
        }
    }

    /// Whether a name is taken.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn exists(&self, name: &OsStr) -> io::Result<bool> {
        match fs::symlink_metadata(self.path.join(name)) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Opens a plain file for reading, alone: nobody can write or rename it until it is closed.
    ///
    /// # Errors
    /// If it is not a plain file, or the system refuses.
    pub fn open_file(&self, name: &OsStr) -> Result<OpenFile, OpenRefused> {
        let open = File::options()
            .read(true)
            .share_mode(0)
            .custom_flags(FILE_FLAG_OPEN_REPARSE_POINT)
            .open(self.path.join(name));
        let file = open.map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                OpenRefused::Gone
            } else if error.raw_os_error() == Some(ERROR_SHARING_VIOLATION.cast_signed()) {
                OpenRefused::InUse
            } else {
                OpenRefused::Failed(error)
            }
        })?;
        match kind(&file).map_err(OpenRefused::Failed)? {
            Kind::Plain(identity) => Ok(OpenFile { file, identity, writer: Writer::Absent }),
            Kind::Foreign(what) => Err(OpenRefused::Foreign(what)),
        }
    }

    /// Opens a plain file for reading that was looked at right before.
    ///
    /// # Errors
    /// If it is not a plain file, or the system refuses.
    pub fn open_looked_at(&self, name: &OsStr) -> Result<OpenFile, OpenRefused> {
        self.open_file(name)
    }

    /// Opens a plain file of a folder that belongs to the service alone.
    ///
    /// # Errors
    /// If it is not a plain file, or the system refuses.
    pub fn open_own(&self, name: &OsStr) -> Result<OpenFile, OpenRefused> {
        self.open_file(name)
    }

    /// Whether the answer that a file has a writer can be believed here. Windows enforces it.
    pub fn knows_writers(&self) -> bool {
        true
    }

    /// Which file is open here now, to notice a change while it was read.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn identity_of(file: &File) -> io::Result<Option<Identity>> {
        Ok(match kind(file)? {
            Kind::Plain(identity) => Some(identity),
            Kind::Foreign(_) => None,
        })
    }

    /// Creates a new, empty file.
    pub(super) fn create(&self, name: &OsStr) -> io::Result<File> {
        File::options().write(true).create_new(true).open(self.path.join(name))
    }

    /// Gives a file of our own making in this folder another name, in place of what has it.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn rename_over(&self, temporary: &OsStr, name: &OsStr) -> io::Result<()> {
        move_path(&self.path.join(temporary), &self.path.join(name), true).map(drop)
    }

    /// Gives a temporary file of this folder its name.
    pub(super) fn put_in_place(&self, temporary: &OsStr, name: &OsStr, replace: bool) -> io::Result<Moved> {
        move_path(&self.path.join(temporary), &self.path.join(name), replace)
    }

    /// Removes a file of our own making; if that fails it stays, recognisable by its name.
    pub fn discard(&self, name: &OsStr) {
        if let Err(error) = fs::remove_file(self.path.join(name)) {
            tracing::debug!("{}: {name:?} cannot be removed: {error}", self.path.display());
        }
    }

    /// Removes a file if it is still the one that `identity` says; says whether it was.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn remove(&self, name: &OsStr, identity: &Identity) -> io::Result<bool> {
        let Some(_held) = self.hold(name, identity)? else { return Ok(false) };
        fs::remove_file(self.path.join(name))?;
        Ok(true)
    }

    /// Renames a file that belongs to the service alone, without a look at which file it is.
    /// [`Moved::Changed`] means that there is no such file.
    ///
    /// # Errors
    /// If the system refuses, or the folders are on different volumes.
    pub fn rename_lazily(&self, name: &OsStr, to: &Folder, new: &OsStr) -> io::Result<Moved> {
        match move_path(&self.path.join(name), &to.path.join(new), false) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.look(name)?.is_none() => {
                Ok(Moved::Changed)
            }
            result => result,
        }
    }

    /// When a file got its present name, in seconds since 1970: its last renaming or other change.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn arrival(&self, name: &OsStr) -> io::Result<i64> {
        let file = File::options()
            .access_mode(FILE_READ_ATTRIBUTES)
            .custom_flags(FILE_FLAG_OPEN_REPARSE_POINT)
            .open(self.path.join(name))?;
        let mut times = FILE_BASIC_INFO::default();
        // SAFETY: the handle is open, and the structure is ours to fill, with its size.
        let told = unsafe {
            GetFileInformationByHandleEx(
                file.as_raw_handle(),
                FileBasicInfo,
                (&raw mut times).cast(),
                size_of::<FILE_BASIC_INFO>() as u32,
            )
        };
        if told == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(nanoseconds_since_1970(times.ChangeTime.cast_unsigned()) / 1_000_000_000)
    }

    /// Makes the content and the name of a file survive a power cut.
    ///
    /// # Errors
    /// If the system cannot.
    pub fn sync_file(&self, name: &OsStr) -> io::Result<()> {
        // Flushing wants the right to write; whoever writes to the file keeps doing so.
        File::options()
            .write(true)
            .custom_flags(FILE_FLAG_OPEN_REPARSE_POINT)
            .open(self.path.join(name))?
            .sync_all()
    }

    /// Makes the content of files survive a power cut.
    ///
    /// # Errors
    /// If the system cannot.
    pub(super) fn sync_files(&self, names: &[OsString]) -> io::Result<()> {
        names.iter().try_for_each(|name| self.sync_file(name))
    }

    /// Nothing to do: NTFS logs a renaming before what [`Folder::sync_file`] flushes after it.
    ///
    /// # Errors
    /// Never.
    pub fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn rename(
        &self,
        name: &OsStr,
        identity: &Identity,
        to: &Folder,
        new: &OsStr,
    ) -> io::Result<Moved> {
        self.claim(name, identity, to, new)
    }

    /// Renames a plain file into another folder of the same volume, if it is still the one that
    /// `identity` says and if the new name is free.
    ///
    /// # Errors
    /// If the system refuses; the file is then where it was.
    pub fn claim(&self, name: &OsStr, identity: &Identity, to: &Folder, new: &OsStr) -> io::Result<Moved> {
        let Some(_held) = self.hold(name, identity)? else { return Ok(Moved::Changed) };
        let moved = move_path(&self.path.join(name), &to.path.join(new), false)?;
        // Somebody may have swapped the file between the look and the move: then it goes back.
        if moved == Moved::Done && to.look(new)? != Some(Kind::Plain(*identity)) {
            to.give_back(new, self, name)?;
            return Ok(Moved::Changed);
        }
        Ok(moved)
    }

    /// Puts a file back that was moved from there by mistake, beside what has taken its name since.
    fn give_back(&self, new: &OsStr, from: &Folder, name: &OsStr) -> io::Result<()> {
        let mut free = name.to_owned();
        while move_path(&self.path.join(new), &from.path.join(&free), false)? == Moved::NameTaken {
            free = from.free_name(name)?;
        }
        Ok(())
    }

    /// Opens a file so that nobody can write to it while it is moved, if it is the one that `identity`
    /// says.
    fn hold(&self, name: &OsStr, identity: &Identity) -> io::Result<Option<File>> {
        let open = File::options()
            .read(true)
            .share_mode(FILE_SHARE_READ | FILE_SHARE_DELETE)
            .custom_flags(FILE_FLAG_OPEN_REPARSE_POINT)
            .open(self.path.join(name));
        match open {
            Ok(file) => Ok((kind(&file)? == Kind::Plain(*identity)).then_some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Serial number of the volume and index of a folder, links followed.
pub(super) fn folder_id(path: &Path) -> io::Result<(u64, u64)> {
    let folder = File::options().access_mode(0).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(path)?;
    let information = information(&folder)?;
    if information.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY == 0 {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let index = long(information.nFileIndexHigh, information.nFileIndexLow);
    Ok((u64::from(information.dwVolumeSerialNumber), index))
}

fn information(file: &File) -> io::Result<BY_HANDLE_FILE_INFORMATION> {
    let mut information = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open for as long as `file` is borrowed, and the structure is ours to fill.
    match unsafe { GetFileInformationByHandle(file.as_raw_handle(), &raw mut information) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(information),
    }
}

fn long(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

fn kind(file: &File) -> io::Result<Kind> {
    // SAFETY: the handle is open for as long as `file` is borrowed.
    if unsafe { GetFileType(file.as_raw_handle()) } != FILE_TYPE_DISK {
        return Ok(Kind::Foreign("a device or a pipe"));
    }
    let information = information(file)?;
    let is = |attribute| information.dwFileAttributes & attribute != 0;
    if is(FILE_ATTRIBUTE_REPARSE_POINT) {
        return Ok(Kind::Foreign("a reparse point (a link)"));
    }
    if is(FILE_ATTRIBUTE_DIRECTORY) {
        return Ok(Kind::Foreign("a folder"));
    }
    if is(FILE_ATTRIBUTE_DEVICE) {
        return Ok(Kind::Foreign("a device"));
    }
    if information.nNumberOfLinks > 1 {
        return Ok(Kind::Foreign("a file with several names (hard links)"));
    }
    let written = information.ftLastWriteTime;
    Ok(Kind::Plain(Identity {
        device: u64::from(information.dwVolumeSerialNumber),
        file: long(information.nFileIndexHigh, information.nFileIndexLow),
        size: long(information.nFileSizeHigh, information.nFileSizeLow),
        modified_ns: nanoseconds_since_1970(long(written.dwHighDateTime, written.dwLowDateTime)),
    }))
}

/// Windows counts steps of 100 ns since 1601.
fn nanoseconds_since_1970(filetime: u64) -> i64 {
    const STEPS_TO_1970: i64 = 116_444_736_000_000_000;
    (filetime.cast_signed() - STEPS_TO_1970).saturating_mul(100)
}

/// Moves within a volume; another volume is an error for the caller to handle.
fn move_path(from: &Path, to: &Path, replace: bool) -> io::Result<Moved> {
    let wide = |path: &Path| -> Vec<u16> { path.as_os_str().encode_wide().chain([0]).collect() };
    let flags = MOVEFILE_WRITE_THROUGH | if replace { MOVEFILE_REPLACE_EXISTING } else { 0 };
    // SAFETY: both names are zero-terminated and live until the call returns.
    if unsafe { MoveFileExW(wide(from).as_ptr(), wide(to).as_ptr(), flags) } != 0 {
        return Ok(Moved::Done);
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error().map(i32::cast_unsigned) {
        Some(ERROR_ALREADY_EXISTS | ERROR_FILE_EXISTS) => Ok(Moved::NameTaken),
        _ => Err(error),
    }
}
