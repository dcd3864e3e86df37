//! Is a file complete? Decided from what was seen and heard of it, without touching it; time is handed
//! in.
//!
//! The kernel's word about a writer counts most, where it gives it. Then comes what was heard: a file
//! that was written to since the watch began is not taken before its closing was heard. A file that
//! nothing was heard of, because it was there before or is written on another machine, is complete when
//! it rests.

use crate::folder::{Identity, Writer};
use std::time::{Duration, Instant, SystemTime};

/// How long a file must not have changed where neither events nor the file system tell whether it is
/// still being written.
pub const STABLE: Duration = Duration::from_secs(5);
/// A file whose last change is longer ago by this machine's clock rests, without being observed.
const OLD: Duration = Duration::from_secs(30);
/// How long "somebody is writing" is believed of a file that does not change, before it is asked
/// whether the file system says so of every file.
const DOUBT: Duration = Duration::from_secs(10);
/// How long the closing of a file that was written to is waited for, if the file does not change. Some
/// changes have no closing.
const UNHEARD: Duration = Duration::from_mins(10);
/// How often a file with a writer is looked at; normally the news of its closing end the wait.
const LOOK: Duration = Duration::from_secs(1);

/// What was heard of a file since the watch began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Nothing,
    Written,
    Closed,
}

/// What is known of one file that has not been taken yet.
#[derive(Clone, Copy, Debug)]
pub struct History {
    identity: Option<Identity>,
    unchanged_since: Instant,
    heard: Heard,
}

/// What to do with a file now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Nobody is writing to it.
    Complete,
    /// Somebody may be; look again later, at the latest after this time.
    Wait(Duration),
}

impl History {
    /// A file was heard of for the first time.
    pub fn new(now: Instant) -> Self {
        History { identity: None, unchanged_since: now, heard: Heard::Nothing }
    }

    /// The file was looked at.
    pub fn seen(&mut self, identity: Identity, now: Instant) {
        if self.identity != Some(identity) {
            self.identity = Some(identity);
            self.unchanged_since = now;
        }
    }

    /// Its writer has closed it, or it was moved here.
    pub fn closed(&mut self) {
        self.heard = Heard::Closed;
    }

    /// Somebody has written to it (again).
    pub fn written(&mut self) {
        self.heard = Heard::Written;
    }

    /// News may have been lost: what was heard does not count any more.
    pub fn unheard(&mut self) {
        self.heard = Heard::Nothing;
    }

    /// How long the file has not changed: as observed, or by its time of modification, which holds over
    /// restarts. A clock that is wrong can only make it longer by what the file is older.
    pub fn rest(&self, now: Instant, clock: SystemTime) -> Duration {
        let observed = now.saturating_duration_since(self.unchanged_since);
        self.age(clock).map_or(observed, |age| age.max(observed))
    }

    /// How long it was observed not to change.
    pub fn observed(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.unchanged_since)
    }

    /// Decides. `is_honest` says whether a writer is believed in here; it is only asked in doubt.
    pub fn readiness(
        &self,
        writer: Writer,
        now: Instant,
        clock: SystemTime,
        is_honest: impl FnOnce() -> bool,
    ) -> Readiness {
        let quiet = self.observed(now);
        let wait_for = |patience: Duration| match patience.checked_sub(quiet) {
            Some(rest) if !rest.is_zero() => Readiness::Wait(rest),
            _ => Readiness::Complete,
        };
        let writer = match writer {
            Writer::Present if quiet >= DOUBT && !is_honest() => Writer::Unknown,
            writer => writer,
        };
        match (writer, self.heard) {
            (Writer::Absent, _) | (Writer::Unknown, Heard::Closed) => Readiness::Complete,
            (Writer::Present, _) => Readiness::Wait(LOOK),
            (Writer::Unknown, Heard::Written) => wait_for(UNHEARD),
            (Writer::Unknown, Heard::Nothing) if self.age(clock).is_some_and(|age| age >= OLD) => {
                Readiness::Complete
            }
            (Writer::Unknown, Heard::Nothing) => wait_for(STABLE),
        }
    }

    /// How long ago the last change was by this machine's clock; `None` if it is in the future.
    fn age(&self, clock: SystemTime) -> Option<Duration> {
        let modified = u64::try_from(self.identity?.modified_ns).ok()?;
        clock.duration_since(SystemTime::UNIX_EPOCH + Duration::from_nanos(modified)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(size: u64, modified: SystemTime) -> Identity {
        let since = modified.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        Identity { device: 1, file: 1, size, modified_ns: i64::try_from(since.as_nanos()).unwrap() }
    }

    /// Fails if: a file is taken while somebody writes it, or a complete one is left lying.
    #[test]
    fn decisions() {
        use Heard::{Closed, Nothing, Written};
        use Writer::{Absent, Present, Unknown};
        let wait = |seconds| Readiness::Wait(Duration::from_secs(seconds));
        let complete = Readiness::Complete;
        // Writer, what was heard, seconds observed unchanged, seconds since the change by the clock,
        // whether a writer is believed in → decision
        for (writer, heard, quiet, age, honest, expected) in [
            (Absent, Written, 0, 0, true, complete),
            (Present, Closed, 99, 99, true, wait(1)),
            (Present, Nothing, 9999, 9999, true, wait(1)),
            (Present, Nothing, 9, 9, false, wait(1)),
            (Present, Nothing, 10, 10, false, complete),
            (Present, Closed, 10, 10, false, complete),
            (Present, Written, 10, 10, false, wait(590)),
            (Unknown, Closed, 0, 0, true, complete),
            (Unknown, Written, 45, 45, true, wait(555)),
            (Unknown, Written, 600, 600, true, complete),
            (Unknown, Nothing, 0, 0, true, wait(5)),
            (Unknown, Nothing, 4, 4, true, wait(1)),
            (Unknown, Nothing, 5, 5, true, complete),
            (Unknown, Nothing, 0, 29, true, wait(5)),
            (Unknown, Nothing, 0, 30, true, complete),
            (Unknown, Nothing, 0, -3600_i64, true, wait(5)),
        ] {
            let (start, clock) = (Instant::now(), SystemTime::now());
            let modified = match u64::try_from(age) {
                Ok(age) => clock - Duration::from_secs(age),
                Err(_) => clock + Duration::from_secs(age.unsigned_abs()),
            };
            let mut history = History::new(start);
            history.seen(identity(9, modified), start);
            history.heard = heard;
            let decision = history.readiness(writer, start + Duration::from_secs(quiet), clock, || honest);
            assert_eq!(decision, expected, "{writer:?} {heard:?} {quiet} {age} {honest}");
        }
    }

    /// Fails if: a change does not restart the wait, or a rest over a restart is not counted.
    #[test]
    fn changes_restart_the_wait() {
        let (start, clock) = (Instant::now(), SystemTime::now());
        let later = start + Duration::from_secs(60);
        let mut history = History::new(start);
        history.seen(identity(1, clock), start);
        assert_eq!(history.rest(later, clock), Duration::from_secs(60));
        history.seen(identity(2, clock), later);
        assert_eq!(history.rest(later, clock), Duration::ZERO);
        history.seen(identity(2, clock - Duration::from_secs(900)), later);
        assert_eq!(history.rest(later, clock), Duration::from_secs(900));
        history.seen(identity(2, clock + Duration::from_secs(900)), later);
        assert_eq!(history.rest(later, clock), Duration::ZERO, "a clock that is behind proves nothing");
    }
}
