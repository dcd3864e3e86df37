//! The server as a whole waits: why, until when, and how the wait grows.

use super::judge::Because;
use super::order::Order;
use std::time::{Duration, Instant};

/// The longest wait that a server can ask for.
pub const LONGEST_ASKED: Duration = Duration::from_secs(60 * 60);

/// The waits of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// After a first failure.
    pub initial: Duration,
    /// The longest.
    pub max: Duration,
}

impl Waits {
    /// Doubles with each failure; half of it is left to chance, so that many stations that lost the
    /// same server do not come back in the same second. `chance` is from 0 to 1.
    pub fn back_off(self, failures: u32, chance: f64) -> Duration {
        let doubled = self.initial.saturating_mul(1 << failures.saturating_sub(1).min(20));
        doubled.min(self.max).mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0))
    }

    /// How long a report that was not tried waits after so many `different` ones were: not at all for a single
    /// one, and a first wait longer for each more, as each makes it likelier that it is none of them.
    pub fn for_another(self, different: usize, chance: f64) -> Duration {
        let more = u32::try_from(different.saturating_sub(1)).unwrap_or(MORE).min(MORE);
        self.initial.saturating_mul(more).min(self.max).mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0))
    }

    /// The longest wait, with the same play.
    pub fn longest(self, chance: f64) -> Duration {
        self.max.mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0))
    }
}

/// Why all wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// What [`super::judge`] found.
    Because(Because),
    /// The server is busy.
    Busy,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Pause {
    /// Why.
    pub reason: Reason,
    /// The answer that says so, in one line.
    pub why: String,
    /// The refusal that began it, or made it longer.
    pub since: Order,
    /// Nothing is sent before.
    pub until: Instant,
    /// A report that was not tried in a pause because of others is not sent before. Those that are tried again
    /// do not move it: nobody waits for them.
    pub soon: Instant,
    /// It is the WATS server that answers, so that only a report can tell when it is over.
    pub proven: bool,
    /// The reason is over: what is left is to send one report at a time until one passes.
    pub is_over: bool,
    failures: u32,
    /// Reports that were not accepted since it is over.
    probes: u32,
}

/// A report that was not tried waits for others no longer than for so many.
const MORE: u32 = 60;

/// How much a report tells that was refused in a pause.
#[derive(Clone, Copy, Debug)]
pub struct Tried {
    /// How many different ones were, with this one.
    pub different: usize,
    /// This one was not refused before.
    pub first_time: bool,
}

impl Pause {
    /// Whether the version is asked for next, and not a report sent: by turns.
    pub fn asks_version(&self) -> bool {
        self.failures % 2 == 1
    }

    /// The server answers, and not as it did: what it said before says nothing any more.
    pub fn ends(&mut self, now: Instant) {
        self.proven = true;
        self.is_over = true;
        self.until = self.until.min(now);
        self.soon = self.soon.min(now);
        self.probes = 0;
    }

    /// A report was sent, and what came is held against it alone: the next one waits, longer each time; one that
    /// was not tried yet not as long.
    pub fn not_passed(&mut self, tried: Tried, waits: Waits, now: Instant, chance: f64) {
        let count = if self.is_over { &mut self.probes } else { &mut self.failures };
        *count = count.saturating_add(1);
        self.until = self.until.max(now + waits.back_off(*count, chance));
        self.not_sooner(tried, waits, now, chance);
    }

    fn not_sooner(&mut self, tried: Tried, waits: Waits, now: Instant, chance: f64) {
        if tried.first_time {
            self.soon = self.soon.max(now + waits.for_another(tried.different, chance));
        }
    }

    /// Begins one, or makes one longer that goes on. What was already under way when it began says nothing
    /// new: it makes no wait longer but one that the server asks for.
    pub fn new(before: Option<Pause>, new: News, waits: Waits, now: Instant, chance: f64) -> Self {
        let asked = new.asked.unwrap_or_default().min(LONGEST_ASKED);
        if let Some(before) = before.as_ref().filter(|before| new.began < before.since) {
            let mut same = before.clone();
            same.until = same.until.max(now + asked);
            same.soon = same.soon.max(now + asked);
            same.not_sooner(new.tried, waits, now, chance);
            return same;
        }
        let soon = before.as_ref().map_or(now, |before| before.soon).max(now + asked);
        let failures = before.map_or(0, |before| match before.is_over && new.proven {
            true => before.probes,
            false => before.failures,
        });
        let failures = failures.saturating_add(1);
        let wait = if needs_people(new.reason) && !new.proven {
            // Each attempt with a wrong token may count against the account.
            waits.longest(1.0)
        } else {
            waits.back_off(failures, chance)
        };
        let mut pause = Pause {
            reason: new.reason,
            why: new.why,
            since: new.arrived,
            until: now + wait.max(asked),
            soon,
            proven: new.proven,
            is_over: false,
            failures,
            probes: 0,
        };
        pause.not_sooner(new.tried, waits, now, chance);
        pause
    }
}

/// Nothing will pass until somebody has done something; a change of the configuration starts anew.
fn needs_people(reason: Reason) -> bool {
    matches!(reason, Reason::Because(Because::Token | Because::Proxy | Because::Settings))
}

/// What makes a pause.
#[derive(Clone, Debug)]
pub struct News {
    /// Why.
    pub reason: Reason,
    /// The answer in one line.
    pub why: String,
    /// When the request began.
    pub began: Order,
    /// When its answer arrived.
    pub arrived: Order,
    /// Whether the WATS server answers.
    pub proven: bool,
    /// How long the server asked to wait.
    pub asked: Option<Duration>,
    /// The report that says so.
    pub tried: Tried,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const WAITS: Waits = Waits { initial: SECOND, max: Duration::from_secs(300) };

    fn news(reason: Reason, number: u64) -> News {
        let (began, arrived) = (Order(number), Order(number + 1));
        let tried = Tried { different: 1, first_time: true };
        News { reason, why: String::new(), began, arrived, proven: false, asked: None, tried }
    }

    /// Fails if: waits do not double, exceed the longest one, or chance makes them longer or nothing.
    #[test]
    fn it_grows() {
        let now = Instant::now();
        let mut pause = None;
        for (number, expected) in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300].into_iter().enumerate() {
            let new = news(Reason::Because(Because::Way), 10 * number as u64);
            let next = Pause::new(pause.take(), new, WAITS, now, 1.0);
            assert_eq!(next.until - now, expected * SECOND);
            pause = Some(next);
        }
        assert_eq!(WAITS.back_off(30, 0.0), 150 * SECOND);
        assert_eq!(WAITS.back_off(1, 0.0), SECOND / 2);
    }

    /// Fails if: several uploads that were under way at once make the wait longer than one would.
    #[test]
    fn what_was_under_way_counts_once() {
        let now = Instant::now();
        let trouble = Reason::Because(Because::Trouble);
        let first = Pause::new(None, news(trouble, 5), WAITS, now, 1.0);
        let mut pause = first.clone();
        for number in 1..5 {
            pause = Pause::new(Some(pause), news(trouble, number), WAITS, now, 1.0);
        }
        assert_eq!(pause.until, first.until);
    }

    /// Fails if: what the server asks for is not followed, is followed below the own back-off (bug: a server
    /// that says 0 is asked thousands of times) or beyond an hour.
    #[test]
    fn what_the_server_asks_for() {
        let now = Instant::now();
        for (asked, expected) in
            [(None, 1), (Some(0), 1), (Some(42), 42), (Some(3600), 3600), (Some(1_000_000), 3600)]
        {
            let asked = asked.map(Duration::from_secs);
            let pause = Pause::new(None, News { asked, ..news(Reason::Busy, 1) }, WAITS, now, 1.0);
            assert_eq!(pause.until - now, expected * SECOND, "{asked:?}");
        }
        let zero = Some(Duration::ZERO);
        let mut pause = None;
        for number in 0..10 {
            let new = News { asked: zero, ..news(Reason::Busy, 10 * number) };
            pause = Some(Pause::new(pause, new, WAITS, now, 1.0));
        }
        assert_eq!(
            pause.map(|pause| pause.until - now),
            Some(300 * SECOND),
            "it grows whatever the server says"
        );
    }

    /// Fails if: a wrong token is tried every second.
    #[test]
    fn what_needs_people_is_not_tried_often() {
        let now = Instant::now();
        for (because, proven, expected) in [
            (Because::Token, false, 300),
            (Because::Proxy, false, 300),
            (Because::Settings, false, 300),
            (Because::Token, true, 1),
            (Because::Address, false, 1),
        ] {
            let new = News { proven, ..news(Reason::Because(because), 1) };
            let pause = Pause::new(None, new, WAITS, now, 1.0);
            assert_eq!(pause.until - now, expected * SECOND, "{because:?} {proven}");
        }
    }
}
