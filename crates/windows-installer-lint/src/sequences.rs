//! The sequence tables: which action runs when.

use super::actions;
use super::custom_actions::is_deferred;
use super::read::{Msi, Row};
use super::report::{Report, rules};
use std::collections::BTreeMap;
use windows_installer::standard_actions::{Action, Part, standard};

rules! {
    KNOWN "action-known"
        "An action is a standard action or a custom action; only sequences of the user interface have \
         dialogs."
        "msi/ice13";
    NEEDS "action-order"
        "A standard action comes after what it needs, and in the part of the sequence that it is for."
        "msi/ice27";
    REQUIRED "action-required"
        "A sequence has the standard actions without which nothing is installed."
        "msi/ice26";
    CARRIED "action-missing"
        "Rows of a table have the action in InstallExecuteSequence that carries them out."
        "msi/standard-actions-reference";
    UNCONDITIONAL "action-condition"
        "Standard actions that installations depend on have no condition."
        "msi/ice84";
    ADVERTISING "action-advertising"
        "AdvtExecuteSequence has the few actions that advertising allows, and AdvtUISequence none."
        "msi/ice72";
    NUMBER "sequence-number"
        "Numbers of a sequence are distinct; negative ones are -1 to -4, and for dialogs and custom \
         actions."
        "msi/ice82";
    REMOVE "remove-existing-products"
        "RemoveExistingProducts is at one of its four documented places."
        "msi/ice63";
    DEFERRED "deferred-place"
        "A deferred custom action is between InstallInitialize and InstallFinalize of a sequence that \
         installs."
        "msi/ice77";
    IMMEDIATE "immediate-place"
        "A program is not started between InstallInitialize and InstallFinalize as an immediate action: it \
         would run while the script is only being written."
        "msi/deferred-execution-custom-actions";
    COSTED "custom-action-costing"
        "A custom action of type 35 sets a folder after CostFinalize, one of type 51 before; one with its \
         source in a file comes after."
        "msi/ice12";
}

/// The sequence tables; the second are those with dialogs.
const SEQUENCES: &[(&str, bool)] = &[
    ("AdminExecuteSequence", false),
    ("AdminUISequence", true),
    ("AdvtExecuteSequence", false),
    ("InstallExecuteSequence", false),
    ("InstallUISequence", true),
];

/// The actions of one table by name, without those that have no number and so never run.
struct Sequence<'a> {
    table: &'a str,
    has_dialogs: bool,
    steps: BTreeMap<&'a str, (i32, Row<'a>)>,
}

impl<'a> Sequence<'a> {
    fn new(msi: &'a Msi, table: &'a str, has_dialogs: bool) -> Sequence<'a> {
        let step =
            |row: Row<'a>| Some((row.text("Action"), (row.number("Sequence").filter(|n| *n != 0)?, row)));
        Sequence { table, has_dialogs, steps: msi.rows(table).filter_map(step).collect() }
    }

    fn number(&self, action: &str) -> Option<i32> {
        self.steps.get(action).map(|(number, _)| *number)
    }

    /// Whether a number lies between the start and the end of the script; unknown ends are far away.
    fn in_script(&self, number: i32) -> bool {
        self.number("InstallInitialize").is_some_and(|start| start < number)
            && self.number("InstallFinalize").is_none_or(|end| number < end)
    }
}

pub(super) fn check(msi: &Msi, report: &mut Report) {
    if msi.has_rows("AdvtUISequence") {
        report.table(
            ADVERTISING,
            "AdvtUISequence",
            "has rows, but advertising has no user interface: remove them",
        );
    }
    for (table, has_dialogs) in SEQUENCES {
        let sequence = Sequence::new(msi, table, *has_dialogs);
        numbers(msi, &sequence, report);
        for (name, (number, row)) in &sequence.steps {
            if let Some(action) = standard(name) {
                standard_action(&sequence, action, *number, *row, report);
            } else if let Some(custom) = msi.row("CustomAction", name) {
                custom_action(msi, &sequence, custom, *number, *row, report);
                if msi.has("Dialog", name) {
                    report.row(KNOWN, *row, "is both a custom action and a dialog: rename one of them");
                }
            } else if !msi.has("Dialog", name) {
                report.row(
                    KNOWN,
                    *row,
                    "is no standard action, custom action or dialog: correct the name or add it",
                );
            } else if !has_dialogs {
                report.row(
                    KNOWN,
                    *row,
                    "is a dialog, which only sequences of the user interface have: move it there",
                );
            }
        }
    }
    required(msi, report);
}

fn numbers(msi: &Msi, sequence: &Sequence<'_>, report: &mut Report) {
    let mut taken: BTreeMap<i32, &str> = BTreeMap::new();
    for (name, (number, row)) in &sequence.steps {
        if let Some(other) = taken.insert(*number, name) {
            let message =
                format!("{number} is the number of {other} too, so their order is left open: change one");
            report.value(NUMBER, *row, "Sequence", message);
        }
        let may_end = msi.has("Dialog", name) || msi.has("CustomAction", name);
        let message = match number {
            0.. => continue,
            ..-4 => format!("{number} means nothing: -1 to -4 are for the end"),
            _ if may_end => continue,
            _ => format!("{number} is for dialogs at the end: give it its place"),
        };
        report.value(NUMBER, *row, "Sequence", message);
    }
}

fn standard_action(sequence: &Sequence<'_>, action: &Action, number: i32, row: Row<'_>, report: &mut Report) {
    let is_late = |earlier: &str| sequence.number(earlier).is_some_and(|other| other >= number);
    for earlier in action.needs.iter().filter(|needed| sequence.number(needed).is_none()) {
        report.row(NEEDS, row, format!("needs {earlier}, which is not in the sequence: add it before"));
    }
    for earlier in action.needs.iter().chain(action.after).filter(|earlier| is_late(earlier)) {
        report.value(NEEDS, row, "Sequence", format!("comes before {earlier}, but has to come after it"));
    }
    let executes = !sequence.has_dialogs;
    let message = match action.part {
        Part::Script if !executes => {
            "writes to the system, which a sequence of the user interface does not: remove it"
        }
        Part::Script if !sequence.in_script(number) => {
            "has to be between InstallInitialize and InstallFinalize"
        }
        Part::Before if sequence.number("InstallInitialize").is_some_and(|start| start < number) => {
            "has to come before InstallInitialize"
        }
        _ => "",
    };
    if !message.is_empty() {
        report.value(NEEDS, row, "Sequence", message);
    }
    if sequence.table == "AdvtExecuteSequence" && !actions::ADVERTISING.contains(&action.name) {
        report.row(ADVERTISING, row, "is no action for advertising: remove it");
    }
    if executes && actions::is_unconditional(action.name) && !row.text("Condition").is_empty() {
        report.value(
            UNCONDITIONAL,
            row,
            "Condition",
            "an installation without this action is broken: remove the condition",
        );
    }
    if action.name == "RemoveExistingProducts" && !sequence.has_dialogs {
        remove_existing_products(sequence, number, row, report);
    }
}

/// Its places: between InstallValidate and InstallInitialize; after InstallInitialize, before anything that
/// writes to the script; after InstallExecute, before InstallFinalize; after InstallFinalize.
fn remove_existing_products(sequence: &Sequence<'_>, number: i32, row: Row<'_>, report: &mut Report) {
    let Some(start) = sequence.number("InstallInitialize") else { return };
    if number < start || !sequence.in_script(number) {
        return;
    }
    let writes = |name: &str| {
        standard(name).is_some_and(|action| action.part == Part::Script)
            && !matches!(name, "InstallExecute" | "InstallExecuteAgain")
    };
    let first =
        sequence.steps.iter().filter(|(name, (other, _))| writes(name) && (start..number).contains(other));
    // The script so far has to be carried out before the old version is removed.
    let executed = ["InstallExecute", "InstallExecuteAgain"].iter().filter_map(|name| sequence.number(name));
    let executed = executed.filter(|executed| *executed < number).max();
    let pending = first.filter(|(_, (other, _))| executed.is_none_or(|executed| *other > executed));
    if let Some((name, _)) = pending.min_by_key(|(_, (other, _))| *other) {
        let message = format!(
            "comes after {name}, which is none of its places: put it right after InstallInitialize, or \
             after InstallExecute or InstallFinalize"
        );
        report.value(REMOVE, row, "Sequence", message);
    }
}

fn custom_action(
    msi: &Msi,
    sequence: &Sequence<'_>,
    custom: Row<'_>,
    number: i32,
    row: Row<'_>,
    report: &mut Report,
) {
    let kind = custom.bits("Type");
    let in_script = sequence.in_script(number);
    let deferred = is_deferred(kind);
    if deferred && sequence.has_dialogs {
        let message =
            "is deferred, but the user interface writes no script: move it to the sequence that installs";
        report.row(DEFERRED, row, message);
    } else if deferred && !in_script {
        let message = "is deferred: put it between InstallInitialize and InstallFinalize";
        report.value(DEFERRED, row, "Sequence", message);
    } else if !deferred && in_script && matches!(kind & 0x3f, 2 | 18 | 34 | 50) {
        let message = "starts a program while the script is only being written: make it deferred, or move it";
        report.value(IMMEDIATE, row, "Sequence", message);
    }
    let sets_folder = kind & 0x3f == 35;
    let is_installed_file = matches!(kind & 0x3f, 17 | 18 | 21 | 22);
    let costed = sequence.number("CostFinalize").is_some_and(|costed| costed < number);
    if (sets_folder || is_installed_file) && number > 0 && !costed {
        let message = "needs the folders that CostFinalize has put together: put it after that";
        report.value(COSTED, row, "Sequence", message);
    }
    if kind & 0x3f == 51 && costed && msi.has("Directory", custom.text("Source")) {
        let message =
            "sets a folder when CostFinalize has put folders together: put it before that, or use type 35";
        report.value(COSTED, row, "Sequence", message);
    }
    if sequence.table == "AdvtExecuteSequence" && !matches!(kind & 0x3f, 19 | 35 | 51) {
        report.row(ADVERTISING, row, "advertising runs only actions that set properties: remove it");
    }
}

fn required(msi: &Msi, report: &mut Report) {
    let table = "InstallExecuteSequence";
    let sequence = Sequence::new(msi, table, false);
    for name in actions::REQUIRED.iter().filter(|name| sequence.number(name).is_none()) {
        report.missing(REQUIRED, table, name, "is missing: without it nothing is installed as it should be");
    }
    if msi.has_rows("InstallUISequence")
        && Sequence::new(msi, "InstallUISequence", true).number("ExecuteAction").is_none()
    {
        report.missing(
            REQUIRED,
            "InstallUISequence",
            "ExecuteAction",
            "is missing: without it the user interface installs nothing",
        );
    }
    for carries in actions::CARRIES {
        let concerned =
            |row: &Row<'_>| carries.only.is_none_or(|(column, bits)| row.bits(column) & bits != 0);
        if !msi.rows(carries.table).any(|row| concerned(&row)) {
            continue;
        }
        for action in carries.actions.iter().filter(|action| sequence.number(action).is_none()) {
            let message = format!("is missing, so rows of table {} mean nothing: add it", carries.table);
            report.missing(CARRIED, table, action, message);
        }
    }
    let removes = msi.rows("Upgrade").any(|row| row.bits("Attributes") & super::upgrade::ONLY_DETECT == 0);
    if removes && sequence.number("RemoveExistingProducts").is_none() {
        let message = "is missing, so versions that table Upgrade finds are not removed: add it";
        report.missing(CARRIED, table, "RemoveExistingProducts", message);
    }
}
