//! `signing.toml`: how it is read, by whoever signs and whoever verifies. `docs/signing.md` describes it.
//!
//! Paths are relative to its folder. An error never shows a value: somebody may have written a password where its
//! place belongs.

use crate::authenticode::Trust;
use crate::workspace;
use anyhow::{Result, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// The name of the file in the workspace.
pub(crate) const FILE: &str = "signing.toml";

/// The file of the workspace.
pub(crate) fn default_path() -> PathBuf {
    workspace::root().join(FILE)
}

/// Reads a file, or a part of it.
///
/// # Errors
/// If it cannot be read, or says what does not belong there.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    signing_settings::read(path, "docs/signing.md")
}

/// Whom a file says to trust.
#[derive(Default)]
pub(crate) struct Trusted {
    /// In what is for Windows.
    pub(crate) windows: Trust,
    /// In what is for macOS.
    pub(crate) apple: Trust,
}

/// Whom a file says to trust: the one that was chosen, or the workspace's, which may be missing. Nothing else of it
/// counts, so that the keys need not be there.
///
/// # Errors
/// If there is one that cannot be read, or it names files that are not there.
pub(crate) fn trust(chosen: Option<&Path>) -> Result<Trusted> {
    #[derive(Default, Deserialize)]
    struct OnlyTrust {
        #[serde(default)]
        trust: Trust,
    }
    #[derive(Deserialize)]
    struct Both {
        #[serde(default)]
        trust: Trust,
        #[serde(default)]
        apple: OnlyTrust,
    }
    let path = chosen.map_or_else(default_path, Path::to_owned);
    if chosen.is_none() && !path.is_file() {
        return Ok(Trusted::default());
    }
    let Both { trust: mut windows, apple: OnlyTrust { trust: mut apple } } = read(&path)?;
    find_files(&path, windows.paths_mut())?;
    find_files(&path, apple.paths_mut())?;
    Ok(Trusted { windows, apple })
}

/// The folder that the paths in a file are relative to.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// Finds the files that `path` names.
///
/// # Errors
/// If one is not there.
pub(crate) fn find_files(path: &Path, files: Vec<&mut PathBuf>) -> Result<()> {
    for file in files {
        *file = folder_of(path).join(&*file);
        ensure!(file.is_file(), "{} names {}, which is no file", path.display(), file.display());
    }
    Ok(())
}
