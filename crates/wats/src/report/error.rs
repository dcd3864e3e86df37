//! Why a file is not a report that a WATS server can take.

use std::fmt;

/// Characters of a path or a value from the file that a message repeats.
const MAX_SHOWN: usize = 80;

/// A refused report: where, and why. The message never repeats more than a few words of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportError {
    pub(super) field: String,
    pub(super) position: Option<(usize, usize)>,
    pub(super) reason: String,
}

impl ReportError {
    pub(super) fn file(reason: impl Into<String>) -> ReportError {
        ReportError { field: String::new(), position: None, reason: reason.into() }
    }

    pub(super) fn field(name: &str, reason: impl Into<String>) -> ReportError {
        ReportError { field: name.to_owned(), position: None, reason: reason.into() }
    }

    /// The field concerned, as a path from the top of the report (`sn`, `root/steps/3/name`); empty
    /// where the file as a whole is refused.
    pub fn field_path(&self) -> &str {
        &self.field
    }

    /// Line and column of a syntax error, both counted from 1; the column counts bytes.
    pub fn position(&self) -> Option<(usize, usize)> {
        self.position
    }

    /// What is wrong and what is expected.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for ReportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.position {
            write!(f, "line {line}, column {column}: ")?;
        }
        if !self.field.is_empty() {
            write!(f, "field {}: ", quoted(&self.field))?;
        }
        f.write_str(&self.reason)
    }
}

impl std::error::Error for ReportError {}

/// A text from the file as a message may show it: short, quoted, without control characters.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}
