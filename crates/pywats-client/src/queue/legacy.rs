//! Reports that were queued by the first schema: their bodies are in the table `report`, and their files
//! still lie in the watch folder. They are sent and settled as they are; nothing is copied.
//!
//! The old table has no index by identifier or by content, and is large. Both are looked up in a list in
//! memory, made when it is first needed; without old rows all of this costs nothing.

use super::listing::{self, Listed};
use super::note::suspicion;
use super::rows::{blob_to_text, text_id, text_to_blob};
use super::{Body, Durability, Entry, Error, Place, Queue, Suspicion, Unit, Verdict, known, schema};
use crate::disposition::Original;
use crate::folder::Identity;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use uuid::Uuid;

/// Of `report AS r LEFT JOIN trouble AS t`.
const COLUMNS: &str = "r.seq, r.id, r.folder, r.name, r.size, r.sha256, r.attempts + ifnull(t.attempts, 0), r.device, r.file, r.modified_ns";
const UNDECIDED: &str = "NOT EXISTS (SELECT 1 FROM verdict AS v WHERE v.seq = r.seq)";

/// What is known of the old rows.
#[derive(Debug, Default)]
pub(super) struct Legacy {
    any: AtomicBool,
    index: OnceLock<Index>,
    /// A report was passed over because an old one of the same identifier waits.
    skipped: AtomicBool,
}

/// The first eight bytes of identifiers and digests, with the rows that have them; sorted.
#[derive(Debug)]
struct Index {
    ids: Vec<(u64, i64)>,
    contents: Vec<(u64, i64)>,
}

impl Legacy {
    /// For a database that has the old table, or not.
    pub(super) fn new(any: bool) -> Self {
        Legacy { any: AtomicBool::new(any), ..Legacy::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.any.load(Ordering::Relaxed)
    }

    /// Whether a report was passed over since this was asked last.
    pub(super) fn was_skipped(&self) -> bool {
        !self.is_empty() && self.skipped.swap(false, Ordering::Relaxed)
    }

    pub(super) fn next(
        &self,
        db: &Connection,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Entry>, rusqlite::Error> {
        let mut statement = db.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM report AS r LEFT JOIN trouble AS t ON t.seq = r.seq
             WHERE r.seq > ?1 AND t.kind IS NULL AND {UNDECIDED} ORDER BY r.seq LIMIT ?2"
        ))?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut entries = Vec::new();
        for entry in statement.query_map(params![after, limit], read)? {
            let entry = entry?;
            if self.in_turn(db, entry.id, entry.seq)? {
                self.skipped.store(true, Ordering::Relaxed);
            } else {
                entries.push(entry);
            }
        }
        Ok(entries)
    }

    /// Whether an old report has this identifier that is to be sent in turn.
    pub(super) fn holds_id(&self, db: &Connection, id: Uuid) -> Result<bool, rusqlite::Error> {
        let holds = !self.is_empty() && self.in_turn(db, id, i64::MAX)?;
        if holds {
            self.skipped.store(true, Ordering::Relaxed);
        }
        Ok(holds)
    }

    fn in_turn(&self, db: &Connection, id: Uuid, before: i64) -> Result<bool, rusqlite::Error> {
        let mut statement = db.prepare_cached(&format!(
            "SELECT id FROM report AS r WHERE seq = ?1 AND {UNDECIDED}
             AND NOT EXISTS (SELECT 1 FROM trouble AS t WHERE t.seq = r.seq AND t.kind IS NOT NULL)"
        ))?;
        for &seq in self.rows_with_id(db, id)?.iter().filter(|&&seq| seq < before) {
            if statement.query_row([seq], |row| text_id(row, 0)).optional()? == Some(id) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn suspects(&self, db: &Connection) -> Result<Vec<(Entry, Suspicion)>, rusqlite::Error> {
        if self.is_empty() {
            return Ok(Vec::new());
        }
        let mut statement = db.prepare_cached(&format!(
            "SELECT {COLUMNS}, t.kind, t.tries, t.since, t.parked FROM trouble AS t JOIN report AS r USING (seq)
             WHERE t.kind IS NOT NULL AND {UNDECIDED} ORDER BY r.seq"
        ))?;
        let rows = statement.query_map([], |row| Ok((read(row)?, suspicion(row, 10)?)))?;
        rows.collect()
    }

    /// The unit of the last old report with this identifier.
    pub(super) fn unit(&self, db: &Connection, id: Uuid) -> Result<Option<Unit>, rusqlite::Error> {
        if self.is_empty() {
            return Ok(None);
        }
        for &seq in self.rows_with_id(db, id)?.iter().rev() {
            let row = db
                .query_row("SELECT id, body FROM report WHERE seq = ?1", [seq], |row| {
                    Ok((text_id(row, 0)?, row.get::<_, Vec<u8>>(1)?))
                })
                .optional()?;
            if let Some((_, body)) = row.filter(|(found, _)| *found == id) {
                return Ok(known::unit_in(&body));
            }
        }
        Ok(None)
    }

    fn rows_with_id(&self, db: &Connection, id: Uuid) -> Result<Vec<i64>, rusqlite::Error> {
        Ok(rows_of(&self.index(db)?.ids, prefix(id.as_bytes())))
    }

    fn index(&self, db: &Connection) -> Result<&Index, rusqlite::Error> {
        if let Some(index) = self.index.get() {
            return Ok(index);
        }
        let mut index = Index { ids: Vec::new(), contents: Vec::new() };
        let mut statement = db.prepare("SELECT seq, id, sha256 FROM report")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let seq = row.get(0)?;
            index.ids.push((prefix(text_id(row, 1)?.as_bytes()), seq));
            index.contents.push((prefix(row.get_ref(2)?.as_blob()?), seq));
        }
        index.ids.sort_unstable();
        index.contents.sort_unstable();
        Ok(self.index.get_or_init(|| index))
    }
}

fn prefix(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
}

fn rows_of(list: &[(u64, i64)], key: u64) -> Vec<i64> {
    let start = list.partition_point(|&(other, _)| other < key);
    list[start..].iter().take_while(|&&(other, _)| other == key).map(|&(_, seq)| seq).collect()
}

impl Queue {
    /// Whether an old report waits that was read from this file, as far as can be told without reading it.
    /// Free once no old report waits. Where the answer is no, ask [`Queue::legacy_by_content`] when the
    /// file was read.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn legacy_by_identity(
        &self,
        folder: &Path,
        name: &OsStr,
        identity: &Identity,
    ) -> Result<bool, Error> {
        self.heeding(|| {
            if self.legacy.is_empty() {
                return Ok(false);
            }
            let db = self.db()?;
            let found = db
                .connection
                .prepare_cached(
                    "SELECT 1 FROM report WHERE device = ?1 AND file = ?2 AND size = ?3 AND modified_ns = ?4
                 AND folder = ?5 AND name = ?6",
                )?
                .exists(params![
                    identity.device.cast_signed(),
                    identity.file.cast_signed(),
                    identity.size.cast_signed(),
                    identity.modified_ns,
                    text_to_blob(folder.as_os_str()),
                    text_to_blob(name),
                ])?;
            Ok(found)
        })
    }

    /// Whether an old report waits that was read from a file with this content, and the same name or the
    /// same identity; it may have been renamed, or its share may have come back with another device number.
    /// The row then says where the file is now. Free once no old report waits.
    ///
    /// # Errors
    /// If the database cannot be read or written.
    pub fn legacy_by_content(
        &self,
        folder: &Path,
        name: &OsStr,
        identity: &Identity,
        sha256: &[u8; 32],
    ) -> Result<bool, Error> {
        self.heeding(|| {
            if self.legacy.is_empty() {
                return Ok(false);
            }
            let candidates = rows_of(&self.legacy.index(&self.db()?.connection)?.contents, prefix(sha256));
            if candidates.is_empty() {
                return Ok(false);
            }
            self.commit(Durability::Lazy, |db| {
                for &seq in &candidates {
                    let changed = db.execute(
                        "UPDATE report SET folder = ?2, name = ?3, device = ?4, file = ?5, modified_ns = ?6
                     WHERE seq = ?1 AND sha256 = ?7 AND (name = ?3 AND folder = ?2 OR
                       device = ?4 AND file = ?5 AND modified_ns = ?6)",
                        params![
                            seq,
                            text_to_blob(folder.as_os_str()),
                            text_to_blob(name),
                            identity.device.cast_signed(),
                            identity.file.cast_signed(),
                            identity.modified_ns,
                            sha256,
                        ],
                    )?;
                    if changed > 0 {
                        return Ok(true);
                    }
                }
                Ok(false)
            })
        })
    }

    /// The old reports that are decided, after row `after`.
    pub(super) fn legacy_decided(&self, after: i64, limit: usize) -> Result<Vec<(Old, Verdict)>, Error> {
        if self.legacy.is_empty() {
            return Ok(Vec::new());
        }
        let db = self.db()?;
        let mut statement = db.connection.prepare_cached(&format!(
            "SELECT {COLUMNS}, v.reason FROM verdict AS v JOIN report AS r USING (seq)
             LEFT JOIN trouble AS t USING (seq) WHERE v.seq > ?1 ORDER BY v.seq LIMIT ?2"
        ))?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![after, limit], |row| {
            let original = Original {
                folder: PathBuf::from(blob_to_text(row.get_ref(2)?.as_blob()?)),
                name: blob_to_text(row.get_ref(3)?.as_blob()?),
                size: row.get::<_, i64>(4)?.cast_unsigned(),
                sha256: row.get(5)?,
            };
            let reason: Option<String> = row.get(10)?;
            let old = Old { seq: row.get(0)?, id: text_id(row, 1)?, original };
            Ok((old, reason.map_or(Verdict::Delivered, Verdict::Refused)))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Drops the old table when its last row has gone.
    pub(super) fn drop_empty_legacy(&self) -> Result<(), Error> {
        if self.legacy.is_empty() {
            return Ok(());
        }
        let dropped = self.commit(Durability::Lazy, |db| {
            if !schema::has_first(db)? || !db.prepare("SELECT 1 FROM report LIMIT 1")?.exists([])? {
                db.execute_batch("DROP TABLE IF EXISTS report")?;
                return Ok(true);
            }
            Ok(false)
        })?;
        if dropped {
            self.legacy.any.store(false, Ordering::Relaxed);
            tracing::info!("the reports that the previous version had queued are all delivered");
        }
        Ok(())
    }
}

/// A decided report of the old table.
#[derive(Debug)]
pub(super) struct Old {
    pub seq: i64,
    pub id: Uuid,
    pub original: Original,
}

/// The undecided old reports after row `after`, for people.
pub(super) fn listed(db: &Connection, after: i64, limit: usize) -> Result<Vec<Listed>, rusqlite::Error> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS}, t.kind, ifnull(t.tries, 0), ifnull(t.since, 0), ifnull(t.parked, 0)
         FROM report AS r LEFT JOIN trouble AS t ON t.seq = r.seq
         WHERE r.seq > ?1 AND {UNDECIDED} ORDER BY r.seq LIMIT ?2"
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows =
        statement.query_map(params![after, limit], |row| listing::listed(read(row)?, None, row, 10))?;
    rows.collect()
}

/// The body of an old row.
pub(super) fn body(db: &Connection, seq: i64) -> Result<Body, Error> {
    let body = db
        .prepare_cached("SELECT body FROM report WHERE seq = ?1")?
        .query_row([seq], |row| row.get(0))
        .optional()?;
    Ok(body.map_or(Body::Gone, Body::Ready))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        seq: row.get(0)?,
        id: text_id(row, 1)?,
        folder: PathBuf::from(blob_to_text(row.get_ref(2)?.as_blob()?)),
        name: blob_to_text(row.get_ref(3)?.as_blob()?),
        size: row.get::<_, i64>(4)?.cast_unsigned(),
        sha256: row.get(5)?,
        attempts: row.get::<_, i64>(6)?.cast_unsigned(),
        edits: String::new(),
        serial_number: String::new(),
        place: Place::Row,
        class: 0,
    })
}
