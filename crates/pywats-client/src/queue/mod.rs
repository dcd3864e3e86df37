//! The durable queue of reports: their files in the spool, and what is known of them in a SQLite database.
//!
//! A report waits as the file that it was, renamed into `spool/` of the data folder ([`spool`]), with a
//! row that says what it is: its identifier, where it came from, its SHA-256 and the edits that are made
//! when it is sent. [`Queue::add`] commits rows so that they survive a power cut; what is noted later
//! ([`Queue::note`], [`Queue::settle`]) is committed lazily: a power cut may undo it, and then the same
//! bytes are sent again under the same identifier. The rules that keep every report, whatever the
//! moment of a crash:
//!
//! | in the spool | row | verdict | what it means |
//! |---|---|---|---|
//! | yes | no | – | the commit never came, or the database was damaged: taken in under the id in its name, when intake has judged it |
//! | yes | yes | no | it waits |
//! | yes | yes | yes | it is to be moved to its end |
//! | no | yes | yes | it was moved to its end, and the row's removal was lost: the row goes |
//! | no | yes | no | found at the start: a power cut took the verdict, and the file is at its end; or somebody removed it ([`missing`]) |
//!
//! The tables are in [`schema`]; a queue of the first schema opens in place ([`legacy`]).
//! Only one service uses a data folder: it holds a lock on `queue.lock`.

mod edits;
mod finished;
mod integrity;
mod known;
mod leftover;
mod legacy;
pub mod listing;
mod missing;
mod note;
mod oldest;
mod open;
mod priority;
mod rows;
mod salvage;
mod schema;
mod settle;
mod sound;
pub mod spool;
mod tidy;
mod wishes;

pub use edits::file_with_id;
pub(crate) use finished::{CLOCK_SEEN, removal_fact};
pub use finished::{Kept, knows_folder, retain_delivered};
pub use leftover::Leftover;
pub use note::{Note, Suspicion, Verdict};
pub use open::{OpenError, Opened, open};
pub use rows::{Body, Entry, NewReport, Place, Unit};
pub use settle::Settled;
pub use wishes::{Granted, Wish};

use crate::folder::Folder;
use crate::reserve::{NoRoom, Reserve};
use crate::room::Room;
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The name of the database in the data folder.
const DATABASE: &str = "queue.db";

/// The queue failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What SQLite says about it.
    #[error("{}", explain(.0))]
    Database(#[from] rusqlite::Error),
    /// The check that runs beside the service found this.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// The pipeline has ended.
    #[error("the queue is closed")]
    Closed,
    /// In the spool something else lies where a report was.
    #[error("{}: is {what}, not the report that was there; put the report back, or remove it", path.display())]
    Foreign {
        /// Where.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// A file in the spool cannot be read.
    #[error("{}: {error}; {}", path.display(), spool_advice(error))]
    Spool {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

impl Error {
    /// Whether the database itself is damaged and must be opened anew.
    pub fn is_corruption(&self) -> bool {
        match self {
            Error::Database(error) => Error::from_damage(error),
            Error::Damaged(_) => true,
            Error::Closed | Error::Foreign { .. } | Error::Spool { .. } => false,
        }
    }
}

fn spool_advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "let the service's account read it",
        _ => "check the disk of the data folder",
    }
}

/// SQLite's message, and what to do about the usual ones.
fn explain(error: &rusqlite::Error) -> String {
    format!("{error}{}", advice(error))
}

fn advice(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "; free space on the disk of the data folder",
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            "; let the service's account write to the data folder"
        }
        Some(ErrorCode::SystemIoFailure) => "; check the disk of the data folder",
        _ => "",
    }
}

/// How many reports went each way since the queue was created, and how many wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Queued and not decided, with the parked ones.
    pub waiting: u64,
    /// Those of them that are only tried daily.
    pub parked: u64,
    /// Accepted by the server.
    pub delivered: u64,
    /// Refused, here or by the server.
    pub failed: u64,
    /// Not sent as far as is known, and not in the spool any more: somebody removed the file.
    pub lost: u64,
}

/// The open queue. Its methods block for as long as the disk takes.
#[derive(Debug)]
pub struct Queue {
    db: Mutex<Db>,
    counters: Counters,
    spool: Folder,
    legacy: legacy::Legacy,
    /// What people want to become of reports that the upload may have in hand.
    wishes: wishes::Wishes,
    /// After which row the next settling goes on; held by whoever settles.
    settling: Mutex<i64>,
    reserve: Arc<Reserve>,
    room: Room,
    /// Rows before those that were given out may be ready.
    rewound: AtomicBool,
    classes: priority::Classes,
    /// Which identifiers are claimed and not committed, by the workers of all folders.
    claimed: Mutex<HashMap<uuid::Uuid, (Unit, usize)>>,
    /// How many rows wait for intake to judge them again.
    changed: AtomicI64,
    /// What the check beside the service found.
    watch: Arc<integrity::Watch>,
    /// Whether something was decided since the keeper looked.
    decided: Mutex<bool>,
    decides: Condvar,
    path: PathBuf,
    /// Held until the queue is closed.
    lock: Arc<File>,
    closed: AtomicBool,
}

/// The database and what is counted while it is locked.
#[derive(Debug)]
struct Db {
    connection: Connection,
    next_seq: i64,
    /// No row of this class at or before this one is ready to be sent.
    before_ready: Vec<i64>,
}

/// The counts, kept in memory: nothing is counted twice, and nobody waits for the database.
#[derive(Debug, Default)]
struct Counters {
    waiting: AtomicI64,
    parked: AtomicI64,
    delivered: AtomicU64,
    failed: AtomicU64,
    lost: AtomicU64,
}

/// Whether a commit survives a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Durability {
    /// It does; this costs a flush of the write-ahead log.
    Full,
    /// Perhaps not; it is whole or absent.
    Lazy,
}

impl Queue {
    /// The spool folder, for claims: see [`spool::name`].
    pub fn spool(&self) -> &Folder {
        &self.spool
    }

    /// Where intake and upload get a place for a large report in memory.
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// How many reports wait and how many went each way; from memory.
    pub fn counts(&self) -> Counts {
        let positive = |number: &AtomicI64| number.load(Ordering::Relaxed).max(0).cast_unsigned();
        Counts {
            waiting: positive(&self.counters.waiting),
            parked: positive(&self.counters.parked),
            delivered: self.counters.delivered.load(Ordering::Relaxed),
            failed: self.counters.failed.load(Ordering::Relaxed),
            lost: self.counters.lost.load(Ordering::Relaxed),
        }
    }

    /// Whether the disk has room to take in `copied` bytes (0 for files that are only renamed) without
    /// touching what is kept back for the commits of reports that are under way. Cheap.
    ///
    /// # Errors
    /// If it has not; the text says how much is missing. It has again as soon as space comes back.
    pub fn intake_allowed(&self, copied: u64) -> Result<(), NoRoom> {
        self.reserve.room_for(copied)
    }

    /// Fills up what is kept back, if space has come back; cheap.
    pub fn keep_back(&self) {
        self.reserve.fill_up();
    }

    /// Waits until something is decided, or [`Queue::wake`] is called, but no longer than this.
    pub fn wait_for_verdict(&self, longest: Duration) {
        let decided = lock(&self.decided);
        let waited = self.decides.wait_timeout_while(decided, longest, |decided| !*decided);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }

    /// Ends a [`Queue::wait_for_verdict`].
    pub fn wake(&self) {
        *lock(&self.decided) = true;
        self.decides.notify_all();
    }

    /// Counts a file that was refused without ever having been queued.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn count_refused(&self) -> Result<(), Error> {
        self.commit(Durability::Lazy, |db| schema::count(db, "failed", 1))?;
        self.counters.failed.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Claims an identifier for a unit until [`Queue::unclaim`]; says no if it is claimed for another one. The workers
    /// of several folders ask at the same time.
    pub fn claim_id(&self, id: uuid::Uuid, unit: &Unit) -> bool {
        let mut claimed = lock(&self.claimed);
        let (of, times) = claimed.entry(id).or_insert_with(|| (unit.clone(), 0));
        let fits = of == unit;
        *times += usize::from(fits);
        fits
    }

    /// Gives up what was claimed.
    pub fn unclaim(&self, id: uuid::Uuid) {
        let mut claimed = lock(&self.claimed);
        if let Some((_, times)) = claimed.get_mut(&id) {
            *times -= 1;
            if *times == 0 {
                claimed.remove(&id);
            }
        }
    }

    /// The unit that an identifier is claimed for.
    pub fn claimed_unit(&self, id: uuid::Uuid) -> Option<Unit> {
        lock(&self.claimed).get(&id).map(|(unit, _)| unit.clone())
    }

    /// A new identifier for a report that has none.
    pub fn new_id() -> uuid::Uuid {
        uuid::Uuid::new_v4()
    }

    /// What is known to be damaged in the database: nothing works until it is opened anew.
    pub fn damage(&self) -> Option<Error> {
        self.watch.damage().map(|damage| Error::Damaged(damage.clone()))
    }

    /// Does something with the database. Damage that it meets is damage for everybody.
    fn heeding<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        let result = work();
        if let Err(Error::Database(error)) = &result
            && Error::from_damage(error)
        {
            self.watch.found(&self.path, error);
        }
        result
    }

    fn db(&self) -> Result<MutexGuard<'_, Db>, Error> {
        match self.watch.damage() {
            Some(damage) => Err(Error::Damaged(damage.clone())),
            None if self.is_closed() => Err(Error::Closed),
            None => Ok(lock(&self.db)),
        }
    }

    /// Commits what `work` does, or nothing of it. Where the disk is full, what was kept back for this
    /// is given to it.
    fn commit<T>(
        &self,
        durability: Durability,
        mut work: impl FnMut(&Transaction<'_>) -> Result<T, rusqlite::Error>,
    ) -> Result<T, Error> {
        self.commit_counting(durability, |db, _| work(db))
    }

    /// Like [`Queue::commit`], for work that numbers rows.
    fn commit_counting<T>(
        &self,
        durability: Durability,
        mut work: impl FnMut(&Transaction<'_>, &mut i64) -> Result<T, rusqlite::Error>,
    ) -> Result<T, Error> {
        self.heeding(|| self.commit_in(&mut *self.db()?, durability, &mut work))
    }

    fn commit_in<T>(
        &self,
        db: &mut Db,
        durability: Durability,
        work: &mut impl FnMut(&Transaction<'_>, &mut i64) -> Result<T, rusqlite::Error>,
    ) -> Result<T, Error> {
        loop {
            let mut next_seq = db.next_seq;
            match transact(&mut db.connection, durability, |db| work(db, &mut next_seq)) {
                Ok(value) => {
                    db.next_seq = next_seq;
                    return Ok(value);
                }
                Err(error) if lacks_space(&error, &self.reserve) && self.reserve.release() => {}
                Err(error) if lacks_space(&error, &self.reserve) => return Err(as_full(&error).into()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn transact<T>(
    connection: &mut Connection,
    durability: Durability,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, rusqlite::Error>,
) -> Result<T, rusqlite::Error> {
    let synchronous = match durability {
        Durability::Full => "FULL",
        Durability::Lazy => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let value = work(&transaction)?;
    transaction.commit()?;
    step(match durability {
        Durability::Full => "committed, and on the disk",
        Durability::Lazy => "committed",
    });
    Ok(value)
}

/// Tests look at what a crash right here would leave.
#[cfg(not(test))]
pub(crate) fn step(_name: &str) {}

#[cfg(test)]
pub(crate) use tests::crash::step;

/// The error of a full disk as people know it.
fn as_full(error: &rusqlite::Error) -> rusqlite::Error {
    let message = format!("the disk is full ({error})");
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL), Some(message))
}

/// Whether something fails because the disk is full. SQLite says so only of some calls: where it cannot make
/// or grow the files beside the database it speaks of an I/O error.
fn lacks_space(error: &rusqlite::Error, reserve: &Reserve) -> bool {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => true,
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => reserve.is_dry(),
        _ => false,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
