//! The rules by which a WATS server refuses reports over REST: which fields are required, which values are known.
//! They are those of the vendor's support articles "Post WSJF" (360014879119) and "WSJF" (360015705199), as far as
//! tests need them. Limits are not evaluated, as there.

use serde_json::{Map, Value};

/// IIS refuses a larger body by itself, with 404.13.
pub const MAX_CONTENT_LENGTH: u64 = 30_000_000;

/// The process codes that exist on the server.
pub const PROCESSES: [i64; 4] = [10, 20, 500, 700];

/// Every fault of a report, a line each; empty if the server takes it.
pub fn faults(report: &Map<String, Value>) -> Vec<String> {
    let mut faults = Vec::new();
    for field in ["id", "machineName", "pn", "purpose", "rev", "sn", "location", "start", "type", "result"] {
        if !report.get(field).is_some_and(is_text) {
            faults.push(format!("{field} is required."));
        }
    }
    let text = |field: &str| report.get(field).and_then(Value::as_str).unwrap_or_default();
    for (field, longest) in [("pn", 100), ("sn", 100), ("rev", 100), ("machineName", 100)] {
        if text(field).chars().count() > longest {
            faults.push(format!("{field} is longer than {longest} characters."));
        }
    }
    if !text("result").is_empty() && !["P", "F", "T", "E"].contains(&text("result")) {
        faults.push(format!("result: {:?} is none of P, F, T, E.", text("result")));
    }
    if !text("start").is_empty() && !is_instant(text("start")) {
        faults.push(format!("start: {:?} is no date and time with an offset.", text("start")));
    }
    match report.get("processCode").and_then(Value::as_i64) {
        None => faults.push("processCode is required.".to_owned()),
        Some(code) if !PROCESSES.contains(&code) => {
            faults.push(format!("processCode: {code} does not exist."));
        }
        Some(_) => {}
    }
    let parts: &[&str] = match text("type") {
        "T" => &["root", "uut"],
        "R" => &["uur", "subUnits"],
        "" => &[],
        other => {
            faults.push(format!("type: {other:?} is neither T nor R."));
            &[]
        }
    };
    for part in parts {
        if report.get(*part).is_none_or(Value::is_null) {
            faults.push(format!("{part} is required."));
        }
    }
    if let Some(root) = report.get("root") {
        step("root", root, &mut faults);
    }
    faults
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

/// `2026-11-22T12:00:00…` with `Z` or an offset of two and two digits.
fn is_instant(text: &str) -> bool {
    let Some((date, time)) = text.split_once('T') else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let of_lengths = |text: &str, separator: char, lengths: &[usize]| {
        let parts: Vec<&str> = text.split(separator).collect();
        parts.len() == lengths.len()
            && parts.iter().zip(lengths).all(|(part, length)| part.len() == *length && digits(part))
    };
    let (clock, offset) = match time.strip_suffix('Z') {
        Some(clock) => (clock, None),
        None => match time.rfind(['+', '-']) {
            Some(place) => (&time[..place], Some(&time[place + 1..])),
            None => return false,
        },
    };
    let (seconds, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    of_lengths(date, '-', &[4, 2, 2])
        && of_lengths(seconds, ':', &[2, 2, 2])
        && digits(fraction)
        && offset.is_none_or(|offset| of_lengths(offset, ':', &[2, 2]))
}

fn step(path: &str, step_value: &Value, faults: &mut Vec<String>) {
    if !step_value.get("status").is_some_and(is_text) {
        faults.push(format!("{path}: status is required."));
    }
    if let Some(looped) = step_value.get("loop").filter(|looped| !looped.is_null()) {
        let number = |field: &str| looped.get(field).and_then(Value::as_i64);
        if let (Some(num), Some(ending)) = (number("num"), number("endingIndex"))
            && num != ending + 1
        {
            faults.push(format!("{path} -> loop: num is required to be one more than endingIndex."));
        }
    }
    for inner in step_value.get("steps").and_then(Value::as_array).into_iter().flatten() {
        let name = inner.get("name").and_then(Value::as_str).unwrap_or("(no name)");
        step(&format!("{path} -> step {name}"), inner, faults);
    }
}
