//! What a 2xx answer proves.
//!
//! A login page of a guest network, a proxy or a site's front page answers 200 to everything, so the
//! status alone is no proof that a report was stored. The proof is the report's id, which a WATS
//! server always gives back:
//!
//! | body of the answer to `POST /api/Report/WSJF`                         | meaning           |
//! |-----------------------------------------------------------------------|-------------------|
//! | list whose first element has a member `ID`, `id` or `uuid`            | stored            |
//! | object with such a member                                             | stored            |
//! | UUID, as a JSON string or as plain text                               | stored            |
//! | anything else: HTML, empty (also 204), `{}`, `[]`, cut off, > 1 MiB   | not proven, retry |
//!
//! Sending a report again is safe because the server replaces a report with the same id.

use reqwest::StatusCode;
use serde_json::Value;
use uuid::Uuid;

use super::failure::{Failure, FailureKind, clean, looks_like_html};

/// Characters that an id or a version can have at most.
const MAX_ID: usize = 100;

/// A report that the server has stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// The id under which the server keeps the report.
    pub id: String,
}

/// Finds the proof that a report was stored.
pub(super) fn submitted(status: StatusCode, body: &[u8]) -> Result<Submitted, Failure> {
    let id = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Array(elements)) => elements.first().and_then(id_of_object),
        Ok(Value::String(text)) => as_uuid(&text),
        Ok(object) => id_of_object(&object),
        Err(_) => std::str::from_utf8(body).ok().and_then(as_uuid),
    };
    id.map(|id| Submitted { id }).ok_or_else(|| unproven(status, body, "the id of the report"))
}

/// Reads the answer to `GET /api/App/Version`: a version as JSON string, as plain text, or as the
/// member `version` of an object.
pub(super) fn version(status: StatusCode, body: &[u8]) -> Result<String, Failure> {
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(members)) => members
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("version"))
            .and_then(|(_, value)| value.as_str().map(str::to_owned)),
        Ok(Value::String(text)) => Some(text),
        _ => std::str::from_utf8(body).ok().map(str::to_owned),
    };
    text.map(|text| text.trim().to_owned())
        .filter(|text| text.len() <= MAX_ID && text.starts_with(|c: char| c.is_ascii_digit()))
        .filter(|text| text.chars().all(|c| c.is_ascii_alphanumeric() || ".-+ ".contains(c)))
        .ok_or_else(|| unproven(status, body, "a version"))
}

fn id_of_object(object: &Value) -> Option<String> {
    object
        .as_object()?
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("id") || name.eq_ignore_ascii_case("uuid"))
        .filter_map(|(_, value)| match value {
            Value::String(text) => Some(text.trim().to_owned()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
        .find(|id| !id.is_empty() && id.len() <= MAX_ID && !id.contains(char::is_control))
}

fn as_uuid(text: &str) -> Option<String> {
    let text = text.trim();
    Uuid::try_parse(text).ok().map(|_| text.to_owned())
}

fn unproven(status: StatusCode, body: &[u8], wanted: &str) -> Failure {
    let found = if body.trim_ascii().is_empty() {
        "an empty body".to_owned()
    } else if looks_like_html(body) {
        "a web page".to_owned()
    } else {
        let start: String = clean(&String::from_utf8_lossy(body)).chars().take(80).collect();
        format!("{start:?}")
    };
    Failure {
        kind: FailureKind::Transient,
        message: format!(
            "{status} came with {found} instead of {wanted}; is a proxy, a login page or another site \
             answering in place of the WATS server?"
        ),
        status: Some(status.as_u16()),
    }
}
