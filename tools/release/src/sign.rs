//! `release-tools sign`: gives every RPM of a folder its OpenPGP signature, and keeps the lists of the folder right.
//!
//! A signed package is the unsigned one with its signature attached, whether that is new or stored. Its entry in
//! `artifacts.json` says of which unsigned file it was made.

use crate::openpgp::PublicKey;
use crate::settings::Settings;
use crate::signatures::{self, Signatures, Subject, Waiting, now};
use crate::signer::Signer;
use crate::{rpm_header, rpm_signature};
use anyhow::{Context, Result, ensure};
use packager::artifacts::{LIST, MadeFrom};
use packager::digest::sha256;
use packager::{Artifacts, Folder, unfinished};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Where among the signatures of a release those of RPMs are.
pub(crate) const STORE: &str = "openpgp";

/// Signs the RPMs of a folder by OpenPGP, in place
///
/// What is signed is not signed again. Run again after it was broken off, it goes on. The signatures are stored, so that
/// the same files can be made without the key.
#[derive(clap::Args)]
pub(crate) struct Sign {
    /// The folder, with its artifacts.json
    #[arg(long, value_name = "DIR")]
    pub(crate) files: PathBuf,
    /// Where the signatures are stored: in the folder `openpgp` of this one
    #[arg(long, value_name = "DIR")]
    pub(crate) signatures: PathBuf,
    /// The settings
    #[arg(long, value_name = "FILE", default_value = "repository.toml")]
    pub(crate) config: PathBuf,
    /// Attaches the stored signatures instead of signing; needs no key
    #[arg(long)]
    pub(crate) attach: bool,
}

/// The key, and who signs by it; nobody, if stored signatures are to be attached.
pub(crate) fn key(config: &Path, attach: bool, store: &Path) -> Result<(PublicKey, Option<Signer>)> {
    if attach {
        return Ok((signatures::stored_key(store)?, None));
    }
    let (key, signer) = Settings::load(config)?.signer(config)?;
    key.check_usable(now()?)?;
    Ok((key, Some(signer)))
}

impl Sign {
    /// Signs.
    ///
    /// # Errors
    /// If something is not as it has to be; what was signed until then stays, and counts the next time.
    pub(crate) fn run(&self) -> Result<()> {
        let store = self.signatures.join(STORE);
        let (key, signer) = key(&self.config, self.attach, &store)?;
        let advice =
            || format!("{} has no {LIST}: give a folder that `cargo xtask` made", self.files.display());
        ensure!(self.files.join(LIST).is_file(), advice());
        let folder = Folder::open(&self.files)?;
        let mut artifacts = Artifacts::load(folder.path())?.with_context(advice)?;
        // Nobody else stores here meanwhile.
        let _store = if self.attach { None } else { Some(Folder::open(&store)?) };
        let signatures = Signatures { folder: store, key: &key, signer: signer.as_ref(), now: now()? };
        if !self.attach {
            signatures.store_key()?;
        }
        let before = artifacts.clone();
        let mut waiting = BTreeMap::new();
        for (name, artifact) in artifacts.0.iter_mut().filter(|(_, artifact)| artifact.format == "rpm") {
            let doing = || format!("signing {}", folder.path().join(name).display());
            let path = folder.path().join(name);
            let there = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
            let rpm = match rpm(name, there, &artifact.sha256, &signatures).with_context(doing) {
                Err(error) => match error.downcast::<Waiting>() {
                    Ok(Waiting(what)) => {
                        waiting.extend(what);
                        continue;
                    }
                    Err(error) => return Err(error),
                },
                rpm => rpm?,
            };
            if let Some(signed) = &rpm.new {
                unfinished::prepare(folder.path(), name, signed)?.appear()?;
            }
            if artifact.sha256 != rpm.sha256 {
                artifact.made_from.push(MadeFrom {
                    artifact: artifact.artifact.clone(),
                    file: name.clone(),
                    sha256: artifact.sha256.clone(),
                });
                artifact.size = rpm.size;
                artifact.sha256 = rpm.sha256;
                println!("signed: {name}");
            } else {
                println!("is signed: {name}");
            }
        }
        if artifacts != before {
            artifacts.write(folder.path())?;
        }
        if !waiting.is_empty() {
            return Err(Waiting(waiting).into());
        }
        println!("the key is {}, signatures are in {}", key.fingerprint(), signatures.folder.display());
        Ok(())
    }
}

/// A signed package.
struct Rpm {
    /// Its content, if it is to be written.
    new: Option<Vec<u8>>,
    size: u64,
    sha256: String,
}

/// The package with its signature. `listed` is the digest that the list has for it: of the signed package, or of the
/// unsigned one, also if a run was broken off before the list was written.
fn rpm(name: &str, there: Vec<u8>, listed: &str, signatures: &Signatures<'_>) -> Result<Rpm> {
    let found = sha256(&there);
    let signature = rpm_signature::check(&there, signatures.key)?;
    let (signed, new) = match signature {
        None => {
            ensure!(found == listed, "it is damaged: it is not what {LIST} says; make it again");
            let signed = rpm_signature::signed(name, there, signatures, true)?;
            (signed.clone(), Some(signed))
        }
        Some(signature) => {
            let unsigned = rpm_header::detach(&there)?;
            let digest = sha256(&unsigned);
            ensure!(
                [&found, &digest].iter().any(|digest| *digest == listed),
                "it is damaged: it is not what {LIST} says; make it again"
            );
            let part = rpm_header::signed_part(&unsigned)?;
            let make = |_| Ok(unsigned[part.clone()].to_vec());
            let subject = Subject::of_file(name, digest, &make);
            match signatures.stored(&subject)? {
                Some(stored) => {
                    let stored = stored.signatures.first().context("the stored signature is missing")?;
                    ensure!(
                        stored.bytes()? == signature.bytes()?,
                        "it has another signature than the stored one: put the unsigned file there, or move the stored signature away"
                    );
                }
                None if signatures.signer.is_some() => signatures.store_found(&subject, &signature)?,
                None => {}
            }
            (there, None)
        }
    };
    Ok(Rpm { size: u64::try_from(signed.len())?, sha256: sha256(&signed), new })
}
