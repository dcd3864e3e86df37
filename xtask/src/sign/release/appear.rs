//! How files appear: whatever can fail is done before, so that nothing is left but to rename.

use crate::process::stop_if_interrupted;
use anyhow::{Context, Result};
use packager::artifacts;
use packager::unfinished::PREFIX;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Folders that were made, outermost first. Those in which nothing is are removed again.
#[derive(Default)]
pub(super) struct NewFolders(Vec<PathBuf>);

impl NewFolders {
    /// Makes a folder, with those around it.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(super) fn make(&mut self, folder: &Path) -> Result<()> {
        let missing: Vec<PathBuf> = folder
            .ancestors()
            .take_while(|path| !path.as_os_str().is_empty() && !path.exists())
            .map(Path::to_owned)
            .collect();
        self.0.extend(missing.into_iter().rev());
        fs::create_dir_all(folder).with_context(|| {
            format!("making the folder {}: choose a place that you may write to", folder.display())
        })
    }
}

impl Drop for NewFolders {
    fn drop(&mut self) {
        for folder in self.0.iter().rev() {
            // Fails where something is in it, which then is to stay.
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Keeps other runs out of a folder, and removes what one that was killed left there.
///
/// # Errors
/// If the folder cannot be written, or somebody interrupts the waiting for another run.
pub(super) fn enter(folder: &Path) -> Result<Option<File>> {
    let mut is_told = false;
    let lock = artifacts::lock_while(folder, || {
        if !is_told {
            eprintln!("another run is writing to {}: waiting for its end", folder.display());
            is_told = true;
        }
        stop_if_interrupted()
    })?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let path = entry.path();
        let removed =
            if entry.file_type()?.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.with_context(|| format!("removing {}", path.display()))?;
    }
    Ok(lock)
}
