//! Opening the database: one service per data folder, the schema, and what happens to a damaged file.

use super::{Queue, explain};
use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

/// The version of [`SCHEMA`], kept in `user_version`.
const SCHEMA_VERSION: i64 = 1;

const SCHEMA: &str = "
CREATE TABLE report (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL,
    folder      BLOB NOT NULL,
    name        BLOB NOT NULL,
    device      INTEGER NOT NULL,
    file        INTEGER NOT NULL,
    size        INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,
    sha256      BLOB NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('pending', 'uploaded', 'rejected')),
    reason      TEXT,
    attempts    INTEGER NOT NULL,
    body        BLOB NOT NULL -- last: SQLite reads through everything that stands before a column
) STRICT;
CREATE INDEX report_source ON report (device, file, size, modified_ns);
CREATE INDEX report_state ON report (state, seq);
CREATE TABLE total (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
";

/// Why the queue cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another service uses this data folder.
    #[error(
        "{}: another pywats-client uses this data folder; stop it, or give this one another client.data_dir",
        .0.display()
    )]
    Locked(PathBuf),
    /// The database was written by a newer program.
    #[error("{}: written by a newer pywats-client (schema {found}, this one knows {SCHEMA_VERSION}); install that version again", path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema version.
        found: i64,
    },
    /// The disk does not let us.
    #[error("{}: {reason}", path.display())]
    Storage {
        /// The file concerned.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
}

/// An open queue.
#[derive(Debug)]
pub struct Opened {
    /// The queue.
    pub queue: Queue,
    /// Where a damaged database was put aside, with the reason.
    pub put_aside: Option<(PathBuf, String)>,
}

/// Opens the queue of a data folder, which must exist, or creates it there. A damaged database is
/// put aside, never deleted: what is still in the watch folder is then taken again.
///
/// # Errors
/// If another service has it, a newer program wrote it, or the disk refuses.
pub fn open(data_dir: &Path) -> Result<Opened, OpenError> {
    let lock = lock(&data_dir.join("queue.lock"))?;
    let path = data_dir.join("queue.db");
    let mut put_aside = None;
    let connection = match connect(&path) {
        Err(Trouble::Damaged(reason)) => {
            let aside = put_away(&path).map_err(|error| OpenError::Storage {
                path: path.clone(),
                reason: format!("damaged ({reason}) and cannot be renamed: {error}"),
            })?;
            put_aside = Some((aside, reason));
            connect(&path)
        }
        result => result,
    };
    let connection = connection.map_err(|trouble| match trouble {
        Trouble::Newer(found) => OpenError::Newer { path: path.clone(), found },
        Trouble::Damaged(reason) | Trouble::Other(reason) => {
            OpenError::Storage { path: path.clone(), reason }
        }
    })?;
    Ok(Opened { queue: Queue { connection: Mutex::new(connection), _lock: lock }, put_aside })
}

fn lock(path: &Path) -> Result<File, OpenError> {
    let storage = |error: &io::Error| OpenError::Storage {
        path: path.to_path_buf(),
        reason: format!(
            "{error}; let the service's account write to the data folder, and check for free space"
        ),
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(|error| storage(&error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked(path.to_path_buf())),
        Err(TryLockError::Error(error)) => Err(storage(&error)),
    }
}

enum Trouble {
    Damaged(String),
    Newer(i64),
    Other(String),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Trouble::Damaged(error.to_string()),
            _ => Trouble::Other(explain(&error)),
        }
    }
}

fn connect(path: &Path) -> Result<Connection, Trouble> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version > SCHEMA_VERSION {
        return Err(Trouble::Newer(version));
    }
    // Before anything is written: a damaged database is kept as it was found.
    let health: String = connection.pragma_query_value(None, "quick_check", |row| row.get(0))?;
    if health != "ok" {
        return Err(Trouble::Damaged(health));
    }
    // Takes effect only before the first table is made, and before WAL.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // On macOS fsync alone does not reach the disk.
    connection.pragma_update(None, "fullfsync", "ON")?;
    if version == 0 {
        let transaction = connection.transaction()?;
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        transaction.commit()?;
    }
    Ok(connection)
}

/// Renames the database and its companions to a name with the time in it.
fn put_away(path: &Path) -> io::Result<PathBuf> {
    let stamp = Timestamp::now().strftime("%Y%m%dT%H%M%S%.3fZ").to_string();
    let renamed = |suffix: &str| {
        let mut from = path.as_os_str().to_owned();
        from.push(suffix);
        let mut to = path.as_os_str().to_owned();
        to.push(format!(".damaged-{stamp}{suffix}"));
        (PathBuf::from(from), PathBuf::from(to))
    };
    // The companions first: without them a half-done renaming would pair them with a new database.
    for suffix in ["-wal", "-shm", "-journal"] {
        let (from, to) = renamed(suffix);
        match fs::rename(from, to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    let (from, to) = renamed("");
    fs::rename(from, &to)?;
    Ok(to)
}

impl Drop for Queue {
    /// Leaves nothing in the write-ahead log, so that the database file alone is complete.
    fn drop(&mut self) {
        if let Err(error) = self.tidy() {
            tracing::debug!("closing the queue: {error}");
        }
    }
}
