//! [`osslsigncode`](https://github.com/mtrojnar/osslsigncode), which signs, stamps and verifies.
//!
//! What depends on its version:
//!
//! | version | where | what |
//! |---|---|---|
//! | 2.5 | Debian 12 | the oldest that is accepted; does not look at revocation lists |
//! | 2.8 | | a revocation list that cannot be fetched is an error |
//! | 2.9 | backports of Debian 12 | can be told to leave revocation lists alone (`-ignore-crl`), and whom to trust behind https; with OpenSSL 3 needs no libcurl to reach servers |
//! | 2.10 | | PKCS#11 by a provider of OpenSSL 3, besides the engine |
//! | 2.13 | | the first without known ways to attack it by a file that it verifies |
//! | 2.14 | | attaches a signature without judging its chain |

use super::explain::Judgement;
use super::signature::Signature;
use super::trust::{Roots, Trust};
use crate::process;
use anyhow::{Context, Result, ensure};
use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const PROGRAM: &str = "osslsigncode";
/// Revocation lists may have to be fetched.
const LIMIT: Duration = Duration::from_secs(120);

/// A version of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(u32, u32);

const OLDEST: Version = Version(2, 5);
/// The first that looks at revocation lists at all.
const SEES_REVOCATION: Version = Version(2, 6);
/// The first that can be told to leave them alone, and whom to trust behind https.
const TAKES_ORDERS: Version = Version(2, 9);
/// The first that attaches a signature without judging its chain, and so wants no roots for it.
const ATTACHES_BLINDLY: Version = Version(2, 14);

/// The installed program.
#[derive(Clone)]
pub(crate) struct Osslsigncode {
    /// Its version.
    pub(crate) version: Version,
    /// Whether it was built to reach servers.
    reaches_servers: bool,
    /// Environment variables that it need not see.
    hidden: Vec<String>,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl Osslsigncode {
    /// Looks for the program. It will be run without the environment variables `hidden`.
    ///
    /// # Errors
    /// If it is not installed, or too old; the error says what to install.
    pub(crate) fn find(hidden: &[String]) -> Result<Osslsigncode> {
        let mut tool = Osslsigncode { version: OLDEST, reaches_servers: true, hidden: hidden.to_vec() };
        let output = tool
            .output(tool.command("--version"), LIMIT)
            .context("osslsigncode is needed (Debian: apt-get install osslsigncode)")?;
        let words = output.first().context("osslsigncode --version prints nothing")?;
        tool.version = version(words).with_context(|| format!("osslsigncode prints no version: {words}"))?;
        tool.require(OLDEST, "signing and verifying")?;
        tool.reaches_servers = !output.iter().any(|line| line.contains("no libcurl available"));
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

    /// Adds the time stamp of one server to what was signed.
    ///
    /// # Errors
    /// If the server does not answer in time, or not as it should.
    pub(crate) fn stamp(
        &self,
        server: &str,
        limit: Duration,
        trust: &Trust,
        is_extended: bool,
        [from, to]: [&Path; 2],
    ) -> Result<()> {
        ensure!(
            self.reaches_servers,
            "this osslsigncode was built without libcurl, so it can ask no time stamp server: install another"
        );
        let mut command = self.command("add");
        command.args(["-ts", server, "-h", "sha256"]).args(extended(is_extended));
        if server.starts_with("https:") {
            // Without that, some versions trust everybody.
            if self.version >= TAKES_ORDERS {
                command.arg("-HTTPS-CAfile").arg(trust.file(Roots::Servers)?);
            } else if trust.named(Roots::Servers).is_some() {
                self.require(TAKES_ORDERS, "https_ca_file")?;
            }
        }
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
        self.output(command, LIMIT)?;
        Ok(())
    }

    /// What the signature of a signed file says.
    ///
    /// # Errors
    /// If there is none, or it is damaged.
    pub(crate) fn signature(&self, of: &Path) -> Result<Signature> {
        let folder = tempfile::tempdir().context("making a folder for unfinished files")?;
        let path = folder.path().join("signature.pem");
        self.extract(of, &path)?;
        Signature::read(&path)
    }

    /// Attaches a signature to an unsigned file. Whether it is trusted is not judged: some versions judge the chain
    /// here, others only the digest.
    ///
    /// # Errors
    /// If no file comes of it, or not the whole file.
    pub(crate) fn attach(
        &self,
        signature: &Path,
        trust: &Trust,
        is_extended: bool,
        [from, to]: [&Path; 2],
    ) -> Result<()> {
        let mut command = self.command("attach-signature");
        command.arg("-sigin").arg(signature).args(["-h", "sha256"]);
        command.args(extended(is_extended));
        if self.version < ATTACHES_BLINDLY {
            add_roots(&mut command, trust)?;
        }
        command.arg("-in").arg(from).arg("-out").arg(to);
        let (lines, attached) = run(command, LIMIT);
        let came_to_judging = lines.iter().any(|line| line.starts_with("Signature verification: "));
        if came_to_judging && to.is_file() { Ok(()) } else { attached }
    }

    /// Verifies a signature.
    ///
    /// # Errors
    /// If there are no roots for those who sign, or the program is too old to do it as asked.
    pub(crate) fn verify(&self, file: &Path, trust: &Trust) -> Result<Judgement> {
        let mut command = self.command("verify");
        if trust.offline && self.version >= SEES_REVOCATION {
            self.require(TAKES_ORDERS, "--offline")?;
            command.arg("-ignore-crl");
        } else if self.version >= TAKES_ORDERS
            && let Ok(file) = trust.file(Roots::Servers)
        {
            command.arg("-HTTPS-CAfile").arg(file);
        }
        add_roots(&mut command, trust)?;
        command.arg("-in").arg(file);
        let (lines, ended) = run(command, LIMIT);
        process::stop_if_interrupted()?;
        Ok(Judgement { lines, failure: ended.err().map(|error| format!("{error:#}")) })
    }

    /// Begins a command.
    pub(crate) fn command(&self, verb: &str) -> Command {
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

/// Says whom to trust.
fn add_roots(command: &mut Command, trust: &Trust) -> Result<()> {
    command.arg("-CAfile").arg(trust.file(Roots::Signers)?);
    // Only needed where there is a time stamp.
    if let Ok(file) = trust.file(Roots::TimeStamps) {
        command.arg("-TSA-CAfile").arg(file);
    }
    Ok(())
}

/// Runs a command; returns the lines that it prints and how it ended.
pub(crate) fn run(command: Command, limit: Duration) -> (Vec<String>, Result<()>) {
    let mut lines = Vec::new();
    let ended = process::run_within(command, Some(limit), |line| lines.push(line.trim().to_owned()));
    (lines, ended)
}

/// The option by which the signature of an installer covers the names and properties of its streams, too.
pub(crate) fn extended(is_extended: bool) -> Option<&'static str> {
    is_extended.then_some("-add-msi-dse")
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
            Osslsigncode { version: Version(major, minor), reaches_servers: true, hidden: Vec::new() }
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
