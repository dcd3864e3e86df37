//! What a person sees who opens the package by a double click.
//!
//! Nothing here runs with `/qn`. Dialogs only set the public properties that an administrator sets on the
//! command line; what these do is decided elsewhere. A check box knows "set" and "not set", our properties
//! know `1` and `0`: each box has a property of its own, filled from the public one before the first dialog
//! ([`SWITCHES`]) and translated back when its page is left.
//!
//! The words about the product come from the manifest, those that fit every product are here. How dialogs
//! work is described in
//! [User Interface Reference](https://learn.microsoft.com/en-us/windows/win32/msi/user-interface-reference).

mod boxes;
mod covers;
mod frame;
mod layout;
mod maintenance;
mod pages;
mod rows;
mod rtf;
mod texts;

#[cfg(test)]
mod tests;

use super::SET_PROPERTY;
use crate::{Package, Product};
use anyhow::{Result, ensure};
use layout::Dialog;
use windows_installer::{Cell, Database, Ending, Place, Sequence, row};

/// A choice of the page of options: a check box and the public property that it stands for.
struct Switch {
    property: &'static str,
    /// The property of the check box.
    check_box: &'static str,
    /// When it is checked at first.
    chosen: &'static str,
    text: &'static str,
    /// The check box without which this one has no meaning.
    needs: Option<&'static str>,
}

const SWITCHES: &[Switch] = &[
    Switch {
        property: "INSTALLSERVICE",
        check_box: "ServiceWanted",
        chosen: "NOT (INSTALLSERVICE = \"0\")",
        text: "Run as a Windows &service, even if no user is logged on",
        needs: None,
    },
    Switch {
        property: "STARTSERVICE",
        check_box: "StartWanted",
        chosen: "NOT (STARTSERVICE = \"0\")",
        text: "S&tart the service after the installation",
        needs: Some("ServiceWanted"),
    },
    Switch {
        property: "ADDTOPATH",
        check_box: "PathWanted",
        chosen: "ADDTOPATH = \"1\"",
        text: "Add the &program to the PATH of this computer",
        needs: None,
    },
    Switch {
        property: "STARTMENU",
        check_box: "MenuWanted",
        chosen: "STARTMENU = \"1\"",
        text: "Add shortcuts to the Start &menu",
        needs: None,
    },
];

/// The version that people know, with its suffix; Windows' own has numbers only.
const VERSION: &str = "ReadableVersion";
/// Names the property of the folder that is being chosen.
const BROWSED: &str = "BrowsedProperty";
/// What maintenance was asked to do.
const TASK: &str = "Task";
/// Conditions on what is going on.
const UPGRADE: &str = super::OLDER;
const UNPACKING: &str = "ACTION = \"ADMIN\"";
const FIRST_TIME: &str = "NOT (Installed OR OLDERVERSION OR ACTION = \"ADMIN\")";
const REPAIRING: &str = "Installed AND NOT (Task = \"Remove\" OR REMOVE)";
const REMOVING: &str = "Task = \"Remove\" OR REMOVE";

/// The custom action that looks at what was entered, and the property that it sets to what is wrong with that,
/// or empties.
const CHECK_SETTINGS: &str = "CheckSettings";
const SETTINGS_PROBLEM: &str = "SETTINGSPROBLEM";

/// Every dialog.
fn dialogs(product: &Product, license: &str) -> Result<Vec<Dialog>> {
    let parts =
        [covers::all(product)?, pages::all(product, license)?, maintenance::all(product)?, boxes::all()];
    Ok(parts.into_iter().flatten().collect())
}

/// Adds dialogs, texts and pictures.
pub(super) fn add(database: &mut Database, package: &Package<'_>) -> Result<()> {
    let product = package.product;
    let settings = product.msi()?.configuration.settings.len();
    ensure!(
        settings <= pages::MOST_SETTINGS,
        "[msi.configuration] has {settings} settings; the dialog has room for {}",
        pages::MOST_SETTINGS
    );
    let license = product.text(&product.msi()?.license)?;
    for dialog in dialogs(product, &license)? {
        dialog.add_to(database)?;
    }
    add_styles(database)?;
    let msi = product.msi()?;
    let pictures =
        [(frame::BANNER, &msi.banner_bitmap), (frame::COVER, &msi.dialog_bitmap), (frame::ICON, &msi.icon)];
    for (name, file) in pictures {
        database.add("Binary", row! { Name: name, Data: Cell::Stream(product.bytes(file)?) })?;
    }
    let properties = [
        ("DefaultUIFont", "Plain"),
        ("ErrorDialog", boxes::ERROR_BOX),
        (VERSION, &package.version.to_string()),
        // What is chosen at first, where something has to be.
        (maintenance::REMOVAL, maintenance::KEEP),
    ];
    for (name, value) in properties {
        database.add("Property", row! { Property: name, Value: value })?;
    }
    database.add("CheckBox", row! { Property: pages::ACCEPTED, Value: "1" })?;
    for switch in SWITCHES {
        database.add("CheckBox", row! { Property: switch.check_box, Value: "1" })?;
        let row = row! { Action: switch.show(), Type: SET_PROPERTY, Source: switch.check_box, Target: "1" };
        database.add("CustomAction", row)?;
    }
    texts::add(database)
}

impl Switch {
    /// The action that checks the box for a property that is set.
    fn show(&self) -> String {
        format!("Show.{}", self.property)
    }
}

/// The fonts. Tahoma in these sizes is what installers have looked like since there is a Windows Installer,
/// and it is on every Windows.
fn add_styles(database: &mut Database) -> Result<()> {
    const BOLD: i32 = 1;
    // Blue, green, red.
    const GREY: i32 = 0x60_6060;
    for (style, size, color, bits) in [
        ("Plain", 8, None, 0),
        ("Hint", 8, Some(GREY), 0),
        ("Heading", 9, None, BOLD),
        ("Title", 12, None, BOLD),
    ] {
        database.add(
            "TextStyle",
            row! { TextStyle: style, FaceName: "Tahoma", Size: size, Color: color, StyleBits: bits },
        )?;
    }
    Ok(())
}

/// Places the dialogs of an installation, and the actions that prepare them.
pub(super) fn place(sequence: Sequence) -> Result<Sequence> {
    let mut sequence = sequence.custom(covers::PREPARE, "", Place::After("FindRelatedProducts"))?;
    let place = Place::After("MigrateFeatureStates");
    for switch in SWITCHES {
        sequence = sequence.custom(&switch.show(), switch.chosen, place)?;
    }
    // Whoever has said on the command line what is to be done is not asked.
    let maintenance = "Installed AND NOT (Preselected OR REMOVE OR REINSTALL OR RESUME OR PATCH)";
    let sequence = sequence
        .custom(maintenance::MAINTENANCE, maintenance, Place::After("ValidateProductID"))?
        .custom(covers::WELCOME, "NOT Installed", place)?
        .custom(pages::PROGRESS, "", place)?;
    endings(sequence)
}

/// Places the dialogs of an administrative installation.
pub(super) fn place_unpacking(sequence: Sequence) -> Result<Sequence> {
    let place = Place::After("CostFinalize");
    endings(sequence.custom(pages::UNPACK, "", place)?.custom(pages::PROGRESS, "", place)?)
}

/// Places the dialogs with which both end.
fn endings(sequence: Sequence) -> Result<Sequence> {
    let sequence = sequence
        .custom(covers::EXIT, "", Place::At(Ending::Success))?
        .custom(covers::USER_EXIT, "", Place::At(Ending::UserExit))?
        .custom(covers::FATAL_ERROR, "", Place::At(Ending::Failure))?;
    Ok(sequence)
}
