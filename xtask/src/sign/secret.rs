//! Passwords: where they come from, and how they reach another program without anyone seeing them.
//!
//! A password is in no argument and in no file of ours. It is written into a pipe that the program reads as its
//! standard input, so there is nothing to remove when a run ends, however it ends.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::env;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

/// The environment variable that has the password or PIN if the configuration names no place.
pub(crate) const VARIABLE: &str = "PYWATS_SIGN_PASSWORD";

/// The longest password that `osslsigncode` reads whole, in bytes.
const LONGEST: usize = 4000;

/// Where a password is.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Place {
    /// A file with nothing else in it; a line end after it does not count.
    File(PathBuf),
    /// An environment variable.
    Env(String),
}

/// A password. It cannot be shown.
pub(crate) struct Secret(String);

impl Secret {
    /// Fetches the password from its place, or else from the variable [`VARIABLE`], if that is set.
    ///
    /// # Errors
    /// If the place that was named has none, or it is one that could not be handed over.
    pub(crate) fn fetch(place: Option<&Place>) -> Result<Option<Secret>> {
        let (text, from) = match place {
            Some(Place::File(path)) => {
                let from = format!("the password file {}", path.display());
                (fs::read_to_string(path).with_context(|| format!("reading {from}"))?, from)
            }
            Some(Place::Env(name)) => {
                let from = format!("the environment variable {name}");
                let missing = || format!("{from}, which is to have the password, is not set or not UTF-8");
                (env::var(name).ok().with_context(missing)?, from)
            }
            None => match env::var(VARIABLE) {
                Ok(text) => (text, format!("the environment variable {VARIABLE}")),
                Err(_) => return Ok(None),
            },
        };
        Secret::check(text.trim_end_matches(['\r', '\n'])).with_context(|| format!("in {from}")).map(Some)
    }

    fn check(text: &str) -> Result<Secret> {
        ensure!(!text.is_empty(), "the password is empty");
        ensure!(text.len() <= LONGEST, "the password is longer than {LONGEST} bytes");
        ensure!(!text.contains(['\r', '\n', '\0']), "the password has more than one line");
        Ok(Secret(text.to_owned()))
    }

    /// A standard input from which a program reads the password and nothing else.
    ///
    /// # Errors
    /// If the system has no pipe left.
    pub(crate) fn input(&self) -> Result<Stdio> {
        let (reader, mut writer) = std::io::pipe().context("making a pipe")?;
        // A pipe holds more than the longest password, so nobody need read meanwhile.
        writer.write_all(self.0.as_bytes()).context("writing into a pipe")?;
        Ok(reader.into())
    }
}

/// The environment variables that may have passwords; programs we start need not see them.
pub(crate) fn variables(place: Option<&Place>) -> Vec<String> {
    let named = match place {
        Some(Place::Env(name)) => Some(name.clone()),
        _ => None,
    };
    named.into_iter().chain([VARIABLE.to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// Fails if: a password is changed on its way, or one that would arrive otherwise is accepted.
    #[test]
    fn hands_over_what_is_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        let place = Place::File(path.clone());
        for (text, arrives) in [
            ("secret", Some("secret")),
            ("secret\n", Some("secret")),
            ("se cret \r\n", Some("se cret ")),
            ("pæssord", Some("pæssord")),
            ("", None),
            ("\n", None),
            ("wrong-one\nwrong-two", None),
            (&"x".repeat(LONGEST + 1), None),
        ] {
            fs::write(&path, text).unwrap();
            match (Secret::fetch(Some(&place)), arrives) {
                (Ok(Some(secret)), Some(arrives)) => {
                    let input = secret.input().unwrap();
                    let output = Command::new("cat").arg("/dev/stdin").stdin(input).output().unwrap();
                    assert_eq!(String::from_utf8(output.stdout).unwrap(), arrives);
                }
                (Err(error), None) => {
                    let error = format!("{error:#}");
                    assert!(error.contains(&*path.to_string_lossy()), "{error}");
                    assert!(!error.contains("wrong-"), "the password shows: {error}");
                }
                (other, _) => panic!("{text:?}: {:?}", other.map(|secret| secret.is_some())),
            }
        }
        let missing = Place::Env("NO_SUCH_VARIABLE_OF_OURS".to_owned());
        let Err(error) = Secret::fetch(Some(&missing)) else { panic!("a missing variable is no error") };
        assert!(error.to_string().contains("NO_SUCH_VARIABLE_OF_OURS"), "{error}");
    }
}
