//! Which dialogs a database accepts, and which it refuses.

mod support;

use support::summary;
use windows_installer::{Cell, Database, Result, row};

/// A row that is added or changed: table, and values by column.
type Row = (&'static str, Vec<(&'static str, Cell)>);

/// A dialog with two buttons, an icon, a choice, and everything that they need.
fn rows() -> Vec<Row> {
    let control = |name: &str, kind: &str, property: &str, text: &str, next: &str| {
        let row = row! { Dialog_: "Ask", Control: name, Type: kind, X: 10, Y: 10, Width: 50, Height: 17,
        Attributes: 3, Property: property, Text: text, Control_Next: next };
        ("Control", row.to_vec())
    };
    let property = |name: &str, value: &str| ("Property", row! { Property: name, Value: value }.to_vec());
    vec![
        property("Manufacturer", "Example Maker"),
        property("ProductCode", "{00000000-0000-0000-0000-000000000001}"),
        property("ProductLanguage", "1033"),
        property("ProductName", "Example"),
        property("ProductVersion", "1.2.3"),
        property("DefaultUIFont", "Plain"),
        property("ErrorDialog", "Ask"),
        property("CHOICE", "keep"),
        ("TextStyle", row! { TextStyle: "Plain", FaceName: "Tahoma", Size: 8 }.to_vec()),
        ("Binary", row! { Name: "Picture", Data: Cell::Stream(vec![1, 2, 3]) }.to_vec()),
        ("CustomAction", row! { Action: "Check", Type: 51, Source: "PROBLEM", Target: "x" }.to_vec()),
        (
            "Dialog",
            row! { Dialog: "Ask", HCentering: 50, VCentering: 50, Width: 370, Height: 270, Attributes: 3,
            Title: "[ProductName]", Control_First: "Yes", Control_Default: "Yes", Control_Cancel: "No" }
            .to_vec(),
        ),
        control("Yes", "PushButton", "", "{\\Plain}&Yes", "No"),
        control("No", "PushButton", "", "&No", "Choice"),
        control("Choice", "RadioButtonGroup", "CHOICE", "", "Yes"),
        control("Icon", "Icon", "", "Picture", ""),
        control("Text", "ScrollableText", "", "{\\rtf1\\ansi nothing}", ""),
        (
            "RadioButton",
            row! { Property: "CHOICE", Order: 1, Value: "keep", X: 0, Y: 0, Width: 9, Height: 9 }.to_vec(),
        ),
        (
            "ControlCondition",
            row! { Dialog_: "Ask", Control_: "Yes", Action: "Disable", Condition: "PROBLEM" }.to_vec(),
        ),
        event("Yes", "DoAction", "Check", 1),
        event("Yes", "[PROBLEM]", "{}", 2),
        event("Yes", "EndDialog", "Return", 3),
        event("No", "EndDialog", "Exit", 1),
        (
            "EventMapping",
            row! { Dialog_: "Ask", Control_: "Icon", Event: "ActionText", Attribute: "Text" }.to_vec(),
        ),
        ("InstallUISequence", row! { Action: "Ask", Sequence: -2 }.to_vec()),
    ]
}

fn event(control: &str, event: &str, argument: &str, ordering: i32) -> Row {
    let row = row! { Dialog_: "Ask", Control_: control, Event: event, Argument: argument, Condition: "1",
    Ordering: ordering };
    ("ControlEvent", row.to_vec())
}

fn write(rows: Vec<Row>) -> Result<()> {
    let mut database = Database::new();
    for (table, row) in rows {
        database.add(table, row)?;
    }
    database.write(&summary(), &mut Vec::new())
}

/// A change to the row that has these values in its first columns; a value of "-" takes the row away.
struct Change {
    table: &'static str,
    key: &'static [&'static str],
    column: &'static str,
    value: &'static str,
}

fn changed(change: &Change) -> Vec<Row> {
    let mut rows = rows();
    let found = rows.iter().position(|(table, row)| {
        *table == change.table && change.key.iter().zip(row).all(|(key, (_, cell))| *cell == Cell::from(*key))
    });
    let found = found.unwrap_or_else(|| panic!("there is no row {:?} in {}", change.key, change.table));
    if change.value == "-" {
        rows.remove(found);
        return rows;
    }
    let cell = rows[found].1.iter_mut().find(|(column, _)| *column == change.column);
    cell.expect(change.column).1 = change.value.into();
    rows
}

/// Fails if: a dialog that leads nowhere is written, or the error does not say what is wrong with it.
#[test]
fn refuses_what_leads_nowhere() {
    write(rows()).expect("dialogs without faults");
    let cases: &[(&str, &[&str], &str, &str, &str)] = &[
        ("Dialog", &["Ask"], "Control_Cancel", "Maybe", "\"Maybe\" is not a control of this dialog"),
        ("Control", &["Ask", "No"], "Control_Next", "Maybe", "\"Maybe\" is not a control of this dialog"),
        (
            "Control",
            &["Ask", "No"],
            "Control_Next",
            "",
            "does not lead through every linked control and back",
        ),
        ("Control", &["Ask", "No"], "Control_Next", "Yes", "does not lead through every linked control"),
        ("Control", &["Ask", "Yes"], "Text", "{\\Bold}Yes", "\"Bold\" is not in table TextStyle"),
        ("Control", &["Ask", "Icon"], "Text", "Painting", "\"Painting\" is not in table Binary"),
        (
            "Control",
            &["Ask", "Choice"],
            "Property",
            "OTHER",
            "does not have the value of a row of table Radio",
        ),
        ("Property", &["CHOICE"], "Value", "lose", "does not have the value of a row of table Radio"),
        ("Property", &["DefaultUIFont"], "Value", "Fancy", "\"Fancy\" is not in table TextStyle"),
        ("Property", &["ErrorDialog"], "Value", "Shout", "\"Shout\" is not in table Dialog"),
        (
            "ControlCondition",
            &["Ask", "Yes"],
            "Control_",
            "Maybe",
            "\"Maybe\" is not a control of this dialog",
        ),
        (
            "ControlCondition",
            &["Ask", "Yes"],
            "Action",
            "Vanish",
            "\"Vanish\" is not one of Default, Disable",
        ),
        ("EventMapping", &["Ask", "Icon"], "Dialog_", "Tell", "\"Tell\" is not in table Dialog"),
        ("ControlEvent", &["Ask", "No"], "Event", "Explode", "\"Explode\" is not an event of a control"),
        ("ControlEvent", &["Ask", "No"], "Argument", "Leave", "\"Leave\" is not one of Exit, Retry"),
        ("ControlEvent", &["Ask", "No"], "-", "-", "row Ask/No, column Type: a push button needs a row"),
        ("ControlEvent", &["Ask", "Yes", "DoAction"], "Argument", "Think", "\"Think\" is neither a standard"),
        (
            "ControlEvent",
            &["Ask", "Yes", "DoAction"],
            "Event",
            "NewDialog",
            "\"Check\" is not in table Dialog",
        ),
        ("ControlEvent", &["Ask", "Yes", "DoAction"], "Event", "Remove", "\"Check\" is neither ALL nor in"),
        ("ControlEvent", &["Ask", "Yes", "[PROBLEM]"], "Event", "[PROBLEM", "not a property in brackets"),
        (
            "InstallUISequence",
            &["Ask"],
            "Action",
            "Tell",
            "row Tell: is neither a standard action nor in tables",
        ),
    ];
    for (table, key, column, value, complaint) in cases {
        let rows = changed(&Change { table, key, column, value });
        let error = write(rows).expect_err(complaint).to_string();
        assert!(error.contains(complaint), "{complaint:?} is not in {error:?}");
    }
}

/// Fails if: an event is accepted that comes too late, or a dialog where nobody could see it.
#[test]
fn refuses_what_never_happens() {
    let mut late = rows();
    late.push(event("Yes", "Reset", "0", 4));
    let error = write(late).expect_err("an event after the end").to_string();
    assert!(error.contains("Reset comes after the dialog was left"), "{error}");

    let mut unseen = rows();
    unseen.push(("InstallExecuteSequence", row! { Action: "Ask", Sequence: 10 }.to_vec()));
    let error = write(unseen).expect_err("a dialog among actions").to_string();
    assert!(error.contains("only the sequences of the user interface show"), "{error}");

    let mut twice = rows();
    twice.push(("CustomAction", row! { Action: "Ask", Type: 51, Source: "A", Target: "b" }.to_vec()));
    let error = write(twice).expect_err("one name for two things").to_string();
    assert!(error.contains("row Ask: is both an action and a dialog"), "{error}");
}
