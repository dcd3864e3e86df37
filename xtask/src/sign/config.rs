//! `signing.toml`: with which key to sign, who stamps the time, and whom to trust when verifying.
//!
//! `docs/signing.md` tells it to release managers. Paths are relative to the folder of the file. Passwords are
//! not in it: it names the file or the environment variable that has one.

use super::redact;
use super::secret::Place;
use crate::workspace;
use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fs;
use std::path::{Path, PathBuf};

/// The name of the file in the workspace.
pub(crate) const FILE: &str = "signing.toml";

/// How to sign.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// What Windows shows as the name of the program; by default the product's.
    pub(crate) description: Option<String>,
    /// Where people find more about it; by default the product's homepage.
    pub(crate) url: Option<String>,
    /// The key.
    pub(crate) key: Key,
    /// The time stamps.
    #[serde(default)]
    pub(crate) timestamp: Timestamp,
    /// Whom to trust.
    #[serde(default)]
    pub(crate) trust: Trust,
}

/// Where the key is: exactly one of these.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Key {
    /// A key and certificates in files.
    Pem(Pem),
    /// Both in one file.
    Pkcs12(Pkcs12),
    /// A key that stays in a token or a hardware security module.
    Pkcs11(Pkcs11),
    /// Somebody else's program, which has a way to the key.
    Command(Command),
}

/// A key and certificates in PEM files.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pem {
    /// The private key.
    pub(crate) key: PathBuf,
    /// The certificate for it, and others.
    pub(crate) certificates: PathBuf,
    /// Further certificates, up to a root: those in between are what Windows needs.
    pub(crate) chain: Option<PathBuf>,
    /// The password of the key.
    pub(crate) password: Option<Place>,
}

/// A PKCS#12 file (`.p12`, `.pfx`).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pkcs12 {
    /// The file.
    pub(crate) file: PathBuf,
    /// Further certificates in PEM.
    pub(crate) chain: Option<PathBuf>,
    /// The password of the file.
    pub(crate) password: Option<Place>,
}

/// A key behind PKCS#11.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pkcs11 {
    /// The library that speaks to the token.
    pub(crate) module: PathBuf,
    /// OpenSSL's engine for PKCS#11, where it is not in its usual place.
    pub(crate) engine: Option<PathBuf>,
    /// A `pkcs11:` URI (RFC 7512) of the key.
    pub(crate) key: String,
    /// A `pkcs11:` URI of the certificate, if it is in the token.
    pub(crate) certificate: Option<String>,
    /// The certificate in a PEM file, if it is not.
    pub(crate) certificates: Option<PathBuf>,
    /// Further certificates in PEM.
    pub(crate) chain: Option<PathBuf>,
    /// The PIN of the token.
    pub(crate) pin: Option<Place>,
}

/// A program that signs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Command {
    /// The program and its arguments, in which `{in}` and `{out}` stand for files. Without `{in}`, what is at
    /// `{out}` is to be signed in its place.
    pub(crate) run: Vec<String>,
}

/// Who stamps the time, and how patiently to ask.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Timestamp {
    /// Addresses of RFC 3161 servers, the first one first.
    pub(crate) servers: Vec<String>,
    /// How often all of them are asked.
    pub(crate) attempts: u32,
    /// How long to wait before all are asked again, in seconds; doubled each time.
    pub(crate) pause_seconds: u64,
    /// How long one may take to answer.
    pub(crate) timeout_seconds: u64,
}

/// Whom to trust, if not the certificates of the system.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trust {
    /// Roots of code signing certificates, in PEM.
    pub(crate) ca_file: Option<PathBuf>,
    /// Roots of the time stamp servers, in PEM.
    pub(crate) tsa_ca_file: Option<PathBuf>,
}

impl Default for Timestamp {
    fn default() -> Timestamp {
        Timestamp { servers: Vec::new(), attempts: 3, pause_seconds: 2, timeout_seconds: 30 }
    }
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// If the file cannot be read, has an unknown key, or says what cannot work.
    pub(crate) fn load(path: &Path) -> Result<Config> {
        let mut config: Config = read(path)?;
        let doing = || format!("in {}", path.display());
        config.check().with_context(doing)?;
        config.resolve(folder_of(path)).with_context(doing)?;
        let mut paths = config.paths();
        paths.extend(config.trust.paths());
        are_files(path, &paths)?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        if let Key::Pkcs11(Pkcs11 { key, certificate, certificates, .. }) = &self.key {
            for uri in [Some(key), certificate.as_ref()].into_iter().flatten() {
                ensure!(uri.starts_with("pkcs11:"), "key.pkcs11: {uri:?} is no URI that begins with pkcs11:");
                ensure!(
                    !uri.contains("pin-value"),
                    "key.pkcs11: a URI must not have the PIN in it, where every user of the machine can read it; use pin = {{ file = … }} or pin = {{ env = … }}"
                );
            }
            ensure!(
                certificate.is_some() != certificates.is_some(),
                "key.pkcs11: give either certificate, a URI, or certificates, a file"
            );
        }
        if let Key::Command(Command { run }) = &self.key {
            ensure!(
                run.first().is_some_and(|program| !program.contains('{')),
                "key.command: run is a list of a program and its arguments"
            );
            ensure!(
                run.iter().any(|word| word.contains("{out}")),
                "key.command: none of the arguments has {{out}}, the file that is to be signed"
            );
            if let Some(option) = redact::secret_option(run) {
                bail!(
                    "key.command: what follows {option} seems to be a secret, which every user of the machine can read there; jsign takes env:VARIABLE or file:FILE instead, and for others a script can fetch it"
                );
            }
        }
        self.timestamp.check()
    }

    /// Makes paths relative to the folder of the configuration.
    fn resolve(&mut self, folder: &Path) -> Result<()> {
        for path in self.paths_mut() {
            *path = folder.join(&*path);
        }
        self.trust.resolve(folder);
        if let Key::Command(Command { run }) = &mut self.key
            && let Some(program) = run.first_mut().filter(|program| program.contains('/'))
        {
            let path = folder.join(&*program);
            *program = path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?.to_owned();
        }
        Ok(())
    }

    /// Every path that belongs to the key.
    fn paths_mut(&mut self) -> Vec<&mut PathBuf> {
        let mut paths: Vec<&mut PathBuf> = Vec::new();
        let (place, optional) = match &mut self.key {
            Key::Pem(Pem { key, certificates, chain, password }) => {
                paths.extend([key, certificates]);
                (password.as_mut(), vec![chain])
            }
            Key::Pkcs12(Pkcs12 { file, chain, password }) => {
                paths.push(file);
                (password.as_mut(), vec![chain])
            }
            Key::Pkcs11(Pkcs11 { module, engine, certificates, chain, pin, .. }) => {
                paths.push(module);
                (pin.as_mut(), vec![engine, certificates, chain])
            }
            Key::Command(_) => (None, Vec::new()),
        };
        if let Some(Place::File(file)) = place {
            paths.push(file);
        }
        paths.extend(optional.into_iter().flatten());
        paths
    }

    /// The same, for looking whether they are there.
    fn paths(&mut self) -> Vec<PathBuf> {
        self.paths_mut().into_iter().map(|path| path.clone()).collect()
    }
}

impl Trust {
    /// Whom a configuration says to trust: the one that was chosen, or the workspace's, which may be missing. Nothing
    /// else of it counts, so that the key need not be there.
    ///
    /// # Errors
    /// If there is one that cannot be read, or it names files that are not there.
    pub(crate) fn load(chosen: Option<&Path>) -> Result<Trust> {
        #[derive(Deserialize)]
        struct OnlyTrust {
            #[serde(default)]
            trust: Trust,
        }
        let path = chosen.map_or_else(default_path, Path::to_owned);
        if chosen.is_none() && !path.is_file() {
            return Ok(Trust::default());
        }
        let OnlyTrust { mut trust } = read(&path)?;
        trust.resolve(folder_of(&path));
        are_files(&path, &trust.paths())?;
        Ok(trust)
    }

    fn resolve(&mut self, folder: &Path) {
        for path in [&mut self.ca_file, &mut self.tsa_ca_file].into_iter().flatten() {
            *path = folder.join(&*path);
        }
    }

    fn paths(&self) -> Vec<PathBuf> {
        [&self.ca_file, &self.tsa_ca_file].into_iter().flatten().cloned().collect()
    }
}

/// The configuration of the workspace.
pub(crate) fn default_path() -> PathBuf {
    workspace::root().join(FILE)
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).with_context(|| {
        format!("reading {}: docs/signing.md says how to write one; --config names another", path.display())
    })?;
    // The error itself quotes the line, which may have a password in it.
    toml::from_str(&text)
        .map_err(|error| anyhow!("in {}, {}", path.display(), redact::describe(&text, &error)))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

fn are_files(path: &Path, files: &[PathBuf]) -> Result<()> {
    for file in files {
        ensure!(file.is_file(), "{} names {}, which is no file", path.display(), file.display());
    }
    Ok(())
}

impl Key {
    /// Where its password or PIN is, if the configuration says so.
    pub(crate) fn password(&self) -> Option<&Place> {
        match self {
            Key::Pem(Pem { password, .. }) | Key::Pkcs12(Pkcs12 { password, .. }) => password.as_ref(),
            Key::Pkcs11(Pkcs11 { pin, .. }) => pin.as_ref(),
            Key::Command(_) => None,
        }
    }

    /// The file that it is in, if it is in one.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Key::Pem(Pem { key: file, .. }) | Key::Pkcs12(Pkcs12 { file, .. }) => Some(file),
            Key::Pkcs11(_) | Key::Command(_) => None,
        }
    }
}

impl Timestamp {
    /// Refuses what cannot work.
    ///
    /// # Errors
    /// If an address is none, or has a password in it.
    pub(crate) fn check(&self) -> Result<()> {
        for server in &self.servers {
            // First, and without showing it: it is a secret.
            ensure!(!server.contains('@'), "timestamp.servers: an address must not have a password in it");
            ensure!(
                ["http://", "https://"].iter().any(|scheme| server.starts_with(scheme)),
                "timestamp.servers: {server:?} is no http address"
            );
        }
        ensure!((1..=10).contains(&self.attempts), "timestamp.attempts: give a number from 1 to 10");
        ensure!(self.pause_seconds <= 60, "timestamp.pause_seconds: give at most 60");
        ensure!(
            (1..=600).contains(&self.timeout_seconds),
            "timestamp.timeout_seconds: give a number from 1 to 600"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Config> {
        let folder = tempfile::tempdir()?;
        for name in ["k.pem", "c.pem", "m.so"] {
            fs::write(folder.path().join(name), "")?;
        }
        let path = folder.path().join(FILE);
        fs::write(&path, text)?;
        Config::load(&path)
    }

    /// Fails if: a configuration that cannot work, or would give a secret away, is accepted, or the error does not
    /// say what is wrong with it.
    #[test]
    fn refuses_what_cannot_work() {
        const PEM: &str = "[key.pem]\nkey = 'k.pem'\ncertificates = 'c.pem'\n";
        const TOKEN: &str = "[key.pkcs11]\nmodule = 'm.so'\n";
        load(&format!("{PEM}password = {{ env = 'X' }}\n[timestamp]\nservers = ['http://a/b']")).unwrap();
        load(&format!("{TOKEN}key = 'pkcs11:a'\ncertificate = 'pkcs11:b'")).unwrap();
        load("[key.command]\nrun = ['jsign', '--storepass', 'env:TOKEN', '{out}']").unwrap();
        for (text, message) in [
            (String::new(), "missing field `key`"),
            (format!("colour = 'red'\n{PEM}"), "colour"),
            (
                format!("{PEM}passphrase = 'hush-4711'"),
                "line 4: key.pem.passphrase: unknown field `passphrase`",
            ),
            (format!("{PEM}[key.command]\nrun = ['a', '{{out}}']"), "key"),
            (format!("{PEM}password = 'hush-4711'"), "line 4: key.pem.password: this is not what belongs"),
            (format!("{PEM}password = {{ 'hush-4711' = 1 }}"), "line 4: key.pem.password"),
            (format!("{PEM}password = 'hush-4711"), "line 4: this is no TOML"),
            (format!("{PEM}password = hush-4711"), "line 4: this is no TOML"),
            (format!("{TOKEN}pin = 90517362"), "line 3: key.pkcs11.pin: this is not what belongs here; give"),
            (format!("{PEM}chain = 'none.pem'"), "none.pem, which is no file"),
            ("[key.usb]".to_owned(), "usb"),
            (format!("{TOKEN}key = 'object=a'\ncertificate = 'pkcs11:b'"), "pkcs11:"),
            (
                format!("{TOKEN}key = 'pkcs11:a?pin-value=1'\ncertificate = 'pkcs11:b'"),
                "must not have the PIN",
            ),
            (format!("{TOKEN}key = 'pkcs11:a'"), "either certificate"),
            (format!("{TOKEN}key = 'pkcs11:a'\ncertificate = 'pkcs11:b'\ncertificates = 'c.pem'"), "either"),
            ("[key.command]\nrun = []".to_owned(), "a list of a program"),
            ("[key.command]\nrun = ['jsign', '{in}']".to_owned(), "{out}"),
            (
                "[key.command]\nrun = ['jsign', '--storepass', 'me:word', '{out}']".to_owned(),
                "what follows --storepass seems to be a secret",
            ),
            (
                "[key.command]\nrun = ['jsign', '--storepass=me:word', '{out}']".to_owned(),
                "what follows --storepass seems to be a secret",
            ),
            (format!("{PEM}[timestamp]\nservers = ['ftp://a']"), "no http address"),
            (format!("{PEM}[timestamp]\nservers = ['http://me:word@a/']"), "must not have a password"),
            (format!("{PEM}[timestamp]\nservers = ['HTTPS://me:word@a/']"), "must not have a password"),
            (format!("{PEM}[timestamp]\nattempts = 0"), "attempts"),
            (format!("{PEM}[timestamp]\npause_seconds = 61"), "pause_seconds"),
            (format!("{PEM}[timestamp]\ntimeout_seconds = 0"), "timeout_seconds"),
        ] {
            let error = format!("{:#}", load(&text).expect_err(&text));
            assert!(error.contains(message), "{text}\n{error}");
            assert!(error.contains(FILE), "{error}");
            for secret in ["me:word", "hush-4711", "90517362"] {
                assert!(!error.contains(secret), "the secret shows: {error}");
            }
        }
    }
}
