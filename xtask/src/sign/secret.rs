//! Passwords: where they come from, and how they reach another program without anyone seeing them.
//!
//! A password is in no argument and in no file of ours. It is written into a pipe that the program reads as its
//! standard input, so there is nothing to remove when a run ends, however it ends.

use anyhow::{Context, Result, ensure};
pub(crate) use signing_settings::{Place, VARIABLE};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

/// The longest password that `osslsigncode` reads whole, in bytes.
const LONGEST: usize = 4000;

/// A password. It cannot be shown.
pub(crate) struct Secret(String);

impl Secret {
    /// Fetches the password from its place, or else from the variable [`VARIABLE`], if that is set.
    ///
    /// # Errors
    /// If the place that was named has none, or it is one that could not be handed over.
    pub(crate) fn fetch(place: Option<&Place>) -> Result<Option<Secret>> {
        let text = signing_settings::password(place, Path::new(""))?;
        ensure!(
            text.as_ref().is_none_or(|text| text.len() <= LONGEST),
            "the password is longer than {LONGEST} bytes"
        );
        Ok(text.map(Secret))
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
        std::fs::write(&path, "pæs sord \n").unwrap();
        let input = Secret::fetch(Some(&place)).unwrap().unwrap().input().unwrap();
        let output = Command::new("cat").arg("/dev/stdin").stdin(input).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "pæs sord ");
        std::fs::write(&path, "x".repeat(LONGEST + 1)).unwrap();
        let Err(error) = Secret::fetch(Some(&place)) else { panic!("it is too long to be read whole") };
        assert!(error.to_string().contains("longer"), "{error}");
    }
}
