//! Where a secret is, and how settings that name such places are read.
//!
//! Settings hold no secret: they name a file or an environment variable. Errors never show a value of a setting, for
//! somebody may have written a secret where its place belongs.

use anyhow::{Context, Result, anyhow, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Where a secret is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Place {
    /// A file with nothing else in it; a line end after it does not count.
    File(PathBuf),
    /// An environment variable.
    Env(String),
}

impl Place {
    /// The secret, which is a password or a token or the like; paths are relative to `folder`.
    ///
    /// # Errors
    /// If it is not there, or more than one line.
    pub(crate) fn fetch(&self, what: &str, folder: &Path) -> Result<String> {
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
            !secret.is_empty() && !secret.contains(['\r', '\n']),
            "{from} is to have one line, the {what}"
        );
        Ok(secret.to_owned())
    }

    /// What it is called in errors.
    pub(crate) fn describe(&self, folder: &Path) -> String {
        match self {
            Place::File(file) => format!("the file {}", folder.join(file).display()),
            Place::Env(name) => format!("the environment variable {name}"),
        }
    }
}

/// Reads settings in TOML; `document` is where they are described.
///
/// # Errors
/// If they cannot be read, have an unknown key, or a value that does not belong there; the error shows none.
pub(crate) fn read_settings<T: DeserializeOwned>(path: &Path, document: &str) -> Result<T> {
    let text = fs::read_to_string(path).with_context(|| {
        format!("reading {}: {document} says how to write one; --config names another", path.display())
    })?;
    toml::from_str(&text).map_err(|error| {
        let line =
            error.span().and_then(|span| text.get(..span.start)).map_or(0, |t| t.matches('\n').count());
        // Only these messages name keys; any other may quote a value.
        let names_keys = ["missing field", "unknown field", "unexpected keys"];
        let said = error.message();
        let is_harmless = names_keys.iter().any(|start| said.starts_with(start));
        let said = if is_harmless {
            said.to_owned()
        } else {
            format!("this is not what belongs here: {document} has an example")
        };
        anyhow!("in {}, line {}: {said}", path.display(), line + 1)
    })
}
