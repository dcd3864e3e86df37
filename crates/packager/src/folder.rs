//! A folder of artifacts that is being written to: one writer at a time, and nothing half-written left in it.

use crate::unfinished::PREFIX;
use anyhow::{Context, Result};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A folder that nobody else writes to as long as this lives. Leaves nothing behind.
pub struct Folder {
    path: PathBuf,
    _lock: Option<File>,
}

impl Folder {
    /// Makes the folder if need be, waits for another writer to end, and removes what one that was killed left.
    ///
    /// # Errors
    /// If the folder cannot be made, read or tidied up.
    pub fn open(path: &Path) -> Result<Folder> {
        Folder::open_while(path, || Ok(()))
    }

    /// The same, but as long as somebody else writes, `waiting` is asked ten times a second whether to go on waiting.
    ///
    /// # Errors
    /// If the folder cannot be made, read or tidied up, or `waiting` says so.
    pub fn open_while(path: &Path, waiting: impl FnMut() -> Result<()>) -> Result<Folder> {
        let doing = || format!("making the folder {}: choose a place that you may write to", path.display());
        fs::create_dir_all(path).with_context(doing)?;
        let path = path.canonicalize().with_context(doing)?;
        let lock = lock(&path, waiting).with_context(doing)?;
        let folder = Folder { path, _lock: lock };
        folder.tidy_up()?;
        Ok(folder)
    }

    /// Where it is, whichever folder is the current one.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn tidy_up(&self) -> Result<()> {
        let reading = || format!("reading {}", self.path.display());
        for entry in fs::read_dir(&self.path).with_context(reading)? {
            let entry = entry.with_context(reading)?;
            if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
                continue;
            }
            let path = entry.path();
            let removed = if entry.file_type().with_context(reading)?.is_dir() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            };
            removed.with_context(|| format!("removing {}, which was never finished", path.display()))?;
        }
        Ok(())
    }
}

fn lock(path: &Path, mut waiting: impl FnMut() -> Result<()>) -> Result<Option<File>> {
    if cfg!(not(unix)) {
        return Ok(None);
    }
    let file = File::open(path)?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) => waiting()?,
            // Where the file system has no locks, as some network ones, it has to do without.
            Err(TryLockError::Error(_)) => return Ok(None),
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: what a killed run left stays, what is finished goes, or two write at once.
    #[test]
    fn has_one_writer_and_is_tidy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        fs::create_dir_all(path.join(".unfinished-d/sub")).unwrap();
        for name in [".unfinished-x", "kept"] {
            fs::write(path.join(name), "").unwrap();
        }
        let first = Folder::open(&path).unwrap();
        let names: Vec<_> = fs::read_dir(first.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["kept"]);
        if cfg!(unix) {
            let second = Folder::open_while(&path, || anyhow::bail!("somebody writes"));
            assert!(format!("{:#}", second.err().unwrap()).contains("somebody writes"));
        }
        drop(first);
        Folder::open_while(&path, || anyhow::bail!("somebody writes")).unwrap();
    }
}
