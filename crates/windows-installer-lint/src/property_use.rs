//! What becomes of properties: which have to be handed to the part of the installation that runs with
//! privileges, and which must not be seen in logs.

use super::known;
use super::read::{Msi, Row};
use super::references;
use super::report::{Report, rules};
use std::collections::BTreeSet;

rules! {
    SECURE "property-secure"
        "A public property that changes what is installed is in SecureCustomProperties; otherwise it is \
         lost on the way to the part of the installation that has privileges."
        "msi/securecustomproperties";
    HIDDEN "property-hidden"
        "A property with a secret is in MsiHiddenProperties; otherwise logs show it."
        "msi/msihiddenproperties";
    PRIVATE "property-private"
        "A property that a dialog sets, and that changes what is installed, is public; private ones stay in \
         the user interface."
        "msi/public-properties";
    ACTION "custom-action-hide-target"
        "A custom action that hands a secret on hides its target, and so does the property with its data."
        "msi/custom-action-hidden-target-option";
    LITERAL "secret-literal"
        "No password is written in the package, where everybody can read it."
        "msi/serviceinstall-table";
}

/// `msidbCustomActionTypeHideTarget`.
const HIDE_TARGET: i32 = 0x2000;
/// `msidbControlAttributesPasswordInput`.
const PASSWORD_INPUT: i32 = 0x20_0000;

const EXECUTE: &str = "InstallExecuteSequence";

/// Tables whose values are used by the part of the installation with privileges.
const PRIVILEGED: &[&str] = &[
    "Component",
    "CustomAction",
    "Environment",
    "IniFile",
    "InstallExecuteSequence",
    "MsiLockPermissionsEx",
    "MsiServiceConfig",
    "MsiServiceConfigFailureActions",
    "Registry",
    "ServiceControl",
    "ServiceInstall",
];

pub(super) fn check(msi: &Msi, report: &mut Report) {
    secure(msi, report);
    hidden(msi, report);
    for row in msi.rows("ServiceInstall") {
        let password = row.text("Password");
        if !password.is_empty() && !password.starts_with('[') {
            let message = "is written in the package: take it from a property that the administrator sets";
            report.value(LITERAL, row, "Password", message);
        }
    }
}

fn secure(msi: &Msi, report: &mut Report) {
    let secure = msi.property_list("SecureCustomProperties");
    // What an action sets is set anew in the part with privileges, if the action is in its sequence.
    let set_there: BTreeSet<&str> = msi
        .rows("CustomAction")
        .filter(|row| matches!(row.bits("Type") & 0x3f, 35 | 51))
        .filter(|row| msi.has(EXECUTE, row.text("Action")))
        .map(|row| row.text("Source"))
        .collect();
    let searched: BTreeSet<&str> = msi.rows("AppSearch").map(|row| row.text("Property")).collect();
    // A program in the same sequence may set what nothing else does.
    let programs = references::immediate_programs(msi).iter().any(|action| msi.has(EXECUTE, action));
    let declared = references::set_somewhere(msi, &[]);
    let on_dialogs: BTreeSet<&str> = msi.rows("Control").map(|row| row.text("Property")).collect();
    let mut reported = BTreeSet::new();
    for used in references::uses(msi) {
        let name = used.name;
        let table = used.row.table.name.as_str();
        // Actions of the user interface, and those that only show a message and stop, install nothing.
        let is_other_action = table == "CustomAction"
            && (!msi.has(EXECUTE, &used.row.key()) || used.row.bits("Type") & 0x3f == 19);
        let is_privileged = PRIVILEGED.contains(&table) && !is_other_action;
        if is_privileged && on_dialogs.contains(name) && !known::is_public(name) && reported.insert(name) {
            let message = format!(
                "a dialog sets {name}, but it is private, and does not come here: write it in upper case"
            );
            report.value(PRIVATE, used.row, used.column, message);
        }
        let is_fixed = set_there.contains(name) && !searched.contains(name);
        if is_privileged
            && known::is_public(name)
            && !known::is_standard_property(name)
            && !msi.has("Directory", name)
            && !msi.has("CustomAction", name)
            && !secure.contains(name)
            && !is_fixed
            && (!programs || declared.contains(name))
            && reported.insert(name)
        {
            let message =
                format!("the public property {name} is used here: list it in SecureCustomProperties");
            report.value(SECURE, used.row, used.column, message);
        }
    }
}

/// Whether a property holds a secret: by its name, or because it is listed as hidden.
fn is_secret(msi: &Msi, name: &str) -> bool {
    known::sounds_secret(name) || msi.property_list("MsiHiddenProperties").contains(name)
}

fn hidden(msi: &Msi, report: &mut Report) {
    let hidden = msi.property_list("MsiHiddenProperties");
    let mut reported = BTreeSet::new();
    let mut need = |name: &str, row: Row<'_>, column: &str, report: &mut Report| {
        if !hidden.contains(name) && reported.insert(name.to_owned()) {
            let message = format!("the property {name} holds a secret: list it in MsiHiddenProperties");
            report.value(HIDDEN, row, column, message);
        }
    };
    for used in references::uses(msi) {
        let is_password = (used.row.table.name.as_str(), used.column) == ("ServiceInstall", "Password");
        if is_password || known::sounds_secret(used.name) {
            need(used.name, used.row, used.column, report);
        }
    }
    for (table, column) in [("Property", "Property"), ("Control", "Property")] {
        let shows_stars =
            |row: &Row<'_>| row.text("Type") == "Edit" && row.bits("Attributes") & PASSWORD_INPUT != 0;
        for row in msi.rows(table).filter(|row| known::sounds_secret(row.text(column)) || shows_stars(row)) {
            need(row.text(column), row, column, report);
        }
    }
    for used in references::uses(msi).filter(|used| used.column == "Target") {
        let is_action = used.row.table.name == "CustomAction";
        if !is_action || !is_secret(msi, used.name) {
            continue;
        }
        if used.row.bits("Type") & HIDE_TARGET == 0 {
            let message = format!("the target has the secret {}: add 8192 (HideTarget)", used.name);
            report.value(ACTION, used.row, "Type", message);
        }
        if used.row.bits("Type") & 0x3f == 51 {
            need(used.row.text("Source"), used.row, "Source", report);
        }
    }
}
