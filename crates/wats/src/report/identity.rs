//! Which station a report comes from: what the station's configuration knows and the report does not say.
//!
//! The server requires `machineName`, `location`, `purpose` and `processCode`, each text of 1 to 100 characters
//! (article 360014879119 "Post WSJF"), and shows the operator (`user` of `uut` or `uur`). The vendor's own client
//! fills in what a report lacks, and so does this one, where the station is configured. A report lacks what it does
//! not name, what is null, and what is a text of nothing but white space. Whatever else it says stays.
//!
//! A `processName` counts as said: a code beside it could be that of another operation.
//! The `processCode` of a repair report is that of the repair operation, which no test station knows: it is left out.

use super::edits::Edits;
use super::error::quoted;
use super::syntax::{self, Member, Parts};
use serde_json::Value;
use std::ops::Range;

/// What is known of the station.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The name of the station, `machineName`.
    pub name: Option<String>,
    /// Where it stands.
    pub location: Option<String>,
    /// What it is used for.
    pub purpose: Option<String>,
    /// The test operation that it does, `processCode`.
    pub process_code: Option<u32>,
    /// Who works there, `user` of `uut` or `uur`.
    pub operator: Option<String>,
}

/// Splices in what the report lacks.
pub(super) fn fill(text: &str, parts: &Parts, identity: &Identity, edits: &mut Edits) {
    // There is one: without it the report would have been refused. Before it, nothing else is changed.
    let Some(at) = parts.members.iter().find(|member| member.name.eq_ignore_ascii_case("sn")) else { return };
    let object = Object { text, parts, members: &parts.members, free: at.key.start, comma: true };
    let text_of = |value: &Option<String>| value.as_deref().map(json);
    let named = object.says("processName");
    let process_code = identity.process_code.filter(|_| !is_repair(text, parts));
    if named && process_code.is_some() && !object.says("processCode") {
        edits.note(
            "processCode: missing, but processName names an operation; station.process_code is not filled in"
                .to_owned(),
        );
    }
    let process_code = process_code.filter(|_| !named);
    for (field, value, setting) in [
        ("machineName", text_of(&identity.name), "station.name"),
        ("location", text_of(&identity.location), "station.location"),
        ("purpose", text_of(&identity.purpose), "station.purpose"),
        ("processCode", process_code.map(|code| code.to_string()), "station.process_code"),
    ] {
        if let Some(value) = value {
            object.complete("", field, &value, setting, edits);
        }
    }
    let Some(operator) = text_of(&identity.operator) else { return };
    for head in ["uut", "uur"] {
        let mut heads = parts.members.iter().filter(|member| member.name.eq_ignore_ascii_case(head));
        let (Some(member), None) = (heads.next(), heads.next()) else { continue };
        if !text[member.value.clone()].starts_with('{') {
            continue;
        }
        let Some(members) = syntax::members_of(text, parts, &member.value) else { continue };
        let object = Object {
            text,
            parts,
            free: member.value.start + 1,
            comma: !members.is_empty(),
            members: &members,
        };
        object.complete(&format!("{head}."), "user", &operator, "station.operator", edits);
    }
}

/// Whether it is a report of a repair.
fn is_repair(text: &str, parts: &Parts) -> bool {
    parts.members.iter().any(|member| {
        let value = &text[member.value.clone()];
        match member.name.to_ascii_lowercase().as_str() {
            "uur" => value.starts_with('{'),
            "type" => serde_json::from_str::<String>(value).is_ok_and(|word| {
                matches!(word.trim().to_ascii_uppercase().as_str(), "R" | "UUR" | "REPAIR")
            }),
            _ => false,
        }
    })
}

/// An object of the report that is completed.
struct Object<'t> {
    text: &'t str,
    parts: &'t Parts,
    members: &'t [Member],
    /// Where a member may be put before the others.
    free: usize,
    /// Whether others follow it.
    comma: bool,
}

impl Object<'_> {
    fn says(&self, field: &str) -> bool {
        let mut said = self.members.iter().filter(|member| member.name.eq_ignore_ascii_case(field));
        said.any(|member| !self.is_empty(&member.value))
    }

    fn complete(&self, place: &str, field: &str, value: &str, setting: &str, edits: &mut Edits) {
        let said = || self.members.iter().filter(|member| member.name.eq_ignore_ascii_case(field));
        if self.says(field) {
            return;
        }
        // A server takes the last of several.
        let how = match said().next_back() {
            Some(member) => {
                edits.splice(member.value.clone(), value.to_owned());
                "empty"
            }
            None => {
                let comma = if self.comma { "," } else { "" };
                edits.splice(self.free..self.free, format!("\"{field}\":{value}{comma}"));
                "missing"
            }
        };
        edits.note(format!("{place}{field}: {how}; {} of {setting} is filled in", shown(value)));
    }

    fn is_empty(&self, value: &Range<usize>) -> bool {
        // A word such as NaN is read as an empty text.
        if self.parts.words.iter().any(|word| word.start == value.start) {
            return false;
        }
        match self.text[value.clone()].as_bytes().first() {
            Some(b'"' | b'n') => match serde_json::from_str(&self.text[value.clone()]) {
                Ok(Value::Null) => true,
                Ok(Value::String(text)) => text.trim().is_empty(),
                _ => false,
            },
            _ => false,
        }
    }
}

fn json(text: &str) -> String {
    Value::from(text).to_string()
}

/// A value as a note may show it.
fn shown(value: &str) -> String {
    serde_json::from_str::<String>(value).map_or_else(|_| value.to_owned(), |text| quoted(&text))
}
