//! Numbers and times for people.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// `1,234,567`
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 file`, `2 files`.
pub(super) fn files(number: u64) -> String {
    if number == 1 { "1 file".to_owned() } else { format!("{} files", count(number)) }
}

/// How long something takes, by its two largest units, in one line.
pub(super) fn duration(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let and = |number: u64, unit: &str| {
        if number == 0 { String::new() } else { format!("\u{a0}{number}\u{a0}{unit}") }
    };
    match seconds {
        ..60 => format!("{seconds}\u{a0}s"),
        60..3600 => format!("{minutes}\u{a0}min"),
        3600..86_400 => format!("{hours}\u{a0}h{}", and(minutes % 60, "min")),
        86_400..172_800 => format!("1\u{a0}day{}", and(hours % 24, "h")),
        _ => format!("{}\u{a0}days", count(days)),
    }
}

/// Bytes, as disks are sold.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        ..1_000_000 => format!("{} kB", bytes / 1000),
        1_000_000..1_000_000_000 => format!("{} MB", bytes / 1_000_000),
        1_000_000_000..10_000_000_000 => {
            format!("{}.{} GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10)
        }
        _ => format!("{} GB", count(bytes / 1_000_000_000)),
    }
}

/// A moment by the clock on the wall: the time of today, or with its day.
pub(super) fn moment(time: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (time, now) = (Zoned::new(time, zone.clone()), Zoned::new(now, zone.clone()));
    let format = if time.date() == now.date() {
        "%H:%M:%S"
    } else if time.year() == now.year() {
        "%-d %b, %H:%M"
    } else {
        "%-d %b %Y"
    };
    time.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a number or time reads wrongly.
    #[test]
    fn reads_well() {
        for (given, expected) in [
            (count(0), "0"),
            (count(999), "999"),
            (count(1_234_567), "1,234,567"),
            (files(1), "1 file"),
            (files(2000), "2,000 files"),
            (duration(0), "0 s"),
            (duration(119), "1 min"),
            (duration(3600), "1 h"),
            (duration(3660), "1 h 1 min"),
            (duration(90_000), "1 day 1 h"),
            (duration(900_000), "10 days"),
            (size(12_345), "12 kB"),
            (size(1_560_000_000), "1.5 GB"),
            (size(412_000_000_000), "412 GB"),
        ] {
            assert_eq!(given.replace('\u{a0}', " "), expected);
        }
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let now = "2026-11-29T22:30:00Z".parse().unwrap();
        for (time, expected) in [
            ("2026-11-29T22:15:01Z", "00:15:01"),
            ("2026-11-29T21:15:01Z", "29 Nov, 23:15"),
            ("2025-11-29T21:15:01Z", "29 Nov 2025"),
        ] {
            assert_eq!(moment(time.parse().unwrap(), now, &zone), expected);
        }
    }
}
