//! `release-tools seal`: the last to write into the files of a release, and says by signatures what they are.
//!
//! ```text
//! provenance.json   ->  files/PRODUCT-VERSION.intoto.jsonl            the statement in its signed envelope
//! signatures/       ->  files/PRODUCT-VERSION-signatures.tar.gz       all but those that are made here
//! the settings      ->  files/PRODUCT.asc, files/allowed_signers      the public keys
//! files/            ->  files/SHA256SUMS, SHA256SUMS.asc, SHA256SUMS.sig
//! ```
//!
//! New signatures are stored in `signatures/seal/`, under the digest of what they are for. From them and the same files
//! come the same bits, without the keys. Until everything lies ready, nothing in `files/` is touched.

mod archive;

use crate::openpgp::{Detached, PublicKey};
use crate::settings::{Settings, SshKey};
use crate::sign;
use crate::signatures::{Signatures, Subject, now};
use crate::sums::{self, Sums};
use crate::{dsse, ssh};
use anyhow::{Context, Result, bail, ensure};
use packager::artifacts::{LIST, SUMS};
use packager::digest::{sha256, sha256_file};
use packager::{Artifacts, Folder, Product, unfinished};
use std::fs;
use std::path::{Path, PathBuf};

/// Where among the signatures of a release those are that are made here.
const STORE: &str = "seal";
/// The statement before it is signed.
const PROVENANCE: &str = "provenance.json";

/// Signs the provenance and the list of a release's files, and puts signatures and public keys beside them
///
/// Run again, it changes nothing. What was changed meanwhile is told and signed anew.
#[derive(clap::Args)]
pub(crate) struct Seal {
    /// The folder of the release, with `files` and `signatures` in it
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// The settings
    #[arg(long, value_name = "FILE", default_value = "repository.toml")]
    config: PathBuf,
    /// Attaches the stored signatures instead of signing; needs no key
    #[arg(long)]
    attach: bool,
    /// The description of the product, whose changelog names the version
    #[arg(long, value_name = "FILE", default_value = "packaging/product.toml")]
    product: PathBuf,
}

/// What the files are called.
struct Names {
    envelope: String,
    archive: String,
    key: String,
}

/// What is written, in this order; nothing stands for a file that must not be there.
type Files = Vec<(String, Option<Vec<u8>>)>;

impl Seal {
    /// Seals the release.
    ///
    /// # Errors
    /// If something is not as it has to be; the files are then as they were.
    pub(crate) fn run(&self) -> Result<()> {
        let product = Product::load(&self.product)?;
        let changelog = product.changelog()?;
        let (version, time) = (changelog.latest().version, changelog.latest().epoch());
        let names = Names {
            envelope: format!("{}-{version}.intoto.jsonl", product.name),
            archive: format!("{}-{version}-signatures.tar.gz", product.name),
            key: format!("{}.asc", product.name),
        };
        let [files, all] = ["files", "signatures"].map(|name| self.folder.join(name));
        ensure!(
            files.join(LIST).is_file(),
            "{} has no {LIST}: give the folder of a release whose files are there",
            files.display()
        );
        let files = Folder::open(&files)?;
        let store = all.join(STORE);
        let (key, signer) = sign::key(&self.config, self.attach, &store)?;
        let _store = if self.attach { None } else { Some(Folder::open(&store)?) };
        let signatures = Signatures { folder: store, key: &key, signer: signer.as_ref(), now: now()? };
        if !self.attach {
            signatures.store_key()?;
        }
        let ssh = if self.attach { None } else { Settings::load(&self.config)?.ssh(&self.config) };
        let sealing = Sealing { files: files.path(), names, key: &key, signatures, ssh };
        sealing.check_artifacts()?;
        let (first, mut notes) =
            sealing.vouched_for(&self.folder.join(PROVENANCE), archive::make(&all, STORE, time)?)?;
        let sums = sealing.sums(&first)?;
        let last = sealing.signed_sums(&sums, &first, &mut notes)?;
        let changed = write(files.path(), first.into_iter().chain(last).collect())?;
        notes.iter().for_each(|note| println!("{note}"));
        changed.iter().for_each(|name| println!("written: {name}"));
        if changed.is_empty() {
            println!("nothing has changed");
        }
        println!(
            "{} is sealed: {} files, by the key {}",
            files.path().display(),
            sums.0.len(),
            key.fingerprint()
        );
        Ok(())
    }
}

/// A release on its way.
struct Sealing<'a> {
    files: &'a Path,
    names: Names,
    key: &'a PublicKey,
    signatures: Signatures<'a>,
    /// The key of ssh; stored signatures by one count also without.
    ssh: Option<SshKey>,
}

impl Sealing<'_> {
    /// Refuses artifacts that are not what their list says: nobody should vouch for them.
    fn check_artifacts(&self) -> Result<()> {
        let artifacts = Artifacts::load(self.files)?.unwrap_or_default();
        for (name, artifact) in &artifacts.0 {
            let path = self.files.join(name);
            ensure!(
                sha256_file(&path)? == artifact.sha256,
                "{} is not what {LIST} says: it was changed after it was made or signed. Make it again",
                path.display()
            );
        }
        Ok(())
    }

    /// What is in the list beside the files that are there, and what is to be said of it.
    fn vouched_for(&self, provenance: &Path, archive: Option<Vec<u8>>) -> Result<(Files, Vec<String>)> {
        let Names { envelope, archive: archive_name, key } = &self.names;
        let mut notes = Vec::new();
        let mut files: Files = vec![(key.clone(), Some(self.key.armored()?.into_bytes()))];
        if provenance.exists() {
            let payload =
                fs::read(provenance).with_context(|| format!("reading {}", provenance.display()))?;
            serde_json::from_slice::<serde_json::Value>(&payload)
                .with_context(|| format!("{} is no JSON: make it again", provenance.display()))?;
            let signature = self.sign(envelope, dsse::pae(&payload))?;
            files.push((envelope.clone(), Some(dsse::seal(&payload, self.key, &signature)?.into_bytes())));
        } else {
            ensure!(
                !self.files.join(envelope).exists(),
                "{} is missing, and {envelope} was made of it: describe the release again",
                provenance.display()
            );
            notes.push(format!("left out: {envelope}, for {} is not there", provenance.display()));
        }
        if archive.is_none() {
            notes.push(format!("left out: {archive_name}, for no signatures are stored"));
        }
        files.push((archive_name.clone(), archive));
        let allowed = self.allowed_signers()?;
        if allowed.is_none() {
            notes.push(format!("left out: {} and {}, for no key of ssh is set up", ssh::ALLOWED, sums::SSH));
        }
        files.push((ssh::ALLOWED.to_owned(), allowed.map(String::into_bytes)));
        Ok((files, notes))
    }

    fn sign(&self, name: &str, content: Vec<u8>) -> Result<Detached> {
        let digest = sha256(&content);
        let make = move |_| Ok(content.clone());
        let signed = self.signatures.sign(&Subject::of_file(name, digest, &make))?;
        signed.signatures.into_iter().next().context("the stored signature is missing")
    }

    /// Those of the key that is set up, or, where nobody signs, those that are stored.
    fn allowed_signers(&self) -> Result<Option<String>> {
        let stored = self.signatures.folder.join(ssh::ALLOWED);
        if self.signatures.signer.is_none() {
            let text = stored.exists().then(|| fs::read_to_string(&stored)).transpose();
            return text.with_context(|| format!("reading {}", stored.display()));
        }
        let Some(ssh) = &self.ssh else {
            if stored.exists() {
                fs::remove_file(&stored).with_context(|| format!("removing {}", stored.display()))?;
            }
            return Ok(None);
        };
        let text = ssh::allowed_signers(ssh)?;
        unfinished::prepare(&self.signatures.folder, ssh::ALLOWED, text.as_bytes())?.appear()?;
        Ok(Some(text))
    }

    /// The list of all files, as they will be.
    fn sums(&self, new: &Files) -> Result<Sums> {
        let left_out: Vec<&str> = new.iter().map(|(name, _)| name.as_str()).collect();
        let mut sums = Sums::of_folder(self.files, &left_out)?;
        for (name, content) in new {
            sums.0.extend(content.as_ref().map(|content| (name.clone(), sha256(content))));
        }
        Ok(sums)
    }

    /// The list and its signatures.
    fn signed_sums(&self, sums: &Sums, new: &Files, notes: &mut Vec<String>) -> Result<Files> {
        let text = sums.text();
        let changes = self.changes(sums);
        let doing = || match &changes {
            None => format!("signing {SUMS}"),
            Some(changes) => format!("{SUMS} is another one than was signed: {changes} changed since"),
        };
        if let Some(changes) = &changes {
            notes.push(format!("changed since it was sealed: {changes}"));
        }
        let openpgp = self.sign(SUMS, text.clone().into_bytes()).with_context(doing)?;
        let is_allowed =
            |(name, content): &&(String, Option<Vec<u8>>)| name == ssh::ALLOWED && content.is_some();
        let allowed = new.iter().find(is_allowed).and_then(|(_, content)| content.as_deref());
        let by_ssh = match allowed {
            Some(allowed) => Some(self.by_ssh(&text, &String::from_utf8_lossy(allowed)).with_context(doing)?),
            None => None,
        };
        Ok(vec![
            (sums::SSH.to_owned(), by_ssh.map(String::into_bytes)),
            (sums::OPENPGP.to_owned(), Some(openpgp.armored()?.into_bytes())),
            (SUMS.to_owned(), Some(text.into_bytes())),
        ])
    }

    /// What is not as it was when the release was last sealed, if it was.
    fn changes(&self, sums: &Sums) -> Option<String> {
        if !self.files.join(sums::OPENPGP).exists() {
            return None;
        }
        let before = fs::read_to_string(self.files.join(SUMS)).ok()?;
        let changes = Sums::parse(&before).ok()?.differences(sums);
        (!changes.is_empty()).then(|| changes.join(", "))
    }

    /// The signature by ssh: the stored one, or a new one, which is stored.
    fn by_ssh(&self, text: &str, allowed: &str) -> Result<String> {
        let name = format!("{SUMS}-{}.sig", sha256(text.as_bytes()).get(..16).unwrap_or_default());
        let path = self.signatures.folder.join(&name);
        let check = |signature: &str| {
            let by = ssh::verify(allowed, text.as_bytes(), signature)?;
            by.context("ssh-keygen is not there, or older than 8.2: install OpenSSH")
        };
        if path.exists() {
            let stored = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            check(&stored).with_context(|| {
                format!(
                    "{} is of no use: bring back the file that was stored, or move it away",
                    path.display()
                )
            })?;
            return Ok(stored);
        }
        let Some(ssh) = &self.ssh else {
            bail!(
                "{} has no signature by ssh for this {SUMS}: sign it first",
                self.signatures.folder.display()
            )
        };
        let signature = ssh::sign(ssh, text.as_bytes())?;
        check(&signature).context("the new signature by ssh is of no use")?;
        unfinished::prepare(&self.signatures.folder, &name, signature.as_bytes())?.appear()?;
        Ok(signature)
    }
}

/// Lets files appear that are not there as they are to be, and removes those that must not be there. Returns their names.
fn write(folder: &Path, files: Files) -> Result<Vec<String>> {
    let files: Vec<_> =
        files.into_iter().filter(|(name, content)| fs::read(folder.join(name)).ok() != *content).collect();
    let mut ready = Vec::new();
    for (name, content) in &files {
        ready.extend(content.as_ref().map(|content| unfinished::prepare(folder, name, content)).transpose()?);
    }
    for (name, _) in files.iter().filter(|(_, content)| content.is_none()) {
        let path = folder.join(name);
        fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
    }
    for file in ready {
        file.appear()?;
    }
    Ok(files.into_iter().map(|(name, _)| name).collect())
}

#[cfg(test)]
pub(crate) mod tests;
