//! Puts folders of artifacts together into one, such as those that different machines made.

use crate::Folder;
use crate::artifacts::{Artifact, Artifacts, LIST};
use crate::digest;
use crate::unfinished::Unfinished;
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeMap;
use std::fs::{self, File};
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
    let copies: Vec<Unfinished> = found
        .iter()
        .map(|(name, found)| copy(&found.folder.join(name), found, out, name))
        .collect::<Result<_>>()?;
    let paths = copies.into_iter().map(Unfinished::appear).collect::<Result<_>>()?;
    Artifacts(found.into_iter().map(|(name, found)| (name, found.artifact)).collect()).write(out)?;
    Ok(paths)
}

/// Copies the artifacts of `base` into `out`, but those of the same names in `artifacts.toml` from `over`, where there
/// are such: what is signed takes the place of what is not. `name` says what each file is called there, if it gets there.
/// `out` is emptied of everything else.
///
/// # Errors
/// If a folder has no list, an artifact is not what its list says, or `out` cannot be written.
pub fn lay_over(
    base: &Path,
    over: Option<&Path>,
    name: impl Fn(&str) -> Option<String>,
    out: &Path,
) -> Result<Artifacts> {
    let folders = |folder: &Path| vec![folder.to_owned()];
    let (base, over) = (folders(base), over.map(folders).unwrap_or_default());
    let (mut found, above) = (find(&base)?, find(&over)?);
    found.retain(|_, below| above.values().all(|it| it.artifact.artifact != below.artifact.artifact));
    found.extend(above);
    let found: Vec<(String, String, Found<'_>)> =
        found.into_iter().filter_map(|(old, found)| Some((name(&old)?, old, found))).collect();
    let lock = Folder::open(out)?;
    let copies: Vec<Unfinished> = found
        .iter()
        .map(|(name, old, found)| copy(&found.folder.join(old), found, out, name))
        .collect::<Result<_>>()?;
    for entry in fs::read_dir(lock.path()).with_context(|| format!("reading {}", out.display()))? {
        let path = entry.with_context(|| format!("reading {}", out.display()))?.path();
        let is_unfinished = |copy: &Unfinished| copy.unfinished_path().file_name() == path.file_name();
        if !copies.iter().any(is_unfinished) {
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.with_context(|| format!("removing {}, which is made again", path.display()))?;
        }
    }
    copies.into_iter().try_for_each(|copy| copy.appear().map(drop))?;
    let list = Artifacts(found.into_iter().map(|(name, _, found)| (name, found.artifact)).collect());
    list.write(out)?;
    Ok(list)
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
fn copy(path: &Path, found: &Found<'_>, out: &Path, name: &str) -> Result<Unfinished> {
    let mut source = File::open(path).with_context(|| {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes artifacts: the name in the table, the file and its content.
    fn folder_of(folder: &Path, artifacts: &[[&str; 3]]) {
        let mut list = Artifacts::default();
        fs::create_dir_all(folder).unwrap();
        for [artifact, name, content] in artifacts {
            fs::write(folder.join(name), content).unwrap();
            let artifact = Artifact {
                artifact: (*artifact).to_owned(),
                format: "deb".to_owned(),
                version: "1.0.0".to_owned(),
                programs: Vec::new(),
                made_from: Vec::new(),
                size: content.len() as u64,
                sha256: digest::sha256(content.as_bytes()),
                inputs: String::new(),
                toolchain: String::new(),
                source_date_epoch: 1,
            };
            list.0.insert((*name).to_owned(), artifact);
        }
        list.write(folder).unwrap();
    }

    /// Fails if: an unsigned artifact lies beside, or instead of, the signed one, something of an earlier time stays, what
    /// was left out comes along, or a damaged file is taken.
    #[test]
    fn lays_over() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        folder_of(
            &place("base"),
            &[["msi", "a.msi", "unsigned"], ["deb", "a~b.deb", "deb"], ["card", "a.img", "card"]],
        );
        folder_of(&place("over"), &[["msi", "a-signed.msi", "signed"]]);
        fs::create_dir_all(place("out/sub")).unwrap();
        fs::write(place("out/old.deb"), "").unwrap();
        let name = |name: &str| (name != "a.img").then(|| name.replace('~', "."));
        let list = lay_over(&place("base"), Some(&place("over")), name, &place("out")).unwrap();
        assert_eq!(list.0.keys().collect::<Vec<_>>(), ["a-signed.msi", "a.b.deb"]);
        let mut names: Vec<_> =
            fs::read_dir(place("out")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["SHA256SUMS", "a-signed.msi", "a.b.deb", "artifacts.json"]);
        fs::write(place("base/a~b.deb"), "DEB").unwrap();
        assert!(lay_over(&place("base"), None, name, &place("out")).is_err());
        assert_eq!(fs::read_to_string(place("out/a.b.deb")).unwrap(), "deb");
    }
}
