//! How fast to send: as fast as it goes until the server says 429, then as fast as it allows.
//!
//! A 429 may be meant for all, or for one report alone. It is meant for all if another report is told so too, or
//! if the same one is accepted later. Until then all wait for some time, but no pace is learnt; and what several
//! reports taught is dropped if each of them turns out to be refused alone ([`Pace::alone`]).
//!
//! The first pace is that at which reports went out in the last seconds; from there it doubles every [`STEP`] until
//! the next 429, as long as it is what holds uploads up. Each further 429 makes it slower. From then on it comes
//! near to where it met the limit, goes past it in small steps, and in larger ones as long as nothing is said: a
//! limit that was lifted is felt for two minutes or so. Where hardly anything went out, a 429 says nothing of a
//! pace: that all wait for some time is enough. Ten minutes without one make it forgotten.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

/// How often the pace grows.
const STEP: Duration = Duration::from_secs(10);
/// What is looked back at to learn how fast reports went out.
const WINDOW: Duration = Duration::from_secs(5);
/// So few in it say nothing.
const FEW: usize = 5;
/// More are not needed to know that there were many.
const MANY: usize = 10_000;
/// After this long without a 429 the pace is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(10 * 60);
/// Several 429 in so short a time are one.
const ONE_ANSWER: Duration = Duration::from_secs(2);
/// A 429 that comes so soon after another one means that the pace is far from what is allowed.
const AGAIN: Duration = Duration::from_secs(30);
/// What an earlier 429 says of a pace, once it turns out to be meant for all.
const FRESH: Duration = Duration::from_secs(60);
/// What is taken for the limit, as a part of the pace at which it was met.
const NEAR: f64 = 0.9;
/// How much of the way to the limit is made in a step.
const CLOSER: f64 = 0.5;
/// The first step past the limit; each further one is twice as large,
const PAST: f64 = 0.04;
/// up to this.
const LARGEST: f64 = 0.5;
/// The slowest that is learnt: one a minute.
const SLOWEST: f64 = 1.0;

/// See the module.
#[derive(Debug)]
pub struct Pace {
    /// `upload.max_per_minute`
    set: Option<f64>,
    learnt: Option<Learnt>,
    /// Reports that were told 429, and not accepted since.
    told: BTreeSet<i64>,
    /// When the first of them was, and how many went out in a minute then.
    first: Option<(Instant, f64)>,
    /// When reports were sent.
    sent: VecDeque<Instant>,
    /// The next one may be sent then.
    next: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Learnt {
    per_minute: f64,
    /// What is taken for the limit, once it was met again, and the next step past it.
    limit: Option<(f64, f64)>,
    limited: Instant,
    grown: Instant,
    /// It has held something up since it grew.
    felt: bool,
    /// Something was accepted since the last 429: without that, the next one says nothing of the pace.
    tried: bool,
    /// It was meant for all: a report that was told 429 was accepted later.
    sure: bool,
}

impl Pace {
    /// `set` is the setting: reports per minute.
    pub fn new(set: Option<u32>) -> Self {
        Pace {
            set: set.map(f64::from),
            learnt: None,
            told: BTreeSet::new(),
            first: None,
            sent: VecDeque::new(),
            next: None,
        }
    }

    /// The setting has changed.
    pub fn set(&mut self, set: Option<u32>) {
        self.set = set.map(f64::from);
        self.next = None;
    }

    /// Reports per minute that may be sent; `None` without a limit.
    pub fn per_minute(&self) -> Option<f64> {
        match (self.set, self.learnt.map(|learnt| learnt.per_minute)) {
            (Some(set), Some(learnt)) => Some(set.min(learnt)),
            (set, learnt) => set.or(learnt),
        }
    }

    /// When the next report may be sent; now or earlier if there is no reason to wait.
    pub fn next(&mut self, now: Instant) -> Option<Instant> {
        self.grow(now);
        let next = self.next.filter(|next| *next > now)?;
        self.per_minute()?;
        if let Some(learnt) = &mut self.learnt {
            learnt.felt = true;
        }
        Some(next)
    }

    /// The pace that was learnt, in reports per minute, and whether it has just held something up.
    pub fn learnt(&self, now: Instant) -> Option<(f64, bool)> {
        let learnt = self.learnt.filter(|learnt| now.duration_since(learnt.limited) < FORGOTTEN)?;
        let holds = self.set.is_none_or(|set| learnt.per_minute < set);
        Some((learnt.per_minute, learnt.felt && holds))
    }

    /// A report is sent.
    pub fn sent(&mut self, now: Instant) {
        if let Some(rate) = self.per_minute() {
            // What was not used is lost, but for a tenth of a second: no burst after a rest.
            let from = self.next.map_or(now, |next| next.max(now - Duration::from_millis(100)));
            self.next = Some(from + Duration::from_secs_f64(60.0 / rate));
        }
        self.drop_old(now);
        if self.sent.len() < MANY {
            self.sent.push_back(now);
        }
    }

    /// A report was accepted.
    pub fn accepted(&mut self, seq: i64, now: Instant) {
        if self.told.remove(&seq) {
            self.meant_for_all(now);
            if let Some(learnt) = &mut self.learnt {
                learnt.sure = true;
            }
        }
        if let Some(learnt) = &mut self.learnt {
            learnt.tried = true;
        }
    }

    /// The server said 429 to a report.
    pub fn limited(&mut self, seq: i64, now: Instant) {
        self.drop_old(now);
        self.forget(now);
        if self.told.is_empty() {
            self.first = Some((now, self.recent()));
        }
        if !self.told.insert(seq) {
            // Told again, and not accepted between: it may be this report.
            return;
        }
        match &mut self.learnt {
            Some(learnt) => learnt.slower(now),
            None if self.told.len() > 1 => self.meant_for_all(now),
            None => return,
        }
        self.next = None;
    }

    /// The server says 429 to this report while others pass, again and again: that is no limit for all.
    pub fn alone(&mut self, seq: i64) {
        let taught = self.told.remove(&seq);
        if taught && self.told.is_empty() && self.learnt.is_some_and(|learnt| !learnt.sure) {
            tracing::info!(
                "the server asks for fewer requests only where it is sent certain reports: no limit"
            );
            self.learnt = None;
            self.next = None;
        }
    }

    /// Learns the pace at which reports went out when the first of them was told 429.
    fn meant_for_all(&mut self, now: Instant) {
        let first = self.first.take().filter(|(at, _)| now.duration_since(*at) < FRESH);
        let per_minute = first.map_or(0.0, |(_, per_minute)| per_minute).max(self.recent());
        if self.learnt.is_none() && per_minute >= FEW as f64 * 60.0 / WINDOW.as_secs_f64() {
            let learnt = Learnt {
                per_minute,
                limit: None,
                limited: now,
                grown: now,
                felt: false,
                tried: false,
                sure: false,
            };
            learnt.tell();
            self.learnt = Some(learnt);
        }
    }

    /// How many went out in the last seconds, as so many a minute.
    fn recent(&self) -> f64 {
        self.sent.len() as f64 * 60.0 / WINDOW.as_secs_f64()
    }

    fn forget(&mut self, now: Instant) {
        if self.learnt.is_some_and(|learnt| now.duration_since(learnt.limited) >= FORGOTTEN) {
            self.learnt = None;
        }
    }

    fn grow(&mut self, now: Instant) {
        self.forget(now);
        let Some(learnt) = &mut self.learnt else { return };
        if learnt.felt && now.duration_since(learnt.grown) >= STEP {
            learnt.faster();
            learnt.grown = now;
            learnt.felt = false;
            if let Some(next) = &mut self.next {
                // The wait that was measured at the old pace.
                *next = (*next).min(now + Duration::from_secs_f64(60.0 / learnt.per_minute));
            }
        }
    }

    fn drop_old(&mut self, now: Instant) {
        while self.sent.front().is_some_and(|sent| now.duration_since(*sent) > WINDOW) {
            self.sent.pop_front();
        }
    }
}

impl Learnt {
    fn faster(&mut self) {
        match &mut self.limit {
            None => self.per_minute *= 2.0,
            Some((limit, _)) if self.per_minute < 0.97 * *limit => {
                self.per_minute += (*limit - self.per_minute) * CLOSER;
            }
            Some((_, step)) => {
                self.per_minute *= 1.0 + *step;
                *step = (2.0 * *step).min(LARGEST);
            }
        }
    }

    /// Another report was told 429.
    fn slower(&mut self, now: Instant) {
        let since = now.duration_since(self.limited);
        if !self.tried || since < ONE_ANSWER {
            return;
        }
        let less = if since < AGAIN { 2.0 } else { 1.5 };
        self.limit = Some((self.per_minute * NEAR, PAST));
        self.per_minute = (self.per_minute / less).max(SLOWEST);
        (self.limited, self.grown, self.felt, self.tried) = (now, now, false, false);
        self.tell();
    }

    fn tell(&self) {
        tracing::info!(
            "the server asks for fewer requests: at most {:.0} reports a minute for now",
            self.per_minute
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that allows so many a window, up to some time, says how fast a client becomes that always has
    /// something to send: accepted reports in each minute, and how often it was told to wait.
    fn against(allowed: u32, window: Duration, minutes: u32, lifted: Option<Duration>) -> (Vec<u32>, u32) {
        let start = Instant::now();
        let mut pace = Pace::new(None);
        let (mut now, mut window_ends, mut left) = (start, start + window, allowed);
        let (mut accepted, mut refused) = (vec![0; minutes as usize], 0);
        let mut back_off = Duration::from_secs(1);
        let mut waiting = VecDeque::from([1]);
        let mut newest = 1;
        while now < start + 60 * minutes * Duration::from_secs(1) {
            if now >= window_ends {
                (window_ends, left) = (window_ends + window, allowed);
                continue;
            }
            if let Some(next) = pace.next(now) {
                now = next.min(window_ends).max(now + Duration::from_micros(1));
                continue;
            }
            let seq = waiting.pop_front().unwrap_or_default();
            newest += 1;
            waiting.push_back(newest);
            pace.sent(now);
            if left > 0 || lifted.is_some_and(|lifted| now >= start + lifted) {
                left = left.saturating_sub(1);
                back_off = Duration::from_secs(1);
                accepted[(now.duration_since(start).as_secs() / 60) as usize] += 1;
                pace.accepted(seq, now);
                now += Duration::from_millis(2);
            } else {
                refused += 1;
                pace.limited(seq, now);
                // All wait then, and another one finds out whether it is over.
                waiting.insert(1, seq);
                now += back_off;
                back_off = (2 * back_off).min(Duration::from_secs(300));
            }
        }
        (accepted, refused)
    }

    /// Fails if: a server that limits its clients is asked for more again and again, or what it allows is
    /// not used.
    #[test]
    fn learns_what_a_server_allows() {
        for (allowed, window) in [(100, 60), (30, 60), (10, 1), (600, 60), (5, 10), (10, 10)] {
            let minutes = 30;
            let (accepted, refused) = against(allowed, Duration::from_secs(window), minutes, None);
            let last: u32 = accepted[20..].iter().sum();
            let possible = allowed * (10 * 60 / window as u32);
            assert!(last * 10 > possible * 8, "{allowed} in {window} s: {last} of {possible}: {accepted:?}");
            assert!(refused <= 5 * minutes, "{allowed} in {window} s: {refused} refused");
        }
    }

    /// Fails if: a limit that was lifted is felt for long.
    #[test]
    fn a_limit_that_was_lifted() {
        for (allowed, window) in [(100, 60), (10, 1), (5, 10), (10, 10)] {
            let lifted = Duration::from_secs(5 * 60);
            let (accepted, _) = against(allowed, Duration::from_secs(window), 10, Some(lifted));
            let possible = allowed * (60 / window as u32);
            let what = format!("{allowed} in {window} s: {accepted:?}");
            assert!(accepted[4] <= possible, "{what}");
            assert!(accepted[7] > 2 * possible && accepted[8] > 8 * possible, "{what}");
        }
    }

    /// What becomes of reports: told 429, accepted, or told so alone for too often.
    #[derive(Clone, Copy, Debug)]
    enum Told {
        Limited(i64),
        Accepted(i64),
        Alone(i64),
    }

    /// Fails if: what the server says to one report, or to some, is taken for a limit for all; or a limit for all
    /// is not.
    #[test]
    fn meant_for_one_or_for_all() {
        use Told::{Accepted, Alone, Limited};
        let rows: &[(&str, &[Told], bool)] = &[
            ("once", &[Limited(1)], false),
            ("one, again and again", &[Limited(1), Accepted(2), Limited(1), Accepted(3), Limited(1)], false),
            ("and then alone", &[Limited(1), Accepted(2), Limited(1), Alone(1), Limited(2)], false),
            ("one, then accepted", &[Limited(1), Accepted(2), Accepted(1)], true),
            ("two", &[Limited(1), Limited(2)], true),
            ("two, others between", &[Limited(1), Accepted(3), Limited(2)], true),
            ("two, one is alone", &[Limited(1), Limited(2), Accepted(3), Alone(1)], true),
            ("two, both are", &[Limited(1), Limited(2), Accepted(3), Alone(1), Alone(2)], false),
            ("one of them is not", &[Limited(1), Limited(2), Accepted(1), Alone(2)], true),
        ];
        for (what, told, is_limit) in rows {
            let now = Instant::now();
            let mut pace = Pace::new(None);
            (0..20).for_each(|_| pace.sent(now));
            for told in *told {
                match *told {
                    Limited(seq) => pace.limited(seq, now),
                    Accepted(seq) => pace.accepted(seq, now),
                    Alone(seq) => pace.alone(seq),
                }
            }
            assert_eq!(pace.per_minute(), is_limit.then_some(240.0), "{what}");
        }
    }

    /// Fails if: a quiet station that is told 429 is held up for long.
    #[test]
    fn a_quiet_station() {
        let mut now = Instant::now();
        for between in [20, 2] {
            let mut pace = Pace::new(None);
            for seq in 0..10 {
                pace.sent(now);
                pace.accepted(seq, now);
                now += Duration::from_secs(between);
            }
            pace.sent(now);
            pace.limited(10, now);
            pace.limited(11, now);
            assert_eq!(pace.per_minute(), None, "one each {between} s");
        }
    }

    /// Fails if: there is a limit before the server names one, the setting is not kept, or a limit is never
    /// forgotten.
    #[test]
    fn limits() {
        let now = Instant::now();
        let mut pace = Pace::new(None);
        for seq in 0..1000 {
            assert_eq!(pace.next(now), None);
            pace.sent(now);
            pace.accepted(seq, now);
        }
        (1000..1004).for_each(|seq| pace.limited(seq, now));
        assert_eq!(pace.per_minute(), Some(12_000.0), "several 429 at once are one");
        assert_eq!(pace.learnt(now), Some((12_000.0, false)));
        assert_eq!(pace.learnt(now + FORGOTTEN), None);
        assert_eq!(pace.next(now + FORGOTTEN), None);
        assert_eq!(pace.per_minute(), None);

        let mut pace = Pace::new(Some(60));
        pace.sent(now);
        assert_eq!(pace.next(now), Some(now + Duration::from_secs(1)));
        pace.limited(1, now);
        pace.limited(2, now);
        assert_eq!(pace.per_minute(), Some(60.0), "hardly anything was sent: nothing is learnt");
    }
}
