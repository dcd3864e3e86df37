//! What is noted of reports that wait: attempts, suspicions, verdicts. Committed lazily: a power cut may
//! undo the last of them, and then the server is asked again, with the same bytes. Only what a person was promised
//! survives a power cut.

use super::rows::{self, COLUMNS};
use super::{Durability, Entry, Error, NewReport, Queue, leftover, schema};
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};
use std::sync::atomic::Ordering;

/// The kind of trouble of a report whose file has changed: intake judges it again.
pub(super) const CHANGED: &str = "changed";

/// What the server has said for good about a report that is still to be moved to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The server has it.
    Delivered,
    /// The server refused it; this is the content of the reason file.
    Refused(String),
}

/// Why a report is not sent in turn, and what happened to it so far. Survives restarts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspicion {
    /// Which kind of trouble it met: a text that stays the same for years.
    pub kind: String,
    /// How often it was tried in this state.
    pub tries: u32,
    /// Since when.
    pub since: Timestamp,
    /// Whether it is only tried daily.
    pub parked: bool,
}

/// What to note of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The server was tried, without a verdict.
    Attempt,
    /// The report is not to be sent in turn any more.
    Suspect(Suspicion),
    /// It is to be sent in turn again.
    Cleared,
    /// The server has said for good what becomes of it.
    Decided(Verdict),
    /// A person has given it up; this is the content of the reason file. Survives a power cut.
    Dropped(String),
}

/// How the counts change with a note.
#[derive(Clone, Copy, Default)]
pub(super) struct Change {
    waiting: i64,
    parked: i64,
    delivered: u64,
    failed: u64,
    pub lost: u64,
    handed_back: i64,
    /// The first row that may have become ready.
    ready: Option<i64>,
}

impl Queue {
    /// Commits notes about rows, together, and lazily unless a report is dropped. A row that is gone is passed over.
    ///
    /// # Errors
    /// If the database cannot be written: then none is noted, and the caller notes all of them again.
    pub fn note(&self, notes: &[(i64, Note)]) -> Result<(), Error> {
        let is_dropped = notes.iter().any(|(_, note)| matches!(note, Note::Dropped(_)));
        let durability = if is_dropped { Durability::Full } else { Durability::Lazy };
        let change = self.commit(durability, |db| {
            let mut change = Change::default();
            for (seq, note) in notes {
                write(db, *seq, note, &mut change)?;
            }
            Ok(change)
        })?;
        self.apply(change)?;
        if change.delivered + change.failed > 0 {
            self.wake();
        }
        let frees = |note: &Note| matches!(note, Note::Decided(_) | Note::Dropped(_) | Note::Suspect(_));
        if self.legacy.was_skipped() && notes.iter().any(|(_, note)| frees(note)) {
            self.rewind(1)?;
        }
        Ok(())
    }

    /// The reports that are not sent in turn, the parked ones too, oldest first.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn suspects(&self) -> Result<Vec<(Entry, Suspicion)>, Error> {
        self.heeding(|| {
        let db = self.db()?;
        let mut suspects = self.legacy.suspects(&db.connection)?;
        let mut statement = db.connection.prepare_cached(&format!(
            "SELECT {COLUMNS}, t.kind, t.tries, t.since, t.parked FROM trouble AS t JOIN waiting AS w USING (seq)
             WHERE t.kind IS NOT NULL AND t.kind <> '{CHANGED}'
               AND NOT EXISTS (SELECT 1 FROM verdict AS v WHERE v.seq = w.seq) ORDER BY w.seq"
        ))?;
        let rows = statement.query_map([], |row| Ok((rows::read(row)?, suspicion(row, rows::READ)?)))?;
        for row in rows {
            suspects.push(row?);
        }
        Ok(suspects)
        })
    }

    /// Hands a report whose file has changed back to intake, which judges it again.
    ///
    /// # Errors
    /// If the database cannot be written; the change is found again at the next attempt.
    pub fn changed(&self, entry: &Entry) -> Result<(), Error> {
        let suspicion =
            Suspicion { kind: CHANGED.to_owned(), tries: 0, since: Timestamp::now(), parked: false };
        self.note(&[(entry.seq, Note::Suspect(suspicion))])
    }

    /// The reports that intake is to judge (again): handed back because their file has changed, or found in
    /// the spool at the start without a row (their `folder` is empty then). Costs nothing while there are
    /// none.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn handed_back(&self) -> Result<Vec<Entry>, Error> {
        self.heeding(|| {
            if self.changed.load(Ordering::Relaxed) <= 0 {
                return Ok(Vec::new());
            }
            let db = self.db()?;
            let mut statement = db.connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM trouble AS t JOIN waiting AS w USING (seq) WHERE t.kind = '{CHANGED}'
               AND NOT EXISTS (SELECT 1 FROM verdict AS v WHERE v.seq = w.seq) ORDER BY w.seq"
            ))?;
            let rows = statement.query_map([], rows::read)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Commits what intake found in files that were handed back, by row: they are sent in turn again. The
    /// identifier and the place in the spool stay as they are. Survives a power cut if the files were
    /// synchronised before.
    ///
    /// # Errors
    /// If the database cannot be written; the rows are then as they were.
    pub fn replace(&self, judged: &[(i64, NewReport)]) -> Result<(), Error> {
        let change = self.commit(Durability::Full, |db| {
            let mut change = Change::default();
            for (seq, report) in judged {
                rows::update(db, *seq, report)?;
                if report.copied {
                    leftover::insert(db, report)?;
                }
                write(db, *seq, &Note::Cleared, &mut change)?;
            }
            Ok(change)
        })?;
        self.apply(change)
    }

    pub(super) fn apply(&self, change: Change) -> Result<(), Error> {
        let counters = &self.counters;
        counters.waiting.fetch_add(change.waiting, Ordering::Relaxed);
        counters.parked.fetch_add(change.parked, Ordering::Relaxed);
        counters.delivered.fetch_add(change.delivered, Ordering::Relaxed);
        counters.failed.fetch_add(change.failed, Ordering::Relaxed);
        counters.lost.fetch_add(change.lost, Ordering::Relaxed);
        self.changed.fetch_add(change.handed_back, Ordering::Relaxed);
        change.ready.map_or(Ok(()), |seq| self.rewind(seq))
    }
}

fn write(db: &Transaction<'_>, seq: i64, note: &Note, change: &mut Change) -> Result<(), rusqlite::Error> {
    let was = state(db, seq)?;
    match note {
        Note::Attempt => {
            db.prepare_cached(
                "INSERT INTO trouble (seq, attempts) VALUES (?1, 1)
                 ON CONFLICT (seq) DO UPDATE SET attempts = attempts + 1",
            )?
            .execute([seq])?;
        }
        Note::Suspect(suspicion) => {
            change.parked += i64::from(suspicion.parked) - i64::from(was.parked);
            change.handed_back += i64::from(suspicion.kind == CHANGED) - i64::from(was.handed_back);
            suspect(db, seq, suspicion)?;
            if suspicion.kind != CHANGED {
                free_later(db, seq, change)?;
            }
        }
        Note::Cleared => {
            change.parked -= i64::from(was.parked);
            change.handed_back -= i64::from(was.handed_back);
            db.prepare_cached("UPDATE trouble SET kind = NULL, tries = 0, parked = 0 WHERE seq = ?1")?
                .execute([seq])?;
            change.ready = Some(change.ready.map_or(seq, |ready| ready.min(seq)));
        }
        Note::Decided(verdict) => decide(db, seq, verdict, was, change)?,
        Note::Dropped(reason) => decide(db, seq, &Verdict::Refused(reason.clone()), was, change)?,
    }
    Ok(())
}

#[derive(Clone, Copy, Default)]
struct State {
    parked: bool,
    handed_back: bool,
}

fn state(db: &Transaction<'_>, seq: i64) -> Result<State, rusqlite::Error> {
    let state = db
        .prepare_cached("SELECT parked, kind FROM trouble WHERE seq = ?1")?
        .query_row([seq], |row| {
            let kind: Option<String> = row.get(1)?;
            Ok(State { parked: row.get(0)?, handed_back: kind.as_deref() == Some(CHANGED) })
        })
        .optional()?;
    Ok(state.unwrap_or_default())
}

fn suspect(db: &Transaction<'_>, seq: i64, suspicion: &Suspicion) -> Result<(), rusqlite::Error> {
    db.prepare_cached(
        "INSERT INTO trouble (seq, kind, tries, since, parked) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (seq) DO UPDATE SET kind = ?2, tries = ?3, since = ?4, parked = ?5",
    )?
    .execute(params![
        seq,
        suspicion.kind,
        suspicion.tries,
        suspicion.since.as_microsecond(),
        suspicion.parked
    ])?;
    Ok(())
}

fn decide(
    db: &Transaction<'_>,
    seq: i64,
    verdict: &Verdict,
    was: State,
    change: &mut Change,
) -> Result<(), rusqlite::Error> {
    let reason = match verdict {
        Verdict::Delivered => None,
        Verdict::Refused(reason) => Some(reason.as_str()),
    };
    // A verdict stands: the same said twice, as after a commit that failed late, changes nothing.
    let new = schema::insert_verdict(db, seq, reason)?;
    if !new {
        return Ok(());
    }
    change.waiting -= 1;
    change.parked -= i64::from(was.parked);
    change.handed_back -= i64::from(was.handed_back);
    match verdict {
        Verdict::Delivered => change.delivered += 1,
        Verdict::Refused(_) => change.failed += 1,
    }
    free_later(db, seq, change)
}

/// A report is about to go without a verdict.
pub(super) fn lose(db: &Transaction<'_>, seq: i64, change: &mut Change) -> Result<(), rusqlite::Error> {
    let was = state(db, seq)?;
    change.waiting -= 1;
    change.parked -= i64::from(was.parked);
    change.handed_back -= i64::from(was.handed_back);
    change.lost += 1;
    free_later(db, seq, change)
}

/// A later report with the same identifier is not held up by this row any more.
fn free_later(db: &Transaction<'_>, seq: i64, change: &mut Change) -> Result<(), rusqlite::Error> {
    let twin: Option<i64> = db
        .prepare_cached(
            "SELECT min(l.seq) FROM waiting AS w JOIN waiting AS l ON l.id = w.id AND l.seq > w.seq
             WHERE w.seq = ?1",
        )?
        .query_row([seq], |row| row.get(0))?;
    if let Some(twin) = twin {
        change.ready = Some(change.ready.map_or(twin, |ready| ready.min(twin)));
    }
    Ok(())
}

/// Reads kind, tries, since and parked from this column on.
pub(super) fn suspicion(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Suspicion> {
    let since: i64 = row.get(column + 2)?;
    Ok(Suspicion {
        kind: row.get(column)?,
        tries: row.get(column + 1)?,
        since: Timestamp::from_microsecond(since).unwrap_or(Timestamp::UNIX_EPOCH),
        parked: row.get(column + 3)?,
    })
}
