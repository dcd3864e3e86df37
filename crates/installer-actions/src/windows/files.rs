//! Writes and removes the first configuration, and removes everything at a purge.

use super::security::Descriptor;
use super::wide;
use crate::configuration::Configuration;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::windows::io::FromRawHandle;
use std::path::Path;
use std::ptr::null_mut;
use windows_sys::Win32::Foundation::{GENERIC_WRITE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::Storage::FileSystem::{CREATE_NEW, CreateFileW, FILE_ATTRIBUTE_NORMAL};

/// A file that did not exist, with its access rights from the first moment on.
fn create(path: &Path, rights: &Descriptor) -> io::Result<File> {
    let name = wide(&path.to_string_lossy());
    let attributes = rights.attributes();
    // SAFETY: name and attributes live until the call returns.
    let handle = unsafe {
        CreateFileW(
            name.as_ptr(),
            GENERIC_WRITE,
            0,
            &raw const attributes,
            CREATE_NEW,
            FILE_ATTRIBUTE_NORMAL,
            null_mut(),
        )
    };
    if handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle is open, and nobody else has it.
    Ok(unsafe { File::from_raw_handle(handle) })
}

fn write(path: &Path, content: &[u8], rights: &Descriptor) -> Result<(), String> {
    let written = create(path, rights).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()
    });
    written.map_err(|error| {
        // Half a file would be taken for a configuration.
        drop(fs::remove_file(path));
        format!("{} cannot be written: {error}", path.display())
    })
}

/// Writes the configuration, which is not there yet.
pub(super) fn write_configuration(wanted: &Configuration) -> Result<(), String> {
    let Some(text) = &wanted.text else { return Ok(()) };
    let rights = Descriptor::parse(&wanted.sddl)?;
    for (from, to) in &wanted.copies {
        let content = fs::read(from).map_err(|error| {
            format!("{} cannot be read by the installation service: {error}", from.display())
        })?;
        // One of an earlier installation, without a configuration that would name it.
        if to.exists() {
            fs::remove_file(to).map_err(|error| format!("{} cannot be replaced: {error}", to.display()))?;
        }
        write(to, &content, &rights)?;
    }
    let written = write(&wanted.file, text.as_bytes(), &rights);
    if written.is_err() {
        remove_copies(wanted);
    }
    written
}

fn remove_copies(written: &Configuration) {
    for (_, copy) in &written.copies {
        drop(fs::remove_file(copy));
    }
}

/// Removes what [`write_configuration`] wrote, and nothing else.
pub(super) fn remove_configuration(written: &Configuration) {
    let Some(text) = &written.text else { return };
    if fs::read(&written.file).is_ok_and(|content| content == text.as_bytes()) {
        drop(fs::remove_file(&written.file));
        remove_copies(written);
    }
}

/// Removes folders with everything in them; links are removed, not what they lead to.
pub(super) fn purge(folders: &[&str], log: &dyn Fn(&str)) {
    for folder in folders {
        match fs::remove_dir_all(folder.trim_end_matches('\\')) {
            Ok(()) => log(&format!("{folder} is removed with everything in it")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => log(&format!("{folder} cannot be removed completely: {error}")),
        }
    }
}
