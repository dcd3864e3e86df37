//! Writes and removes the first configuration and the token, and removes everything at a purge.

use super::security::Descriptor;
use super::wide;
use crate::configuration::{self, Configuration, Copy};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::windows::io::FromRawHandle;
use std::path::{Path, PathBuf};
use std::ptr::null_mut;
use std::time::{Duration, Instant};
use wats_settings::token;
use windows_sys::Win32::Foundation::{ERROR_SHARING_VIOLATION, GENERIC_WRITE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::Storage::FileSystem::{CREATE_NEW, CreateFileW, FILE_ATTRIBUTE_NORMAL};

/// How long a process that has nothing left to do may take to end.
const END: Duration = Duration::from_secs(20);

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

/// The token in a file, as the line that is written; nothing if there is no such file. It is judged here as well,
/// because whoever asked for the installation may not have been allowed to look at it.
fn token_in(path: &Path) -> Result<Option<Vec<u8>>, String> {
    let mut content = Vec::new();
    let read = File::open(path)
        .and_then(|file| file.take(token::MAX_FILE_BYTES as u64 + 1).read_to_end(&mut content));
    match read {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(format!("{} cannot be read by the installation service: {error}", path.display()));
        }
    }
    let token = token::of_file(&content).map_err(|reason| format!("{}: {reason}", path.display()))?;
    Ok(Some(format!("{token}\r\n").into_bytes()))
}

/// Removes a file, if it is there.
fn remove(path: &Path) -> Result<(), String> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(format!("{} cannot be removed: {error}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Waits until no process runs a program any more. A service says that it has stopped before its process has ended, and
/// until then Windows neither replaces nor removes the file: that would be left to the next start of the machine.
pub(super) fn await_end(program: &Path, log: &dyn Fn(&str)) {
    let began = Instant::now();
    // A file that is run can be opened for everything but writing.
    while let Err(error) = File::options().write(true).open(program) {
        if error.raw_os_error() != Some(ERROR_SHARING_VIOLATION.cast_signed()) {
            return;
        }
        if began.elapsed() > END {
            log(&format!("{} is still running after {} s", program.display(), END.as_secs()));
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Writes the configuration, or, where it is there, the token that it names.
pub(super) fn write_configuration(wanted: &Configuration, log: &dyn Fn(&str)) -> Result<(), String> {
    let rights = Descriptor::parse(&wanted.sddl)?;
    if wanted.exists {
        return wanted.copies.iter().try_for_each(|copy| replace(&wanted.file, copy, &rights, log));
    }
    let Some(text) = &wanted.text else { return Ok(()) };
    for copy in &wanted.copies {
        let content = token_in(&copy.from)?;
        let content = content.ok_or_else(|| format!("{}: there is no such file", copy.from.display()))?;
        // One of an earlier installation, without a configuration that would name it.
        remove(&copy.to)?;
        write(&copy.to, &content, &rights)?;
    }
    let written = write(&wanted.file, text.as_bytes(), &rights);
    if written.is_err() {
        remove_copies(wanted);
    }
    written
}

/// Where a token is until the one that replaces it is there to stay.
fn aside(copy: &Copy) -> PathBuf {
    let mut name = copy.to.clone().into_os_string();
    name.push(".replaced");
    name.into()
}

/// Puts a token that was given later in the place of the earlier one, if the configuration names that. A file that is
/// not there any more was given to the first installation already.
fn replace(configuration: &Path, copy: &Copy, rights: &Descriptor, log: &dyn Fn(&str)) -> Result<(), String> {
    let (from, to, aside) = (copy.from.display(), &copy.to, aside(copy));
    // Left where Windows was told to do without commit actions.
    remove(&aside)?;
    let Some(content) = token_in(&copy.from)? else {
        log(&format!("{from} is not there, and {} stays as it is", to.display()));
        return Ok(());
    };
    let named = fs::read(configuration).map_err(|error| format!("cannot be read: {error}"));
    match named.and_then(|document| configuration::names(&document, copy)) {
        Ok(true) => {}
        Ok(false) => {
            log(&format!(
                "{from} is not used: {} does not have {} as its {}",
                configuration.display(),
                to.display(),
                copy.name
            ));
            return Ok(());
        }
        Err(reason) => {
            log(&format!("{from} is not used: {} {reason}", configuration.display()));
            return Ok(());
        }
    }
    if fs::read(to).is_ok_and(|earlier| earlier == content) {
        return Ok(());
    }
    match fs::rename(to, &aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(format!("{} cannot be replaced: {error}", to.display()));
        }
        _ => {}
    }
    let written = write(to, &content, rights);
    if written.is_err() {
        drop(fs::rename(&aside, to));
    } else {
        log(&format!("{} is replaced by what is in {from}", to.display()));
    }
    written
}

/// Removes the tokens that others have replaced.
pub(super) fn forget_replaced(written: &Configuration, log: &dyn Fn(&str)) {
    for copy in &written.copies {
        if let Err(error) = remove(&aside(copy)) {
            log(&error);
        }
    }
}

fn remove_copies(written: &Configuration) {
    for copy in &written.copies {
        drop(fs::remove_file(&copy.to));
    }
}

/// Removes what [`write_configuration`] wrote, and nothing else; what it replaced is brought back.
pub(super) fn remove_configuration(written: &Configuration) {
    for copy in written.copies.iter().filter(|_| written.exists) {
        // In one step: there is a token at every moment.
        drop(fs::rename(aside(copy), &copy.to));
    }
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
