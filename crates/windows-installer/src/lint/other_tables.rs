//! Searches, environment variables, shortcuts, permissions, icons.

use super::read::{Msi, Row};
use super::report::{Report, rules};

rules! {
    SEARCH "search-signature" "What AppSearch looks for is in one of the locator tables, or in Signature." "msi/appsearch-table";
    SEARCHED "search-property" "A property that is searched for is public." "msi/ice52";
    LOCKED "lock-object" "Permissions are for a row of the table that they name." "msi/ice55";
    LOCKS "lock-tables" "A package has LockPermissions or MsiLockPermissionsEx, not both." "msi/msilockpermissionsex-table";
    VARIABLE "environment-name" "The name of an environment variable has prefixes that go together, and its value [~] at one end." "msi/ice65";
    SHORTCUT "shortcut-target" "An advertised shortcut names a feature that its component is in, and the component has a file as its key path." "msi/ice19";
    ICON "icon-unused" "An icon is used." "msi/ice36";
    CREATED "create-folder" "A folder is created by a component that exists." "msi/createfolder-table";
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
    let conflict = prefixes.contains('!') && prefixes.contains(['+', '=']);
    if plain.is_empty() || conflict {
        let message =
            format!("{name:?} has prefixes that contradict each other, or no name: write such as =-*PATH");
        report.value(VARIABLE, row, "Name", message);
    }
    let value = row.text("Value");
    if value.contains("[~]") && !value.starts_with("[~]") && !value.ends_with("[~]") {
        report.value(VARIABLE, row, "Value", "[~] stands for the old value: put it first or last");
    }
}

fn shortcuts(msi: &Msi, report: &mut Report) {
    for row in msi.rows("Shortcut") {
        let target = row.text("Target");
        if target.contains('[') {
            continue;
        }
        let component = row.text("Component_");
        let key_path = msi.row("Component", component).map_or("", |component| component.text("KeyPath"));
        let message = if !msi.has("FeatureComponents", &format!("{target}/{component}")) {
            format!("the component {component} is not in the feature {target}: name one that it is in")
        } else if !msi.has("File", key_path) {
            format!(
                "the key path of {component} is no file, so there is nothing to start: make the program its key path"
            )
        } else {
            continue;
        };
        report.value(SHORTCUT, row, "Target", message);
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
