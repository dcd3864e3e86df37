//! The pages of a first installation and of an upgrade: licence, folder, options, and the last question.

use super::boxes::{BROWSE, INVALID_SETTINGS, OUT_OF_DISK, WAIT};
use super::covers::WELCOME;
use super::frame::{INNER, LEFT, TOP, back, begin, cancel, next, page};
use super::layout::{
    Control, Dialog, ELEVATION_SHIELD, Kind, SUNKEN, at, button, label, line, one_text_of, progress_bar, text,
};
use super::{BROWSED, CHECK_SETTINGS, SETTINGS_PROBLEM, SWITCHES, Switch, VERSION};
use super::{FIRST_TIME, REMOVING, REPAIRING, UNPACKING, UPGRADE};
use crate::Product;
use crate::formats::msi::INSTALL_FOLDER;
use anyhow::Result;

pub(super) const LICENSE: &str = "License";
pub(super) const FOLDER: &str = "Folder";
pub(super) const OPTIONS_PAGE: &str = "Options";
pub(super) const READY: &str = "Ready";
pub(super) const PROGRESS: &str = "Progress";
/// The folder to unpack to, of an administrative installation.
pub(super) const UNPACK: &str = "Unpack";

/// Set while the licence is accepted.
pub(super) const ACCEPTED: &str = "LicenseAccepted";

pub(super) fn all(product: &Product, license: &str) -> Result<Vec<Dialog>> {
    Ok(vec![license_page(license), folder(), options(product)?, ready(), progress(), unpack()])
}

fn license_page(license: &str) -> Dialog {
    let accepted = format!("{ACCEPTED} = \"1\"");
    page(LICENSE, "License agreement", "Please read the following license agreement.")
        .with([
            Control::new(Kind::ScrollableText, "Text", at(LEFT, TOP, INNER, 146))
                .with(SUNKEN)
                .text(super::rtf::from_plain(license)),
            Control::new(Kind::CheckBox, "Accept", at(LEFT, 209, INNER, 17))
                .property(ACCEPTED)
                .text("I &accept the terms of the license agreement"),
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
        label("FolderLabel", at(LEFT, TOP, INNER, 12), "&Folder:"),
        Control::new(Kind::PathEdit, "Folder", at(LEFT, TOP + 14, INNER, 17)).property(property),
        button("Browse", at(LEFT, TOP + 38, 66, 17), "B&rowse...")
            .on(format!("[{BROWSED}]"), property)
            .on("SpawnDialog", BROWSE),
    ])
}

fn folder() -> Dialog {
    let explanation = "Click Next to install to this folder, or click Browse to choose another one.";
    folder_page(FOLDER, "Destination folder", explanation, INSTALL_FOLDER)
        .with([
            back().on("NewDialog", LICENSE),
            next().on("SetTargetPath", INSTALL_FOLDER).on("NewDialog", OPTIONS_PAGE),
            cancel(),
        ])
        .keys("Next", "Cancel")
}

/// How many settings of the manifest the page of options has room for.
pub(super) const MOST_SETTINGS: usize = 3;

/// The check boxes of the page, with what they choose, and the fields of the manifest.
fn options(product: &Product) -> Result<Dialog> {
    let configuration = &product.msi()?.configuration;
    let first_time = format!("NOT {UPGRADE}");
    let mut controls = Vec::new();
    for (index, switch) in (0..).zip(SWITCHES) {
        let indent = if switch.needs.is_some() { 14 } else { 0 };
        let area = at(LEFT + indent, TOP + 15 * index, INNER - indent, 14);
        let check_box =
            Control::new(Kind::CheckBox, switch.property, area).property(switch.check_box).text(switch.text);
        controls.push(match switch.needs {
            Some(needed) => check_box.enabled_if(needed),
            None => check_box,
        });
    }
    if !configuration.settings.is_empty() {
        let note =
            format!("First configuration (optional). An existing {} is not changed.", configuration.file);
        controls.push(line("Line", LEFT, 117, INNER).shown_if(&first_time));
        controls.push(text("Note", at(LEFT, 120, INNER, 12), note).shown_if(&first_time));
    }
    for (index, field) in (0..).zip(&configuration.settings) {
        let y = 134 + 32 * index;
        let name = &field.property;
        controls.extend(
            [
                label(format!("{name}.Label"), at(LEFT, y + 3, 78, 12), &field.label),
                Control::new(Kind::Edit, name, at(100, y, 250, 17)).property(name),
                text(format!("{name}.Hint"), at(100, y + 18, 250, 11), format!("{{\\Hint}}{}", field.hint)),
            ]
            .map(|control| control.shown_if(&first_time)),
        );
    }
    Ok(page(OPTIONS_PAGE, "Options", "Choose how to set up [ProductName]. Upgrades keep your choices.")
        .with(controls)
        .with([
            back().on_if(UPGRADE, "NewDialog", LICENSE).on_if(&first_time, "NewDialog", FOLDER),
            leave_options(),
            cancel(),
        ])
        .keys("Next", "Cancel"))
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
    let first_time = format!("NOT {UPGRADE}");
    let new = format!("Setup is ready to install version [{VERSION}].");
    let upgrade = format!("Setup is ready to upgrade [ProductName] to version [{VERSION}].");
    let what_happens = [("New", first_time.as_str(), new.as_str()), ("Upgrade", UPGRADE, &upgrade)];
    let (wanted, started) = ("INSTALLSERVICE = \"1\"", "STARTSERVICE = \"1\"");
    let service = [
        ("Started", &*format!("{wanted} AND {started}"), "The service will be installed and started."),
        (
            "Registered",
            &format!("{wanted} AND NOT ({started})"),
            "The service will be installed, but not started.",
        ),
        ("Unregistered", &format!("NOT ({wanted})"), "The service will not be installed."),
    ];
    let explanation = "Click Install to begin. Click Back to review or change your settings.";
    page(READY, "Ready to install", explanation)
        .tracking_disk_space()
        .with(one_text_of("what happens", at(LEFT, TOP, INNER, 12), what_happens))
        .with(one_text_of("service", at(LEFT, TOP + 18, INNER, 12), service))
        .with([
            text("FolderLabel", at(LEFT, TOP + 42, INNER, 12), "Destination folder:"),
            text("Folder", at(LEFT + 10, TOP + 56, INNER - 10, 36), format!("[{INSTALL_FOLDER}]")),
        ])
        .with([back().on("NewDialog", OPTIONS_PAGE), start_work(begin("Install", "&Install")), cancel()])
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
    let what_happens = [
        ("Unpacking", UNPACKING, "Setup is extracting the files."),
        ("Installing", FIRST_TIME, "Setup is installing [ProductName]."),
        ("Upgrading", UPGRADE, "Setup is upgrading [ProductName]."),
        ("Repairing", REPAIRING, "Setup is repairing [ProductName]."),
        ("Removing", REMOVING, "Setup is removing [ProductName]."),
    ];
    page(PROGRESS, "Please wait", "This may take a few minutes.")
        .modeless()
        .with(one_text_of("what happens", at(LEFT, TOP, INNER, 12), what_happens))
        .with([
            text("ActionLabel", at(LEFT, TOP + 22, 40, 12), "Status:"),
            text("Action", at(62, TOP + 22, 288, 12), "").follows("ActionText", "Text"),
            progress_bar("Bar", at(LEFT, TOP + 38, INNER, 12)),
            cancel(),
        ])
        .keys("Cancel", "Cancel")
}

/// Where an administrative installation (`msiexec /a`) unpacks the files to.
fn unpack() -> Dialog {
    let explanation = "The files are extracted to this folder, to install from it over the network.";
    folder_page(UNPACK, "Network folder", explanation, "TARGETDIR")
        .tracking_disk_space()
        .with([
            begin("Install", "&Extract")
                .on("SetTargetPath", "TARGETDIR")
                .on_if("OutOfDiskSpace = 1", "SpawnDialog", OUT_OF_DISK)
                .on_if("OutOfDiskSpace <> 1", "EndDialog", "Return"),
            cancel(),
        ])
        .keys("Install", "Cancel")
}
