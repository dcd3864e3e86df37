//! Stored signatures: what was signed once is not signed again, and can be attached without the key.
//!
//! A signature says when it was made, and so does what it is for (`Date` of an apt index, `revision` of a dnf one). So
//! a file has both, and is found by the digest of what is signed with the time left out.

use crate::openpgp::{Detached, Kind, PublicKey};
use crate::signer::Signer;
use anyhow::{Context, Result, ensure};
use packager::digest::sha256;
use packager::unfinished;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The name of the public key among them.
pub(crate) const KEY: &str = "key.asc";

/// Where signatures come from.
pub(crate) struct Signatures<'a> {
    /// The folder in which they are stored.
    pub(crate) folder: PathBuf,
    /// The key that they have to be by.
    pub(crate) key: &'a PublicKey,
    /// Who makes those that are not there; nobody, if stored ones are to be attached.
    pub(crate) signer: Option<&'a Signer>,
    /// The time of new ones, in seconds since 1970 UTC.
    pub(crate) now: u32,
}

/// What was signed.
pub(crate) struct Signed {
    /// The content, with the time in it.
    pub(crate) content: Vec<u8>,
    /// The signatures, in the order in which they were asked for.
    pub(crate) signatures: Vec<Detached>,
}

/// A file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    /// What it is for.
    of: String,
    /// SHA-256 of that with the time left out.
    sha256: String,
    /// When it was signed, in seconds since 1970 UTC.
    time: u32,
    /// Armored.
    signatures: Vec<String>,
}

/// Makes what is to be signed, with a time in it; the time 0 stands for none.
pub(crate) type Make<'a> = dyn Fn(u32) -> Result<Vec<u8>> + 'a;

impl Signatures<'_> {
    /// The signatures for a content: stored ones, or else new ones, which are stored.
    ///
    /// # Errors
    /// If stored ones are wrong, there are none and nobody signs, or signing fails.
    pub(crate) fn sign(&self, name: &str, kinds: &[Kind], make: &Make<'_>) -> Result<Signed> {
        if let Some(signed) = self.stored(name, kinds, make)? {
            return Ok(signed);
        }
        let signer = self.signer.with_context(|| {
            format!("{} has no signature for this {name}: sign it with the key first", self.folder.display())
        })?;
        self.key.check_usable(self.now)?;
        let content = make(self.now)?;
        let mut signatures = Vec::new();
        for kind in kinds {
            let signature =
                signer.sign(*kind, &content, self.now).with_context(|| format!("signing {name}"))?;
            // A signing program may have taken another key or a weak digest.
            self.key
                .verify(*kind, &content, &signature)
                .with_context(|| format!("the new signature of {name} is of no use"))?;
            signatures.push(signature);
        }
        let digest = sha256(&make(0)?);
        let stored = Stored {
            of: name.to_owned(),
            sha256: digest.clone(),
            time: self.now,
            signatures: signatures.iter().map(Detached::armored).collect::<Result<_>>()?,
        };
        let text = serde_json::to_string_pretty(&stored)? + "\n";
        unfinished::prepare(&self.folder, &file_name(name, &digest), text.as_bytes())?.appear()?;
        Ok(Signed { content, signatures })
    }

    /// Stored signatures for a content, if there are any.
    ///
    /// # Errors
    /// If they are wrong.
    pub(crate) fn stored(&self, name: &str, kinds: &[Kind], make: &Make<'_>) -> Result<Option<Signed>> {
        let digest = sha256(&make(0)?);
        let path = self.folder.join(file_name(name, &digest));
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            text => text.with_context(|| format!("reading {}", path.display()))?,
        };
        let signed = self.check(&text, &digest, kinds, make).with_context(|| {
            format!(
                "{} is of no use: bring back the file that was stored, or move it away and sign anew",
                path.display()
            )
        })?;
        Ok(Some(signed))
    }

    fn check(&self, text: &str, digest: &str, kinds: &[Kind], make: &Make<'_>) -> Result<Signed> {
        let stored: Stored = serde_json::from_str(text).context("it is damaged")?;
        ensure!(stored.sha256 == digest, "it is for something else");
        ensure!(stored.signatures.len() == kinds.len(), "it has {} signatures", stored.signatures.len());
        let content = make(stored.time)?;
        let mut signatures = Vec::new();
        for (kind, armored) in kinds.iter().zip(&stored.signatures) {
            let signature = Detached::parse(armored.as_bytes())?;
            self.key.verify(*kind, &content, &signature)?;
            signatures.push(signature);
        }
        Ok(Signed { content, signatures })
    }

    /// Stores the public key beside the signatures.
    ///
    /// # Errors
    /// If it cannot be written, or those that are there are by another key.
    pub(crate) fn store_key(&self) -> Result<()> {
        if self.folder.join(KEY).exists() {
            let theirs = stored_key(&self.folder)?.fingerprint();
            ensure!(
                theirs == self.key.fingerprint(),
                "{} is the key {theirs} of other signatures: choose another folder by --signatures",
                self.folder.join(KEY).display()
            );
        }
        unfinished::prepare(&self.folder, KEY, self.key.armored()?.as_bytes())?.appear()?;
        Ok(())
    }
}

/// The public key beside stored signatures.
///
/// # Errors
/// If there is none.
pub(crate) fn stored_key(folder: &Path) -> Result<PublicKey> {
    PublicKey::read(&folder.join(KEY)).context("looking for the key of the stored signatures")
}

fn file_name(name: &str, digest: &str) -> String {
    format!("{name}-{}.json", digest.get(..16).unwrap_or(digest))
}
