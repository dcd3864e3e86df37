//! Folders whose owner and access rights nobody but an administrator decides about, whoever made them.
//!
//! Everything is opened as it is, links included, and changed through that handle: somebody who swaps a folder
//! for a link in between changes nothing elsewhere.

use super::security::{self, Descriptor};
use super::{wide, windows_folder};
use crate::records;
use std::fs::File;
use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use windows_sys::Win32::Storage::FileSystem::{
    CreateDirectoryW, FILE_ATTRIBUTE_REPARSE_POINT, FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT,
    FILE_READ_ATTRIBUTES, FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE, READ_CONTROL, WRITE_DAC,
    WRITE_OWNER,
};

/// Read, write and delete, but neither take over nor change rights.
const MODIFY: u32 = 0x0013_01bf;

/// Secures folders, each record a kind, a path and access rights in SDDL:
///
/// | kind | what happens |
/// |---|---|
/// | `tree`, and names | the folder gets the rights, and everything in it inherits them; if an ordinary user made the folder, files of these names are set aside; without names nothing may be in such a folder |
/// | `folder` | the folder gets the rights; what is in it stays as it is |
/// | `drop`, and the identifier of an account | a folder that is not there is made with the rights; one that is lets the account in |
///
/// # Errors
/// If a folder is a link, or the system refuses.
pub(super) fn secure(data: &str, log: &dyn Fn(&str)) -> Result<(), String> {
    security::enable_privileges();
    let records = records::parse(data);
    let alone: Vec<PathBuf> =
        records.iter().filter(|record| record[0] == "folder").map(|record| plain(record[1])).collect();
    for record in &records {
        match record[..] {
            [_, "", ..] => {}
            ["tree", path, sddl, ref trusted @ ..] => {
                let (path, planted) = (plain(path), is_planted(&plain(path)));
                if planted {
                    set_aside(&path, trusted, log)?;
                }
                tree(&path, &Descriptor::parse(sddl)?, &alone, log)?;
                // Only now can nobody add anything any more.
                if planted && trusted.is_empty() && !is_empty(&path) {
                    return Err(format!(
                        "an ordinary user has put something into {}; remove it and install again",
                        path.display()
                    ));
                }
            }
            ["folder", path, sddl] => single(&plain(path), &Descriptor::parse(sddl)?, log)?,
            ["drop", path, sddl, account] => drop_folder(path, &Descriptor::parse(sddl)?, account, log)?,
            _ => return Err(format!("the record {record:?} of a folder is not known")),
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

/// Whether an ordinary user made a folder. Where not even Windows' own folder has an owner to be trusted, owners mean
/// nothing.
pub(super) fn is_planted(path: &Path) -> bool {
    // Before the transaction this runs as the administrator, who may not change the folder of Windows.
    let trusted = |path: &Path| open_with(path, 0).is_ok_and(|folder| Descriptor::owner_is_trusted(&folder));
    path.is_dir() && !trusted(path) && trusted(Path::new(&windows_folder()))
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// Takes files out of the way that the service would trust, and an ordinary user may have written.
fn set_aside(folder: &Path, names: &[&str], log: &dyn Fn(&str)) -> Result<(), String> {
    for name in names {
        let (file, aside) = (folder.join(name), folder.join(format!("{name}.untrusted")));
        match std::fs::rename(&file, &aside) {
            Ok(()) => {
                log(&format!("{}: written by an ordinary user, now {}", file.display(), aside.display()))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(format!("{} cannot be set aside: {error}", file.display())),
        }
    }
    Ok(())
}

/// The folders that are missing above one that is to be made: nobody else decides about them either.
pub(super) fn missing_above(path: &Path) -> Vec<PathBuf> {
    path.ancestors().skip(1).take_while(|folder| !folder.exists()).map(Path::to_path_buf).collect()
}

fn single(path: &Path, rights: &Descriptor, log: &dyn Fn(&str)) -> Result<(), String> {
    let folder = open_folder(path)?;
    if rights.is_on(&folder) {
        return Ok(());
    }
    log(&format!("{}: owner and access rights are set", path.display()));
    rights.put_on(&folder).map_err(|error| refused(path, &error))
}

fn tree(path: &Path, rights: &Descriptor, alone: &[PathBuf], log: &dyn Fn(&str)) -> Result<(), String> {
    let folder = open_folder(path)?;
    if rights.is_on(&folder) {
        // Nobody could have put anything in since this was done, and there may be very many reports.
        return Ok(());
    }
    log(&format!("{}: owner and access rights are set", path.display()));
    rights.put_on(&folder).map_err(|error| refused(path, &error))?;
    let mut folders = vec![path.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder)
            .map_err(|error| format!("{} cannot be listed: {error}", folder.display()))?;
        for entry in entries.flatten() {
            let path = entry.path();
            if alone.contains(&path) {
                continue;
            }
            let file = open(&path)?;
            rights.hand_down(&file).map_err(|error| refused(&path, &error))?;
            if file.metadata().is_ok_and(|metadata| metadata.is_dir()) && !is_link(&file) {
                folders.push(path);
            }
        }
    }
    Ok(())
}

/// A folder that people may have chosen because it was there: others may use it, too.
fn drop_folder(path: &str, rights: &Descriptor, account: &str, log: &dyn Fn(&str)) -> Result<(), String> {
    let name = plain(path);
    let made = std::fs::create_dir_all(name.parent().unwrap_or(&name)).and_then(|()| {
        // SAFETY: the name ends with a zero, and name and rights live until the call returns.
        match unsafe { CreateDirectoryW(wide(path.trim_end_matches('\\')).as_ptr(), &rights.attributes()) } {
            0 => Err(std::io::Error::last_os_error()),
            _ => Ok(()),
        }
    });
    match made {
        Ok(()) => {
            log(&format!("{path}: made, for everyone to drop files into"));
            Ok(())
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            security::allow(&open_folder(&name)?, account, MODIFY).map_err(|error| refused(&name, &error))
        }
        // A share may not let the machine in; its administrator decides.
        Err(error) if path.starts_with(r"\\") => {
            log(&format!("{path}: its access rights are left alone ({error})"));
            Ok(())
        }
        Err(error) => Err(format!("{path} cannot be made: {error}")),
    }
}

fn refused(path: &Path, error: &str) -> String {
    format!("the access rights of {} cannot be set: {error}", path.display())
}
