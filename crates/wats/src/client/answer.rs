//! What a 2xx answer proves.
//!
//! A login page of a guest network, a proxy or a site's front page answers 200 to everything, so the
//! status alone is no proof that a report was stored. The proof is the id that was sent, which a WATS
//! server always gives back:
//!
//! | answer to `POST /api/Report/WSJF`                                                   | meaning              |
//! |-------------------------------------------------------------------------------------|----------------------|
//! | the sent id is the value of `ID`, `id` or `uuid` in any element, or the whole text  | stored               |
//! | the same, but with other UUIDs only                                                 | [`FailureKind::OtherId`] |
//! | anything else: a page, empty (also 204), `{}`, `{"id":101}`, cut off, > 1 MiB       | [`FailureKind::NotWats`] |
//!
//! Elements are an object, or the objects of a list; in XML the root element (`InsertReportResult`) or those
//! in it (`ArrayOfInsertReportResult`). Names are compared without case, identifiers as UUIDs. Sending a
//! report again is safe because the server replaces a report with the same id.

use std::fmt;

use reqwest::StatusCode;
use roxmltree::{Document, Node};
use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use uuid::Uuid;

use super::body::{Body, document, one_line};
use super::failure::{Failure, FailureKind};

/// Characters that a version can have at most.
const MAX_VERSION: usize = 100;

/// A report that the server has stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// The id under which the server keeps the report: the one that was sent.
    pub id: Uuid,
}

/// Finds the proof that the report with the id `sent` was stored.
pub(super) fn submitted(status: StatusCode, body: &Body, sent: Uuid) -> Result<Submitted, Failure> {
    let ids = ids(body);
    match ids.first() {
        _ if ids.contains(&sent) => Ok(Submitted { id: sent }),
        Some(other) => Err(Failure {
            kind: FailureKind::OtherId,
            message: format!(
                "{status} came with the id {other} instead of the sent id {sent}; if this server gives reports \
                 ids of its own, set upload.proof"
            ),
            words: None,
            status: Some(status.as_u16()),
        }),
        None => Err(unproven(status, body, "the id of the report")),
    }
}

/// Reads the answer to `GET /api/App/Version`: a version as JSON string, as text, in XML, or as the
/// member `version` of an object.
pub(super) fn version(status: StatusCode, body: &Body) -> Result<String, Failure> {
    let text = match body {
        Body::Json(Value::Object(members)) => members
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("version"))
            .and_then(|(_, value)| value.as_str().map(str::to_owned)),
        Body::Json(Value::String(text)) | Body::Text(text) => Some(text.clone()),
        // `2025.3` alone is also a number.
        Body::Json(Value::Number(number)) => Some(number.to_string()),
        Body::Xml(text) => {
            document(text).and_then(|document| document.root_element().text().map(str::to_owned))
        }
        _ => None,
    };
    text.map(|text| text.trim().to_owned())
        .filter(|text| text.len() <= MAX_VERSION && text.starts_with(|c: char| c.is_ascii_digit()))
        .filter(|text| text.chars().all(|c| c.is_ascii_alphanumeric() || ".-+ ".contains(c)))
        .ok_or_else(|| unproven(status, body, "a version"))
}

/// Whether the answer to `GET /api/Report/Wsjf/{id}` is the report with this id. Its id is found in the
/// first part of a long report, too.
pub(super) fn holds(status: StatusCode, body: &[u8], id: Uuid) -> Result<bool, Failure> {
    let mut found = None;
    // An error behind the id does not matter: a long report is cut off.
    let _ = serde_json::Deserializer::from_slice(body).deserialize_map(FindId(&mut found));
    if found.as_deref().and_then(as_uuid) == Some(id) {
        return Ok(true);
    }
    Err(unproven(status, &Body::read("", body), "the report that was asked for"))
}

/// Every identifier that the body gives to an element.
fn ids(body: &Body) -> Vec<Uuid> {
    match body {
        Body::Json(Value::Array(elements)) => elements.iter().flat_map(ids_of_value).collect(),
        Body::Json(value) => ids_of_value(value),
        Body::Xml(text) => document(text).map(|document| ids_of_xml(&document)).unwrap_or_default(),
        Body::Text(text) => as_uuid(text).into_iter().collect(),
        Body::Empty | Body::Page(_) => Vec::new(),
    }
}

fn ids_of_value(element: &Value) -> Vec<Uuid> {
    match element {
        Value::String(text) => as_uuid(text).into_iter().collect(),
        Value::Object(members) => {
            let named = members.iter().filter(|(name, _)| is_id(name));
            named.filter_map(|(_, value)| as_uuid(value.as_str()?)).collect()
        }
        _ => Vec::new(),
    }
}

fn ids_of_xml(document: &Document<'_>) -> Vec<Uuid> {
    let root = document.root_element();
    let elements = std::iter::once(root).chain(root.children().filter(Node::is_element));
    let members =
        elements.flat_map(|element| element.children().filter(|child| is_id(child.tag_name().name())));
    // `<guid>` and `<string>` hold the id itself.
    members.chain([root]).filter_map(|node| as_uuid(node.text()?)).collect()
}

fn is_id(name: &str) -> bool {
    name.eq_ignore_ascii_case("id") || name.eq_ignore_ascii_case("uuid")
}

fn as_uuid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text.trim()).ok()
}

fn unproven(status: StatusCode, body: &Body, wanted: &str) -> Failure {
    let found = match body {
        Body::Empty => "an empty body".to_owned(),
        Body::Page(None) => "a web page".to_owned(),
        Body::Page(Some(title)) => format!("a web page ({:?})", start(title)),
        Body::Json(json) => format!("{:?}", start(&json.to_string())),
        Body::Xml(text) | Body::Text(text) => format!("{:?}", start(text)),
    };
    Failure {
        kind: FailureKind::NotWats,
        message: format!(
            "{status} came with {found} instead of {wanted}; is a proxy, a login page or another site \
             answering in place of the WATS server?"
        ),
        words: None,
        status: Some(status.as_u16()),
    }
}

fn start(text: &str) -> String {
    one_line(text).chars().take(80).collect()
}

/// Reads an object as far as its member `id`.
struct FindId<'f>(&'f mut Option<String>);

impl<'de> Visitor<'de> for FindId<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a report")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<String>()? {
            if name.eq_ignore_ascii_case("id") {
                *self.0 = Some(members.next_value()?);
                return Ok(());
            }
            members.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Uuid = Uuid::from_u128(0x33a2d408_3fc8_480b_b554_6866c77fd91c);
    const SENT: &str = "33a2d408-3fc8-480b-b554-6866c77fd91c";
    const OTHER: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

    /// Fails if: the read back takes another report or a page for the one that was asked for, or does not
    /// find the id of a report that was cut off.
    #[test]
    fn reads_a_report_back() {
        let long = format!(r#"{{"pn":"1","nested":{{"id":"{OTHER}"}},"id":"{SENT}","root":{{"steps":["#);
        let cases = [
            (format!(r#"{{"id":"{SENT}","pn":"1"}}"#), true),
            (format!(r#"{{"pn":"1","Id":"{}"}}"#, SENT.to_uppercase()), true),
            (long, true),
            (format!(r#"{{"id":"{OTHER}"}}"#), false),
            (format!(r#"{{"nested":{{"id":"{SENT}"}}}}"#), false),
            (format!("\"{SENT}\""), false),
            ("<html>".to_owned(), false),
            (String::new(), false),
        ];
        for (body, held) in cases {
            let found = holds(StatusCode::OK, body.as_bytes(), ID);
            match found {
                Ok(found) => assert_eq!(found, held, "{body}"),
                Err(failure) => assert!(!held && failure.kind == FailureKind::NotWats, "{body}: {failure}"),
            }
        }
    }
}
