//! The dialogs with which an installation begins, and those with which it ends.

use super::frame::{COVER_WIDTH, COVER_X, cancel, cover, finish, next};
use super::layout::{Area, Control, Dialog, Kind, TRANSPARENT, at, label, one_text_of, text};
use super::{FIRST_TIME, REMOVING, REPAIRING, UNPACKING, UPGRADE, VERSION};
use crate::Product;
use anyhow::Result;

pub(super) const PREPARE: &str = "Preparing";
pub(super) const WELCOME: &str = "Welcome";
pub(super) const EXIT: &str = "Exit";
pub(super) const USER_EXIT: &str = "UserExit";
pub(super) const FATAL_ERROR: &str = "FatalError";

/// The installer's own property: where it writes a log, if it does.
const LOG: &str = "MsiLogFileLocation";

/// Where the paragraphs of a cover are, `y` from the top.
const fn paragraph(y: i32, height: i32) -> Area {
    at(COVER_X, y, COVER_WIDTH, height)
}

/// A text on the picture of a cover.
fn words(name: &'static str, area: Area, words: &str) -> Control {
    text(name, area, words).with(TRANSPARENT)
}

pub(super) fn all(product: &Product) -> Result<Vec<Dialog>> {
    Ok(vec![prepare(), welcome(product), exit(product)?, user_exit(), fatal_error(product)])
}

/// Seen while the installer looks around, before it asks anything.
fn prepare() -> Dialog {
    let wait = "Please wait while Setup checks this computer.";
    cover(PREPARE, "Welcome to [ProductName] Setup")
        .modeless()
        .with([
            words("Explanation", paragraph(80, 24), wait),
            words("Action", paragraph(112, 24), "").follows("ActionText", "Text"),
            cancel(),
        ])
        .keys("Cancel", "Cancel")
}

fn welcome(product: &Product) -> Dialog {
    let begin = "Click Next to continue, or Cancel to exit Setup.";
    let new = format!(
        "Setup will install version [{VERSION}] on this computer.\r\n\r\n{}.\r\n\r\n{begin}",
        product.summary
    );
    let upgrade = format!(
        "Setup will upgrade [ProductName] to version [{VERSION}].\r\n\r\nYour configuration, data, \
         installation folder and options are kept.\r\n\r\n{begin}"
    );
    let first_time = format!("NOT {UPGRADE}");
    let texts = [("New", first_time.as_str(), new.as_str()), ("Upgrade", UPGRADE, &upgrade)];
    cover(WELCOME, "Welcome to [ProductName] Setup")
        .with(one_text_of("what happens", paragraph(80, 120), texts).map(|text| text.with(TRANSPARENT)))
        .with([next().on("NewDialog", super::pages::LICENSE), cancel()])
        .keys("Next", "Cancel")
}

fn exit(product: &Product) -> Result<Dialog> {
    let installed = format!("Version [{VERSION}] is installed.");
    let upgraded = format!("[ProductName] was upgraded to version [{VERSION}].");
    let texts = [
        ("Unpacked", UNPACKING, "The files were extracted."),
        ("Installed", FIRST_TIME, installed.as_str()),
        ("Upgraded", UPGRADE, &upgraded),
        ("Repaired", REPAIRING, "The installation was repaired."),
        ("Removed", REMOVING, "[ProductName] was removed from this computer."),
    ];
    let steps = product.msi()?.next_steps.trim_end().replace('\n', "\r\n");
    Ok(cover(EXIT, "[ProductName] Setup is complete")
        .with(one_text_of("what was done", paragraph(80, 24), texts).map(|text| text.with(TRANSPARENT)))
        .with([words("Steps", paragraph(110, 90), &steps).shown_if(FIRST_TIME), finish("Return")])
        .keys("Finish", "Finish"))
}

fn user_exit() -> Dialog {
    let explanation = "No changes were made to this computer.\r\n\r\nTo try again, run Setup again.";
    cover(USER_EXIT, "[ProductName] Setup was canceled")
        .with([words("Explanation", paragraph(80, 60), explanation), finish("Exit")])
        .keys("Finish", "Finish")
}

fn fatal_error(product: &Product) -> Dialog {
    let explanation = "Setup stopped because of an error.\r\nAll changes were undone.";
    let no_log = format!(
        "To find the cause, run Setup with a log file from a command prompt:\r\n\r\nmsiexec /i {}.msi /l*v \
         setup.log",
        product.name
    );
    cover(FATAL_ERROR, "[ProductName] Setup failed")
        .with([
            words("Explanation", paragraph(80, 24), explanation),
            words("NoLog", paragraph(112, 60), &no_log).shown_if(&format!("NOT {LOG}")).one_of("log"),
            label("LogLabel", paragraph(112, 12), "&Log file:").with(TRANSPARENT).shown_if(LOG).one_of("log"),
            // A field, because a text does not break a path: it can be scrolled, and copied.
            Control::new(Kind::Edit, "Log", paragraph(126, 17)).property(LOG).shown_if(LOG).one_of("log"),
            finish("Exit"),
        ])
        .keys("Finish", "Finish")
}
