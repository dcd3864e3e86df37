//! Finding damage in the database. A small one is checked whole when it is opened; a large one by a thread
//! beside the service, so that the start never waits for gigabytes.
//!
//! What the thread finds is written to a file beside the database: the next start puts the database aside.

use super::lock;
use rusqlite::{Connection, InterruptHandle, OpenFlags};
use std::fmt;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread;
use std::time::Duration;

/// A database up to this size, in bytes, is checked while it is opened.
pub(super) const AT_ONCE: u64 = 4 << 20;

/// Checks the whole database, its indexes, too: a report that one of them names wrongly might never be sent. The text
/// says what is damaged.
pub(super) fn check(connection: &Connection) -> Result<Option<String>, rusqlite::Error> {
    let health: String = connection.pragma_query_value(None, "integrity_check", |row| row.get(0))?;
    Ok((health != "ok").then_some(health))
}

/// Whether the header asks for another way to write than there is
/// ([file format](https://www.sqlite.org/fileformat2.html#file_format_version_numbers)): SQLite takes such a database
/// for one that may only be read.
pub(super) fn header(database: &Path) -> Option<String> {
    let mut header = [0; 20];
    fs::File::open(database).and_then(|mut file| file.read_exact(&mut header)).ok()?;
    let is_unknown = header.starts_with(b"SQLite format 3\0") && !(1..=2).contains(&header[18]);
    is_unknown.then(|| format!("its header has the write version {}", header[18]))
}

/// Where a damage that was found is written down.
fn mark(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".is-damaged");
    PathBuf::from(path)
}

fn write_down(database: &Path, damage: &str) {
    if let Err(error) = fs::write(mark(database), damage) {
        tracing::debug!("the damage cannot be written down: {error}");
    }
}

/// The damage that was found while the service ran the last time.
pub(super) fn found_before(database: &Path) -> Option<String> {
    fs::read_to_string(mark(database)).ok()
}

/// The damaged database is put aside.
pub(super) fn forget(database: &Path) {
    drop(fs::remove_file(mark(database)));
}

/// What the thread has found, and how to end it.
#[derive(Default)]
pub(super) struct Watch {
    damage: OnceLock<String>,
    thread: Mutex<Option<InterruptHandle>>,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("damage", &self.damage).finish_non_exhaustive()
    }
}

impl Watch {
    /// What is damaged, if that is known.
    pub(super) fn damage(&self) -> Option<&String> {
        self.damage.get()
    }

    /// Something was damaged when it was read. The next start takes out a row that is at fault alone; else it
    /// puts the database aside.
    pub(super) fn found(&self, database: &Path, error: &rusqlite::Error) {
        if !super::sound::is_of_one_row(error) {
            write_down(database, &error.to_string());
        }
        drop(self.damage.set(error.to_string()));
    }

    /// Ends the thread: a reader would keep the log from being folded.
    pub(super) fn end(&self) {
        if let Some(thread) = lock(&self.thread).take() {
            thread.interrupt();
        }
    }
}

/// Checks the database table by table in a thread of its own, which ends when the queue is closed.
pub(super) fn check_beside(database: PathBuf, watch: &Arc<Watch>) {
    let watch = Arc::downgrade(watch);
    let started = thread::Builder::new().name("check".to_owned()).spawn(move || run(&database, &watch));
    if let Err(error) = started {
        tracing::debug!("the database is not checked: {error}");
    }
}

fn run(database: &Path, watch: &Weak<Watch>) {
    let found = match tables(database, watch) {
        Ok(found) => found,
        Err(error) if super::Error::from_damage(&error) => Some(error.to_string()),
        Err(error) => {
            tracing::debug!("the database is not checked: {error}");
            None
        }
    };
    let Some(watch) = watch.upgrade() else { return };
    lock(&watch.thread).take();
    if let Some(found) = found {
        write_down(database, &found);
        drop(watch.damage.set(found));
    }
}

/// Each table by itself: a reader keeps the log from being folded for as long as it reads.
fn tables(database: &Path, watch: &Weak<Watch>) -> Result<Option<String>, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    // What the check reads once need not stay in memory.
    connection.pragma_update(None, "cache_size", -512)?;
    if let Some(watch) = watch.upgrade() {
        *lock(&watch.thread) = Some(connection.get_interrupt_handle());
    }
    let mut names = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
    let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for name in names {
        if watch.strong_count() == 0 {
            return Ok(None);
        }
        let mut check = connection.prepare(&format!("PRAGMA integrity_check('{name}')"))?;
        let health: String = check.query_row([], |row| row.get(0))?;
        if health != "ok" {
            return Ok(Some(health));
        }
    }
    Ok(None)
}
