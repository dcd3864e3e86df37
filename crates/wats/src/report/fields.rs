//! The fields that routing and the server need, typed and checked. Everything else is none of this
//! program's business and is not looked at.

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::error::{ReportError, quoted};
use super::syntax::Member;
use super::{Kind, Verdict};

/// Characters that a server takes for a name, a number or a place.
const MAX_TEXT: usize = 100;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fields {
    pub(super) id: Option<Uuid>,
    pub(super) kind: Kind,
    pub(super) part_number: String,
    pub(super) serial_number: String,
    pub(super) revision: String,
    pub(super) process_code: i32,
    pub(super) result: Verdict,
    pub(super) machine_name: String,
    pub(super) location: String,
    pub(super) purpose: String,
    pub(super) start: Timestamp,
}

impl Fields {
    pub(super) fn read(members: &[Member<'_>]) -> Result<Fields, ReportError> {
        let top = Top(members);
        let kind = top.code(
            "type",
            "a report is a test (\"T\") or a repair (\"R\")",
            &[("T", Kind::Test), ("R", Kind::Repair)],
        )?;
        top.object(match kind {
            Kind::Test => ("root", "a test report needs the steps of its test"),
            Kind::Repair => ("uur", "a repair report needs its repair"),
        })?;
        Ok(Fields {
            id: top.id()?,
            kind,
            part_number: top.text("pn", "a report needs the part number of the unit")?,
            serial_number: top.text("sn", "a report needs the serial number of the unit")?,
            revision: top.text("rev", "a report needs the revision of the product")?,
            process_code: top.process_code()?,
            result: top.code(
                "result",
                "a report states \"P\" (passed), \"F\" (failed), \"D\" (done), \"E\" (error) or \"T\" (terminated)",
                &[
                    ("P", Verdict::Passed),
                    ("F", Verdict::Failed),
                    ("D", Verdict::Done),
                    ("E", Verdict::Error),
                    ("T", Verdict::Terminated),
                ],
            )?,
            machine_name: top.text("machineName", "a report needs the name of the test station")?,
            location: top.text("location", "a report needs the place of the test station")?,
            purpose: top.text("purpose", "a report needs the purpose of the test station")?,
            start: top.start()?,
        })
    }
}

/// The members of the report, asked by name.
struct Top<'m, 't>(&'m [Member<'t>]);

impl Top<'_, '_> {
    /// The value of an optional field; null means that it is absent.
    fn optional(&self, name: &str) -> Result<Option<Value>, ReportError> {
        let Some(member) = self.0.iter().find(|member| member.name == name) else {
            return Ok(None);
        };
        match serde_json::from_str(member.value.get()) {
            Ok(Value::Null) => Ok(None),
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(ReportError::field(name, error.to_string())),
        }
    }

    fn required(&self, name: &str, need: &str) -> Result<Value, ReportError> {
        self.optional(name)?.ok_or_else(|| ReportError::field(name, format!("missing; {need}")))
    }

    fn text(&self, name: &str, need: &str) -> Result<String, ReportError> {
        let value = self.required(name, need)?;
        let Value::String(text) = value else {
            return Err(wrong_type(name, &value, "text"));
        };
        if text.trim().is_empty() {
            return Err(ReportError::field(name, format!("empty; {need}")));
        }
        let length = text.chars().count();
        if length > MAX_TEXT {
            return Err(ReportError::field(
                name,
                format!("{length} characters; a server takes at most {MAX_TEXT}"),
            ));
        }
        Ok(text)
    }

    fn code<T: Copy>(&self, name: &str, need: &str, codes: &[(&str, T)]) -> Result<T, ReportError> {
        let value = self.required(name, need)?;
        let Value::String(text) = value else {
            return Err(wrong_type(name, &value, "text"));
        };
        match codes.iter().find(|(code, _)| *code == text) {
            Some((_, meaning)) => Ok(*meaning),
            None => Err(ReportError::field(name, format!("{}; {need}", quoted(&text)))),
        }
    }

    /// Steps can be many: the object is recognised by its first byte instead of being read.
    fn object(&self, (name, need): (&str, &str)) -> Result<(), ReportError> {
        match self.0.iter().find(|member| member.name == name).map(|member| member.value.get()) {
            Some(text) if text.starts_with('{') => Ok(()),
            None | Some("null") => Err(ReportError::field(name, format!("missing; {need}"))),
            Some(_) => Err(ReportError::field(name, format!("not an object; {need}"))),
        }
    }

    fn id(&self) -> Result<Option<Uuid>, ReportError> {
        let text = match self.optional("id")? {
            None => return Ok(None),
            Some(Value::String(text)) => text,
            Some(value) => return Err(wrong_type("id", &value, "text")),
        };
        if text.trim().is_empty() {
            return Ok(None);
        }
        let id = Uuid::try_parse(&text).map_err(|_| {
            ReportError::field("id", format!("{}; the id of a report is a UUID, or left out", quoted(&text)))
        })?;
        // All reports with the nil UUID would replace each other.
        Ok((!id.is_nil()).then_some(id))
    }

    fn process_code(&self) -> Result<i32, ReportError> {
        const NEED: &str = "a report needs the code of its operation, a whole number such as 10";
        let value = self.required("processCode", NEED)?;
        value
            .as_i64()
            .and_then(|code| i32::try_from(code).ok())
            .ok_or_else(|| ReportError::field("processCode", format!("{}; {NEED}", shown(&value))))
    }

    fn start(&self) -> Result<Timestamp, ReportError> {
        const NEED: &str =
            "a report needs its start as ISO 8601 with UTC offset, as in 2026-01-30T22:01:41.47+01:00";
        let value = self.required("start", NEED)?;
        let Value::String(text) = &value else {
            return Err(wrong_type("start", &value, "text"));
        };
        // A time zone in brackets (RFC 9557) would pass here, but not at the server.
        match text.parse() {
            Ok(start) if !text.contains('[') => Ok(start),
            _ => Err(ReportError::field("start", format!("{}; {NEED}", quoted(text)))),
        }
    }
}

fn wrong_type(name: &str, value: &Value, wanted: &str) -> ReportError {
    ReportError::field(name, format!("{}; expected {wanted}", shown(value)))
}

/// What stands in place of a value: itself where it is short, its type where it may be long.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("the text {}", quoted(text)),
        Value::Number(number) => format!("the number {}", quoted(&number.to_string()).replace('"', "")),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        other => other.to_string(),
    }
}
