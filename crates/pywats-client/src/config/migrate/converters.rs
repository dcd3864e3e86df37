//! Converters of the Python client: those that take WSJF are folders here, the others have to wait for converters.

use super::service::Default;
use super::{Item, left, said};
use crate::config::watch_folders;
use serde_json::{Map, Value};

/// Why a converter is no folder here.
pub(super) const NO_REPORTS: &str = "takes other files than WSJF reports, which this client does not convert; let the Python client go on with it";
/// Keys that a row takes over, or that are told of one by one.
const SEEN: [&str; 14] = [
    "name",
    "module_path",
    "class_name",
    "watch_folder",
    "done_folder",
    "error_folder",
    "converter_type",
    "enabled",
    "priority",
    "arguments",
    "file_patterns",
    "post_action",
    "post_process_action",
    "postProcessAction",
];
/// Keys that have no counterpart: what they are by themselves, and what to do where they are something else.
const LEFT: &[(&str, Default, &str)] = &[
    ("pending_folder", Default::Empty, "files that wait are in the spool of the data folder"),
    ("folder_patterns", Default::Text("*"), FOLDERS),
    ("readiness_marker", Default::Text("COMPLETE.marker"), FOLDERS),
    ("min_file_count", Default::Number(1.0), FOLDERS),
    ("alarm_threshold", Default::Number(0.5), "reports are sent as they are, or refused with a reason"),
    ("reject_threshold", Default::Number(0.2), "reports are sent as they are, or refused with a reason"),
    ("max_retries", Default::Number(3.0), "what cannot be sent is tried without end"),
    ("retry_delay_seconds", Default::Number(60.0), "set upload.retry_max_seconds, if the waits matter"),
    ("schedule_interval_seconds", Default::Empty, ALWAYS),
    ("cron_expression", Default::Empty, ALWAYS),
    ("run_on_startup", Default::False, ALWAYS),
    ("archive_folder", Default::Empty, "was not in use; set archive_folder of the folder if it is wanted"),
    ("description", Default::Empty, "is for people; a folder has no place for it"),
    ("author", Default::Empty, "is for people; a folder has no place for it"),
    ("version", Default::Text("1.0.0"), "is for people; a folder has no place for it"),
];
const FOLDERS: &str = "this client takes single files";
const ALWAYS: &str = "folders are always watched";
/// The longest name of a folder.
const LONGEST: usize = 32;

/// What a converter is here.
pub(super) fn items(at: usize, converter: &Value) -> Vec<Item> {
    let place = format!("converters[{at}]");
    let Some(converter) = converter.as_object() else { return vec![left(place, "is no converter")] };
    let from = match said(converter, "name") {
        Some(name) => format!("{place} ({name})"),
        None => place,
    };
    match row(&from, converter) {
        Ok((row, mut notes)) => {
            notes.insert(0, row);
            notes
        }
        Err(reason) => vec![left(from, reason)],
    }
}

/// The row of a converter, and what it has that a row has not.
fn row(from: &str, converter: &Map<String, Value>) -> Result<(Item, Vec<Item>), String> {
    if converter.get("enabled") == Some(&Value::Bool(false)) {
        return Err(
            "is switched off; add its folder with pywats-client folders add if it is wanted".to_owned()
        );
    }
    let given = texts(converter.get("file_patterns"));
    let names = ["name", "module_path", "class_name"].map(|key| said(converter, key).unwrap_or_default());
    let by_name = names.iter().any(|name| name.to_ascii_lowercase().contains("wsjf"));
    let taken = match patterns(&given) {
        // A pattern for everything says nothing: the converter looked into the files.
        Some(taken) if by_name || !taken.is_empty() => taken,
        _ if by_name => given.clone(),
        _ => return Err(NO_REPORTS.to_owned()),
    };
    if let Some(kind) = said(converter, "converter_type").filter(|kind| *kind != "file") {
        return Err(format!("is of the type {kind}, and this client takes single files"));
    }
    let path = said(converter, "watch_folder").ok_or("has no watch folder")?;
    let mut notes = Vec::new();
    let mut row = Map::new();
    row.insert("name".to_owned(), said(converter, "name").unwrap_or("converter").into());
    row.insert("path".to_owned(), path.into());
    if !taken.is_empty() {
        row.insert("patterns".to_owned(), taken.into());
    }
    for (key, here) in [("done_folder", "done_folder"), ("error_folder", "failed_folder")] {
        match said(converter, key) {
            Some(folder) if wats_settings::folder::is_full(folder) => {
                row.insert(here.to_owned(), folder.into());
            }
            Some(_) => notes.push(left(
                format!("{from}.{key}"),
                format!("is no full path; set {here} of the folder, or the one of client is used"),
            )),
            None => {}
        }
    }
    let actions = ["post_action", "post_process_action", "postProcessAction"];
    let action = actions.into_iter().find(|key| said(converter, key).is_some()).unwrap_or("post_action");
    match said(converter, action) {
        Some("delete") => drop(row.insert("after_delivery".to_owned(), "delete".into())),
        Some(word @ ("zip" | "archive")) => {
            row.insert("after_delivery".to_owned(), "archive".into());
            notes.push(left(
                format!("{from}.{action}"),
                format!(
                    "{word} becomes after_delivery = archive: each delivered file is compressed with gzip into \
                     client.archive_folder"
                ),
            ));
        }
        Some("keep") => {
            row.insert("after_delivery".to_owned(), "done".into());
            notes.push(left(
                format!("{from}.{action}"),
                "keep has no counterpart: delivered files move to the done folder, where whoever reads them must look",
            ));
        }
        Some("move") | None => drop(row.insert("after_delivery".to_owned(), "done".into())),
        Some(_) => {
            notes.push(left(format!("{from}.{action}"), "is not known; delivered files move to done"));
        }
    }
    match converter.get("priority").map(Value::as_u64) {
        Some(Some(priority @ 1..=10)) => drop(row.insert("priority".to_owned(), priority.into())),
        Some(_) => notes.push(left(format!("{from}.priority"), "is not from 1 to 10; 5 is used")),
        None => {}
    }
    if converter.get("arguments").and_then(Value::as_object).is_some_and(|arguments| !arguments.is_empty()) {
        notes.push(left(
            format!("{from}.arguments"),
            "reports are sent as they are; what they lack is set in the section station",
        ));
    }
    notes.extend(not_taken(from, converter));
    Ok((Item::Folder { from: from.to_owned(), row }, notes))
}

/// A line for each key that a row has no place for and that says something.
fn not_taken(from: &str, converter: &Map<String, Value>) -> Vec<Item> {
    let mut items = Vec::new();
    for (key, value) in converter.iter().filter(|(key, _)| !SEEN.contains(&key.as_str())) {
        let advice = match LEFT.iter().find(|(known, ..)| known == key) {
            Some((_, default, _)) if default.is(value) || is_list_of(value, default) => continue,
            Some((.., advice)) => advice,
            None if Default::Empty.is(value) => continue,
            None => "is not known; nothing to do",
        };
        items.push(left(format!("{from}.{key}"), advice));
    }
    items
}

/// Whether it is a list of nothing but the usual value.
fn is_list_of(value: &Value, default: &Default) -> bool {
    value.as_array().is_some_and(|values| values.iter().all(|value| default.is(value)))
}

/// A folder without a converter, named after its path.
pub(super) fn folder(from: String, name: &str, path: &str, patterns: Vec<String>) -> Item {
    let mut row = Map::new();
    let name = name.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or_default();
    row.insert("name".to_owned(), name.into());
    row.insert("path".to_owned(), path.into());
    if !patterns.is_empty() {
        row.insert("patterns".to_owned(), patterns.into());
    }
    Item::Folder { from, row }
}

/// The texts of a list.
pub(super) fn texts(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(|text| text.trim().to_owned()).collect()
}

/// The patterns, if they take reports and nothing else; none where they take everything, so that the usual ones hold.
pub(super) fn patterns(given: &[String]) -> Option<Vec<String>> {
    if given.iter().all(|pattern| ["*", "*.*"].contains(&pattern.as_str())) {
        return Some(Vec::new());
    }
    let is_report = |pattern: &String| {
        let pattern = pattern.to_ascii_lowercase();
        pattern.ends_with(".json") || pattern.ends_with(".wsjf")
    };
    given.iter().all(is_report).then(|| given.to_vec())
}

/// A valid name that no row has, as near as possible to the one that is wanted.
pub(super) fn free_name(wanted: &str, rows: &[Value]) -> String {
    let mut name = String::new();
    for c in wanted.trim().to_ascii_lowercase().chars() {
        let known = c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let c = if known { c } else { '-' };
        if c != '-' || !name.ends_with('-') {
            name.push(c);
        }
    }
    let name = name.trim_matches('-');
    let name = if name.is_empty() { "folder" } else { name };
    let is_free = |name: &String| {
        name != watch_folders::DEFAULT
            && rows.iter().all(|row| row.get("name").and_then(Value::as_str) != Some(name))
    };
    let numbered = (2..).map(|number| {
        let end = format!("-{number}");
        format!("{}{end}", &name[..name.len().min(LONGEST - end.len())])
    });
    let first = name[..name.len().min(LONGEST)].to_owned();
    std::iter::once(first).chain(numbered).find(is_free).unwrap_or_default()
}
