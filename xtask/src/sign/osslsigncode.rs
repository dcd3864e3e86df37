//! [`osslsigncode`](https://github.com/mtrojnar/osslsigncode), which signs, stamps and verifies.
//!
//! What depends on its version:
//!
//! | version | where | what |
//! |---|---|---|
//! | 2.5 | Debian 12 | the oldest that is accepted; does not look at revocation lists |
//! | 2.8 | | a revocation list that cannot be fetched is an error |
//! | 2.9 | backports of Debian 12 | can be told to leave revocation lists alone (`-ignore-crl`) |
//! | 2.10 | | PKCS#11 by a provider of OpenSSL 3, besides the engine |
//! | 2.13 | | the first without known ways to attack it by a file that it verifies |

use super::certificates;
use super::config::{Config, Key, Pem, Pkcs11, Pkcs12};
use super::kind::Kind;
use super::secret::{self, Place, Secret};
use crate::process;
use crate::verify::Trust;
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const PROGRAM: &str = "osslsigncode";
/// A token may want to be touched.
const SIGNING_LIMIT: Duration = Duration::from_secs(300);
/// Revocation lists may have to be fetched.
const VERIFYING_LIMIT: Duration = Duration::from_secs(120);

/// A version of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(u32, u32);

const OLDEST: Version = Version(2, 5);
const IGNORES_REVOCATION: Version = Version(2, 9);
/// The first that looks at revocation lists at all.
const SEES_REVOCATION: Version = Version(2, 6);

/// What the versions say when a password or PIN is wrong or missing.
const REFUSED: &[&str] = &[
    "rong password",
    "bad decrypt",
    "mac verify failure",
    "passphrase",
    "PIN incorrect",
    "CKR_PIN",
    "Login failed",
];

/// The installed program.
pub(crate) struct Osslsigncode {
    /// Its version.
    pub(crate) version: Version,
    /// Environment variables that it need not see.
    hidden: Vec<String>,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl Osslsigncode {
    /// Looks for the program. It is run without the environment variable that has the password.
    ///
    /// # Errors
    /// If it is not installed, or too old; the error says what to install.
    pub(crate) fn find(password: Option<&Place>) -> Result<Osslsigncode> {
        let mut tool = Osslsigncode { version: OLDEST, hidden: secret::variables(password) };
        let output = tool
            .output(tool.command("--version"), VERIFYING_LIMIT)
            .context("osslsigncode is needed (Debian: apt-get install osslsigncode)")?;
        let words = output.first().context("osslsigncode --version prints nothing")?;
        tool.version = version(words).with_context(|| format!("osslsigncode prints no version: {words}"))?;
        tool.require(OLDEST, "signing and verifying")?;
        Ok(tool)
    }

    fn require(&self, version: Version, what: &str) -> Result<()> {
        ensure!(
            self.version >= version,
            "osslsigncode {} is too old: {what} needs {version} or later (Debian 12 has 2.5, its backports have 2.9)",
            self.version
        );
        Ok(())
    }

    /// Signs `from` into `to`, which must not exist yet. There is no time stamp in it.
    ///
    /// # Errors
    /// If the key cannot be used.
    pub(crate) fn sign(
        &self,
        config: &Config,
        opus: [&str; 2],
        kind: Kind,
        [from, to]: [&Path; 2],
    ) -> Result<()> {
        let mut command = self.command("sign");
        let work = tempfile::tempdir().context("making a folder for unfinished files")?;
        add_key(&mut command, &config.key, work.path())?;
        command.args(["-h", "sha256", "-n", opus[0], "-i", opus[1]]).args(extended(kind == Kind::Installer));
        if let Some(secret) = Secret::fetch(config.key.password())? {
            command.args(["-readpass", "/dev/stdin"]).stdin(secret.input()?);
        }
        command.arg("-in").arg(from).arg("-out").arg(to);
        let (lines, signed) = run(command, SIGNING_LIMIT);
        signed.map_err(|error| {
            if was_refused(&lines, config.key.file()) {
                error.context(format!(
                    "the key was not opened: the password or PIN is missing or wrong (it is taken from the place that the configuration names, or from {})",
                    secret::VARIABLE
                ))
            } else {
                error.context("the key could not be used")
            }
        })
    }

    /// Adds the time stamp of one server to what was signed.
    ///
    /// # Errors
    /// If the server does not answer in time, or not as it should.
    pub(crate) fn stamp(
        &self,
        server: &str,
        limit: Duration,
        is_extended: bool,
        [from, to]: [&Path; 2],
    ) -> Result<()> {
        let mut command = self.command("add");
        command.args(["-ts", server, "-h", "sha256"]).args(extended(is_extended));
        command.arg("-in").arg(from).arg("-out").arg(to);
        self.output(command, limit)?;
        Ok(())
    }

    /// Writes the signature of a signed file into a PEM file. In DER the versions differ in what they write.
    ///
    /// # Errors
    /// If there is no signature.
    pub(crate) fn extract(&self, from: &Path, to: &Path) -> Result<()> {
        let mut command = self.command("extract-signature");
        command.arg("-pem").arg("-in").arg(from).arg("-out").arg(to);
        self.output(command, VERIFYING_LIMIT)?;
        Ok(())
    }

    /// Attaches a signature to an unsigned file. Whether it fits is not judged: versions before 2.14 judge the
    /// whole chain here, by roots that they are not told, later ones only the digest.
    ///
    /// # Errors
    /// If no file comes of it, or not the whole file.
    pub(crate) fn attach(&self, signature: &Path, is_extended: bool, [from, to]: [&Path; 2]) -> Result<()> {
        let mut command = self.command("attach-signature");
        command.arg("-sigin").arg(signature).args(["-h", "sha256"]);
        command.args(extended(is_extended));
        command.arg("-in").arg(from).arg("-out").arg(to);
        let (lines, attached) = run(command, VERIFYING_LIMIT);
        let came_to_judging = lines.iter().any(|line| line.starts_with("Signature verification: "));
        if came_to_judging && to.is_file() { Ok(()) } else { attached }
    }

    /// Verifies a signature. Returns what the program prints and how it ended.
    ///
    /// # Errors
    /// If the program is too old to do it as asked.
    pub(crate) fn verify(&self, file: &Path, trust: &Trust) -> Result<(Vec<String>, Result<()>)> {
        let mut command = self.command("verify");
        for (option, certificates) in [("-CAfile", &trust.ca_file), ("-TSA-CAfile", &trust.tsa_ca_file)] {
            if let Some(certificates) = certificates {
                command.arg(option).arg(certificates);
            }
        }
        if trust.offline && self.version >= SEES_REVOCATION {
            self.require(IGNORES_REVOCATION, "--offline")?;
            command.arg("-ignore-crl");
        }
        command.arg("-in").arg(file);
        let judged = run(command, VERIFYING_LIMIT);
        process::stop_if_interrupted()?;
        Ok(judged)
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(PROGRAM);
        // Modules for PKCS#11 take much from the environment, so it is kept.
        command.arg(verb).env("LC_ALL", "C").stdin(Stdio::null());
        for name in &self.hidden {
            command.env_remove(name);
        }
        command
    }

    /// Runs a command that must succeed; returns the lines that it prints.
    fn output(&self, command: Command, limit: Duration) -> Result<Vec<String>> {
        let (lines, ended) = run(command, limit);
        ended.map(|()| lines)
    }
}

/// Runs a command; returns the lines that it prints and how it ended.
fn run(command: Command, limit: Duration) -> (Vec<String>, Result<()>) {
    let mut lines = Vec::new();
    let ended = process::run_within(command, Some(limit), |line| lines.push(line.trim().to_owned()));
    (lines, ended)
}

/// Whether the password or PIN was refused. The name of the file might contain the words.
fn was_refused(lines: &[String], key: Option<&Path>) -> bool {
    let name = key.map(|path| path.to_string_lossy());
    lines.iter().any(|line| {
        let text = name.as_deref().map_or_else(|| line.clone(), |name| line.replace(name, ""));
        REFUSED.iter().any(|words| text.contains(words))
    })
}

/// The option by which the signature of an installer covers the names and properties of its streams, too.
fn extended(is_extended: bool) -> Option<&'static str> {
    is_extended.then_some("-add-msi-dse")
}

/// Adds the options that say where the key is. Files that are made for it go into `work`.
fn add_key(command: &mut Command, key: &Key, work: &Path) -> Result<()> {
    let (certificates, chain) = match key {
        Key::Pem(Pem { key, certificates, chain, .. }) => {
            command.arg("-key").arg(key);
            (Some(certificates), chain)
        }
        Key::Pkcs12(Pkcs12 { file, chain, .. }) => {
            command.arg("-pkcs12").arg(file);
            (None, chain)
        }
        Key::Pkcs11(Pkcs11 { module, engine, key, certificate, certificates, chain, .. }) => {
            if let Some(engine) = engine {
                command.arg("-pkcs11engine").arg(engine);
            }
            command.arg("-pkcs11module").arg(module).arg("-key").arg(key);
            if let Some(certificate) = certificate {
                command.arg("-pkcs11cert").arg(certificate);
            }
            (certificates.as_ref(), chain)
        }
        Key::Command(_) => bail!("an external command signs, not osslsigncode"),
    };
    // A certificate that is in both files, or twice in one, would be in the signature twice, which no set allows.
    let mut known = BTreeSet::new();
    for (option, file) in [("-certs", certificates), ("-ac", chain.as_ref())] {
        let Some(file) = file else { continue };
        let new: Vec<Vec<u8>> = certificates::read(file)?
            .into_iter()
            .filter(|certificate| known.insert(certificate.clone()))
            .collect();
        if !new.is_empty() {
            let path = work.join(option).with_extension("pem");
            certificates::write(&path, &new)?;
            command.arg(option).arg(path);
        }
    }
    Ok(())
}

/// `osslsigncode 2.9, using:` as a version.
fn version(line: &str) -> Option<Version> {
    let word = line.strip_prefix("osslsigncode ")?.split([',', ' ']).next()?;
    let mut numbers = word.split('.').map(|part| {
        let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        part[..digits].parse().ok()
    });
    Some(Version(numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Osslsigncode {
        /// One that was not looked for.
        pub(crate) fn of_version(major: u32, minor: u32) -> Osslsigncode {
            Osslsigncode { version: Version(major, minor), hidden: Vec::new() }
        }
    }

    /// Fails if: a version is misread, so that one is refused or accepted without reason.
    #[test]
    fn reads_versions() {
        for (line, expected) in [
            ("osslsigncode 2.5, using:", Some(Version(2, 5))),
            ("osslsigncode 2.10, using:", Some(Version(2, 10))),
            ("osslsigncode 2.15-dev, using:", Some(Version(2, 15))),
            ("osslsigncode 1.7.1, using:", Some(Version(1, 7))),
            ("osslsigncode", None),
            ("jsign 7.0", None),
        ] {
            assert_eq!(version(line), expected, "{line}");
        }
        assert!(Version(2, 10) > Version(2, 9));
    }

    /// Fails if: an old version is used for what it cannot do, or the error does not say which version can.
    #[test]
    fn refuses_what_a_version_cannot_do() {
        let trust = Trust { offline: true, ..Trust::default() };
        let error = Osslsigncode::of_version(2, 8).verify(Path::new("x"), &trust).unwrap_err().to_string();
        assert!(error.contains("--offline needs 2.9"), "{error}");
        let error = Osslsigncode::of_version(2, 4).require(OLDEST, "signing").unwrap_err().to_string();
        assert!(error.contains("osslsigncode 2.4 is too old: signing needs 2.5"), "{error}");
        Osslsigncode::of_version(2, 10).require(OLDEST, "signing").unwrap();
    }
}
