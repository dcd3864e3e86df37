//! Decided reports go to their end: from the spool to `done/`, `failed/` or the archive; then their rows go.
//!
//! No file is synchronised for that, where the end is on the same file system: a rename that a power cut
//! undoes only sends the report again, or moves it again. A copy to another file system is complete on
//! the disk before the file leaves the spool.

use super::legacy::Old;
use super::rows::{self, COLUMNS};
use super::{
    Durability, Entry, Error, Kept, Leftover, Place, Queue, Unit, Verdict, finished, known, leftover, lock,
    schema, spool,
};
use crate::disposition::{Disposition, Ending, Ends, MoveError, Whereabouts};
use jiff::Timestamp;
use rusqlite::{Transaction, params};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The fact that says when a delivered file was last removed, in seconds since 1970.
const DELETED: &str = "deleted_last";

/// What came of settling.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// How many reports are at their end.
    pub moved: usize,
    /// What stays in the spool or the watch folder for now, and why; tried again at the next round.
    pub left: Vec<String>,
    /// Whether there are more that were not tried in this round.
    pub more: bool,
}

/// A report that is at its end and whose row goes.
pub(super) struct Finished {
    pub seq: i64,
    pub id: Uuid,
    pub delivered: bool,
    /// Unknown for reports of the first schema whose body cannot be read.
    pub unit: Option<Unit>,
    pub leftover: Option<Leftover>,
    /// The folder that has the file now, and the file.
    pub kept: Option<(PathBuf, Kept)>,
}

/// A decided report of the spool.
struct Decided {
    entry: Entry,
    notes: Vec<String>,
    unit: Unit,
    verdict: Verdict,
}

impl Queue {
    /// Moves decided reports to their end, at most `limit`, and removes their rows in one lazy commit. Goes
    /// on where it ended the last time, so that one that cannot be moved does not keep the others; after
    /// the last one (`more` is false) it starts over.
    ///
    /// May take long where the end is an archive or another file system: call it from a thread of its own.
    /// Calls at the same time wait for each other.
    ///
    /// # Errors
    /// If the database cannot be read or written; files that were moved by then are found at their end.
    pub fn settle(&self, ends: &impl Ends, limit: usize) -> Result<Settled, Error> {
        self.heeding(|| {
            let mut after = lock(&self.settling);
            let mut settled = Settled::default();
            let old = self.legacy_decided(*after, limit)?;
            let decided = self.decided(*after, limit - old.len())?;
            settled.more = old.len() + decided.len() == limit && limit > 0;
            let last = decided.last().map(|last| last.entry.seq).or(old.last().map(|(old, _)| old.seq));
            let mut finished = Vec::new();
            for (old, verdict) in &old {
                match self.end_of_old(ends.of(&old.original.folder), old, verdict) {
                    Ok(done) => finished.push(done),
                    Err(error) => settled.left.push(format!("{:?}: {error}", old.original.name)),
                }
            }
            self.end(ends, &decided, &mut finished, &mut settled)?;
            self.finish(&finished)?;
            settled.moved = finished.len();
            *after = if settled.more { last.unwrap_or(0) } else { 0 };
            if !old.is_empty() && !settled.more {
                self.drop_empty_legacy()?;
            }
            Ok(settled)
        })
    }

    /// Whether something is decided that is not at its end.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn has_decided(&self) -> Result<bool, Error> {
        self.heeding(|| {
            Ok(self.db()?.connection.prepare_cached("SELECT 1 FROM verdict LIMIT 1")?.exists([])?)
        })
    }

    fn end(
        &self,
        ends: &impl Ends,
        decided: &[Decided],
        finished: &mut Vec<Finished>,
        settled: &mut Settled,
    ) -> Result<(), Error> {
        let is_removed = |report: &Decided| {
            report.verdict == Verdict::Delivered && ends.of(&report.entry.folder).deletes()
        };
        if decided.iter().any(is_removed) {
            self.make_verdicts_last()?;
        }
        let mut sure = false;
        let mut left: Vec<&Decided> = decided.iter().collect();
        while let Some(first) = left.first() {
            // Those of one watch folder at a time, so that its folders are opened once.
            let end = ends.of(&first.entry.folder);
            let (here, others) =
                left.into_iter().partition(|report| std::ptr::eq(ends.of(&report.entry.folder), end));
            left = others;
            self.end_here(end, &here, finished, settled, &mut sure)?;
        }
        Ok(())
    }

    fn end_here(
        &self,
        end: &Disposition,
        decided: &[&Decided],
        finished: &mut Vec<Finished>,
        settled: &mut Settled,
        sure: &mut bool,
    ) -> Result<(), Error> {
        let endings: Vec<Ending<'_>> = decided.iter().map(|report| report.ending()).collect();
        let results = end.end(&self.spool, &endings);
        for (report, result) in decided.iter().zip(results) {
            match result {
                Ok(Whereabouts::Moved) => finished.push(report.finished(None)),
                Ok(Whereabouts::Done(name)) => {
                    finished.push(report.finished(Some((end.done_folder(), name))));
                }
                Ok(Whereabouts::Absent) => {
                    // It was moved before a crash; unless the spool itself is not the one it was.
                    if !*sure {
                        spool::still_there(&self.spool)?;
                        *sure = true;
                    }
                    finished.push(report.finished(None));
                }
                Err(error) => settled.left.push(format!("{:?}: {error}", report.entry.name)),
            }
        }
        Ok(())
    }

    fn end_of_old(&self, ends: &Disposition, old: &Old, verdict: &Verdict) -> Result<Finished, MoveError> {
        let Old { seq, id, original } = old;
        let body = || match super::legacy::body(&self.db().map_err(std::io::Error::other)?.connection, *seq) {
            Ok(super::Body::Ready(body)) => Ok(body),
            Ok(_) => Err(std::io::Error::other("its row has gone")),
            Err(error) => Err(std::io::Error::other(error)),
        };
        let kept = |name| kept(ends.done_folder(), name, original.size, original.sha256);
        let (delivered, absent, kept) = match verdict {
            Verdict::Delivered => match ends.original_delivered(original)? {
                Whereabouts::Absent => (true, true, None),
                Whereabouts::Moved => (true, false, None),
                Whereabouts::Done(name) => (true, false, Some(kept(name))),
            },
            Verdict::Refused(reason) => {
                ends.original_refused(original, reason, body)?;
                (false, false, None)
            }
        };
        // Its folder may be away for now: when it returns, the file is not a new report.
        let leftover = (delivered && absent).then(|| Leftover {
            folder: original.folder.clone(),
            name: original.name.clone(),
            size: original.size,
            sha256: original.sha256,
            id: *id,
        });
        let unit = if delivered { body().ok().and_then(|body| known::unit_in(&body)) } else { None };
        Ok(Finished { seq: *seq, id: *id, delivered, unit, leftover, kept })
    }

    fn decided(&self, after: i64, limit: usize) -> Result<Vec<Decided>, Error> {
        let db = self.db()?;
        let mut statement = db.connection.prepare_cached(&format!(
            "SELECT {COLUMNS}, v.reason FROM verdict AS v JOIN waiting AS w USING (seq)
             LEFT JOIN trouble AS t USING (seq) WHERE v.seq > ?1 ORDER BY v.seq LIMIT ?2"
        ))?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![after, limit], |row| {
            let notes: String = row.get(8)?;
            let reason: Option<String> = row.get(rows::READ)?;
            Ok(Decided {
                entry: rows::read(row)?,
                notes: notes.lines().map(str::to_owned).collect(),
                unit: rows::unit(row)?,
                verdict: reason.map_or(Verdict::Delivered, Verdict::Refused),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Makes what was committed lazily survive a power cut: once a file is removed, nothing else says that its
    /// report was delivered.
    fn make_verdicts_last(&self) -> Result<(), Error> {
        self.commit(Durability::Full, |db| schema::set_fact(db, DELETED, Timestamp::now().as_second()))
    }

    /// Removes the rows of reports that are at their end, and counts them.
    pub(super) fn finish(&self, finished: &[Finished]) -> Result<(), Error> {
        if finished.is_empty() {
            return Ok(());
        }
        let old = !self.legacy.is_empty();
        self.commit(Durability::Lazy, |db| {
            for report in finished {
                if let (true, Some(unit)) = (report.delivered, &report.unit) {
                    known::insert(db, report.id, unit)?;
                }
                if let Some(original) = &report.leftover {
                    leftover::write(db, original)?;
                }
                if let Some((done, kept)) = &report.kept {
                    finished::insert(db, done, kept)?;
                }
                remove(db, report.seq, old)?;
            }
            let delivered = finished.iter().filter(|report| report.delivered).count();
            schema::count(db, "delivered", delivered as u64)?;
            schema::count(db, "failed", (finished.len() - delivered) as u64)
        })
    }
}

impl Decided {
    fn ending(&self) -> Ending<'_> {
        let spool = match &self.entry.place {
            Place::Spool(spool) => spool.as_os_str(),
            Place::Row => self.entry.name.as_os_str(),
        };
        Ending {
            spool,
            name: &self.entry.name,
            folder: &self.entry.folder,
            id: self.entry.id,
            sha256: self.entry.sha256,
            edited: !self.entry.edits.is_empty() || !self.notes.is_empty(),
            notes: &self.notes,
            reason: match &self.verdict {
                Verdict::Delivered => None,
                Verdict::Refused(reason) => Some(reason),
            },
        }
    }

    fn finished(&self, done: Option<(&Path, OsString)>) -> Finished {
        Finished {
            seq: self.entry.seq,
            id: self.entry.id,
            delivered: self.verdict == Verdict::Delivered,
            unit: Some(self.unit.clone()),
            leftover: None,
            kept: done.map(|(folder, name)| kept(folder, name, self.entry.size, self.entry.sha256)),
        }
    }
}

fn kept(folder: &Path, name: OsString, size: u64, sha256: [u8; 32]) -> (PathBuf, Kept) {
    (folder.to_path_buf(), Kept { name, size, sha256, time: Timestamp::now().as_second() })
}

pub(super) fn remove(db: &Transaction<'_>, seq: i64, old: bool) -> Result<(), rusqlite::Error> {
    for statement in [
        "DELETE FROM verdict WHERE seq = ?1",
        "DELETE FROM trouble WHERE seq = ?1",
        "DELETE FROM waiting WHERE seq = ?1",
    ] {
        db.prepare_cached(statement)?.execute([seq])?;
    }
    if old {
        db.prepare_cached("DELETE FROM report WHERE seq = ?1")?.execute([seq])?;
    }
    Ok(())
}
