//! Since when the oldest report waits. No row says it: the file in the spool does.

use super::{Queue, rows};
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row};
use std::fs::Metadata;

impl Queue {
    /// Since when the oldest report waits that is not decided; `None` if none does, or if that is not known: a report
    /// of the first schema has no file.
    pub fn oldest_waits_since(&self) -> Option<Timestamp> {
        let oldest = "SELECT spool FROM waiting AS w
                      WHERE NOT EXISTS (SELECT 1 FROM verdict AS v WHERE v.seq = w.seq) ORDER BY seq LIMIT 1";
        let name = self.heeding(|| {
            let db = self.db()?;
            let mut statement = db.connection.prepare_cached(oldest)?;
            let name = |row: &Row<'_>| Ok(rows::blob_to_text(row.get_ref(0)?.as_blob()?));
            Ok(statement.query_row([], name).optional()?)
        });
        let path = self.spool().path().join(name.ok().flatten()?);
        came(&path.symlink_metadata().ok()?)
    }
}

/// When a file got its name: it was renamed into the spool when the report was taken in.
#[cfg(unix)]
fn came(metadata: &Metadata) -> Option<Timestamp> {
    use std::os::unix::fs::MetadataExt;
    Timestamp::from_second(metadata.ctime()).ok()
}

/// When a file was changed last: the standard library does not tell when it was renamed.
#[cfg(not(unix))]
fn came(metadata: &Metadata) -> Option<Timestamp> {
    Timestamp::try_from(metadata.modified().ok()?).ok()
}
