//! Is a file complete? Decided from what was seen of it, without touching it; time is handed in.

use crate::folder::{Identity, Writer};
use std::time::{Duration, Instant};

/// How long a file must not have changed where neither events nor the file system tell whether it is
/// still being written.
pub const STABLE: Duration = Duration::from_secs(5);

/// How long an empty file may wait for its content: some writers create, close and reopen.
pub const EMPTY: Duration = Duration::from_secs(15);

/// What is known of one file that has not been taken yet.
#[derive(Clone, Copy, Debug)]
pub struct History {
    identity: Option<Identity>,
    unchanged_since: Instant,
    closed: bool,
}

/// What to do with a file now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It is complete.
    Complete,
    /// It may not be complete; look again later, at the latest after this time.
    Wait(Duration),
    /// It is empty and will stay so.
    Empty,
}

impl History {
    /// A file was heard of for the first time.
    pub fn new(now: Instant) -> Self {
        History { identity: None, unchanged_since: now, closed: false }
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
        self.closed = true;
    }

    /// Somebody has written to it (again).
    pub fn written(&mut self) {
        self.closed = false;
    }

    /// Decides.
    pub fn readiness(&self, writer: Writer, now: Instant) -> Readiness {
        let quiet = now.saturating_duration_since(self.unchanged_since);
        let wait_for = |patience: Duration| (quiet < patience).then(|| Readiness::Wait(patience - quiet));
        match writer {
            // The event of the closing is what normally ends this wait.
            Writer::Present => Readiness::Wait(Duration::from_secs(1)),
            _ if self.identity.is_none_or(|identity| identity.size == 0) => {
                wait_for(EMPTY).unwrap_or(Readiness::Empty)
            }
            Writer::Absent => Readiness::Complete,
            Writer::Unknown if self.closed => Readiness::Complete,
            Writer::Unknown => wait_for(STABLE).unwrap_or(Readiness::Complete),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(size: u64) -> Identity {
        Identity { device: 1, file: 1, size, modified_ns: 0 }
    }

    /// Fails if: a file is taken while somebody writes it, or a complete one is left lying.
    #[test]
    fn decisions() {
        let (no, yes) = (false, true);
        let second = Duration::from_secs(1);
        // size, writer, closed by event, seconds unchanged → decision
        for (size, writer, closed, quiet, expected) in [
            (9, Writer::Absent, no, 0, Readiness::Complete),
            (9, Writer::Present, yes, 99, Readiness::Wait(second)),
            (9, Writer::Unknown, yes, 0, Readiness::Complete),
            (9, Writer::Unknown, no, 0, Readiness::Wait(STABLE)),
            (9, Writer::Unknown, no, 4, Readiness::Wait(second)),
            (9, Writer::Unknown, no, 5, Readiness::Complete),
            (0, Writer::Absent, yes, 0, Readiness::Wait(EMPTY)),
            (0, Writer::Absent, yes, 15, Readiness::Empty),
            (0, Writer::Present, no, 99, Readiness::Wait(second)),
            (0, Writer::Unknown, yes, 14, Readiness::Wait(second)),
        ] {
            let start = Instant::now();
            let mut history = History::new(start);
            history.seen(identity(size), start);
            if closed {
                history.closed();
            }
            let now = start + Duration::from_secs(quiet);
            assert_eq!(history.readiness(writer, now), expected, "{size} {writer:?} {closed} {quiet}");
        }
    }

    /// Fails if: a change does not restart the wait, or writing after closing is overlooked.
    #[test]
    fn changes_restart_the_wait() {
        let start = Instant::now();
        let later = start + Duration::from_secs(60);
        let mut history = History::new(start);
        history.seen(identity(1), start);
        history.seen(identity(2), later);
        assert_eq!(history.readiness(Writer::Unknown, later), Readiness::Wait(STABLE));
        history.closed();
        assert_eq!(history.readiness(Writer::Unknown, later), Readiness::Complete);
        history.written();
        assert_eq!(history.readiness(Writer::Unknown, later), Readiness::Wait(STABLE));
    }
}
