//! The detached signatures of a release in one file, the same bits wherever it is made.

use crate::repository::gz;
use crate::signatures::WAITING;
use anyhow::{Context, Result};
use packager::digest::collect_files;
use packager::unfinished;
use std::fs;
use std::path::Path;

/// The folder in the archive.
const FOLDER: &str = "signatures";

/// Packs a folder without one of its own, and without what is waited for; nothing, if it is empty.
///
/// # Errors
/// If a file cannot be read.
pub(super) fn make(folder: &Path, left_out: &str, time: u32) -> Result<Option<Vec<u8>>> {
    let mut paths = Vec::new();
    if folder.exists() {
        collect_files(folder, &mut paths)?;
    }
    let mut names = Vec::new();
    for path in paths {
        let name = path
            .strip_prefix(folder)?
            .to_str()
            .with_context(|| format!("{} is not UTF-8: it is no signature, move it away", path.display()))?;
        let is_unfinished = name.split('/').any(|part| part.starts_with(unfinished::PREFIX));
        let is_waited_for = path.extension().is_some_and(|end| end == WAITING);
        if !is_unfinished && !is_waited_for && name.split('/').next() != Some(left_out) {
            names.push(name.to_owned());
        }
    }
    if names.is_empty() {
        return Ok(None);
    }
    names.sort();
    let mut archive = tar::Builder::new(Vec::new());
    for name in names {
        let path = folder.join(&name);
        let content = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_mtime(time.into());
        header.set_size(u64::try_from(content.len())?);
        archive.append_data(&mut header, format!("{FOLDER}/{name}"), &*content)?;
    }
    Ok(Some(gz(&archive.into_inner()?)?))
}
