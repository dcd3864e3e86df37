//! Why a file is not a report that can be delivered safely.

use std::fmt;

/// Characters of a path or a value from the file that a message repeats.
const MAX_SHOWN: usize = 80;

/// A refused report: where, and why. The message never repeats more than a few words of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportError {
    field: String,
    position: Option<(usize, usize)>,
    reason: String,
    incomplete: bool,
}

impl ReportError {
    /// The file as a whole.
    pub(super) fn file(reason: impl Into<String>) -> ReportError {
        ReportError { field: String::new(), position: None, reason: reason.into(), incomplete: false }
    }

    /// The value of one field.
    pub(super) fn field(name: &str, reason: impl Into<String>) -> ReportError {
        ReportError { field: name.to_owned(), ..ReportError::file(reason) }
    }

    /// A text that ends too early: the same file may become a report.
    pub(super) fn incomplete(reason: impl Into<String>) -> ReportError {
        ReportError { incomplete: true, ..ReportError::file(reason) }
    }

    pub(super) fn at(mut self, line: usize, column: usize) -> ReportError {
        self.position = Some((line, column));
        self
    }

    pub(super) fn inside(mut self, name: &str) -> ReportError {
        name.clone_into(&mut self.field);
        self
    }

    /// Whether the text ends too early, as that of a file that is still being written, or that a
    /// file system left behind after a power cut: empty, cut off anywhere, or filled up with NUL.
    pub fn is_incomplete(&self) -> bool {
        self.incomplete
    }

    /// The field at the top of the report that is concerned (`sn`, `root`); empty where the file as
    /// a whole is refused.
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
