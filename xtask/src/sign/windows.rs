//! The signer for Windows: Authenticode signatures of programs and installers, by a key or by somebody's command.

use super::command;
use super::config::Config;
use super::key::Key;
use super::signer::{Answer, Notarised, Signer};
use crate::authenticode::{self, Kind, Osslsigncode, Signature, Trust, kind};
use crate::judges::Judges;
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::Path;

/// See the [module](self).
pub(super) struct Windows {
    pub(super) tool: Osslsigncode,
    /// How to sign, unless stored signatures are attached.
    pub(super) config: Option<(Key, Config)>,
    pub(super) trust: Trust,
    pub(super) needs_time_stamp: bool,
    /// Description and URL.
    pub(super) opus: [String; 2],
}

impl Signer for Windows {
    fn tool(&self) -> String {
        format!("osslsigncode {}", self.tool.version)
    }

    fn sign(&self, unsigned: &Path, signature: &Path, said: Option<&str>) -> Result<Answer> {
        let (key, config) = self.config.as_ref().context("there is no key")?;
        let kind = check_unsigned(unsigned)?;
        let work = tempfile::tempdir().context("making a folder for unfinished files")?;
        // With the ending of the unsigned file: some signers go by it.
        let signed = work.path().join(unsigned.file_name().context("a file has a name")?);
        let extended = if let Key::Command { run } = key {
            let is_there = || kind::look(&signed).is_ok_and(|look| look.is_signed);
            if let Some(text) = command::sign(run, [unsigned, &signed], said, &is_there)? {
                return Ok(Answer::Waiting(text));
            }
            kind::look(&signed)?.is_extended
        } else {
            key.sign(&self.tool, &self.opus, kind, [unsigned, &signed])?;
            kind == Kind::Installer
        };
        self.tool.extract(&signed, signature)?;
        if !self.is_enough(signature)? {
            ensure!(
                !config.timestamp.servers.is_empty(),
                "the signing command adds no time stamp, and the configuration names no servers for it: give timestamp.servers, --timestamp-server or --no-timestamp"
            );
            let stamped = config.timestamp.add(&self.tool, &self.trust, extended, &signed, work.path())?;
            fs::remove_file(signature).context("replacing the signature without time stamp")?;
            self.tool.extract(&stamped, signature)?;
        }
        Ok(Answer::Signed { extended })
    }

    fn is_enough(&self, signature: &Path) -> Result<bool> {
        Ok(!self.needs_time_stamp || Signature::read(signature)?.time_stamp.is_some())
    }

    fn attach(&self, signature: &Path, extended: bool, from_to: [&Path; 2]) -> Result<()> {
        self.tool.attach(signature, &self.trust, extended, from_to)
    }

    fn judge(&self, name: &str, file: &Path) -> Result<()> {
        let judges = Judges::with(self.tool.clone(), self.trust.clone());
        let verdicts = judges.judge(name, file)?;
        authenticode::require(&verdicts).context("what was signed does not stand up to verification")?;
        verdicts.iter().for_each(|verdict| eprintln!("{verdict}"));
        Ok(())
    }

    fn notarise(&self, _signed: &Path, _ticket: &Path, _submission: Option<&str>) -> Result<Notarised> {
        bail!("what is for Windows is not notarised")
    }

    fn staple(&self, _ticket: &Path, _from_to: [&Path; 2]) -> Result<()> {
        bail!("nothing is stapled to what is for Windows")
    }
}

fn check_unsigned(unsigned: &Path) -> Result<Kind> {
    let look = kind::look(unsigned)?;
    let Some(kind) = look.kind else {
        bail!("{} is neither a program for Windows nor an installer", unsigned.display());
    };
    ensure!(
        !look.is_signed,
        "{} is signed already; give the unsigned file, as it was built",
        unsigned.display()
    );
    Ok(kind)
}
