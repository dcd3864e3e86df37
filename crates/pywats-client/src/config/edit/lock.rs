//! One command at a time changes a configuration file.

use super::EditError;
use std::fs::File;
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// How long a command waits for another one, which may be restarting the service.
pub(super) const LONGEST: Duration = Duration::from_secs(120);

/// Waits until nobody else holds it. It is given back when it is dropped, however the process ends. Where there is no
/// folder yet, or this account may not lock anything in it, there is nothing to hold: writing judges that.
///
/// # Errors
/// If the other one holds it for too long.
pub(super) fn take(path: &Path, longest: Duration) -> Result<Option<File>, EditError> {
    let begun = Instant::now();
    loop {
        match try_to(path) {
            Ok(Some(lock)) => return Ok(Some(lock)),
            Ok(None) if begun.elapsed() < longest => thread::sleep(Duration::from_millis(20)),
            Ok(None) => return Err(EditError::Busy(path.to_owned())),
            Err(_) => return Ok(None),
        }
    }
}

/// The lock, or nothing if somebody has it: of the folder, since the file itself is replaced.
#[cfg(unix)]
fn try_to(path: &Path) -> io::Result<Option<File>> {
    use std::fs::TryLockError;
    let folder = File::open(path.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
    match folder.try_lock() {
        Ok(()) => Ok(Some(folder)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The lock, or nothing if somebody has it. Folders cannot be locked, so this is a file that is there as long as one
/// process has it open.
#[cfg(windows)]
fn try_to(path: &Path) -> io::Result<Option<File>> {
    use std::os::windows::fs::OpenOptionsExt;
    use windows_sys::Win32::Foundation::{ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION};
    use windows_sys::Win32::Storage::FileSystem::FILE_FLAG_DELETE_ON_CLOSE;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    let place = path.with_file_name(name);
    let mut options = File::options();
    options.write(true).create(true).share_mode(0).custom_flags(FILE_FLAG_DELETE_ON_CLOSE);
    let code = |error: &io::Error| error.raw_os_error().map(i32::cast_unsigned);
    match options.open(&place) {
        Ok(lock) => Ok(Some(lock)),
        Err(error) if code(&error) == Some(ERROR_SHARING_VIOLATION) => Ok(None),
        // So it is called, too, while the one before it is being removed.
        Err(error) if code(&error) == Some(ERROR_ACCESS_DENIED) && place.exists() => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::edit::{Document, setting};
    use serde_json::Value;

    /// Fails if: one of several commands that change the same file at the same time loses what another has written.
    #[test]
    fn changes_wait_for_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        std::fs::write(&path, "{}").unwrap();
        let keys = ["station.name", "station.location", "station.purpose", "server.url"];
        thread::scope(|scope| {
            for key in keys {
                scope.spawn(|| {
                    let setting = setting(key).unwrap();
                    let mut document = Document::open(&path).unwrap();
                    thread::sleep(Duration::from_millis(20));
                    document.set(setting, Some(Value::from("https://x.example"))).unwrap();
                    document.write().unwrap();
                });
            }
        });
        let document = Document::open(&path).unwrap();
        for key in keys {
            assert!(document.get(setting(key).unwrap()).is_some(), "{key} is lost");
        }
        let held = take(&path, Duration::ZERO).unwrap_err();
        assert!(matches!(held, EditError::Busy(_)), "{held}");
        drop(document);
        assert!(take(&path, Duration::ZERO).unwrap().is_some());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "a lock is left");
    }
}
