//! `signing.toml`: how it is read, by whoever signs and whoever verifies. `docs/signing.md` describes it.
//!
//! Paths are relative to its folder. An error never shows a value: somebody may have written a password where its
//! place belongs.

use crate::authenticode::Trust;
use crate::workspace;
use anyhow::{Context, Result, anyhow, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fs;
use std::path::{Path, PathBuf};

/// The name of the file in the workspace.
pub(crate) const FILE: &str = "signing.toml";

/// The file of the workspace.
pub(crate) fn default_path() -> PathBuf {
    workspace::root().join(FILE)
}

/// Reads a file, or a part of it.
///
/// # Errors
/// If it cannot be read, or says what does not belong there.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).with_context(|| {
        format!("reading {}: docs/signing.md says how to write one; --config names another", path.display())
    })?;
    toml::from_str(&text).map_err(|error| anyhow!("in {}, {}", path.display(), describe(&text, &error)))
}

/// Whom a file says to trust: the one that was chosen, or the workspace's, which may be missing. Nothing else of it
/// counts, so that the key need not be there.
///
/// # Errors
/// If there is one that cannot be read, or it names files that are not there.
pub(crate) fn trust(chosen: Option<&Path>) -> Result<Trust> {
    #[derive(Deserialize)]
    struct OnlyTrust {
        #[serde(default)]
        trust: Trust,
    }
    let path = chosen.map_or_else(default_path, Path::to_owned);
    if chosen.is_none() && !path.is_file() {
        return Ok(Trust::default());
    }
    let OnlyTrust { mut trust } = read(&path)?;
    find_files(&path, trust.paths_mut())?;
    Ok(trust)
}

/// The folder that the paths in a file are relative to.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// Finds the files that `path` names.
///
/// # Errors
/// If one is not there.
pub(crate) fn find_files(path: &Path, files: Vec<&mut PathBuf>) -> Result<()> {
    for file in files {
        *file = folder_of(path).join(&*file);
        ensure!(file.is_file(), "{} names {}, which is no file", path.display(), file.display());
    }
    Ok(())
}

/// What is wrong with a configuration and where; never a value.
fn describe(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().map_or("", |span| text.get(..span.start).unwrap_or_default());
    let line = before.matches('\n').count();
    if text.parse::<toml::Table>().is_err() {
        return format!("line {}: this is no TOML", line + 1);
    }
    let message = error.message();
    // These name keys; every other message may quote a value.
    let names_keys =
        ["missing field", "unknown field", "unexpected keys"].iter().any(|start| message.starts_with(start));
    let what = if names_keys { message } else { "this is not what belongs here" };
    let key = key_path(text, line);
    let is_secret = ["password", "pin"].iter().any(|name| key.ends_with(name));
    let advice = if is_secret {
        "; give the place of a password or PIN: { file = \"FILE\" } or { env = \"NAME\" }"
    } else {
        ""
    };
    format!("line {}: {key}: {what}{advice}", line + 1)
}

/// The key of a line of what is TOML, such as `key.pem.password`, as far as it is written without quotes.
fn key_path(text: &str, line: usize) -> String {
    let plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    let section = |line: &str| {
        line.trim()
            .strip_prefix('[')?
            .split_once(']')
            .map(|(name, _)| name.trim().to_owned())
            .filter(|n| plain(n))
    };
    let lines: Vec<&str> = text.lines().take(line + 1).collect();
    let key = lines.last().and_then(|line| line.split_once('=')).map(|(key, _)| key.trim().to_owned());
    let section = lines.iter().rev().find_map(|line| section(line));
    let parts: Vec<String> = section.into_iter().chain(key.filter(|key| plain(key))).collect();
    if parts.is_empty() { "the file".to_owned() } else { parts.join(".") }
}
