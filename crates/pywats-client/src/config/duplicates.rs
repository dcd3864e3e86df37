//! Keys that stand twice in one object. [RFC 8259](https://www.rfc-editor.org/rfc/rfc8259#section-4) leaves to the
//! reader which of them counts; a token must not be lost by that, so neither does.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

/// The full names of the keys that stand twice, as `server.token`; none where the text is not JSON.
pub(super) fn in_text(text: &str) -> Vec<String> {
    let found = RefCell::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = Part { name: String::new(), found: &found }.deserialize(&mut deserializer);
    if read.is_ok() { found.into_inner() } else { Vec::new() }
}

/// What to do about one of them.
pub(super) fn sentence(name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
    format!("{name}: stands twice; keep one of them")
}

/// A value and its full name.
struct Part<'a> {
    name: String,
    found: &'a RefCell<Vec<String>>,
}

impl Part<'_> {
    fn within(&self, name: String) -> Self {
        Part { name, found: self.found }
    }
}

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut keys = BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let name = if self.name.is_empty() { key.clone() } else { format!("{}.{key}", self.name) };
            if !keys.insert(key) && !self.found.borrow().contains(&name) {
                self.found.borrow_mut().push(name.clone());
            }
            map.next_value_seed(self.within(name))?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut at = 0;
        while list.next_element_seed(self.within(format!("{}[{at}]", self.name)))?.is_some() {
            at += 1;
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::edit::{Document, EditError};
    use crate::config::policy::Policies;
    use crate::config::{FileState, Sources};
    use serde_json::Value;

    /// Fails if: a key that stands twice is not found wherever it is, or one that stands once is.
    #[test]
    fn keys_that_stand_twice() {
        for (text, expected) in [
            (r#"{ "server": { "url": "a", "token": null }, "client": { "url": 1.5 } }"#, &[][..]),
            (r#"{ "server": { "token": "a", "token": "b", "token": "c" } }"#, &["server.token"]),
            (r#"{ "server": { "token": "a" }, "server": {} }"#, &["server"]),
            (r#"{ "folders": [{}, { "path": -1, "path": true }] }"#, &["folders[1].path"]),
            (r#"{ "a": 1, "\u0061": 1 }"#, &["a"]),
            (r#"{ "a": 1, "a""#, &[]),
        ] {
            assert_eq!(in_text(text), expected, "{text}");
        }
    }

    /// Fails if: one of the two is taken in silence, or the file is written without the other one.
    #[test]
    fn such_a_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        std::fs::write(
            &path,
            r#"{ "server": { "token": "dXNlcjpw" }, "server": { "url": "https://a.example" } }"#,
        )
        .unwrap();
        let loaded = Sources::with(Some(path.clone()), |_| None, Policies::none).load();
        assert_eq!(loaded.file, FileState::Broken);
        assert!(loaded.errors[0].ends_with("server: stands twice; keep one of them"), "{:?}", loaded.errors);
        let error = Document::open(&path).err().unwrap();
        assert!(
            matches!(&error, EditError::Broken(_, why) if why.contains("server: stands twice")),
            "{error}"
        );
        std::fs::write(&path, "{}").unwrap();
        let of_env = |name: &str| {
            (name == "PYWATS_FOLDERS").then(|| r#"[{ "name": "a", "name": "b", "path": "/a" }]"#.into())
        };
        let loaded = Sources::with(Some(path), of_env, Policies::none).load();
        assert!(loaded.errors[0].contains("folders[0].name: stands twice"), "{:?}", loaded.errors);
        assert_eq!(in_text(&Value::Null.to_string()), [""; 0]);
    }
}
