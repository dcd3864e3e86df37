//! When to send what: a decision without I/O; time and chance are handed in.
//!
//! Each failure makes the server as a whole wait, and the report that met it a little longer, so that
//! a report which the server always chokes on does not keep the others from passing.

use std::collections::HashMap;
use std::time::{Duration, Instant};
use wats::FailureKind;

/// The waits of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// After a first failure.
    pub initial: Duration,
    /// The longest.
    pub max: Duration,
}

/// See the module.
#[derive(Debug)]
pub struct Schedule {
    waits: Waits,
    server: Wait,
    reports: HashMap<i64, Wait>,
}

#[derive(Clone, Copy, Debug)]
struct Wait {
    failures: u32,
    until: Instant,
}

impl Schedule {
    /// Nothing has failed yet.
    pub fn new(waits: Waits, now: Instant) -> Self {
        Schedule { waits, server: Wait { failures: 0, until: now }, reports: HashMap::new() }
    }

    /// How long nothing may be sent.
    pub fn pause(&self, now: Instant) -> Duration {
        self.server.until.saturating_duration_since(now)
    }

    /// Whether a report must wait although the server need not.
    pub fn is_waiting(&self, seq: i64, now: Instant) -> bool {
        self.reports.get(&seq).is_some_and(|wait| wait.until > now)
    }

    /// Whether another report should rather find out if the server has recovered: one that has met
    /// trouble may be the trouble.
    pub fn is_suspect(&self, seq: i64) -> bool {
        self.server.failures > 0 && self.reports.contains_key(&seq)
    }

    /// How long until a waiting report may be sent; `None` if none waits.
    pub fn next_report(&self, now: Instant) -> Option<Duration> {
        self.reports.values().map(|wait| wait.until.saturating_duration_since(now)).min()
    }

    /// The server has answered about this report for good.
    pub fn decided(&mut self, seq: i64, now: Instant) {
        self.reports.remove(&seq);
        self.server = Wait { failures: 0, until: now };
    }

    /// Sending a report failed in a way that may pass. `chance` is from 0 to 1.
    pub fn failed(&mut self, seq: i64, kind: FailureKind, now: Instant, chance: f64) {
        match kind {
            FailureKind::RateLimited { retry_after } => {
                self.server.failures += 1;
                let wait = retry_after.unwrap_or_else(|| self.back_off(self.server.failures, chance));
                self.server.until = now + wait;
            }
            // Nothing will pass until somebody has done something; a change of configuration starts anew.
            FailureKind::Authentication | FailureKind::Configuration => {
                self.server = Wait { failures: 1, until: now + self.waits.max };
            }
            FailureKind::Transient | FailureKind::Permanent => {
                self.server.failures += 1;
                self.server.until = now + self.back_off(self.server.failures, chance);
                let failures = self.reports.get(&seq).map_or(1, |wait| wait.failures + 1);
                let until = now + self.back_off(failures, chance);
                self.reports.insert(seq, Wait { failures, until });
            }
        }
    }

    /// Doubles with each failure; half of it is left to chance, so that many stations that lost the
    /// same server do not come back in the same second.
    fn back_off(&self, failures: u32, chance: f64) -> Duration {
        let doubled = self.waits.initial.saturating_mul(1 << (failures - 1).min(20));
        doubled.min(self.waits.max).mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn schedule(now: Instant) -> Schedule {
        Schedule::new(Waits { initial: SECOND, max: 300 * SECOND }, now)
    }

    /// Fails if: waits do not double, exceed the longest one, or chance makes them longer.
    #[test]
    fn transient_failures_back_off() {
        let now = Instant::now();
        let mut schedule = schedule(now);
        for expected in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            schedule.failed(7, FailureKind::Transient, now, 1.0);
            assert_eq!(schedule.pause(now), expected * SECOND);
            assert!(schedule.is_waiting(7, now));
        }
        for _ in 0..100 {
            schedule.failed(7, FailureKind::Transient, now, 0.0);
        }
        assert_eq!(schedule.pause(now), 150 * SECOND);
        assert_eq!(schedule.next_report(now), Some(150 * SECOND));
        assert!(!schedule.is_waiting(7, now + 151 * SECOND));
    }

    /// Fails if: one report that always fails keeps the others waiting after the server proved well.
    #[test]
    fn a_success_frees_the_others_only() {
        let now = Instant::now();
        let mut schedule = schedule(now);
        for _ in 0..6 {
            schedule.failed(1, FailureKind::Transient, now, 1.0);
        }
        assert!(schedule.is_suspect(1) && !schedule.is_suspect(2), "another one is tried first");
        schedule.decided(2, now);
        assert!(!schedule.is_suspect(1), "the oldest comes first again when its wait is over");
        assert_eq!(schedule.pause(now), Duration::ZERO);
        assert!(schedule.is_waiting(1, now), "it goes on with its own wait");
        assert!(!schedule.is_waiting(3, now));
        schedule.failed(3, FailureKind::Transient, now, 1.0);
        assert_eq!(schedule.pause(now), SECOND, "the server starts from the beginning");
    }

    /// Fails if: what the server says of waiting is not followed, or trouble that concerns all reports
    /// is held against one.
    #[test]
    fn trouble_of_the_server() {
        let now = Instant::now();
        let limited = |seconds| FailureKind::RateLimited { retry_after: seconds };
        for (kind, expected) in [
            (limited(Some(42 * SECOND)), 42),
            (limited(None), 1),
            (FailureKind::Authentication, 300),
            (FailureKind::Configuration, 300),
        ] {
            let mut schedule = schedule(now);
            schedule.failed(1, kind, now, 1.0);
            assert_eq!(schedule.pause(now), expected * SECOND, "{kind:?}");
            assert!(!schedule.is_waiting(1, now), "{kind:?}");
        }
    }
}
