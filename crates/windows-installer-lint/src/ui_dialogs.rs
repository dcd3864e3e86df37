//! Dialogs: how the keyboard goes through them, how they are reached, and that each end has one.

use super::read::{Msi, Row};
use super::report::{Report, rules};
use super::ui::{ENABLED, is_reached};
use std::collections::BTreeSet;

rules! {
    CONTROLS "dialog-controls"
        "The first, default and cancel control of a dialog are on it."
        "msi/dialog-table";
    TABS "dialog-tab-order"
        "Control_Next leads in one circle from the first control through all that have one and all that the \
         keyboard reaches; buttons of an error dialog have none."
        "msi/ice23";
    BOUNDS "control-bounds"
        "Controls lie within their dialog."
        "msi/control-table";
    REQUIRED "dialog-required"
        "Where there are dialogs, each sequence of the user interface has one, or an action, for success \
         (-1), for the user's cancelling (-2) and for failure (-3), and there is one for files in use and \
         one for errors."
        "msi/ice20";
    ERRORS "dialog-error"
        "The dialog for errors has its style, begins with the text ErrorText, and has a button for each \
         answer."
        "msi/error-dialog";
    IN_USE "dialog-files-in-use"
        "The dialog for files in use has their list, and buttons for Exit, Ignore and Retry."
        "msi/filesinuse-dialog";
    REACHED "dialog-reached"
        "A dialog is reached from a sequence or from another dialog."
        "msi/dialog-table";
}

/// `msidbDialogAttributesError`.
const ERROR: i32 = 0x1_0000;

/// Dialogs that Windows shows by name.
const BY_NAME: &[&str] = &["FilesInUse", "MsiRMFilesInUse", "FirstRun"];

pub(super) fn check(msi: &Msi, report: &mut Report) {
    for row in msi.rows("Dialog") {
        let dialog = row.text("Dialog");
        for column in ["Control_First", "Control_Default", "Control_Cancel"] {
            let control = row.text(column);
            if !control.is_empty() && !msi.has("Control", &format!("{dialog}/{control}")) {
                report.value(CONTROLS, row, column, format!("there is no control {control} on it: add it"));
            } else if control.is_empty() && column == "Control_First" {
                report.value(CONTROLS, row, column, "is empty: name the control that is active at first");
            }
        }
        let controls: Vec<Row<'_>> =
            msi.rows("Control").filter(|control| control.text("Dialog_") == dialog).collect();
        if row.bits("Attributes") & ERROR == 0 {
            tab_order(row, &controls, report);
        }
        // Lines and pictures are drawn from edge to edge, and Windows cuts them.
        let is_edge_to_edge = |control: &Row<'_>| match control.text("Type") {
            "Line" => true,
            "Bitmap" => control.bits("X") == 0 && control.bits("Width") >= row.bits("Width"),
            _ => false,
        };
        for control in controls.into_iter().filter(|control| !is_edge_to_edge(control)) {
            let outside = |start: &str, size: &str| {
                control.bits(start).saturating_add(control.bits(size)) > row.bits(size)
                    || control.bits(start) < 0
            };
            if outside("X", "Width") || outside("Y", "Height") {
                report.row(BOUNDS, control, "is partly outside of its dialog: move it or make it smaller");
            }
        }
    }
    if msi.has_rows("Dialog") {
        // With this property Windows shows none of them.
        if msi.property("LIMITUI").is_none() {
            required(msi, report);
        }
        reached(msi, report);
    }
}

fn tab_order(dialog: Row<'_>, controls: &[Row<'_>], report: &mut Report) {
    let find = |name: &str| controls.iter().find(|control| control.text("Control") == name);
    let first = dialog.text("Control_First");
    let mut passed = BTreeSet::new();
    let mut current = first;
    while let Some(control) = find(current) {
        if !passed.insert(current) {
            break;
        }
        let next = control.text("Control_Next");
        if !next.is_empty() && find(next).is_none() {
            let message = format!("there is no control {next} on the dialog: correct it");
            return report.value(TABS, *control, "Control_Next", message);
        }
        current = next;
    }
    // One control alone need not lead anywhere.
    if passed.len() > 1 && current != first {
        let message = format!("the keyboard does not come back to {first}: close the circle of Control_Next");
        return report.row(TABS, dialog, message);
    }
    // The list of programs that use files is only to be read.
    let is_used = |control: &Row<'_>| {
        control.bits("Attributes") & ENABLED != 0 && control.text("Property") != "FileInUseProcess"
    };
    let belongs = |control: &&Row<'_>| {
        !control.text("Control_Next").is_empty() || (is_reached(control.text("Type")) && is_used(control))
    };
    for control in controls.iter().filter(belongs) {
        if !passed.contains(control.text("Control")) {
            let message = "is not in the circle of Control_Next that begins with the first control: add it";
            report.value(TABS, *control, "Control_Next", message);
        }
    }
}

fn required(msi: &Msi, report: &mut Report) {
    for table in ["InstallUISequence", "AdminUISequence"] {
        for (number, what) in [(-1, "success"), (-2, "the user's cancelling"), (-3, "failure")] {
            if !msi.rows(table).any(|row| row.number("Sequence") == Some(number)) {
                let message = format!("has no dialog for {what}: add one with the number {number}");
                report.table(REQUIRED, table, message);
            }
        }
    }
    match msi.row("Dialog", "FilesInUse") {
        None => report.missing(
            REQUIRED,
            "Dialog",
            "FilesInUse",
            "is missing: Windows shows it when files are in use",
        ),
        Some(row) => files_in_use(msi, row, report),
    }
    let name = msi.property("ErrorDialog").unwrap_or_default();
    match msi.row("Dialog", name) {
        None => {
            let message = format!("{name:?} is no dialog: name the one that shows errors");
            report.missing(REQUIRED, "Property", "ErrorDialog", message);
        }
        Some(row) => error_dialog(msi, row, report),
    }
}

/// Whether a button of a dialog ends it with an argument. Without a name any button will do.
fn ends(msi: &Msi, dialog: &str, button: Option<&str>, argument: &str) -> bool {
    msi.rows("ControlEvent").any(|row| {
        row.text("Dialog_") == dialog
            && button.is_none_or(|button| row.text("Control_") == button)
            && row.text("Event") == "EndDialog"
            && row.text("Argument") == argument
    })
}

fn files_in_use(msi: &Msi, row: Row<'_>, report: &mut Report) {
    let is_list = |control: Row<'_>| {
        control.text("Dialog_") == "FilesInUse"
            && (control.text("Type"), control.text("Property")) == ("ListBox", "FileInUseProcess")
    };
    if !msi.rows("Control").any(is_list) {
        report.row(
            IN_USE,
            row,
            "has no ListBox with the property FileInUseProcess, in which Windows lists programs: add it",
        );
    }
    for argument in
        ["Exit", "Ignore", "Retry"].iter().filter(|argument| !ends(msi, "FilesInUse", None, argument))
    {
        report.row(IN_USE, row, format!("no button answers {argument}: add one with the event EndDialog"));
    }
}

/// Buttons of the dialog for errors, and their answers.
pub(super) const ANSWERS: &[(&str, &str)] = &[
    ("A", "ErrorAbort"),
    ("C", "ErrorCancel"),
    ("I", "ErrorIgnore"),
    ("N", "ErrorNo"),
    ("O", "ErrorOk"),
    ("R", "ErrorRetry"),
    ("Y", "ErrorYes"),
];

fn error_dialog(msi: &Msi, dialog: Row<'_>, report: &mut Report) {
    let name = dialog.text("Dialog");
    if dialog.bits("Attributes") & ERROR == 0 {
        report.value(ERRORS, dialog, "Attributes", "shows errors, so it needs the bit 65536: add it");
    }
    let text = msi.row("Control", &format!("{name}/ErrorText"));
    if text.is_none_or(|control| control.text("Type") != "Text") {
        report.row(ERRORS, dialog, "shows errors, so it needs a Text control ErrorText: add it");
    } else if dialog.text("Control_First") != "ErrorText" {
        report.value(ERRORS, dialog, "Control_First", "is not ErrorText: write that");
    }
    for (button, answer) in ANSWERS.iter().filter(|(button, answer)| !ends(msi, name, Some(button), answer)) {
        report.row(ERRORS, dialog, format!("has no button {button} that answers {answer}: add it"));
    }
    for control in msi.rows("Control").filter(|control| control.text("Dialog_") == name) {
        if control.text("Type") == "PushButton" && !control.text("Control_Next").is_empty() {
            report.value(
                ERRORS,
                control,
                "Control_Next",
                "Windows shows some of these buttons only: leave it empty",
            );
        }
    }
}

fn reached(msi: &Msi, report: &mut Report) {
    let mut reached: BTreeSet<&str> = BY_NAME.iter().copied().collect();
    reached.extend(msi.property("ErrorDialog"));
    for table in ["InstallUISequence", "AdminUISequence"] {
        reached.extend(msi.rows(table).map(|row| row.text("Action")));
    }
    let arguments = || msi.rows("ControlEvent").map(|row| row.text("Argument"));
    // A dialog whose name is put together at run time may be any.
    if msi
        .rows("ControlEvent")
        .any(|row| row.text("Event").ends_with("Dialog") && row.text("Argument").contains('['))
    {
        return;
    }
    reached.extend(arguments());
    for row in msi.rows("Dialog").filter(|row| !reached.contains(row.text("Dialog"))) {
        report.row(REACHED, row, "is never shown: reach it from a sequence or an event, or remove it");
    }
}
