//! Components, as the
//! [rules for components](https://learn.microsoft.com/en-us/windows/win32/msi/organizing-applications-into-components)
//! want them.

use super::directories::ancestors;
use super::known;
use super::read::{Msi, Row, summary_property};
use super::report::{Report, rules};
use std::collections::{BTreeMap, BTreeSet};

rules! {
    GUID "component-guid"
        "No two components have the same ComponentId."
        "msi/ice08";
    KEY_PATH "component-key-path"
        "The key path is a row of the component itself, in the table that its attributes say."
        "msi/component-table";
    FOLDER "component-folder"
        "A component whose key path is its folder has something in it, or creates it."
        "msi/ice18";
    FEATURE "component-feature"
        "A component is in a feature; otherwise it is never installed."
        "msi/ice21";
    BITS "component-64-bit"
        "Components are 64-bit as the package and their folder are."
        "msi/ice80";
    USER "component-per-user"
        "What belongs to one user has its key path in HKEY_CURRENT_USER, and is not mixed with what belongs \
         to the machine."
        "msi/ice57";
    PROFILE "component-profile"
        "A component with files in a folder of one user has its key path in HKEY_CURRENT_USER."
        "msi/ice38";
    PROFILE_FOLDER "profile-folder"
        "A folder that is made in the profile of a user is removed by a row of RemoveFile; otherwise it \
         stays with roaming users."
        "msi/ice64";
    WITHOUT_ID "component-permanent"
        "A component without ComponentId, which Windows does not count, is not permanent, shared or kept."
        "msi/ice92";
}

/// Bits of `Component.Attributes`.
const REGISTRY_KEY_PATH: i32 = 4;
const SHARED_DLL: i32 = 8;
const PERMANENT: i32 = 0x10;
const ODBC_DATA_SOURCE: i32 = 0x20;
const NEVER_OVERWRITE: i32 = 0x80;
const BIT_64: i32 = 0x100;

/// `HKEY_CURRENT_USER` in `Registry.Root`; -1 is the same or the machine's, after ALLUSERS.
const CURRENT_USER: i32 = 1;
const USER_OR_MACHINE: i32 = -1;

pub(super) fn check(msi: &Msi, report: &mut Report) {
    let in_features: BTreeSet<&str> =
        msi.rows("FeatureComponents").map(|row| row.text("Component_")).collect();
    let with_files: BTreeSet<&str> = msi.rows("File").map(|row| row.text("Component_")).collect();
    let mut codes: BTreeMap<&str, String> = BTreeMap::new();
    for row in msi.rows("Component") {
        let name = row.text("Component");
        let code = row.text("ComponentId");
        if !code.is_empty()
            && let Some(other) = codes.insert(code, row.key())
        {
            report.value(GUID, row, "ComponentId", format!("is the code of {other} too: make a new GUID"));
        }
        if code.is_empty() && row.bits("Attributes") & (PERMANENT | SHARED_DLL | NEVER_OVERWRITE) != 0 {
            let message =
                "has no ComponentId, so it cannot be permanent, shared or never overwritten: give it one";
            report.value(WITHOUT_ID, row, "Attributes", message);
        }
        if !in_features.contains(name) {
            report.row(FEATURE, row, "is in no feature: add a row to FeatureComponents");
        }
        if row.text("KeyPath").is_empty() {
            let folder = row.text("Directory_");
            if !with_files.contains(name) && !uses_folder(msi, name, folder) {
                let message = format!(
                    "the key path is the folder {folder}, but nothing is in it: add it to CreateFolder"
                );
                report.value(FOLDER, row, "KeyPath", message);
            }
        } else {
            key_path(msi, row, report);
        }
        bits(msi, row, report);
    }
    per_user(msi, &with_files, report);
}

/// Whether a component creates a folder, or moves, copies or removes files there.
fn uses_folder(msi: &Msi, component: &str, folder: &str) -> bool {
    let tables = [
        ("CreateFolder", "Directory_"),
        ("DuplicateFile", "DestFolder"),
        ("MoveFile", "DestFolder"),
        ("RemoveFile", "DirProperty"),
    ];
    tables.iter().any(|(table, column)| {
        msi.rows(table).any(|row| row.text("Component_") == component && row.text(column) == folder)
    })
}

/// The table that the key path of a component is in.
fn key_table(row: Row<'_>) -> &'static str {
    match row.bits("Attributes") {
        bits if bits & REGISTRY_KEY_PATH != 0 => "Registry",
        bits if bits & ODBC_DATA_SOURCE != 0 => "ODBCDataSource",
        _ => "File",
    }
}

fn key_path(msi: &Msi, row: Row<'_>, report: &mut Report) {
    let (table, path) = (key_table(row), row.text("KeyPath"));
    let message = match msi.row(table, path) {
        None => format!("{path:?} is not in table {table}: name a row of it, or correct the attributes"),
        Some(target) if target.text("Component_") != row.text("Component") => {
            format!("{path:?} belongs to the component {}: name a row of this one", target.text("Component_"))
        }
        Some(_) => return,
    };
    report.value(KEY_PATH, row, "KeyPath", message);
}

fn bits(msi: &Msi, row: Row<'_>, report: &mut Report) {
    let template = msi.summary.as_ref().map_or("", |summary| summary.text(summary_property::TEMPLATE));
    let platform = template.split(';').next().unwrap_or_default().trim();
    let package_is_64_bit = matches!(platform, "x64" | "Arm64" | "Intel64");
    let is_64_bit = row.bits("Attributes") & BIT_64 != 0;
    let folders = ancestors(msi, row.text("Directory_"));
    let within = |known: &[&str]| folders.iter().find(|folder| known.contains(folder)).copied();
    let message = match (is_64_bit, within(known::FOLDERS_64_BIT), within(known::FOLDERS_32_BIT)) {
        (true, ..) if !package_is_64_bit => {
            format!(
                "is 64-bit, but the summary's template is {template:?}: take 256 away, or make the package \
                 for x64"
            )
        }
        (false, Some(folder), _) => format!("is 32-bit, but in {folder}: add 256"),
        (true, _, Some(folder)) => format!("is 64-bit, but in {folder}: use the folder for 64-bit programs"),
        _ => return,
    };
    report.value(BITS, row, "Attributes", message);
}

fn per_user(msi: &Msi, with_files: &BTreeSet<&str>, report: &mut Report) {
    let mut roots: BTreeMap<&str, BTreeSet<i32>> = BTreeMap::new();
    for row in msi.rows("Registry") {
        roots.entry(row.text("Component_")).or_default().insert(row.bits("Root"));
    }
    let none = BTreeSet::new();
    for row in msi.rows("Component") {
        let name = row.text("Component");
        let roots = roots.get(name).unwrap_or(&none);
        let key_root = match key_table(row) {
            "Registry" => msi.row("Registry", row.text("KeyPath")).map(|key| key.bits("Root")),
            _ => None,
        };
        let user_key = key_root.is_some_and(|root| matches!(root, CURRENT_USER | USER_OR_MACHINE));
        let in_profile = in_profile(msi, row.text("Directory_"));
        if roots.contains(&CURRENT_USER) && !user_key {
            let message =
                "has values in HKEY_CURRENT_USER, but another key path: make one of them the key path";
            report.value(USER, row, "KeyPath", message);
        } else if key_root == Some(CURRENT_USER)
            && (roots.contains(&2) || (with_files.contains(name) && !in_profile))
        {
            let message =
                "has a key path in HKEY_CURRENT_USER, but belongs to the machine as well: divide it in two";
            report.value(USER, row, "KeyPath", message);
        }
        let folder = row.text("Directory_");
        let removed = || {
            msi.rows("RemoveFile")
                .any(|file| file.text("DirProperty") == folder && file.text("FileName").is_empty())
        };
        if in_profile && !known::is_folder(folder) && !removed() {
            let message = format!(
                "the folder {folder} stays when the product is removed: add a row without FileName to \
                 RemoveFile"
            );
            report.value(PROFILE_FOLDER, row, "Directory_", message);
        }
        if in_profile && with_files.contains(name) && !user_key {
            let message = "has files in a folder of one user: make a value in HKEY_CURRENT_USER the key path";
            report.value(PROFILE, row, "KeyPath", message);
        }
    }
}

/// Whether a folder is in the profile of one user. Some are only in a package that is not for the machine.
fn in_profile(msi: &Msi, folder: &str) -> bool {
    let per_machine = msi.property("ALLUSERS") == Some("1");
    ancestors(msi, folder).iter().any(|folder| {
        known::USER_FOLDERS.contains(folder) || (!per_machine && known::SHARED_BY_ALLUSERS.contains(folder))
    })
}
