//! What `repository.toml` says: where the repositories will be, and with which key their indexes are signed.
//!
//! It holds no secret: it names the file or the environment variable that has the password. Paths are relative to the
//! file's folder.

use crate::openpgp::{PublicKey, SecretKey};
use crate::place::{Place, read_settings};
use crate::signer::{Command, Signer};
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::env;
use std::path::{Path, PathBuf};

/// The environment variable with the password of the key, if the settings name no other place.
const PASSWORD: &str = "PYWATS_SIGN_PASSWORD";

/// The settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The address under which clients will find the folder.
    pub(crate) url: String,
    /// The key; not needed to attach stored signatures.
    key: Option<Key>,
    /// The key of ssh by which the list of a release's files is signed as well.
    ssh: Option<SshKey>,
}

/// A key of ssh.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SshKey {
    /// The file that `ssh-keygen` made, or its public half, if an agent has the other one.
    pub(crate) key: PathBuf,
    /// Who signs, as `allowed_signers` names them: usually an address of mail.
    pub(crate) principal: String,
}

/// Where the key is: exactly one of these.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Key {
    /// In a file.
    File {
        /// The armored secret key.
        secret: PathBuf,
        /// Its password.
        password: Option<Place>,
    },
    /// Behind somebody else's program, such as gpg with a smart card.
    Command {
        /// The armored public key.
        public: PathBuf,
        /// The program and its arguments, with `{in}`, `{out}` and `{mode}`.
        run: Vec<String>,
    },
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// If the file cannot be read, has an unknown key, or says what cannot work.
    pub(crate) fn load(path: &Path) -> Result<Settings> {
        let settings: Settings = read_settings(path, "docs/repositories.md")?;
        let url = plain_url(&settings.url).with_context(|| format!("in {}", path.display()))?;
        Ok(Settings { url, ..settings })
    }

    /// Where the key of ssh is, if there is one.
    pub(crate) fn ssh(&self, path: &Path) -> Option<SshKey> {
        let folder = path.parent().unwrap_or(Path::new(""));
        self.ssh.clone().map(|ssh| SshKey { key: folder.join(ssh.key), ..ssh })
    }

    /// The key that is named.
    ///
    /// # Errors
    /// If there is none, or it cannot be used.
    pub(crate) fn signer(self, path: &Path) -> Result<(PublicKey, Signer)> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let key = self.key.with_context(|| {
            format!("{} has no [key]: name one, or attach stored signatures by --attach", path.display())
        })?;
        match key {
            Key::File { secret, password } => {
                let password = password.map(|place| place.fetch("password", folder)).transpose()?;
                let password = password.or_else(|| env::var(PASSWORD).ok());
                let key = SecretKey::read(&folder.join(&secret), password.as_deref())?;
                let public = key
                    .public()
                    .with_context(|| format!("{} is no key to sign with", folder.join(secret).display()))?;
                Ok((public, Signer::Key(Box::new(key))))
            }
            Key::Command { public, run } => {
                let command = Command::new(run, folder).with_context(|| format!("in {}", path.display()))?;
                Ok((PublicKey::read(&folder.join(public))?, Signer::Command(command)))
            }
        }
    }
}

/// An address as it can stand in the files that clients read.
///
/// # Errors
/// If it is none.
pub(crate) fn plain_url(url: &str) -> Result<String> {
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    let fits = |c: char| c.is_ascii_graphic() && !"@?#\"'<>&\\".contains(c);
    ensure!(
        is_web && url.chars().all(fits),
        "the url is to be a plain http or https address without a user's name, query or spaces"
    );
    Ok(url.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openpgp::tests::write_key;
    use std::fs;

    fn load(text: &str) -> Result<()> {
        let folder = tempfile::tempdir()?;
        write_key(&folder.path().join("k.asc"));
        let path = folder.path().join("repository.toml");
        fs::write(&path, text)?;
        Settings::load(&path)?.signer(&path).map(|_| ())
    }

    /// Fails if: settings that cannot work, or would give a secret away, are accepted, or the error does not say what
    /// is wrong with them, or shows a secret.
    #[test]
    fn refuses_what_cannot_work() {
        const URL: &str = "url = 'https://packages.example.com/x/'\n";
        load(&format!("{URL}[key.file]\nsecret = 'k.asc'")).unwrap();
        for (text, message) in [
            ("[key.file]\nsecret = 'k.asc'".to_owned(), "missing field `url`"),
            ("url = 'ftp://a'".to_owned(), "plain http or https"),
            ("url = 'https://me:hush-4711@a'".to_owned(), "plain http or https"),
            (URL.to_owned(), "has no [key]"),
            (format!("{URL}[key.file]\nsecret = 'none.asc'"), "none.asc"),
            (
                format!("{URL}[key.file]\nsecret = 'k.asc'\npassword = 'hush-4711'"),
                "line 4: this is not what",
            ),
            (format!("{URL}[key.file]\nsecret = 'k.asc'\npassword = {{ file = 'none' }}"), "none"),
            (format!("{URL}[key.usb]"), "this is not what"),
            (format!("{URL}[key.command]\npublic = 'k.asc'\nrun = []"), "a list of a program"),
            (
                format!(
                    "{URL}[key.command]\npublic = 'k.asc'\nrun = ['gpg', '--passphrase', 'hush-4711', '{{in}}']"
                ),
                "what follows --passphrase seems to be a secret",
            ),
            (format!("{URL}[key.command]\npublic = 'k.asc'\nrun = ['gpg', '{{in}}', '{{out}}']"), "{mode}"),
        ] {
            let error = format!("{:#}", load(&text).expect_err(&text));
            assert!(error.contains(message), "{text}\n{error}");
            assert!(!error.contains("hush-4711"), "the secret shows: {error}");
        }
    }
}
