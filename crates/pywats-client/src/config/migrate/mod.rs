//! What the Python client (`pywats-client` of PyPI) was configured with, as settings of this one.
//!
//! There are two forms of its file: the one that its service writes, flat, with converters ([`service`]), and the one
//! that its packages brought, in sections ([`packaged`]). Both are read here into [`Item`]s, and [`apply`] puts those
//! that can be used into the file of this client. What has no counterpart is told, never dropped in silence.

mod converters;
mod packaged;
pub mod places;
mod service;
#[cfg(test)]
mod tests;

use super::edit::{self, Document, EditError};
use super::{Sources, source};
use serde_json::{Map, Value};
use std::path::Path;
use wats_settings::{address, token};

/// Something that the file of the Python client says.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// It is a setting here.
    Setting {
        /// Its key there.
        from: String,
        /// The setting.
        name: &'static str,
        /// Its value here.
        value: Value,
    },
    /// It is a folder that is watched: a row of `folders`.
    Folder {
        /// Its place there.
        from: String,
        /// The row; its name may need to be another one.
        row: Map<String, Value>,
    },
    /// It has no counterpart.
    Left {
        /// Its key there.
        from: String,
        /// What to do.
        advice: String,
    },
}

/// What became of everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What was taken: its key there, the setting here and its value as it is shown, secrets masked.
    pub taken: Vec<(String, String, String)>,
    /// What this client's file says already: the key there and the setting here.
    pub kept: Vec<(String, String)>,
    /// What was not taken, and what to do.
    pub left: Vec<(String, String)>,
    /// The folders that were taken, by name.
    pub folders: Vec<String>,
}

/// Reads a file of the Python client.
///
/// # Errors
/// If it cannot be read, or is none: what is wrong with it.
pub fn read(path: &Path) -> Result<Vec<Item>, String> {
    let text = source::read_text(path)?.ok_or_else(|| "does not exist".to_owned())?;
    let value: Value = serde_json::from_str(&text).map_err(|error| format!("is not JSON: {error}"))?;
    translate(&value, path.parent().unwrap_or(path))
}

/// What a file in `folder` says.
fn translate(value: &Value, folder: &Path) -> Result<Vec<Item>, String> {
    let root = value.as_object().ok_or("must be a JSON object")?;
    let items = if root.keys().any(|key| service::KEYS.contains(&key.as_str())) {
        service::items(root, folder)
    } else if root.keys().any(|key| packaged::SECTIONS.contains(&key.as_str())) {
        packaged::items(root)
    } else {
        return Err("has nothing that the Python client configures; is it the right file?".to_owned());
    };
    Ok(items)
}

/// Puts into the file what it does not say already and the service can use.
///
/// # Errors
/// If the file cannot be used as it is.
pub fn apply(document: &mut Document, items: Vec<Item>, sources: &Sources) -> Result<Report, EditError> {
    let errors = document.judge(sources)?.errors;
    if !errors.is_empty() {
        return Err(EditError::Refused(errors));
    }
    let mut report = Report::default();
    for item in items {
        match item {
            Item::Left { from, advice } => report.left.push((from, advice)),
            Item::Setting { from, name, value } => {
                apply_setting(document, &mut report, from, (name, value), sources)?;
            }
            Item::Folder { from, row } => apply_folder(document, &mut report, from, row, sources)?,
        }
    }
    Ok(report)
}

fn apply_setting(
    document: &mut Document,
    report: &mut Report,
    from: String,
    (name, value): (&str, Value),
    sources: &Sources,
) -> Result<(), EditError> {
    let setting = edit::setting(name)?;
    let is_set =
        |name| Ok::<_, EditError>(document.get(edit::setting(name)?).is_some_and(|there| !there.is_null()));
    // Where a file holds the token, another one beside it would take its place.
    if is_set(name)? || name == "server.token" && is_set("server.token_file")? {
        report.kept.push((from, name.to_owned()));
        return Ok(());
    }
    let text = value.as_str().unwrap_or_default();
    let wrong = match name {
        "server.url" => address::check(text).err(),
        "server.token" => token::read(text).err(),
        _ => None,
    };
    if let Some(reason) = wrong {
        report.left.push((from, reason));
        return Ok(());
    }
    let mut changed = document.clone();
    changed.set(setting, Some(value))?;
    match changed.judge(sources) {
        Ok(loaded) => {
            let shown = (setting.show)(&loaded.config).unwrap_or_default();
            report.taken.push((from, name.to_owned(), shown));
            *document = changed;
        }
        Err(error) => report.left.push((from, reason(&error))),
    }
    Ok(())
}

fn apply_folder(
    document: &mut Document,
    report: &mut Report,
    from: String,
    mut row: Map<String, Value>,
    sources: &Sources,
) -> Result<(), EditError> {
    let setting = edit::setting("folders")?;
    let mut rows = document.get(setting).and_then(Value::as_array).cloned().unwrap_or_default();
    if rows.iter().any(|there| there.get("path") == row.get("path")) {
        report.kept.push((from, "folders".to_owned()));
        return Ok(());
    }
    let wanted = row.get("name").and_then(Value::as_str).unwrap_or_default();
    let name = converters::free_name(wanted, &rows);
    let path = row.get("path").and_then(Value::as_str).unwrap_or_default().to_owned();
    row.insert("name".to_owned(), name.clone().into());
    rows.push(row.into());
    let mut changed = document.clone();
    changed.set(setting, Some(rows.into()))?;
    match changed.judge(sources) {
        Ok(_) => {
            report.taken.push((from, "folders".to_owned(), format!("{name} ({path})")));
            report.folders.push(name);
            *document = changed;
        }
        Err(error) => report.left.push((from, reason(&error))),
    }
    Ok(())
}

/// Why the service could not use it, without what was being done.
fn reason(error: &EditError) -> String {
    match error {
        EditError::Refused(reasons) => reasons.join("; "),
        other => other.to_string(),
    }
}

/// A text that says something.
fn said<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

fn left(from: impl Into<String>, advice: impl Into<String>) -> Item {
    Item::Left { from: from.into(), advice: advice.into() }
}

fn setting(from: impl Into<String>, name: &'static str, value: impl Into<Value>) -> Item {
    Item::Setting { from: from.into(), name, value: value.into() }
}

/// The level of the log by the words of Python.
fn level(from: &str, word: &str) -> Item {
    let level = match word.to_ascii_uppercase().as_str() {
        "DEBUG" => "debug",
        "INFO" => "info",
        "WARNING" | "WARN" => "warn",
        "ERROR" | "CRITICAL" => "error",
        _ => return left(from, "is no level that is known; set logging.level"),
    };
    setting(from, "logging.level", level)
}
