//! Files of the system that are written, copied and removed.

use super::steps::{Step, undo};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
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
        let before = fs::metadata(&to).and_then(|metadata| Ok((fs::read(&to)?, metadata.permissions())));
        let made = make_folders(to.parent().unwrap_or(Path::new("/")))?;
        let unmake = move || made.iter().for_each(|folder| drop(fs::remove_dir(folder)));
        if let Err(error) = write(&to, &program, 0o755) {
            unmake();
            return Err(error);
        }
        Ok(undo(move || match before {
            Ok((before, permissions)) => write(&to, &before, permissions.mode() & 0o7777),
            Err(_) => remove(&to).map(|()| unmake()),
        }))
    })
}

/// Makes a folder and those above it that are missing, which root alone may change, whatever the umask is. Returns
/// those that it made, the innermost first.
fn make_folders(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let missing: Vec<_> = folder.ancestors().take_while(|path| !path.exists()).collect();
    for path in missing.iter().rev() {
        // Until then it is closed.
        let made = fs::DirBuilder::new().mode(0o700).create(path);
        made.and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o755)))
            .map_err(|error| format!("{} cannot be made: {error}", path.display()))?;
    }
    Ok(missing.into_iter().map(Path::to_owned).collect())
}

/// Removes a file, if it is there.
pub(super) fn remove_file(path: PathBuf) -> Step {
    Step::new(format!("remove {}", path.display()), move || remove(&path).map(|()| None))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: folders are made by the umask, those that were there are changed, or not all is undone.
    #[test]
    fn folders_are_roots_alone_and_are_undone() {
        let there = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        fs::set_permissions(there.path(), fs::Permissions::from_mode(0o710)).unwrap();
        let made = make_folders(&there.path().join("a/b")).unwrap();
        assert_eq!(made, [there.path().join("a/b"), there.path().join("a")]);
        assert!(made.iter().all(|folder| mode(folder) == 0o755));
        assert_eq!(mode(there.path()), 0o710);
        assert!(make_folders(&there.path().join("a/b")).unwrap().is_empty());
    }
}
