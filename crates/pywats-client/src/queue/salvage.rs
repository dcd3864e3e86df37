//! What can still be read of a damaged database: the small tables that the spool cannot give back. Reports are
//! not among them; their files are in the spool.

use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi, params_from_iter};
use std::path::Path;

/// The tables, with what stands for a value in each column.
const TABLES: &[(&str, &str)] = &[
    ("leftover", "?, ?, ?, ?, ?, ?"),
    ("known", "?, ?, ?, ?"),
    ("total", "?, ?"),
    ("fact", "?, ?"),
    ("finished", "?, ?, ?, ?, ?"),
];

/// Copies rows as far as they can be read; says how many. Only a disk that does not take them stops it: then all
/// of it is tried again.
pub(super) fn salvage(damaged: &Path, connection: &mut Connection) -> Result<usize, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let from = Connection::open_with_flags(damaged, flags)?;
    let to = connection.transaction()?;
    let mut saved = 0;
    for (table, values) in TABLES {
        match copy(&from, &to, table, values, &mut saved) {
            Ok(()) => {}
            Err(error) if is_of_disk(&error) => return Err(error),
            Err(error) => tracing::debug!("the table {table} is read up to its damage: {error}"),
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
    table: &str,
    values: &str,
    saved: &mut usize,
) -> Result<(), rusqlite::Error> {
    let mut select = from.prepare(&format!("SELECT * FROM {table}"))?;
    let mut insert = to.prepare(&format!("INSERT OR REPLACE INTO {table} VALUES ({values})"))?;
    let columns = select.column_count();
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let row: Vec<Value> = (0..columns).map(|column| row.get(column)).collect::<Result<_, _>>()?;
        match insert.execute(params_from_iter(row)) {
            Ok(inserted) => *saved += inserted,
            Err(error) if is_of_disk(&error) => return Err(error),
            // It is not what its table holds.
            Err(_) => {}
        }
    }
    Ok(())
}
