//! Which files the command line means.

use super::ReprocessError;
use crate::cli::ReprocessArgs;
use crate::intake::matches;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Which files are meant.
pub(super) struct Wanted {
    names: Vec<String>,
    since: Timestamp,
    until: Timestamp,
}

/// How a file is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meant {
    /// Not at all.
    Not,
    /// With others: by a pattern, a time, or as all files.
    WithOthers,
    /// By its own name.
    ByName,
}

impl Wanted {
    pub(super) fn read(args: &ReprocessArgs) -> Result<Self, ReprocessError> {
        if args.names.is_empty() && args.since.is_none() && args.until.is_none() && !args.all {
            return Err(ReprocessError::Nothing);
        }
        let since = args.since.as_deref().map_or(Ok(Timestamp::MIN), |text| time(text, false))?;
        let until = args.until.as_deref().map_or(Ok(Timestamp::MAX), |text| time(text, true))?;
        Ok(Wanted { names: args.names.clone(), since, until })
    }

    /// How a file is meant that has these names and came at this time.
    pub(super) fn means(&self, names: &[&str], time: Timestamp) -> Meant {
        let is = |test: fn(&str, &str) -> bool| {
            self.names.iter().any(|pattern| names.iter().any(|name| test(pattern, name)))
        };
        if !(self.since..=self.until).contains(&time) {
            Meant::Not
        } else if is(|pattern, name| pattern == name) {
            Meant::ByName
        } else if self.names.is_empty() || is(matches) {
            Meant::WithOthers
        } else {
            Meant::Not
        }
    }
}

/// A time, or the begin or end of a day in UTC.
fn time(text: &str, end: bool) -> Result<Timestamp, ReprocessError> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let bad = || ReprocessError::Time(text.to_owned());
    let day: Date = text.parse().map_err(|_| bad())?;
    let day = if end { day.tomorrow().map_err(|_| bad())? } else { day };
    let start = day.to_zoned(TimeZone::UTC).map_err(|_| bad())?.timestamp();
    let last = start.as_nanosecond() - i128::from(end);
    Timestamp::from_nanosecond(last).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a day is not the whole day, or nonsense is taken for a time.
    #[test]
    fn times() {
        for (text, end, expected) in [
            ("2026-11-28", false, Some("2026-11-28T00:00:00Z")),
            ("2026-11-28", true, Some("2026-11-28T23:59:59.999999999Z")),
            ("2026-11-28T14:00:00+01:00", true, Some("2026-11-28T13:00:00Z")),
            ("yesterday", false, None),
        ] {
            let expected = expected.map(|text| text.parse::<Timestamp>().unwrap());
            assert_eq!(time(text, end).ok(), expected, "{text}");
        }
    }
}
