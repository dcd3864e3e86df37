//! How fast to send: as fast as it goes until the server says 429, then as fast as it allows.
//!
//! A first 429 sets the pace to that at which reports went out in the last seconds; from there it doubles every
//! [`STEP`] until the next one, as long as it is what holds uploads up. Each further 429 makes it slower, and from
//! then on it grows slowly. Where hardly anything went out, a 429 says nothing of a pace: that all wait for some
//! time is enough. Ten minutes without one make it forgotten.

use std::collections::VecDeque;
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
const AGAIN: Duration = Duration::from_secs(2 * 60);
/// The slowest that is learnt: one a minute.
const SLOWEST: f64 = 1.0;

/// See the module.
#[derive(Debug)]
pub struct Pace {
    /// `upload.max_per_minute`
    set: Option<f64>,
    learnt: Option<Learnt>,
    /// When reports were sent.
    sent: VecDeque<Instant>,
    /// The next one may be sent then.
    next: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Learnt {
    per_minute: f64,
    /// Not yet met again.
    doubling: bool,
    limited: Instant,
    grown: Instant,
    /// It has held something up since it grew.
    felt: bool,
    /// Something was accepted since the last 429: without that, the next one says nothing of the pace.
    tried: bool,
}

impl Pace {
    /// `set` is the setting: reports per minute.
    pub fn new(set: Option<u32>) -> Self {
        Pace { set: set.map(f64::from), learnt: None, sent: VecDeque::new(), next: None }
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
    pub fn accepted(&mut self) {
        if let Some(learnt) = &mut self.learnt {
            learnt.tried = true;
        }
    }

    /// The server said 429.
    pub fn limited(&mut self, now: Instant) {
        self.drop_old(now);
        self.forget(now);
        let fresh = Learnt {
            per_minute: self.sent.len() as f64 * 60.0 / WINDOW.as_secs_f64(),
            doubling: true,
            limited: now,
            grown: now,
            felt: false,
            tried: false,
        };
        let learnt = match self.learnt {
            Some(learnt) if !learnt.tried || now.duration_since(learnt.limited) < ONE_ANSWER => return,
            Some(learnt) => {
                let less = if now.duration_since(learnt.limited) < AGAIN { 2.0 } else { 1.5 };
                Learnt { per_minute: (learnt.per_minute / less).max(SLOWEST), doubling: false, ..fresh }
            }
            None if self.sent.len() < FEW => return,
            None => fresh,
        };
        tracing::info!(
            "the server asks for fewer requests: at most {:.0} reports a minute for now",
            learnt.per_minute
        );
        self.learnt = Some(learnt);
        self.next = None;
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
            let factor = if learnt.doubling { 2.0 } else { 1.02 };
            learnt.per_minute *= factor;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that allows so many a window says how fast a client becomes that always has something to
    /// send: accepted reports in each minute, and how often it was told to wait.
    fn against(allowed: u32, window: Duration, minutes: u32) -> (Vec<u32>, u32) {
        let start = Instant::now();
        let mut pace = Pace::new(None);
        let (mut now, mut window_ends, mut left) = (start, start + window, allowed);
        let (mut accepted, mut refused) = (vec![0; minutes as usize], 0);
        let mut back_off = Duration::from_secs(1);
        while now < start + 60 * minutes * Duration::from_secs(1) {
            if now >= window_ends {
                (window_ends, left) = (window_ends + window, allowed);
                continue;
            }
            if let Some(next) = pace.next(now) {
                now = next.min(window_ends).max(now + Duration::from_micros(1));
                continue;
            }
            pace.sent(now);
            if left > 0 {
                left -= 1;
                back_off = Duration::from_secs(1);
                accepted[(now.duration_since(start).as_secs() / 60) as usize] += 1;
                pace.accepted();
                now += Duration::from_millis(2);
            } else {
                refused += 1;
                pace.limited(now);
                // As all wait then.
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
        for (allowed, window) in [(100, 60), (10, 1), (600, 60), (5, 10)] {
            let minutes = 30;
            let (accepted, refused) = against(allowed, Duration::from_secs(window), minutes);
            let last: u32 = accepted[20..].iter().sum();
            let possible = allowed * (10 * 60 / window as u32);
            assert!(last * 10 > possible * 6, "{allowed} in {window} s: {last} of {possible}: {accepted:?}");
            assert!(refused <= 60, "{allowed} in {window} s: {refused} refused");
        }
    }

    /// Fails if: a quiet station that is told 429 is held up for long.
    #[test]
    fn a_quiet_station() {
        let mut now = Instant::now();
        for between in [20, 2] {
            let mut pace = Pace::new(None);
            for _ in 0..10 {
                pace.sent(now);
                pace.accepted();
                now += Duration::from_secs(between);
            }
            pace.sent(now);
            pace.limited(now);
            assert_eq!(pace.per_minute(), None, "one each {between} s");
        }
    }

    /// Fails if: there is a limit before the server names one, the setting is not kept, or a limit is never
    /// forgotten.
    #[test]
    fn limits() {
        let now = Instant::now();
        let mut pace = Pace::new(None);
        for _ in 0..1000 {
            assert_eq!(pace.next(now), None);
            pace.sent(now);
            pace.accepted();
        }
        pace.limited(now);
        pace.limited(now);
        assert_eq!(pace.per_minute(), Some(12_000.0), "several 429 at once are one");
        assert_eq!(pace.learnt(now), Some((12_000.0, false)));
        assert_eq!(pace.learnt(now + FORGOTTEN), None);
        assert_eq!(pace.next(now + FORGOTTEN), None);
        assert_eq!(pace.per_minute(), None);

        let mut pace = Pace::new(Some(60));
        pace.sent(now);
        assert_eq!(pace.next(now), Some(now + Duration::from_secs(1)));
        pace.limited(now);
        assert_eq!(pace.per_minute(), Some(60.0), "hardly anything was sent: nothing is learnt");
    }
}
