//! Files of the system that are written, copied and removed.

use super::steps::{Step, undo};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Writes a file in one piece: what was there stays until all of it is written.
pub(super) fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), String> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = PathBuf::from(name);
    let written =
        fs::File::options().write(true).create_new(true).mode(mode).open(&new).and_then(|mut file| {
            file.write_all(content)?;
            // Whatever the umask is.
            file.set_permissions(fs::Permissions::from_mode(mode))?;
            file.sync_all()?;
            fs::rename(&new, path)
        });
    written.map_err(|error| {
        drop(fs::remove_file(&new));
        format!("{} cannot be written: {error}", path.display())
    })
}

/// Removes a file, if it is there.
pub(super) fn remove(path: &Path) -> Result<(), String> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("{} cannot be removed: {error}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Copies the program, which people know as `from`, to where the service can run it. What was there comes back if the
/// installation fails.
pub(super) fn copy(from: &Path, content: PathBuf, to: PathBuf) -> Step {
    Step::new(format!("copy {} to {}", from.display(), to.display()), move || {
        let program = fs::read(&content).map_err(|error| format!("{}: {error}", content.display()))?;
        let before = fs::read(&to).ok();
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        write(&to, &program, 0o755)?;
        Ok(undo(move || match before {
            Some(before) => write(&to, &before, 0o755),
            None => remove(&to),
        }))
    })
}

/// Removes a file, if it is there.
pub(super) fn remove_file(path: PathBuf) -> Step {
    Step::new(format!("remove {}", path.display()), move || remove(&path).map(|()| None))
}
