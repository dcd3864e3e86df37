//! Whether rows are what was written. A bit that flips on a disk may change a row so that it still reads: each row
//! of `waiting` and `verdict` has a sum of its fields, and what does not fit its sum is not believed.
//!
//! A row of `waiting` that is not sound goes, at the start; its file is in the spool, and is judged again under the
//! identifier in its name. So does a verdict: the report is sent once more, under its identifier. The other tables
//! have no sums: what they say wrongly neither loses a report nor sends it under another identifier while it is
//! in the spool, and for what they have lost there is no other source.

use super::NewReport;
use super::rows::{lines, text_to_blob};
use rusqlite::types::{Type, ValueRef};
use rusqlite::{Connection, Row};
use sha2::{Digest, Sha256};

/// The columns of `waiting` in the order of the sum, which comes after them.
pub(super) const SUMMED: &str =
    "w.seq, w.id, w.spool, w.folder, w.name, w.size, w.sha256, w.edits, w.notes, w.serial, w.start";
/// How many they are.
const COUNT: usize = 11;

/// A row is not what was written.
#[derive(Debug, thiserror::Error)]
#[error("row {0} is not what was written")]
struct Unsound(i64);

/// The first four bytes of the SHA-256 of all fields, each with its type and length.
fn sum<'a>(fields: impl IntoIterator<Item = ValueRef<'a>>) -> i64 {
    let mut hasher = Sha256::new();
    for field in fields {
        match field {
            ValueRef::Null => hasher.update([0]),
            ValueRef::Integer(number) => {
                hasher.update([1]);
                hasher.update(number.to_le_bytes());
            }
            ValueRef::Real(number) => {
                hasher.update([2]);
                hasher.update(number.to_le_bytes());
            }
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                hasher.update([3]);
                hasher.update((bytes.len() as u64).to_le_bytes());
                hasher.update(bytes);
            }
        }
    }
    let digest = hasher.finalize();
    digest.first_chunk().map_or(0, |first| u32::from_le_bytes(*first)).into()
}

/// The sum of a row of `waiting`.
pub(super) fn of_report(seq: i64, report: &NewReport) -> i64 {
    sum([
        ValueRef::Integer(seq),
        ValueRef::Blob(report.id.as_bytes()),
        ValueRef::Blob(&text_to_blob(&report.spool)),
        ValueRef::Blob(&text_to_blob(report.folder.as_os_str())),
        ValueRef::Blob(&text_to_blob(&report.name)),
        ValueRef::Integer(report.size.cast_signed()),
        ValueRef::Blob(&report.sha256),
        ValueRef::Text(report.edits.as_bytes()),
        ValueRef::Text(lines(&report.notes).as_bytes()),
        ValueRef::Text(report.unit.serial_number.as_bytes()),
        ValueRef::Integer(report.unit.start),
    ])
}

/// The sum of a row of `verdict`.
pub(super) fn of_verdict(seq: i64, reason: Option<&str>) -> i64 {
    sum([ValueRef::Integer(seq), reason.map_or(ValueRef::Null, |reason| ValueRef::Text(reason.as_bytes()))])
}

/// Fails if the first fields of a row, which are [`SUMMED`], do not fit the sum after them.
pub(super) fn check(row: &Row<'_>) -> rusqlite::Result<()> {
    if fits(row, COUNT)? {
        return Ok(());
    }
    let unsound = Unsound(row.get(0)?);
    Err(rusqlite::Error::FromSqlConversionFailure(COUNT, Type::Integer, Box::new(unsound)))
}

/// Whether this many fields of a row fit the sum that stands after them.
fn fits(row: &Row<'_>, fields: usize) -> rusqlite::Result<bool> {
    let values: Vec<ValueRef<'_>> = (0..fields).map(|field| row.get_ref(field)).collect::<Result<_, _>>()?;
    Ok(row.get_ref(fields)? == ValueRef::Integer(sum(values)))
}

/// Whether only this row is at fault; the next start takes it out.
pub(super) fn is_of_one_row(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::FromSqlConversionFailure(_, _, cause) if cause.is::<Unsound>())
}

/// Takes out rows that are not sound, and what belongs to no row; says how many reports are judged or sent again
/// because of it.
pub(super) fn take_out(db: &mut Connection, has_first: bool) -> rusqlite::Result<usize> {
    let reports = unsound(db, &format!("SELECT {SUMMED}, w.sum FROM waiting AS w"), COUNT)?;
    let verdicts = unsound(db, "SELECT seq, reason, sum FROM verdict", 2)?;
    let troubles = troubles_that_do_not_read(db)?;
    let old = if has_first { "AND seq NOT IN (SELECT seq FROM report)" } else { "" };
    let strays = format!("seq NOT IN (SELECT seq FROM waiting) {old}");
    let stray = ["verdict", "trouble"].map(|table| format!("SELECT 1 FROM {table} WHERE {strays} LIMIT 1"));
    let mut has_strays = false;
    for query in stray {
        has_strays |= db.prepare(&query)?.exists([])?;
    }
    if reports.is_empty() && verdicts.is_empty() && troubles.is_empty() && !has_strays {
        return Ok(0);
    }
    let db = db.transaction()?;
    for (table, seqs) in [("waiting", &reports), ("verdict", &verdicts), ("trouble", &troubles)] {
        let mut delete = db.prepare(&format!("DELETE FROM {table} WHERE seq = ?1"))?;
        for seq in seqs {
            delete.execute([seq])?;
        }
    }
    for table in ["verdict", "trouble"] {
        db.execute(&format!("DELETE FROM {table} WHERE {strays}"), [])?;
    }
    db.commit()?;
    Ok(reports.len() + verdicts.len())
}

fn unsound(db: &Connection, select: &str, fields: usize) -> rusqlite::Result<Vec<i64>> {
    let mut unsound = Vec::new();
    let mut select = db.prepare(select)?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        if !fits(row, fields)? {
            unsound.push(row.get(0)?);
        }
    }
    Ok(unsound)
}

/// Without its row of `trouble` a report is sent in turn, or found to be changed.
fn troubles_that_do_not_read(db: &Connection) -> rusqlite::Result<Vec<i64>> {
    let mut bad = Vec::new();
    let mut select = db.prepare("SELECT seq, attempts, kind, tries, since, parked FROM trouble")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        if row.get_ref(2)? != ValueRef::Null && super::note::suspicion(row, 2).is_err() {
            bad.push(row.get(0)?);
        }
    }
    Ok(bad)
}
