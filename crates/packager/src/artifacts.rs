//! `artifacts.json` and `SHA256SUMS`: what is in a folder of artifacts and what it was made from.
//!
//! Both files are the same bits wherever the artifacts are: no times, no folders, sorted by name.

use crate::digest;
use crate::format::{self, Format, Package};
use crate::unfinished::{self, Unfinished};
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The list for machines.
pub const LIST: &str = "artifacts.json";
/// The list for `sha256sum --check`.
pub const SUMS: &str = "SHA256SUMS";

/// One finished artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// `deb`, `rpm` and so on.
    pub format: String,
    /// The Rust target triple of the program inside.
    pub target: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// SHA-256 of the program inside, hexadecimal.
    pub program_sha256: String,
    /// Digest of everything that decides the bits: sources, manifest, compiler, version, time stamp.
    pub inputs: String,
    /// Compiler, standard library and linker.
    pub toolchain: String,
    /// The time in the artifact's headers, in seconds since 1970 UTC.
    pub source_date_epoch: u32,
}

/// What is recorded of an artifact that the artifact does not say: where its program comes from.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The compiled program.
    pub program: &'a Path,
    /// The Rust target triple of the program.
    pub target: &'a str,
    /// Digest of everything that decides the bits.
    pub inputs: &'a str,
    /// Compiler, standard library and linker.
    pub toolchain: &'a str,
}

impl Artifact {
    /// Writes a package into `folder` as [`format::write_into`] does. Returns where it is and what there is
    /// to say of it; the folder's lists are left as they are.
    ///
    /// # Errors
    /// If it cannot be written, or the program cannot be read.
    pub fn make(
        folder: &Path,
        format: &dyn Format,
        package: &Package<'_>,
        origin: Origin<'_>,
    ) -> Result<(PathBuf, Artifact)> {
        let path = format::write_into(folder, format, package)?;
        let size = fs::metadata(&path).with_context(|| format!("reading {}", path.display()))?.len();
        let artifact = Artifact {
            format: format.name().to_owned(),
            target: origin.target.to_owned(),
            size,
            sha256: digest::sha256_file(&path)?,
            program_sha256: digest::sha256_file(origin.program)?,
            inputs: origin.inputs.to_owned(),
            toolchain: origin.toolchain.to_owned(),
            source_date_epoch: package.epoch,
        };
        Ok((path, artifact))
    }

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
    fn verify_file(&self, path: &Path) -> Result<()> {
        let size = fs::metadata(path).with_context(|| format!("reading {}", path.display()))?.len();
        self.verify(size, &digest::sha256_file(path)?)
    }
}

/// The artifacts by file name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifacts(pub BTreeMap<String, Artifact>);

impl Artifacts {
    /// Reads the list of a folder. A missing or unreadable list counts as empty: for those who make
    /// everything again that is not listed.
    pub fn read(folder: &Path) -> Artifacts {
        Self::load(folder).ok().flatten().unwrap_or_default()
    }

    /// Reads the list of a folder; nothing if it has none.
    ///
    /// # Errors
    /// If the list cannot be read, is no list, or names what is no artifact of the folder.
    pub fn load(folder: &Path) -> Result<Option<Artifacts>> {
        let path = folder.join(LIST);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            text => text.with_context(|| format!("reading {}", path.display()))?,
        };
        let advice = || format!("{} is damaged: delete it and pack again what was listed", path.display());
        let list: Artifacts = serde_json::from_str(&text).with_context(advice)?;
        for name in list.0.keys() {
            check_name(name).with_context(advice)?;
        }
        Ok(Some(list))
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
        let list = serde_json::to_string_pretty(self)? + "\n";
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

/// Keeps others from adding to the lists of a folder, which is made if need be, until the result is
/// dropped: of two that add at once, one would lose its entry. Leaves nothing behind.
///
/// # Errors
/// If the folder cannot be made or read.
pub fn lock(folder: &Path) -> Result<Option<File>> {
    lock_while(folder, || Ok(()))
}

/// The same, but as long as somebody else has the lock, `waiting` is asked ten times a second whether to
/// go on waiting.
///
/// # Errors
/// If the folder cannot be made or read, or `waiting` says so.
pub fn lock_while(folder: &Path, mut waiting: impl FnMut() -> Result<()>) -> Result<Option<File>> {
    let doing = || format!("making the folder {}: choose a place that you may write to", folder.display());
    fs::create_dir_all(folder).with_context(doing)?;
    if cfg!(not(unix)) {
        return Ok(None);
    }
    let file = File::open(folder).with_context(doing)?;
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

    fn artifact(text: &str) -> Artifact {
        Artifact {
            format: "deb".into(),
            target: "t".into(),
            size: text.len() as u64,
            sha256: digest::sha256(text.as_bytes()),
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
        list.write(dist).unwrap();
        let read = Artifacts::read(dist);
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

    /// Fails if: a list that names anything but files of its own folder is believed.
    #[test]
    fn refuses_names_that_lead_elsewhere() {
        for name in ["", ".", "../a", "/a", "a/b", ".a", "-a", "a b", "a\nb", "a\\b", LIST, SUMS, "æ"] {
            let folder = tempfile::tempdir().unwrap();
            Artifacts([(name.to_owned(), artifact("one"))].into()).write(folder.path()).unwrap();
            let error = format!("{:#}", Artifacts::load(folder.path()).expect_err(name));
            assert!(error.contains("is not the name of an artifact"), "{error}");
            assert_eq!(Artifacts::read(folder.path()), Artifacts::default(), "{name}");
        }
        check_name("sample_0.2.0~rc1+x-1_amd64.deb").unwrap();
    }
}
