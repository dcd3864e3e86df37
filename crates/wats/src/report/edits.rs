//! What is changed in a report so that a server takes it: a few ranges of its text and what stands
//! there instead.
//!
//! A report is the evidence of a test. Its file is never rewritten: it is sent as it was read, but for
//! these splices. They are decided once, when the report is taken in, and kept in the queue: whatever
//! the settings or the program are by then, each attempt sends the same bytes.
//!
//! The text form is JSON, made to be read by every later version: `v` is 1; `form`, `lead` and `tail`
//! say how the file holds its text (`utf-8`, `utf-16le`, `utf-16be`; bytes of the byte order mark before
//! it, of NUL behind it); `id` is where an identifier is written, `[start, length, before, after]`, and
//! `set` the identifier that is; `splices` are `[start, length, text]` in order. All numbers are bytes,
//! those of `id` and `splices` in the text as UTF-8. `notes` are for people.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use super::encoding::{self, Encoding, Form};

/// The version of the text form.
const VERSION: u32 = 1;
/// Up to here splices are made in place, which moves all that follows each time but needs no copy.
const FEW: usize = 8;

/// Why edits cannot be read or applied.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EditError {
    /// The text is not what [`Edits::to_text`] writes.
    #[error("the edits of a report cannot be read: {0}")]
    Unreadable(String),
    /// A newer program wrote the text.
    #[error(
        "the edits of a report are of version {0}, which this program does not know; install the newer program again"
    )]
    Version(u32),
    /// The file is not the one that the edits were made for.
    #[error("the edits do not fit the file: it is not the report that they were made for")]
    OtherFile,
}

/// A range of the text and what stands there instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Splice(usize, usize, String);

impl Splice {
    fn range(&self) -> Option<Range<usize>> {
        Some(self.0..self.0.checked_add(self.1)?)
    }
}

/// Where an identifier is written, and what comes with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct IdPlace(usize, usize, String, String);

/// What must be changed in a report so that a server takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edits {
    encoding: Encoding,
    id_place: IdPlace,
    id: Option<Uuid>,
    /// In order, none within another or within the place of the id.
    splices: Vec<Splice>,
    notes: Vec<String>,
}

/// The text form.
#[derive(Serialize, Deserialize)]
struct Written {
    v: u32,
    form: String,
    #[serde(default, skip_serializing_if = "is_zero")]
    lead: usize,
    #[serde(default, skip_serializing_if = "is_zero")]
    tail: usize,
    id: IdPlace,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    set: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    splices: Vec<Splice>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde hands out references
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Edits {
    /// No change: an identifier would replace the text of this range, put between these texts.
    pub(super) fn new(encoding: Encoding, id_place: Range<usize>, before: &str, after: &str) -> Edits {
        let mut notes = Vec::new();
        if encoding.tail > 0 {
            notes.push(format!("{} bytes of NUL or Ctrl-Z behind the report are left out", encoding.tail));
        }
        Edits {
            encoding,
            id_place: IdPlace(id_place.start, id_place.len(), before.to_owned(), after.to_owned()),
            id: None,
            splices: Vec::new(),
            notes,
        }
    }

    /// Replaces a range, which no other splice and not the id's place may touch.
    pub(super) fn splice(&mut self, range: Range<usize>, text: String) {
        let at = self.splices.partition_point(|splice| splice.0 < range.start);
        self.splices.insert(at, Splice(range.start, range.len(), text));
    }

    pub(super) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Gives the report this identifier in place of its own.
    pub fn set_id(&mut self, id: Uuid) {
        self.id = Some(id);
    }

    /// Whether the file is sent as it is.
    pub fn is_empty(&self) -> bool {
        self.encoding.is_plain() && self.id.is_none() && self.splices.is_empty()
    }

    /// The repairs in words, for people: one line each. Setting the identifier is none, nor is
    /// leaving out a byte order mark.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The report as it is sent: the same file gives the same bytes, always.
    ///
    /// # Errors
    /// If the file is not long enough, or not encoded as the one that the edits were made for.
    pub fn apply(&self, file: Vec<u8>) -> Result<Vec<u8>, EditError> {
        if self.is_empty() {
            return Ok(file);
        }
        let text = encoding::text_of(file, self.encoding).ok_or(EditError::OtherFile)?;
        let splices = self.all_splices();
        if splices.iter().any(|splice| !fits(&text, splice)) {
            return Err(EditError::OtherFile);
        }
        Ok(if splices.len() <= FEW { in_place(text, &splices) } else { copied(&text, &splices) })
    }

    /// The splices with that of the id, in order.
    fn all_splices(&self) -> Vec<Splice> {
        let mut splices = self.splices.clone();
        if let Some(id) = self.id {
            let IdPlace(start, length, before, after) = &self.id_place;
            let at = splices.partition_point(|splice| splice.0 < *start);
            splices.insert(at, Splice(*start, *length, format!("{before}\"{id}\"{after}")));
        }
        splices
    }

    /// The edits as a short text, which every later version of this program reads.
    pub fn to_text(&self) -> String {
        let written = Written {
            v: VERSION,
            form: self.encoding.form.name().to_owned(),
            lead: self.encoding.lead,
            tail: self.encoding.tail,
            id: self.id_place.clone(),
            set: self.id.map(|id| id.to_string()),
            splices: self.splices.clone(),
            notes: self.notes.clone(),
        };
        // Texts and numbers can always be written.
        serde_json::to_string(&written).unwrap_or_default()
    }

    /// Reads what [`Edits::to_text`] has written.
    ///
    /// # Errors
    /// If it is something else, or was written by a newer program.
    pub fn from_text(text: &str) -> Result<Edits, EditError> {
        #[derive(Deserialize)]
        struct Version {
            v: u32,
        }
        let unreadable = |error: serde_json::Error| EditError::Unreadable(error.to_string());
        let Version { v } = serde_json::from_str(text).map_err(unreadable)?;
        if v != VERSION {
            return Err(EditError::Version(v));
        }
        let written: Written = serde_json::from_str(text).map_err(unreadable)?;
        let form = Form::of_name(&written.form)
            .ok_or_else(|| EditError::Unreadable(format!("unknown form {:?}", written.form)))?;
        let id = match written.set {
            None => None,
            Some(id) => Some(Uuid::try_parse(&id).map_err(|error| EditError::Unreadable(error.to_string()))?),
        };
        let edits = Edits {
            encoding: Encoding { form, lead: written.lead, tail: written.tail },
            id_place: written.id,
            id,
            splices: written.splices,
            notes: written.notes,
        };
        if !in_order(&edits.all_splices()) {
            return Err(EditError::Unreadable("ranges that overlap".to_owned()));
        }
        Ok(edits)
    }
}

fn in_order(splices: &[Splice]) -> bool {
    let mut end = 0;
    splices.iter().all(|splice| match splice.range() {
        Some(range) if range.start >= end => {
            end = range.end;
            true
        }
        _ => false,
    })
}

/// Whether a splice begins and ends within the text, between two characters.
fn fits(text: &[u8], splice: &Splice) -> bool {
    let boundary = |at: usize| match text.get(at) {
        Some(byte) => byte & 0xC0 != 0x80,
        None => at == text.len(),
    };
    splice.range().is_some_and(|range| boundary(range.start) && boundary(range.end))
}

fn in_place(mut text: Vec<u8>, splices: &[Splice]) -> Vec<u8> {
    // Exactly what is needed: a large report must not be doubled for the sake of an id.
    text.reserve_exact(splices.iter().map(|splice| splice.2.len()).sum());
    for Splice(start, length, new) in splices.iter().rev() {
        text.splice(*start..start + length, new.bytes());
    }
    text
}

fn copied(text: &[u8], splices: &[Splice]) -> Vec<u8> {
    let new: usize = splices.iter().map(|splice| splice.2.len()).sum();
    let mut sent = Vec::with_capacity(text.len() + new);
    let mut end = 0;
    for Splice(start, length, new) in splices {
        sent.extend_from_slice(&text[end..*start]);
        sent.extend_from_slice(new.as_bytes());
        end = start + length;
    }
    sent.extend_from_slice(&text[end..]);
    sent
}
