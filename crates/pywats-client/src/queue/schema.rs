//! The tables of the queue, and the step from the first schema to this one.
//!
//! `user_version` says which schema a database has; a program refuses one that it does not know, so an
//! older one never touches these tables. The step adds tables and copies nothing: the rows of the first
//! schema, with their bodies, stay in `report` until they are delivered.

use super::sound;
use rusqlite::{Connection, Transaction, params};

/// The version of the tables below, kept in `user_version`.
pub(super) const VERSION: i64 = 2;

/// The table of the first schema; it is made here only by tests.
#[cfg(test)]
pub(super) const FIRST: &str = include_str!("first_schema.sql");

/// Rows of `waiting` are written once and removed once; what happens to a report meanwhile is in the
/// small tables `trouble` and `verdict`. A `seq` is never used twice while the service runs.
const TABLES: &str = "
CREATE TABLE waiting (
    seq    INTEGER PRIMARY KEY,
    id     BLOB NOT NULL,
    spool  BLOB NOT NULL,
    folder BLOB NOT NULL,
    name   BLOB NOT NULL,
    size   INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    edits  TEXT NOT NULL,
    notes  TEXT NOT NULL,    -- one a line
    serial TEXT NOT NULL,
    start  INTEGER NOT NULL, -- microseconds since 1970
    sum    INTEGER NOT NULL  -- see the module sound; of verdict, too
) STRICT;
CREATE INDEX waiting_id ON waiting (id);
CREATE TABLE trouble (
    seq      INTEGER PRIMARY KEY,
    attempts INTEGER NOT NULL DEFAULT 0,
    kind     TEXT,           -- NULL: not suspect
    tries    INTEGER NOT NULL DEFAULT 0,
    since    INTEGER NOT NULL DEFAULT 0,
    parked   INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE verdict (
    seq    INTEGER PRIMARY KEY,
    reason TEXT,             -- NULL: delivered
    sum    INTEGER NOT NULL
) STRICT;
CREATE TABLE known (
    id     BLOB PRIMARY KEY,
    serial TEXT NOT NULL,
    start  INTEGER NOT NULL,
    day    INTEGER NOT NULL  -- of the delivery, since 1970
) STRICT, WITHOUT ROWID;
CREATE TABLE leftover (
    folder BLOB NOT NULL,
    name   BLOB NOT NULL,
    size   INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    id     BLOB NOT NULL,
    day    INTEGER NOT NULL,
    PRIMARY KEY (folder, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE fact (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS total (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
";

/// Which files were put into done folders. A program that does not know the table leaves it alone, so it
/// is added without a new version.
const FINISHED: &str = "
CREATE TABLE IF NOT EXISTS finished (
    folder BLOB NOT NULL,
    name   BLOB NOT NULL,
    size   INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    time   INTEGER NOT NULL,  -- seconds since 1970
    PRIMARY KEY (folder, name)
) STRICT, WITHOUT ROWID;
";

/// Brings a database of an earlier version, or an empty one, to this one.
pub(super) fn bring_up(connection: &mut Connection, version: i64) -> Result<(), rusqlite::Error> {
    if version == VERSION {
        if !connection.table_exists(None, "finished")? {
            connection.execute_batch(FINISHED)?;
        }
        return Ok(());
    }
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction.execute_batch(FINISHED)?;
    if version == 1 {
        // What the server has said already counts on.
        let mut select = transaction.prepare(
            "SELECT seq, iif(state = 'uploaded', NULL, ifnull(reason, '')) FROM report
             WHERE state IN ('uploaded', 'rejected')",
        )?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            insert_verdict(&transaction, row.get(0)?, row.get::<_, Option<String>>(1)?.as_deref())?;
        }
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

/// Writes down a verdict; says whether there was none.
pub(super) fn insert_verdict(
    db: &Connection,
    seq: i64,
    reason: Option<&str>,
) -> Result<bool, rusqlite::Error> {
    let inserted = db
        .prepare_cached("INSERT OR IGNORE INTO verdict (seq, reason, sum) VALUES (?1, ?2, ?3)")?
        .execute(params![seq, reason, sound::of_verdict(seq, reason)])?;
    Ok(inserted > 0)
}

/// Which table does not have the columns that it should have: its definition is damaged.
pub(super) fn damage(connection: &Connection) -> Result<Option<String>, rusqlite::Error> {
    let model = Connection::open_in_memory()?;
    model.execute_batch(TABLES)?;
    model.execute_batch(FINISHED)?;
    for table in ["waiting", "trouble", "verdict", "known", "leftover", "fact", "total", "finished"] {
        if columns(connection, table)? != columns(&model, table)? {
            return Ok(Some(format!("the table {table} is missing or has other columns")));
        }
    }
    Ok(None)
}

/// Name, type, whether it may be empty, default and place in the key.
type Column = (String, String, bool, Option<String>, i64);

fn columns(connection: &Connection, table: &str) -> Result<Vec<Column>, rusqlite::Error> {
    let mut select = connection
        .prepare("SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_info(?1) ORDER BY cid")?;
    let columns = select
        .query_map([table], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))?;
    columns.collect()
}

/// Whether the table of the first schema is still there.
pub(super) fn has_first(connection: &Connection) -> Result<bool, rusqlite::Error> {
    connection.table_exists(None, "report")
}

/// Adds to a number of the table `total`.
pub(super) fn count(db: &Transaction<'_>, name: &str, more: u64) -> Result<(), rusqlite::Error> {
    if more > 0 {
        db.prepare_cached(
            "INSERT INTO total (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = value + ?2",
        )?
        .execute(params![name, more.cast_signed()])?;
    }
    Ok(())
}

/// A number of the table `total`; 0 where it was never counted.
pub(super) fn total(connection: &Connection, name: &str) -> Result<u64, rusqlite::Error> {
    let mut statement = connection.prepare("SELECT value FROM total WHERE name = ?1")?;
    let mut rows = statement.query([name])?;
    Ok(rows.next()?.map(|row| row.get::<_, i64>(0)).transpose()?.map_or(0, i64::cast_unsigned))
}

/// A fact that is remembered, such as when something happened first.
pub(super) fn fact(connection: &Connection, name: &str) -> Result<Option<i64>, rusqlite::Error> {
    let mut statement = connection.prepare_cached("SELECT value FROM fact WHERE name = ?1")?;
    let mut rows = statement.query([name])?;
    rows.next()?.map(|row| row.get(0)).transpose()
}

/// Remembers a fact.
pub(super) fn set_fact(db: &Connection, name: &str, value: i64) -> Result<(), rusqlite::Error> {
    db.execute("INSERT OR REPLACE INTO fact (name, value) VALUES (?1, ?2)", params![name, value])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    /// Fails if: packages refuse an upgrade whose program can read the queue, or do not refuse one that cannot.
    #[test]
    fn packages_know_the_newest_schema() {
        for script in ["upgrade/before", "macos/preinstall"] {
            let script = format!("{}/../../packaging/{script}", env!("CARGO_MANIFEST_DIR"));
            let script = std::fs::read_to_string(script).unwrap();
            assert!(script.contains(&format!("\nnewest_schema={}\n", super::VERSION)), "{script}");
        }
    }
}
