//! The settings in force, the file and the environment, without secrets.

use super::Bundle;
use super::files;
use super::secrets::{self, MASK, Secrets};
use crate::config::Loaded;
use crate::config::settings::SETTINGS;
use serde_json::Value;
use std::fmt::Write;
use wats_settings::text;

/// More than any configuration needs.
const MOST: u64 = 1 << 20;
/// Variables of others that say something about the way to the server.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "ALL_PROXY"];

/// Adds all of it.
pub(super) fn add(bundle: &mut Bundle, loaded: &Loaded, secrets: &Secrets) {
    let mut rows = format!("{}: {:?}\n\n", loaded.path.display(), loaded.file);
    for (setting, origin) in SETTINGS.iter().zip(loaded.origins) {
        let value = (setting.show)(&loaded.config).unwrap_or_else(|| "-".to_owned());
        let _ = writeln!(rows, "{:<30} {:<12} {value}", setting.name(), origin.name());
    }
    let notes = [("error", &loaded.errors), ("missing", &loaded.missing), ("warning", &loaded.warnings)];
    for (kind, texts) in notes {
        for text in texts {
            let _ = writeln!(rows, "{kind}: {text}");
        }
    }
    bundle.add("configuration.txt", &rows, secrets);
    file(bundle, loaded, secrets);
    bundle.add("environment.txt", &environment(std::env::vars_os()), secrets);
}

fn file(bundle: &mut Bundle, loaded: &Loaded, secrets: &Secrets) {
    let read = files::read(&loaded.path, MOST).map_err(|error| error.to_string());
    let parsed = read
        .and_then(|bytes| text::decode(&bytes))
        .and_then(|text| serde_json::from_str::<Value>(&text).map_err(|error| error.to_string()));
    match parsed {
        Ok(mut document) => {
            mask_unknown(&mut document);
            bundle.add_json("configuration.json", &document, secrets);
        }
        // What cannot be understood cannot be searched for secrets.
        Err(why) => bundle.note(format!("the configuration file {}: {why}", loaded.path.display())),
    }
}

/// Masks what is no setting of this program: nobody knows what it is, and it may be a secret.
fn mask_unknown(document: &mut Value) {
    for (section, value) in document.as_object_mut().into_iter().flatten() {
        let known = |name: &str| SETTINGS.iter().any(|setting| setting.name() == name);
        match value {
            _ if known(section) => {}
            Value::Object(rows) => {
                for (key, value) in rows {
                    if !known(&format!("{section}.{key}")) {
                        *value = MASK.into();
                    }
                }
            }
            other => *other = MASK.into(),
        }
    }
}

/// The variables that matter, sorted.
fn environment(variables: impl Iterator<Item = (std::ffi::OsString, std::ffi::OsString)>) -> String {
    let mut lines: Vec<String> = variables
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
        .filter(|(name, _)| {
            let upper = name.to_uppercase();
            upper.starts_with("PYWATS_") || PROXIES.contains(&&*upper) || upper == "CREDENTIALS_DIRECTORY"
        })
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect();
    lines.sort();
    secrets::without_assigned(&lines.concat())
}
