//! The reports that the worker holds, because they wait for a reason of their own.

use crate::queue::Entry;
use std::collections::HashMap;
use uuid::Uuid;

/// See the module. Of two reports with one identifier only one is here.
#[derive(Debug, Default)]
pub struct Held {
    entries: HashMap<i64, Entry>,
    rows: HashMap<Uuid, i64>,
}

impl Held {
    /// Holds a report.
    pub fn insert(&mut self, entry: Entry) {
        self.rows.insert(entry.id, entry.seq);
        self.entries.insert(entry.seq, entry);
    }

    /// Lets go of a report.
    pub fn remove(&mut self, seq: i64) -> Option<Entry> {
        let entry = self.entries.remove(&seq)?;
        self.rows.remove(&entry.id);
        Some(entry)
    }

    /// A report that is here.
    pub fn get(&self, seq: i64) -> Option<&Entry> {
        self.entries.get(&seq)
    }

    /// The one with this identifier.
    pub fn with_id(&self, id: Uuid) -> Option<&Entry> {
        self.rows.get(&id).and_then(|seq| self.entries.get(seq))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
