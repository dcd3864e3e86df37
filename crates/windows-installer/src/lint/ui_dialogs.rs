//! Dialogs: how the keyboard goes through them, how they are reached, and that each end has one.

use super::read::{Msi, Row};
use super::report::{Report, rules};
use super::ui::FOCUSABLE;
use std::collections::BTreeSet;

rules! {
    CONTROLS "dialog-controls" "The first, default and cancel control of a dialog are on it." "msi/dialog-table";
    TABS "dialog-tab-order" "Control_Next leads from the first control through all that the keyboard reaches, and back." "msi/ice23";
    BOUNDS "control-bounds" "Controls lie within their dialog." "msi/control-table";
    REQUIRED "dialog-required" "Where there are dialogs, there is one for success (-1), for the user's cancelling (-2) and for failure (-3), one for files in use, and one for errors." "msi/ice20";
    REACHED "dialog-reached" "A dialog is reached from a sequence or from another dialog." "msi/dialog-table";
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
            }
        }
        let controls: Vec<Row<'_>> =
            msi.rows("Control").filter(|control| control.text("Dialog_") == dialog).collect();
        tab_order(row, &controls, report);
        for control in controls {
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
        required(msi, report);
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
        let message = format!(
            "the keyboard does not come back from {} to {first}: close the circle",
            last(&passed, current)
        );
        return report.row(TABS, dialog, message);
    }
    for control in controls.iter().filter(|control| FOCUSABLE.contains(&control.text("Type"))) {
        if !passed.contains(control.text("Control")) {
            let message = "the keyboard does not reach it: add it to the circle of Control_Next";
            report.value(TABS, *control, "Control_Next", message);
        }
    }
}

/// Where a walk that is no circle ended: in a circle that leaves the first control out, or nowhere.
fn last<'a>(passed: &BTreeSet<&'a str>, current: &'a str) -> &'a str {
    if current.is_empty() { passed.last().copied().unwrap_or_default() } else { current }
}

fn required(msi: &Msi, report: &mut Report) {
    for (number, what) in [(-1, "success"), (-2, "the user's cancelling"), (-3, "failure")] {
        let mut rows = msi.rows("InstallUISequence");
        if !rows.any(|row| row.number("Sequence") == Some(number) && msi.has("Dialog", row.text("Action"))) {
            let message = format!("has no dialog for {what}: add one with the number {number}");
            report.table(REQUIRED, "InstallUISequence", message);
        }
    }
    if !msi.has("Dialog", "FilesInUse") {
        report.missing(
            REQUIRED,
            "Dialog",
            "FilesInUse",
            "is missing: Windows shows it when files are in use",
        );
    }
    let name = msi.property("ErrorDialog").unwrap_or_default();
    match msi.row("Dialog", name) {
        None => {
            let message = format!("{name:?} is no dialog: name the one that shows errors");
            report.missing(REQUIRED, "Property", "ErrorDialog", message);
        }
        Some(dialog) => {
            if dialog.bits("Attributes") & ERROR == 0 {
                report.value(
                    REQUIRED,
                    dialog,
                    "Attributes",
                    "shows errors, so it needs the bit 65536: add it",
                );
            }
            if !msi.has("Control", &format!("{name}/ErrorText")) {
                report.row(REQUIRED, dialog, "shows errors, so it needs a control ErrorText: add it");
            }
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
