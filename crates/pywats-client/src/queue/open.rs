//! Opening the queue: one service per data folder, the schema, what happens to a damaged database, and what
//! a crash has left in the spool.

use super::note::CHANGED;
use super::{
    Counters, Db, Durability, Entry, Error, Queue, integrity, leftover, legacy, rows, salvage, schema, sound,
    spool,
};
use crate::reserve::Reserve;
use crate::room::Room;
use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// How long somebody else may have the lock.
const MOMENT: Duration = Duration::from_secs(2);

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
    #[error("{}: written by a newer pywats-client (schema {found}, this one knows {}); install that version again", path.display(), schema::VERSION)]
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
    /// Where a damaged database was put aside, with the reason. Its reports are in the spool, and wait
    /// again under the same identifiers.
    pub put_aside: Option<(PathBuf, String)>,
    /// Whether there was no database, or an empty one.
    pub is_new: bool,
    /// How many files were found in the spool without a row; [`Queue::handed_back`] lists them.
    pub found: usize,
    /// What lies in the spool and is none of ours.
    pub foreign: Vec<OsString>,
    /// Reports without a verdict whose file is not in the spool: to be given to [`Queue::account_for`] before
    /// anything is sent.
    pub missing: Vec<Entry>,
    /// How many rows were damaged, each by itself: their reports are judged or sent again under the same
    /// identifiers.
    pub mended: usize,
    /// How many reports of the first schema wait.
    pub old: u64,
}

/// Opens the queue of a data folder, which must exist, or creates it there. A damaged database is put
/// aside, where the last ten stay, and made again from the spool.
///
/// # Errors
/// If another service has it, a newer program wrote it, or the disk refuses.
pub fn open(data_dir: &Path) -> Result<Opened, OpenError> {
    let lock = Arc::new(lock(&data_dir.join("queue.lock"))?);
    let path = data_dir.join(super::DATABASE);
    if path.is_dir() {
        let reason = "is a folder, and the database of the queue must lie there: move it away".to_owned();
        return Err(OpenError::Storage { path, reason });
    }
    let reserve = Arc::new(Reserve::of(data_dir));
    let place = Place { data_dir, path: &path, lock: &lock, reserve: &reserve };
    let found_before = integrity::found_before(&path).filter(|_| path.exists());
    let opened = match found_before {
        Some(damage) => Err(Trouble::Damaged(damage)),
        None => place.assemble(None),
    };
    let opened = match opened {
        Err(Trouble::Damaged(reason)) => {
            let aside = put_away(&path).map_err(|error| OpenError::Storage {
                path: path.clone(),
                reason: format!("damaged ({reason}) and cannot be renamed: {error}"),
            })?;
            integrity::forget(&path);
            let opened = place.assemble(Some(&aside));
            opened.map(|opened| Opened { put_aside: Some((aside, reason)), ..opened })
        }
        result => result,
    };
    let opened = opened.map_err(|trouble| trouble.tell(&path, &reserve))?;
    reserve.fill_up();
    if fs::metadata(&path).is_ok_and(|file| file.len() > integrity::AT_ONCE) {
        integrity::check_beside(path, &opened.queue.watch);
    }
    Ok(opened)
}

/// What is opened.
struct Place<'a> {
    data_dir: &'a Path,
    path: &'a Path,
    lock: &'a Arc<File>,
    reserve: &'a Arc<Reserve>,
}

impl Place<'_> {
    /// Opens it. Already this writes: where the disk is full, with the space that is kept back.
    fn assemble(&self, damaged: Option<&Path>) -> Result<Opened, Trouble> {
        loop {
            match assemble(self, damaged) {
                Err(trouble) if trouble.lacks_space(self.reserve) && self.reserve.release() => {}
                result => return result,
            }
        }
    }
}

/// Puts database and spool together, and what can be saved of a damaged database.
fn assemble(place: &Place<'_>, damaged: Option<&Path>) -> Result<Opened, Trouble> {
    let Place { data_dir, path, lock, reserve } = *place;
    let (mut connection, is_new) = connect(path)?;
    if let Some(damaged) = damaged {
        match salvage::salvage(damaged, &mut connection) {
            Ok(rows) => tracing::debug!("{rows} rows are saved from {}", damaged.display()),
            Err(error) if super::lacks_space(&error, reserve) => return Err(error.into()),
            Err(error) => tracing::debug!("nothing is saved from {}: {error}", damaged.display()),
        }
    }
    let has_first = schema::has_first(&connection)?;
    let mended = sound::take_out(&mut connection, has_first)?;
    let counted = count(&connection)?;
    let spool =
        spool::open(data_dir).map_err(|error| Trouble::Folder(data_dir.join(spool::FOLDER), error))?;
    let classes = super::priority::Classes::default();
    classes.teach(&connection)?;
    let queue = Queue {
        db: Mutex::new(Db { connection, next_seq: counted.next_seq, before_ready: Vec::new() }),
        classes,
        counters: counted.counters,
        spool,
        legacy: legacy::Legacy::new(counted.has_first),
        wishes: Default::default(),
        settling: Mutex::new(0),
        reserve: Arc::clone(reserve),
        room: Room::default(),
        rewound: AtomicBool::new(false),
        changed: AtomicI64::new(counted.changed),
        watch: Arc::default(),
        decided: Mutex::new(true),
        decides: Condvar::new(),
        path: path.to_path_buf(),
        lock: Arc::clone(lock),
        closed: AtomicBool::new(false),
        claimed: Mutex::default(),
    };
    let (found, missing, foreign) = queue.reconcile()?;
    let is_new = is_new && damaged.is_none();
    Ok(Opened { queue, put_aside: None, is_new, found, foreign, missing, mended, old: counted.old })
}

impl Queue {
    /// Makes rows and files agree after a crash; says how many files had no row, which rows without a verdict have
    /// no file, and what is none of ours.
    fn reconcile(&self) -> Result<(usize, Vec<Entry>, Vec<OsString>), Error> {
        self.spool.sweep().map_err(|error| self.spool_error("".as_ref(), error))?;
        let differences = {
            let db = self.db()?;
            let mut statement = db.connection.prepare("SELECT seq, spool FROM waiting")?;
            let rows = statement
                .query_map([], |row| Ok((row.get(0)?, rows::blob_to_text(row.get_ref(1)?.as_blob()?))))?;
            spool::compare(&self.spool, rows)?
        };
        let missing = self.forget_decided(&differences.gone)?;
        let orphans = &differences.orphans;
        if !orphans.is_empty() {
            self.spool.sync().map_err(|error| self.spool_error("".as_ref(), error))?;
            self.commit_counting(Durability::Full, |db, next_seq| {
                let mut hand_back = db.prepare("INSERT INTO trouble (seq, kind) VALUES (?1, ?2)")?;
                for orphan in orphans {
                    rows::insert_orphan(db, *next_seq, orphan)?;
                    if let Some(original) = orphan.original(&self.spool) {
                        leftover::write(db, &original)?;
                    }
                    hand_back.execute(rusqlite::params![*next_seq, CHANGED])?;
                    *next_seq += 1;
                }
                Ok(())
            })?;
            let found = orphans.len() as i64;
            self.counters.waiting.fetch_add(found, Ordering::Relaxed);
            self.changed.fetch_add(found, Ordering::Relaxed);
        }
        Ok((orphans.len(), missing, differences.foreign))
    }
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
    // A command that looks into the queue while the service is down has it for a moment.
    let until = Instant::now() + MOMENT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < until => std::thread::sleep(MOMENT / 40),
            Err(TryLockError::WouldBlock) => return Err(OpenError::Locked(path.to_path_buf())),
            Err(TryLockError::Error(error)) => return Err(storage(&error)),
        }
    }
}

enum Trouble {
    Damaged(String),
    Newer(i64),
    Database(rusqlite::Error),
    Folder(PathBuf, io::Error),
}

impl Trouble {
    fn lacks_space(&self, reserve: &Reserve) -> bool {
        match self {
            Trouble::Database(error) => super::lacks_space(error, reserve),
            Trouble::Folder(_, error) => error.kind() == io::ErrorKind::StorageFull,
            Trouble::Damaged(_) | Trouble::Newer(_) => false,
        }
    }

    fn tell(self, path: &Path, reserve: &Reserve) -> OpenError {
        let is_full = self.lacks_space(reserve);
        let (path, error, advice) = match self {
            Trouble::Newer(found) => return OpenError::Newer { path: path.to_path_buf(), found },
            Trouble::Damaged(reason) => {
                return OpenError::Storage { path: path.to_path_buf(), reason };
            }
            Trouble::Database(error) => (path.to_path_buf(), error.to_string(), super::advice(&error)),
            Trouble::Folder(path, error) => {
                (path, error.to_string(), "; let the service's account write to the data folder")
            }
        };
        let reason = if is_full {
            format!("the disk of the data folder is full ({error}); free space on it")
        } else {
            format!("{error}{advice}")
        };
        OpenError::Storage { path, reason }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::Database(error) => error.into(),
            Error::Damaged(damage) => Trouble::Damaged(damage),
            Error::Spool { path, error } => Trouble::Folder(path, error),
            Error::Closed => Trouble::Folder(PathBuf::new(), io::Error::other(Error::Closed)),
            Error::Foreign { path, what } => Trouble::Folder(path, io::Error::other(format!("is {what}"))),
        }
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        if Error::from_damage(&error) {
            Trouble::Damaged(error.to_string())
        } else {
            Trouble::Database(error)
        }
    }
}

impl Error {
    /// Whether the database is damaged: SQLite says so, a row does not hold what only such rows hold, or a table
    /// or column is not there that every database of this schema has.
    pub(super) fn from_damage(error: &rusqlite::Error) -> bool {
        use rusqlite::Error as E;
        const MISSING: [&str; 4] =
            ["no such table", "no such column", "has no column named", "already exists"];
        let says_so =
            matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase));
        says_so
            || match error {
                E::FromSqlConversionFailure(..)
                | E::IntegralValueOutOfRange(..)
                | E::InvalidColumnType(..)
                | E::Utf8Error(..) => true,
                E::SqlInputError { msg, .. } | E::SqliteFailure(_, Some(msg)) => {
                    // The table of the first schema goes while others may be about to look into it.
                    MISSING.iter().any(|text| msg.contains(text)) && !msg.contains("table: report")
                }
                _ => false,
            }
    }
}

/// Opens the database; says whether it is a new one.
fn connect(path: &Path) -> Result<(Connection, bool), Trouble> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if let Some(damage) = integrity::header(path) {
        return Err(Trouble::Damaged(damage));
    }
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(64);
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version > schema::VERSION {
        return Err(Trouble::Newer(version));
    }
    // Before anything is written: a damaged database is kept as it was found.
    if fs::metadata(path).is_ok_and(|file| file.len() <= integrity::AT_ONCE)
        && let Some(damage) = integrity::check(&connection)?
    {
        return Err(Trouble::Damaged(damage));
    }
    // Takes effect only before the first table is made, and before WAL.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // On macOS fsync alone does not reach the disk.
    connection.pragma_update(None, "fullfsync", "ON")?;
    schema::bring_up(&mut connection, version)?;
    match schema::damage(&connection)? {
        Some(damage) => Err(Trouble::Damaged(damage)),
        None => Ok((connection, version == 0)),
    }
}

/// What is counted once, at the start; indexes answer all of it.
struct Counted {
    counters: Counters,
    next_seq: i64,
    has_first: bool,
    old: u64,
    changed: i64,
}

fn count(db: &Connection) -> Result<Counted, rusqlite::Error> {
    let number = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0));
    let has_first = schema::has_first(db)?;
    let old = if has_first { number("SELECT count(*) FROM report")? } else { 0 };
    let decided = number("SELECT count(*) FROM verdict")?;
    let delivered = number("SELECT count(*) FROM verdict WHERE reason IS NULL")?;
    let last = number("SELECT ifnull(max(seq), 0) FROM waiting")?;
    let last_old = if has_first { number("SELECT ifnull(max(seq), 0) FROM report")? } else { 0 };
    let more = |name, more: i64| {
        schema::total(db, name).map(|total| AtomicU64::new(total + more.max(0).cast_unsigned()))
    };
    Ok(Counted {
        counters: Counters {
            waiting: AtomicI64::new(number("SELECT count(*) FROM waiting")? + old - decided),
            parked: AtomicI64::new(number(
                "SELECT count(*) FROM trouble WHERE parked <> 0 AND seq NOT IN (SELECT seq FROM verdict)",
            )?),
            delivered: more("delivered", delivered)?,
            failed: more("failed", decided - delivered)?,
            lost: more("lost", 0)?,
        },
        next_seq: last.max(last_old) + 1,
        has_first,
        old: old.max(0).cast_unsigned(),
        changed: number(&format!(
            "SELECT count(*) FROM trouble WHERE kind = '{CHANGED}' AND seq NOT IN (SELECT seq FROM verdict)"
        ))?,
    })
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
    keep_newest(path);
    Ok(to)
}

/// A disk that damages the database again and again is not filled with its remains.
fn keep_newest(database: &Path) {
    const MOST: usize = 10;
    let (Some(folder), Some(name)) = (database.parent(), database.file_name()) else { return };
    let prefix = format!("{}.damaged-", name.to_string_lossy());
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut remains: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix)))
        .collect();
    remains.sort();
    // Names end with their time; those of the files that go with one have more after it.
    let databases: Vec<&PathBuf> =
        remains.iter().filter(|path| path.to_string_lossy().ends_with('Z')).collect();
    for oldest in &databases[..databases.len().saturating_sub(MOST)] {
        let of_it = |path: &&PathBuf| path.to_string_lossy().starts_with(&*oldest.to_string_lossy());
        remains.iter().filter(of_it).for_each(|path| drop(fs::remove_file(path)));
    }
}
