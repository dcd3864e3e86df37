//! What waits, for people: pages in the order of the queue, and single reports by their identifier or its beginning.
//!
//! Each page is a query of its own that reads as many rows as it has; nothing is kept between pages.

use super::legacy;
use super::note::{CHANGED, suspicion};
use super::rows::{self, COLUMNS, READ};
use super::{Entry, Error, Place, Queue, Suspicion};
use jiff::Timestamp;
use rusqlite::{Connection, Params, params};
use uuid::Uuid;

/// How a report waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is sent in turn.
    Waiting,
    /// It met trouble of its own, and is tried again by itself.
    Suspect,
    /// It is only tried daily.
    Parked,
    /// Its file has changed, or was found in the spool: it is judged again before it is sent.
    HandedBack,
}

impl State {
    /// The word for people and programs.
    pub fn name(self) -> &'static str {
        match self {
            State::Waiting => "waiting",
            State::Suspect => "suspect",
            State::Parked => "parked",
            State::HandedBack => "handed back",
        }
    }
}

/// A report that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The report.
    pub entry: Entry,
    /// The serial number of its unit; unknown before it is judged, and of reports of the first schema.
    pub serial_number: Option<String>,
    /// How it waits.
    pub state: State,
    /// What it met, where that is noted.
    pub met: Option<Suspicion>,
    /// When it was queued, as far as its file tells.
    pub queued: Option<Timestamp>,
}

/// What nobody can look for with less of an identifier than this many digits.
pub const SHORTEST: usize = 4;

/// The beginning of an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    first: Uuid,
    last: Uuid,
}

impl Prefix {
    /// Reads an identifier or its beginning, with or without hyphens. `None` if it is neither, or shorter than
    /// [`SHORTEST`].
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|c| *c != '-').collect();
        if !(SHORTEST..=32).contains(&digits.len()) || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
            return None;
        }
        let filled =
            |with: &str| Uuid::parse_str(&format!("{digits}{}", with.repeat(32 - digits.len()))).ok();
        Some(Prefix { first: filled("0")?, last: filled("f")? })
    }

    fn is_of(&self, id: Uuid) -> bool {
        (self.first..=self.last).contains(&id)
    }
}

impl Queue {
    /// The reports that wait after row `after`, in the order of the queue; at most `limit`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn list(&self, after: i64, limit: usize) -> Result<Vec<Listed>, Error> {
        let wanted = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut listed = self.heeding(|| {
            let db = self.db()?;
            let mut listed = if self.legacy.is_empty() {
                Vec::new()
            } else {
                legacy::listed(&db.connection, after, limit)?
            };
            listed.extend(select(
                &db.connection,
                "w.seq > ?1 ORDER BY w.seq LIMIT ?2",
                params![after, wanted],
            )?);
            Ok(listed)
        })?;
        listed.sort_by_key(|one| one.entry.seq);
        listed.truncate(limit);
        self.look_up_times(&mut listed);
        Ok(listed)
    }

    /// The reports whose identifier begins so, at most `limit`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn find(&self, prefix: Prefix, limit: usize) -> Result<Vec<Listed>, Error> {
        let wanted = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut found = self.heeding(|| {
            let db = self.db()?;
            let mut found = select(
                &db.connection,
                "w.id BETWEEN ?1 AND ?2 ORDER BY w.seq LIMIT ?3",
                params![prefix.first.as_bytes(), prefix.last.as_bytes(), wanted],
            )?;
            if !self.legacy.is_empty() {
                let old = legacy::listed(&db.connection, 0, usize::MAX)?;
                found.extend(old.into_iter().filter(|one| prefix.is_of(one.entry.id)));
            }
            Ok(found)
        })?;
        found.truncate(limit);
        self.look_up_times(&mut found);
        Ok(found)
    }

    /// A renaming is the last thing that happened to a file in the spool.
    fn look_up_times(&self, listed: &mut [Listed]) {
        for one in listed {
            if let Place::Spool(name) = &one.entry.place {
                let arrival = self.spool.arrival(name).ok();
                one.queued = arrival.and_then(|time| Timestamp::from_second(time).ok());
            }
        }
    }
}

/// The undecided rows for which this holds.
fn select(db: &Connection, which: &str, params: impl Params) -> Result<Vec<Listed>, rusqlite::Error> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS}, t.kind, ifnull(t.tries, 0), ifnull(t.since, 0), ifnull(t.parked, 0)
         FROM waiting AS w LEFT JOIN trouble AS t ON t.seq = w.seq
         WHERE NOT EXISTS (SELECT 1 FROM verdict AS v WHERE v.seq = w.seq) AND {which}"
    ))?;
    let rows = statement.query_map(params, |row| {
        let entry = rows::read(row)?;
        let serial_number = rows::is_judged(row)?.then_some(rows::unit(row)?.serial_number);
        listed(entry, serial_number, row, READ)
    })?;
    rows.collect()
}

/// Puts a report together with what is noted of it, which begins at this column.
pub(super) fn listed(
    entry: Entry,
    serial_number: Option<String>,
    row: &rusqlite::Row<'_>,
    column: usize,
) -> rusqlite::Result<Listed> {
    let is_noted = row.get::<_, Option<String>>(column)?.is_some();
    let met = is_noted.then(|| suspicion(row, column)).transpose()?;
    let state = match &met {
        None => State::Waiting,
        Some(met) if met.kind == CHANGED => State::HandedBack,
        Some(met) if met.parked => State::Parked,
        Some(_) => State::Suspect,
    };
    let met = met.filter(|_| state != State::HandedBack);
    Ok(Listed { entry, serial_number, state, met, queued: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::{NewReport, Note, Unit, Verdict, open};

    /// Fails if: something else than a part of an identifier is taken for one, or its limits are others.
    #[test]
    fn prefixes() {
        let id = Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        for (text, is_of) in [
            (id.to_string(), Some(true)),
            (id.simple().to_string(), Some(true)),
            ("0123".to_owned(), Some(true)),
            ("01234567-8".to_owned(), Some(true)),
            ("0124".to_owned(), Some(false)),
            ("012".to_owned(), None),
            ("0123x".to_owned(), None),
            ("é123é".to_owned(), None),
            (format!("{id}0"), None),
        ] {
            assert_eq!(Prefix::parse(&text).map(|prefix| prefix.is_of(id)), is_of, "{text}");
        }
    }

    /// Fails if: a page leaves a report out or names one twice, names one that is decided, or does not tell how one
    /// waits; or a report is not found by the beginning of its identifier.
    #[test]
    fn pages() {
        let dir = tempfile::tempdir().unwrap();
        let queue = open(dir.path()).unwrap().queue;
        let report = |number: u128| NewReport {
            id: Uuid::from_u128(number << 100),
            spool: format!("{number}").into(),
            folder: "/watch".into(),
            name: format!("{number}.json").into(),
            size: 1,
            sha256: [0; 32],
            edits: String::new(),
            notes: Vec::new(),
            unit: Unit { serial_number: format!("SN{number}"), start: 1 },
            copied: false,
        };
        let batch: Vec<NewReport> = (1..=5).map(report).collect();
        let seqs = queue.add(&batch).unwrap();
        let entries = queue.next(0, 0, 10).unwrap();
        let suspect = |parked| Suspicion {
            kind: "trouble".to_owned(),
            tries: 3,
            since: Timestamp::from_second(1_700_000_000).unwrap(),
            parked,
        };
        queue
            .note(&[
                (seqs[1], Note::Suspect(suspect(false))),
                (seqs[2], Note::Suspect(suspect(true))),
                (seqs[4], Note::Decided(Verdict::Delivered)),
            ])
            .unwrap();
        queue.changed(&entries[3]).unwrap();
        let mut pages = Vec::new();
        let mut after = 0;
        loop {
            let page = queue.list(after, 2).unwrap();
            let Some(last) = page.last() else { break };
            after = last.entry.seq;
            pages.extend(page);
        }
        let states: Vec<State> = pages.iter().map(|one| one.state).collect();
        assert_eq!(states, [State::Waiting, State::Suspect, State::Parked, State::HandedBack]);
        assert_eq!(pages[1].met, Some(suspect(false)));
        assert_eq!(pages[0].serial_number.as_deref(), Some("SN1"));
        let found = |text: &str| queue.find(Prefix::parse(text).unwrap(), 10).unwrap().len();
        assert_eq!(["0000", "00000001", "0000002", "00000005"].map(found), [4, 0, 1, 0]);
    }
}
