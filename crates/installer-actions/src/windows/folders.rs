//! Folders whose owner and access rights nobody but an administrator decides about, whoever made them.
//!
//! Everything is opened as it is, links included, and changed through that handle, once it is known to be where it
//! should: somebody who swaps a folder for a link in between changes nothing elsewhere.

use super::security::{self, Descriptor};
use super::{last_error, wide, windows_folder};
use crate::secured::Secured;
use std::fs::File;
use std::os::windows::ffi::OsStringExt;
use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
use std::os::windows::io::AsRawHandle;
use std::path::{Path, PathBuf};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, CreateDirectoryW, FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_REPARSE_POINT,
    FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT, FILE_NAME_NORMALIZED, FILE_READ_ATTRIBUTES,
    FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE, GetFileInformationByHandle,
    GetFinalPathNameByHandleW, READ_CONTROL, WRITE_DAC, WRITE_OWNER,
};

/// Read, write and delete, but neither take over nor change rights.
const MODIFY: u32 = 0x0013_01bf;

/// Secures folders.
///
/// # Errors
/// If a folder is a link, or the system refuses.
pub(super) fn secure(folders: &[Secured<'_>], log: &dyn Fn(&str)) -> Result<(), String> {
    security::enable_privileges();
    let alone = |folder: &Secured<'_>| match folder {
        Secured::Alone { path, .. } => Some(plain(path)),
        _ => None,
    };
    let alone: Vec<PathBuf> = folders.iter().filter_map(alone).collect();
    for folder in folders {
        match folder {
            Secured::Tree { path, sddl, new, believed } => {
                let (path, rights) = (plain(path), Descriptor::parse(sddl)?);
                if is_planted(&path) {
                    replace(&path, believed, &rights, log)?;
                }
                let contents =
                    if *new || believed.is_empty() { Contents::Ours } else { Contents::Believed(believed) };
                tree(&path, &rights, contents, &alone, log)?;
            }
            Secured::Alone { path, sddl } => single(&plain(path), &Descriptor::parse(sddl)?, log)?,
            Secured::Drop { path: "", .. } => {}
            Secured::Drop { path, sddl, account } => {
                drop_folder(path, &Descriptor::parse(sddl)?, account, log)?;
            }
        }
    }
    Ok(())
}

/// A folder of Windows Installer ends with a backslash; its name does not.
fn plain(path: &str) -> PathBuf {
    PathBuf::from(path.trim_end_matches('\\'))
}

/// Opens a file or folder to read its rights, and not what it may lead to. With `more` rights it can be changed, too.
fn open_with(path: &Path, more: u32) -> std::io::Result<File> {
    File::options()
        .access_mode(READ_CONTROL | FILE_READ_ATTRIBUTES | more)
        .share_mode(FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT)
        .open(path)
}

/// Opens a file or folder to change its rights.
fn open(path: &Path) -> Result<File, String> {
    open_with(path, WRITE_DAC | WRITE_OWNER)
        .map_err(|error| format!("{} cannot be opened to set its access rights: {error}", path.display()))
}

fn is_link(file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.file_attributes() & FILE_ATTRIBUTE_REPARSE_POINT != 0)
}

fn open_folder(path: &Path) -> Result<File, String> {
    let folder = open(path)?;
    if is_link(&folder) {
        return Err(format!(
            "{} is a link, and somebody else's may be behind it; remove it and install again",
            path.display()
        ));
    }
    Ok(folder)
}

/// Whether there is anything at a path, be it a link that leads nowhere.
pub(super) fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Whether a standard user made a file or folder, or gave it another name elsewhere, by which the rights that it has
/// there are changed. Where not even Windows' own folder has an owner to be trusted, owners mean nothing.
fn is_of_others(path: &Path) -> bool {
    // Before the transaction this runs as the administrator, who may not change the folder of Windows.
    let trusted = |path: &Path| {
        open_with(path, 0).is_ok_and(|file| Descriptor::owner_is_trusted(&file) && !has_other_names(&file))
    };
    exists(path) && !trusted(path) && trusted(Path::new(&windows_folder()))
}

/// Whether a standard user made a folder.
pub(super) fn is_planted(path: &Path) -> bool {
    path.is_dir() && is_of_others(path)
}

/// Whether a file is there and stays; the folder it is in is one of those that [`secure`] is given.
pub(super) fn keeps(folders: &[Secured<'_>], file: &Path) -> bool {
    let Some(folder) = file.parent().filter(|_| exists(file)) else { return false };
    let sddl = folders.iter().find_map(|secured| match secured {
        Secured::Tree { path, sddl, .. } if plain(path) == folder => Some(*sddl),
        _ => None,
    });
    let is_secured = || {
        let rights = Descriptor::parse(sddl.unwrap_or_default());
        rights.is_ok_and(|rights| open_with(folder, 0).is_ok_and(|folder| rights.is_on(&folder)))
    };
    // An administrator who has not confirmed it yet may not even look at what the installer wrote.
    let locked = open_with(file, 0).is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied);
    !is_planted(folder) && (locked || !is_of_others(file) || is_secured())
}

/// Puts a folder in the place of one that a standard user made. Taking that one over is not enough: whoever made it
/// may have opened it, or something in it, before, and could change the rights again later.
fn replace(path: &Path, believed: &[&str], rights: &Descriptor, log: &dyn Fn(&str)) -> Result<(), String> {
    // A link is refused by who looks next.
    if open_with(path, 0).is_ok_and(|folder| is_link(&folder)) {
        return Ok(());
    }
    if believed.is_empty() {
        return Err(format!("a standard user made {}; remove it and install again", path.display()));
    }
    let aside = free_name(path)?;
    std::fs::rename(path, &aside).map_err(|error| {
        format!(
            "a standard user made {}, which cannot be renamed: {error}. Close what is open in it, or remove it, \
             and install again",
            path.display()
        )
    })?;
    log(&format!("{}: made by a standard user, now {}", path.display(), aside.display()));
    make(path, rights)
}

/// A name beside a file or folder that nothing has: `….untrusted`, or with a number.
fn free_name(path: &Path) -> Result<PathBuf, String> {
    let named = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let numbered = (2..100).map(|number| named(&format!(".untrusted-{number}")));
    std::iter::once(named(".untrusted"))
        .chain(numbered)
        .find(|name| !exists(name))
        .ok_or_else(|| format!("there are too many {}.untrusted; remove them", path.display()))
}

/// Makes a folder, with its access rights from the first moment on.
fn make(path: &Path, rights: &Descriptor) -> Result<(), String> {
    create_directory(path, rights).map_err(|error| format!("{} cannot be made: {error}", path.display()))
}

fn create_directory(path: &Path, rights: &Descriptor) -> std::io::Result<()> {
    let name = wide(&path.to_string_lossy());
    // SAFETY: the name ends with a zero, and name and rights live until the call returns.
    match unsafe { CreateDirectoryW(name.as_ptr(), &rights.attributes()) } {
        0 => Err(std::io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Takes files out of the way that the service would believe, and a standard user has written.
fn set_aside(folder: &Path, believed: &[&str], log: &dyn Fn(&str)) -> Result<(), String> {
    for file in believed.iter().map(|name| folder.join(name)).filter(|file| is_of_others(file)) {
        let aside = free_name(&file)?;
        std::fs::rename(&file, &aside)
            .map_err(|error| format!("{} cannot be set aside: {error}", file.display()))?;
        log(&format!("{}: written by a standard user, now {}", file.display(), aside.display()));
    }
    Ok(())
}

/// Refuses a folder that a standard user has put something into before it had its rights.
fn nothing_of_others(folder: &Path) -> Result<(), String> {
    for path in entries(folder)? {
        if is_of_others(&path) {
            return Err(format!(
                "a standard user has put {} there; remove it, or the folder, and install again",
                path.display()
            ));
        }
        if path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
            nothing_of_others(&path)?;
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(folder)
        .map_err(|error| format!("{} cannot be listed: {error}", folder.display()))?;
    Ok(entries.flatten().map(|entry| entry.path()).collect())
}

/// The folders that are missing above one that is to be made: nobody else decides about them either.
pub(super) fn missing_above(path: &Path) -> Vec<PathBuf> {
    path.ancestors().skip(1).take_while(|folder| !folder.exists()).map(Path::to_path_buf).collect()
}

/// What may be in a folder before it is secured for the first time.
#[derive(Clone, Copy)]
enum Contents<'a> {
    /// Anything; files of these names are set aside if a standard user wrote them.
    Believed(&'a [&'a str]),
    /// What administrators and the installation itself put there.
    Ours,
}

fn single(path: &Path, rights: &Descriptor, log: &dyn Fn(&str)) -> Result<(), String> {
    if !exists(path) {
        // It went with a folder that was replaced.
        return make(path, rights);
    }
    let folder = open_folder(path)?;
    if rights.is_on(&folder) {
        return Ok(());
    }
    log(&format!("{}: owner and access rights are set", path.display()));
    rights.put_on(&folder).map_err(|error| refused(path, &error))
}

fn tree(
    path: &Path,
    rights: &Descriptor,
    contents: Contents<'_>,
    alone: &[PathBuf],
    log: &dyn Fn(&str),
) -> Result<(), String> {
    let folder = open_folder(path)?;
    if rights.is_on(&folder) {
        // Nobody could have put anything in since this was done, and there may be very many reports.
        return Ok(());
    }
    log(&format!("{}: owner and access rights are set", path.display()));
    rights.put_on(&folder).map_err(|error| refused(path, &error))?;
    // Only now can nobody add anything any more, and what is there still has its owner.
    match contents {
        Contents::Believed(names) => set_aside(path, names, log)?,
        Contents::Ours => nothing_of_others(path)?,
    }
    let within = final_path(&folder)?;
    let mut folders = vec![path.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for path in entries(&folder)? {
            if alone.contains(&path) {
                continue;
            }
            let file = open(&path)?;
            // Who owns a folder in between may have put a link in its place since it was listed.
            if !final_path(&file)?.starts_with(&within) {
                return Err(format!(
                    "{} leads to somewhere else; remove it and install again",
                    path.display()
                ));
            }
            if has_other_names(&file) {
                return Err(format!(
                    "{} has another name elsewhere (a hard link); remove it and install again",
                    path.display()
                ));
            }
            rights.hand_down(&file).map_err(|error| refused(&path, &error))?;
            if file.metadata().is_ok_and(|metadata| metadata.is_dir()) && !is_link(&file) {
                folders.push(path);
            }
        }
    }
    Ok(())
}

/// Where an open file or folder really is.
fn final_path(file: &File) -> Result<PathBuf, String> {
    // The longest path that Windows knows.
    let mut buffer = vec![0_u16; 0x8000];
    let room = u32::try_from(buffer.len()).unwrap_or(0);
    // SAFETY: the handle is open, and the buffer has the length that is given with it.
    let length = unsafe {
        GetFinalPathNameByHandleW(file.as_raw_handle(), buffer.as_mut_ptr(), room, FILE_NAME_NORMALIZED)
    };
    match buffer.get(..length as usize) {
        Some(path) if length > 0 => Ok(PathBuf::from(std::ffi::OsString::from_wide(path))),
        _ => Err(format!("the system does not say where an open file is: {}", last_error())),
    }
}

/// Whether a file has more than one name. Folders have one each.
fn has_other_names(file: &File) -> bool {
    let mut information = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open, and the structure is ours to fill.
    let known = unsafe { GetFileInformationByHandle(file.as_raw_handle(), &raw mut information) } != 0;
    known && information.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY == 0 && information.nNumberOfLinks > 1
}

/// A folder that people may have chosen because it was there: others may use it, too.
fn drop_folder(path: &str, rights: &Descriptor, account: &str, log: &dyn Fn(&str)) -> Result<(), String> {
    let name = plain(path);
    let made = std::fs::create_dir_all(name.parent().unwrap_or(&name))
        .and_then(|()| create_directory(&name, rights));
    match made {
        Ok(()) => {
            log(&format!("{path}: made, for everyone to drop files into"));
            Ok(())
        }
        // Whoever looks after a share decides who may do what there, and may not even let this machine ask.
        Err(error) if path.starts_with(r"\\") => {
            log(&format!("{path}: its access rights are left alone ({error})"));
            Ok(())
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            security::allow(&open_folder(&name)?, account, MODIFY).map_err(|error| refused(&name, &error))
        }
        Err(error) => Err(format!("{path} cannot be made: {error}")),
    }
}

fn refused(path: &Path, error: &str) -> String {
    format!("the access rights of {} cannot be set: {error}", path.display())
}
