//! Where the bundle goes: a new file that only its writer may read, complete or not at all, and outside of the folders
//! of the service.

use crate::config::Loaded;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The full path of the bundle, if it may be written there.
pub(super) fn place(output: Option<&Path>, loaded: &Loaded) -> Result<PathBuf, String> {
    let path = output.map_or_else(|| PathBuf::from(default_name()), Path::to_path_buf);
    let path = std::path::absolute(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(format!("{}: write the name of a file", path.display()));
    };
    let folder = fs::canonicalize(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    if let Some(own) = folder_of_service(&folder, loaded) {
        return Err(format!(
            "{} is in {}, which belongs to the service; write the bundle elsewhere: -o FILE",
            path.display(),
            own.display()
        ));
    }
    let path = folder.join(name);
    if path.symlink_metadata().is_ok() {
        return Err(taken(&path));
    }
    Ok(path)
}

fn taken(path: &Path) -> String {
    format!("{} exists and is not overwritten; choose another name: -o FILE", path.display())
}

/// The folder of the service in which another one lies.
fn folder_of_service(folder: &Path, loaded: &Loaded) -> Option<PathBuf> {
    let config = &loaded.config;
    let watched = config.watch_folders().into_iter();
    let folders = watched.flat_map(|watched| [watched.path, watched.done, watched.failed, watched.archive]);
    let mut folders = folders.chain([config.client.data_dir.clone()]);
    folders.find(|own| fs::canonicalize(own).is_ok_and(|own| folder.starts_with(own)))
}

/// `pywats-support-HOST-TIME.zip`.
fn default_name() -> String {
    let host: String =
        host().chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).take(40).collect();
    let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    let host = if host.is_empty() { "station" } else { &host };
    format!("pywats-support-{host}-{time}.zip")
}

#[cfg(unix)]
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(windows)]
fn host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

/// Writes a file that must not be there yet.
pub(super) fn write(path: &Path, content: &[u8]) -> Result<(), String> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = PathBuf::from(name);
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&part).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()?;
        drop(file);
        publish(&part, path)
    });
    written.map_err(|error| {
        drop(fs::remove_file(&part));
        if error.kind() == ErrorKind::AlreadyExists {
            taken(path)
        } else {
            format!("{} cannot be written: {error}", path.display())
        }
    })
}

/// Gives the file its last name, unless something has it.
fn publish(part: &Path, path: &Path) -> std::io::Result<()> {
    match fs::hard_link(part, path) {
        Ok(()) => fs::remove_file(part),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
        // A file system, as that of a memory stick, on which a file has one name only.
        Err(_) if path.symlink_metadata().is_ok() => Err(ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(part, path),
    }
}
