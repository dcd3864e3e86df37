//! The dialogs with which an installation begins, and those with which it ends.

use super::frame::{COVER_WIDTH, COVER_X, cancel, cover, finish, next};
use super::layout::{Control, Dialog, TRANSPARENT, at, text};
use super::{FIRST_TIME, REMOVING, REPAIRING, UNPACKING, UPGRADE, VERSION};
use crate::Product;

pub(super) const PREPARE: &str = "Preparing";
pub(super) const WELCOME: &str = "Welcome";
pub(super) const EXIT: &str = "Exit";
pub(super) const USER_EXIT: &str = "UserExit";
pub(super) const FATAL_ERROR: &str = "FatalError";

/// A paragraph on a cover.
fn paragraph(name: &'static str, y: i32, height: i32, words: &str) -> Control {
    text(name, at(COVER_X, y, COVER_WIDTH, height), words).with(TRANSPARENT)
}

pub(super) fn all(product: &Product) -> Vec<Dialog> {
    vec![prepare(), welcome(product), exit(product), user_exit(), fatal_error()]
}

/// Seen while the installer looks around, before it asks anything.
fn prepare() -> Dialog {
    cover(PREPARE, "Welcome to [ProductName] Setup")
        .modeless()
        .with([
            paragraph(
                "Explanation",
                80,
                24,
                "Setup looks at what is installed on this computer. Please wait.",
            ),
            paragraph("Action", 115, 24, "").follows("ActionText", "Text"),
            paragraph("Detail", 145, 36, "").follows("ActionData", "Text"),
            cancel(),
        ])
        .keys("Cancel", "Cancel")
}

fn welcome(product: &Product) -> Dialog {
    let begin = "Choose Next to continue, or Cancel to leave the computer as it is.";
    let new = format!(
        "This installs version [{VERSION}] on this computer.\r\n\r\n{}.\r\n\r\n{begin}",
        product.summary
    );
    let upgrade = format!(
        "An older version is installed. Version [{VERSION}] takes its place.\r\n\r\nConfiguration and data \
         are \
         kept, and so are the folder and the choices of the earlier installation.\r\n\r\n{begin}"
    );
    cover(WELCOME, "Welcome to [ProductName] Setup")
        .with([
            paragraph("New", 80, 110, &new).shown_if(&format!("NOT {UPGRADE}")).one_of("what happens"),
            paragraph("Upgrade", 80, 110, &upgrade).shown_if(UPGRADE).one_of("what happens"),
            next().on("NewDialog", super::pages::LICENSE),
            cancel(),
        ])
        .keys("Next", "Cancel")
}

fn exit(product: &Product) -> Dialog {
    let steps = product.msi.next_steps.trim_end().replace('\n', "\r\n");
    let done = |name, condition: &str, words: &str| {
        paragraph(name, 80, 24, words).shown_if(condition).one_of("what was done")
    };
    cover(EXIT, "[ProductName] Setup is complete")
        .with([
            done("Unpacked", UNPACKING, "The files are unpacked."),
            done("Installed", FIRST_TIME, &format!("Version [{VERSION}] is installed.")),
            done("Upgraded", UPGRADE, &format!("Version [{VERSION}] has taken the place of the older one.")),
            done("Repaired", REPAIRING, "The installation is repaired."),
            done("Removed", REMOVING, "[ProductName] is removed from this computer."),
            paragraph("Steps", 110, 90, &steps).shown_if(FIRST_TIME),
            finish("Return"),
        ])
        .keys("Finish", "Finish")
}

fn user_exit() -> Dialog {
    let words = "Nothing on this computer was changed.\r\n\r\nTo begin again, start Setup again.";
    cover(USER_EXIT, "[ProductName] Setup was cancelled")
        .with([paragraph("Explanation", 80, 60, words), finish("Exit")])
        .keys("Finish", "Finish")
}

fn fatal_error() -> Dialog {
    let words = "Whatever had been changed was undone: the computer is as it was before.";
    let log = "What went wrong is written in\r\n[MsiLogFileLocation]";
    let command = r#"msiexec /i "[OriginalDatabase]" /l*v "%TEMP%\setup.log""#;
    let no_log = format!("To learn more, let Setup write a log:\r\n\r\n{command}");
    let log_is_written = "MsiLogFileLocation";
    cover(FATAL_ERROR, "[ProductName] Setup ended early")
        .with([
            paragraph("Explanation", 80, 36, words),
            paragraph("Log", 120, 80, log).shown_if(log_is_written).one_of("log"),
            paragraph("NoLog", 120, 80, &no_log).shown_if(&format!("NOT {log_is_written}")).one_of("log"),
            finish("Exit"),
        ])
        .keys("Finish", "Finish")
}
