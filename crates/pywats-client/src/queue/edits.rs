//! What is changed in a report when it is sent. The text in a row says it, and stays valid for years.

use uuid::Uuid;
use wats::Report;

/// Stands before the identifier that the report gets.
const ID: &str = "id ";

/// The edits that give a report this identifier; without one, those of a report that is sent as it was
/// read.
pub fn with_id(id: Option<Uuid>) -> String {
    id.map_or_else(String::new, |id| format!("{ID}{id}"))
}

/// A report with this identifier; `None` if it cannot be read as one.
pub fn file_with_id(id: Uuid, file: &[u8]) -> Option<Vec<u8>> {
    Report::parse(file).ok().map(|report| report.with_id(id).into_bytes())
}

/// The file with the edits made: the same bytes each time.
pub(super) fn apply(edits: &str, file: &[u8]) -> Result<Vec<u8>, String> {
    let report = Report::parse(file).map_err(|error| error.to_string())?;
    match edits.strip_prefix(ID) {
        Some(id) => {
            let id = Uuid::parse_str(id).map_err(|error| error.to_string())?;
            Ok(report.with_id(id).into_bytes())
        }
        None => Ok(report.into_bytes()),
    }
}
