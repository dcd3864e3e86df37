//! Originals that could not be moved with their reports: a copy waits or was delivered, and the file in
//! the watch folder is not to be taken again.
//!
//! That happens on a share without the right to remove, and where a share was away when its report was
//! delivered. A leftover is told by folder, name, size and SHA-256: never by the number of the device,
//! which changes when a share comes back.

use super::rows::{blob_to_text, text_to_blob};
use super::spool::Origin;
use super::{Durability, Error, NewReport, Queue, known, rows};
use rusqlite::{OptionalExtension, Transaction, params};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// A file in a watch folder whose report was taken already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// The watch folder, or a folder in it. Of the original of a copy that was found in the spool without a row it is the
    /// name of the watch folder, empty for the default one.
    pub folder: PathBuf,
    /// The name in it.
    pub name: OsString,
    /// The size in bytes.
    pub size: u64,
    /// What is in it.
    pub sha256: [u8; 32],
    /// The identifier of its report.
    pub id: Uuid,
}

impl Queue {
    /// What is remembered of a file with this content: then it is not taken, and its removal (or the move to `done/`)
    /// is tried again. Where the file has another content than what is remembered, it is a new one, and the old is
    /// forgotten. `origin` is where files of its watch folder come from.
    ///
    /// # Errors
    /// If the database cannot be read or written.
    pub fn left_behind(
        &self,
        folder: &Path,
        name: &OsStr,
        size: u64,
        sha256: &[u8; 32],
        origin: &Origin,
    ) -> Result<Option<Leftover>, Error> {
        match self.leftover(folder, name, size)? {
            Some(leftover) if leftover.sha256 == *sha256 => return Ok(Some(leftover)),
            Some(_) => self.drop_leftover(folder, name)?,
            None => {}
        }
        // A copy of it may have been found without a row, which says no more than the watch folder and the name.
        let copied = self.leftover(Path::new(&origin.folder), &origin.copied().cut(name), size)?;
        Ok(copied.filter(|leftover| leftover.sha256 == *sha256))
    }

    /// What is remembered of a file by its folder, name and size.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn leftover(&self, folder: &Path, name: &OsStr, size: u64) -> Result<Option<Leftover>, Error> {
        self.heeding(|| {
        let db = self.db()?;
        let mut statement = db.connection.prepare_cached(
            "SELECT folder, name, size, sha256, id FROM leftover WHERE folder = ?1 AND name = ?2 AND size = ?3",
        )?;
        let key = params![text_to_blob(folder.as_os_str()), text_to_blob(name), size.cast_signed()];
        Ok(statement.query_row(key, read).optional()?)
        })
    }

    /// All that is remembered.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn leftovers(&self) -> Result<Vec<Leftover>, Error> {
        self.heeding(|| {
            let db = self.db()?;
            let mut statement =
                db.connection.prepare_cached("SELECT folder, name, size, sha256, id FROM leftover")?;
            let rows = statement.query_map([], read)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Remembers a file whose report was taken. [`Queue::add`] does it in the commit of a report that is
    /// `copied`.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn add_leftover(&self, leftover: &Leftover) -> Result<(), Error> {
        self.commit(Durability::Full, |db| write(db, leftover))
    }

    /// Forgets a file: it was removed and its folder synchronised, or its place has another content. That it
    /// cannot be seen is no reason: a share may be away.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn drop_leftover(&self, folder: &Path, name: &OsStr) -> Result<(), Error> {
        self.commit(Durability::Lazy, |db| {
            db.prepare_cached("DELETE FROM leftover WHERE folder = ?1 AND name = ?2")?
                .execute(params![text_to_blob(folder.as_os_str()), text_to_blob(name)])
        })?;
        Ok(())
    }
}

pub(super) fn insert(db: &Transaction<'_>, report: &NewReport) -> Result<(), rusqlite::Error> {
    let NewReport { folder, name, size, sha256, id, .. } = report;
    write(db, &Leftover { folder: folder.clone(), name: name.clone(), size: *size, sha256: *sha256, id: *id })
}

pub(super) fn write(db: &Transaction<'_>, leftover: &Leftover) -> Result<(), rusqlite::Error> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO leftover (folder, name, size, sha256, id, day) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        text_to_blob(leftover.folder.as_os_str()),
        text_to_blob(&leftover.name),
        leftover.size.cast_signed(),
        leftover.sha256,
        leftover.id.as_bytes(),
        known::today(),
    ])?;
    Ok(())
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Leftover> {
    Ok(Leftover {
        folder: PathBuf::from(blob_to_text(row.get_ref(0)?.as_blob()?)),
        name: blob_to_text(row.get_ref(1)?.as_blob()?),
        size: row.get::<_, i64>(2)?.cast_unsigned(),
        sha256: row.get(3)?,
        id: rows::id(row, 4)?,
    })
}
