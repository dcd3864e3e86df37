//! One test or repair report in WATS' JSON format, WSJF.
//!
//! The vendor specifies the format in two articles of its support site, 360015705199 "WSJF" and
//! 360014879119 "Post WSJF" (what the REST interface requires, which is stricter):
//! <https://support.virinco.com/hc/en-us/articles/360014879119-Post-WSJF>.
//!
//! A report is the evidence of a test, so it is never rewritten. [`Report::parse`] reads what delivery
//! depends on and says what must be changed so that a server takes the report: [`Edits`], a few ranges
//! of the text. Field order, unknown fields, unknown step types, the notation of numbers and nulls
//! (which a server reads like absent fields, and writes itself) all stay as they were.
//!
//! # What is refused
//! Only what cannot be delivered safely: what is not one JSON object; an `id` that is no UUID, because
//! by it the server confirms and replaces; `sn` or `start` that are missing or cannot be read, because
//! they tell whether two reports under one id are the same; one of these three given twice. Everything
//! else the server judges by rules of its own (which its article lists, and which change), in words that
//! name the step. A required field is not filled in, unless it says which station it was and [`Rules::at_station`]
//! knows: what nobody has measured is not evidence.
//!
//! # What is repaired
//! What is missing in notation only, see [`Edits::notes`]: the UTC offset of `start`, its two digits,
//! its time of day; `NaN`, `Infinity` and `-Infinity`, which JSON does not have, are put into quotes:
//! as text the vendor's own library sends them. Null would say that nothing was measured, and a limit
//! that is null lets everything pass.

mod edits;
mod encoding;
mod error;
mod fields;
mod start;
mod station;
mod syntax;

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::TimeZone;
use thiserror::Error;
use uuid::Uuid;

pub use self::edits::{EditError, Edits};
pub use self::error::ReportError;
use self::error::quoted;
use self::fields::Top;
pub use self::station::Station;

/// By which rules a report is completed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// That of the machine, looked up again for each report, if there is none.
    zone: Option<TimeZone>,
    station: Station,
}

/// A time zone that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0} is no time zone that this machine knows: {1}")]
pub struct UnknownZone(String, String);

impl Rules {
    /// The rules of a station whose clocks show the time of this zone: `system`, a name such as
    /// `Europe/Oslo`, or an offset such as `+01:00`.
    ///
    /// # Errors
    /// If there is no such zone.
    pub fn in_time_zone(zone: &str) -> Result<Rules, UnknownZone> {
        if zone == "system" {
            return Ok(Rules::default());
        }
        match DateTimeParser::new().parse_time_zone(zone) {
            Ok(found) => Ok(Rules { zone: Some(found), station: Station::default() }),
            Err(error) => Err(UnknownZone(quoted(zone), error.to_string())),
        }
    }

    /// The same rules at this station, whose identity is filled in where a report has none.
    #[must_use]
    pub fn at_station(self, station: Station) -> Rules {
        Rules { station, ..self }
    }

    /// The zone for a start without offset, and what to call it.
    fn zone_and_its_name(&self) -> (TimeZone, String) {
        match &self.zone {
            Some(zone) => {
                (zone.clone(), zone.iana_name().unwrap_or("the setting reports.time_zone").to_owned())
            }
            // A system without a zone shows UTC.
            None => match TimeZone::try_system() {
                Ok(zone) => {
                    let name = zone.iana_name().map_or(String::new(), |name| format!(" ({name})"));
                    (zone, format!("this machine's time zone{name}"))
                }
                Err(_) => (TimeZone::UTC, "UTC, as this machine has no time zone,".to_owned()),
            },
        }
    }
}

/// A checked WSJF report: what tells it apart, and what must be changed to send it. The file itself
/// stays with the caller.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    id: Option<Uuid>,
    serial_number: String,
    start: Timestamp,
    edits: Edits,
}

impl Report {
    /// Reads and checks a report: UTF-8 with or without byte order mark, or UTF-16.
    ///
    /// # Errors
    /// What cannot be delivered safely (see the module). The error says where and what is expected;
    /// [`ReportError::is_incomplete`] says whether the text ends too early.
    pub fn parse(bytes: &[u8], rules: &Rules) -> Result<Report, ReportError> {
        let (text, encoding) = encoding::decode(bytes)?;
        let parts = syntax::parts(&text)?;
        let top = Top { text: &text, parts: &parts };
        let serial_number = top.serial_number()?;
        let (start, start_member) = top.start()?;

        let (id, mut edits) = match top.member("id")? {
            // An object with at least the required fields, so a comma is right.
            None => (None, Edits::new(encoding, parts.brace + 1..parts.brace + 1, "\"id\":", ",")),
            Some(member) if member.name == "id" => {
                (top.id(member)?, Edits::new(encoding, member.value.clone(), "", ""))
            }
            Some(member) => {
                let id = top.id(member)?;
                let place = member.key.start..member.value.end;
                let mut edits = Edits::new(encoding, place, "\"id\":", "");
                if let Some(id) = id {
                    edits.set_id(id);
                    edits.note(format!("{} is written id", quoted(&member.name)));
                }
                (id, edits)
            }
        };
        let read = start::read(&start, rules).ok_or_else(|| fields::unreadable_start(&start))?;
        if let Some((repaired, why)) = read.repaired {
            edits.note(format!("start: {} is written {}: {why}", quoted(&start), quoted(&repaired)));
            // Digits, signs and letters: nothing that would need an escape.
            edits.splice(start_member.value.clone(), format!("\"{repaired}\""));
        }
        quote_words(&text, &parts.words, &mut edits);
        rules.station.complete(&top, &mut edits);
        Ok(Report { id, serial_number, start: read.instant, edits })
    }

    /// The report's identity, where it has one: submitting a report with an id that the server
    /// knows replaces that report. An empty text and the nil UUID count as none.
    pub fn id(&self) -> Option<Uuid> {
        self.id
    }

    /// The unit (`sn`).
    pub fn serial_number(&self) -> &str {
        &self.serial_number
    }

    /// When the test or repair began (`start`).
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// What must be changed so that a server takes the report.
    pub fn edits(&self) -> Edits {
        self.edits.clone()
    }
}

fn quote_words(text: &str, words: &[std::ops::Range<usize>], edits: &mut Edits) {
    let Some(first) = words.first() else { return };
    for word in words {
        edits.splice(word.clone(), format!("\"{}\"", &text[word.clone()]));
    }
    let line = text[..first.start].bytes().filter(|byte| *byte == b'\n').count() + 1;
    let count = match words.len() {
        1 => "1 value".to_owned(),
        more => format!("{more} values"),
    };
    edits.note(format!(
        "{count} (the first in line {line}) written {} without quotes, which JSON does not have: sent as text",
        &text[first.clone()]
    ));
}
