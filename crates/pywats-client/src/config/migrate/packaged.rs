//! The configuration that the packages of the Python client brought: `server`, `client`, `watch`, `logging`, `health`.

use super::{Item, converters, left, level, said, service, setting};
use serde_json::{Map, Value};

/// The sections by which the form is known.
pub(super) const SECTIONS: [&str; 5] = ["server", "client", "watch", "logging", "health"];

/// What the file says.
pub(super) fn items(root: &Map<String, Value>) -> Vec<Item> {
    let mut items = Vec::new();
    for (section, value) in root {
        let Some(values) = value.as_object() else {
            items.push(left(section, "is not known"));
            continue;
        };
        if section == "watch" {
            items.extend(watch(values));
            continue;
        }
        for (key, value) in values {
            let from = format!("{section}.{key}");
            let text = said(values, key);
            if value.is_null() || value.as_str().is_some() && text.is_none() {
                continue;
            }
            items.extend(item(&from, text, value));
        }
    }
    items
}

fn item(from: &str, text: Option<&str>, value: &Value) -> Option<Item> {
    let name = match from {
        "server.url" => "server.url",
        "server.token" => "server.token",
        "client.watch_folder" => "client.watch_folder",
        // Delivered files went there as they were.
        "client.archive_folder" => "client.done_folder",
        "client.failed_folder" => "client.failed_folder",
        "logging.level" => return Some(level(from, text.unwrap_or_default())),
        "health.port" => "health.port",
        "health.enabled" => {
            return (value == &Value::Bool(false)).then(|| setting(from, "health.port", 0));
        }
        "server.verify_ssl" => {
            let advice =
                "certificates are always verified; name those of your own authority in server.ca_file";
            return (value == &Value::Bool(false)).then(|| left(from, advice));
        }
        "logging.file" => {
            return Some(left(from, "the journal or the event log has the log; set logging.file for a file"));
        }
        _ => return Some(left(from, "is not known; nothing to do")),
    };
    Some(setting(from, name, value.clone()))
}

/// Folders, each with the same patterns.
fn watch(values: &Map<String, Value>) -> Vec<Item> {
    let directories = values.get("directories").and_then(Value::as_array).map(Vec::as_slice);
    let mut items = Vec::new();
    for (at, directory) in directories.unwrap_or_default().iter().enumerate() {
        let from = format!("watch.directories[{at}]");
        let path = directory.as_str().unwrap_or_default();
        let patterns = converters::texts(values.get("patterns"));
        match converters::patterns(&patterns) {
            Some(patterns) => items.push(converters::folder(from, path, path, patterns)),
            None => items.push(left(from, converters::NO_REPORTS)),
        }
    }
    for (key, _) in values.iter().filter(|(_, value)| !service::Default::Empty.is(value)) {
        let advice = match key.as_str() {
            "directories" if directories.is_some() => continue,
            "directories" => "is no list of folders",
            "patterns" if !items.is_empty() => continue,
            "patterns" => "there are no folders that they are for",
            _ => "is not known; nothing to do",
        };
        items.push(left(format!("watch.{key}"), advice));
    }
    items
}
