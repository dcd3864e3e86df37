//! What can still be read of a damaged database: the small tables that the spool cannot give back. Reports are
//! not among them; their files are in the spool.

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params_from_iter};
use std::path::Path;

/// The tables, with what stands for a value in each column.
const TABLES: &[(&str, &str)] = &[
    ("leftover", "?, ?, ?, ?, ?, ?"),
    ("known", "?, ?, ?, ?"),
    ("total", "?, ?"),
    ("fact", "?, ?"),
    ("finished", "?, ?, ?, ?, ?"),
];

/// Copies rows as far as they can be read; says how many. No error stops it: there is nothing to lose.
pub(super) fn salvage(damaged: &Path, connection: &mut Connection) -> Result<usize, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let from = Connection::open_with_flags(damaged, flags)?;
    let to = connection.transaction()?;
    let mut saved = 0;
    for (table, values) in TABLES {
        match copy(&from, &to, table, values, &mut saved) {
            Ok(()) => {}
            Err(error) => tracing::debug!("the table {table} is read up to its damage: {error}"),
        }
    }
    to.commit()?;
    Ok(saved)
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
        // A row that is not what its table holds is not taken.
        *saved += insert.execute(params_from_iter(row)).unwrap_or(0);
    }
    Ok(())
}
