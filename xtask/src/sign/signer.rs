//! The signer for Windows: puts signatures on programs and installers, new ones by a key or stored ones.

use super::command;
use super::config::Config;
use super::key::Key;
use super::store::{self, Entry, Store};
use crate::authenticode::{self, Kind, Osslsigncode, Signature, Trust, Verdict, kind};
use crate::process::stop_if_interrupted;
use crate::workspace;
use anyhow::{Context, Result, bail, ensure};
use packager::Artifacts;
use packager::digest::sha256_file;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Where signatures come from.
pub(super) enum Means {
    /// A key makes them.
    Key(Box<Config>),
    /// They were stored in this folder.
    Stored(PathBuf),
}

/// Signs files, one after the other, and judges them.
pub(super) struct Signer {
    pub(super) tool: Osslsigncode,
    pub(super) means: Means,
    pub(super) trust: Trust,
    pub(super) needs_time_stamp: bool,
    /// Description and URL.
    pub(super) opus: [String; 2],
}

impl Signer {
    /// The stored signatures of a target, or an empty list for those that are to be made.
    pub(super) fn store(&self, target: &str, program: &Path) -> Result<Store> {
        match &self.means {
            Means::Key(_) => Ok(Store {
                osslsigncode: self.tool.version.to_string(),
                toolchain: toolchain_of(program)?,
                ..Store::default()
            }),
            Means::Stored(folder) => Store::load(&folder.join(target)),
        }
    }

    /// Puts `unsigned` with its signature at `to`, and the signature into the folder `signatures`. What is there
    /// afterwards was verified.
    pub(super) fn sign(
        &self,
        name: &str,
        target: &str,
        unsigned: &Path,
        to: &Path,
        signatures: &Path,
        store: &mut Store,
    ) -> Result<()> {
        stop_if_interrupted()?;
        let kind = self.check_unsigned(name, unsigned)?;
        let stored = match &self.means {
            Means::Stored(folder) => Some(store.signature(&folder.join(target), name, unsigned)?),
            Means::Key(_) => None,
        };
        if let Some((signature, entry)) = stored {
            let version = self.tool.version.to_string();
            self.tool
                .attach(&signature, &self.trust, entry.extended, [unsigned, to])
                .and_then(|()| store.check_signed(name, entry, to, &version))
                .with_context(|| format!("attaching {} to {name}", signature.display()))?;
        } else {
            let signature = signatures.join(store::file_name(name));
            let is_extended = self.make_signature(kind, unsigned, &signature)?;
            self.tool.attach(&signature, &self.trust, is_extended, [unsigned, to])?;
            let entry = Entry {
                unsigned_sha256: sha256_file(unsigned)?,
                signed_sha256: sha256_file(to)?,
                signature_sha256: sha256_file(&signature)?,
                extended: is_extended,
            };
            store.files.insert(name.to_owned(), entry);
        }
        seal(to)?;
        let verdicts = self.judge(name, to)?;
        authenticode::require(&verdicts).context("what was signed does not stand up to verification")?;
        verdicts.iter().for_each(|verdict| println!("{verdict}"));
        Ok(())
    }

    /// Judges what was signed, or is packed from that.
    pub(super) fn judge(&self, name: &str, file: &Path) -> Result<Vec<Verdict>> {
        authenticode::judge(&self.tool, name, file, &self.trust)
    }

    fn check_unsigned(&self, name: &str, unsigned: &Path) -> Result<Kind> {
        let look = kind::look(unsigned)?;
        let Some(kind @ (Kind::Program | Kind::Installer)) = look.kind else {
            bail!("{} ({name}) is neither a program for Windows nor an installer", unsigned.display());
        };
        ensure!(
            !look.is_signed,
            "{} ({name}) is signed already; give the unsigned file, as it was built",
            unsigned.display()
        );
        Ok(kind)
    }

    /// Makes a signature with its time stamp. Returns whether it covers the names and properties of an installer's
    /// streams, too.
    fn make_signature(&self, kind: Kind, unsigned: &Path, signature: &Path) -> Result<bool> {
        let Means::Key(config) = &self.means else { bail!("there is no key") };
        let work = tempfile::tempdir().context("making a folder for unfinished files")?;
        // With the ending of the unsigned file: some signers go by it.
        let signed = work.path().join(unsigned.file_name().context("a file has a name")?);
        let is_extended = if let Key::Command { run } = &config.key {
            command::sign(run, [unsigned, &signed])?;
            kind::look(&signed)?.is_extended
        } else {
            config.key.sign(&self.tool, &self.opus, kind, [unsigned, &signed])?;
            kind == Kind::Installer
        };
        self.tool.extract(&signed, signature)?;
        if self.needs_time_stamp && Signature::read(signature)?.time_stamp.is_none() {
            ensure!(
                !config.timestamp.servers.is_empty(),
                "the signing command adds no time stamp, and the configuration names no servers for it: give timestamp.servers, --timestamp-server or --no-timestamp"
            );
            let stamped = config.timestamp.add(&self.tool, &self.trust, is_extended, &signed, work.path())?;
            fs::remove_file(signature).context("replacing the signature without time stamp")?;
            self.tool.extract(&stamped, signature)?;
        }
        Ok(is_extended)
    }
}

/// What the program was made with, if it is one that `dist` knows.
fn toolchain_of(program: &Path) -> Result<String> {
    let sha256 = sha256_file(program)?;
    let list = Artifacts::load(&workspace::dist())?.unwrap_or_default();
    let is_inside = |artifact: &packager::Artifact| artifact.programs.iter().any(|p| p.sha256 == sha256);
    let known = list.0.into_values().find(is_inside);
    Ok(known.map_or_else(|| "unknown".to_owned(), |artifact| artifact.toolchain))
}

/// Makes a file last, readable for everyone whatever the umask says.
pub(super) fn seal(path: &Path) -> Result<()> {
    let doing = || format!("writing {}", path.display());
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).with_context(doing)?;
    File::open(path).and_then(|file| file.sync_all()).with_context(doing)
}
