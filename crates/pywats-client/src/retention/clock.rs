//! Whether the clock can be believed when files are to go for their age: a clock that is years ahead makes all
//! of them old. Pure.
//!
//! When it has gone ahead by more than seven days since it was last looked at, nothing goes for its age for seven
//! days. It does not matter why: a station that was switched off for as long has time for that, too. A clock that
//! goes back is believed when it still says so at the next look, hours later: until then its owner may be setting it.

use super::{DAY, GRACE};

/// What is remembered of the clock; times are in seconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// The latest time that it has shown; `None` before the first look.
    pub seen: Option<i64>,
    /// From when on files may go for their age.
    pub from: i64,
    /// Whether it was behind that at the last look.
    behind: bool,
}

impl Clock {
    /// As it was remembered.
    pub fn new(seen: Option<i64>, from: Option<i64>) -> Self {
        Clock { seen, from: from.unwrap_or(i64::MIN), behind: false }
    }

    /// Looks at the clock, as is done every few hours.
    pub fn look(&mut self, now: i64) {
        let seen = self.seen.unwrap_or(now);
        if now > seen + GRACE {
            self.from = now + GRACE;
        } else if now < seen && !std::mem::replace(&mut self.behind, true) {
            return;
        }
        self.behind = false;
        // What a wrong clock has said does not count for years.
        self.from = self.from.min(now + GRACE);
        // Once a day is enough to remember.
        if now < seen || now >= seen + DAY || self.seen.is_none() {
            self.seen = Some(now);
        }
    }

    /// Whether files may go for their age.
    pub fn is_sure(&self, now: i64) -> bool {
        self.from <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: files go for their age right after the clock has leapt ahead, or never again after it was set right,
    /// or a station that is switched off each night, or whose clock begins in 1970 at each start, keeps all.
    #[test]
    fn a_clock_that_leaps_is_not_believed() {
        const YEARS: i64 = 20 * 365;
        // the days that the clock shows at one look after the other, and whether files may go for their age then;
        // -1 is 1970
        let cases: [(&str, &[(i64, bool)]); 6] = [
            ("in order", &[(0, true), (1, true), (2, true), (8, true)]),
            ("off for weeks", &[(0, true), (30, false), (36, false), (37, true), (38, true)]),
            ("years ahead", &[(0, true), (YEARS, false), (YEARS + 6, false)]),
            // It was set right.
            (
                "and back",
                &[(0, true), (YEARS, false), (1, false), (1, false), (7, false), (9, true), (YEARS, false)],
            ),
            ("1970 at the start", &[(0, true), (-1, true), (1, true), (-1, true), (2, true)]),
            ("1970 for hours", &[(9, true), (-1, true), (-1, true), (10, false), (16, false), (17, true)]),
        ];
        for (name, looks) in cases {
            let mut clock = Clock::default();
            let first = 1_800_000_000;
            for &(day, sure) in looks {
                let now = if day < 0 { 0 } else { first + day * DAY };
                // What is remembered is enough.
                clock = Clock { behind: clock.behind, ..Clock::new(clock.seen, Some(clock.from)) };
                clock.look(now);
                assert_eq!(clock.is_sure(now), sure, "{name}: {day} {clock:?}");
            }
        }
    }
}
