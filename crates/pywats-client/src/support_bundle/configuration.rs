//! The settings in force, the file and the environment, without secrets.

use super::Bundle;
use super::files;
use super::secrets::{self, Secrets};
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
        Ok(document) => bundle.add_json("configuration.json", &document, secrets),
        // What cannot be understood cannot be searched for secrets.
        Err(why) => bundle.note(format!("the configuration file {}: {why}", loaded.path.display())),
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
