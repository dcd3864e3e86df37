//! The key: where it may be, and how osslsigncode is told.

use super::secret::{self, Place, Secret};
use crate::authenticode::{Kind, Osslsigncode, certificates, osslsigncode};
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A token may want to be touched.
const LIMIT: Duration = Duration::from_secs(300);

/// What the versions of osslsigncode say when a password or PIN is wrong or missing.
const REFUSED: &[&str] = &[
    "rong password",
    "bad decrypt",
    "mac verify failure",
    "passphrase",
    "PIN incorrect",
    "CKR_PIN",
    "Login failed",
];

/// Where the key is: exactly one of these.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Key {
    /// In PEM files.
    Pem {
        /// The private key.
        key: PathBuf,
        /// The certificate for it, and others.
        certificates: PathBuf,
        /// Further certificates, up to a root: those in between are what Windows needs.
        chain: Option<PathBuf>,
        /// The password of the key.
        password: Option<Place>,
    },
    /// In a PKCS#12 file (`.p12`, `.pfx`), with its certificate.
    Pkcs12 {
        /// The file.
        file: PathBuf,
        /// Further certificates in PEM.
        chain: Option<PathBuf>,
        /// The password of the file.
        password: Option<Place>,
    },
    /// In a token or a hardware security module, where it stays.
    Pkcs11 {
        /// The library that speaks to the token.
        module: PathBuf,
        /// OpenSSL's engine for PKCS#11, where it is not in its usual place.
        engine: Option<PathBuf>,
        /// A `pkcs11:` URI (RFC 7512) of the key.
        key: String,
        /// A `pkcs11:` URI of the certificate, if it is in the token.
        certificate: Option<String>,
        /// The certificate in a PEM file, if it is not.
        certificates: Option<PathBuf>,
        /// Further certificates in PEM.
        chain: Option<PathBuf>,
        /// The PIN of the token.
        pin: Option<Place>,
    },
    /// Behind somebody else's program.
    Command {
        /// The program and its arguments, in which `{in}` and `{out}` stand for files. Without `{in}`, what is at
        /// `{out}` is to be signed in its place.
        run: Vec<String>,
    },
}

impl Key {
    /// Refuses what cannot work, or would give a secret away.
    ///
    /// # Errors
    /// If it is such; the error says which of its words.
    pub(super) fn check(&self) -> Result<()> {
        match self {
            Key::Pem { .. } | Key::Pkcs12 { .. } => Ok(()),
            Key::Pkcs11 { key, certificate, certificates, .. } => {
                for uri in [Some(key), certificate.as_ref()].into_iter().flatten() {
                    ensure!(
                        uri.starts_with("pkcs11:"),
                        "key.pkcs11: {uri:?} is no URI that begins with pkcs11:"
                    );
                    ensure!(
                        !uri.contains("pin-value"),
                        "key.pkcs11: a URI must not have the PIN in it, where every user of the machine can read it; use pin = {{ file = … }} or pin = {{ env = … }}"
                    );
                }
                ensure!(
                    certificate.is_some() != certificates.is_some(),
                    "key.pkcs11: give either certificate, a URI, or certificates, a file"
                );
                Ok(())
            }
            Key::Command { run } => check_command(run),
        }
    }

    /// Makes the program of a command, if it is a path, relative to a folder.
    ///
    /// # Errors
    /// If the folder is not UTF-8.
    pub(super) fn find_program(&mut self, folder: &Path) -> Result<()> {
        if let Key::Command { run } = self
            && let Some(program) = run.first_mut().filter(|program| program.contains('/'))
        {
            let path = folder.join(&*program);
            *program = path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?.to_owned();
        }
        Ok(())
    }

    /// The files that are named.
    pub(super) fn paths_mut(&mut self) -> Vec<&mut PathBuf> {
        let (files, optional, password) = match self {
            Key::Pem { key, certificates, chain, password } => {
                (vec![key, certificates], vec![chain], password.as_mut())
            }
            Key::Pkcs12 { file, chain, password } => (vec![file], vec![chain], password.as_mut()),
            Key::Pkcs11 { module, engine, certificates, chain, pin, .. } => {
                (vec![module], vec![engine, certificates, chain], pin.as_mut())
            }
            Key::Command { .. } => (Vec::new(), Vec::new(), None),
        };
        let password = password.and_then(Place::path_mut);
        files.into_iter().chain(optional.into_iter().flatten()).chain(password).collect()
    }

    /// Where its password or PIN is, if the configuration says so.
    pub(super) fn password(&self) -> Option<&Place> {
        match self {
            Key::Pem { password: place, .. }
            | Key::Pkcs12 { password: place, .. }
            | Key::Pkcs11 { pin: place, .. } => place.as_ref(),
            Key::Command { .. } => None,
        }
    }

    /// The file that it is in, if it is in one.
    fn file(&self) -> Option<&Path> {
        match self {
            Key::Pem { key: file, .. } | Key::Pkcs12 { file, .. } => Some(file),
            Key::Pkcs11 { .. } | Key::Command { .. } => None,
        }
    }

    /// Lets osslsigncode sign `from` into `to`, which must not exist yet, with description and URL. There is no time
    /// stamp in it.
    ///
    /// # Errors
    /// If the key cannot be used.
    pub(super) fn sign(
        &self,
        tool: &Osslsigncode,
        opus: &[String; 2],
        kind: Kind,
        [from, to]: [&Path; 2],
    ) -> Result<()> {
        let mut command = tool.command("sign");
        let work = tempfile::tempdir().context("making a folder for unfinished files")?;
        self.add_options(&mut command, work.path())?;
        command.args(["-h", "sha256", "-n", &opus[0], "-i", &opus[1]]);
        command.args(osslsigncode::extended(kind == Kind::Installer));
        if let Some(secret) = Secret::fetch(self.password())? {
            command.args(["-readpass", "/dev/stdin"]).stdin(secret.input()?);
        }
        command.arg("-in").arg(from).arg("-out").arg(to);
        let (lines, signed) = osslsigncode::run(command, LIMIT);
        signed.map_err(|error| {
            if self.was_refused(&lines) {
                error.context(format!(
                    "the key was not opened: the password or PIN is missing or wrong (it is taken from the place that the configuration names, or from {})",
                    secret::VARIABLE
                ))
            } else {
                error.context("the key could not be used")
            }
        })
    }

    /// Adds the options that say where the key is. Files that are made for it go into `work`.
    fn add_options(&self, command: &mut Command, work: &Path) -> Result<()> {
        let (certificates, chain) = match self {
            Key::Pem { key, certificates, chain, .. } => {
                command.arg("-key").arg(key);
                (Some(certificates), chain)
            }
            Key::Pkcs12 { file, chain, .. } => {
                command.arg("-pkcs12").arg(file);
                (None, chain)
            }
            Key::Pkcs11 { module, engine, key, certificate, certificates, chain, .. } => {
                if let Some(engine) = engine {
                    command.arg("-pkcs11engine").arg(engine);
                }
                command.arg("-pkcs11module").arg(module).arg("-key").arg(key);
                if let Some(certificate) = certificate {
                    command.arg("-pkcs11cert").arg(certificate);
                }
                (certificates.as_ref(), chain)
            }
            Key::Command { .. } => bail!("an external command signs, not osslsigncode"),
        };
        // A certificate that is in both files, or twice in one, would be in the signature twice, which no set allows.
        let mut known = BTreeSet::new();
        for (option, file) in [("-certs", certificates), ("-ac", chain.as_ref())] {
            let Some(file) = file else { continue };
            let mut new = certificates::read(file)?;
            new.retain(|certificate| known.insert(certificate.clone()));
            if !new.is_empty() {
                let path = work.join(option).with_extension("pem");
                certificates::write(&path, &new)?;
                command.arg(option).arg(path);
            }
        }
        Ok(())
    }

    /// Whether the password or PIN was refused. The name of the file might contain the words.
    fn was_refused(&self, lines: &[String]) -> bool {
        let name = self.file().map(Path::to_string_lossy);
        lines.iter().any(|line| {
            let text = name.as_deref().map_or_else(|| line.clone(), |name| line.replace(name, ""));
            REFUSED.iter().any(|words| text.contains(words))
        })
    }
}

fn check_command(run: &[String]) -> Result<()> {
    ensure!(
        run.first().is_some_and(|program| !program.contains('{')),
        "key.command: run is a list of a program and its arguments"
    );
    ensure!(
        run.iter().any(|word| word.contains("{out}")),
        "key.command: none of the arguments has {{out}}, the file that is to be signed"
    );
    if let Some(option) = signing_settings::secret_option(run) {
        bail!(
            "key.command: what follows {option} seems to be a secret, which every user of the machine can read there; jsign takes env:VARIABLE or file:FILE instead, and for others a script can fetch it"
        );
    }
    Ok(())
}
