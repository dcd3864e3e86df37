//! `artifacts.json` and `SHA256SUMS`: what is in a folder of artifacts and what it was made from.
//!
//! Both files are the same bits wherever the artifacts are: no times, no folders, sorted by name.

use crate::digest;
use crate::programs::Program;
use crate::unfinished::{self, Unfinished};
use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// The list for machines.
pub const LIST: &str = "artifacts.json";
/// The list for `sha256sum --check`.
pub const SUMS: &str = "SHA256SUMS";

/// The version of the list's form.
const SCHEMA: u32 = 2;

/// One finished artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// Its name in `artifacts.toml`: `deb-amd64`.
    pub artifact: String,
    /// `deb`, `rpm` and so on.
    pub format: String,
    /// The version of the product: not every file has it in its name.
    pub version: String,
    /// The programs inside, without those inside its parts.
    pub programs: Vec<Program>,
    /// The artifacts it was made from.
    pub made_from: Vec<MadeFrom>,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// Digest of everything that decides the bits: sources, manifest, compiler, version, time stamp.
    pub inputs: String,
    /// Compiler, standard library and linker.
    pub toolchain: String,
    /// The time in the artifact's headers, in seconds since 1970 UTC.
    pub source_date_epoch: u32,
}

/// An artifact that another one was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MadeFrom {
    /// Its name in `artifacts.toml`.
    pub artifact: String,
    /// The name of its file.
    pub file: String,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
}

impl Artifact {
    /// Refuses a file with another size or digest than the artifact's.
    ///
    /// # Errors
    /// If they differ; the error says both.
    pub(crate) fn verify(&self, size: u64, sha256: &str) -> Result<()> {
        ensure!(size == self.size, "it has {size} bytes, and {LIST} says {}", self.size);
        ensure!(sha256 == self.sha256, "its SHA-256 is {sha256}, and {LIST} says {}", self.sha256);
        Ok(())
    }

    /// Refuses a file that is not the artifact.
    ///
    /// # Errors
    /// If it cannot be read, or has another size or content.
    pub fn verify_file(&self, path: &Path) -> Result<()> {
        let size = fs::metadata(path).with_context(|| format!("reading {}", path.display()))?.len();
        self.verify(size, &digest::sha256_file(path)?)
    }
}

/// The artifacts by file name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Artifacts(pub BTreeMap<String, Artifact>);

/// The list as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct List<T> {
    schema: u32,
    artifacts: T,
}

/// What can be read of a list of any schema.
#[derive(Deserialize)]
struct AnyList {
    schema: Option<u32>,
}

impl Artifacts {
    /// Reads the list of a folder; nothing if it has none.
    ///
    /// # Errors
    /// If the list cannot be read, is no list or one of another schema, or names what is no artifact of the folder.
    pub fn load(folder: &Path) -> Result<Option<Artifacts>> {
        let path = folder.join(LIST);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            text => text.with_context(|| format!("reading {}", path.display()))?,
        };
        let advice = || format!("{} is damaged: delete it and pack again what was listed", path.display());
        let schema = serde_json::from_str::<AnyList>(&text).with_context(advice)?.schema;
        if schema != Some(SCHEMA) {
            let older = schema.is_none_or(|schema| schema < SCHEMA);
            let (age, way) = if older {
                ("an older", "move the folder away or choose another, and make its artifacts again")
            } else {
                ("a newer", "use the version that wrote it, or choose another folder")
            };
            bail!("{} was written by {age} version of these tools: {way}", path.display());
        }
        let list: List<BTreeMap<String, Artifact>> = serde_json::from_str(&text).with_context(advice)?;
        for name in list.artifacts.keys() {
            check_name(name).with_context(advice)?;
        }
        Ok(Some(Artifacts(list.artifacts)))
    }

    /// The artifact of that name in `artifacts.toml`, with the name of its file.
    pub fn of_row(&self, name: &str) -> Option<(&str, &Artifact)> {
        let mut found = self.0.iter().filter(|(_, artifact)| artifact.artifact == name);
        found.next().map(|(file, artifact)| (file.as_str(), artifact))
    }

    /// Reads the list of a folder to which artifacts are to be added: those that are there still, and the
    /// names of those that are not. An artifact that is to be replaced need not be what the list says, and stays.
    ///
    /// What was removed is not missed: the new list is right without it. What was changed is: nobody
    /// should find it in no list, nor in one that vouches for the change.
    ///
    /// # Errors
    /// If the list cannot be read, or an artifact is not what it says.
    pub fn load_present(
        folder: &Path,
        is_replaced: impl Fn(&str, &Artifact) -> bool,
    ) -> Result<(Artifacts, Vec<String>)> {
        let mut list = Self::load(folder)?.unwrap_or_default();
        let mut gone = Vec::new();
        for (name, artifact) in list.0.iter().filter(|(name, artifact)| !is_replaced(name, artifact)) {
            let path = folder.join(name);
            if !path.try_exists().with_context(|| format!("looking for {}", path.display()))? {
                gone.push(name.clone());
                continue;
            }
            artifact.verify_file(&path).with_context(|| {
                format!("{} is not what was packed: delete it, then pack it again", path.display())
            })?;
        }
        list.0.retain(|name, _| !gone.contains(name));
        Ok((list, gone))
    }

    /// Whether `name` was made from `inputs` and is still what it was.
    pub fn is_current(&self, folder: &Path, name: &str, inputs: &str) -> bool {
        self.0.get(name).is_some_and(|artifact| {
            artifact.inputs == inputs && artifact.verify_file(&folder.join(name)).is_ok()
        })
    }

    /// Writes both lists, each by rename.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        self.prepare(folder)?.into_iter().try_for_each(|list| list.appear().map(|_| ()))
    }

    /// Both lists, which only wait for their names.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn prepare(&self, folder: &Path) -> Result<[Unfinished; 2]> {
        let sums: String = self.0.iter().map(|(name, a)| format!("{}  {name}\n", a.sha256)).collect();
        let list = serde_json::to_string_pretty(&List { schema: SCHEMA, artifacts: &self.0 })? + "\n";
        Ok([
            unfinished::prepare(folder, SUMS, sums.as_bytes())?,
            unfinished::prepare(folder, LIST, list.as_bytes())?,
        ])
    }

    /// Removes the artifacts of an earlier list that are in this one no more.
    ///
    /// # Errors
    /// If one cannot be removed.
    pub fn remove_outdated(&self, folder: &Path, earlier: &Artifacts) -> Result<()> {
        for name in earlier.0.keys().filter(|name| !self.0.contains_key(*name)) {
            match fs::remove_file(folder.join(name)) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("removing the outdated {name}"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Refuses names that lead out of the folder, that hide, or that a line of `SHA256SUMS` cannot express.
fn check_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._~+-".contains(c);
    let usable = name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(plain);
    ensure!(usable && ![LIST, SUMS].contains(&name), "{name:?} is not the name of an artifact");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact(text: &str) -> Artifact {
        Artifact {
            artifact: "deb-amd64".into(),
            format: "deb".into(),
            version: "1.2.3".into(),
            programs: vec![Program { name: "p".into(), target: "t".into(), sha256: String::new() }],
            made_from: Vec::new(),
            size: text.len() as u64,
            sha256: digest::sha256(text.as_bytes()),
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
        assert_eq!(Artifacts::load(dist).unwrap(), None);
        let list = Artifacts([("a".to_owned(), artifact("one")), ("b".to_owned(), artifact("two"))].into());
        fs::write(dist.join("a"), "one").unwrap();
        fs::write(dist.join("b"), "two").unwrap();
        list.write(dist).unwrap();
        let read = Artifacts::load(dist).unwrap().unwrap();
        assert_eq!(read, list);
        assert!(read.is_current(dist, "a", "in"));
        assert!(!read.is_current(dist, "a", "other"));
        assert!(!read.is_current(dist, "c", "in"));
        fs::write(dist.join("a"), "One").unwrap();
        assert!(!read.is_current(dist, "a", "in"));

        let fewer = Artifacts([("a".to_owned(), artifact("One"))].into());
        fewer.remove_outdated(dist, &read).unwrap();
        fewer.write(dist).unwrap();
        assert!(!dist.join("b").exists());
        assert_eq!(fs::read_to_string(dist.join(SUMS)).unwrap().lines().count(), 1);
    }

    /// Fails if: a list of another form is read as if it were of ours, or it is not said what to do with it.
    #[test]
    fn tells_older_and_newer_lists() {
        for (list, complaint) in [
            ("{}", "an older version"),
            ("{\"a.deb\": {\"format\": \"deb\"}}", "an older version"),
            ("{\"schema\": 1, \"artifacts\": {}}", "an older version"),
            ("{\"schema\": 3, \"anything\": []}", "a newer version"),
            ("{\"schema\": 2, \"artifacts\": {\"a.deb\": {}}}", "is damaged"),
            ("[]", "is damaged"),
            ("", "is damaged"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(LIST), list).unwrap();
            let error = format!("{:#}", Artifacts::load(folder.path()).expect_err(list));
            assert!(error.contains(complaint) && error.contains(LIST), "{error}");
        }
    }

    /// Fails if: a list that names anything but files of its own folder is believed.
    #[test]
    fn refuses_names_that_lead_elsewhere() {
        for name in ["", ".", "../a", "/a", "a/b", ".a", "-a", "a b", "a\nb", "a\\b", LIST, SUMS, "æ"] {
            let folder = tempfile::tempdir().unwrap();
            Artifacts([(name.to_owned(), artifact("one"))].into()).write(folder.path()).unwrap();
            let error = format!("{:#}", Artifacts::load(folder.path()).expect_err(name));
            assert!(error.contains("is not the name of an artifact"), "{error}");
        }
        check_name("sample_0.2.0~rc1+x-1_amd64.deb").unwrap();
    }
}
