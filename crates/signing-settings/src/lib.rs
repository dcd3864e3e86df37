//! Settings that name secrets, such as `signing.toml`, `repository.toml` and `release.toml`: they hold none, and no error
//! about them shows a value, for somebody may have written a secret where its place belongs.

mod arguments;
mod place;

pub use arguments::secret_option;
pub use place::{Place, VARIABLE, password};

use anyhow::{Context, Result, anyhow};
use serde::de::DeserializeOwned;
use std::fs;
use std::path::Path;

/// Reads settings; `document` is where they are described.
///
/// # Errors
/// If they cannot be read, or say what does not belong there; the error names line and key, never a value.
pub fn read<T: DeserializeOwned>(path: &Path, document: &str) -> Result<T> {
    let text = fs::read_to_string(path).with_context(|| {
        format!("reading {}: {document} says how to write one; --config names another", path.display())
    })?;
    toml::from_str(&text).map_err(|error| {
        anyhow!("in {}, {}; {document} has an example", path.display(), describe(&text, &error))
    })
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
    let is_secret = ["password", "pin", "token"].iter().any(|name| key.ends_with(name));
    let advice = if is_secret {
        "; give the place of the secret: { file = \"FILE\" } or { env = \"NAME\" }"
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
