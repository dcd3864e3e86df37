//! One test or repair report in WATS' JSON format, WSJF.
//!
//! A report is the evidence of a test, so it is never rewritten: [`Report`] keeps the text that it
//! was read from, and [`Report::to_bytes`] gives that text back, byte for byte. Field order, unknown
//! fields, unknown step types, the notation of numbers and nulls (which a server reads like absent
//! fields, and writes itself) all stay as they were. The only edit is [`Report::with_id`].
//!
//! The format has no public specification; what is checked here is what routing and the server need.

mod encoding;
mod error;
mod fields;
mod syntax;

use std::ops::Range;

use jiff::Timestamp;
use uuid::Uuid;

pub use self::error::ReportError;
use self::fields::Fields;

/// What a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `T`: a test of a unit (UUT report).
    Test,
    /// `R`: a repair of a unit (UUR report).
    Repair,
}

/// The outcome that a report states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// `P`
    Passed,
    /// `F`
    Failed,
    /// `D`: the test ran without a verdict.
    Done,
    /// `E`: the test system failed.
    Error,
    /// `T`: somebody stopped the test.
    Terminated,
}

/// A checked WSJF report.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    text: String,
    /// Where the value of `id` stands in `text`, where there is one.
    id_value: Option<Range<usize>>,
    fields: Fields,
}

impl Report {
    /// Reads and checks a report: UTF-8 with or without byte order mark, or UTF-16 with one.
    ///
    /// # Errors
    /// What is not JSON, is ambiguous (a field given twice), or lacks what routing or the server
    /// need. The error says where and what is expected.
    pub fn parse(bytes: &[u8]) -> Result<Report, ReportError> {
        let text = encoding::decode(bytes)?;
        let members = syntax::members(&text)?;
        let fields = Fields::read(&members)?;
        let id_value = members.iter().find(|member| member.name == "id").map(|member| {
            let start = member.value.get().as_ptr() as usize - text.as_ptr() as usize;
            start..start + member.value.get().len()
        });
        Ok(Report { id_value, fields, text })
    }

    /// The report's identity, where it has one: submitting a report with an id that the server
    /// knows replaces that report. An empty text and the nil UUID count as none.
    pub fn id(&self) -> Option<Uuid> {
        self.fields.id
    }

    /// The same report with this id.
    #[must_use]
    pub fn with_id(mut self, id: Uuid) -> Report {
        let value = format!("\"{id}\"");
        match self.id_value.clone() {
            Some(range) => {
                self.id_value = Some(range.start..range.start + value.len());
                self.text.replace_range(range, &value);
            }
            None => {
                // A report is an object with at least the required fields, so a comma is right.
                let start = self.text.find('{').map_or(0, |brace| brace + 1);
                let member = format!("\"id\":{value},");
                let value_start = start + member.len() - 1 - value.len();
                self.id_value = Some(value_start..value_start + value.len());
                self.text.insert_str(start, &member);
            }
        }
        self.fields.id = Some(id);
        self
    }

    /// Whether it reports a test or a repair (`type`).
    pub fn kind(&self) -> Kind {
        self.fields.kind
    }

    /// The product (`pn`).
    pub fn part_number(&self) -> &str {
        &self.fields.part_number
    }

    /// The unit (`sn`).
    pub fn serial_number(&self) -> &str {
        &self.fields.serial_number
    }

    /// The product's revision (`rev`).
    pub fn revision(&self) -> &str {
        &self.fields.revision
    }

    /// The code of the operation (`processCode`), as the server's administrators define them.
    pub fn process_code(&self) -> i32 {
        self.fields.process_code
    }

    /// The outcome (`result`).
    pub fn result(&self) -> Verdict {
        self.fields.result
    }

    /// The test station (`machineName`).
    pub fn machine_name(&self) -> &str {
        &self.fields.machine_name
    }

    /// Where the station stands (`location`).
    pub fn location(&self) -> &str {
        &self.fields.location
    }

    /// What the station is used for (`purpose`).
    pub fn purpose(&self) -> &str {
        &self.fields.purpose
    }

    /// When the test or repair began (`start`).
    pub fn start(&self) -> Timestamp {
        self.fields.start
    }

    /// The report as it is sent: UTF-8 without byte order mark, else as it was read.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.text.as_bytes().to_vec()
    }

    /// Like [`Report::to_bytes`], without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.text.into_bytes()
    }
}
