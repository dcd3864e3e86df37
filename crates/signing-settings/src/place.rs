//! Where secrets are.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The environment variable that has the password or PIN if the settings name no place.
pub const VARIABLE: &str = "PYWATS_SIGN_PASSWORD";

/// Where a secret is.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Place {
    /// A file with nothing else in it; a line end after it does not count.
    File(PathBuf),
    /// An environment variable.
    Env(String),
}

impl Place {
    /// The path of the file, if it is one.
    pub fn path_mut(&mut self) -> Option<&mut PathBuf> {
        match self {
            Place::File(file) => Some(file),
            Place::Env(_) => None,
        }
    }

    /// The secret, which is a password or a token or the like; a path is relative to `folder`.
    ///
    /// # Errors
    /// If it is not there, or not one line. The error does not show it.
    pub fn fetch(&self, what: &str, folder: &Path) -> Result<String> {
        let from = self.describe(folder);
        let text = match self {
            Place::File(file) => fs::read_to_string(folder.join(file))
                .with_context(|| format!("reading the {what} from {from}"))?,
            Place::Env(name) => {
                let missing = || format!("{from}, which is to have the {what}, is not set or not UTF-8");
                env::var(name).ok().with_context(missing)?
            }
        };
        let secret = text.trim_end_matches(['\r', '\n']);
        ensure!(
            !secret.is_empty() && !secret.contains(['\r', '\n', '\0']),
            "{from} is to have one line, the {what}"
        );
        Ok(secret.to_owned())
    }

    /// What it is called in errors.
    pub fn describe(&self, folder: &Path) -> String {
        match self {
            // Somebody may have pasted the secret itself where its place belongs.
            Place::File(file) if file.to_string_lossy().contains("-----BEGIN") => {
                "the file that is named there, which is a key and no name of a file".to_owned()
            }
            Place::File(file) => format!("the file {}", folder.join(file).display()),
            Place::Env(name) if is_variable(name) => format!("the environment variable {name}"),
            Place::Env(_) => {
                "the environment variable that is named there, which is no usual name (A to Z, 0 to 9, _)"
                    .to_owned()
            }
        }
    }
}

/// Whether this is what people call variables.
fn is_variable(name: &str) -> bool {
    let usual = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(usual)
}

/// Fetches a password from its place, or else from the variable [`VARIABLE`], if that is set.
///
/// # Errors
/// As for [`Place::fetch`].
pub fn password(place: Option<&Place>, folder: &Path) -> Result<Option<String>> {
    match place {
        Some(place) => place.fetch("password", folder).map(Some),
        None if env::var_os(VARIABLE).is_none() => Ok(None),
        None => Place::Env(VARIABLE.to_owned()).fetch("password", folder).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a password is changed on its way, what is none is taken for one, or an error shows it or does not name
    /// the place.
    #[test]
    fn fetches_what_is_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        let place = Place::File("password".into());
        for (text, arrives) in [
            ("secret", Some("secret")),
            ("secret\n", Some("secret")),
            ("se cret \r\n", Some("se cret ")),
            ("pæssord", Some("pæssord")),
            ("", None),
            ("\n", None),
            ("wrong-one\nwrong-two", None),
        ] {
            fs::write(&path, text).unwrap();
            match (password(Some(&place), folder.path()), arrives) {
                (Ok(password), Some(arrives)) => assert_eq!(password.as_deref(), Some(arrives)),
                (Err(error), None) => {
                    let error = format!("{error:#}");
                    assert!(error.contains(&*path.to_string_lossy()), "{error}");
                    assert!(!error.contains("wrong-"), "the password shows: {error}");
                }
                (other, _) => panic!("{text:?}: {other:?}"),
            }
        }
        let missing = Place::Env("NO_SUCH_VARIABLE_OF_OURS".to_owned());
        let error = password(Some(&missing), folder.path()).unwrap_err().to_string();
        assert!(error.contains("NO_SUCH_VARIABLE_OF_OURS"), "{error}");
    }
}
