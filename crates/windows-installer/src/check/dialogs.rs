//! Dialogs whose parts do not fit together: Windows shows nothing of such a dialog, and the log an error
//! of four digits.
//!
//! What is checked here is what the
//! [internal consistency evaluators](https://learn.microsoft.com/en-us/windows/win32/msi/ice-reference)
//! 17, 20, 23, 31, 34 and 44 check of it.

use super::has_row;
use crate::database::{cell, shown};
use crate::{Cell, Database, Error, Result, schema, sequence};
use std::collections::{BTreeMap, BTreeSet};

/// What `ControlCondition` may do to a control.
const CONDITION_ACTIONS: &[&str] = &["Default", "Disable", "Enable", "Hide", "Show"];
/// How a dialog may end.
const ENDINGS: &[&str] = &[
    "Exit",
    "Retry",
    "Ignore",
    "Return",
    "ErrorAbort",
    "ErrorCancel",
    "ErrorIgnore",
    "ErrorNo",
    "ErrorOk",
    "ErrorRetry",
    "ErrorYes",
];

/// What the argument of a control event is.
#[derive(Clone, Copy)]
enum Argument {
    /// A row of the table.
    Key(&'static str),
    /// A standard or custom action.
    Action,
    /// A feature, or `ALL`.
    Feature,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A text that means something to the event alone.
    Free,
}

/// The [control events](https://learn.microsoft.com/en-us/windows/win32/msi/controlevent-overview) that a
/// button may send.
const EVENTS: &[(&str, Argument)] = &[
    ("AddLocal", Argument::Feature),
    ("CheckExistingTargetPath", Argument::Free),
    ("CheckTargetPath", Argument::Free),
    ("DirectoryListNew", Argument::Free),
    ("DirectoryListOpen", Argument::Free),
    ("DirectoryListUp", Argument::Free),
    ("DoAction", Argument::Action),
    ("EnableRollback", Argument::Word(&["False", "True"])),
    ("EndDialog", Argument::Word(ENDINGS)),
    ("NewDialog", Argument::Key("Dialog")),
    ("Reinstall", Argument::Feature),
    ("ReinstallMode", Argument::Free),
    ("Remove", Argument::Feature),
    ("Reset", Argument::Free),
    ("RMShutdownAndRestart", Argument::Free),
    ("SetInstallLevel", Argument::Free),
    ("SetTargetPath", Argument::Key("Directory")),
    ("SpawnDialog", Argument::Key("Dialog")),
    ("SpawnWaitDialog", Argument::Key("Dialog")),
    ("ValidateProductID", Argument::Free),
];
/// Events after which no other comes.
const LEAVING: &[&str] = &["EndDialog", "NewDialog", "SpawnDialog"];

/// One row, with its values by column.
struct Row<'a> {
    table: &'static str,
    key: &'a [Cell],
    cells: &'a [Cell],
}

impl<'a> Row<'a> {
    /// The rows of a table whose key begins with these values.
    fn all(database: &'a Database, table: &'static str, start: &'a [Cell]) -> impl Iterator<Item = Row<'a>> {
        let rows = database.rows(table).iter().filter(|(key, _)| key.starts_with(start));
        rows.map(move |(key, cells)| Row { table, key, cells })
    }

    fn cell(&self, column: &str) -> &'a Cell {
        schema::table(self.table).map_or(&Cell::Empty, |table| cell(table, self.cells, column))
    }

    /// The text of a column, empty if there is none.
    fn text(&self, column: &str) -> &'a str {
        match self.cell(column) {
            Cell::Text(text) => text,
            _ => "",
        }
    }

    fn refuse(&self, column: &str, reason: impl Into<String>) -> Error {
        Error::value(self.table, &shown(self.key), column, reason)
    }
}

/// Refuses dialogs with a control, event, condition or style that leads nowhere.
pub(super) fn run(database: &Database) -> Result<()> {
    for dialog in Row::all(database, "Dialog", &[]) {
        tab_order(database, &dialog)?;
    }
    for control in Row::all(database, "Control", &[]) {
        style(database, &control)?;
        type_needs(database, &control)?;
    }
    for button in Row::all(database, "RadioButton", &[]) {
        style(database, &button)?;
    }
    for condition in Row::all(database, "ControlCondition", &[]) {
        let action = condition.text("Action");
        if !CONDITION_ACTIONS.contains(&action) {
            let reason = format!("{action:?} is not one of {}", CONDITION_ACTIONS.join(", "));
            return Err(condition.refuse("Action", reason));
        }
    }
    for event in Row::all(database, "ControlEvent", &[]) {
        event_leads_somewhere(database, &event)?;
    }
    properties(database)
}

/// The chain of `Control_Next` leads through all its controls and back to the first.
fn tab_order(database: &Database, dialog: &Row<'_>) -> Result<()> {
    let next: BTreeMap<&str, &str> = Row::all(database, "Control", dialog.key)
        .map(|control| (control.text("Control"), control.text("Control_Next")))
        .filter(|(_, next)| !next.is_empty())
        .collect();
    let first = dialog.text("Control_First");
    let (mut current, mut passed) = (first, BTreeSet::new());
    while passed.insert(current) {
        current = next.get(current).copied().unwrap_or(current);
    }
    let closed =
        current == first && next.contains_key(first) && next.keys().all(|name| passed.contains(name));
    if closed || next.is_empty() {
        return Ok(());
    }
    let reason = format!("the tab order from {first} does not lead through every linked control and back");
    Err(dialog.refuse("Control_First", reason))
}

/// A text's style, as in `{\Title}Welcome`, exists.
fn style(database: &Database, row: &Row<'_>) -> Result<()> {
    let named = row.text("Text").strip_prefix("{\\").and_then(|rest| rest.split_once('}'));
    // The texts of documents begin like `{\rtf1\ansi`.
    match named.filter(|(name, _)| !name.contains('\\')) {
        Some((name, _)) if !has_row(database, "TextStyle", &name.into()) => {
            Err(row.refuse("Text", format!("{name:?} is not in table TextStyle")))
        }
        _ => Ok(()),
    }
}

/// A control has what its type lives on.
fn type_needs(database: &Database, control: &Row<'_>) -> Result<()> {
    let property = control.text("Property");
    match control.text("Type") {
        "PushButton" if Row::all(database, "ControlEvent", control.key).next().is_none() => {
            Err(control.refuse("Type", "a push button needs a row in table ControlEvent"))
        }
        "Bitmap" | "Icon" if !has_row(database, "Binary", control.cell("Text")) => {
            Err(control.refuse("Text", format!("{:?} is not in table Binary", control.text("Text"))))
        }
        "RadioButtonGroup" => {
            let key = [Cell::from(property)];
            let chosen = Row::all(database, "Property", &key).next().map(|row| row.cell("Value"));
            let mut choices = Row::all(database, "RadioButton", &key).map(|row| row.cell("Value"));
            if chosen.is_none() || !choices.any(|choice| Some(choice) == chosen) {
                let reason =
                    format!("property {property} does not have the value of a row of table RadioButton");
                return Err(control.refuse("Property", reason));
            }
            Ok(())
        }
        "CheckBox" | "Edit" | "PathEdit" | "ListBox" | "ComboBox" if property.is_empty() => {
            Err(control.refuse("Property", "a control of this type needs a property"))
        }
        _ => Ok(()),
    }
}

/// A control event exists, and so does what its argument names.
fn event_leads_somewhere(database: &Database, event: &Row<'_>) -> Result<()> {
    let (name, argument) = (event.text("Event"), event.text("Argument"));
    if name.starts_with('[') {
        return match name.ends_with(']') {
            true => Ok(()),
            false => Err(event.refuse("Event", format!("{name:?} is not a property in brackets"))),
        };
    }
    let Some((_, kind)) = EVENTS.iter().find(|(known, _)| *known == name) else {
        return Err(event.refuse("Event", format!("{name:?} is not an event of a control")));
    };
    let missing = match kind {
        // What a property holds is known when it is too late.
        _ if argument.starts_with('[') => None,
        Argument::Key(table) if !has_row(database, table, &argument.into()) => {
            Some(format!("is not in table {table}"))
        }
        Argument::Action
            if sequence::standard(argument).is_none()
                && !has_row(database, "CustomAction", &argument.into()) =>
        {
            Some("is neither a standard action nor in table CustomAction".to_owned())
        }
        Argument::Feature if argument != "ALL" && !has_row(database, "Feature", &argument.into()) => {
            Some("is neither ALL nor in table Feature".to_owned())
        }
        Argument::Word(words) if !words.contains(&argument) => {
            Some(format!("is not one of {}", words.join(", ")))
        }
        _ => None,
    };
    if let Some(reason) = missing {
        return Err(event.refuse("Argument", format!("{argument:?} {reason}")));
    }
    let later = Row::all(database, "ControlEvent", &event.key[..2]).find(|other| {
        other.cell("Ordering") > event.cell("Ordering") && !LEAVING.contains(&other.text("Event"))
    });
    match later.filter(|_| LEAVING.contains(&name)) {
        Some(other) => {
            Err(event.refuse("Ordering", format!("{} comes after the dialog was left", other.text("Event"))))
        }
        None => Ok(()),
    }
}

/// Properties that name a dialog or a style.
fn properties(database: &Database) -> Result<()> {
    for (property, table) in [("DefaultUIFont", "TextStyle"), ("ErrorDialog", "Dialog")] {
        let key = [Cell::from(property)];
        for row in Row::all(database, "Property", &key) {
            if !has_row(database, table, row.cell("Value")) {
                return Err(row.refuse("Value", format!("{:?} is not in table {table}", row.text("Value"))));
            }
        }
    }
    Ok(())
}
