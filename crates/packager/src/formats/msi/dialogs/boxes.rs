//! Small boxes over other dialogs, and those that the installer itself shows.

use super::frame::{BUTTON, ICON, small};
use super::layout::{
    Control, Dialog, ERROR, INDIRECT, KEEP_MODELESS, Kind, SUNKEN, at, button, icon, label, text, volumes,
};
use super::{BROWSED, SETTINGS_PROBLEM};

pub(super) const BROWSE: &str = "Browse";
pub(super) const CANCEL: &str = "CancelSetup";
pub(super) const ERROR_BOX: &str = "ErrorMessage";
pub(super) const INVALID_SETTINGS: &str = "InvalidSettings";
pub(super) const OUT_OF_DISK: &str = "OutOfDisk";
pub(super) const WAIT: &str = "WaitForCosting";

/// The property that the installer fills with the programs that use files.
const PROGRAMS: &str = "FileInUseProcess";

pub(super) fn all() -> Vec<Dialog> {
    vec![browse(), cancel_setup(), error(), files_in_use(), invalid_settings(), out_of_disk(), wait()]
}

/// A button of a box, `place` counted from the right edge.
fn button_at(name: &str, label: &str, width: i32, height: i32, place: i32) -> Control {
    button(
        name,
        at(width - 10 - BUTTON.0 - place * (BUTTON.0 + 6), height - 10 - BUTTON.1, BUTTON.0, BUTTON.1),
        label,
    )
}

fn cancel_setup() -> Dialog {
    let (width, height) = (320, 85);
    small(CANCEL, width, height)
        .with([
            text("Question", at(48, 15, 262, 24), "Are you sure you want to cancel [ProductName] Setup?"),
            button_at("Yes", "&Yes", width, height, 1).on("EndDialog", "Exit"),
            button_at("No", "&No", width, height, 0).on("EndDialog", "Return"),
        ])
        .keys("No", "No")
}

fn invalid_settings() -> Dialog {
    let (width, height) = (370, 150);
    small(INVALID_SETTINGS, width, height)
        .with([
            text("Heading", at(48, 15, 312, 14), "{\\Heading}Please check your settings"),
            text("Problem", at(48, 33, 312, 80), format!("[{SETTINGS_PROBLEM}]")),
            button_at("OK", "&OK", width, height, 0).on("EndDialog", "Return"),
        ])
        .keys("OK", "OK")
}

/// Seen while the room on the disks is being summed up.
fn wait() -> Dialog {
    let (width, height) = (320, 85);
    small(WAIT, width, height)
        .with([
            text("Text", at(48, 15, 262, 24), "Please wait while Setup calculates the required disk space."),
            button_at("Cancel", "Cancel", width, height, 0).on("SpawnDialog", CANCEL),
        ])
        .keys("Cancel", "Cancel")
}

fn out_of_disk() -> Dialog {
    let (width, height) = (370, 220);
    let no_room = "There is not enough disk space. Free some disk space, or click OK and choose a folder on \
                   another disk.";
    small(OUT_OF_DISK, width, height)
        .with([
            text("Text", at(48, 15, 312, 36), no_room),
            volumes("Volumes", at(20, 58, 330, 120)),
            button_at("OK", "&OK", width, height, 0).on("EndDialog", "Return"),
        ])
        .keys("OK", "OK")
}

/// Chooses the folder whose property [`BROWSED`] names.
fn browse() -> Dialog {
    let list = |kind, name, area| Control::new(kind, name, area).property(BROWSED).with(INDIRECT);
    let (width, height) = (370, 244);
    Dialog { controls: Vec::new(), ..small(BROWSE, width, height) }
        .with([
            label("LookLabel", at(15, 15, 48, 12), "&Look in:"),
            list(Kind::DirectoryCombo, "Look", at(68, 12, 180, 80)).with(FIXED_AND_REMOTE),
            button("Up", at(253, 12, 42, 17), "&Up").on("DirectoryListUp", "0"),
            button("New", at(299, 12, 56, 17), "&New folder").on("DirectoryListNew", "0"),
            list(Kind::DirectoryList, "Folders", at(15, 36, 340, 122)).with(SUNKEN).text("Folders"),
            label("PathLabel", at(15, 167, 340, 12), "&Folder:"),
            list(Kind::PathEdit, "Path", at(15, 180, 340, 16)),
            button_at("OK", "OK", width, height, 1)
                .on("SetTargetPath", format!("[{BROWSED}]"))
                .on("EndDialog", "Return"),
            button_at("Cancel", "Cancel", width, height, 0).on("Reset", "0").on("EndDialog", "Return"),
        ])
        .keys("OK", "Cancel")
}

/// Disks that are fixed in the computer, that can be taken out, or that are on the network.
const FIXED_AND_REMOTE: i32 = 0x1_0000 | 0x2_0000 | 0x4_0000;

/// Shows errors: the installer chooses text, icon, and which of the buttons are seen and where.
fn error() -> Dialog {
    let buttons = [
        ("A", "&Abort", "ErrorAbort"),
        ("C", "&Cancel", "ErrorCancel"),
        ("I", "&Ignore", "ErrorIgnore"),
        ("N", "&No", "ErrorNo"),
        ("O", "&OK", "ErrorOk"),
        ("R", "&Retry", "ErrorRetry"),
        ("Y", "&Yes", "ErrorYes"),
    ];
    let shown = buttons.map(|(name, label, ending)| {
        button(name, at(157, 133, BUTTON.0, BUTTON.1), label).on("EndDialog", ending).one_of("buttons")
    });
    let mut dialog = small(ERROR_BOX, 370, 160);
    dialog.attributes |= ERROR;
    dialog.controls = vec![icon("ErrorIcon", 15, 15, ICON), text("ErrorText", at(48, 15, 312, 108), "")];
    dialog.with(shown)
}

/// The list of the programs that use files.
fn programs(area: super::layout::Area) -> Control {
    Control::new(Kind::ListBox, "Programs", area).property(PROGRAMS).with(SUNKEN)
}

/// Asks what to do about programs that use files, where the restart manager does not help. The installer
/// finds it by its name.
fn files_in_use() -> Dialog {
    let (width, height) = (370, 220);
    let words = "The following programs use files that Setup has to replace. Close them and click Retry. If \
                 you click Ignore, you have to restart the computer afterwards.";
    let mut dialog = small("FilesInUse", width, height);
    dialog.attributes |= KEEP_MODELESS;
    dialog
        .with([
            text("Text", at(48, 15, 312, 36), words),
            label("ProgramsLabel", at(20, 58, 330, 12), "&Programs:"),
            programs(at(20, 72, 330, 106)),
            button_at("Retry", "&Retry", width, height, 2).on("EndDialog", "Retry"),
            button_at("Ignore", "&Ignore", width, height, 1).on("EndDialog", "Ignore"),
            button_at("Exit", "Cancel", width, height, 0).on("EndDialog", "Exit"),
        ])
        .keys("Retry", "Exit")
}
