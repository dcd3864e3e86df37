//! What can still be read of a damaged database: the small tables that the spool cannot give back. Reports are
//! not among them; their files are in the spool.

use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi, params_from_iter};
use std::path::Path;

/// A table, what stands for a value in each column, and columns that have a length.
type Table = (&'static str, &'static str, &'static [(usize, usize)]);

const TABLES: &[Table] = &[
    ("leftover", "?, ?, ?, ?, ?, ?", &[(3, 32), (4, 16)]),
    ("known", "?, ?, ?, ?", &[(0, 16)]),
    ("total", "?, ?", &[]),
    ("fact", "?, ?", &[]),
    ("finished", "?, ?, ?, ?, ?", &[(2, 32)]),
];

/// Copies rows as far as they can be read; says how many. Only a disk that does not take them stops it: then all
/// of it is tried again.
pub(super) fn salvage(damaged: &Path, connection: &mut Connection) -> Result<usize, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let from = Connection::open_with_flags(damaged, flags)?;
    let to = connection.transaction()?;
    let mut saved = 0;
    for table in TABLES {
        match copy(&from, &to, table, &mut saved) {
            Ok(()) => {}
            Err(error) if is_of_disk(&error) => return Err(error),
            Err(error) => tracing::debug!("the table {} is read up to its damage: {error}", table.0),
        }
    }
    to.commit()?;
    Ok(saved)
}

/// Whether the disk did not take something, as a full one does. What it does not give any more is lost.
fn is_of_disk(error: &rusqlite::Error) -> bool {
    let reading = [ffi::SQLITE_IOERR_READ, ffi::SQLITE_IOERR_SHORT_READ].map(Some);
    let extended = error.sqlite_error().map(|error| error.extended_code);
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => true,
        Some(ErrorCode::SystemIoFailure) => !reading.contains(&extended),
        _ => false,
    }
}

fn copy(
    from: &Connection,
    to: &Connection,
    (table, values, lengths): &Table,
    saved: &mut usize,
) -> Result<(), rusqlite::Error> {
    let mut select = from.prepare(&format!("SELECT * FROM {table}"))?;
    let mut insert = to.prepare(&format!("INSERT OR REPLACE INTO {table} VALUES ({values})"))?;
    let columns = select.column_count();
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        // A row that is damaged would be met again in the new database.
        let Ok(row) = (0..columns).map(|column| row.get(column)).collect::<Result<Vec<Value>, _>>() else {
            continue;
        };
        let is_right = |&(column, length): &(usize, usize)| match row.get(column) {
            Some(Value::Blob(blob)) => blob.len() == length,
            _ => false,
        };
        if !lengths.iter().all(is_right) {
            continue;
        }
        match insert.execute(params_from_iter(row)) {
            Ok(inserted) => *saved += inserted,
            Err(error) if is_of_disk(&error) => return Err(error),
            // It is not what its table holds.
            Err(_) => {}
        }
    }
    Ok(())
}
