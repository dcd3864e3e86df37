//! Which identifiers the server has, and for which unit: so that one identifier never stands for two
//! tests. A small row each, for 400 days and at most two million.

use super::{Durability, Error, Queue, Unit, schema};
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};
use std::collections::BTreeMap;
use uuid::Uuid;

/// How many days an identifier is remembered after its delivery.
const DAYS: i64 = 400;
/// How many identifiers are remembered.
const MOST: u64 = 2_000_000;
/// How many rows are looked at while the database is locked.
const STEP: i64 = 5000;

/// The day, counted since 1970.
pub(super) fn today() -> i64 {
    Timestamp::now().as_second().div_euclid(86_400)
}

impl Queue {
    /// The unit that an identifier stands for: of a report that waits, or of one that was delivered
    /// within 400 days. Of several that wait it is the last one's.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn known(&self, id: Uuid) -> Result<Option<Unit>, Error> {
        self.heeding(|| {
            let db = self.db()?;
            if let Some(unit) = Queue::unit_of(&db.connection, id)? {
                return Ok(Some(unit));
            }
            if let Some(unit) = self.legacy.unit(&db.connection, id)? {
                return Ok(Some(unit));
            }
            Ok(db
                .connection
                .prepare_cached("SELECT serial, start FROM known WHERE id = ?1")?
                .query_row([id.as_bytes()], |row| Ok(Unit { serial_number: row.get(0)?, start: row.get(1)? }))
                .optional()?)
        })
    }

    /// Forgets identifiers that are old, or too many. Looks at all of them, a few at a time; once a day is
    /// enough.
    ///
    /// # Errors
    /// If the database cannot be read or written.
    pub fn prune_known(&self) -> Result<(), Error> {
        self.heeding(|| {
            self.commit(Durability::Lazy, |db| {
                db.execute("DELETE FROM leftover WHERE day < ?1", [today() - DAYS])
            })?;
            let mut days: BTreeMap<i64, u64> = BTreeMap::new();
            self.walk_known(|_, day| *days.entry(day).or_default() += 1)?;
            let first = first_day_to_keep(&days, today(), MOST);
            if days.keys().next().is_none_or(|&oldest| oldest >= first) {
                return Ok(());
            }
            let mut old = Vec::new();
            self.walk_known(|id, day| {
                if day < first {
                    old.push(id);
                }
            })?;
            for ids in old.chunks(STEP as usize) {
                self.commit(Durability::Lazy, |db| {
                    let mut delete = db.prepare_cached("DELETE FROM known WHERE id = ?1 AND day < ?2")?;
                    for id in ids {
                        delete.execute(params![id.as_bytes(), first])?;
                    }
                    Ok(())
                })?;
            }
            Ok(())
        })
    }

    fn walk_known(&self, mut see: impl FnMut(Uuid, i64)) -> Result<(), Error> {
        let mut after = Vec::new();
        loop {
            let db = self.db()?;
            let mut statement = db
                .connection
                .prepare_cached("SELECT id, day FROM known WHERE id > ?1 ORDER BY id LIMIT ?2")?;
            let mut rows = statement.query(params![after, STEP])?;
            let mut last = None;
            while let Some(row) = rows.next()? {
                let id = super::rows::id(row, 0)?;
                see(id, row.get(1)?);
                last = Some(id);
            }
            match last {
                Some(id) => after = id.as_bytes().to_vec(),
                None => return Ok(()),
            }
        }
    }

    /// A fact that is remembered with the queue, such as when something happened first.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn fact(&self, name: &str) -> Result<Option<i64>, Error> {
        self.heeding(|| Ok(schema::fact(&self.db()?.connection, name)?))
    }

    /// Remembers a fact.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn remember(&self, name: &str, value: i64) -> Result<(), Error> {
        self.commit(Durability::Lazy, |db| schema::set_fact(db, name, value))
    }
}

/// The first day whose identifiers are kept: at most 400 days ago, and later if there are more than
/// `most`.
fn first_day_to_keep(days: &BTreeMap<i64, u64>, today: i64, most: u64) -> i64 {
    let mut kept = 0;
    let mut first = today + 1;
    for (&day, &count) in days.range(today - DAYS..).rev() {
        kept += count;
        if kept > most {
            break;
        }
        first = day;
    }
    if kept > most { first } else { today - DAYS }
}

/// Remembers the identifier of a delivered report.
pub(super) fn insert(db: &Transaction<'_>, id: Uuid, unit: &Unit) -> Result<(), rusqlite::Error> {
    db.prepare_cached("INSERT OR REPLACE INTO known (id, serial, start, day) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![id.as_bytes(), unit.serial_number, unit.start, today()])?;
    Ok(())
}

/// The unit of a body; none if it cannot be read.
pub(super) fn unit_in(body: &[u8]) -> Option<Unit> {
    wats::Report::parse(body, &wats::Rules::default()).ok().map(|report| Unit::of(&report))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: an identifier is kept longer than promised, or forgotten while there is room for it.
    #[test]
    fn how_long_identifiers_are_kept() {
        let days = BTreeMap::from([(100, 5), (499, 5), (600, 5), (700, 5)]);
        for (today, most, first) in
            [(700, 100, 300), (700, 15, 300), (700, 14, 600), (700, 9, 700), (700, 4, 701), (500, 100, 100)]
        {
            assert_eq!(first_day_to_keep(&days, today, most), first, "{today} {most}");
        }
    }
}
