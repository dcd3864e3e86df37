//! Searches, environment variables, shortcuts, permissions, icons.

use super::read::{Msi, Row};
use super::report::{Report, rules};

rules! {
    SEARCH "search-signature"
        "What AppSearch looks for is in one of the locator tables, or in Signature."
        "msi/appsearch-table";
    SEARCHED "search-property"
        "A property that is searched for is public."
        "msi/ice52";
    LOCKED "lock-object"
        "Permissions are for a row of the table that they name."
        "msi/ice55";
    LOCKS "lock-tables"
        "A package has LockPermissions or MsiLockPermissionsEx, not both."
        "msi/msilockpermissionsex-table";
    VARIABLE "environment-name"
        "The name of an environment variable has prefixes that go together, and its value [~] at one end."
        "msi/ice65";
    SHORTCUT "shortcut-target"
        "An advertised shortcut names a feature that its component is in, and the component has a file as \
         its key path."
        "msi/ice19";
    SHORTCUT_USER "shortcut-key-path"
        "In a package that may be for one user, a shortcut that is not advertised is in a component with \
         its key path in HKEY_CURRENT_USER."
        "msi/ice43";
    ICON_NAME "icon-name"
        "The key of a shortcut's icon ends with .ico or .exe; otherwise Windows may not show it."
        "msi/ice50";
    RESERVED "reserved-bits"
        "Bits without a meaning are not set."
        "msi/ice45";
    ICON "icon-unused"
        "An icon is used."
        "msi/ice36";
    CREATED "create-folder"
        "A folder is created by a component that exists."
        "msi/createfolder-table";
}

const LOCATORS: &[&str] = &["RegLocator", "IniLocator", "CompLocator", "DrLocator", "Signature"];

pub(super) fn check(msi: &Msi, report: &mut Report) {
    for row in msi.rows("AppSearch") {
        let signature = row.text("Signature_");
        let found = |table: &&str| {
            msi.rows(table).any(|locator| locator.text(&locator.table.columns[0].name) == signature)
        };
        if !LOCATORS.iter().any(found) {
            let message =
                format!("{signature:?} is in none of {}: add what to look for", LOCATORS.join(", "));
            report.value(SEARCH, row, "Signature_", message);
        }
        if !super::known::is_public(row.text("Property")) {
            report.value(SEARCHED, row, "Property", "has lower-case letters: write it in upper case");
        }
    }
    permissions(msi, report);
    msi.rows("Environment").for_each(|row| variable(row, report));
    for row in msi.rows("CreateFolder") {
        if !msi.has("Component", row.text("Component_")) || !msi.has("Directory", row.text("Directory_")) {
            report.row(CREATED, row, "the folder or the component does not exist: correct the row");
        }
    }
    shortcuts(msi, report);
    flags(msi, report);
    icons(msi, report);
}

fn permissions(msi: &Msi, report: &mut Report) {
    if msi.has_rows("LockPermissions") && msi.has_rows("MsiLockPermissionsEx") {
        report.table(
            LOCKS,
            "LockPermissions",
            "has rows, and so has MsiLockPermissionsEx: move all to the latter",
        );
    }
    for table in ["LockPermissions", "MsiLockPermissionsEx"] {
        for row in msi.rows(table) {
            let (object, named) = (row.text("LockObject"), row.text("Table"));
            let may_be = ["File", "Registry", "CreateFolder", "ServiceInstall"].contains(&named);
            let found = msi.rows(named).any(|target| target.text(&target.table.columns[0].name) == object);
            if !may_be {
                let message = format!(
                    "{named:?} has no permissions: name File, Registry, CreateFolder or ServiceInstall"
                );
                report.value(LOCKED, row, "Table", message);
            } else if !found {
                report.value(
                    LOCKED,
                    row,
                    "LockObject",
                    format!("{object:?} is not in table {named}: add it there"),
                );
            }
        }
    }
}

fn variable(row: Row<'_>, report: &mut Report) {
    let name = row.text("Name");
    let plain = name.trim_start_matches(['=', '+', '-', '!', '*']);
    let prefixes = &name[..name.len() - plain.len()];
    let of = |prefix: char| prefixes.contains(prefix);
    let conflict = [('=', '+'), ('!', '+'), ('!', '=')].iter().any(|(one, other)| of(*one) && of(*other));
    let value = row.text("Value");
    let (rest, separator) = match (value.strip_prefix("[~]"), value.strip_suffix("[~]")) {
        (Some(rest), None) => (rest, rest.chars().next()),
        (None, Some(rest)) => (rest, rest.chars().next_back()),
        _ => (value, None),
    };
    if plain.is_empty() || conflict {
        let message =
            format!("{name:?} has prefixes that contradict each other, or no name: write such as =-*PATH");
        report.value(VARIABLE, row, "Name", message);
    } else if of('+') && value.contains("[~]") {
        report.value(
            VARIABLE,
            row,
            "Name",
            "with '+' an old value is kept whole, which [~] contradicts: write =",
        );
    }
    let is_list = rest.len() < value.len();
    if rest.contains("[~]") || (is_list && separator.is_none_or(char::is_alphanumeric)) {
        let message = "[~] stands for the old value: put it first or last, with a separator such as ';'";
        report.value(VARIABLE, row, "Value", message);
    } else if is_list && rest.starts_with(';') && rest.ends_with(';') {
        report.value(VARIABLE, row, "Value", "has a separator at both ends: remove the one away from [~]");
    }
}

fn shortcuts(msi: &Msi, report: &mut Report) {
    for row in msi.rows("Shortcut") {
        let (target, component) = (row.text("Target"), row.text("Component_"));
        let icon = row.text("Icon_");
        if !icon.is_empty() && ![".ico", ".exe"].iter().any(|end| icon.to_lowercase().ends_with(end)) {
            report.value(
                ICON_NAME,
                row,
                "Icon_",
                format!("{icon} does not end with .ico or .exe: rename the icon"),
            );
        }
        if target.contains('[') {
            if msi.property("ALLUSERS") != Some("1") && !has_user_key(msi, component) {
                let message = format!(
                    "make a value in HKEY_CURRENT_USER the key path of {component}, or set ALLUSERS to 1"
                );
                report.value(SHORTCUT_USER, row, "Component_", message);
            }
            continue;
        }
        let key_path = msi.row("Component", component).map_or("", |component| component.text("KeyPath"));
        let message = if !msi.has("FeatureComponents", &format!("{target}/{component}")) {
            format!("the component {component} is not in the feature {target}: name one that it is in")
        } else if !msi.has("File", key_path) {
            format!(
                "the key path of {component} is no file, so there is nothing to start: make the program its \
                 key path"
            )
        } else {
            continue;
        };
        report.value(SHORTCUT, row, "Target", message);
    }
}

/// Whether the key path of a component is in the registry of one user.
fn has_user_key(msi: &Msi, component: &str) -> bool {
    let key_path = msi.row("Component", component).map_or("", |row| row.text("KeyPath"));
    msi.row("Registry", key_path).is_some_and(|row| matches!(row.bits("Root"), -1 | 1))
}

/// Columns of flags, and all bits that have a meaning.
const FLAGS: &[(&str, &str, i32)] = &[
    ("Component", "Attributes", 0xfff),
    ("Dialog", "Attributes", 0x1_03ff),
    ("Feature", "Attributes", 0x3f),
    ("File", "Attributes", 0x7607),
    ("RegLocator", "Type", 0x13),
    ("RemoveFile", "InstallMode", 3),
    ("ServiceControl", "Event", 0xbb),
    ("TextStyle", "StyleBits", 0xf),
    ("Upgrade", "Attributes", 0x707),
];

fn flags(msi: &Msi, report: &mut Report) {
    for (table, column, known) in FLAGS {
        for row in msi.rows(table).filter(|row| row.bits(column) & !known != 0) {
            let message = format!(
                "{} has the bits {:#x}, which mean nothing: take them away",
                row.bits(column),
                row.bits(column) & !known
            );
            report.value(RESERVED, row, column, message);
        }
    }
}

fn icons(msi: &Msi, report: &mut Report) {
    for row in msi.rows("Icon") {
        let name = row.text("Name");
        let used = |table: &str, column: &str| msi.rows(table).any(|row| row.text(column) == name);
        let places = [("Shortcut", "Icon_"), ("Class", "Icon_"), ("ProgId", "Icon_")];
        if msi.property("ARPPRODUCTICON") != Some(name)
            && !places.iter().any(|(table, column)| used(table, column))
        {
            report.row(ICON, row, "is used by no shortcut, and is not ARPPRODUCTICON: use it or remove it");
        }
    }
}
