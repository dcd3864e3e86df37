//! The folders that are watched: the first one, which the section `client` describes, and those of the array
//! `folders`, each with patterns, ends and a priority of its own.

use super::{AfterDelivery, Config, duplicates};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::path::PathBuf;
use wats_settings::folder;

/// The name of the folder that the section `client` describes.
pub const DEFAULT: &str = "default";
/// What is taken unless a folder says otherwise.
pub const PATTERNS: [&str; 2] = ["*.json", "*.wsjf"];
/// The priority of a folder that does not say one; 1 is sent first, 10 last.
const PRIORITY: u8 = 5;
/// More folders than a station has.
const MOST: usize = 100;
/// More patterns than a folder needs.
const MOST_PATTERNS: usize = 50;
/// What a list of folders must be, as the end of the sentence "write …".
pub const WANTED: &str = "a list of folders, as [ { \"name\": \"ict\", \"path\": \"/srv/ict\" } ]";
/// What a name must be, as the end of the sentence "write …".
const NAME_WANTED: &str = "1 to 32 of the characters a-z, 0-9, - and _";
/// What patterns must be, as the end of the sentence "write …".
const PATTERNS_WANTED: &str = "a list of names of files that are taken, as [\"*.json\"], in which * stands for anything and ? for one \
                               character";

/// A key of a row.
pub struct Field {
    /// The key in the file.
    pub key: &'static str,
    /// What a valid value is, as the end of the sentence "write …".
    pub expects: &'static str,
    /// What is in force where the row has not the key; `None` where a row must have it.
    pub default: Option<&'static str>,
}

/// Every key of a row, for the reader, the documents and the man page.
pub const FIELDS: [Field; 10] = [
    Field { key: "name", expects: NAME_WANTED, default: None },
    Field { key: "path", expects: folder::WANTED, default: None },
    Field { key: "patterns", expects: PATTERNS_WANTED, default: Some(r#"["*.json", "*.wsjf"]"#) },
    Field {
        key: "subfolders",
        expects: "true to watch the folders in it, too, or false",
        default: Some("false"),
    },
    Field { key: "done_folder", expects: folder::WANTED, default: Some("client.done_folder") },
    Field { key: "failed_folder", expects: folder::WANTED, default: Some("client.failed_folder") },
    Field { key: "archive_folder", expects: folder::WANTED, default: Some("client.archive_folder") },
    Field { key: "after_delivery", expects: AfterDelivery::WANTED, default: Some("client.after_delivery") },
    Field { key: "priority", expects: "a number from 1 (sent first) to 10", default: Some("5") },
    Field {
        key: "look",
        expects: "\"auto\" to look by events where they can be trusted, else at everything every two seconds, \
                  \"events\", or \"polling\" for a share that tells of nothing",
        default: Some("auto"),
    },
];

/// How a folder is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Look {
    /// By events where they can be trusted, else by polling.
    #[default]
    Auto,
    /// By events, and now and then at everything.
    Events,
    /// At everything, every two seconds.
    Polling,
}

/// A row of `folders`, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    name: String,
    path: PathBuf,
    patterns: Option<Vec<String>>,
    subfolders: bool,
    done_folder: Option<PathBuf>,
    failed_folder: Option<PathBuf>,
    archive_folder: Option<PathBuf>,
    after_delivery: Option<AfterDelivery>,
    priority: Option<u8>,
    look: Look,
}

/// A folder that is watched, with everything that applies to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchFolder {
    /// What people call it; [`DEFAULT`] is the first one.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Which names are taken; `*` stands for anything, `?` for one character.
    pub patterns: Vec<String>,
    /// Whether folders in it are watched, too.
    pub subfolders: bool,
    /// Where delivered files go.
    pub done: PathBuf,
    /// Where refused files go.
    pub failed: PathBuf,
    /// Where delivered files go if they are archived.
    pub archive: PathBuf,
    /// What becomes of delivered files.
    pub after_delivery: AfterDelivery,
    /// Whose reports are sent first: 1 before 10.
    pub priority: u8,
    /// How it is looked at.
    pub look: Look,
}

impl WatchFolder {
    /// Whether it is the one that the section `client` describes.
    pub fn is_default(&self) -> bool {
        self.name == DEFAULT
    }
}

impl Look {
    /// The word of the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Look::Auto => "auto",
            Look::Events => "events",
            Look::Polling => "polling",
        }
    }
}

impl Config {
    /// All folders that are watched, the default one first.
    pub fn watch_folders(&self) -> Vec<WatchFolder> {
        let default = WatchFolder {
            name: DEFAULT.to_owned(),
            path: self.watch_folder(),
            patterns: PATTERNS.map(str::to_owned).to_vec(),
            subfolders: false,
            done: self.done_folder(),
            failed: self.failed_folder(),
            archive: self.archive_folder(),
            after_delivery: self.client.after_delivery,
            priority: PRIORITY,
            look: Look::Auto,
        };
        let others = self.folders.iter().map(|row| WatchFolder {
            name: row.name.clone(),
            path: row.path.clone(),
            patterns: row.patterns.clone().unwrap_or_else(|| default.patterns.clone()),
            subfolders: row.subfolders,
            done: row.done_folder.clone().unwrap_or_else(|| default.done.clone()),
            failed: row.failed_folder.clone().unwrap_or_else(|| default.failed.clone()),
            archive: row.archive_folder.clone().unwrap_or_else(|| default.archive.clone()),
            after_delivery: row.after_delivery.unwrap_or(default.after_delivery),
            priority: row.priority.unwrap_or(PRIORITY),
            look: row.look,
        });
        std::iter::once(default.clone()).chain(others).collect()
    }
}

/// Reads the array; the environment has it as text.
///
/// # Errors
/// The first thing that is wrong, with its place and what to write.
pub fn read(value: &Value) -> Result<Vec<Row>, String> {
    let parsed;
    let value = match value.as_str() {
        Some(text) => {
            // What the parser expected is of no help to who has written no list at all.
            parsed =
                serde_json::from_str(text).map_err(|_| format!("folders: is not JSON; write {WANTED}"))?;
            if let Some(name) = duplicates::in_text(text).iter().find(|name| name.starts_with('[')) {
                return Err(format!("folders{}", duplicates::sentence(name)));
            }
            &parsed
        }
        None => value,
    };
    let rows = value.as_array().ok_or_else(|| format!("folders: not usable; write {WANTED}"))?;
    if rows.len() > MOST {
        return Err(format!("folders: {} folders are too many; write {MOST} at most", rows.len()));
    }
    let mut names = BTreeSet::from([DEFAULT.to_owned()]);
    let mut read = Vec::with_capacity(rows.len());
    for (at, row) in rows.iter().enumerate() {
        let row = read_row(row).map_err(|what| format!("folders[{at}]{what}"))?;
        if !names.insert(row.name.clone()) {
            let why =
                if row.name == DEFAULT { "is the folder of the section client" } else { "is there twice" };
            return Err(format!("folders[{at}].name: {:?} {why}; write another name", row.name));
        }
        read.push(row);
    }
    Ok(read)
}

/// What a row has that nobody knows, as full names.
pub fn unknown_fields(value: &Value) -> Vec<(String, Option<&'static str>)> {
    let rows = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut unknown = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        for key in row.as_object().into_iter().flat_map(Map::keys) {
            if FIELDS.iter().all(|field| field.key != key) {
                let meant = super::settings::nearest(key, FIELDS.iter().map(|field| field.key));
                unknown.push((format!("folders[{at}].{key}"), meant));
            }
        }
    }
    unknown
}

/// Judges one row that a person has given key by key.
///
/// # Errors
/// The first value that is wrong, and what to write.
pub fn check_row(row: &Value) -> Result<(), String> {
    let Err(what) = read_row(row) else { return Ok(()) };
    let (key, what) = what.trim_start_matches('.').split_once(": ").unwrap_or(("row", &what));
    let value = match row.get(key) {
        Some(Value::String(text)) => text.clone(),
        other => other.unwrap_or(&Value::Null).to_string(),
    };
    Err(format!("the {} {value}: {what}", key.replace('_', " ")))
}

fn read_row(row: &Value) -> Result<Row, String> {
    let row = row.as_object().ok_or(": must be an object: { \"name\": …, \"path\": … }")?;
    let field = |key: &str| row.get(key).filter(|value| !value.is_null());
    let wrong = |key: &str| {
        let wanted = FIELDS.iter().find(|field| field.key == key).map_or("", |field| field.expects);
        format!(".{key}: not usable; write {wanted}")
    };
    let name = field("name").and_then(Value::as_str).filter(|name| is_name(name));
    let path = |key: &'static str| match field(key) {
        None => Ok(None),
        Some(value) => {
            let path = value.as_str().map(str::trim).filter(|path| folder::is_full(path));
            path.map(|path| Some(PathBuf::from(path))).ok_or_else(|| wrong(key))
        }
    };
    Ok(Row {
        name: name.ok_or_else(|| wrong("name"))?.to_owned(),
        path: path("path")?.ok_or_else(|| wrong("path"))?,
        patterns: match field("patterns") {
            None => None,
            Some(value) => Some(patterns(value).ok_or_else(|| wrong("patterns"))?),
        },
        subfolders: match field("subfolders") {
            None => false,
            Some(value) => value.as_bool().ok_or_else(|| wrong("subfolders"))?,
        },
        done_folder: path("done_folder")?,
        failed_folder: path("failed_folder")?,
        archive_folder: path("archive_folder")?,
        after_delivery: match field("after_delivery") {
            None => None,
            Some(value) => {
                let word = value.as_str().and_then(AfterDelivery::of_word);
                Some(word.ok_or_else(|| wrong("after_delivery"))?)
            }
        },
        priority: match field("priority") {
            None => None,
            Some(value) => {
                let number = value.as_u64().filter(|number| (1..=10).contains(number));
                let number = number.ok_or_else(|| wrong("priority"))?;
                Some(number as u8)
            }
        },
        look: match field("look").map(Value::as_str) {
            None => Look::Auto,
            Some(Some("auto")) => Look::Auto,
            Some(Some("events")) => Look::Events,
            Some(Some("polling")) => Look::Polling,
            Some(_) => return Err(wrong("look")),
        },
    })
}

/// Short enough for a file name and a label, and the same on every system.
pub fn is_name(name: &str) -> bool {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    (1..=32).contains(&name.len()) && name.chars().all(known)
}

fn patterns(value: &Value) -> Option<Vec<String>> {
    let patterns: Option<Vec<String>> =
        value.as_array()?.iter().map(|p| p.as_str().map(str::to_owned)).collect();
    let is_one = |pattern: &String| !pattern.is_empty() && !pattern.contains(['/', '\\']);
    patterns.filter(|all| !all.is_empty() && all.len() <= MOST_PATTERNS && all.iter().all(is_one))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn full(path: &str) -> String {
        if cfg!(windows) { format!(r"C:\{path}") } else { format!("/{path}") }
    }

    /// Fails if: a row that cannot work is taken, or the sentence does not name its place and what to write; or a
    /// good one is refused.
    #[test]
    fn rows() {
        let (a, b) = (full("a"), full("b"));
        for (value, complaint) in [
            (json!([]), None),
            (json!([{ "name": "ict", "path": a }]), None),
            (json!([{ "name": "ict", "path": a, "priority": null, "patterns": ["*.log"] }]), None),
            (json!(format!(r#"[{{ "name": "ict", "path": {} }}]"#, json!(a))), None),
            (json!({}), Some("folders: not usable; write a list")),
            (json!("["), Some("folders: is not JSON; write a list of folders, as [ {")),
            (json!("nonsense"), Some("folders: is not JSON; write a list of folders, as [ {")),
            (json!([1]), Some("folders[0]: must be an object")),
            (json!([{ "path": a }]), Some("folders[0].name: not usable")),
            (json!([{ "name": "I C T", "path": a }]), Some("folders[0].name")),
            (json!([{ "name": "ict" }]), Some("folders[0].path: not usable; write the full path")),
            (json!([{ "name": "ict", "path": "a" }]), Some("folders[0].path")),
            (json!([{ "name": "default", "path": a }]), Some("the section client")),
            (
                json!([{ "name": "x", "path": a }, { "name": "x", "path": b }]),
                Some("folders[1].name: \"x\" is there twice"),
            ),
            (json!([{ "name": "x", "path": a, "patterns": [] }]), Some("folders[0].patterns")),
            (json!([{ "name": "x", "path": a, "patterns": ["a/b"] }]), Some("folders[0].patterns")),
            (json!([{ "name": "x", "path": a, "priority": 0 }]), Some("folders[0].priority")),
            (
                json!([{ "name": "x", "path": a, "after_delivery": "burn" }]),
                Some("folders[0].after_delivery"),
            ),
            (json!([{ "name": "x", "path": a, "look": "often" }]), Some("folders[0].look")),
            (json!([{ "name": "x", "path": a, "subfolders": "yes" }]), Some("folders[0].subfolders")),
        ] {
            let error = read(&value).err().unwrap_or_default();
            match complaint {
                None => assert_eq!(error, "", "{value}"),
                Some(part) => assert!(error.contains(part), "{value}: {error}"),
            }
        }
    }

    /// Fails if: what a row leaves out is not that of the section `client`, or what it says is not kept.
    #[test]
    fn rows_inherit() {
        let mut config = Config::new();
        config.client.data_dir = full("d").into();
        config.client.after_delivery = AfterDelivery::Archive;
        let rows = json!([
            { "name": "plain", "path": full("a") },
            { "name": "own", "path": full("b"), "done_folder": full("b-done"), "after_delivery": "delete",
              "priority": 1, "look": "polling", "subfolders": true, "patterns": ["*.txt"] },
        ]);
        config.folders = read(&rows).unwrap();
        let [default, plain, own] = &config.watch_folders()[..] else { panic!() };
        assert!(default.is_default() && !plain.is_default());
        let inherited = WatchFolder { name: "plain".into(), path: full("a").into(), ..default.clone() };
        assert_eq!(*plain, inherited);
        let wanted = WatchFolder {
            name: "own".into(),
            path: full("b").into(),
            patterns: vec!["*.txt".into()],
            subfolders: true,
            done: full("b-done").into(),
            after_delivery: AfterDelivery::Delete,
            priority: 1,
            look: Look::Polling,
            ..default.clone()
        };
        assert_eq!(*own, wanted);
    }

    /// Fails if: the table of keys promises a default that is not in force, or has a key that the reader does not know.
    #[test]
    fn the_table_is_what_is_read() {
        let (config, path) = (Config::new(), full("a"));
        let of_client = |key: &str| {
            let setting = crate::config::settings::SETTINGS.iter().find(|setting| setting.name() == key)?;
            (setting.show)(&config)
        };
        for field in FIELDS {
            let unusable = json!([{ "name": "x", "path": path, field.key: [] }]);
            let error = read(&unusable).err().unwrap_or_default();
            assert!(error.contains(field.expects) && error.contains(field.key), "{}: {error}", field.key);
            let Some(default) = field.default else { continue };
            let written = of_client(default).unwrap_or_else(|| default.to_owned());
            let value = serde_json::from_str(&written).unwrap_or_else(|_| json!(written));
            let in_force = |row: Value| {
                let config = Config { folders: read(&json!([row])).unwrap(), ..config.clone() };
                config.watch_folders().pop().unwrap()
            };
            let explicit = in_force(json!({ "name": "x", "path": path, field.key: value }));
            assert_eq!(explicit, in_force(json!({ "name": "x", "path": path })), "{}", field.key);
        }
    }

    /// Fails if: a misspelt field is passed over in silence.
    #[test]
    fn unknown_fields_are_found() {
        let found = unknown_fields(&json!([{ "name": "x" }, { "pattern": [], "zebra": 1 }]));
        let expected =
            [("folders[1].pattern".to_owned(), Some("patterns")), ("folders[1].zebra".to_owned(), None)];
        assert_eq!(found, expected);
    }
}
