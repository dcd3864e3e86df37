//! A later report takes the place of an earlier one with the same identifier that is held: a corrected report
//! does not wait for its old version. The old one is decided before the new one is sent, and verdicts are
//! committed in their order, so it is never sent after the new one. If a crash undoes its verdict, both still
//! wait in the queue, and the same happens again.

use super::Upload;
use crate::queue::{Entry, Verdict};
use crate::upload::store::{Remote, Store};
use crate::upload::tell;

impl<S: Store, R: Remote> Upload<S, R> {
    /// Holds a report that is not on its way, unless a later one takes its place.
    pub(super) fn hold(&mut self, entry: Entry) {
        let later = self.held.with_id(entry.id).is_some_and(|held| held.seq > entry.seq);
        if later || self.line.has_later(&entry) {
            return self.supersede(&entry);
        }
        self.take_places(std::slice::from_ref(&entry));
        self.held.insert(entry);
    }

    /// These reports were read: they take the places of earlier ones that are held. One that is on its way is
    /// judged first.
    pub(super) fn take_places(&mut self, later: &[Entry]) {
        for entry in later {
            let older = self.held.with_id(entry.id).filter(|held| held.seq < entry.seq);
            if let Some(older) = older.map(|older| older.seq).and_then(|seq| self.held.remove(seq)) {
                self.supersede(&older);
            }
        }
    }

    fn supersede(&mut self, entry: &Entry) {
        let reason = tell::superseded(entry, self.schedule.why(entry.seq));
        tracing::warn!(
            "report {} ({:?}): a later report with the same identifier takes its place; it is moved to the failed \
             folder",
            entry.id,
            entry.name
        );
        self.schedule.forget(entry.seq);
        self.decided(entry.seq, Verdict::Refused(reason));
    }
}
