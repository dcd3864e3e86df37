//! What is offered when this version is installed already: repair and removal.
//!
//! These pages come before the installer looks at features, so that setting the properties is enough, and
//! the rest runs as it does when they are given on the command line.

use super::frame::{INNER, LEFT, TOP, back, begin, cancel, page};
use super::layout::{Choice, Control, Dialog, ELEVATION_SHIELD, Kind, at, button, text};
use super::{TASK, VERSION};
use crate::Product;
use anyhow::Result;

pub(super) const MAINTENANCE: &str = "Maintenance";
const REPAIR: &str = "Repair";
const REMOVE: &str = "Remove";

/// Holds one of the two choices of the page [`REMOVE`].
pub(super) const REMOVAL: &str = "RemovalChoice";
pub(super) const KEEP: &str = "Keep";
const DELETE: &str = "Delete";
/// Tells the actions of the removal to delete configuration and data.
pub(super) const PURGE: &str = "PURGEDATA";

/// Every file anew, whatever is there, with registry entries and shortcuts. The usual `o` would keep a
/// damaged file: one without a version counts as changed by its owner when it is younger than it was made.
const REPAIR_MODE: &str = "amus";

pub(super) fn all(product: &Product) -> Result<Vec<Dialog>> {
    Ok(vec![maintenance(), repair(), remove(product)?])
}

fn maintenance() -> Dialog {
    let task = |control: Control, task: &str| control.on(format!("[{TASK}]"), task).on("NewDialog", task);
    let installed = format!("[ProductName] [{VERSION}] is installed on this computer.");
    let repair = "Installs all program files again. Your configuration and data are kept.";
    let remove = "Removes [ProductName]. Next, you can choose to keep your configuration and data.";
    page(MAINTENANCE, "Repair or remove", &installed)
        .with([
            task(button("Repair", at(LEFT, TOP, 80, 17), "Re&pair"), REPAIR),
            text("RepairText", at(LEFT, TOP + 21, INNER, 24), repair),
            task(button("Remove", at(LEFT, TOP + 60, 80, 17), "&Remove"), REMOVE),
            text("RemoveText", at(LEFT, TOP + 81, INNER, 24), remove),
            cancel(),
        ])
        .keys("Repair", "Cancel")
}

fn repair() -> Dialog {
    let words = "Setup will install all program files again. Your configuration and data are \
                 kept.\r\n\r\nThe service is stopped, and started again if it is set to start.";
    let button = begin("Start", "Re&pair").on("[REINSTALL]", "ALL").on("[REINSTALLMODE]", REPAIR_MODE);
    page(REPAIR, "Ready to repair", "Click Repair to begin.")
        .with([
            text("Explanation", at(LEFT, TOP, INNER, 64), words),
            back().on("NewDialog", MAINTENANCE),
            button.with(ELEVATION_SHIELD).on("EndDialog", "Return"),
            cancel(),
        ])
        .keys("Start", "Cancel")
}

fn remove(product: &Product) -> Result<Dialog> {
    let choice = |value, y, text| Choice { value, area: at(0, y, INNER, 15), text };
    let purge = format!("{REMOVAL} = \"{DELETE}\"");
    let button = begin("Start", "&Remove")
        .on_if(&purge, format!("[{PURGE}]"), "1")
        .on_if(format!("NOT ({purge})"), format!("[{PURGE}]"), "{}")
        .on("[REMOVE]", "ALL");
    let explanation = "Click Remove to remove [ProductName] from this computer.";
    Ok(page(REMOVE, "Ready to remove", explanation)
        .with([
            Control::new(Kind::RadioButtonGroup, "Choice", at(LEFT, TOP, INNER, 36))
                .property(REMOVAL)
                .choices([
                    choice(KEEP, 0, "&Keep configuration and data"),
                    choice(DELETE, 18, "&Delete configuration and data"),
                ]),
            text(
                "FolderText",
                at(LEFT + 14, TOP + 38, INNER - 14, 24),
                format!("Location: [CommonAppDataFolder]{}", product.msi()?.data_folder),
            ),
            text(
                "Warning",
                at(LEFT, TOP + 70, INNER, 46),
                format!("{{\\Heading}}{}", product.msi()?.purge_warning),
            ),
            back().on("NewDialog", MAINTENANCE),
            button.with(ELEVATION_SHIELD).on("EndDialog", "Return"),
            cancel(),
        ])
        .keys("Start", "Cancel"))
}
