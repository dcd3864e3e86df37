//! What `signing.toml` says: with which key to sign, who stamps the time, and whom to trust.
//!
//! Passwords are not in it: it names the file or the environment variable that has one.

use super::key::Key;
use crate::authenticode::{Timestamp, Trust};
use crate::settings;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// How to sign.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// What Windows shows as the name of the program; by default the product's.
    pub(crate) description: Option<String>,
    /// Where people find more about it; by default the product's homepage.
    pub(crate) url: Option<String>,
    /// The key, for Windows.
    pub(crate) key: Option<Key>,
    /// The time stamps.
    #[serde(default)]
    pub(crate) timestamp: Timestamp,
    /// Whom to trust.
    #[serde(default)]
    pub(crate) trust: Trust,
    /// How to sign for macOS.
    pub(crate) apple: Option<Apple>,
}

/// How to sign for macOS.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Apple {
    /// The key of a Developer ID Application certificate: programs, bundles, disk images.
    pub(crate) application: Key,
    /// That of a Developer ID Installer certificate: packages.
    pub(crate) installer: Option<Key>,
    /// The time stamps; Apple's server, unless others are named.
    #[serde(default = "apples_time_stamps")]
    pub(crate) timestamp: Timestamp,
    /// Whom to trust.
    #[serde(default)]
    pub(crate) trust: Trust,
    /// How to reach the notary.
    pub(crate) notary: Option<Notary>,
}

/// Apple's notary, and who asks it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notary {
    /// The issuer of the key, as App Store Connect shows it.
    pub(crate) issuer: String,
    /// The number of the key.
    pub(crate) key_id: String,
    /// The key, a file `AuthKey_ID.p8`.
    pub(crate) key: PathBuf,
    /// How long to wait for its answer, in seconds; the next run asks again.
    #[serde(default = "ten_minutes")]
    pub(crate) wait_seconds: u64,
}

fn ten_minutes() -> u64 {
    600
}

fn apples_time_stamps() -> Timestamp {
    Timestamp { servers: vec!["http://timestamp.apple.com/ts01".to_owned()], ..Timestamp::default() }
}

impl Apple {
    /// Refuses what cannot work, and finds the files that are named beside `path`.
    fn settle(&mut self, path: &Path) -> Result<()> {
        if self.timestamp.servers.is_empty() {
            self.timestamp.servers = apples_time_stamps().servers;
        }
        self.timestamp.check().context("apple")?;
        for (name, key) in
            [("apple.application", Some(&mut self.application)), ("apple.installer", self.installer.as_mut())]
        {
            let Some(key) = key else { continue };
            ensure!(
                !matches!(key, Key::Pkcs11 { .. }),
                "{name}.pkcs11: what signs for macOS here reaches no token; give pkcs12 or pem, or, by command, a program that reaches it"
            );
            key.check().context(name)?;
            key.find_program(settings::folder_of(path))?;
            settings::find_files(path, key.paths_mut())?;
        }
        if let Some(notary) = &mut self.notary {
            ensure!(notary.wait_seconds <= 86_400, "apple.notary.wait_seconds: give at most 86400, a day");
            settings::find_files(path, vec![&mut notary.key])?;
        }
        settings::find_files(path, self.trust.paths_mut())
    }
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// If the file cannot be read, has an unknown key, or says what cannot work.
    pub(crate) fn load(path: &Path) -> Result<Config> {
        let mut config: Config = settings::read(path)?;
        let doing = || format!("in {}", path.display());
        ensure!(
            config.key.is_some() || config.apple.is_some(),
            "in {}: missing field `key`, for Windows, or `apple`, for macOS",
            path.display()
        );
        config.timestamp.check().with_context(doing)?;
        if let Some(key) = &mut config.key {
            key.check().with_context(doing)?;
            key.find_program(settings::folder_of(path)).with_context(doing)?;
            settings::find_files(path, key.paths_mut())?;
        }
        if let Some(apple) = &mut config.apple {
            apple.settle(path).with_context(doing)?;
        }
        settings::find_files(path, config.trust.paths_mut())?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn load(text: &str) -> Result<Config> {
        let folder = tempfile::tempdir()?;
        for name in ["k.pem", "c.pem", "m.so"] {
            fs::write(folder.path().join(name), "")?;
        }
        let path = folder.path().join(settings::FILE);
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
        const APPLE: &str = "[apple.application.pkcs12]\nfile = 'k.pem'\n";
        let apple = load(APPLE).unwrap().apple.unwrap();
        assert_eq!(apple.timestamp.servers, ["http://timestamp.apple.com/ts01"]);
        for (text, message) in [
            (String::new(), "missing field `key`"),
            (format!("colour = 'red'\n{PEM}"), "colour"),
            (
                format!("{PEM}passphrase = 'hush-4711'"),
                "line 4: key.pem.passphrase: unexpected keys in table: passphrase, available keys: key,",
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
            ("[apple]\n".to_owned(), "missing field `application`"),
            (format!("{APPLE}password = 'hush-4711'"), "apple.application.pkcs12.password: this is not what"),
            (
                "[apple.application.pkcs11]\nmodule = 'm.so'\nkey = 'pkcs11:a'\ncertificate = 'pkcs11:b'"
                    .to_owned(),
                "apple.application.pkcs11: what signs for macOS here reaches no token",
            ),
            (
                format!("{APPLE}[apple.installer.command]\nrun = ['sign', '--pin=me:word', '{{out}}']"),
                "what follows --pin seems to be a secret",
            ),
            (
                format!("{APPLE}[apple.notary]\nissuer = 'a'\nkey_id = 'b'\nkey = 'none.p8'"),
                "none.p8, which is no file",
            ),
            (
                format!(
                    "{APPLE}[apple.notary]\nissuer = 'a'\nkey_id = 'b'\nkey = 'k.pem'\nwait_seconds = 90000"
                ),
                "wait_seconds",
            ),
            (
                format!("{APPLE}[apple.timestamp]\nservers = ['http://me:word@a/']"),
                "must not have a password",
            ),
        ] {
            let error = format!("{:#}", load(&text).expect_err(&text));
            assert!(error.contains(message), "{text}\n{error}");
            assert!(error.contains(settings::FILE), "{error}");
            for secret in ["me:word", "hush-4711", "90517362"] {
                assert!(!error.contains(secret), "the secret shows: {error}");
            }
        }
    }
}
