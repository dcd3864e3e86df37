//! `artifacts.json` and `SHA256SUMS`: what is in the distribution folder and what it was made from.
//!
//! Both files are the same bits wherever the artifacts are: no times, no folders, sorted by name.

use crate::digest;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

const LIST: &str = "artifacts.json";
const SUMS: &str = "SHA256SUMS";

/// One finished artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Artifact {
    /// `deb`, `rpm` and so on.
    pub(crate) format: String,
    /// The Rust target triple of the program inside.
    pub(crate) target: String,
    /// Bytes.
    pub(crate) size: u64,
    /// SHA-256 of the file, hexadecimal.
    pub(crate) sha256: String,
    /// SHA-256 of the program inside, hexadecimal.
    pub(crate) program_sha256: String,
    /// Digest of everything that decides the bits: sources, manifest, compiler, version, time stamp.
    pub(crate) inputs: String,
    /// Compiler, standard library and linker.
    pub(crate) toolchain: String,
    /// The time in the artifact's headers, in seconds since 1970 UTC.
    pub(crate) source_date_epoch: u32,
}

/// The artifacts by file name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Artifacts(pub(crate) BTreeMap<String, Artifact>);

impl Artifacts {
    /// Reads the list of a distribution folder. A missing or unreadable list counts as empty: then
    /// everything is built.
    pub(crate) fn read(dist: &Path) -> Artifacts {
        let text = fs::read_to_string(dist.join(LIST)).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Whether `name` was made from `inputs` and is still what it was.
    pub(crate) fn is_current(&self, dist: &Path, name: &str, inputs: &str) -> bool {
        self.0.get(name).is_some_and(|artifact| {
            let file = dist.join(name);
            artifact.inputs == inputs
                && fs::metadata(&file).is_ok_and(|metadata| metadata.len() == artifact.size)
                && digest::sha256_file(&file).is_ok_and(|sha256| sha256 == artifact.sha256)
        })
    }

    /// Writes both lists, each by rename, and removes artifacts of an earlier list that are in none now.
    pub(crate) fn write(&self, dist: &Path, earlier: &Artifacts) -> Result<()> {
        for name in earlier.0.keys().filter(|name| !self.0.contains_key(*name)) {
            match fs::remove_file(dist.join(name)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("removing the outdated {name}"));
                }
                _ => {}
            }
        }
        let sums: String = self.0.iter().map(|(name, a)| format!("{}  {name}\n", a.sha256)).collect();
        write_file(dist, SUMS, &sums)?;
        write_file(dist, LIST, &(serde_json::to_string_pretty(self)? + "\n"))
    }
}

fn write_file(folder: &Path, name: &str, text: &str) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join(name);
    let writing = || format!("writing {}", path.display());
    let mut file =
        tempfile::Builder::new().prefix(".unfinished-").tempfile_in(folder).with_context(writing)?;
    file.write_all(text.as_bytes()).with_context(writing)?;
    file.as_file().set_permissions(fs::Permissions::from_mode(0o644)).with_context(writing)?;
    file.as_file().sync_all().with_context(writing)?;
    file.persist(&path).with_context(writing)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact(text: &str) -> Artifact {
        Artifact {
            format: "deb".into(),
            target: "t".into(),
            size: text.len() as u64,
            sha256: {
                let folder = tempfile::tempdir().unwrap();
                fs::write(folder.path().join("f"), text).unwrap();
                digest::sha256_file(&folder.path().join("f")).unwrap()
            },
            program_sha256: String::new(),
            inputs: "in".into(),
            toolchain: String::new(),
            source_date_epoch: 1,
        }
    }

    /// Fails if: a changed, missing or outdated artifact counts as current, or an outdated one stays.
    #[test]
    fn knows_what_is_current() {
        let dist = tempfile::tempdir().unwrap();
        let dist = dist.path();
        assert_eq!(Artifacts::read(dist), Artifacts::default());
        let list = Artifacts([("a".to_owned(), artifact("one")), ("b".to_owned(), artifact("two"))].into());
        fs::write(dist.join("a"), "one").unwrap();
        fs::write(dist.join("b"), "two").unwrap();
        list.write(dist, &Artifacts::default()).unwrap();
        let read = Artifacts::read(dist);
        assert_eq!(read, list);
        assert!(read.is_current(dist, "a", "in"));
        assert!(!read.is_current(dist, "a", "other"));
        assert!(!read.is_current(dist, "c", "in"));
        fs::write(dist.join("a"), "One").unwrap();
        assert!(!read.is_current(dist, "a", "in"));

        let fewer = Artifacts([("a".to_owned(), artifact("One"))].into());
        fewer.write(dist, &read).unwrap();
        assert!(!dist.join("b").exists());
        assert_eq!(fs::read_to_string(dist.join(SUMS)).unwrap().lines().count(), 1);
    }
}
