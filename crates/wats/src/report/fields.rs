//! The fields that a report is told apart by: `id`, `sn` and `start`. What makes delivery safe depends
//! on them. All others are between test system and server.

use serde_json::Value;
use uuid::Uuid;

use super::error::{ReportError, quoted};
use super::syntax::{Member, Parts};

/// The members of the report, asked by name.
pub(super) struct Top<'t> {
    pub(super) text: &'t str,
    pub(super) parts: &'t Parts,
}

impl<'t> Top<'t> {
    /// The member of that name. A server reads names in capitals too, and takes the last of several: a
    /// report that has two would be told apart by another value than the server does.
    pub(super) fn member(&self, name: &str) -> Result<Option<&'t Member>, ReportError> {
        let mut members = self.parts.members.iter().filter(|member| member.name.eq_ignore_ascii_case(name));
        let member = members.next();
        match members.next() {
            None => Ok(member),
            Some(_) => Err(ReportError::field(name, "given twice; which of them counts is not defined")),
        }
    }

    /// The value of a member; null means that it is absent.
    fn value(&self, name: &str, member: &Member) -> Result<Option<Value>, ReportError> {
        if let Some(word) = self.parts.words.iter().find(|word| word.start == member.value.start) {
            return Err(ReportError::field(name, format!("{}; expected text", &self.text[word.clone()])));
        }
        let text = &self.text[member.value.clone()];
        match text.as_bytes().first() {
            // Never built: it may be large.
            Some(b'{') => Err(ReportError::field(name, "an object; expected text")),
            Some(b'[') => Err(ReportError::field(name, "a list; expected text")),
            _ => match serde_json::from_str(text) {
                Ok(Value::Null) => Ok(None),
                Ok(value) => Ok(Some(value)),
                Err(error) => Err(ReportError::field(name, error.to_string())),
            },
        }
    }

    /// The report's own identifier, if it has one.
    pub(super) fn id(&self, member: &Member) -> Result<Option<Uuid>, ReportError> {
        let text = match self.value("id", member)? {
            None => return Ok(None),
            Some(Value::String(text)) => text,
            Some(value) => return Err(wrong_type("id", &value, "text")),
        };
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Ok(None);
        }
        let inner = trimmed.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(trimmed);
        let id = Uuid::try_parse(inner).map_err(|_| {
            ReportError::field("id", format!("{}; the id of a report is a UUID, or left out", quoted(&text)))
        })?;
        // All reports with the nil UUID would replace each other.
        Ok((!id.is_nil()).then_some(id))
    }

    /// The unit. A number is taken as it is written, as a server does.
    pub(super) fn serial_number(&self) -> Result<String, ReportError> {
        const NEED: &str = "a report needs the serial number of the unit";
        let missing = || ReportError::field("sn", format!("missing; {NEED}"));
        let member = self.member("sn")?.ok_or_else(missing)?;
        match self.value("sn", member)?.ok_or_else(missing)? {
            Value::String(text) if text.trim().is_empty() => {
                Err(ReportError::field("sn", format!("empty; {NEED}")))
            }
            Value::String(text) => Ok(text),
            Value::Number(number) => Ok(number.to_string()),
            value => Err(wrong_type("sn", &value, "text")),
        }
    }

    /// The text of the start and where it stands.
    pub(super) fn start(&self) -> Result<(String, &'t Member), ReportError> {
        let missing = || ReportError::field("start", format!("missing; {NEED_START}"));
        let member = self.member("start")?.ok_or_else(missing)?;
        match self.value("start", member)?.ok_or_else(missing)? {
            Value::String(text) => Ok((text, member)),
            value => Err(wrong_type("start", &value, "text")),
        }
    }
}

const NEED_START: &str = "a report needs its start as ISO 8601, as in 2026-01-30T22:01:41.47+01:00";

pub(super) fn unreadable_start(text: &str) -> ReportError {
    ReportError::field("start", format!("{}; {NEED_START}", quoted(text)))
}

fn wrong_type(name: &str, value: &Value, wanted: &str) -> ReportError {
    let shown = match value {
        Value::String(text) => format!("the text {}", quoted(text)),
        Value::Number(number) => format!("the number {}", quoted(&number.to_string()).replace('"', "")),
        other => other.to_string(),
    };
    ReportError::field(name, format!("{shown}; expected {wanted}"))
}
