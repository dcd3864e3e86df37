//! Values against what the file's own `_Validation` says of their columns.

use super::category;
use super::read::{Cell, Kind, Msi, Row, Table};
use super::report::{Report, Rule, rules};
use super::validation::key_tables;

rules! {
    REQUIRED "value-required"
        "A column that may not be empty has a value."
        "msi/ice03";
    RANGE "value-range"
        "A number lies between MinValue and MaxValue."
        "msi/ice03";
    SET "value-set"
        "A value is a member of the Set."
        "msi/ice03";
    LENGTH "value-length"
        "A text is no longer than its column."
        "msi/ice03";
    CATEGORY "value-category"
        "A text has the syntax of its category."
        "msi/ice03";
    GUID "guid-syntax"
        "A GUID is in braces and upper case."
        "msi/guid";
    NAME "name-syntax"
        "A file name has a valid short name of 8.3 characters, and beside it a long one if need be; neither \
         is a device."
        "msi/filename";
    CONDITION "condition-syntax"
        "A condition follows the grammar of conditional statements."
        "msi/conditional-statement-syntax";
    FORMATTED "formatted-syntax"
        "Brackets in a formatted text close, and name something."
        "msi/formatted";
    SDDL "sddl-syntax"
        "A security descriptor is one."
        "secauthz/security-descriptor-string-format";
    REFERENCE "value-reference"
        "A reference leads to a row of the table that KeyTable names."
        "msi/ice03";
}

/// A rule of its own for the categories that most errors are made with.
const RULE_OF: &[(&str, Rule)] = &[
    ("GUID", GUID),
    ("Filename", NAME),
    ("WildCardFilename", NAME),
    ("DefaultDir", NAME),
    ("Condition", CONDITION),
    ("Formatted", FORMATTED),
    ("Template", FORMATTED),
    ("FormattedSDDLText", SDDL),
];

pub(super) fn check(msi: &Msi, report: &mut Report) {
    // `_Validation` says of itself less than is checked of it elsewhere.
    for table in msi.tables().filter(|table| table.name != "_Validation") {
        for (index, column) in table.columns.iter().enumerate() {
            let described = msi.row("_Validation", &format!("{}/{}", table.name, column.name));
            for row in table.rows() {
                let place = Place { row, column: &column.name, report };
                check_cell(msi, place, &row.cells[index], column.kind, described);
            }
        }
    }
}

/// Where a value is.
struct Place<'a> {
    row: Row<'a>,
    column: &'a str,
    report: &'a mut Report,
}

impl Place<'_> {
    fn refuse(&mut self, rule: Rule, message: impl Into<String>) {
        self.report.value(rule, self.row, self.column, message);
    }
}

fn check_cell(msi: &Msi, mut place: Place<'_>, cell: &Cell, kind: Kind, described: Option<Row<'_>>) {
    if let (Cell::Text(text), Kind::Text(limit)) = (cell, kind) {
        let length = text.chars().count();
        if limit > 0 && length > limit {
            place.refuse(LENGTH, format!("{length} characters are too long: at most {limit} are allowed"));
        }
    }
    let Some(described) = described else { return };
    match cell {
        Cell::Empty => {
            if described.text("Nullable") == "N" {
                place.refuse(REQUIRED, "is empty: fill it in");
            }
        }
        Cell::Number(number) => check_number(msi, &mut place, described, *number),
        Cell::Text(text) => check_text(msi, &mut place, described, text),
        Cell::Binary => {}
    }
}

fn check_number(msi: &Msi, place: &mut Place<'_>, described: Row<'_>, number: i32) {
    let limit = |name: &str, default: i32| described.number(name).unwrap_or(default);
    let (min, max) = (limit("MinValue", i32::MIN), limit("MaxValue", i32::MAX));
    let members = described.text("Set");
    // A set adds to limits; without them, it is all that is allowed.
    let is_member = in_set(members, &number.to_string());
    if !(min..=max).contains(&number) && !is_member {
        place.refuse(RANGE, format!("{number} is outside {min} to {max}"));
    } else if !members.is_empty() && !is_member && described.number("MinValue").is_none() {
        place.refuse(SET, format!("{number} is none of {members}"));
    }
    if !reference_leads(msi, place, described, &number.to_string()) {
        place.refuse(REFERENCE, missing(described, &number.to_string()));
    }
}

fn check_text(msi: &Msi, place: &mut Place<'_>, described: Row<'_>, text: &str) {
    let members = described.text("Set");
    // Without a category, a set is all that is allowed; with one, whatever has its syntax is, too.
    let is_member = in_set(members, text);
    let category = described.text("Category");
    if !members.is_empty() && !is_member && category.is_empty() {
        return place.refuse(SET, format!("{text:?} is none of {members}"));
    }
    let leads = is_member || reference_leads(msi, place, described, text);
    if is_member || is_free_text(place.row, place.column) {
        return;
    }
    let judged = category::check(category, text);
    // A value of File.Version may be a version, or the file that it takes its version from.
    let companion = category == "Version" && msi.has("File", text);
    if let Err(reason) = judged
        && !companion
    {
        let named = RULE_OF.iter().find(|(name, _)| name.eq_ignore_ascii_case(category));
        place.refuse(named.map_or(CATEGORY, |(_, rule)| *rule), reason);
    } else if !leads {
        place.refuse(REFERENCE, missing(described, text));
    }
}

fn missing(described: Row<'_>, value: &str) -> String {
    let tables = described.text("KeyTable").replace(';', " or ");
    format!("{value:?} is not in table {tables}: add the row, or correct the reference")
}

/// Whether the value is in a table that `KeyTable` names, if it names any.
fn reference_leads(msi: &Msi, place: &Place<'_>, described: Row<'_>, value: &str) -> bool {
    let list = described.text("KeyTable");
    if list.is_empty() || is_no_reference(described.text("Category"), value) {
        return true;
    }
    let column = described.number("KeyColumn").and_then(|number| usize::try_from(number).ok()).unwrap_or(1);
    let in_table = |table: &Table| {
        let Some(name) = column.checked_sub(1).and_then(|index| table.columns.get(index)) else {
            return true;
        };
        let is_only_key = name.key && !table.columns.get(1).is_some_and(|second| second.key);
        // By the index where there is one: a large file has many references.
        if is_only_key && column == 1 {
            return table.row(value).is_some();
        }
        table.rows().any(|row| row.cells.get(column - 1).is_some_and(|cell| cell.shown() == value))
    };
    // A root of a tree may name itself as its parent.
    key_tables(msi, list).into_iter().any(in_table) || place.row.key() == value
}

/// Values that need not be a reference, although the column can hold one.
fn is_no_reference(category: &str, value: &str) -> bool {
    match category {
        "Shortcut" | "Formatted" => value.contains('['),
        "Version" => category::version(value).is_some(),
        _ => false,
    }
}

fn in_set(members: &str, value: &str) -> bool {
    !members.is_empty() && members.split(';').any(|member| member.trim() == value)
}

/// Whether a text is other than the category of its column says.
pub(super) fn is_free_text(row: Row<'_>, column: &str) -> bool {
    match (row.table.name.as_str(), column) {
        // Scripts are not formatted, and have brackets of their own.
        ("CustomAction", "Target") => super::custom_actions::is_script(row.bits("Type")),
        // The folder of the root may be called anything, because nobody makes it.
        ("Directory", "DefaultDir") => row.text("Directory_Parent").is_empty(),
        // Rich text, or the key of a picture.
        ("Control", "Text") => matches!(row.text("Type"), "ScrollableText" | "Bitmap" | "Icon"),
        _ => false,
    }
}
