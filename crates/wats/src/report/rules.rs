//! Would a server take this report? The rules that the vendor has published, in one table: article 360014879119 "Post
//! WSJF" (required fields, lengths, letters of results, indices of loops).
//!
//! The server decides, and its rules change, so nothing is refused by these: they are for people who want to know
//! before they send. A report is judged as it would be sent, repairs and all.

use super::error::quoted;
use super::{Report, ReportError, Rules};
use serde_json::{Map, Value};
use uuid::Uuid;

mod place;

/// The most characters of a text.
const LONGEST: usize = 100;
/// More faults than anybody reads.
const MOST: usize = 200;

/// What is wrong with a part of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its place as a JSON pointer ([RFC 6901](https://www.rfc-editor.org/rfc/rfc6901)).
    pub pointer: String,
    /// Names of the steps down to it, as `Main -> Voltage`; empty outside of the steps.
    pub steps: String,
    /// Line and column in the file, from 1; columns count characters. Of a field that is missing, where its object is.
    pub position: Option<(usize, usize)>,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub what_to_do: String,
}

/// What became of a file that was judged.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It would not even be taken in.
    Refused(ReportError),
    /// It would be sent.
    Sent {
        /// What would be changed before.
        repairs: Vec<String>,
        /// What the server would refuse.
        faults: Vec<Fault>,
    },
}

impl Verdict {
    /// Whether the report would pass.
    pub fn passes(&self) -> bool {
        matches!(self, Verdict::Sent { faults, .. } if faults.is_empty())
    }
}

/// Judges the content of a file.
pub fn check(bytes: &[u8], rules: &Rules) -> Verdict {
    let report = match Report::parse(bytes, rules) {
        Ok(report) => report,
        Err(error) => return Verdict::Refused(error),
    };
    let mut edits = report.edits();
    let repairs = edits.notes().to_vec();
    if report.id().is_none() {
        edits.set_id(Uuid::max());
    }
    let sent = edits.apply(bytes.to_vec()).unwrap_or_default();
    let mut judge = Judge::default();
    match serde_json::from_slice::<Value>(&sent) {
        Ok(Value::Object(root)) => judge.report(&root),
        Ok(_) => {}
        Err(error) => {
            judge.add(
                "",
                "is nested too deeply to be judged",
                &format!("write fewer levels of steps ({error})"),
            );
        }
    }
    let text = String::from_utf8_lossy(bytes);
    for fault in &mut judge.faults {
        fault.position = place::of(&text, &fault.pointer);
    }
    Verdict::Sent { repairs, faults: judge.faults }
}

/// What a field must be.
#[derive(Clone, Copy)]
enum Wanted {
    /// A text of 1 to 100 characters.
    Text,
    /// A text of at most 100 characters, which may be left out.
    Short,
    /// A whole number.
    Whole,
    /// One of these letters.
    Letter(&'static [&'static str]),
    /// The same, which may be left out.
    MaybeLetter(&'static [&'static str]),
    /// One of these words in any case, which may be left out.
    MaybeWord(&'static [&'static str]),
    /// An object.
    Object,
}

const RESULT: &[&str] = &["P", "F", "E", "T"];
const STATUS: &[&str] = &["P", "F", "S", "D", "E", "T"];
const COMPARISONS: &[&str] = &[
    "LOG",
    "EQ",
    "EQT",
    "NE",
    "LT",
    "LE",
    "GT",
    "GE",
    "CASESENSIT",
    "IGNORECASE",
    "GTLT",
    "GTLE",
    "GELT",
    "GELE",
    "LTGT",
    "LTGE",
    "LEGT",
    "LEGE",
];

/// The fields of every report.
const TOP: &[(&str, Wanted)] = &[
    ("type", Wanted::Letter(&["T", "R"])),
    ("pn", Wanted::Text),
    ("sn", Wanted::Text),
    ("rev", Wanted::Text),
    ("machineName", Wanted::Text),
    ("location", Wanted::Text),
    ("purpose", Wanted::Text),
    ("processCode", Wanted::Whole),
    ("result", Wanted::Letter(RESULT)),
];
const HEAD: &[(&str, Wanted)] =
    &[("user", Wanted::Short), ("batchSN", Wanted::Short), ("fixtureId", Wanted::Short)];
const UNIT: &[(&str, Wanted)] =
    &[("pn", Wanted::Text), ("sn", Wanted::Text), ("rev", Wanted::Short), ("partType", Wanted::Short)];
const INFORMATION: &[(&str, Wanted)] = &[("description", Wanted::Text)];
const STEP: &[(&str, Wanted)] = &[
    ("name", Wanted::Text),
    ("group", Wanted::Letter(&["S", "M", "C"])),
    ("status", Wanted::Letter(STATUS)),
];
const MEASUREMENT: &[(&str, Wanted)] = &[
    ("status", Wanted::MaybeLetter(STATUS)),
    ("name", Wanted::Short),
    ("compOp", Wanted::MaybeWord(COMPARISONS)),
];
const MEASUREMENTS: &[&str] = &["numericMeas", "booleanMeas", "stringMeas"];

#[derive(Default)]
struct Judge {
    faults: Vec<Fault>,
    steps: Vec<String>,
}

impl Judge {
    fn add(&mut self, pointer: &str, what: &str, what_to_do: &str) {
        if self.faults.len() < MOST {
            self.faults.push(Fault {
                pointer: pointer.to_owned(),
                steps: self.steps.join(" -> "),
                position: None,
                what: what.to_owned(),
                what_to_do: what_to_do.to_owned(),
            });
        }
    }

    fn report(&mut self, root: &Map<String, Value>) {
        self.fields("", root, TOP);
        let is_repair = text_at(root, "type").is_some_and(|kind| kind == "R");
        let parts: &[(&str, Wanted)] = if is_repair {
            &[("uur", Wanted::Object)]
        } else {
            &[("root", Wanted::Object), ("uut", Wanted::Object)]
        };
        self.fields("", root, parts);
        if is_repair && !member(root, "subUnits").is_some_and(|(_, units)| units.is_array()) {
            self.add(
                "/subUnits",
                "subUnits: missing",
                "list the repaired unit and its parts, as \"subUnits\": [ { … } ]",
            );
        }
        for head in ["uut", "uur"] {
            if let Some((name, Value::Object(head))) = member(root, head) {
                self.fields(&format!("/{name}"), head, HEAD);
            }
        }
        self.rows("", root, "subUnits", UNIT);
        self.rows("", root, "miscInfos", INFORMATION);
        if let Some((name, Value::Object(step))) = member(root, "root") {
            self.step(&format!("/{name}"), step);
        }
    }

    fn step(&mut self, pointer: &str, step: &Map<String, Value>) {
        self.steps.push(text_at(step, "name").unwrap_or("?").chars().take(80).collect());
        self.fields(pointer, step, STEP);
        for kind in MEASUREMENTS {
            self.rows(pointer, step, kind, MEASUREMENT);
        }
        if let Some((name, Value::Object(repeated))) = member(step, "loop") {
            self.repeated(&format!("{pointer}/{name}"), repeated);
        }
        if let Some((name, Value::Array(steps))) = member(step, "steps") {
            for (at, child) in steps.iter().enumerate() {
                let pointer = format!("{pointer}/{name}/{at}");
                match child {
                    Value::Object(child) => self.step(&pointer, child),
                    _ => self.add(&pointer, "no object", "write each step as an object"),
                }
            }
        }
        self.steps.pop();
    }

    /// Of a step that sums a loop up, `num` counts from 1 and `endingIndex` from 0.
    fn repeated(&mut self, pointer: &str, repeated: &Map<String, Value>) {
        let number = |names: [&str; 2]| {
            names.iter().find_map(|name| member(repeated, name).and_then(|(_, value)| value.as_i64()))
        };
        if let (Some(count), Some(last)) = (number(["num", "n"]), number(["endingIndex", "endingIndex"]))
            && Some(count) != last.checked_add(1)
        {
            self.add(
                pointer,
                &format!("num is {count} and endingIndex {last}"),
                "write as num one more than endingIndex",
            );
        }
        if number(["idx", "i"]).is_some_and(|index| index < 0) {
            self.add(pointer, "idx is less than 0", "count the rounds of a loop from 0");
        }
    }

    /// Judges each object of a list that may be left out.
    fn rows(&mut self, pointer: &str, object: &Map<String, Value>, name: &str, wanted: &[(&str, Wanted)]) {
        let Some((name, value)) = member(object, name).filter(|(_, value)| !value.is_null()) else { return };
        let pointer = format!("{pointer}/{name}");
        let Value::Array(rows) = value else {
            return self.add(&pointer, &format!("{name}: no list"), "write a list of objects: [ { … } ]");
        };
        for (at, row) in rows.iter().enumerate() {
            let pointer = format!("{pointer}/{at}");
            match row {
                Value::Object(row) => self.fields(&pointer, row, wanted),
                _ => self.add(&pointer, &format!("{name}: no object"), "write a list of objects: [ { … } ]"),
            }
        }
    }

    fn fields(&mut self, pointer: &str, object: &Map<String, Value>, wanted: &[(&str, Wanted)]) {
        for (name, wanted) in wanted {
            let found = member(object, name).filter(|(_, value)| !value.is_null());
            let pointer = format!("{pointer}/{}", found.map_or(*name, |(name, _)| name));
            if let Some((what, what_to_do)) = wrong(found.map(|(_, value)| value), *wanted) {
                self.add(&pointer, &format!("{name}: {what}"), &what_to_do);
            }
        }
    }
}

/// What is wrong with a value, and what to do.
fn wrong(value: Option<&Value>, wanted: Wanted) -> Option<(String, String)> {
    let need = match wanted {
        Wanted::Text => format!("write a text of 1 to {LONGEST} characters"),
        Wanted::Short => format!("write a text of at most {LONGEST} characters, or leave it out"),
        Wanted::Whole => "write the number of an operation that the server knows, as 10".to_owned(),
        Wanted::Letter(words) => format!("write {}", words.join(", ")),
        Wanted::MaybeLetter(words) | Wanted::MaybeWord(words) => {
            format!("write {}, or leave it out", words.join(", "))
        }
        Wanted::Object => "write it as an object: { … }".to_owned(),
    };
    let Some(value) = value else {
        let optional = matches!(wanted, Wanted::Short | Wanted::MaybeLetter(_) | Wanted::MaybeWord(_));
        return (!optional).then(|| ("missing".to_owned(), need));
    };
    let text = value.as_str();
    let what = match (wanted, text) {
        (Wanted::Object, _) => (!value.is_object()).then(|| "no object".to_owned()),
        (Wanted::Whole, Some(text)) if text.trim().parse::<i64>().is_ok() => None,
        (Wanted::Whole, _) => (!value.is_i64()).then(|| "no whole number".to_owned()),
        (Wanted::Text, Some(text)) if text.trim().is_empty() => Some("empty".to_owned()),
        (Wanted::Text | Wanted::Short, Some(text)) => {
            let length = text.chars().count();
            (length > LONGEST).then(|| format!("{length} characters"))
        }
        // A number is taken as it is written, as a server does.
        (Wanted::Text | Wanted::Short, None) => (!value.is_number()).then(|| "no text".to_owned()),
        (Wanted::Letter(words) | Wanted::MaybeLetter(words), Some(text)) => {
            (!words.contains(&text)).then(|| format!("{} is none of the letters", quoted(text)))
        }
        (Wanted::MaybeWord(words), Some(text)) => {
            let known = words.iter().any(|word| word.eq_ignore_ascii_case(text));
            (!known).then(|| format!("{} is no comparison", quoted(text)))
        }
        (Wanted::Letter(_) | Wanted::MaybeLetter(_) | Wanted::MaybeWord(_), None) => {
            Some("no text".to_owned())
        }
    };
    what.map(|what| (what, need))
}

/// The member of that name, in capitals or not, of several the last, as a server reads them.
fn member<'o>(object: &'o Map<String, Value>, name: &str) -> Option<(&'o str, &'o Value)> {
    if let Some((name, value)) = object.get_key_value(name) {
        return Some((name, value));
    }
    let same = object.iter().rev().find(|(found, _)| found.eq_ignore_ascii_case(name));
    same.map(|(name, value)| (name.as_str(), value))
}

fn text_at<'o>(object: &'o Map<String, Value>, name: &str) -> Option<&'o str> {
    member(object, name).and_then(|(_, value)| value.as_str())
}
