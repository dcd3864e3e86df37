//! The pages of a first installation and of an upgrade: licence, folder, options, and the last question.

use super::boxes::{BROWSE, INVALID_SETTINGS, OUT_OF_DISK, WAIT};
use super::covers::WELCOME;
use super::frame::{back, begin, cancel, next, page};
use super::layout::{
    Control, Dialog, ELEVATION_SHIELD, Kind, SUNKEN, at, button, label, line, progress_bar, text,
};
use super::{BROWSED, CHECK_SETTINGS, SETTINGS_PROBLEM, SWITCHES, Switch, UPGRADE, VERSION};
use crate::Product;
use crate::formats::msi::INSTALL_FOLDER;

pub(super) const LICENSE: &str = "License";
pub(super) const FOLDER: &str = "Folder";
pub(super) const OPTIONS_PAGE: &str = "Options";
pub(super) const READY: &str = "Ready";
pub(super) const PROGRESS: &str = "Progress";
/// The folder to unpack to, of an administrative installation.
pub(super) const UNPACK: &str = "Unpack";

/// Set while the licence is accepted.
pub(super) const ACCEPTED: &str = "LicenseAccepted";

pub(super) fn all(product: &Product, license: &str) -> Vec<Dialog> {
    vec![license_page(license), folder(), options(product), ready(), progress(), unpack()]
}

fn license_page(license: &str) -> Dialog {
    let accepted = format!("{ACCEPTED} = \"1\"");
    page(LICENSE, "Licence", "Please read the licence. Setup goes on once you have accepted it.")
        .with([
            Control::new(Kind::ScrollableText, "Text", at(20, 54, 330, 146))
                .with(SUNKEN)
                .text(super::rtf::from_plain(license)),
            Control::new(Kind::CheckBox, "Accept", at(20, 209, 330, 17))
                .property(ACCEPTED)
                .text("I &accept the terms of the licence"),
            back().on("NewDialog", WELCOME),
            next()
                .enabled_if(&accepted)
                // The folder of an older version is that of the new one.
                .on_if(UPGRADE, "NewDialog", OPTIONS_PAGE)
                .on_if(format!("NOT {UPGRADE}"), "NewDialog", FOLDER),
            cancel(),
        ])
        .keys("Next", "Cancel")
}

/// A page that asks for a folder.
fn folder_page(name: &'static str, heading: &str, explanation: &str, property: &'static str) -> Dialog {
    page(name, heading, explanation).with([
        label("FolderLabel", at(20, 64, 330, 12), "&Folder:"),
        Control::new(Kind::PathEdit, "Folder", at(20, 78, 330, 16)).property(property),
        button("Browse", at(20, 102, 66, 17), "B&rowse...")
            .on(format!("[{BROWSED}]"), property)
            .on("SpawnDialog", BROWSE),
    ])
}

fn folder() -> Dialog {
    let explanation = "Choose where the program goes, or go on with the folder that is suggested.";
    folder_page(FOLDER, "Folder", explanation, INSTALL_FOLDER)
        .with([
            back().on("NewDialog", LICENSE),
            next().on("SetTargetPath", INSTALL_FOLDER).on("NewDialog", OPTIONS_PAGE),
            cancel(),
        ])
        .keys("Next", "Cancel")
}

/// The check boxes of the page, with what they choose, and the fields of the manifest.
fn options(product: &Product) -> Dialog {
    let mut controls = Vec::new();
    for (index, switch) in (0..).zip(SWITCHES) {
        let (indent, y) = (if switch.needs.is_some() { 14 } else { 0 }, 52 + 15 * index);
        let check_box = Control::new(Kind::CheckBox, switch.property, at(20 + indent, y, 330 - indent, 14))
            .property(switch.check_box)
            .text(switch.text);
        controls.push(match switch.needs {
            Some(needed) => check_box.enabled_if(needed),
            None => check_box,
        });
    }
    let first_time = format!("NOT {UPGRADE}");
    let note = if product.msi.configuration.settings.is_empty() {
        ""
    } else {
        "For the first start. All may stay empty; an existing configuration is never changed."
    };
    controls.push(line("Line", 20, 116, 330).shown_if(&first_time));
    controls.push(text("Note", at(20, 120, 330, 12), note).shown_if(&first_time));
    for (index, field) in (0..).zip(&product.msi.configuration.settings) {
        let y = 135 + 32 * index;
        let name = &field.property;
        controls.extend(
            [
                label(format!("{name}.Label"), at(20, y + 3, 78, 12), &field.label),
                Control::new(Kind::Edit, name, at(100, y, 250, 16)).property(name),
                text(format!("{name}.Hint"), at(100, y + 18, 250, 11), format!("{{\\Hint}}{}", field.hint)),
            ]
            .map(|control| control.shown_if(&first_time)),
        );
    }
    page(OPTIONS_PAGE, "Options", "Choose what is set up. Later versions take over what you choose.")
        .with(controls)
        .with([
            back().on_if(UPGRADE, "NewDialog", LICENSE).on_if(&first_time, "NewDialog", FOLDER),
            leave_options(),
            cancel(),
        ])
        .keys("Next", "Cancel")
}

/// The button that takes over what was chosen, has it checked, and goes on if it is well.
fn leave_options() -> Control {
    let mut next = next();
    for Switch { property, check_box, .. } in SWITCHES {
        let set = format!("[{property}]");
        next = next.on_if(*check_box, &set, "1").on_if(format!("NOT {check_box}"), &set, "0");
    }
    let well = format!("NOT {SETTINGS_PROBLEM}");
    next.on("DoAction", CHECK_SETTINGS).on_if(SETTINGS_PROBLEM, "SpawnDialog", INVALID_SETTINGS).on_if(
        well,
        "NewDialog",
        READY,
    )
}

fn ready() -> Dialog {
    let service = |name, condition: &str, words: &str| {
        text(name, at(20, 110, 330, 12), words).shown_if(condition).one_of("service")
    };
    let wanted = "INSTALLSERVICE = \"1\"";
    let started = "STARTSERVICE = \"1\"";
    let first_time = format!("NOT {UPGRADE}");
    page(READY, "Ready", "Setup knows all it needs to know.")
        .tracking_disk_space()
        .with([
            text("New", at(20, 58, 330, 12), format!("Version [{VERSION}] is installed to this folder:"))
                .shown_if(&first_time)
                .one_of("what happens"),
            text(
                "Upgrade",
                at(20, 58, 330, 12),
                format!("Version [{VERSION}] takes the place of the older version in this folder:"),
            )
            .shown_if(UPGRADE)
            .one_of("what happens"),
            text("Folder", at(30, 74, 320, 30), format!("[{INSTALL_FOLDER}]")),
            service("Started", &format!("{wanted} AND {started}"), "The service is registered and started."),
            service(
                "Registered",
                &format!("{wanted} AND NOT ({started})"),
                "The service is registered, but not started.",
            ),
            service("Unregistered", &format!("NOT ({wanted})"), "No service is registered."),
            text(
                "Explanation",
                at(20, 134, 330, 24),
                "Choose Install to begin. To see or change what you chose, choose Back.",
            ),
            back().on("NewDialog", OPTIONS_PAGE),
            start_work(begin("Install", "&Install")),
            cancel(),
        ])
        .keys("Install", "Cancel")
}

/// Ends the questions once it is known that there is room on the disk.
pub(super) fn start_work(button: Control) -> Control {
    button
        .with(ELEVATION_SHIELD)
        .on_if("CostingComplete = 1", "SpawnWaitDialog", WAIT)
        .on_if("OutOfDiskSpace = 1", "SpawnDialog", OUT_OF_DISK)
        .on_if("OutOfDiskSpace <> 1", "EndDialog", "Return")
}

/// Seen while files are copied; it closes by itself.
fn progress() -> Dialog {
    page(PROGRESS, "Setup is at work", "This takes a moment. The service stops while its files are replaced.")
        .modeless()
        .with([
            text("ActionLabel", at(20, 64, 40, 12), "Now:"),
            text("Action", at(62, 64, 288, 12), "").follows("ActionText", "Text"),
            text("Detail", at(62, 80, 288, 24), "").follows("ActionData", "Text"),
            progress_bar("Bar", at(20, 112, 330, 12)),
            cancel(),
        ])
        .keys("Cancel", "Cancel")
}

/// Where an administrative installation (`msiexec /a`) unpacks the files to.
fn unpack() -> Dialog {
    let explanation = "The files are unpacked there, for computers that install from the network.";
    folder_page(UNPACK, "Folder on the network", explanation, "TARGETDIR")
        .tracking_disk_space()
        .with([
            begin("Install", "&Unpack")
                .on("SetTargetPath", "TARGETDIR")
                .on_if("OutOfDiskSpace = 1", "SpawnDialog", OUT_OF_DISK)
                .on_if("OutOfDiskSpace <> 1", "EndDialog", "Return"),
            cancel(),
        ])
        .keys("Install", "Cancel")
}
