//! The files of a release, as a stranger gets them: in a folder, or still on a server. Names and sizes are those that
//! somebody else wrote.

use crate::fetch::Remote;
use crate::sums::{self, Sums};
use anyhow::{Context, Result, ensure};
use packager::artifacts::SUMS;
use packager::digest::sha256_file;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::PathBuf;

/// The largest list, signature or key.
const SMALL: u64 = 1 << 20;
/// The largest file that is read as a whole.
pub(super) const WHOLE: u64 = 1 << 29;
/// The largest file.
const LARGEST: u64 = 1 << 32;

/// See the [module](self).
pub(super) struct Release {
    pub(super) folder: PathBuf,
    remote: Option<Remote>,
    pub(super) sums: Sums,
    /// The digests of the files that are there.
    pub(super) digests: BTreeMap<String, String>,
}

impl Release {
    /// Reads the list.
    ///
    /// # Errors
    /// If it is not there, or is none.
    pub(super) fn open(folder: PathBuf, remote: Option<Remote>) -> Result<Release> {
        let mut release = Release { folder, remote, sums: Sums::default(), digests: BTreeMap::new() };
        for name in [SUMS, sums::OPENPGP, sums::SSH] {
            release.fetch(name, SMALL)?;
        }
        let list = release.small(SUMS)?;
        release.sums = Sums::parse(&list)?;
        Ok(release)
    }

    /// Downloads a file, if the release is on a server and has it.
    fn fetch(&self, name: &str, most: u64) -> Result<()> {
        if let Some(remote) = &self.remote {
            remote.fetch(name, most, &self.folder)?;
        }
        Ok(())
    }

    /// Downloads a small file that the list names.
    ///
    /// # Errors
    /// If the server does not answer.
    pub(super) fn fetch_small(&self, name: &str) -> Result<()> {
        self.fetch(name, SMALL)
    }

    /// The same, if the list names it.
    ///
    /// # Errors
    /// If the server does not answer.
    pub(super) fn fetch_small_if_listed(&self, name: &str) -> Result<()> {
        if self.sums.0.contains_key(name) { self.fetch_small(name) } else { Ok(()) }
    }

    /// Whether it is on a server.
    pub(super) fn is_remote(&self) -> bool {
        self.remote.is_some()
    }

    /// Downloads everything that the list names and that is not there yet.
    ///
    /// # Errors
    /// If the server does not answer.
    pub(super) fn fetch_all(&self) -> Result<()> {
        if self.remote.is_none() {
            return Ok(());
        }
        for (number, (name, digest)) in self.sums.0.iter().enumerate() {
            let path = self.folder.join(name);
            if path.is_file() && sha256_file(&path)? == *digest {
                continue;
            }
            eprintln!("fetching {name} ({} of {})", number + 1, self.sums.0.len());
            self.fetch(name, LARGEST)?;
        }
        Ok(())
    }

    /// The digest of a file, nothing if it is not there.
    ///
    /// # Errors
    /// If it is something else than a plain file, or cannot be read.
    pub(super) fn digest(&self, name: &str) -> Result<Option<String>> {
        let path = self.folder.join(name);
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).context("it cannot be read"),
            Ok(data) => {
                ensure!(data.is_file(), "it is no plain file");
                sha256_file(&path).map(Some)
            }
        }
    }

    /// Reads a file of at most so many bytes.
    ///
    /// # Errors
    /// If it is not there, no plain file, or larger.
    pub(super) fn read(&self, name: &str, most: u64) -> Result<Vec<u8>> {
        let path = self.folder.join(name);
        let data = match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => anyhow::bail!("it is missing"),
            data => data.context("it cannot be read")?,
        };
        ensure!(data.is_file(), "it is no plain file");
        let mut content = Vec::new();
        let read = File::open(&path).and_then(|file| file.take(most + 1).read_to_end(&mut content));
        read.context("it cannot be read")?;
        ensure!(u64::try_from(content.len())? <= most, "it has more than {most} bytes");
        Ok(content)
    }

    /// Reads a text of the size of a list or a signature.
    ///
    /// # Errors
    /// As for [`Release::read`], or if it is no text.
    pub(super) fn small(&self, name: &str) -> Result<String> {
        String::from_utf8(self.read(name, SMALL)?).context("it is no text")
    }

    /// Reads JSON.
    ///
    /// # Errors
    /// As for [`Release::read`], or if it is none.
    pub(super) fn json(&self, name: &str) -> Result<serde_json::Value> {
        serde_json::from_slice(&self.read(name, 1 << 26)?).context("it is no JSON")
    }

    /// The files of the list whose names end so.
    pub(super) fn ending(&self, end: &str) -> Vec<String> {
        self.sums.0.keys().filter(|name| name.ends_with(end)).cloned().collect()
    }

    /// Refuses a file that is not the one of this digest, though the list may say so.
    ///
    /// # Errors
    /// If it is missing or another one.
    pub(super) fn is(&self, name: &str, sha256: &str) -> Result<()> {
        let there = self.digests.get(name).with_context(|| format!("it names {name}, which is not there"))?;
        ensure!(there == sha256, "it says of {name} that its SHA-256 is {sha256}, and it is {there}");
        Ok(())
    }
}
