//! What is changed in a report when it is sent. The text in a row says it, and stays valid for years; an
//! empty one means that the file is sent as it is.

use uuid::Uuid;
use wats::{EditError, Edits, Report, Rules};

/// A report with this identifier; `None` if it cannot be read as one.
pub fn file_with_id(id: Uuid, file: &[u8]) -> Option<Vec<u8>> {
    let mut edits = Report::parse(file, &Rules::default()).ok()?.edits();
    edits.set_id(id);
    edits.apply(file.to_vec()).ok()
}

/// The file with the edits made: the same bytes each time.
pub(super) fn apply(edits: &str, file: Vec<u8>) -> Result<Vec<u8>, EditError> {
    if edits.is_empty() { Ok(file) } else { Edits::from_text(edits)?.apply(file) }
}
