//! The worker's use of the disk: reading on, and committing what is known. One of each at a time.

use super::{RETRY, Upload, now, unless_panicked};
use crate::queue::{self, Note};
use crate::status::Area;
use crate::upload::line::WINDOW;
use crate::upload::store::{Remote, Store};
use crate::upload::task::{self, DiskEvent};
use std::sync::Arc;
use std::time::Instant;
use tokio::task::JoinError;

impl<S: Store, R: Remote> Upload<S, R> {
    /// Reads on and commits. Returns when to come back.
    pub(super) fn use_disk(&mut self, now: Instant) -> Option<Instant> {
        if self.read_after <= now
            && let Some(wanted) = self.line.wants_more()
        {
            self.disk.spawn(task::next(Arc::clone(&self.store), wanted, WINDOW));
        }
        let quiet = self.away.is_empty() && !self.line.has_ready();
        if let Some(notes) = self.notes.take(now, quiet) {
            self.disk.spawn(task::note(Arc::clone(&self.store), notes));
        }
        let reading = (self.read_after > now).then_some(self.read_after);
        [self.notes.due(quiet), reading].into_iter().flatten().min()
    }

    pub(super) fn disk_happened(&mut self, event: Result<DiskEvent, JoinError>) -> Result<(), queue::Error> {
        let result = match unless_panicked(event) {
            None => return Ok(()),
            Some(DiskEvent::Read(Ok(entries))) => {
                self.take_places(&entries);
                self.line.read(entries);
                Ok(())
            }
            Some(DiskEvent::Read(Err(error))) => {
                self.line.not_read();
                self.read_after = now() + RETRY;
                Err(error)
            }
            Some(DiskEvent::Noted(notes, Ok(()))) => {
                self.noted(&notes);
                Ok(())
            }
            Some(DiskEvent::Noted(notes, Err(error))) => {
                self.notes.failed(notes, now() + RETRY);
                Err(error)
            }
        };
        match result {
            Err(error) if error.is_corruption() => Err(error),
            Err(error) => {
                self.status.problem(Area::Queue, format!("the queue fails: {error}"));
                Ok(())
            }
            Ok(()) => {
                self.tell_of_queue(now());
                Ok(())
            }
        }
    }

    /// What is wrong with the queue or with files in the spool, unless a failure of the queue has told already.
    pub(super) fn tell_of_queue(&self, now: Instant) {
        if self.notes.is_well() && self.read_after <= now && !self.unreadable.has_news() {
            match self.unreadable.text() {
                Some(text) => self.status.problem(Area::Queue, text),
                None => self.status.fine(Area::Queue),
            }
        }
    }

    fn noted(&mut self, notes: &[(i64, Note)]) {
        self.notes.done();
        for (seq, note) in notes {
            match note {
                Note::Decided(_) => self.line.forget(*seq),
                Note::Dropped(_) => {
                    self.line.forget(*seq);
                    self.given_up(*seq);
                }
                Note::Attempt | Note::Suspect(_) | Note::Cleared => {}
            }
        }
        if self.store.rewound() {
            self.line.rewind();
        }
    }
}
