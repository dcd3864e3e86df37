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
pub(super) const ACTIONS: &[(&str, &str, &str)] = &[
    ("AppSearch", "Searching for installed versions", "Setting: [1]"),
    ("CostFinalize", "Calculating disk space", ""),
    ("CostInitialize", "Calculating disk space", ""),
    ("CreateFolders", "Creating folders", "Folder: [1]"),
    ("CreateShortcuts", "Creating shortcuts", "Shortcut: [1]"),
    ("DeleteServices", "Removing the service", "Service: [1]"),
    ("FileCost", "Calculating disk space", ""),
    ("FindRelatedProducts", "Searching for installed versions", "Found: [1]"),
    ("InstallAdminPackage", "Copying the package", "File: [1], folder: [9]"),
    ("InstallFiles", "Copying files", "File: [1], folder: [9]"),
    ("InstallFinalize", "Finishing the installation", ""),
    ("InstallInitialize", "Starting the installation", ""),
    ("InstallServices", "Installing the service", "Service: [2]"),
    ("InstallValidate", "Checking disk space and files in use", ""),
    ("LaunchConditions", "Checking system requirements", ""),
    ("MigrateFeatureStates", "Keeping the options of the installed version", "[1]"),
    ("MsiConfigureServices", "Configuring the service", ""),
    ("ProcessComponents", "Registering components", ""),
    ("PublishFeatures", "Registering the program", "Feature: [1]"),
    ("PublishProduct", "Registering the program", ""),
    ("RegisterProduct", "Registering the program", "[1]"),
    ("RegisterUser", "Registering the program", "[1]"),
    ("RemoveEnvironmentStrings", "Removing environment variables", "Name: [1], [2]"),
    ("RemoveExistingProducts", "Removing the older version", "Version: [1]"),
    ("RemoveFiles", "Removing files", "File: [1], folder: [9]"),
    ("RemoveFolders", "Removing folders", "Folder: [1]"),
    ("RemoveRegistryValues", "Removing registry values", "Key: [1], name: [2]"),
    ("RemoveShortcuts", "Removing shortcuts", "Shortcut: [1]"),
    ("Rollback", "Undoing changes", "[1]"),
    ("RollbackCleanup", "Removing backup files", "[1]"),
    ("StartServices", "Starting the service", "Service: [1]"),
    ("StopServices", "Stopping the service", "Service: [1]"),
    ("UnpublishFeatures", "Removing the registration", "Feature: [1]"),
    ("WriteEnvironmentStrings", "Setting environment variables", "Name: [1], [2]"),
    ("WriteRegistryValues", "Writing registry values", "Key: [1], name: [2]"),
];

/// Number of an error, what happened, and what to do. What is in double braces goes into the log alone.
pub(super) const ERRORS: &[(i32, &str, &str)] = &[
    (
        1301,
        "Cannot create the file “[2]”: a folder with this name already exists.{{ System error [3].}}",
        "Rename or delete the folder, then click Retry.",
    ),
    (
        1303,
        "Setup does not have permission to use the folder “[2]”.",
        "Give Administrators and SYSTEM write access to it, then click Retry.",
    ),
    (
        1304,
        "Cannot write the file “[2]”.{{ System error [3].}}",
        "Check that Setup has write access to the folder and that no virus scanner blocks it.",
    ),
    (
        1306,
        "The file “[2]” is in use by another program.{{ System error [3].}}",
        "Close the program, then click Retry.",
    ),
    (
        1307,
        "There is not enough disk space for the file “[2]”.{{ System error [3].}}",
        "Free some disk space, then click Retry.",
    ),
    (1308, "The package has no file “[2]”.{{ System error [3].}}", "Download the package again."),
    (
        1310,
        "Cannot create the file “[3]”.{{ System error [2].}}",
        "Check that Setup has write access to the folder and that no folder has this name.",
    ),
    (
        1312,
        "Cannot create the folder “[2]”: a file with this name already exists.{{ System error [3].}}",
        "Rename or delete the file, then click Retry.",
    ),
    (1313, "The disk “[2]” is not available.{{ System error [3].}}", "Choose another disk."),
    (1314, "The folder “[2]” is not available.{{ System error [3].}}", "Choose another folder."),
    (
        1316,
        "Setup cannot find the package “[2]” of the installed version.",
        "Run Setup from the package of the installed version, or remove that version first.",
    ),
    (1320, "The path “[2]” is too long.{{ System error [3].}}", "Choose a folder with a shorter name."),
    (
        1321,
        "Setup does not have permission to change the file “[2]”.{{ System error [3].}}",
        "Give Administrators and SYSTEM write access to it, then click Retry.",
    ),
    (1322, "A part of the path “[2]” is empty or too long.{{ System error [3].}}", ""),
    (1323, "The path “[2]” contains a word that is not allowed in paths.{{ System error [3].}}", ""),
    (1324, "The path “[2]” contains a character that is not allowed in paths.{{ System error [3].}}", ""),
    (1327, "There is no drive “[2]”.", ""),
    (
        1335,
        "The package is damaged: Setup cannot read its cabinet “[2]”.{{ System error [3].}}",
        "Download the package again.",
    ),
    (1402, "Cannot open the registry key “[2]”.{{ System error [3].}}", "Check that Setup has access to it."),
    (
        1406,
        "Cannot write the value “[2]” of the registry key “[3]”.{{ System error [4].}}",
        "Check that Setup has write access to it.",
    ),
    (1500, "Another installation is in progress.", "Wait until it is finished, then try again."),
    (
        1601,
        "There is not enough disk space.",
        "Disk: [2]; required: [3] KB; available: [4] KB. Free some disk space, then click Retry.",
    ),
    (
        1606,
        "Cannot access the network folder “[2]”.",
        "Connect to the network, or choose a folder on this computer.",
    ),
    (
        1706,
        "Setup cannot find the package of [ProductName].",
        "Run Setup from the package of the installed version.",
    ),
    (1730, "You must be an administrator to remove [ProductName].", "Log on as an administrator."),
    (
        1920,
        "The service “[2]” ([3]) did not start.",
        "The Windows event log and the log of the service tell why. Click Ignore to finish the installation \
         without starting the service.",
    ),
    (1921, "The service “[2]” ([3]) could not be stopped.", "Stop the service, then click Retry."),
    (
        1922,
        "The service “[2]” ([3]) could not be removed.",
        "Close the Services window and Task Manager, then click Retry.",
    ),
    (
        1923,
        "The service “[2]” ([3]) could not be installed.",
        "Close the Services window and Task Manager, then click Retry.",
    ),
    (
        1925,
        "You must be an administrator to install [ProductName] for all users of this computer.",
        "Log on as an administrator.",
    ),
];

/// Words for lists of disks and folders. A new folder has a short and a long name.
pub(super) const WORDS: &[(&str, &str)] = &[
    ("bytes", "bytes"),
    ("GB", "GB"),
    ("KB", "KB"),
    ("MB", "MB"),
    ("NewFolder", "Folder|New Folder"),
    ("ScriptInProgress", "Preparing the installation..."),
    ("TimeRemaining", "Time remaining: {[1] min }[2] s"),
    ("VolumeCostAvailable", "Available"),
    ("VolumeCostDifference", "Difference"),
    ("VolumeCostRequired", "Required"),
    ("VolumeCostSize", "Disk size"),
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
