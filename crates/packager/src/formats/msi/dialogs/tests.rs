//! The dialogs of the repository's own product: they are there for people, who cannot be asked here, so
//! what can be computed of their comfort is.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod measure;

use super::layout::{Area, Control, Dialog, Kind, at, button, text};
use super::{boxes, covers, frame, maintenance, pages};
use crate::Product;
use measure::Font;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn dialogs() -> Vec<Dialog> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/product.toml");
    let product = Product::load(&manifest).unwrap();
    let license = product.text(&product.msi().unwrap().license).unwrap();
    super::dialogs(&product, &license).unwrap()
}

/// Every fault that a check finds in every dialog.
fn expect_none(check: fn(&Dialog) -> Vec<String>) {
    let faults: Vec<String> = dialogs()
        .iter()
        .flat_map(|dialog| check(dialog).into_iter().map(|fault| format!("{}: {fault}", dialog.name)))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A box with two controls, to see that a check finds a fault.
fn with(first: Control, second: Control) -> Dialog {
    frame::small("Box", 200, 100).with([first, second])
}

fn overlap(a: Area, b: Area) -> bool {
    a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
}

/// Where a control is seen: a list that opens has the height of the open list.
fn seen(control: &Control) -> Area {
    match control.kind {
        Kind::DirectoryCombo => Area { height: 16, ..control.area },
        _ => control.area,
    }
}

fn misplaced(dialog: &Dialog) -> Vec<String> {
    let mut faults = Vec::new();
    let whole = at(0, 0, dialog.width, dialog.height);
    let inside =
        |area: Area, whole: Area| area.x + area.width <= whole.width && area.y + area.height <= whole.height;
    for (index, control) in dialog.controls.iter().enumerate() {
        let name = &control.name;
        if !inside(control.area, whole) {
            faults.push(format!("{name} is outside the dialog"));
        }
        if control.choices.iter().any(|choice| !inside(choice.area, control.area)) {
            faults.push(format!("a choice is outside its group {name}"));
        }
        let of_one_group = |other: &Control| control.group.is_some() && control.group == other.group;
        let behind = |control: &Control| control.kind == Kind::Bitmap;
        for other in &dialog.controls[index + 1..] {
            if overlap(seen(control), seen(other))
                && !of_one_group(other)
                && !behind(control)
                && !behind(other)
            {
                faults.push(format!("{name} and {} overlap", other.name));
            }
        }
    }
    faults
}

/// Fails if: a control is outside its dialog or covers another one.
#[test]
fn nothing_is_in_the_way() {
    expect_none(misplaced);
    let label = |name: &str, x| text(name, at(x, 60, 60, 10), "");
    assert_eq!(misplaced(&with(label("A", 10), label("B", 60))), ["A and B overlap"]);
    assert_eq!(misplaced(&with(label("A", 10), label("B", 150))), ["B is outside the dialog"]);
    assert_eq!(misplaced(&with(label("A", 10).one_of("x"), label("B", 60).one_of("x"))), [""; 0]);
}

/// A folder of a hundred characters. Windows breaks a text at spaces only.
const SPACED: &str =
    r"D:\Production test software\Customer projects 2026\Line 4 station 12\Functional test\Virinco\pyWATS\";

/// The text of a control as long as it gets, and its style.
fn longest(text: &str) -> (String, String) {
    let problem = "Server address “wats-server.production-site.manufacturing.exampl…”: write the address of \
                   the server with its scheme, such as https://company.wats.com.";
    let longest = [
        ("ProductName", "pyWATS Client"),
        (super::VERSION, "10.20.30-beta.10.dev"),
        ("INSTALLDIR", SPACED),
        ("CommonAppDataFolder", r"D:\Windows data\All users\ProgramData\"),
        (super::SETTINGS_PROBLEM, &[problem; 3].join("\n")),
    ];
    let mut text = text.to_owned();
    for (property, value) in longest {
        text = text.replace(&format!("[{property}]"), value);
    }
    assert!(!text.contains('['), "how long is the property in {text:?}?");
    match text.strip_prefix("{\\").and_then(|rest| rest.split_once('}')) {
        Some((style, text)) => (style.to_owned(), text.to_owned()),
        None => ("Plain".to_owned(), text),
    }
}

/// Every text that a control shows at some time.
fn shown(control: &Control) -> Vec<String> {
    let actions = || super::texts::ACTIONS.iter().map(|(_, description, _)| (*description).to_owned());
    match control.kind {
        Kind::Text if control.mappings.contains(&("ActionText", "Text")) => actions().collect(),
        Kind::Text if control.name == "ErrorText" => super::texts::ERRORS.iter().map(error).collect(),
        Kind::Text | Kind::PushButton | Kind::CheckBox => vec![control.text.clone()],
        // What is in a field can be scrolled; a line of it must be seen.
        Kind::Edit | Kind::PathEdit | Kind::DirectoryCombo => vec!["X".to_owned()],
        _ => Vec::new(),
    }
}

/// What the dialog for errors says, about files with a long path.
fn error((_, what, remedy): &(i32, &str, &str)) -> String {
    let what = what.split("{{").next().unwrap_or_default();
    let path = format!("{SPACED}pywats-client.exe");
    (1..=4).fold(format!("{what}\r\n\r\n{remedy}"), |text, field| text.replace(&format!("[{field}]"), &path))
}

/// What is wrong with a text in a rectangle.
fn misfit(control: &Control, area: Area, text: &str) -> Option<String> {
    // What a control takes for its frame or its box, in width and height.
    let (across, up) = match control.kind {
        Kind::PushButton => (8, 4),
        Kind::CheckBox | Kind::RadioButtonGroup => (15, 0),
        Kind::Edit | Kind::PathEdit | Kind::DirectoryCombo => (8, 5),
        _ => (0, 0),
    };
    let (width, height) = ((area.width - across).cast_unsigned(), (area.height - up).cast_unsigned());
    let (style, text) = longest(text);
    let font = Font::named(&style);
    let (needs_height, needs_width) = match control.kind {
        Kind::Text => font.broken(&text, width),
        _ => (font.lines(1), font.width(&text.replace('&', ""))),
    };
    let fits = needs_width <= width && needs_height <= height;
    (!fits).then(|| format!("{text:?} needs {needs_width} x {needs_height}, not {width} x {height}"))
}

fn clipped(dialog: &Dialog) -> Vec<String> {
    let mut faults = Vec::new();
    for control in &dialog.controls {
        faults.extend(shown(control).iter().filter_map(|text| misfit(control, seen(control), text)));
        faults.extend(control.choices.iter().filter_map(|choice| misfit(control, choice.area, choice.text)));
    }
    faults
}

/// Fails if: a text does not fit into its control, in whatever state and with long values.
#[test]
fn every_text_fits() {
    expect_none(clipped);
    let words = "One line, another one, and a third one";
    for (what, faulty, control) in [
        ("low", true, text("", at(10, 10, 60, 20), words)),
        ("high", false, text("", at(10, 10, 60, 40), words)),
        ("narrower than a word", true, text("", at(10, 10, 20, 90), words)),
        ("narrow button", true, button("", at(10, 10, 60, 17), words)),
        ("wide button", false, button("", at(10, 10, 180, 17), words)),
        ("low button", true, button("", at(10, 10, 180, 12), words)),
        ("low field", true, Control::new(Kind::Edit, "", at(10, 10, 60, 13))),
        ("high field", false, Control::new(Kind::Edit, "", at(10, 10, 60, 16))),
    ] {
        let other = text("", at(10, 100, 10, 10), "");
        assert_eq!(!clipped(&with(control, other)).is_empty(), faulty, "{what}");
    }
}

/// Fails if: a heading of the list of disks is wider than its column.
#[test]
fn every_column_is_wide_enough() {
    let volumes = super::layout::volumes("", at(0, 0, 0, 0)).text;
    let columns = volumes.split(['{', '}']).filter_map(|width| width.parse::<u32>().ok());
    let names = ["Volume", "Size", "Available", "Required", "Difference"];
    for (name, pixels) in names.into_iter().zip(columns) {
        let key = format!("VolumeCost{name}");
        let heading = super::texts::WORDS.iter().find(|(word, _)| *word == key).unwrap().1;
        // Twelve pixels stay free beside it.
        assert!(Font::named("Plain").width(heading) * 4 <= (pixels - 12) * 3, "{heading}");
    }
}

fn letters(dialog: &Dialog) -> Vec<String> {
    let marked = |text: &str| text.split_once('&').and_then(|(_, rest)| rest.chars().next());
    let mut seen = BTreeMap::new();
    let mut faults = Vec::new();
    for control in &dialog.controls {
        let own =
            (control.is_linked() && control.kind != Kind::ScrollableText).then_some(control.text.as_str());
        let texts = own.into_iter().chain(control.choices.iter().map(|choice| choice.text));
        for letter in texts.filter_map(marked).map(|letter| letter.to_ascii_lowercase()) {
            let group = control.group.map_or(control.name.clone(), str::to_owned);
            if seen.insert(letter, group.clone()).is_some_and(|other| other != group) {
                faults.push(format!("the letter {letter} leads to two controls"));
            }
        }
    }
    faults
}

/// Fails if: one letter leads to two controls of a dialog.
#[test]
fn every_letter_leads_to_one_control() {
    expect_none(letters);
    let button = |name| button(name, at(10, 60, 40, 17), "&Again");
    assert_eq!(letters(&with(button("A"), button("B"))), ["the letter a leads to two controls"]);
}

fn unreachable(dialog: &Dialog) -> Vec<String> {
    let mut faults = Vec::new();
    if dialog.attributes & super::layout::ERROR != 0 {
        // Its keys are the installer's business.
        return faults;
    }
    for (key, name) in [("return", dialog.default), ("escape", dialog.cancel)] {
        let found = dialog.controls.iter().find(|control| Some(control.name.as_str()) == name);
        if found.is_none_or(|control| control.kind != Kind::PushButton || control.events.is_empty()) {
            faults.push(format!("the {key} key does nothing"));
        }
    }
    let order: BTreeMap<&str, &str> = dialog.tab_order().into_iter().collect();
    let (mut current, mut reached) = (dialog.first(), BTreeSet::new());
    while reached.insert(current) {
        current = order.get(current).copied().unwrap_or_default();
    }
    for control in dialog.controls.iter().filter(|control| control.is_stop()) {
        if !reached.contains(control.name.as_str()) {
            faults.push(format!("the tab key does not lead to {}", control.name));
        }
    }
    let fields = [Kind::Edit, Kind::PathEdit, Kind::ListBox, Kind::DirectoryCombo];
    for field in dialog.controls.iter().filter(|control| control.is_stop() && fields.contains(&control.kind))
    {
        let before = order.iter().find(|(_, next)| **next == field.name).map(|(name, _)| *name);
        let label = dialog.controls.iter().find(|control| Some(control.name.as_str()) == before);
        if label.is_none_or(|label| !label.is_label || label.text.is_empty()) {
            faults.push(format!("nothing names the field {}", field.name));
        }
    }
    faults
}

/// Fails if: something cannot be reached by the keyboard, the return or escape key does nothing, or a field
/// has no name for people who hear the dialog.
#[test]
fn the_keyboard_is_enough() {
    expect_none(unreachable);
    let field = Control::new(Kind::Edit, "Field", at(10, 60, 40, 17));
    let faults = unreachable(&with(field, button("OK", at(60, 60, 40, 17), "OK")).keys("OK", "OK"));
    assert_eq!(
        faults,
        ["the return key does nothing", "the escape key does nothing", "nothing names the field Field"]
    );
}

/// Fails if: a dialog is never shown. What the installer shows by itself it knows by name or property.
#[test]
fn every_dialog_is_shown() {
    let dialogs = dialogs();
    let by_sequence = [
        covers::PREPARE,
        covers::WELCOME,
        covers::EXIT,
        covers::USER_EXIT,
        covers::FATAL_ERROR,
        maintenance::MAINTENANCE,
        pages::PROGRESS,
        pages::UNPACK,
    ];
    let by_installer = [boxes::ERROR_BOX, "FilesInUse"];
    let mut shown: BTreeSet<&str> = by_sequence.into_iter().chain(by_installer).collect();
    let controls = dialogs.iter().flat_map(|dialog| &dialog.controls);
    for [event, argument, _] in controls.flat_map(|control| &control.events) {
        if ["NewDialog", "SpawnDialog", "SpawnWaitDialog"].contains(&event.as_str()) {
            shown.insert(argument);
        }
    }
    let names: BTreeSet<&str> = dialogs.iter().map(|dialog| dialog.name).collect();
    assert_eq!(names, shown);
}

/// Fails if: what is shown only sometimes is never hidden again, or a dialog can be left by nothing.
#[test]
fn conditions_come_in_pairs() {
    for dialog in dialogs() {
        for control in &dialog.controls {
            for pair in control.conditions.chunks(2) {
                let [(_, on), (_, off)] = pair else { panic!("{}/{}", dialog.name, control.name) };
                assert_eq!(*off, format!("NOT ({on})"), "{}/{}", dialog.name, control.name);
            }
        }
        let leaves = |control: &Control| control.events.iter().any(|event| event[0].ends_with("Dialog"));
        assert!(dialog.controls.iter().any(leaves), "nothing leads out of {}", dialog.name);
    }
}
