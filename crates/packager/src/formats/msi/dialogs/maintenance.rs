//! What is offered when this version is installed already: repair and removal.
//!
//! These pages come before the installer looks at features, so that setting the properties is enough, and
//! the rest runs as it does when they are given on the command line.

use super::frame::{back, begin, cancel, page};
use super::layout::{Choice, Control, Dialog, ELEVATION_SHIELD, Kind, at, button, text};
use super::{TASK, VERSION};
use crate::Product;

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

pub(super) fn all(product: &Product) -> Vec<Dialog> {
    vec![maintenance(), repair(), remove(product)]
}

fn maintenance() -> Dialog {
    let task = |control: Control, task: &str| control.on(format!("[{TASK}]"), task).on("NewDialog", task);
    let installed = format!("[ProductName] [{VERSION}] is installed on this computer.");
    let repair = "Installs every file of the program again, and registers the service anew. Configuration \
                  and data are kept.";
    let remove = "Removes program and service. Whether configuration and data stay is asked next.";
    page(MAINTENANCE, "Repair or remove", &installed)
        .with([
            task(button("Repair", at(30, 66, 80, 17), "Re&pair"), REPAIR),
            text("RepairText", at(30, 87, 320, 24), repair),
            task(button("Remove", at(30, 128, 80, 17), "&Remove"), REMOVE),
            text("RemoveText", at(30, 149, 320, 24), remove),
            cancel(),
        ])
        .keys("Repair", "Cancel")
}

fn repair() -> Dialog {
    let words = "Configuration and data are kept. The service stops for a moment, and starts again if it is \
                 meant to run.\r\n\r\nChoose Repair to begin.";
    let button = begin("Start", "Re&pair").on("[REINSTALL]", "ALL").on("[REINSTALLMODE]", REPAIR_MODE);
    page(REPAIR, "Ready to repair", "Every file of the program is installed again.")
        .with([
            text("Explanation", at(20, 64, 330, 42), words),
            back().on("NewDialog", MAINTENANCE),
            button.with(ELEVATION_SHIELD).on("EndDialog", "Return"),
            cancel(),
        ])
        .keys("Start", "Cancel")
}

fn remove(product: &Product) -> Dialog {
    let choice = |value, y, text| Choice { value, area: at(0, y, 330, 15), text };
    let purge = format!("{REMOVAL} = \"{DELETE}\"");
    let button = begin("Start", "&Remove")
        .on_if(&purge, format!("[{PURGE}]"), "1")
        .on_if(format!("NOT ({purge})"), format!("[{PURGE}]"), "{}")
        .on("[REMOVE]", "ALL");
    page(REMOVE, "Ready to remove", "Program and service are removed from this computer.")
        .with([
            Control::new(Kind::RadioButtonGroup, "Choice", at(20, 60, 330, 36)).property(REMOVAL).choices([
                choice(KEEP, 0, "&Keep configuration and data, for a later installation"),
                choice(DELETE, 18, "&Delete configuration and data as well"),
            ]),
            text(
                "FolderText",
                at(34, 98, 316, 12),
                format!("They are in [CommonAppDataFolder]{}", product.msi.data_folder),
            ),
            text("Warning", at(20, 122, 330, 48), format!("{{\\Heading}}{}", product.msi.purge_warning)),
            back().on("NewDialog", MAINTENANCE),
            button.with(ELEVATION_SHIELD).on("EndDialog", "Return"),
            cancel(),
        ])
        .keys("Start", "Cancel")
}
