//! What is changed in a report when it is sent. The text in a row says it, and stays valid for years; an
//! empty one means that the file is sent as it is.

use wats::Edits;

/// The file with the edits made: the same bytes each time.
pub(super) fn apply(edits: &str, file: Vec<u8>) -> Result<Vec<u8>, wats::EditError> {
    if edits.is_empty() { Ok(file) } else { Edits::from_text(edits)?.apply(file) }
}
