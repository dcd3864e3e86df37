//! Rows whose file is not in the spool.
//!
//! While the service runs a report leaves the spool only after its verdict was committed: what is missing then was
//! removed by somebody, and is lost. After a power cut the verdict may be gone and the file at its end: there it is
//! looked for at the start. The identifier of a lost report is not remembered as used.

use super::rows::{self, COLUMNS};
use super::settle::{Finished, remove};
use super::{Durability, Entry, Error, Place, Queue, Unit, schema, spool};
use crate::disposition::{End, Ends};
use rusqlite::OptionalExtension;
use std::sync::atomic::Ordering;

impl Queue {
    /// Removes the rows of decided reports: they were moved before a crash that undid the removal. Gives back those
    /// without a verdict.
    pub(super) fn forget_decided(&self, seqs: &[i64]) -> Result<Vec<Entry>, Error> {
        let mut finished = Vec::new();
        let mut missing = Vec::new();
        {
            let db = self.db()?;
            let mut statement = db.connection.prepare_cached(&format!(
                "SELECT {COLUMNS}, v.seq IS NOT NULL, v.reason IS NULL FROM waiting AS w
                 LEFT JOIN trouble AS t USING (seq) LEFT JOIN verdict AS v USING (seq) WHERE w.seq = ?1"
            ))?;
            for &seq in seqs {
                let row = statement
                    .query_row([seq], |row| {
                        let decided = (row.get::<_, bool>(rows::READ)?, row.get(rows::READ + 1)?);
                        Ok((rows::read(row)?, rows::unit(row)?, decided))
                    })
                    .optional()?;
                match row {
                    Some((entry, unit, (true, delivered))) => {
                        finished.push(at_end(&entry, unit, delivered));
                    }
                    Some((entry, _, (false, _))) => missing.push(entry),
                    None => {}
                }
            }
        }
        self.finish(&finished)?;
        Ok(missing)
    }

    /// Finds out what became of the reports that were missing at the start; gives back those that lie nowhere. They
    /// are counted as lost.
    ///
    /// # Errors
    /// If the database cannot be read or written.
    pub fn account_for(&self, missing: Vec<Entry>, ends: &impl Ends) -> Result<Vec<Entry>, Error> {
        let mut lost = Vec::new();
        let mut finished = Vec::new();
        for entry in missing {
            let Some(end) = ends.of(&entry.folder).find(&entry) else {
                lost.push(entry);
                continue;
            };
            let delivered = end == End::Delivered;
            tracing::info!(
                "report {} ({:?}): {} before the power failed; its file is at its end",
                entry.id,
                entry.name,
                if delivered { "delivered" } else { "refused" }
            );
            // Of one that was never judged nothing is known.
            let unit = Queue::unit_of(&self.db()?.connection, entry.id)?;
            finished.push(Finished { unit, ..at_end(&entry, Unit::default(), delivered) });
        }
        self.finish(&finished)?;
        let delivered = finished.iter().filter(|report| report.delivered).count();
        self.counters.waiting.fetch_sub(finished.len() as i64, Ordering::Relaxed);
        self.counters.delivered.fetch_add(delivered as u64, Ordering::Relaxed);
        self.counters.failed.fetch_add((finished.len() - delivered) as u64, Ordering::Relaxed);
        let seqs: Vec<i64> = lost.iter().map(|entry| entry.seq).collect();
        self.lose(&seqs)?;
        Ok(lost)
    }

    /// Whether the file of a report that waits is not in the spool any more: then its row goes, and the report is
    /// counted as lost.
    ///
    /// # Errors
    /// If the spool itself is not where it was, or the database cannot be written.
    pub fn lose_if_gone(&self, entry: &Entry) -> Result<bool, Error> {
        let Place::Spool(spool) = &entry.place else { return Ok(false) };
        spool::still_there(&self.spool)?;
        if !matches!(self.spool.look(spool), Ok(None)) {
            return Ok(false);
        }
        self.lose(&[entry.seq])?;
        Ok(true)
    }

    /// Removes the rows of reports that are lost, and counts them.
    fn lose(&self, seqs: &[i64]) -> Result<(), Error> {
        if seqs.is_empty() {
            return Ok(());
        }
        let change = self.commit(Durability::Lazy, |db| {
            let mut change = super::note::Change::default();
            let mut waits = db.prepare_cached(
                "SELECT 1 FROM waiting WHERE seq = ?1 AND seq NOT IN (SELECT seq FROM verdict)",
            )?;
            for &seq in seqs {
                if waits.exists([seq])? {
                    super::note::lose(db, seq, &mut change)?;
                    remove(db, seq, false)?;
                }
            }
            schema::count(db, "lost", change.lost)?;
            Ok(change)
        })?;
        self.apply(change)
    }
}

fn at_end(entry: &Entry, unit: Unit, delivered: bool) -> Finished {
    Finished { seq: entry.seq, id: entry.id, delivered, unit: Some(unit), leftover: None, kept: None }
}
