//! Giving space back: the write-ahead log is folded into the database, and free pages leave the file.
//!
//! While reports come one by one the log is left alone, because folding it costs flushes; SQLite does it by
//! itself each thousand pages.

use super::{Error, Queue, lock};
use rusqlite::Connection;
use std::sync::atomic::Ordering;

/// A log of this many bytes is folded when nothing waits.
const LOG: u64 = 2 << 20;
/// As many free pages are kept for the next reports.
const FREE_PAGES: i64 = 256;
/// Pages that are given back while the database is locked.
const STEP: u32 = 2000;

impl Queue {
    /// Gives space back if nothing waits and there is much to give. Cheap otherwise. `go_on` is asked between
    /// steps.
    ///
    /// # Errors
    /// If the database cannot be written. A full disk is no error here: it is tried again.
    pub fn tidy(&self, go_on: impl FnMut() -> bool) -> Result<(), Error> {
        if self.counts().waiting > 0 {
            return Ok(());
        }
        match self.heeding(|| self.give_all_back(go_on)) {
            Err(Error::Database(error)) if super::lacks_space(&error, &self.reserve) => {
                tracing::debug!("no space is given back: {error}");
                Ok(())
            }
            result => result,
        }
    }

    fn give_all_back(&self, mut go_on: impl FnMut() -> bool) -> Result<(), Error> {
        self.drop_empty_legacy()?;
        let mut gave_back = false;
        while self.free_pages()? > FREE_PAGES && go_on() {
            self.give_back(STEP)?;
            gave_back = true;
        }
        if gave_back || self.log_bytes() > LOG {
            self.fold()?;
        }
        Ok(())
    }

    fn free_pages(&self) -> Result<i64, Error> {
        Ok(self.db()?.connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?)
    }

    fn give_back(&self, pages: u32) -> Result<(), Error> {
        let db = self.db()?;
        db.connection.pragma_update(None, "synchronous", "NORMAL")?;
        // Each step of the statement frees one page.
        let mut vacuum = db.connection.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
        let mut steps = vacuum.query([])?;
        while steps.next()?.is_some() {}
        Ok(())
    }

    fn log_bytes(&self) -> u64 {
        let mut log = self.path.as_os_str().to_owned();
        log.push("-wal");
        std::fs::metadata(log).map_or(0, |file| file.len())
    }

    /// Folds the log into the database and empties it.
    pub(super) fn fold(&self) -> Result<(), Error> {
        let db = lock(&self.db);
        db.connection.pragma_update(None, "synchronous", "NORMAL")?;
        db.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
        super::step("folded");
        Ok(())
    }
}

impl Queue {
    /// Closes the queue although somebody may still hold it: who hangs in a folder must not keep the next service from
    /// it. Whatever he does with it afterwards fails.
    pub fn close(&self) {
        if self.closed.swap(true, Ordering::Relaxed) {
            return;
        }
        self.watch.end();
        if self.watch.damage().is_none()
            && let Err(error) = self.fold()
        {
            tracing::debug!("closing the queue: {error}");
        }
        let mut db = lock(&self.db);
        match Connection::open_in_memory() {
            // Nothing is left to be written; an error is none of anybody's.
            Ok(nothing) => drop(std::mem::replace(&mut db.connection, nothing).close()),
            Err(error) => tracing::debug!("the database stays open: {error}"),
        }
        drop(db);
        if let Err(error) = self.lock.unlock() {
            tracing::debug!("the queue stays locked: {error}");
        }
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }
}

impl Drop for Queue {
    /// Leaves nothing in the log, so that the database file alone is complete.
    fn drop(&mut self) {
        self.close();
    }
}
