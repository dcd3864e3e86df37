//! What a file's content makes of it: a report with its identifier, a text that ends too early, or
//! something that is no report. Touches no file.

use crate::config::{MissingId, Reports, SameId};
use crate::queue::{self, Queue, Unit};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use wats::{Report, Rules};

/// What a content is.
#[derive(Debug)]
pub enum Judgement {
    /// A report that can be sent.
    Good(Good),
    /// A text that ends too early; this says where.
    Incomplete(String),
    /// Nothing that can be sent.
    Unusable(Refusal),
}

/// A report, as it will be sent.
#[derive(Clone, Debug)]
pub struct Good {
    /// Its identifier.
    pub id: Uuid,
    /// What is changed when it is sent, as `Edits::to_text` writes it.
    pub edits: String,
    /// The same for people.
    pub notes: Vec<String>,
    /// Which unit it is about.
    pub unit: Unit,
}

/// Why a file is not taken into the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong with it.
    pub reason: String,
    /// What a person can do.
    pub what_to_do: &'static str,
    /// What was in it, if it may still become a report where it is put aside.
    pub incomplete: Option<[u8; 32]>,
}

/// So these texts name the way back; who has sent a report goes another.
pub const DROP_AGAIN: &str = "drop it into the watch folder again";
/// What a person can do about a text that ends too early.
pub const COMPLETE_FILE: &str = "Complete the file where it is now, then it is taken again; or let the test system write the report anew and drop it into the watch folder.";
/// What a person can do about a file that is too large.
pub const SPLIT_OR_RAISE: &str = "Leave attachments out of the report or raise client.max_report_bytes, then drop it into the watch folder again.";
const CORRECT_FILE: &str =
    "Correct the report, or the test system that writes it, then drop it into the watch folder again.";
const OTHER_ID: &str = "Give each report an id of its own, or none, then drop it into the watch folder again; or set reports.same_id to \"new_id\".";

/// What judging needs.
#[derive(Clone, Copy, Debug)]
pub struct Judge<'a> {
    /// What was taken in before.
    pub queue: &'a Queue,
    /// The settings.
    pub settings: &'a Reports,
    /// How reports are completed.
    pub rules: &'a Rules,
}

impl Judge<'_> {
    /// Judges the content of a new file.
    ///
    /// # Errors
    /// If the queue cannot be asked.
    pub fn judge(&self, bytes: &[u8], sha256: &[u8; 32]) -> Result<Judgement, queue::Error> {
        let report = match self.read(bytes) {
            Ok(report) => report,
            Err(judgement) => return Ok(judgement),
        };
        let unit = Unit::of(&report);
        let Some(id) = report.id() else {
            let id = self.new_id(sha256);
            return Ok(Judgement::Good(good(&report, unit, id, None)));
        };
        match self.known(id)? {
            Some(other) if other != unit => Ok(match self.settings.same_id {
                SameId::Refuse => Judgement::Unusable(Refusal {
                    reason: format!("its id {id} is that of another report: {}", compare(&other, &unit)),
                    what_to_do: OTHER_ID,
                    incomplete: None,
                }),
                SameId::NewId => {
                    let note = format!(
                        "its id {id} is that of another report ({}): sent under a new one",
                        compare(&other, &unit)
                    );
                    // Of the content, with the old id in it: the same file stays the same report.
                    Judgement::Good(good(&report, unit, id_of_content(sha256), Some(note)))
                }
            }),
            _ => Ok(Judgement::Good(good(&report, unit, id, None))),
        }
    }

    /// Judges the content of a file that has its identifier already: it was taken in before.
    pub fn judge_again(&self, bytes: &[u8], id: Uuid) -> Judgement {
        match self.read(bytes) {
            Ok(report) => Judgement::Good(good(&report, Unit::of(&report), id, None)),
            Err(judgement) => judgement,
        }
    }

    fn read(&self, bytes: &[u8]) -> Result<Report, Judgement> {
        if bytes.is_empty() {
            return Err(Judgement::Incomplete("the file is empty".to_owned()));
        }
        Report::parse(bytes, self.rules).map_err(|error| {
            if error.is_incomplete() {
                return Judgement::Incomplete(format!("the text ends too early: {error}"));
            }
            Judgement::Unusable(Refusal {
                reason: format!("not a WSJF report: {error}"),
                what_to_do: CORRECT_FILE,
                incomplete: None,
            })
        })
    }

    fn known(&self, id: Uuid) -> Result<Option<Unit>, queue::Error> {
        match self.queue.claimed_unit(id) {
            Some(unit) => Ok(Some(unit)),
            None => self.queue.known(id),
        }
    }

    fn new_id(&self, sha256: &[u8; 32]) -> Uuid {
        match self.settings.missing_id {
            MissingId::Random => Queue::new_id(),
            MissingId::Content => id_of_content(sha256),
        }
    }
}

fn good(report: &Report, unit: Unit, id: Uuid, note: Option<String>) -> Good {
    let mut edits = report.edits();
    if report.id() != Some(id) {
        edits.set_id(id);
    }
    let notes = edits.notes().iter().cloned().chain(note).collect();
    let edits = if edits.is_empty() { String::new() } else { edits.to_text() };
    Good { id, edits, notes, unit }
}

/// What tells two reports apart.
fn compare(other: &Unit, unit: &Unit) -> String {
    if other.serial_number == unit.serial_number {
        let time = |unit: &Unit| {
            jiff::Timestamp::from_microsecond(unit.start)
                .map_or_else(|_| "?".to_owned(), |time| time.to_string())
        };
        format!("that one started at {}, this one at {}", time(other), time(unit))
    } else {
        format!(
            "that one is of serial number {:?}, this one of {:?}",
            other.serial_number, unit.serial_number
        )
    }
}

/// The SHA-256 of a file.
pub fn hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// An identifier that follows from the content: a UUID of version 8 (RFC 9562, section 5.8) made of its
/// SHA-256.
fn id_of_content(sha256: &[u8; 32]) -> Uuid {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&sha256[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: an identifier made of content changes between versions of this program, or is no UUID.
    #[test]
    fn identifiers_of_content() {
        let id = id_of_content(&hash(b"{}"));
        assert_eq!(id.to_string(), "44136fa3-55b3-878a-9146-ad16f7e8649e");
        assert_eq!((id.get_version_num(), id.get_variant()), (8, uuid::Variant::RFC4122));
    }

    /// Fails if: the sentence about two reports with one identifier does not say what differs.
    #[test]
    fn what_differs() {
        let unit = |serial: &str, start| Unit { serial_number: serial.to_owned(), start };
        for (other, this, says) in [
            (unit("A", 0), unit("B", 0), r#"serial number "A", this one of "B""#),
            (
                unit("A", 0),
                unit("A", 1_000_000),
                "started at 1970-01-01T00:00:00Z, this one at 1970-01-01T00:00:01Z",
            ),
        ] {
            let text = compare(&other, &this);
            assert!(text.contains(says), "{text}");
        }
    }
}
