//! A folder of detached signatures: from them and the unsigned files come the signed files, bit for bit, without a
//! key.
//!
//! For each target a folder, in it a PEM file `NAME.p7s` for each signed file, and a list, [`LIST`], which says
//! which files the signatures are for.

use anyhow::{Context, Result, bail, ensure};
use packager::digest::sha256_file;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The list of a folder's signatures.
pub(crate) const LIST: &str = "signatures.json";

/// What is known of one signature.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// SHA-256 of the file without signature, hexadecimal.
    pub(crate) unsigned_sha256: String,
    /// SHA-256 of the file with it.
    pub(crate) signed_sha256: String,
    /// SHA-256 of the file with the signature alone.
    pub(crate) signature_sha256: String,
    /// Whether an installer's signature covers the names and properties of its streams, too.
    pub(crate) extended: bool,
}

/// The signatures of one target, by the names of the signed files.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Store {
    /// The version of osslsigncode that attached them.
    pub(crate) osslsigncode: String,
    /// What the program was made with, as far as that was known: it is listed with the artifacts.
    pub(crate) toolchain: String,
    /// What is known of each.
    pub(crate) files: BTreeMap<String, Entry>,
}

/// What the signature of a file is called.
pub(crate) fn file_name(name: &str) -> String {
    format!("{name}.p7s")
}

impl Store {
    /// Reads the list of a folder.
    ///
    /// # Errors
    /// If there is none, or it is damaged.
    pub(crate) fn load(folder: &Path) -> Result<Store> {
        let path = folder.join(LIST);
        let text = fs::read_to_string(&path).with_context(|| {
            format!("reading {}: name the folder that `cargo xtask sign` wrote signatures to", path.display())
        })?;
        let damaged = || format!("{} is damaged", path.display());
        let store: Store = serde_json::from_str(&text).with_context(damaged)?;
        for name in store.files.keys() {
            ensure!(!name.contains('/'), "{}: {name:?} is not the name of a file", damaged());
        }
        Ok(store)
    }

    /// The signature for an unsigned file, and what is known of it.
    ///
    /// # Errors
    /// If there is none, or the file or the signature is not the one that was signed with; the error says which.
    pub(crate) fn signature(&self, folder: &Path, name: &str, unsigned: &Path) -> Result<(PathBuf, &Entry)> {
        let list = folder.join(LIST);
        let entry = self.files.get(name).with_context(|| {
            format!("{} has no signature for {name}: was another version signed?", list.display())
        })?;
        let found = sha256_file(unsigned)?;
        ensure!(
            found == entry.unsigned_sha256,
            "the unsigned {name} is not the one that was signed: its SHA-256 is {found}, and {} says {}; build it from the sources that were signed, with the same toolchain",
            list.display(),
            entry.unsigned_sha256
        );
        let signature = folder.join(file_name(name));
        let found = sha256_file(&signature)?;
        ensure!(
            found == entry.signature_sha256,
            "{} is not the signature that was stored for {name}: its SHA-256 is {found}, and {} says {}",
            signature.display(),
            list.display(),
            entry.signature_sha256
        );
        Ok((signature, entry))
    }

    /// Refuses a signed file that is not the one that was released.
    ///
    /// # Errors
    /// If it differs, although file and signature are the same.
    pub(crate) fn check_signed(&self, name: &str, entry: &Entry, signed: &Path, version: &str) -> Result<()> {
        let found = sha256_file(signed)?;
        if found != entry.signed_sha256 {
            bail!(
                "the signed {name} has other bits than it had, although the unsigned file and the signature are the same: its SHA-256 is {found}, and {LIST} says {}; osslsigncode {} attached it then, {version} does now",
                entry.signed_sha256,
                self.osslsigncode
            );
        }
        Ok(())
    }

    /// The digest that a file will have once it is signed, if its signature was stored.
    pub(crate) fn signed_sha256(&self, name: &str) -> Option<&str> {
        self.files.get(name).map(|entry| &*entry.signed_sha256)
    }

    /// The files of a folder with these signatures: those, which are in `from`, and the list.
    ///
    /// # Errors
    /// If a signature cannot be read.
    pub(crate) fn contents(&self, from: &Path) -> Result<Vec<(String, Vec<u8>)>> {
        let mut files = Vec::new();
        for name in self.files.keys().map(|name| file_name(name)) {
            let bytes = fs::read(from.join(&name)).with_context(|| format!("reading {name}"))?;
            files.push((name, bytes));
        }
        files.push((LIST.to_owned(), (serde_json::to_string_pretty(self)? + "\n").into_bytes()));
        Ok(files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a signature for something else is handed out, or the error does not say what differs.
    #[test]
    fn says_what_differs() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("unsigned"), "unsigned").unwrap();
        fs::write(path("a.exe.p7s"), "signature").unwrap();
        let digest = |text: &str| packager::digest::sha256(text.as_bytes());
        let entry = |unsigned: &str, signature: &str| Entry {
            unsigned_sha256: digest(unsigned),
            signed_sha256: digest("signed"),
            signature_sha256: digest(signature),
            extended: false,
        };
        for (name, entry, message) in [
            ("a.exe", entry("unsigned", "signature"), None),
            ("a.exe", entry("other", "signature"), Some("the unsigned a.exe is not the one that was signed")),
            (
                "a.exe",
                entry("unsigned", "other"),
                Some("a.exe.p7s is not the signature that was stored for a.exe"),
            ),
            ("b.exe", entry("unsigned", "signature"), Some("has no signature for a.exe")),
        ] {
            let store = Store { files: [(name.to_owned(), entry)].into(), ..Store::default() };
            match (store.signature(folder.path(), "a.exe", &path("unsigned")), message) {
                (Ok((found, _)), None) => assert_eq!(found, path("a.exe.p7s")),
                (Err(error), Some(message)) => assert!(format!("{error:#}").contains(message), "{error:#}"),
                (other, _) => panic!("{message:?}: {other:?}"),
            }
        }
    }

    /// Fails if: what was written is read otherwise, a signature is missing, or a damaged list is believed.
    #[test]
    fn writes_what_it_reads() {
        let [from, to] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let digest = packager::digest::sha256(b"a.msi");
        let entry = Entry {
            unsigned_sha256: digest.clone(),
            signed_sha256: digest.clone(),
            signature_sha256: digest,
            extended: true,
        };
        let store = Store {
            osslsigncode: "2.9".into(),
            toolchain: "rustc".into(),
            files: [("a.msi".to_owned(), entry)].into(),
        };
        assert!(format!("{:#}", store.contents(from.path()).unwrap_err()).contains("a.msi.p7s"));
        fs::write(from.path().join("a.msi.p7s"), "signature").unwrap();
        for (name, bytes) in store.contents(from.path()).unwrap() {
            fs::write(to.path().join(name), bytes).unwrap();
        }
        assert_eq!(Store::load(to.path()).unwrap(), store);
        assert_eq!(fs::read_to_string(to.path().join("a.msi.p7s")).unwrap(), "signature");
        fs::write(to.path().join(LIST), "{}").unwrap();
        assert!(format!("{:#}", Store::load(to.path()).unwrap_err()).contains("is damaged"));
    }
}
