//! JSON ([RFC 8259](https://www.rfc-editor.org/rfc/rfc8259)), checked whole and taken apart at the top.
//!
//! The steps of a test are skipped, not built into values: nobody here needs them, and a report may
//! have 60 MB. Depth costs nothing either.
//!
//! Python, and what follows it, writes `NaN`, `Infinity` and `-Infinity` where RFC 8259 has no number.
//! They are found by a scan of their own: outside of strings nothing else looks like them.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::error::ReportError;

/// What Python writes for floats that are no numbers.
const WORDS: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

const CUT_OFF: &str = "the file is cut off, was it still being written?";

/// A field at the top of a report.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    /// Where its name stands, with quotes.
    pub(super) key: Range<usize>,
    /// Where its value stands.
    pub(super) value: Range<usize>,
}

/// A report taken apart.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) members: Vec<Member>,
    /// Where the object's brace stands.
    pub(super) brace: usize,
    /// Where one of the words stands in place of a number.
    pub(super) words: Vec<Range<usize>>,
}

/// Checks the whole text and takes the top object apart.
pub(super) fn parts(text: &str) -> Result<Parts, ReportError> {
    let start = text.trim_ascii_start();
    match start.bytes().next() {
        None => return Err(ReportError::incomplete("empty; a report is one JSON object")),
        Some(b'[') => {
            return Err(ReportError::file("a list; write each report as one JSON object into its own file"));
        }
        Some(b'<') => return Err(ReportError::file("XML or HTML; a report is one JSON object")),
        Some(b'{') => {}
        Some(_) => return Err(ReportError::file("not a report, which is one JSON object")),
    }
    let words = words(text)?;
    let checked = without(text, &words);
    let mut name = String::new();
    let mut deserializer = serde_json::Deserializer::from_str(&checked);
    let members = deserializer
        .deserialize_map(Top { text: &checked, name: &mut name })
        .and_then(|members| deserializer.end().map(|()| members));
    match members {
        Ok(members) => Ok(Parts { members, brace: text.len() - start.len(), words }),
        Err(error) => Err(refused(text, &error, &name)),
    }
}

/// The members of an object within a report that was checked as a whole.
pub(super) fn members_of(text: &str, parts: &Parts, object: &Range<usize>) -> Option<Vec<Member>> {
    let inside = parts.words.iter().filter(|word| object.contains(&word.start));
    let words: Vec<_> = inside.map(|word| word.start - object.start..word.end - object.start).collect();
    let checked = without(&text[object.clone()], &words);
    let mut name = String::new();
    let mut deserializer = serde_json::Deserializer::from_str(&checked);
    let mut members = deserializer.deserialize_map(Top { text: &checked, name: &mut name }).ok()?;
    for member in &mut members {
        for range in [&mut member.key, &mut member.value] {
            *range = range.start + object.start..range.end + object.start;
        }
    }
    Some(members)
}

fn refused(text: &str, error: &serde_json::Error, name: &str) -> ReportError {
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = message.strip_suffix(&place).unwrap_or(&message);
    let refused = if error.is_eof() || (message == "invalid number" && ends_in_a_number(text)) {
        ReportError::incomplete(format!("{message}; {CUT_OFF}"))
    } else if message == "expected value" {
        ReportError::file("expected value; what is no number is written as NaN, Infinity or -Infinity")
    } else {
        ReportError::file(message)
    };
    refused.inside(name).at(error.line(), error.column())
}

/// `-`, `1.` and `1e+` are no numbers yet, which the parser does not tell from those that never will be.
fn ends_in_a_number(text: &str) -> bool {
    let number =
        text.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E'));
    number.ends_with([':', '[', ',', ' ', '\t', '\n']) && text.ends_with(['-', '+', '.', 'e', 'E'])
}

/// Finds the words that stand in place of numbers.
fn words(text: &str) -> Result<Vec<Range<usize>>, ReportError> {
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = after_string(bytes, at),
            b'N' | b'I' | b'-' => {
                let rest = &bytes[at..];
                if rest.len() < 9
                    && WORDS.iter().any(|word| rest.len() < word.len() && word.as_bytes().starts_with(rest))
                {
                    return Err(ReportError::incomplete(CUT_OFF));
                }
                match WORDS.iter().find(|word| rest.starts_with(word.as_bytes())) {
                    Some(word) if stands_alone(bytes, at, at + word.len()) => {
                        found.push(at..at + word.len());
                        at += word.len();
                    }
                    _ => at += 1,
                }
            }
            _ => at += 1,
        }
    }
    Ok(found)
}

/// Where the string that begins at `quote` ends.
fn after_string(bytes: &[u8], quote: usize) -> usize {
    let mut at = quote + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Whether a value may stand there.
fn stands_alone(bytes: &[u8], start: usize, end: usize) -> bool {
    let space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let before = bytes[..start].iter().rev().find(|byte| !space(byte));
    let after = bytes[end..].iter().find(|byte| !space(byte));
    matches!(before, Some(b':' | b'[' | b',')) && matches!(after, None | Some(b',' | b']' | b'}'))
}

/// The same text with an empty string of the same length in place of each word.
fn without<'t>(text: &'t str, words: &[Range<usize>]) -> Cow<'t, str> {
    if words.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut checked = String::with_capacity(text.len());
    let mut end = 0;
    for word in words {
        checked.push_str(&text[end..word.start]);
        checked.push_str("\"\"");
        checked.extend(std::iter::repeat_n(' ', word.len() - 2));
        end = word.end;
    }
    checked.push_str(&text[end..]);
    Cow::Owned(checked)
}

/// Takes the top object apart; keeps the name of the field that it is at.
struct Top<'t, 'n> {
    text: &'t str,
    name: &'n mut String,
}

impl<'de> Visitor<'de> for Top<'de, '_> {
    type Value = Vec<Member>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(name) = members.next_key::<String>()? {
            self.name.clone_from(&name);
            let value: &RawValue = members.next_value()?;
            let start = value.get().as_ptr() as usize - self.text.as_ptr() as usize;
            let key = key_before(self.text, start);
            all.push(Member { name, key, value: start..start + value.get().len() });
            self.name.clear();
        }
        Ok(all)
    }
}

/// Where the name stands that belongs to the value at `start`. No quote is inside of a name that
/// matters, so it is found backwards.
fn key_before(text: &str, start: usize) -> Range<usize> {
    let end = text[..start].rfind('"').map_or(0, |quote| quote + 1);
    let start = text[..end.saturating_sub(1)].rfind('"').unwrap_or(0);
    start..end
}
