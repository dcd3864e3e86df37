//! The good database with dialogs, and faults in these.

use crate::Fault;
use crate::edit::{Editor, number, text};
use crate::faults::*;
use msi::Value;
use windows_installer::row;

/// Name and sequence number of the simple dialogs.
const DIALOGS: &[(&str, i32)] = &[("Welcome", 1100), ("Done", -1), ("Cancelled", -2), ("Failed", -3)];

/// Answers of the dialog for files in use, and of that for errors.
const IN_USE: &[&str] = &["Exit", "Ignore", "Retry"];
const ERRORS: &[&str] = &["Abort", "Cancel", "Ignore", "No", "Ok", "Retry", "Yes"];

/// A package with every table of dialogs.
pub(crate) fn package() -> Vec<u8> {
    let mut editor = Editor(crate::good::package());
    for (name, place) in DIALOGS {
        let next = if *name == "Welcome" { "Choice" } else { "Next" };
        dialog(&mut editor, name, 3, "Next");
        control(&mut editor, name, "Next", "PushButton", "", "&Next", next);
        event(&mut editor, name, "Next", "EndDialog", "Return");
        editor.add("InstallUISequence", vec![text(name), Value::Null, number(*place)]);
        if *place < 0 {
            editor.add("AdminUISequence", vec![text(name), Value::Null, number(*place)]);
        }
    }
    control(&mut editor, "Welcome", "Choice", "RadioButtonGroup", "CHOICE", "", "Next");
    control(&mut editor, "Welcome", "Picture", "Bitmap", "", "Library", "");
    dialog(&mut editor, "FilesInUse", 3, "Exit");
    control(&mut editor, "FilesInUse", "List", "ListBox", "FileInUseProcess", "", "Exit");
    for (answer, next) in IN_USE.iter().zip(["Ignore", "Retry", "List"]) {
        control(&mut editor, "FilesInUse", answer, "PushButton", "", answer, next);
        event(&mut editor, "FilesInUse", answer, "EndDialog", answer);
    }
    dialog(&mut editor, "Errors", 0x1_0003, "ErrorText");
    control(&mut editor, "Errors", "ErrorText", "Text", "", "{\\Big}What is wrong", "");
    for answer in ERRORS {
        control(&mut editor, "Errors", &answer[..1], "PushButton", "", answer, "");
        event(&mut editor, "Errors", &answer[..1], "EndDialog", &format!("Error{answer}"));
    }
    editor.row("TextStyle", row! { TextStyle: "Big", FaceName: "Tahoma", Size: 12 });
    for (name, value) in [("CHOICE", "1"), ("DefaultUIFont", "Big"), ("ErrorDialog", "Errors")] {
        editor.add("Property", vec![text(name), text(value)]);
    }
    let row = row! { Property: "CHOICE", Order: 1, Value: "1", X: 0, Y: 0, Width: 9, Height: 9,
    Text: "{&Big}One" };
    editor.row("RadioButton", row);
    for (name, argument) in [("[CHOICE]", "1"), ("SpawnDialog", "Cancelled"), ("DoAction", "Restore")] {
        event(&mut editor, "Welcome", "Next", name, argument);
    }
    condition(&mut editor, "Disable", "CHOICE = 2");
    mapping(&mut editor, "ActionText");
    editor.0
}

fn dialog(editor: &mut Editor, name: &str, attributes: i32, first: &str) {
    let row = row! { Dialog: name, HCentering: 50, VCentering: 50, Width: 100, Height: 80,
    Attributes: attributes, Control_First: first, Control_Default: first, Control_Cancel: first };
    editor.row("Dialog", row);
}

fn control(
    editor: &mut Editor,
    dialog: &str,
    name: &str,
    kind: &str,
    property: &str,
    shown: &str,
    next: &str,
) {
    let row = row! { Dialog_: dialog, Control: name, Type: kind, X: 10, Y: 10, Width: 50, Height: 20,
    Attributes: 3, Property: property, Text: shown, Control_Next: next };
    editor.row("Control", row);
}

fn event(editor: &mut Editor, dialog: &str, control: &str, event: &str, argument: &str) {
    at(editor, dialog, control, event, argument, None);
}

/// An event at a place among those of its control.
fn at(editor: &mut Editor, dialog: &str, control: &str, event: &str, argument: &str, place: Option<i32>) {
    let row = row! { Dialog_: dialog, Control_: control, Event: event, Argument: argument, Condition: "1",
    Ordering: place };
    editor.row("ControlEvent", row);
}

/// Something that happens to a control under a condition.
fn condition(editor: &mut Editor, action: &str, when: &str) {
    let row = row! { Dialog_: "Welcome", Control_: "Next", Action: action, Condition: when };
    editor.row("ControlCondition", row);
}

/// An event that a control follows.
fn mapping(editor: &mut Editor, event: &str) {
    let row = row! { Dialog_: "Errors", Control_: "ErrorText", Event: event, Attribute: "Text" };
    editor.row("EventMapping", row);
}

fn set(editor: &mut Editor, name: &str, column: &str, value: Value) {
    editor.set("Control", ("Control", text(name)), column, value);
}

pub(crate) const FAULTS: &[Fault] = &[
    fault("type that there is not", "control-type", |e| set(e, "Picture", "Type", text("Image"))),
    fault("choice of nothing", "control-property", |e| set(e, "Choice", "Property", Value::Null)),
    wide("event of no control", "control-exists", &["value-reference"], |e| {
        event(e, "Welcome", "Back", "EndDialog", "Return");
    }),
    fault("dialog that there is not", "control-event", |e| {
        event(e, "Welcome", "Next", "NewDialog", "Nothing");
    }),
    fault("event that there is not", "control-event", |e| event(e, "Welcome", "Next", "Explode", "1")),
    fault("end that no dialog has", "control-event", |e| {
        event(e, "FilesInUse", "List", "EndDialog", "ErrorNever");
    }),
    fault("folder that there is not", "control-event", |e| {
        event(e, "Welcome", "Next", "SetTargetPath", "NOWHERE");
    }),
    fault("event when the dialog was left", "control-event", |e| {
        at(e, "Done", "Next", "Reset", "0", Some(2));
    }),
    fault("condition of nothing", "control-condition", |e| {
        condition(e, "Blink", "1");
    }),
    fault("event that is never sent", "event-mapping", |e| {
        mapping(e, "Nothing");
    }),
    fault("style that there is not", "text-style", |e| set(e, "ErrorText", "Text", text("{\\Small}x"))),
    fault("picture that is not there", "control-picture", |e| set(e, "Picture", "Text", text("Nothing"))),
    fault("choice without buttons", "radio-buttons", |e| e.remove("RadioButton", "Property", text("CHOICE"))),
    fault("choice without a first value", "radio-buttons", |e| {
        e.remove("Property", "Property", text("CHOICE"));
    }),
    fault("value of no button", "radio-buttons", |e| {
        e.set("Property", ("Property", text("CHOICE")), "Value", text("3"));
    }),
    fault("first control of another dialog", "dialog-controls", |e| {
        e.set("Dialog", ("Dialog", text("Done")), "Control_Default", text("Choice"));
    }),
    fault("keyboard that gets stuck", "dialog-tab-order", |e| {
        set(e, "Choice", "Control_Next", text("Choice"));
    }),
    fault("control that no key reaches", "dialog-tab-order", |e| {
        control(e, "Welcome", "Back", "PushButton", "", "&Back", "");
        event(e, "Welcome", "Back", "EndDialog", "Return");
    }),
    fault("choice that stays on the dialog", "property-private", |e| {
        e.retype("CHOICE", b"Choice_");
        e.set("ServiceInstall", ("Name", text("example")), "Arguments", text("[Choice_]"));
        e.set("ControlCondition", ("Action", text("Disable")), "Condition", text("Choice_ = 2"));
        e.remove("ControlEvent", "Event", text("[CHOICE]"));
    }),
    fault("password that the log shows", "property-hidden", |e| {
        control(e, "Failed", "Word", "Edit", "WORD", "", "Next");
        set(e, "Word", "Attributes", number(0x20_0003));
        e.package(|package| {
            let failed = msi::Expr::col("Dialog_").eq(msi::Expr::string("Failed"));
            let next = msi::Expr::col("Control").eq(msi::Expr::string("Next"));
            let update = msi::Update::table("Control").set("Control_Next", text("Word"));
            package.update_rows(update.with(failed.and(next))).unwrap();
        });
    }),
    fault("control outside", "control-bounds", |e| set(e, "Picture", "X", number(60))),
    fault("no dialog for failure", "dialog-required", |e| {
        e.set("InstallUISequence", ("Action", text("Failed")), "Sequence", number(1200));
    }),
    fault("no dialog for errors", "dialog-required", |e| {
        e.remove("Property", "Property", text("ErrorDialog"));
        event(e, "Welcome", "Next", "SpawnWaitDialog", "Errors");
    }),
    fault("no button to answer with", "dialog-files-in-use", |e| {
        e.set("ControlEvent", ("Control_", text("Retry")), "Argument", text("Return"));
    }),
    fault("errors that cannot be retried", "dialog-error", |e| {
        e.set("ControlEvent", ("Argument", text("ErrorRetry")), "Argument", text("ErrorOk"));
    }),
    fault("style that is missing", "dialog-error", |e| {
        e.set("Dialog", ("Dialog", text("Errors")), "Attributes", number(3));
        e.package(|package| {
            let errors = msi::Expr::col("Dialog_").eq(msi::Expr::string("Errors"));
            package
                .update_rows(msi::Update::table("Control").set("Type", text("Text")).with(errors))
                .unwrap();
        });
    }),
    wide("button that does nothing", "button-event", &["dialog-error"], |e| {
        e.remove("ControlEvent", "Argument", text("ErrorYes"));
    }),
    fault("dialog that nobody sees", "dialog-reached", |e| {
        e.remove("InstallUISequence", "Action", text("Welcome"));
    }),
    fault("dialog while nobody looks", "action-known", |e| {
        e.add("InstallExecuteSequence", vec![text("Welcome"), Value::Null, number(1001 + 10)]);
    }),
    fault("action and dialog of one name", "action-known", |e| {
        e.add("CustomAction", vec![text("Welcome"), number(51), text("NEXT"), text("1"), Value::Null]);
    }),
    fault("end that there is not", "sequence-number", |e| {
        e.set("_Validation", ("Column", text("Sequence")), "MinValue", number(-9));
        e.set("InstallUISequence", ("Action", text("Welcome")), "Sequence", number(-7));
    }),
];
