//! What the service has seen since it was started and keeps in memory only: how the last reports ended, what the server
//! answered and when, how long the oldest report waits, how much space is left, and how far the clock is off.
//!
//! The health endpoints show it; nothing depends on it.

use crate::disk;
use crate::queue::Queue;
use crate::status::{Status, Topic};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};
use wats::{Seen, Witness};

/// So many ends of reports are kept.
const LAST: usize = 20;
/// Of so many answers the median tells how far the clock is off, and from so many on it is believed: one answer out of
/// a cache, or one that hung, says nothing.
const DATES: usize = 5;
const ENOUGH: usize = 3;
/// So many seconds off, and somebody should know.
const TOLERATED: i64 = 120;
/// A note about the clock changes when it has gone on by so many seconds: each change is logged.
const CHANGED: i64 = 60;
/// A request that took longer says too little about the time.
const SLOW: SignedDuration = SignedDuration::from_secs(10);

/// How a report, or a file that is none, ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// When.
    pub time: Timestamp,
    /// The name that its file had.
    pub file: String,
    /// The serial number, if it was read.
    pub serial_number: Option<String>,
    /// The identifier, if it has one.
    pub id: Option<String>,
    /// Why it was refused; `None` if it was delivered.
    pub refused: Option<Refused>,
}

/// Why a report was refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong with it.
    pub reason: String,
    /// What a person can do.
    pub what_to_do: String,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Observed {
    inner: Mutex<Inner>,
    /// Somebody is looking at the disk: on one that does not answer, others do not wait, too.
    looking: AtomicBool,
}

#[derive(Debug, Default)]
struct Inner {
    last: VecDeque<Ended>,
    last_delivery: Option<Timestamp>,
    answers: BTreeMap<Option<u16>, u64>,
    offsets: VecDeque<i64>,
    noted_offset: Option<i64>,
    queue: Weak<Queue>,
    oldest: Option<Timestamp>,
    free_bytes: Option<u64>,
}

impl Observed {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A report has ended.
    pub fn ended(&self, ended: Ended) {
        let mut inner = self.inner();
        if ended.refused.is_none() {
            inner.last_delivery = Some(ended.time);
        }
        inner.last.truncate(LAST - 1);
        inner.last.push_front(ended);
    }

    /// How the last reports ended, the newest first.
    pub fn last(&self) -> Vec<Ended> {
        self.inner().last.iter().cloned().collect()
    }

    /// When the server accepted a report last, since the service was started.
    pub fn last_delivery(&self) -> Option<Timestamp> {
        self.inner().last_delivery
    }

    /// How often the server answered with each status; `None` counts requests without an answer.
    pub fn answers(&self) -> BTreeMap<Option<u16>, u64> {
        self.inner().answers.clone()
    }

    /// By how many seconds the clock is ahead of the server's, negative for behind; `None` as long as too few answers
    /// said their time.
    pub fn clock_offset(&self) -> Option<i64> {
        offset(&self.inner().offsets)
    }

    /// From now on this is the queue.
    pub fn queue_is(&self, queue: Weak<Queue>) {
        self.inner().queue = queue;
    }

    /// Looks at queue and disk; blocks for as long as they take.
    pub fn look(&self, data_dir: &Path) {
        if self.looking.swap(true, Ordering::AcqRel) {
            return;
        }
        let queue = self.inner().queue.upgrade();
        let oldest = queue.and_then(|queue| queue.oldest_waits_since());
        let free = disk::free_space(data_dir).ok();
        let mut inner = self.inner();
        inner.oldest = oldest;
        inner.free_bytes = free;
        drop(inner);
        self.looking.store(false, Ordering::Release);
    }

    /// Since when the oldest report waits, as of the last look.
    pub fn oldest(&self) -> Option<Timestamp> {
        self.inner().oldest
    }

    /// Free bytes on the disk of the data folder, as of the last look.
    pub fn free_bytes(&self) -> Option<u64> {
        self.inner().free_bytes
    }

    /// Counts what the server answered. Returns what is to be noted about the clock, if that has changed: `Some(None)`
    /// if it is right again.
    fn saw(&self, seen: &Seen) -> Option<Option<i64>> {
        let mut inner = self.inner();
        *inner.answers.entry(seen.status).or_default() += 1;
        let fresh = !seen.from_cache && seen.took <= SLOW && matches!(seen.status, Some(200..300));
        let date = seen.date.filter(|_| fresh)?;
        // The server wrote its time somewhere between.
        let here = seen.began.checked_add(seen.took / 2).ok()?;
        inner.offsets.truncate(DATES - 1);
        inner.offsets.push_front(here.as_second() - date.as_second());
        let off = offset(&inner.offsets)?;
        let was = inner.noted_offset;
        let is = (off.abs() > TOLERATED).then_some(off);
        let changed = match (was, is) {
            (Some(was), Some(is)) => was.abs_diff(is) >= CHANGED as u64,
            (was, is) => was != is,
        };
        changed.then(|| {
            inner.noted_offset = is;
            is
        })
    }
}

/// The median, if there are enough.
fn offset(offsets: &VecDeque<i64>) -> Option<i64> {
    let mut sorted: Vec<i64> = offsets.iter().copied().collect();
    sorted.sort_unstable();
    (sorted.len() >= ENOUGH).then(|| sorted[sorted.len() / 2])
}

impl Witness for Status {
    fn saw(&self, seen: &Seen) {
        match self.observed().saw(seen) {
            None => {}
            Some(None) => self.forget(Topic::Clock),
            Some(Some(off)) => self.note(Topic::Clock, clock_is_off(off)),
        }
    }
}

/// What to do about a clock that is so many seconds ahead.
fn clock_is_off(ahead: i64) -> String {
    let by = match ahead.unsigned_abs() {
        seconds @ ..=7200 => format!("{} minutes", seconds / 60),
        seconds @ ..=172_800 => format!("{} hours", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    };
    if ahead > 0 {
        format!(
            "this machine's clock is {by} ahead of the server's, which puts reports that are dated in the future into \
             quarantine, where nobody sees them; correct the clock and let it follow a time server"
        )
    } else {
        format!(
            "this machine's clock is {by} behind the server's, and reports are dated by it; correct the clock and let it \
             follow a time server"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(status: Option<u16>, ahead: i64) -> Seen {
        let began = Timestamp::from_second(1_800_000_000).unwrap();
        let date = Timestamp::from_second(1_800_000_000 - ahead).ok();
        Seen { status, date, from_cache: false, began, took: SignedDuration::from_millis(20) }
    }

    /// Fails if: one wrong answer, one out of a cache, one of a gate or one that hung moves the clock; a clock that is
    /// off goes unnoticed, or is noted again and again; or one that was corrected is still noted.
    #[test]
    fn the_clock_is_compared_with_the_servers() {
        let cached = Seen { from_cache: true, ..seen(Some(200), 9000) };
        let slow = Seen { took: SLOW * 2, ..seen(Some(200), 9000) };
        let no_date = Seen { date: None, ..seen(Some(200), 9000) };
        let right = seen(Some(200), 0);
        let cases: &[(&str, &[Seen], Option<&str>)] = &[
            ("right", &[right; 5], None),
            ("too few", &[seen(Some(200), 9000); 2], None),
            ("ahead", &[seen(Some(200), 180); 3], Some("3 minutes ahead")),
            ("behind", &[seen(Some(201), -90_000); 3], Some("25 hours behind")),
            ("days", &[seen(Some(201), -900_000); 3], Some("10 days behind")),
            ("two minutes", &[seen(Some(200), 120); 5], None),
            ("one is wrong", &[right, right, right, seen(Some(200), 9000), right], None),
            ("out of a cache", &[cached; 5], None),
            ("slow", &[slow; 5], None),
            ("a gate", &[seen(Some(401), 9000); 5], None),
            ("no answer", &[Seen { status: None, ..no_date }; 5], None),
            ("no date", &[no_date; 5], None),
        ];
        for (what, answers, noted) in cases {
            let status = Status::new();
            answers.iter().for_each(|seen| status.saw(seen));
            let note = status.notes().get(&Topic::Clock).cloned();
            assert_eq!(note.is_some(), noted.is_some(), "{what}: {note:?}");
            assert!(note.unwrap_or_default().contains(noted.unwrap_or_default()), "{what}");
            [right; 5].iter().for_each(|seen| status.saw(seen));
            assert_eq!(status.notes().get(&Topic::Clock), None, "{what}");
            assert_eq!(status.observed().clock_offset(), Some(0), "{what}");
        }
        let status = Status::new();
        let told: Vec<bool> = [180, 180, 180, 200, 170, 190, 260, 260, 260]
            .map(|ahead| status.observed().saw(&seen(Some(200), ahead)).is_some())
            .into();
        assert_eq!(told.iter().filter(|told| **told).count(), 2, "{told:?}");
    }

    /// Fails if: an answer is not counted under its status, or more ends are kept than the last ones.
    #[test]
    fn counts_answers_and_keeps_the_last_ends() {
        let status = Status::new();
        for answer in [Some(200), Some(503), Some(200), None] {
            status.saw(&seen(answer, 0));
        }
        let answers = status.observed().answers();
        assert_eq!(answers, BTreeMap::from([(None, 1), (Some(200), 2), (Some(503), 1)]));
        for number in 0..30 {
            let refused = (number % 2 == 1).then(Refused::default);
            let time = Timestamp::from_second(number).unwrap();
            status.observed().ended(Ended { time, file: number.to_string(), refused, ..Ended::default() });
        }
        let last = status.observed().last();
        assert_eq!((last.len(), last[0].file.as_str(), last[19].file.as_str()), (20, "29", "10"));
        assert_eq!(status.observed().last_delivery(), Timestamp::from_second(28).ok());
    }
}
