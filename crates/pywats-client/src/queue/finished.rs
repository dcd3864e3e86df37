//! Which files the service has put into a done folder: the only ones that retention may remove there.
//!
//! A row is written in the commit that ends the report. It tells a file by folder, name, size and SHA-256,
//! so that what somebody else puts under the same name is never taken for ours. A crash may lose the last
//! rows: then their files stay for ever.

use super::rows::{blob_to_text, text_to_blob};
use super::{Durability, Error, Queue};
use rusqlite::{Connection, OpenFlags, Transaction, params};
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Duration;
use uuid::Uuid;

/// How many files are remembered; the oldest beyond that are left to people.
const MOST: i64 = 2_000_000;
/// The fact that says how late the clock was when it was last looked at, in seconds since 1970.
pub(crate) const CLOCK_SEEN: &str = "clock_seen";
/// How many rows are read while the database is locked.
const STEP: i64 = 1000;

/// A file that the service has put into a done folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The name in it.
    pub name: OsString,
    /// The size in bytes.
    pub size: u64,
    /// What is in it.
    pub sha256: [u8; 32],
    /// When it came, in seconds since 1970.
    pub time: i64,
}

impl Queue {
    /// Shows the files that were put into a folder, by name, until `see` says `false`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn each_kept(&self, folder: &Path, mut see: impl FnMut(Kept) -> bool) -> Result<(), Error> {
        self.heeding(|| {
            let folder = text_to_blob(folder.as_os_str());
            let mut after: Vec<u8> = Vec::new();
            loop {
                let page: Vec<Kept> = {
                    let db = self.db()?;
                    let mut statement = db.connection.prepare_cached(
                        "SELECT name, size, sha256, time FROM finished WHERE folder = ?1 AND name > ?2
                     ORDER BY name LIMIT ?3",
                    )?;
                    let rows = statement.query_map(params![folder, after, STEP], |row| {
                        Ok(Kept {
                            name: blob_to_text(row.get_ref(0)?.as_blob()?),
                            size: row.get::<_, i64>(1)?.cast_unsigned(),
                            sha256: row.get(2)?,
                            time: row.get(3)?,
                        })
                    })?;
                    rows.collect::<Result<_, _>>()?
                };
                let Some(last) = page.last() else { return Ok(()) };
                after = text_to_blob(&last.name);
                for kept in page {
                    if !see(kept) {
                        return Ok(());
                    }
                }
            }
        })
    }

    /// Remembers a file that was put into a folder; [`Queue::settle`] does so by itself.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn keep_in_mind(&self, folder: &Path, kept: &Kept) -> Result<(), Error> {
        self.commit(Durability::Lazy, |db| insert(db, folder, kept))
    }

    /// Forgets files of a folder: they were removed, or are not ours any more.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn forget_kept(&self, folder: &Path, names: &[OsString]) -> Result<(), Error> {
        let folder = text_to_blob(folder.as_os_str());
        for names in names.chunks(STEP as usize) {
            self.commit(Durability::Lazy, |db| {
                let mut delete = db.prepare_cached("DELETE FROM finished WHERE folder = ?1 AND name = ?2")?;
                for name in names {
                    delete.execute(params![folder, text_to_blob(name)])?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Forgets the oldest files where there are too many to remember.
    ///
    /// # Errors
    /// If the database cannot be read or written.
    pub fn prune_kept(&self) -> Result<(), Error> {
        self.commit(Durability::Lazy, |db| {
            let all: i64 = db.query_row("SELECT count(*) FROM finished", [], |row| row.get(0))?;
            if all <= MOST {
                return Ok(0);
            }
            db.execute(
                "DELETE FROM finished WHERE time <=
                   (SELECT time FROM finished ORDER BY time DESC LIMIT 1 OFFSET ?1)",
                [MOST],
            )
        })?;
        Ok(())
    }
}

/// The fact that says from when on files may be removed from a folder, in seconds since 1970.
pub(crate) fn removal_fact(folder: &Path) -> String {
    format!("retention_from:{}", folder.display())
}

/// Whether the service has used a folder for finished files before: asked of the database in its data folder
/// while the service may be running. `None` if it does not tell.
pub fn knows_folder(data: &Path, folder: &Path) -> Option<bool> {
    if !data.join(super::DATABASE).try_exists().ok()? {
        return Some(false);
    }
    Some(super::schema::fact(&look_into(data)?, &removal_fact(folder)).ok()?.is_some())
}

/// Retains the identifiers of reports that were delivered, of which the database in this data folder may not
/// know all that are older than 400 days; all of them if it does not tell.
pub fn retain_delivered(data: &Path, ids: &mut HashSet<Uuid>) {
    let known = |ids: &HashSet<Uuid>| -> Option<HashSet<Uuid>> {
        let connection = look_into(data)?;
        let mut select = connection.prepare("SELECT 1 FROM known WHERE id = ?1").ok()?;
        let mut known = HashSet::new();
        for id in ids {
            if select.exists([id.as_bytes()]).ok()? {
                known.insert(*id);
            }
        }
        Some(known)
    };
    if let Some(known) = known(ids) {
        *ids = known;
    }
}

/// Opens the database for reading while the service may be running.
fn look_into(data: &Path) -> Option<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(data.join(super::DATABASE), flags).ok()?;
    connection.busy_timeout(Duration::from_secs(1)).ok()?;
    Some(connection)
}

/// Remembers a file. A clock that has not been set yet, as after a start without a battery, does not make it old.
pub(super) fn insert(db: &Transaction<'_>, folder: &Path, kept: &Kept) -> Result<(), rusqlite::Error> {
    let (folder, name): (&OsStr, &OsStr) = (folder.as_os_str(), &kept.name);
    let time = super::schema::fact(db, CLOCK_SEEN)?.map_or(kept.time, |seen| kept.time.max(seen));
    db.prepare_cached(
        "INSERT OR REPLACE INTO finished (folder, name, size, sha256, time) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        text_to_blob(folder),
        text_to_blob(name),
        kept.size.cast_signed(),
        kept.sha256,
        time
    ])?;
    Ok(())
}
