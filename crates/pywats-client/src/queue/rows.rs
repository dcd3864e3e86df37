//! Reports that wait: adding them, giving them out in order, and the bytes to send.

use super::note::CHANGED;
use super::{Durability, Error, Queue, edits, legacy, sound, spool};
use crate::folder::OpenRefused;
use rusqlite::{OptionalExtension, Row, Transaction, params, types::Type};
use sha2::{Digest, Sha256};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use uuid::Uuid;

/// The columns that [`read`] wants, of `waiting AS w LEFT JOIN trouble AS t`: those of [`sound::SUMMED`], and two
/// more.
pub(super) const COLUMNS: &str =
    "w.seq, w.id, w.spool, w.folder, w.name, w.size, w.sha256, w.edits, w.notes, w.serial, w.start, w.sum,
     ifnull(t.attempts, 0)";
/// How many they are.
pub(super) const READ: usize = 13;

/// The start of a report that intake has not judged yet.
const NOT_JUDGED: i64 = i64::MIN;

/// Which test of which unit a report is about. One identifier stands for one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Unit {
    /// The serial number.
    pub serial_number: String,
    /// When the test began, in microseconds since 1970.
    pub start: i64,
}

impl Unit {
    /// The unit and start of a report.
    pub fn of(report: &wats::Report) -> Self {
        Unit { serial_number: report.serial_number().to_owned(), start: report.start().as_microsecond() }
    }
}

/// A report to be queued; its file lies in the spool already, and its content is on the disk.
#[derive(Clone, Debug)]
pub struct NewReport {
    /// Its identifier.
    pub id: Uuid,
    /// Its name in the spool, see [`spool::name`].
    pub spool: OsString,
    /// The watch folder that it came from.
    pub folder: PathBuf,
    /// Its name there.
    pub name: OsString,
    /// The size in bytes.
    pub size: u64,
    /// What is in it.
    pub sha256: [u8; 32],
    /// What is changed when it is sent, as `Edits::to_text` writes it.
    pub edits: String,
    /// The edits for people.
    pub notes: Vec<String>,
    /// Which unit it is about.
    pub unit: Unit,
    /// The file was copied from another file system, and the original still lies there: it is
    /// remembered as a [`super::Leftover`] in the same commit.
    pub copied: bool,
}

/// Where the bytes of a report are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this file of the spool.
    Spool(OsString),
    /// In the database: a report of the first schema.
    Row,
}

/// A report in the queue, without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The order of arrival.
    pub seq: i64,
    /// The report's identifier.
    pub id: Uuid,
    /// The name that its file had in the watch folder.
    pub name: OsString,
    /// The watch folder, or a folder in it. Of a report that was found in the spool without a row it is the name of the
    /// watch folder, empty for the default one, until intake has judged it.
    pub folder: PathBuf,
    /// The serial number; empty for a report that intake has not judged, or of the first schema.
    pub serial_number: String,
    /// The size of the file in bytes.
    pub size: u64,
    /// What was in the file.
    pub sha256: [u8; 32],
    /// What is changed when it is sent, as `Edits::to_text` writes it.
    pub edits: String,
    /// How often the server has been tried.
    pub attempts: u64,
    /// Where the bytes are.
    pub place: Place,
    /// Whether it is sent before others: those of the class 0 come first.
    pub class: usize,
}

impl Entry {
    /// That its file was removed from the spool while it waited, in words.
    pub fn lost(&self) -> String {
        format!(
            "report {} ({:?}): somebody removed its file from the spool before the server had confirmed it. If it is \
             wanted, put it into the watch folder again",
            self.id, self.name
        )
    }
}

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// These bytes, the same at each attempt.
    Ready(Vec<u8>),
    /// The file is not the one that was taken in: somebody who had it open has written to it, or still
    /// does. [`Queue::changed`] hands it back.
    Changed,
    /// Somebody removed the file from the spool; the row is removed already, and the report counted as lost.
    Gone,
}

impl Queue {
    /// Commits reports; when this returns they survive a power cut, if their files and the spool folder
    /// were synchronised before. All of them are in the queue then, or none.
    ///
    /// # Errors
    /// If the database cannot be written: then none is in the queue.
    pub fn add(&self, batch: &[NewReport]) -> Result<Vec<i64>, Error> {
        let seqs = self.commit_counting(Durability::Full, |db, next_seq| {
            let mut seqs = Vec::with_capacity(batch.len());
            for report in batch {
                insert(db, *next_seq, report)?;
                if report.copied {
                    super::leftover::insert(db, report)?;
                }
                seqs.push(*next_seq);
                *next_seq += 1;
            }
            Ok(seqs)
        })?;
        self.counters.waiting.fetch_add(seqs.len() as i64, Ordering::Relaxed);
        Ok(seqs)
    }

    /// The oldest reports after row `after` that can be sent: not decided, not suspect, not handed back,
    /// and without an earlier one of the same identifier that still waits its turn. At most `limit`.
    ///
    /// An earlier one that is a suspect holds nothing up: who is given the later one decides the earlier one
    /// before the later one is sent.
    ///
    /// Only those of a class, see [`Queue::prefer`]. Costs the same however many wait. See [`Queue::rewound`] for when to
    /// ask from 0 again.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn next(&self, class: usize, after: i64, limit: usize) -> Result<Vec<Entry>, Error> {
        self.heeding(|| {
            let mut db = self.db()?;
            let before_ready = db.before_ready.get(class).copied().unwrap_or_default();
            let from_start = after <= before_ready;
            let after = after.max(before_ready);
            let mut entries = if self.legacy.is_empty() || class > 0 {
                Vec::new()
            } else {
                self.legacy.next(&db.connection, after, limit)?
            };
            if entries.len() < limit {
                let of_class = match self.classes.count() {
                    1 => String::new(),
                    _ => format!("AND class(w.folder) = {class}"),
                };
                let mut statement = db.connection.prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM waiting AS w LEFT JOIN trouble AS t ON t.seq = w.seq
                 WHERE w.seq > ?1 AND t.kind IS NULL {of_class}
                   AND NOT EXISTS (SELECT 1 FROM verdict AS v WHERE v.seq = w.seq)
                   AND NOT EXISTS (SELECT 1 FROM waiting AS e LEFT JOIN trouble AS et ON et.seq = e.seq
                                   WHERE e.id = w.id AND e.seq < w.seq
                                   AND (et.kind IS NULL OR et.kind = '{CHANGED}')
                                   AND NOT EXISTS (SELECT 1 FROM verdict AS v WHERE v.seq = e.seq))
                 ORDER BY w.seq LIMIT ?2"
                ))?;
                let wanted = i64::try_from(limit - entries.len()).unwrap_or(i64::MAX);
                for entry in statement.query_map(params![after, wanted], read)? {
                    let entry = Entry { class, ..entry? };
                    if !self.legacy.holds_id(&db.connection, entry.id)? {
                        entries.push(entry);
                    }
                }
            }
            if from_start {
                let last = db.next_seq - 1;
                if db.before_ready.len() <= class {
                    db.before_ready.resize(class + 1, 0);
                }
                db.before_ready[class] = entries.first().map_or(last.max(0), |entry| entry.seq - 1);
            }
            Ok(entries)
        })
    }

    /// Whether a report before those that [`Queue::next`] has given may be ready now: one was cleared, or
    /// the earlier of two with one identifier was decided or is a suspect. Then ask from 0 again. Says so once.
    pub fn rewound(&self) -> bool {
        self.rewound.swap(false, Ordering::Relaxed)
    }

    /// The bytes to send: the file, if it is still the one that was taken in, with the edits made.
    ///
    /// # Errors
    /// If file or database cannot be read.
    pub fn body(&self, entry: &Entry) -> Result<Body, Error> {
        self.heeding(|| {
            let Place::Spool(spool) = &entry.place else {
                return legacy::body(&self.db()?.connection, entry.seq);
            };
            let blame = |error| self.spool_error(spool, error);
            let mut open = match self.spool.open_own(spool) {
                Ok(open) => open,
                Err(OpenRefused::Gone) => {
                    return Ok(if self.lose_if_gone(entry)? { Body::Gone } else { Body::Changed });
                }
                Err(OpenRefused::InUse) => return Ok(Body::Changed),
                Err(OpenRefused::Foreign(what)) => {
                    return Err(Error::Foreign { path: self.spool.path().join(spool), what });
                }
                Err(OpenRefused::Failed(error)) => return Err(blame(error)),
            };
            if open.identity.size != entry.size {
                return Ok(Body::Changed);
            }
            let bytes = open.read(entry.size).map_err(blame)?;
            if bytes.len() as u64 != entry.size || Sha256::digest(&bytes)[..] != entry.sha256 {
                return Ok(Body::Changed);
            }
            match edits::apply(&entry.edits, bytes) {
                Ok(bytes) => Ok(Body::Ready(bytes)),
                Err(error) => {
                    tracing::warn!("report {}: judged again: {error}", entry.id);
                    Ok(Body::Changed)
                }
            }
        })
    }

    pub(super) fn spool_error(&self, name: &OsStr, error: io::Error) -> Error {
        Error::Spool { path: self.spool.path().join(name), error }
    }

    /// Which unit the row is about.
    pub(super) fn unit_of(db: &rusqlite::Connection, id: Uuid) -> Result<Option<Unit>, rusqlite::Error> {
        db.prepare_cached(
            "SELECT serial, start FROM waiting WHERE id = ?1 AND start <> ?2 ORDER BY seq DESC LIMIT 1",
        )?
        .query_row(params![id.as_bytes(), NOT_JUDGED], |row| {
            Ok(Unit { serial_number: row.get(0)?, start: row.get(1)? })
        })
        .optional()
    }

    /// Some row before those that were given out has become ready.
    pub(super) fn rewind(&self, seq: i64) -> Result<(), Error> {
        let mut db = self.db()?;
        for before_ready in &mut db.before_ready {
            *before_ready = (*before_ready).min(seq - 1);
        }
        self.rewound.store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// A row for a file that was found in the spool without one; intake is to judge it.
pub(super) fn insert_orphan(
    db: &Transaction<'_>,
    seq: i64,
    orphan: &spool::Orphan,
) -> Result<(), rusqlite::Error> {
    let report = NewReport {
        id: orphan.id,
        spool: orphan.spool.clone(),
        folder: PathBuf::from(&orphan.origin.folder),
        name: orphan.name.clone(),
        size: orphan.size,
        sha256: [0; 32],
        edits: String::new(),
        notes: Vec::new(),
        unit: Unit { serial_number: String::new(), start: NOT_JUDGED },
        copied: false,
    };
    insert(db, seq, &report)
}

fn insert(db: &Transaction<'_>, seq: i64, report: &NewReport) -> Result<(), rusqlite::Error> {
    db.prepare_cached(
        "INSERT INTO waiting (seq, id, spool, folder, name, size, sha256, edits, notes, serial, start, sum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?
    .execute(params![
        seq,
        report.id.as_bytes(),
        text_to_blob(&report.spool),
        text_to_blob(report.folder.as_os_str()),
        text_to_blob(&report.name),
        report.size.cast_signed(),
        report.sha256,
        report.edits,
        lines(&report.notes),
        report.unit.serial_number,
        report.unit.start,
        sound::of_report(seq, report),
    ])?;
    Ok(())
}

/// What intake found in a file that it judged again. Identifier and place are those of the row.
pub(super) fn update(db: &Transaction<'_>, seq: i64, report: &NewReport) -> Result<(), rusqlite::Error> {
    db.prepare_cached(
        "UPDATE waiting SET folder = ?2, name = ?3, size = ?4, sha256 = ?5, edits = ?6, notes = ?7, serial = ?8,
                start = ?9, sum = ?10 WHERE seq = ?1",
    )?
    .execute(params![
        seq,
        text_to_blob(report.folder.as_os_str()),
        text_to_blob(&report.name),
        report.size.cast_signed(),
        report.sha256,
        report.edits,
        lines(&report.notes),
        report.unit.serial_number,
        report.unit.start,
        sound::of_report(seq, report),
    ])?;
    Ok(())
}

/// One note a line.
pub(super) fn lines(notes: &[String]) -> String {
    notes.iter().map(|note| note.replace(['\n', '\r'], " ")).collect::<Vec<_>>().join("\n")
}

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Entry> {
    sound::check(row)?;
    Ok(Entry {
        seq: row.get(0)?,
        id: id(row, 1)?,
        place: Place::Spool(blob_to_text(row.get_ref(2)?.as_blob()?)),
        folder: PathBuf::from(blob_to_text(row.get_ref(3)?.as_blob()?)),
        name: blob_to_text(row.get_ref(4)?.as_blob()?),
        size: row.get::<_, i64>(5)?.cast_unsigned(),
        sha256: row.get(6)?,
        edits: row.get(7)?,
        serial_number: row.get(9)?,
        attempts: row.get::<_, i64>(12)?.cast_unsigned(),
        class: 0,
    })
}

/// The unit in a row that [`read`] takes.
pub(super) fn unit(row: &Row<'_>) -> rusqlite::Result<Unit> {
    Ok(Unit { serial_number: row.get(9)?, start: row.get(10)? })
}

/// Whether intake has judged the report of a row that [`read`] takes.
pub(super) fn is_judged(row: &Row<'_>) -> rusqlite::Result<bool> {
    Ok(row.get::<_, i64>(10)? != NOT_JUDGED)
}

pub(super) fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    let bytes: [u8; 16] = row.get(column)?;
    Ok(Uuid::from_bytes(bytes))
}

/// An identifier that the first schema kept as text.
pub(super) fn text_id(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    let text: String = row.get(column)?;
    Uuid::parse_str(&text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

/// Names are bytes on Unix.
#[cfg(unix)]
pub(super) fn text_to_blob(text: &OsStr) -> Vec<u8> {
    std::os::unix::ffi::OsStrExt::as_bytes(text).to_vec()
}

#[cfg(unix)]
pub(super) fn blob_to_text(blob: &[u8]) -> OsString {
    <OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(blob).to_owned()
}

/// Names are UTF-16, perhaps with lone surrogates, on Windows.
#[cfg(windows)]
pub(super) fn text_to_blob(text: &OsStr) -> Vec<u8> {
    std::os::windows::ffi::OsStrExt::encode_wide(text).flat_map(u16::to_le_bytes).collect()
}

#[cfg(windows)]
pub(super) fn blob_to_text(blob: &[u8]) -> OsString {
    let units: Vec<u16> = blob.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
    std::os::windows::ffi::OsStringExt::from_wide(&units)
}
