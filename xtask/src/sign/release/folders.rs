//! Folders that a run makes, and leaves behind only if something is in them.

use anyhow::{Context, Result};
use std::fs;
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
