//! Controls of dialogs: what they show, set and do.

use super::formatted::is_identifier;
use super::read::{Msi, Row};
use super::references;
use super::report::{Report, rules};
use super::ui_dialogs::ANSWERS;
use std::collections::{BTreeMap, BTreeSet};
use windows_installer::standard_actions::standard;

rules! {
    TYPE "control-type"
        "A control is of a type that Windows has."
        "msi/control-table";
    PROPERTY "control-property"
        "A control that sets a property names one."
        "msi/ice34";
    PAIR "control-exists"
        "Events, conditions and mappings are for controls that exist."
        "msi/controlevent-table";
    EVENT "control-event"
        "An event is one that Windows has, leads to a dialog, action or feature that exists, and does not \
         come after one by which the dialog is left in any case."
        "msi/ice44";
    CONDITION "control-condition"
        "A control is shown, hidden, enabled, disabled or made the default one."
        "msi/controlcondition-table";
    MAPPING "event-mapping"
        "A mapping is of an event that Windows sends."
        "msi/eventmapping-table";
    STYLE "text-style"
        "Text styles in texts exist."
        "msi/ice31";
    PICTURE "control-picture"
        "Pictures of controls are in the table Binary."
        "msi/ice17";
    BUTTON "button-event"
        "A push button that can be pushed does something."
        "msi/ice17";
    RADIO "radio-buttons"
        "A group of radio buttons has buttons, and its property names one of them."
        "msi/ice34";
}

/// What a type of control is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    /// It shows something.
    Shows,
    /// The keyboard reaches it.
    Reached,
    /// The keyboard reaches it, and it sets a property.
    Sets,
}

const TYPES: &[(&str, Use)] = &[
    ("Billboard", Use::Shows),
    ("Bitmap", Use::Shows),
    ("CheckBox", Use::Sets),
    ("ComboBox", Use::Sets),
    ("DirectoryCombo", Use::Sets),
    ("DirectoryList", Use::Sets),
    ("Edit", Use::Sets),
    ("GroupBox", Use::Shows),
    ("Hyperlink", Use::Reached),
    ("Icon", Use::Shows),
    ("Line", Use::Shows),
    ("ListBox", Use::Sets),
    ("ListView", Use::Sets),
    ("MaskedEdit", Use::Sets),
    ("PathEdit", Use::Sets),
    ("ProgressBar", Use::Shows),
    ("PushButton", Use::Reached),
    ("RadioButtonGroup", Use::Sets),
    ("ScrollableText", Use::Shows),
    ("SelectionTree", Use::Sets),
    ("Text", Use::Shows),
    ("VolumeCostList", Use::Shows),
    ("VolumeSelectCombo", Use::Sets),
];

fn use_of(kind: &str) -> Option<Use> {
    TYPES.iter().find(|(name, _)| *name == kind).map(|(_, what)| *what)
}

/// Whether the keyboard reaches controls of a type.
pub(super) fn is_reached(kind: &str) -> bool {
    use_of(kind) >= Some(Use::Reached)
}

/// Events of the table `ControlEvent`, from the
/// [overview](https://learn.microsoft.com/en-us/windows/win32/msi/controlevent-overview), and what their
/// argument is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Argument {
    Dialog,
    Action,
    Feature,
    /// A folder, or a property that holds one.
    Folder,
    End,
    Switch,
    Any,
}

/// How a dialog may end, beside the [answers](ANSWERS) to an error.
const ENDINGS: &[&str] = &["Exit", "Ignore", "Retry", "Return"];

const EVENTS: &[(&str, Argument)] = &[
    ("AddLocal", Argument::Feature),
    ("AddSource", Argument::Feature),
    ("CheckExistingTargetPath", Argument::Folder),
    ("CheckTargetPath", Argument::Folder),
    ("DirectoryListNew", Argument::Any),
    ("DirectoryListOpen", Argument::Any),
    ("DirectoryListUp", Argument::Any),
    ("DoAction", Argument::Action),
    ("EnableRollback", Argument::Switch),
    ("EndDialog", Argument::End),
    ("MsiLaunchApp", Argument::Any),
    ("MsiPrint", Argument::Any),
    ("NewDialog", Argument::Dialog),
    ("Reinstall", Argument::Feature),
    ("ReinstallMode", Argument::Any),
    ("Remove", Argument::Feature),
    ("Reset", Argument::Any),
    // Microsoft writes it in both ways.
    ("RMShutdownAndRestart", Argument::Any),
    ("RmShutdownAndRestart", Argument::Any),
    ("SelectionBrowse", Argument::Dialog),
    ("SetInstallLevel", Argument::Any),
    ("SetTargetPath", Argument::Folder),
    ("SpawnDialog", Argument::Dialog),
    ("SpawnWaitDialog", Argument::Dialog),
    ("ValidateProductID", Argument::Any),
];

/// Events by which a dialog is left.
const LEAVING: &[&str] = &["EndDialog", "NewDialog", "SpawnDialog"];

/// Events that Windows sends, and those of controls, which other controls may follow.
const SENT: &[&str] = &[
    "ActionData",
    "ActionText",
    "DoAction",
    "IgnoreChange",
    "SelectionAction",
    "SelectionDescription",
    "SelectionIcon",
    "SelectionNoItems",
    "SelectionPath",
    "SelectionPathOn",
    "SelectionSize",
    "ScriptInProgress",
    "SetProgress",
    "TimeRemaining",
];

/// Bits of `Control.Attributes` of a button that shows a picture.
const ICON: i32 = 0x2_0000;
const BITMAP: i32 = 0x4_0000;
/// The control can be used; without the bit it is grey until a condition enables it.
pub(super) const ENABLED: i32 = 2;
/// The property holds the name of the one that is set.
const INDIRECT: i32 = 8;

pub(super) fn check(msi: &Msi, report: &mut Report) {
    for row in msi.rows("Control") {
        control(msi, row, report);
    }
    let set = references::set_somewhere(msi, &[]);
    for row in msi.rows("ControlEvent") {
        pair(msi, row, report);
        event(msi, row, &set, report);
    }
    late_events(msi, report);
    for row in msi.rows("ControlCondition") {
        pair(msi, row, report);
        if !["Default", "Disable", "Enable", "Hide", "Show"].contains(&row.text("Action")) {
            let message = format!("{:?} is none of Default, Disable, Enable, Hide, Show", row.text("Action"));
            report.value(CONDITION, row, "Action", message);
        }
    }
    for row in msi.rows("EventMapping") {
        pair(msi, row, report);
        let event = row.text("Event");
        // Visual Studio maps progress bars to actions, which does no harm.
        let is_action = standard(event).is_some() || event == "UnmoveFiles";
        if !is_action && !SENT.contains(&event) && !EVENTS.iter().any(|(name, _)| *name == event) {
            report.value(
                MAPPING,
                row,
                "Event",
                format!("{event:?} is no event that Windows sends: correct it"),
            );
        }
    }
    for (table, column) in
        [("Control", "Text"), ("RadioButton", "Text"), ("BBControl", "Text"), ("Property", "Value")]
    {
        msi.rows(table).for_each(|row| styles(msi, row, column, report));
    }
    if let Some(row) = msi.row("Property", "DefaultUIFont")
        && !msi.has("TextStyle", row.text("Value"))
    {
        report.value(
            STYLE,
            row,
            "Value",
            format!("{:?} is not in table TextStyle: add it", row.text("Value")),
        );
    }
}

fn control(msi: &Msi, row: Row<'_>, report: &mut Report) {
    let (kind, property) = (row.text("Type"), row.text("Property"));
    let Some(what) = use_of(kind) else {
        return report.value(
            TYPE,
            row,
            "Type",
            format!("{kind:?} is no type of control: use one of Microsoft's"),
        );
    };
    if what == Use::Sets && property.is_empty() {
        report.value(PROPERTY, row, "Property", format!("a {kind} sets a property: name it"));
    }
    let acts = |event: &Row<'_>| {
        event.text("Dialog_") == row.text("Dialog_") && event.text("Control_") == row.text("Control")
    };
    if kind == "PushButton"
        && row.bits("Attributes") & ENABLED != 0
        && !msi.rows("ControlEvent").any(|event| acts(&event))
    {
        report.row(BUTTON, row, "does nothing when it is pushed: add a row to ControlEvent");
    }
    if kind == "RadioButtonGroup" && !property.is_empty() && row.bits("Attributes") & INDIRECT == 0 {
        radio(msi, row, property, report);
    }
    let shows_picture = matches!(kind, "Bitmap" | "Icon")
        || (matches!(kind, "PushButton" | "CheckBox") && row.bits("Attributes") & (ICON | BITMAP) != 0);
    let name = row.text("Text");
    if shows_picture && !name.contains('[') && !msi.has("Binary", name) {
        report.value(PICTURE, row, "Text", format!("{name:?} is not in table Binary: add the picture"));
    }
}

fn radio(msi: &Msi, row: Row<'_>, property: &str, report: &mut Report) {
    let buttons: Vec<&str> = msi
        .rows("RadioButton")
        .filter(|button| button.text("Property") == property)
        .map(|row| row.text("Value"))
        .collect();
    if buttons.is_empty() {
        report.value(RADIO, row, "Property", format!("{property} has no buttons: add them to RadioButton"));
        return;
    }
    let value = msi.property(property).unwrap_or_default();
    if !buttons.contains(&value) {
        let message =
            format!("{property} is {value:?} at first, which is none of its buttons: {}", buttons.join(", "));
        report.value(RADIO, row, "Property", message);
    }
}

fn pair(msi: &Msi, row: Row<'_>, report: &mut Report) {
    let (dialog, control) = (row.text("Dialog_"), row.text("Control_"));
    if !msi.has("Control", &format!("{dialog}/{control}")) {
        let message = format!("the dialog {dialog} has no control {control}: add it, or correct the name");
        report.value(PAIR, row, "Control_", message);
    }
}

fn event(msi: &Msi, row: Row<'_>, set: &BTreeSet<&str>, report: &mut Report) {
    let (event, argument) = (row.text("Event"), row.text("Argument"));
    // An event in brackets sets the property.
    if let Some(property) = event.strip_prefix('[') {
        if !property.strip_suffix(']').is_some_and(is_identifier) {
            report.value(EVENT, row, "Event", format!("{event:?} sets no property: write [NAME]"));
        }
        return;
    }
    let Some((_, kind)) = EVENTS.iter().find(|(name, _)| *name == event) else {
        return report.value(EVENT, row, "Event", format!("{event:?} is no event: correct it"));
    };
    if argument.contains('[') {
        return;
    }
    let leads = match kind {
        Argument::Dialog => msi.has("Dialog", argument),
        Argument::Action => {
            msi.has("CustomAction", argument) || msi.has("Dialog", argument) || standard(argument).is_some()
        }
        Argument::Feature => argument.eq_ignore_ascii_case("ALL") || msi.has("Feature", argument),
        Argument::Folder => set.contains(argument),
        Argument::End => ENDINGS.contains(&argument) || ANSWERS.iter().any(|(_, answer)| *answer == argument),
        Argument::Switch => matches!(argument, "False" | "True"),
        Argument::Any => true,
    };
    if !leads {
        report.value(EVENT, row, "Argument", format!("{event} leads nowhere: {argument:?} does not exist"));
    }
}

/// Events of one control in the order in which they come.
fn late_events(msi: &Msi, report: &mut Report) {
    let control = |row: Row<'_>| format!("{}/{}", row.text("Dialog_"), row.text("Control_"));
    let leaves = |row: &Row<'_>| LEAVING.contains(&row.text("Event"));
    let left = msi.rows("ControlEvent").filter(|row| leaves(row) && row.text("Condition") == "1");
    let left: BTreeMap<String, i32> = left.map(|row| (control(row), row.bits("Ordering"))).collect();
    for row in msi.rows("ControlEvent").filter(|row| !leaves(row)) {
        if left.get(&control(row)).is_some_and(|end| *end < row.bits("Ordering")) {
            report.value(EVENT, row, "Ordering", "comes when the dialog has been left: put it before that");
        }
    }
}

/// Text styles, at the beginning of a text: `{\Style}` or `{&Style}`.
fn styles(msi: &Msi, row: Row<'_>, column: &str, report: &mut Report) {
    let text = row.text(column);
    let Some(rest) = text.strip_prefix("{\\").or_else(|| text.strip_prefix("{&")) else { return };
    let Some((style, _)) = rest.split_once('}') else { return };
    if is_identifier(style) && !msi.has("TextStyle", style) {
        report.value(STYLE, row, column, format!("the style {style:?} is not in table TextStyle: add it"));
    }
}
