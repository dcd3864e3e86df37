//! The first configuration, from what an administrator gave to the installer.

use crate::records;
use serde_json::{Map, Value};
use std::path::PathBuf;

/// What is to be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// The configuration file.
    pub file: PathBuf,
    /// The access rights of new files, in SDDL.
    pub sddl: String,
    /// Copies of files, from and to: secrets that must not stay where they were handed over.
    pub copies: Vec<(PathBuf, PathBuf)>,
    /// The content of the file; none if nothing was given.
    pub text: Option<String>,
}

/// Reads the data of the action.
///
/// | record | meaning |
/// |---|---|
/// | `file`, path, SDDL | the file, and the access rights of it and of copies |
/// | `text`, name, value | a setting such as `server.url`; left out if the value is empty |
/// | `copy`, name, copy, source | a setting that names a copy of a file; left out if the source is empty |
///
/// # Errors
/// If a record is none of these.
pub fn read(data: &str) -> Result<Configuration, String> {
    let mut configuration = Configuration::default();
    let mut document = Map::new();
    for record in records::parse(data) {
        match record[..] {
            ["file", path, sddl] => {
                configuration.file = path.into();
                configuration.sddl = sddl.to_owned();
            }
            ["text", _, ""] | ["copy", _, _, ""] => {}
            ["text", name, value] => set(&mut document, name, value),
            ["copy", name, copy, source] => {
                configuration.copies.push((source.into(), copy.into()));
                set(&mut document, name, copy);
            }
            _ => return Err(format!("the record {record:?} of a configuration is not known")),
        }
    }
    if !document.is_empty() {
        configuration.text = Some(format!("{:#}\n", Value::Object(document)).replace('\n', "\r\n"));
    }
    Ok(configuration)
}

/// Sets `section.key` to a text.
fn set(document: &mut Map<String, Value>, name: &str, value: &str) {
    let (section, key) = name.split_once('.').unwrap_or(("", name));
    let section = document.entry(section).or_insert_with(|| Value::Object(Map::new()));
    if let Some(section) = section.as_object_mut() {
        section.insert(key.to_owned(), Value::from(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a value is lost or changed on its way into the file, or an empty one is written.
    #[test]
    fn writes_what_was_given() {
        let given = read(
            "file|C:\\d\\config.json|O:BA\ntext|server.url|https://x.example\n\
             copy|server.token_file|C:\\d\\token|\\\\share\\a \"b\"\ntext|client.watch_folder|D:\\Prüf [1]\n",
        )
        .unwrap();
        assert_eq!(given.file, PathBuf::from("C:\\d\\config.json"));
        assert_eq!(given.copies, [("\\\\share\\a \"b\"".into(), "C:\\d\\token".into())]);
        let text = given.text.unwrap();
        assert!(text.ends_with("}\r\n") && !text.contains("share"), "{text}");
        let document: Value = serde_json::from_str(&text).unwrap();
        let expected = serde_json::json!({
            "server": { "url": "https://x.example", "token_file": "C:\\d\\token" },
            "client": { "watch_folder": "D:\\Prüf [1]" },
        });
        assert_eq!(document, expected);
    }

    /// Fails if: a file is written although nothing was given, or an unknown record is passed over.
    #[test]
    fn writes_nothing_for_nothing() {
        let given = read("file|f|s\ntext|a.b|\ncopy|c.d|e|\n").unwrap();
        assert_eq!((given.text, given.copies.len()), (None, 0));
        assert!(read("other|f").unwrap_err().contains("other"));
    }
}
