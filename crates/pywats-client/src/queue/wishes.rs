//! What people want to become of single reports while the service runs. The upload may have such a report in hand, so
//! it is the upload that grants the wish.

use super::{Queue, lock};
use std::sync::Mutex;
use std::sync::mpsc::Sender;

/// What somebody wants.
#[derive(Debug)]
pub enum Wish {
    /// The report in this row is to be tried now, whatever it met.
    Retry(i64),
    /// The report in this row is to be given up.
    Drop {
        /// The row.
        seq: i64,
        /// The content of its reason file.
        reason: String,
        /// Where to tell what came of it.
        granted: Sender<Granted>,
    },
}

/// What came of a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granted {
    /// It is done, and survives a power cut.
    Yes,
    /// The report is on its way to the server, and what that says counts.
    OnItsWay,
}

/// Those that were not looked at yet.
#[derive(Debug, Default)]
pub(super) struct Wishes(Mutex<Vec<Wish>>);

impl Queue {
    /// Notes a wish. Whoever uploads looks at it when it is woken, or within a second.
    pub fn wish(&self, wish: Wish) {
        lock(&self.wishes.0).push(wish);
    }

    /// The wishes since this was asked last.
    pub fn wishes(&self) -> Vec<Wish> {
        std::mem::take(&mut *lock(&self.wishes.0))
    }
}
