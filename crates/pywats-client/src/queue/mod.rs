//! The durable queue of reports: a SQLite database in the data folder.
//!
//! A report is committed with the body that will be sent, its identifier and the identity of its
//! source before the first upload, so that whatever happens later can only send the same report
//! again. `synchronous=FULL` makes a commit survive a power cut.
//!
//! A row is `pending` until the server has answered, then `uploaded` or `rejected` until its source
//! has been moved, then it is removed; `done/` and `failed/` are the record of what was.
//! Only one service uses a data folder: it holds a lock on `queue.lock`.

mod open;
mod row;

pub use open::{OpenError, Opened, open};
pub use row::{Entry, NewReport, Source};

use crate::folder::Identity;
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};
use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// The database failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What SQLite says about it.
    #[error("{}", explain(.0))]
    Database(#[from] rusqlite::Error),
}

impl Error {
    /// Whether the database itself is damaged and must be opened anew.
    pub fn is_corruption(&self) -> bool {
        let Error::Database(error) = self;
        matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
    }
}

/// SQLite's message, and what to do about the usual ones.
fn explain(error: &rusqlite::Error) -> String {
    let hint = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "; free space on the disk of the data folder",
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            "; let the service's account write to the data folder"
        }
        Some(ErrorCode::SystemIoFailure) => "; check the disk of the data folder",
        _ => "",
    };
    format!("{error}{hint}")
}

/// The open queue. Its methods block for as long as the disk takes.
#[derive(Debug)]
pub struct Queue {
    connection: Mutex<Connection>,
    /// Held until the queue is dropped.
    _lock: File,
}

/// What the server has said for good about a report whose source is still to be moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The server has it.
    Uploaded,
    /// The server refused it; this is the content of the reason file.
    Rejected(String),
}

/// How many reports went each way since the queue was created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Accepted by the server.
    pub delivered: u64,
    /// Refused, here or by the server.
    pub failed: u64,
}

impl Queue {
    fn db(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Commits a report; when this returns it survives a power cut.
    ///
    /// # Errors
    /// If the database cannot be written: then the report is not in the queue.
    pub fn add(&self, report: &NewReport<'_>) -> Result<i64, Error> {
        let db = self.db();
        let source = report.source;
        db.prepare_cached(
            "INSERT INTO report (id, body, folder, name, device, file, size, modified_ns, sha256, state, attempts)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'pending', 0)",
        )?
        .execute(params![
            report.id.to_string(),
            report.body,
            row::text_to_blob(source.folder.as_os_str()),
            row::text_to_blob(&source.name),
            source.identity.device.cast_signed(),
            source.identity.file.cast_signed(),
            source.identity.size.cast_signed(),
            source.identity.modified_ns,
            source.sha256,
        ])?;
        Ok(db.last_insert_rowid())
    }

    /// The unfinished report that was read from the file with this identity, wherever it is now.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn find(&self, identity: &Identity) -> Result<Option<Entry>, Error> {
        let db = self.db();
        let mut statement = db.prepare_cached(&format!(
            "SELECT {} FROM report WHERE device = ?1 AND file = ?2 AND size = ?3 AND modified_ns = ?4
             ORDER BY seq DESC LIMIT 1",
            row::COLUMNS
        ))?;
        let key = params![
            identity.device.cast_signed(),
            identity.file.cast_signed(),
            identity.size.cast_signed(),
            identity.modified_ns
        ];
        Ok(statement.query_row(key, row::read).optional()?)
    }

    /// Notes that a source was renamed while its report waits.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn source_renamed(&self, seq: i64, folder: &Path, name: &std::ffi::OsStr) -> Result<(), Error> {
        self.db().execute(
            "UPDATE report SET folder = ?2, name = ?3 WHERE seq = ?1",
            params![seq, row::text_to_blob(folder.as_os_str()), row::text_to_blob(name)],
        )?;
        Ok(())
    }

    /// The oldest report to upload that `skip` does not ask to leave for later.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn next_pending(&self, skip: impl Fn(i64) -> bool) -> Result<Option<Entry>, Error> {
        let db = self.db();
        let mut statement = db.prepare_cached(&format!(
            "SELECT {} FROM report WHERE state = 'pending' ORDER BY seq",
            row::COLUMNS
        ))?;
        for entry in statement.query_map([], row::read)? {
            let entry = entry?;
            if !skip(entry.seq) {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// The body of a report, exactly as it is to be sent.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn body(&self, seq: i64) -> Result<Vec<u8>, Error> {
        Ok(self.db().query_row("SELECT body FROM report WHERE seq = ?1", [seq], |row| row.get(0))?)
    }

    /// Notes a failed attempt to upload.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn attempt_failed(&self, seq: i64) -> Result<(), Error> {
        self.db().execute("UPDATE report SET attempts = attempts + 1 WHERE seq = ?1", [seq])?;
        Ok(())
    }

    /// Commits what the server has said for good.
    ///
    /// # Errors
    /// If the database cannot be written; the report is then sent again, with the same identifier.
    pub fn decide(&self, seq: i64, verdict: &Verdict) -> Result<(), Error> {
        let (state, reason) = match verdict {
            Verdict::Uploaded => ("uploaded", None),
            Verdict::Rejected(reason) => ("rejected", Some(reason)),
        };
        self.db().execute(
            "UPDATE report SET state = ?2, reason = ?3, attempts = attempts + 1 WHERE seq = ?1",
            params![seq, state, reason],
        )?;
        Ok(())
    }

    /// The reports that the server has decided about and whose sources are still to be moved.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn decided(&self) -> Result<Vec<(Entry, Verdict)>, Error> {
        let db = self.db();
        let mut statement = db.prepare_cached(&format!(
            "SELECT {}, state, reason FROM report WHERE state <> 'pending' ORDER BY seq LIMIT 100",
            row::COLUMNS
        ))?;
        let rows = statement.query_map([], |row| {
            let state: String = row.get("state")?;
            let reason: Option<String> = row.get("reason")?;
            let verdict = match state.as_str() {
                "uploaded" => Verdict::Uploaded,
                _ => Verdict::Rejected(reason.unwrap_or_default()),
            };
            Ok((row::read(row)?, verdict))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Forgets a report whose source is where it belongs, and counts it.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn finish(&self, seq: i64, verdict: &Verdict) -> Result<(), Error> {
        let mut db = self.db();
        let transaction = db.transaction()?;
        transaction.execute("DELETE FROM report WHERE seq = ?1", [seq])?;
        let total = if *verdict == Verdict::Uploaded { "delivered" } else { "failed" };
        count(&transaction, total)?;
        transaction.commit()?;
        Ok(())
    }

    /// Counts a file that was refused without ever having been queued.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn count_refused(&self) -> Result<(), Error> {
        count(&self.db(), "failed")
    }

    /// How many reports wait for the server.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn pending(&self) -> Result<u64, Error> {
        let count: i64 =
            self.db()
                .query_row("SELECT count(*) FROM report WHERE state = 'pending'", [], |row| row.get(0))?;
        Ok(count.cast_unsigned())
    }

    /// How many reports went each way.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn totals(&self) -> Result<Totals, Error> {
        let db = self.db();
        let mut statement = db.prepare_cached("SELECT name, value FROM total")?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
        let totals: HashMap<String, i64> = rows.collect::<Result<_, _>>()?;
        let of = |name: &str| totals.get(name).map_or(0, |value| value.cast_unsigned());
        Ok(Totals { delivered: of("delivered"), failed: of("failed") })
    }

    /// Gives the space of uploaded reports back to the file system. Cheap if there is little to give.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn tidy(&self) -> Result<(), Error> {
        let db = self.db();
        {
            // Each step frees one page; not more at once than a disk does in seconds.
            let mut vacuum = db.prepare("PRAGMA incremental_vacuum(25000)")?;
            let mut steps = vacuum.query([])?;
            while steps.next()?.is_some() {}
        }
        db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
        Ok(())
    }

    /// A new identifier for a report that has none.
    pub fn new_id() -> Uuid {
        Uuid::new_v4()
    }
}

fn count(db: &Connection, total: &str) -> Result<(), Error> {
    db.execute(
        "INSERT INTO total (name, value) VALUES (?1, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1",
        [total],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests;
