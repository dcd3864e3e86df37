//! Where passwords are.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The environment variable that has the password or PIN if the settings name no place.
pub const VARIABLE: &str = "PYWATS_SIGN_PASSWORD";

/// Where a password is.
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

    /// The place, if a file's path is relative to this folder.
    #[must_use]
    pub fn within(mut self, folder: &Path) -> Place {
        if let Some(file) = self.path_mut() {
            *file = folder.join(&*file);
        }
        self
    }
}

/// Fetches a password from its place, or else from the variable [`VARIABLE`], if that is set.
///
/// # Errors
/// If the place that was named has none, or it is not one line. The error does not show it.
pub fn password(place: Option<&Place>) -> Result<Option<String>> {
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
    let password = text.trim_end_matches(['\r', '\n']);
    ensure!(!password.is_empty(), "in {from}: the password is empty");
    ensure!(!password.contains(['\r', '\n', '\0']), "in {from}: the password has more than one line");
    Ok(Some(password.to_owned()))
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
        let place = Place::File("password".into()).within(folder.path());
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
            match (password(Some(&place)), arrives) {
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
        let error = password(Some(&missing)).unwrap_err().to_string();
        assert!(error.contains("NO_SUCH_VARIABLE_OF_OURS"), "{error}");
    }
}
