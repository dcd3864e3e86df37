//! Reports whose files cannot be read now: each is tried again by itself, and all of them are told as one problem.

use crate::queue::Entry;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What follows the first one within this time is told together.
const TOGETHER: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Unreadable {
    /// When those that were to be sent in turn are tried again.
    resting: Vec<(Instant, Entry)>,
    /// What is wrong, by row, until it was read.
    why: BTreeMap<i64, String>,
    tell_at: Option<Instant>,
}

impl Unreadable {
    /// This one cannot be read, for this reason.
    pub(super) fn is(&mut self, seq: i64, why: String, now: Instant) {
        if self.why.get(&seq) != Some(&why) {
            // The first one is told at once.
            let after = if self.why.is_empty() { Duration::ZERO } else { TOGETHER };
            self.why.insert(seq, why);
            self.tell_at.get_or_insert(now + after);
        }
    }

    /// It is left alone until then.
    pub(super) fn rest(&mut self, entry: Entry, until: Instant) {
        self.resting.push((until, entry));
    }

    /// This one is to be tried now.
    pub(super) fn hurry(&mut self, seq: i64, now: Instant) {
        self.resting.iter_mut().filter(|(_, entry)| entry.seq == seq).for_each(|(again, _)| *again = now);
    }

    /// This one will not be sent.
    pub(super) fn let_go(&mut self, seq: i64, now: Instant) {
        self.resting.retain(|(_, entry)| entry.seq != seq);
        self.is_over(seq, now);
    }

    /// This one was read, or is not to be read any more.
    pub(super) fn is_over(&mut self, seq: i64, now: Instant) {
        if self.why.remove(&seq).is_some() {
            self.tell_at.get_or_insert(now + TOGETHER);
        }
    }

    /// Those that may be tried again.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Entry> {
        let (due, later) =
            std::mem::take(&mut self.resting).into_iter().partition(|(again, _)| *again <= now);
        self.resting = later;
        due.into_iter().map(|(_, entry): (Instant, Entry)| entry).collect()
    }

    /// When one is due, or something is to be told.
    pub(super) fn next(&self) -> Option<Instant> {
        self.resting.iter().map(|(again, _)| *again).chain(self.tell_at).min()
    }

    /// Whether something has changed that is to be told now. Says so once.
    pub(super) fn take_news(&mut self, now: Instant) -> bool {
        self.tell_at.take_if(|at| *at <= now).is_some()
    }

    /// Whether what is wrong is to be told a little later.
    pub(super) fn has_news(&self) -> bool {
        self.tell_at.is_some()
    }

    /// What is wrong: one of them, and how many there are.
    pub(super) fn text(&self) -> Option<String> {
        let first = self.why.values().next()?;
        Some(match self.why.len() {
            1 => first.clone(),
            all => format!("{first} (and {} more reports)", all - 1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: what many reports meet is told one by one, again and again, or not when it changes or is over.
    #[test]
    fn told_together_and_once() {
        let mut unreadable = Unreadable::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let two = "a: denied (and 1 more reports)";
        for (time, events, told, text) in [
            (0, vec![(1, Some("a: denied"))], true, Some("a: denied")),
            (1, vec![(2, Some("b: denied"))], false, Some(two)),
            (2, vec![], true, Some(two)),
            (10, vec![(1, Some("a: denied")), (2, Some("b: denied"))], false, Some(two)),
            (12, vec![], false, Some(two)),
            (20, vec![(1, None)], false, Some("b: denied")),
            (21, vec![(1, None)], true, Some("b: denied")),
            (30, vec![(2, None)], false, None),
            (31, vec![], true, None),
        ] {
            for (seq, why) in events {
                match why {
                    Some(why) => unreadable.is(seq, why.to_owned(), at(time)),
                    None => unreadable.is_over(seq, at(time)),
                }
            }
            assert_eq!(unreadable.take_news(at(time)), told, "{time}");
            assert_eq!(unreadable.text().as_deref(), text, "{time}");
        }
    }
}
