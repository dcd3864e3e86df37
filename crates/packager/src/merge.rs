//! Puts folders of artifacts together into one, such as those that different machines made.

use crate::Folder;
use crate::artifacts::{Artifact, Artifacts, LIST};
use crate::digest;
use crate::unfinished::Unfinished;
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// An artifact and the folder it is taken from.
struct Found<'a> {
    folder: &'a Path,
    artifact: Artifact,
}

/// Copies the artifacts of all `folders` into `out`, with lists of them all, and returns their paths.
///
/// The result depends on what is in the folders, not on their order. `out` may be one of them. Nothing
/// appears before every artifact was found to be what the list of its folder says.
///
/// # Errors
/// If a folder has no list, an artifact is not what its list says, two folders have different artifacts of
/// one name, `out` lists an artifact that none of the folders has, or `out` cannot be written.
pub fn merge(folders: &[PathBuf], out: &Path) -> Result<Vec<PathBuf>> {
    let found = find(folders)?;
    let _lock = Folder::open(out)?;
    refuse_to_forget(&found, out)?;
    let copies: Vec<Unfinished> =
        found.iter().map(|(name, found)| copy(name, found, out)).collect::<Result<_>>()?;
    let paths = copies.into_iter().map(Unfinished::appear).collect::<Result<_>>()?;
    Artifacts(found.into_iter().map(|(name, found)| (name, found.artifact)).collect()).write(out)?;
    Ok(paths)
}

/// What all folders list, by name.
fn find(folders: &[PathBuf]) -> Result<BTreeMap<String, Found<'_>>> {
    let mut all: BTreeMap<String, Found<'_>> = BTreeMap::new();
    for folder in folders {
        let list = Artifacts::load(folder)?.with_context(|| {
            format!("{} has no {LIST}: name a folder that `packager pack` wrote", folder.display())
        })?;
        for (name, artifact) in list.0 {
            if let Some(other) = all.get(&name) {
                refuse_difference(&name, other, &Found { folder, artifact })?;
            } else {
                all.insert(name, Found { folder, artifact });
            }
        }
    }
    Ok(all)
}

/// Equal files whose records differ are refused as well: which record is listed must not depend on the
/// order of the folders.
fn refuse_difference(name: &str, one: &Found<'_>, other: &Found<'_>) -> Result<()> {
    if one.artifact == other.artifact {
        return Ok(());
    }
    let what = if one.artifact.sha256 == other.artifact.sha256 {
        "the same file, but their lists say different things of it"
    } else {
        "different files"
    };
    bail!(
        "{name}: {} and {} have {what}; leave one of the folders out or pack it again",
        one.folder.display(),
        other.folder.display()
    );
}

/// What is in `out` from before is replaced, but never dropped from its lists or removed.
fn refuse_to_forget(found: &BTreeMap<String, Found<'_>>, out: &Path) -> Result<()> {
    let earlier = Artifacts::load(out)?.unwrap_or_default();
    if let Some(name) = earlier.0.keys().find(|name| !found.contains_key(*name)) {
        bail!(
            "{} lists {name}, which is in none of the folders to merge: \
             name it among them too to keep what it has, or choose an empty folder",
            out.display()
        );
    }
    Ok(())
}

/// A copy of an artifact that waits for its name. What was written is verified, not what was read before.
fn copy(name: &str, found: &Found<'_>, out: &Path) -> Result<Unfinished> {
    let path = found.folder.join(name);
    let mut source = File::open(&path).with_context(|| {
        format!("opening {}, which {LIST} lists: pack it again if it is lost", path.display())
    })?;
    let is_file = source.metadata().is_ok_and(|metadata| metadata.is_file());
    ensure!(is_file, "{} is not a file: pack it again", path.display());
    let copy = Unfinished::begin(out, name)?;
    let size = io::copy(&mut source, &mut copy.file())
        .with_context(|| format!("copying {} to {}", path.display(), out.display()))?;
    let sha256 = digest::sha256_file(copy.unfinished_path())?;
    found
        .artifact
        .verify(size, &sha256)
        .with_context(|| format!("{} is damaged: pack it again", path.display()))?;
    copy.seal()?;
    Ok(copy)
}
