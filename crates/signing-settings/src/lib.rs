//! Files that say how to sign, such as `signing.toml` and `repository.toml`: they hold no secret, and no error about them
//! shows a value, for somebody may have written a password where its place belongs.

mod arguments;
mod place;

pub use arguments::secret_option;
pub use place::{Place, VARIABLE, password};

use anyhow::{Result, anyhow};
use serde::de::DeserializeOwned;

/// Reads the text of such a file.
///
/// # Errors
/// If it says what does not belong there; the error names line and key, never a value.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T> {
    toml::from_str(text).map_err(|error| anyhow!("{}", describe(text, &error)))
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
