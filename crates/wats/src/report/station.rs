//! What a station says of itself where its reports do not: the vendor's .NET client fills in the same fields, and the
//! server requires them. What a report says is never changed.

use serde_json::Value;

use super::Edits;
use super::fields::Top;
use super::syntax::{self, Member};

/// The identity of a station. Each field is filled in where a report has none, null or an empty text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Station {
    /// The name of the station (`machineName`).
    pub name: Option<String>,
    /// Where it stands (`location`).
    pub location: Option<String>,
    /// What it is for (`purpose`).
    pub purpose: Option<String>,
    /// The test operation (`processCode`). Never that of a repair report, whose code names the repair operation.
    pub process_code: Option<u32>,
    /// Who tests (`uut.user`), or repairs (`uur.user`).
    pub operator: Option<String>,
}

impl Station {
    /// Adds what the report lacks to its edits.
    pub(super) fn complete(&self, top: &Top<'_>, edits: &mut Edits) {
        let texts = [("machineName", &self.name), ("location", &self.location), ("purpose", &self.purpose)];
        for (field, value) in texts {
            if let Some(value) = value {
                fill(top, field, "", 0, Value::from(value.as_str()), edits);
            }
        }
        if let Some(code) = self.process_code.filter(|_| !is_repair(top)) {
            fill(top, "processCode", "", 0, Value::from(code), edits);
        }
        let Some(operator) = &self.operator else { return };
        let part = ["uut", "uur"].into_iter().find_map(|name| Some((name, top.member(name).ok()??)));
        let Some((name, Member { value: place, .. })) = part else { return };
        let text = &top.text[place.clone()];
        // Null, or something that the server will complain of.
        let Ok(parts) = syntax::parts(text) else { return };
        let inner = Top { text, parts: &parts };
        fill(&inner, "user", name, place.start, Value::from(operator.as_str()), edits);
    }
}

fn is_repair(top: &Top<'_>) -> bool {
    let kind =
        top.member("type").ok().flatten().map(|member| top.text[member.value.clone()].to_ascii_uppercase());
    matches!(kind.as_deref(), Some("\"R\"" | "\"UUR\"" | "\"REPAIR\""))
}

/// Writes a value where there is none. `offset` is where the object begins in the text that the edits are of.
fn fill(object: &Top<'_>, field: &str, within: &str, offset: usize, value: Value, edits: &mut Edits) {
    // Of a field that is given twice nobody knows which one counts.
    let Ok(member) = object.member(field) else { return };
    let shown = if within.is_empty() { field.to_owned() } else { format!("{within}.{field}") };
    match member {
        Some(member) if !lacks(&object.text[member.value.clone()]) => return,
        Some(member) => {
            edits.splice(member.value.start + offset..member.value.end + offset, value.to_string());
        }
        None => {
            let place = object.parts.brace + 1 + offset;
            let comma = if object.parts.members.is_empty() { "" } else { "," };
            edits.splice(place..place, format!("{}:{value}{comma}", Value::from(field)));
        }
    }
    edits.note(format!(
        "{shown} is not in the report: sent as {value}, as the section station of the configuration says"
    ));
}

/// Whether a value says nothing.
fn lacks(text: &str) -> bool {
    text == "null" || serde_json::from_str::<String>(text).is_ok_and(|text| text.trim().is_empty())
}
