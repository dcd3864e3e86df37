//! JSON ([RFC 8259](https://www.rfc-editor.org/rfc/rfc8259)), read strictly and without loss.
//!
//! The RFC leaves open what a name means that occurs twice in one object; each reader picks its own
//! value, so such a file is refused. Nesting is limited by `serde_json` to 128 levels, far more than
//! steps in sequences need and few enough for any stack.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::error::ReportError;

/// A field at the top of a report, its value as written.
pub(super) struct Member<'t> {
    pub(super) name: String,
    pub(super) value: &'t RawValue,
}

/// Checks the whole text and takes the top object apart.
pub(super) fn members(text: &str) -> Result<Vec<Member<'_>>, ReportError> {
    match text.trim_ascii_start().bytes().next() {
        None => return Err(ReportError::file("empty; a report is one JSON object")),
        Some(b'[') => {
            return Err(ReportError::file("a list; write each report as one JSON object into its own file"));
        }
        Some(b'<') => return Err(ReportError::file("XML or HTML; a report is one JSON object")),
        _ => {}
    }
    check(text)?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.deserialize_map(Top).map_err(|error| refused("", &error))
}

/// Reads every value once, to refuse what is malformed or ambiguous at any depth.
fn check(text: &str) -> Result<(), ReportError> {
    let mut path = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Check { path: &mut path }
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end())
        .map_err(|error| refused(&path.join("/"), &error))
}

fn refused(path: &str, error: &serde_json::Error) -> ReportError {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let text = error.to_string();
    let text = text.strip_suffix(&place).unwrap_or(&text);
    let hint = match error.classify() {
        serde_json::error::Category::Eof => "; the file is cut off, was it still being written?",
        serde_json::error::Category::Syntax if text.starts_with("expected value") => {
            "; NaN and Inf must be written as text, in quotes"
        }
        _ => "",
    };
    ReportError {
        field: path.to_owned(),
        position: Some((error.line(), error.column())),
        reason: format!("{text}{hint}"),
    }
}

/// Visits a value for its errors only, and leaves the path to the value that has one.
struct Check<'p> {
    path: &'p mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Check<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Check<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
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

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        for index in 0usize.. {
            self.path.push(index.to_string());
            if elements.next_element_seed(Check { path: &mut *self.path })?.is_none() {
                self.path.pop();
                break;
            }
            self.path.pop();
        }
        Ok(())
    }

    /// Numbers come here too: `serde_json` hands out one that it keeps as text like an object.
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            self.path.push(name.clone());
            if names.contains(&name) {
                return Err(A::Error::custom("given twice; a field may occur only once"));
            }
            names.insert(name);
            members.next_value_seed(Check { path: &mut *self.path })?;
            self.path.pop();
        }
        Ok(())
    }
}

/// Takes the top object apart into its members.
struct Top;

impl<'de> Visitor<'de> for Top {
    type Value = Vec<Member<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(name) = members.next_key()? {
            all.push(Member { name, value: members.next_value()? });
        }
        Ok(all)
    }
}
