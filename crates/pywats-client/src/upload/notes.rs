//! What is known of reports and not committed yet. Nothing in here is ever forgotten.

use crate::queue::Note;
use std::time::{Duration, Instant};

/// How long a note waits for others.
const WAIT: Duration = Duration::from_secs(1);
/// How long one waits while nothing is under way that could bring others.
const QUIET: Duration = Duration::from_millis(50);
/// So many verdicts wait for no others.
const FULL: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub struct Notes {
    waiting: Vec<(i64, Note)>,
    /// Those that are being committed, in number.
    committing: usize,
    /// When those that wait are committed at the latest.
    due: Option<Instant>,
    /// When the last one came.
    last: Option<Instant>,
    /// A commit failed; the next one is not tried before.
    failed: Option<Instant>,
}

impl Notes {
    /// One more.
    pub fn add(&mut self, seq: i64, note: Note, now: Instant) {
        self.waiting.push((seq, note));
        self.due.get_or_insert(now + WAIT);
        self.last = Some(now);
    }

    /// One more that somebody waits for: it and the others wait no longer.
    pub fn add_urgent(&mut self, seq: i64, note: Note, now: Instant) {
        self.add(seq, note, now);
        self.due = Some(now);
    }

    /// How many are not committed.
    pub fn uncommitted(&self) -> usize {
        self.waiting.len() + self.committing
    }

    /// Whether the last commit worked.
    pub fn is_well(&self) -> bool {
        self.failed.is_none()
    }

    /// When to commit; `None` while a commit is under way. `quiet` says that nothing is that could bring more.
    pub fn due(&self, quiet: bool) -> Option<Instant> {
        let due = self.due.filter(|_| self.committing == 0)?;
        let due = self.last.filter(|_| quiet).map_or(due, |last| due.min(last + QUIET));
        Some(self.failed.map_or(due, |failed| failed.max(due)))
    }

    /// Those to commit now. One commit at a time: their order is kept.
    pub fn take(&mut self, now: Instant, quiet: bool) -> Option<Vec<(i64, Note)>> {
        let due = self.due(quiet)?;
        let full = self.waiting.len() >= FULL && self.failed.is_none_or(|failed| failed <= now);
        if due <= now || full { self.take_all() } else { None }
    }

    /// All of them.
    pub fn take_all(&mut self) -> Option<Vec<(i64, Note)>> {
        let notes = std::mem::take(&mut self.waiting);
        self.due = None;
        self.committing = notes.len();
        (!notes.is_empty()).then_some(notes)
    }

    /// They are committed.
    pub fn done(&mut self) {
        self.committing = 0;
        self.failed = None;
    }

    /// They could not be committed, and are to be tried again.
    pub fn failed(&mut self, mut notes: Vec<(i64, Note)>, again: Instant) {
        self.committing = 0;
        notes.append(&mut self.waiting);
        self.waiting = notes;
        self.due = Some(again);
        self.failed = Some(again);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a note is forgotten or committed out of order, a disk that fails is tried without a pause,
    /// or notes wait for longer than a second.
    #[test]
    fn nothing_is_forgotten() {
        let now = Instant::now();
        let later = |millis| now + Duration::from_millis(millis);
        let mut notes = Notes::default();
        notes.add(1, Note::Attempt, now);
        notes.add(2, Note::Attempt, later(900));
        assert_eq!(notes.take(later(999), false), None);
        let first = notes.take(later(1000), false).unwrap();
        notes.add(3, Note::Attempt, later(1000));
        assert_eq!(notes.take(later(5000), true), None, "one commit at a time");
        notes.failed(first, later(10_000));
        assert!(!notes.is_well());
        for seq in 4..100 {
            notes.add(seq, Note::Attempt, later(1000));
        }
        assert_eq!(notes.take(later(9999), true), None);
        let all: Vec<i64> =
            notes.take(later(10_000), false).unwrap().into_iter().map(|(seq, _)| seq).collect();
        assert_eq!(all, (1..100).collect::<Vec<i64>>());
        notes.done();
        assert!(notes.is_well() && notes.uncommitted() == 0 && notes.due(true).is_none());
        for seq in 0..64 {
            notes.add(seq, Note::Attempt, now);
        }
        assert!(notes.take(now, false).is_some(), "64 wait for nobody");
        notes.done();
        notes.add(1, Note::Attempt, now);
        assert_eq!(notes.take(later(49), true), None);
        assert!(notes.take(later(50), true).is_some(), "nothing is under way that could bring others");
        notes.add(2, Note::Attempt, now);
        notes.add_urgent(1, Note::Dropped(String::new()), now);
        assert_eq!(notes.take(now, false), None, "one commit at a time");
        notes.done();
        assert_eq!(notes.take(now, false).unwrap().len(), 2, "somebody waits for it");
    }
}
