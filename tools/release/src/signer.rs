//! Who signs: a key that is at hand, or somebody else's program, such as gpg with a smart card.
//!
//! The program is run without a shell, in the environment of this one, and looked for from the settings' folder if its
//! name has a `/`. `{in}` stands for the file to be signed, `{out}` for where the signature is to be, and `{mode}` for
//! what is wanted, in gpg's words: `detach-sign`, a binary signature that lies beside the file, or `clear-sign`, the
//! text with its signature below it.
//!
//! A program that has to wait for somebody ends with the exit code [`NOT_YET`]. The last line that it printed says for
//! whom, and is in its environment, as [`SAID`], when it is asked again.

use crate::openpgp::{Detached, Kind, SecretKey, read_clear_text};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{self, Stdio};

/// By this exit code (`EX_TEMPFAIL` in `sysexits.h`) a program says that somebody has not answered yet.
pub(crate) const NOT_YET: u8 = 75;
/// The environment variable that has what the program waited for, when it is asked again.
const SAID: &str = "PYWATS_SIGN_WAITING";

/// What a signer says when it is asked for a signature.
pub(crate) enum Answer {
    /// Here it is.
    Signed(Detached),
    /// Somebody outside has not answered yet: whom or what it waits for.
    Waiting(String),
}

/// Who signs.
pub(crate) enum Signer {
    /// A key from a file.
    Key(Box<SecretKey>),
    /// A program.
    Command(Command),
}

impl Signer {
    /// Signs at a time, in seconds since 1970 UTC; a program takes the time from its own clock. `said` is what it waited
    /// for when it was last asked for this one.
    ///
    /// # Errors
    /// If it fails, or leaves no signature.
    pub(crate) fn sign(&self, kind: Kind, data: &[u8], time: u32, said: Option<&str>) -> Result<Answer> {
        match self {
            Signer::Key(key) => key.sign(kind, data, time).map(Answer::Signed),
            Signer::Command(command) => command.sign(kind, data, said),
        }
    }
}

/// A program that signs.
pub(crate) struct Command(Vec<String>);

impl Command {
    /// Takes the words of the settings.
    ///
    /// # Errors
    /// If they cannot work, or would give a secret away.
    pub(crate) fn new(mut run: Vec<String>, folder: &Path) -> Result<Command> {
        let Some(program) = run.first_mut().filter(|program| !program.contains('{')) else {
            bail!("key.command: run is a list of a program and its arguments");
        };
        if program.contains('/') {
            *program = folder.join(&*program).to_string_lossy().into_owned();
        }
        if let Some(option) = secret_option(&run) {
            bail!(
                "key.command: what follows {option} seems to be a secret, which every user of the machine can read there: let an agent ask for it, or write a script that fetches it"
            );
        }
        for placeholder in ["{in}", "{out}", "{mode}"] {
            ensure!(
                run.iter().skip(1).any(|word| word.contains(placeholder)),
                "key.command: none of the arguments has {placeholder}"
            );
        }
        Ok(Command(run))
    }

    fn sign(&self, kind: Kind, data: &[u8], said: Option<&str>) -> Result<Answer> {
        let folder = tempfile::tempdir().context("making a folder for what is to be signed")?;
        let (from, to) = (folder.path().join("unsigned"), folder.path().join("signature"));
        fs::write(&from, data).with_context(|| format!("writing {}", from.display()))?;
        let mode = match kind {
            Kind::Detached => "detach-sign",
            Kind::Clear => "clear-sign",
        };
        let fill = |word: &String| {
            let text = |path: &Path| path.to_string_lossy().into_owned();
            // The folder's name has no placeholder in it, so the order does not matter.
            word.replace("{in}", &text(&from)).replace("{out}", &text(&to)).replace("{mode}", mode)
        };
        let program = &self.0[0];
        let mut command = process::Command::new(program);
        command.args(self.0.iter().skip(1).map(fill)).env(SAID, said.unwrap_or_default());
        let (status, last) =
            run(command).with_context(|| format!("starting the signing command {program}"))?;
        if status.code() == Some(NOT_YET.into()) {
            return Ok(Answer::Waiting(last.unwrap_or_else(|| format!("the signing command {program}"))));
        }
        ensure!(status.success(), "the signing command {program} failed ({status}); what it said is above");
        let signed = fs::read(&to).with_context(|| {
            format!("the signing command {program} ended well, but left nothing at {{out}}")
        })?;
        let signature = match kind {
            Kind::Detached => Detached::parse(&signed),
            Kind::Clear => read_clear_text(&String::from_utf8_lossy(&signed)).map(|(_, signature)| signature),
        };
        let doing = || format!("what the signing command {program} left at {{out}}");
        signature.map(Answer::Signed).with_context(doing)
    }
}

/// Runs a program, shows what it says, and returns how it ended and the last line that it said.
fn run(mut command: process::Command) -> std::io::Result<(process::ExitStatus, Option<String>)> {
    let (reader, writer) = std::io::pipe()?;
    // Both of its streams are for people: our standard output is a list for machines.
    let mut child = command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer).spawn()?;
    // It holds the pipe open.
    drop(command);
    let mut last = None;
    for line in BufReader::new(reader).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        eprintln!("  {line}");
        if !line.trim().is_empty() {
            last = Some(line.trim().to_owned());
        }
    }
    Ok((child.wait()?, last))
}

/// The first word after or in which a secret seems to be.
fn secret_option(words: &[String]) -> Option<&str> {
    const ENDS: &[&str] = &["pass", "password", "passphrase", "passwd", "pwd", "token", "pin", "secret"];
    words.iter().enumerate().find_map(|(at, word)| {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None if word.starts_with('-') => (word.as_str(), words.get(at + 1).map(String::as_str)),
            None => return None,
        };
        let is_place = |value: &str| value.starts_with("env:") || value.starts_with("file:");
        let lower = name.to_ascii_lowercase();
        let is_secret = ENDS.iter().any(|end| lower.ends_with(end));
        (is_secret && value.is_some_and(|value| !is_place(value))).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let words = ["sh", "-c", script, "sh", "{in}", "{out}", "{mode}"].map(str::to_owned).to_vec();
        Command::new(words, Path::new("")).unwrap()
    }

    /// Fails if: a program that fails or leaves something else counts as having signed.
    #[test]
    fn notices_programs_that_do_not_sign() {
        for (script, message) in [
            ("exit 3 # $1 $2 $3", "failed"),
            ("true $1 $2 $3", "left nothing"),
            ("echo nonsense > $2", "no OpenPGP signature"),
        ] {
            let error = format!("{:#}", sh(script).sign(Kind::Detached, b"x", None).err().unwrap());
            assert!(error.contains(message), "{script}: {error}");
        }
    }

    /// Fails if: a program that waits counts as failed, what it waits for is lost, or it is not told that it was asked.
    #[test]
    fn lets_programs_wait() {
        let script = "echo \"after ${PYWATS_SIGN_WAITING:-nothing}\" >&2; echo; exit 75";
        for (said, expected) in [(None, "after nothing"), (Some("the office"), "after the office")] {
            match sh(script).sign(Kind::Detached, b"x", said).unwrap() {
                Answer::Waiting(whom) => assert_eq!(whom, expected),
                Answer::Signed(_) => panic!("it signed"),
            }
        }
        match sh("exit 75").sign(Kind::Detached, b"x", None).unwrap() {
            Answer::Waiting(whom) => assert_eq!(whom, "the signing command sh"),
            Answer::Signed(_) => panic!("it signed"),
        }
    }
}
