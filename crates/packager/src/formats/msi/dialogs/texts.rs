//! Words that dialogs fill in: what the installer is doing, what went wrong, units.
//!
//! Windows Installer has words of its own for all of these, and takes them wherever a table has none. Here
//! are those that can be said better for a product like ours: what happened, and what to do about it. Numbers
//! in brackets are explained with each
//! [message](https://learn.microsoft.com/en-us/windows/win32/msi/windows-installer-error-messages) and
//! [action](https://learn.microsoft.com/en-us/windows/win32/msi/standard-actions-reference).

use anyhow::Result;
use windows_installer::{Database, row};

/// Action, what it does, and how its details are shown.
const ACTIONS: &[(&str, &str, &str)] = &[
    ("AppSearch", "Looking for settings of an earlier installation", "Setting: [1]"),
    ("CostFinalize", "Adding up the room that is needed", ""),
    ("CostInitialize", "Adding up the room that is needed", ""),
    ("CreateFolders", "Creating folders", "Folder: [1]"),
    ("CreateShortcuts", "Creating entries of the Start menu", "Shortcut: [1]"),
    ("DeleteServices", "Removing the service", "Service: [1]"),
    ("FileCost", "Adding up the room that is needed", ""),
    ("FindRelatedProducts", "Looking for other versions", "Found: [1]"),
    ("InstallAdminPackage", "Copying the package", "File: [1], folder: [9]"),
    ("InstallFiles", "Copying files", "File: [1], folder: [9]"),
    ("InstallFinalize", "Completing the installation", ""),
    ("InstallInitialize", "Beginning the installation", ""),
    ("InstallServices", "Registering the service", "Service: [2]"),
    ("InstallValidate", "Checking the room on the disk, and files in use", ""),
    ("LaunchConditions", "Checking what the program needs", ""),
    ("MigrateFeatureStates", "Taking over choices from an earlier version", "[1]"),
    ("MsiConfigureServices", "Setting up the service", ""),
    ("ProcessComponents", "Updating the registration of components", ""),
    ("PublishFeatures", "Registering the program", "Part: [1]"),
    ("PublishProduct", "Registering the program", ""),
    ("RegisterProduct", "Registering the program", "[1]"),
    ("RegisterUser", "Registering the program", "[1]"),
    ("RemoveEnvironmentStrings", "Removing environment variables", "Name: [1], [2]"),
    ("RemoveExistingProducts", "Removing the older version", "Version: [1]"),
    ("RemoveFiles", "Removing files", "File: [1], folder: [9]"),
    ("RemoveFolders", "Removing folders", "Folder: [1]"),
    ("RemoveRegistryValues", "Removing registry values", "Key: [1], name: [2]"),
    ("RemoveShortcuts", "Removing entries of the Start menu", "Shortcut: [1]"),
    ("Rollback", "Undoing what was done", "[1]"),
    ("RollbackCleanup", "Deleting files that are no longer needed", "[1]"),
    ("StartServices", "Starting the service", "Service: [1]"),
    ("StopServices", "Stopping the service", "Service: [1]"),
    ("UnpublishFeatures", "Removing the registration", "Part: [1]"),
    ("WriteEnvironmentStrings", "Setting environment variables", "Name: [1], [2]"),
    ("WriteRegistryValues", "Writing registry values", "Key: [1], name: [2]"),
];

/// Number of an error, what happened, and what to do. What is in double braces goes into the log alone.
const ERRORS: &[(i32, &str, &str)] = &[
    (
        1301,
        "The file “[2]” cannot be created, because there is a folder of this name.{{ System error [3].}}",
        "Rename or remove the folder and try again.",
    ),
    (
        1303,
        "Setup may not use the folder “[2]”.",
        "Give administrators and SYSTEM the right to write there, and try again.",
    ),
    (
        1304,
        "The file “[2]” could not be written.{{ System error [3].}}",
        "See that Setup may write to this folder, and that no virus scanner is in the way.",
    ),
    (
        1306,
        "The file “[2]” is in use.{{ System error [3].}}",
        "Close the program that uses it and try again.",
    ),
    (
        1307,
        "There is not enough room on the disk for the file “[2]”.{{ System error [3].}}",
        "Make room and try again.",
    ),
    (
        1308,
        "The file “[2]” is missing from the package.{{ System error [3].}}",
        "Download the package again.",
    ),
    (
        1310,
        "The file “[3]” could not be created.{{ System error [2].}}",
        "See that Setup may write to this folder, and that nothing of this name is in the way.",
    ),
    (
        1312,
        "The folder “[2]” cannot be created, because there is a file of this name.{{ System error [3].}}",
        "Rename or remove the file and try again.",
    ),
    (1313, "The disk “[2]” is not available.{{ System error [3].}}", "Choose another one."),
    (1314, "The folder “[2]” is not available.{{ System error [3].}}", "Choose another one."),
    (
        1316,
        "The package “[2]” that the installed version came from is not to be found.",
        "Start Setup from the package of the version that is installed, or remove that version first.",
    ),
    (1320, "The path “[2]” is too long.{{ System error [3].}}", "Choose a folder with a shorter name."),
    (
        1321,
        "Setup may not change the file “[2]”.{{ System error [3].}}",
        "Give administrators and SYSTEM the right to do so, and try again.",
    ),
    (1322, "A part of the path “[2]” is empty or too long.{{ System error [3].}}", ""),
    (1323, "The path “[2]” has a word that no path may have.{{ System error [3].}}", ""),
    (1324, "The path “[2]” has a character that no path may have.{{ System error [3].}}", ""),
    (1327, "There is no drive “[2]”.", ""),
    (
        1335,
        "The package is damaged: its cabinet “[2]” cannot be read.{{ System error [3].}}",
        "Download the package again.",
    ),
    (
        1402,
        "The registry key “[2]” could not be opened.{{ System error [3].}}",
        "See that Setup has access to it.",
    ),
    (
        1406,
        "The value “[2]” of the registry key “[3]” could not be written.{{ System error [4].}}",
        "See that Setup has access to it.",
    ),
    (1500, "Another installation is going on.", "Let it come to its end, and try again."),
    (
        1601,
        "There is not enough room on the disk.",
        "Volume: [2]; needed: [3] KB; available: [4] KB. Make room and try again.",
    ),
    (
        1606,
        "The network folder “[2]” is not within reach.",
        "Connect to it, or choose a folder on this computer.",
    ),
    (
        1706,
        "The package of [ProductName] is not to be found.",
        "Start Setup from the package of the version that is installed.",
    ),
    (1730, "Only an administrator can remove [ProductName].", "Log on as one, or ask one."),
    (
        1920,
        "The service “[2]” ([3]) did not start.",
        "What it says of that is in the Windows event log, and in its own log if it has one. Choose \
         Ignore to install it without starting it.",
    ),
    (1921, "The service “[2]” ([3]) could not be stopped.", "Stop it by hand and try again."),
    (
        1922,
        "The service “[2]” ([3]) could not be removed.",
        "Close the list of services and the Task Manager, which may hold it, and try again.",
    ),
    (
        1923,
        "The service “[2]” ([3]) could not be registered.",
        "Close the list of services and the Task Manager, which may hold an older one, and try again.",
    ),
    (
        1925,
        "Only an administrator can install [ProductName] for everybody who uses this computer.",
        "Log on as one, or ask one.",
    ),
];

/// Words for lists of disks and folders. A new folder has a short and a long name.
const WORDS: &[(&str, &str)] = &[
    ("bytes", "bytes"),
    ("GB", "GB"),
    ("KB", "KB"),
    ("MB", "MB"),
    ("NewFolder", "Folder|New Folder"),
    ("ScriptInProgress", "Preparing the installation..."),
    ("TimeRemaining", "Time remaining: {[1] min }[2] s"),
    ("VolumeCostAvailable", "Available"),
    ("VolumeCostDifference", "Left"),
    ("VolumeCostRequired", "Needed"),
    ("VolumeCostSize", "Size"),
    ("VolumeCostVolume", "Disk"),
];

pub(super) fn add(database: &mut Database) -> Result<()> {
    for (action, description, template) in ACTIONS {
        let row = row! { Action: *action, Description: *description, Template: *template };
        database.add("ActionText", row)?;
    }
    for (number, what, remedy) in ERRORS {
        let gap = if remedy.is_empty() { "" } else { "\r\n\r\n" };
        database.add("Error", row! { Error: *number, Message: format!("{what}{gap}{remedy}") })?;
    }
    for (key, text) in WORDS {
        database.add("UIText", row! { Key: *key, Text: *text })?;
    }
    Ok(())
}
