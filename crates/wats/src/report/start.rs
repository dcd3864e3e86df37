//! When a test or repair began: ISO 8601 with UTC offset, and what is made of a start without one.
//!
//! A server needs the offset; test systems write `2026-01-30T22:01:41`, the time that the clock on the
//! wall showed, or `+1:00`. What was written stays as it is, and only what is missing is put in.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use super::Rules;

/// A start that was understood.
pub(super) struct Start {
    pub(super) instant: Timestamp,
    /// What is written in its place, and why; where it can stay, nothing.
    pub(super) repaired: Option<(String, String)>,
}

/// Reads a start; `None` if it is nothing that can be understood in one way only.
pub(super) fn read(text: &str, rules: &Rules) -> Option<Start> {
    if !text.contains('[')
        && let Ok(instant) = text.parse()
    {
        return Some(Start { instant, repaired: None });
    }
    let (repaired, why) =
        short_offset(text).or_else(|| zone_in_brackets(text)).or_else(|| without_offset(text, rules))?;
    // Whatever was put in, it counts only what the text says now.
    let instant = repaired.parse().ok().filter(|_| !repaired.contains('['))?;
    Some(Start { instant, repaired: Some((repaired, why)) })
}

/// `+1:00`, as some programs write an offset.
fn short_offset(text: &str) -> Option<(String, String)> {
    let sign = text.rfind(['+', '-']).filter(|sign| *sign > "2026-01-30".len())?;
    let (time, offset) = text.split_at(sign);
    let mut hours_and_minutes = offset[1..].splitn(2, ':');
    let hours = hours_and_minutes.next().filter(|hours| hours.len() == 1 && hours.is_ascii())?;
    let minutes = hours_and_minutes.next().unwrap_or("00");
    let repaired = format!("{time}{}0{hours}:{minutes}", &offset[..1]);
    Some((repaired, format!("the UTC offset {offset} is written with two digits")))
}

/// `+01:00[Europe/Oslo]`, as Java writes it (RFC 9557).
fn zone_in_brackets(text: &str) -> Option<(String, String)> {
    let (repaired, zone) = text.split_once('[')?;
    let zone = zone.strip_suffix(']').filter(|zone| !zone.contains(['[', ']']))?;
    Some((
        repaired.to_owned(),
        format!("the time zone [{}] is left out, the offset says enough", short(zone)),
    ))
}

fn without_offset(text: &str, rules: &Rules) -> Option<(String, String)> {
    let date = text.get(.."2026-01-30".len())?;
    let extended = date.bytes().enumerate().all(|(index, byte)| match index {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    // The parser of a time on the wall would read over an offset or a zone.
    if !extended || text[date.len()..].contains(['+', '-', 'Z', 'z', '[']) {
        return None;
    }
    let wall: DateTime = text.parse().ok()?;
    let (zone, of) = rules.zone_and_its_name();
    let (offset, remark) = offset_at(&zone, wall);
    let time = if text.len() == date.len() { "T00:00:00" } else { "" };
    let repaired = format!("{text}{time}{}", written(offset));
    let day = if time.is_empty() { "" } else { "no time of day, its beginning is taken, and " };
    Some((repaired, format!("{day}no UTC offset; {} is that of {of} at that time{remark}", written(offset))))
}

/// The offset from UTC at a time on the wall. In the hour that a clock shows twice it is the earlier
/// one; in the hour that a clock leaves out it is that of before: whoever wrote the time had a clock that
/// was not put forward yet.
fn offset_at(zone: &TimeZone, wall: DateTime) -> (Offset, &'static str) {
    match zone.to_ambiguous_timestamp(wall).offset() {
        AmbiguousOffset::Unambiguous { offset } => (offset, ""),
        AmbiguousOffset::Fold { before, .. } => {
            (before, "; warning: clocks showed this time twice, the earlier one is taken")
        }
        AmbiguousOffset::Gap { before, .. } => {
            (before, "; warning: clocks left this time out, it is taken as not put forward yet")
        }
    }
}

/// Hours and minutes, as RFC 3339 has them.
fn written(offset: Offset) -> String {
    let sign = if offset.seconds() < 0 { '-' } else { '+' };
    // Before there were time zones, each place had its own offset to the second.
    let minutes = (offset.seconds().unsigned_abs() + 30) / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

fn short(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(40).collect()
}
