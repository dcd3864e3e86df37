//! The first configuration, from what an administrator gave to the installer, and a token that is given later.
//!
//! A configuration that is there stays as it is: nobody but its owner changes it. It may say, though, that the token
//! is in the file that the installer made, and that one is the installer's own: a token that is given later takes its
//! place.

use crate::records;
use serde_json::{Map, Value};
use std::path::PathBuf;
use wats_settings::{folder, text};

/// What is to be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// The configuration file.
    pub file: PathBuf,
    /// The access rights of new files, in SDDL.
    pub sddl: String,
    /// Whether the file is there already, and stays as it is.
    pub exists: bool,
    /// Copies of files: secrets that must not stay where they were handed over.
    pub copies: Vec<Copy>,
    /// The content of the file; none if nothing was given.
    pub text: Option<String>,
}

/// A file that is copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// The setting that names the copy, such as `server.token_file`.
    pub name: String,
    /// The file that was given.
    pub from: PathBuf,
    /// The copy.
    pub to: PathBuf,
}

/// Reads the data of the action.
///
/// | record | meaning |
/// |---|---|
/// | `file`, path, SDDL | the file, and the access rights of it and of copies |
/// | `existing`, path, SDDL | the same for a file that is there and stays as it is |
/// | `text`, name, value | a setting such as `server.url`; left out if the value is empty |
/// | `copy`, name, copy, source | a setting that names a copy of a file; left out if the source is empty |
///
/// # Errors
/// If a record is none of these, or the file is not named once.
pub fn read(data: &str) -> Result<Configuration, String> {
    const OF: &str = "the configuration";
    let mut configuration = Configuration::default();
    let mut document = Map::new();
    for record in records::parse(data)? {
        let unknown = || records::unknown(OF, &record);
        match record[..] {
            [kind @ ("file" | "existing"), path, sddl]
                if !path.is_empty() && !sddl.is_empty() && configuration.sddl.is_empty() =>
            {
                configuration.exists = kind == "existing";
                configuration.file = path.into();
                configuration.sddl = sddl.to_owned();
            }
            ["text", name, value] => set(&mut document, name, value).ok_or_else(unknown)?,
            ["copy", name, copy, source] if !copy.is_empty() => {
                let value = if source.is_empty() { "" } else { copy };
                set(&mut document, name, value).ok_or_else(unknown)?;
                if !source.is_empty() {
                    let copy = Copy { name: name.to_owned(), from: source.into(), to: copy.into() };
                    configuration.copies.push(copy);
                }
            }
            _ => return Err(unknown()),
        }
    }
    if configuration.sddl.is_empty() {
        return Err(format!("the package is not understood: the file is missing in {OF}"));
    }
    if !document.is_empty() && !configuration.exists {
        configuration.text = Some(format!("{:#}\n", Value::Object(document)).replace('\n', "\r\n"));
    }
    Ok(configuration)
}

/// Sets `section.key` to a text, unless it is empty; nothing for a name of another form.
fn set(document: &mut Map<String, Value>, name: &str, value: &str) -> Option<()> {
    let (section, key) = split(name)?;
    if value.is_empty() {
        return Some(());
    }
    let section = document.entry(section).or_insert_with(|| Value::Object(Map::new()));
    section.as_object_mut()?.insert(key.to_owned(), Value::from(value));
    Some(())
}

fn split(name: &str) -> Option<(&str, &str)> {
    name.split_once('.').filter(|(section, key)| !section.is_empty() && !key.is_empty())
}

/// The data for a file that is there: of what was given, only files count. Empty if there is none.
///
/// # Errors
/// As those of [`read`].
pub fn for_existing(data: &str) -> Result<String, String> {
    if read(data)?.copies.is_empty() {
        return Ok(String::new());
    }
    let kept = records::parse(data)?.into_iter().filter_map(|mut record| match record[0] {
        "file" => {
            record[0] = "existing";
            Some(record.join("|"))
        }
        "copy" => Some(record.join("|")),
        _ => None,
    });
    Ok(kept.collect::<Vec<_>>().join("\n"))
}

/// Whether a configuration that is there names a copy as its own.
///
/// # Errors
/// If it cannot be read, and why, as the end of a sentence.
pub fn names(document: &[u8], copy: &Copy) -> Result<bool, String> {
    let text = text::decode(document)?;
    let document: Value = serde_json::from_str(&text).map_err(|_| "is not JSON".to_owned())?;
    let value = split(&copy.name).and_then(|(section, key)| document.get(section)?.get(key)?.as_str());
    Ok(value.is_some_and(|value| folder::windows::is_same(value, &copy.to.to_string_lossy())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "file|C:\\d\\config.json|O:BA\ntext|server.url|https://x.example\n\
                         copy|server.token_file|C:\\d\\token|\\\\share\\a \"b\"\ntext|client.watch_folder|D:\\Prüf [1]\n";

    fn copy() -> Copy {
        Copy {
            name: "server.token_file".to_owned(),
            from: "\\\\share\\a \"b\"".into(),
            to: "C:\\d\\token".into(),
        }
    }

    /// Fails if: a value is lost or changed on its way into the file, or an empty one is written.
    #[test]
    fn writes_what_was_given() {
        let given = read(GIVEN).unwrap();
        assert_eq!((given.file, given.exists), (PathBuf::from("C:\\d\\config.json"), false));
        assert_eq!(given.copies, [copy()]);
        let text = given.text.unwrap();
        assert!(text.ends_with("}\r\n") && !text.contains("share"), "{text}");
        let document: Value = serde_json::from_str(&text).unwrap();
        let expected = serde_json::json!({
            "server": { "url": "https://x.example", "token_file": "C:\\d\\token" },
            "client": { "watch_folder": "D:\\Prüf [1]" },
        });
        assert_eq!(document, expected);
        let given = read("file|f|s\ntext|a.b|\ncopy|c.d|e|\n").unwrap();
        assert_eq!((given.text, given.copies.len()), (None, 0));
    }

    /// Fails if: anything but a file that was given counts where there is a configuration, or that one is lost.
    #[test]
    fn leaves_a_configuration_as_it_is() {
        let data = for_existing(GIVEN).unwrap();
        assert!(!data.contains("https"), "{data}");
        let given = read(&data).unwrap();
        assert_eq!((given.exists, given.text, given.copies), (true, None, vec![copy()]));
        assert_eq!(given.file, PathBuf::from("C:\\d\\config.json"));
        assert_eq!(for_existing("file|f|s\ntext|a.b|x\ncopy|c.d|e|\n").unwrap(), "");
    }

    /// Fails if: a token is replaced that the configuration does not name, or one that it names is not.
    #[test]
    fn knows_its_own_copy() {
        for (document, expected) in [
            (r#"{ "server": { "token_file": "C:\\d\\token" } }"#, Ok(true)),
            ("\u{feff}{ \"server\": { \"token_file\": \"c:/D/token\" } }", Ok(true)),
            (r#"{ "server": { "token_file": "C:\\d\\other" } }"#, Ok(false)),
            (r#"{ "server": { "token": "c3RhdGlvbjpzZWNyZXQ=" } }"#, Ok(false)),
            (r#"{ "server": 1, "token_file": "C:\\d\\token" }"#, Ok(false)),
            ("[]", Ok(false)),
            ("{", Err("is not JSON")),
            ("\0", Err("zero bytes")),
        ] {
            match (names(document.as_bytes(), &copy()), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{document}"),
                (Err(reason), Err(part)) => assert!(reason.contains(part), "{document}: {reason}"),
                (found, _) => panic!("{document}: {found:?}"),
            }
        }
    }

    /// Fails if: what is not understood is passed over.
    #[test]
    fn refuses_what_it_does_not_understand() {
        for (data, part) in [
            ("", "is empty"),
            ("text|a.b|x", "the file is missing"),
            ("file|f", "\"file|f\""),
            ("file|f|", "\"file|f|\""),
            ("file||s", "\"file||s\""),
            ("file|f|s|t", "\"file|f|s|t\""),
            ("file|f|s\nfile|g|s", "\"file|g|s\""),
            ("file|f|s\nother|f", "\"other|f\""),
            ("file|f|s\ntext|a.b", "\"text|a.b\""),
            ("file|f|s\ntext|b|x", "\"text|b|x\""),
            ("file|f|s\ntext|.b|", "\"text|.b|\""),
            ("file|f|s\ntext|a.b|x|y", "\"text|a.b|x|y\""),
            ("file|f|s\ncopy|a.b|c", "\"copy|a.b|c\""),
            ("file|f|s\ncopy|a.b||x", "\"copy|a.b||x\""),
        ] {
            let reason = read(data).unwrap_err();
            assert!(reason.contains(part), "{data:?}: {reason}");
        }
    }
}
