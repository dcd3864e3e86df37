//! Stored signatures: what was signed once is not signed again, and can be attached without the key.
//!
//! A signature says when it was made, and so does what it may be for (`Date` of an apt index, `revision` of a dnf one).
//! So a file has both, and is found by the digest of what is signed with the time left out; that of an RPM, by the digest
//! of the unsigned file. What a signing program has not answered yet is beside it, in a file [`WAITING`].

use crate::openpgp::{Detached, Kind, PublicKey};
use crate::signer::{Answer, Signer};
use anyhow::{Context, Result, ensure};
use packager::digest::sha256;
use packager::unfinished;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

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

/// What is to be signed.
pub(crate) struct Subject<'a> {
    name: &'a str,
    kinds: &'a [Kind],
    /// The digest by which its signatures are found.
    sha256: String,
    make: &'a Make<'a>,
}

/// Makes what is to be signed, with a time in it; the time 0 stands for none.
pub(crate) type Make<'a> = dyn Fn(u32) -> Result<Vec<u8>> + 'a;

impl<'a> Subject<'a> {
    /// A text with the time of its signature in it.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(crate) fn of_time(name: &'a str, kinds: &'a [Kind], make: &'a Make<'a>) -> Result<Subject<'a>> {
        Ok(Subject { name, kinds, sha256: sha256(&make(0)?), make })
    }

    /// A part of a file with this digest.
    pub(crate) fn of_file(name: &'a str, sha256: String, make: &'a Make<'a>) -> Subject<'a> {
        Subject { name, kinds: &[Kind::Detached], sha256, make }
    }

    fn file_name(&self, end: &str) -> String {
        format!("{}-{}.{end}", self.name, self.sha256.get(..16).unwrap_or(&self.sha256))
    }
}

/// The error of a run that has to wait for somebody outside: nothing is wrong, and nothing is lost. What is to be signed,
/// and for whom or what it waits.
#[derive(Debug)]
pub(crate) struct Waiting(pub(crate) BTreeMap<String, String>);

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(|(what, whom)| format!("waiting: {what} for {whom}")).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Waiting {}

/// How the names end of files that say what is waited for.
pub(crate) const WAITING: &str = "waiting";

/// A file.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    /// What it is for.
    of: String,
    /// SHA-256 of that with the time left out, or of the unsigned file.
    sha256: String,
    /// When it was signed, in seconds since 1970 UTC.
    time: u32,
    /// Armored; fewer than asked for, as long as the others are waited for.
    signatures: Vec<String>,
    /// Whom or what is waited for.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    waiting: Option<String>,
}

/// Seconds since 1970 UTC.
///
/// # Errors
/// If the clock is wrong.
pub(crate) fn now() -> Result<u32> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Ok(u32::try_from(since.context("this machine's clock is set before 1970: set it")?.as_secs())?)
}

impl Signatures<'_> {
    /// The signatures for a content: stored ones, or else new ones, which are stored.
    ///
    /// # Errors
    /// If stored ones are wrong, there are none and nobody signs, or signing fails. If somebody outside has not answered
    /// yet, the error is [`Waiting`].
    pub(crate) fn sign(&self, subject: &Subject<'_>) -> Result<Signed> {
        if let Some(signed) = self.stored(subject)? {
            return Ok(signed);
        }
        let name = subject.name;
        let signer = self.signer.with_context(|| {
            format!("{} has no signature for this {name}: sign it with the key first", self.folder.display())
        })?;
        let mut stored = self.begun(subject)?;
        self.key.check_usable(stored.time)?;
        let content = (subject.make)(stored.time)?;
        let said = stored.waiting.take();
        let mut signatures = self.checked(subject, &content, &stored)?;
        for kind in subject.kinds.iter().skip(signatures.len()) {
            let doing = || format!("signing {name}");
            let answer = signer.sign(*kind, &content, stored.time, said.as_deref()).with_context(doing)?;
            let signature = match answer {
                Answer::Signed(signature) => signature,
                Answer::Waiting(whom) => {
                    stored.waiting = Some(whom.clone());
                    self.store(&subject.file_name(WAITING), &stored)?;
                    return Err(Waiting([(name.to_owned(), whom)].into()).into());
                }
            };
            // A signing program may have taken another key or a weak digest, or have another clock.
            let useful = self.key.verify(*kind, &content, &signature);
            useful
                .and_then(|()| self.key.check_time(&signature, now()?).map(|_| ()))
                .with_context(|| format!("the new signature of {name} is of no use"))?;
            stored.signatures.push(signature.armored()?);
            signatures.push(signature);
        }
        self.keep(subject, &stored)?;
        Ok(Signed { content, signatures })
    }

    /// Stores a signature that was found where it belongs, because its file was lost.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn store_found(&self, subject: &Subject<'_>, signature: &Detached) -> Result<()> {
        let stored = Stored {
            of: subject.name.to_owned(),
            sha256: subject.sha256.clone(),
            time: signature.created().unwrap_or(0),
            signatures: vec![signature.armored()?],
            waiting: None,
        };
        self.keep(subject, &stored)
    }

    fn keep(&self, subject: &Subject<'_>, stored: &Stored) -> Result<()> {
        self.store(&subject.file_name("json"), stored)?;
        let waited = self.folder.join(subject.file_name(WAITING));
        match fs::remove_file(&waited) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("removing {}", waited.display()))
            }
            _ => Ok(()),
        }
    }

    fn store(&self, name: &str, stored: &Stored) -> Result<()> {
        let text = serde_json::to_string_pretty(stored)? + "\n";
        unfinished::prepare(&self.folder, name, text.as_bytes())?.appear()?;
        Ok(())
    }

    /// What an earlier run waited for, or a beginning.
    fn begun(&self, subject: &Subject<'_>) -> Result<Stored> {
        let path = self.folder.join(subject.file_name(WAITING));
        if !path.exists() {
            return Ok(Stored {
                of: subject.name.to_owned(),
                sha256: subject.sha256.clone(),
                time: self.now,
                signatures: Vec::new(),
                waiting: None,
            });
        }
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let begun = serde_json::from_str(&text).ok().filter(|begun: &Stored| begun.sha256 == subject.sha256);
        begun.with_context(|| {
            format!("{} is damaged: remove it, and ask for the signature anew", path.display())
        })
    }

    /// Stored signatures for a content, if there are any.
    ///
    /// # Errors
    /// If they are wrong.
    pub(crate) fn stored(&self, subject: &Subject<'_>) -> Result<Option<Signed>> {
        let path = self.folder.join(subject.file_name("json"));
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            text => text.with_context(|| format!("reading {}", path.display()))?,
        };
        let signed = self.check(&text, subject).with_context(|| {
            format!(
                "{} is of no use: bring back the file that was stored, or move it away and sign anew",
                path.display()
            )
        })?;
        Ok(Some(signed))
    }

    fn check(&self, text: &str, subject: &Subject<'_>) -> Result<Signed> {
        let stored: Stored = serde_json::from_str(text).context("it is damaged")?;
        ensure!(stored.sha256 == subject.sha256, "it is for something else");
        let content = (subject.make)(stored.time)?;
        let signatures = self.checked(subject, &content, &stored)?;
        ensure!(signatures.len() == subject.kinds.len(), "it has {} signatures", signatures.len());
        Ok(Signed { content, signatures })
    }

    fn checked(&self, subject: &Subject<'_>, content: &[u8], stored: &Stored) -> Result<Vec<Detached>> {
        ensure!(
            stored.signatures.len() <= subject.kinds.len(),
            "it has {} signatures",
            stored.signatures.len()
        );
        let pairs = subject.kinds.iter().zip(&stored.signatures);
        let signatures = pairs.map(|(kind, armored)| {
            let signature = Detached::parse(armored.as_bytes())?;
            self.key.verify(*kind, content, &signature)?;
            Ok(signature)
        });
        signatures.collect()
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
