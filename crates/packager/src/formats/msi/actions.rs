//! The custom actions: what the standard actions cannot do is in a DLL (crate `installer-actions`), which is
//! told here what to do it with.
//!
//! Each action finds its data in the property that has its name and `.Data`: a record a line, with fields
//! separated by `|`. `Prepare` replaces what is in brackets and hands it to the actions of the transaction. The DLL
//! refuses what it does not understand, and [`record`] what would be taken for something else.

use super::rights;
use super::{DATA_FOLDER, INSTALL_FOLDER, program};
use crate::Package;
use crate::product::SettingKind;
use anyhow::{Context, Result, ensure};
use windows_installer::{Cell, Database, Place, Sequence, row};

/// The row of the DLL.
const LIBRARY: &str = "InstallerActions";

/// Bits of a custom action's type: the
/// [DLL in table `Binary`](https://learn.microsoft.com/en-us/windows/win32/msi/custom-action-type-1), and when
/// and [as whom](https://learn.microsoft.com/en-us/windows/win32/msi/custom-action-in-script-execution-options)
/// it runs.
const IMMEDIATE: i32 = 1;
const IGNORE_FAILURE: i32 = 0x40;
const IN_SCRIPT: i32 = IMMEDIATE | 0x400 | 0x800;
const ROLLBACK: i32 = IN_SCRIPT | 0x100 | IGNORE_FAILURE;
const COMMIT: i32 = IN_SCRIPT | 0x200 | IGNORE_FAILURE;

/// An action of the DLL.
struct Action {
    name: &'static str,
    kind: i32,
    /// The standard action that it follows.
    after: &'static str,
    /// When it runs.
    condition: &'static str,
}

const fn action(name: &'static str, kind: i32, after: &'static str, condition: &'static str) -> Action {
    Action { name, kind, after, condition }
}

/// Not while everything is removed, be it for an upgrade or for good.
const STAYS: &str = "NOT (REMOVE ~= \"ALL\")";

/// Not in an old package that an upgrade removes on a machine with an Arm processor. Windows Installer keeps the process
/// of a 64-bit custom action for the next one and does not tell x64 and Arm64 apart: in one that the old package began,
/// those of a package for the other processor could not be loaded
/// ([WiX 9322](https://github.com/wixtoolset/issues/issues/9322)). Windows sets `Arm64`, as `msidefs.h` says; the
/// documentation does not have it.
macro_rules! unless_removed_on_arm {
    () => {
        "NOT (UPGRADINGPRODUCTCODE AND (Arm64 OR %PROCESSOR_ARCHITECTURE ~= \"ARM64\"))"
    };
}

/// Every action of the installation, in the order in which those behind one standard action run. A rollback
/// action comes before the one whose work it undoes.
const ACTIONS: &[Action] = &[
    action("KeepSettings", IMMEDIATE, "AppSearch", concat!("Installed AND ", unless_removed_on_arm!())),
    action("RefuseSettings", IMMEDIATE, "CostFinalize", STAYS),
    action("ChooseFeatures", IMMEDIATE, "MigrateFeatureStates", STAYS),
    action("Prepare", IMMEDIATE, "MigrateFeatureStates", unless_removed_on_arm!()),
    action("StartAgain", ROLLBACK, "InstallInitialize", "StartAgain"),
    action(
        "AwaitProgram",
        IN_SCRIPT,
        "StopServices",
        concat!("(Installed OR SERVICEEXISTS) AND ", unless_removed_on_arm!()),
    ),
    action("SecureFolders", IN_SCRIPT, "CreateFolders", STAYS),
    action(
        "RemoveConfiguration",
        ROLLBACK,
        "InstallFiles",
        "RemoveConfiguration AND NOT (REMOVE ~= \"ALL\")",
    ),
    action("WriteConfiguration", IN_SCRIPT, "InstallFiles", "WriteConfiguration AND NOT (REMOVE ~= \"ALL\")"),
    action("ForgetReplaced", COMMIT, "InstallFiles", "ForgetReplaced AND NOT (REMOVE ~= \"ALL\")"),
    // Before the service is registered, and so after that is undone.
    action("RestoreService", ROLLBACK, "WriteEnvironmentStrings", "SERVICEEXISTS AND USESERVICE"),
    action("ConfigureService", IN_SCRIPT, "InstallServices", "USESERVICE"),
    action("RemoveService", COMMIT, "InstallServices", "REMOVESERVICE"),
    action(
        "PurgeData",
        COMMIT,
        "RemoveFolders",
        "REMOVE ~= \"ALL\" AND PURGEDATA = \"1\" AND NOT UPGRADINGPRODUCTCODE",
    ),
];

/// Public properties that are switches and belong to no feature.
const SWITCHES: &[&str] = &["STARTSERVICE", "PURGEDATA"];
/// The account of the service, and its password.
const ACCOUNT: (&str, &str) = ("SERVICEACCOUNT", "SERVICEPASSWORD");

/// Properties with secrets, which no log may show.
pub(super) const HIDDEN: &[&str] = &[ACCOUNT.1];

/// Public properties that must reach the installation service, besides those that are remembered.
pub(super) fn public_properties<'a>(package: &'a Package<'_>) -> Result<impl Iterator<Item = &'a str>> {
    let settings =
        package.product.msi()?.configuration.settings.iter().map(|setting| setting.property.as_str());
    Ok([ACCOUNT.0, ACCOUNT.1].into_iter().chain(SWITCHES[1..].iter().copied()).chain(settings))
}

/// A record of the data of an action.
///
/// # Errors
/// If a field has a character that separates fields or records: what follows would be taken for another one.
pub(super) fn record(fields: &[&str]) -> Result<String> {
    for field in fields {
        ensure!(
            !field.contains(['|', '\n', '\r', '\0']),
            "the manifest: {field:?} has a line break or one of the characters | and NUL, which the installer's \
             actions cannot be told; leave it out"
        );
    }
    Ok(fields.join("|"))
}

/// Writes the data of an action.
pub(super) fn add_data(database: &mut Database, action: &str, records: &[String]) -> Result<()> {
    database.add("Property", row! { Property: format!("{action}.Data"), Value: records.join("\n") })?;
    Ok(())
}

pub(super) fn add(database: &mut Database, package: &Package<'_>) -> Result<()> {
    let library = package.payload.only("actions")?.source().context("the actions have no content")?;
    database.add("Binary", row! { Name: LIBRARY, Data: Cell::Stream(library.read()?) })?;
    let others = [("CheckSettings", IMMEDIATE)];
    for (name, kind) in ACTIONS.iter().map(|action| (action.name, action.kind)).chain(others) {
        database.add("CustomAction", row! { Action: name, Type: kind, Source: LIBRARY, Target: name })?;
    }
    add_data(database, "KeepSettings", &kept(package)?)?;
    add_data(database, "CheckSettings", &checks(package)?)?;
    database.add("Property", row! { Property: "CheckSettings.Labels", Value: labels(package)? })?;
    add_data(database, "SecureFolders", &folders(package)?)?;
    let configuration = configuration(package)?;
    for action in ["WriteConfiguration", "RemoveConfiguration", "ForgetReplaced"] {
        add_data(database, action, &configuration)?;
    }
    let program = format!("[{INSTALL_FOLDER}]{}", program(&package.payload)?.replace('/', "\\"));
    add_data(database, "AwaitProgram", &[record(&["program", &program])?])?;
    add_data(database, "PurgeData", &[record(&["purge", &format!("[{DATA_FOLDER}]")])?])
}

/// Places the actions of the installation.
pub(super) fn place(sequence: Sequence) -> Result<Sequence> {
    ACTIONS.iter().try_fold(sequence, |sequence, action| {
        Ok(sequence.custom(action.name, action.condition, Place::After(action.after))?)
    })
}

/// What a standard user who has an installed product repaired cannot set.
fn kept(package: &Package<'_>) -> Result<Vec<String>> {
    let key = record(&["key", &package.product.msi()?.registry_key]);
    // Whether features are there is known without their switches.
    let switches = super::features::OPTIONAL.iter().map(|optional| optional.property);
    let settings =
        package.product.msi()?.configuration.settings.iter().map(|setting| setting.property.as_str());
    let others = switches.chain([ACCOUNT.0, ACCOUNT.1]).chain(settings);
    let remembered = super::settings::values().map(|(property, value)| {
        record(&["property", property, value, &super::settings::remembered(property)])
    });
    std::iter::once(key)
        .chain(remembered)
        .chain(others.map(|property| record(&["property", property])))
        .collect()
}

/// What is checked of the public properties.
fn checks(package: &Package<'_>) -> Result<Vec<String>> {
    let msi = package.product.msi()?;
    let features = super::features::OPTIONAL.iter().map(|optional| optional.property);
    let switches = features.chain(SWITCHES.iter().copied()).map(|property| record(&["switch", property]));
    let mut checks: Vec<String> = switches.collect::<Result<_>>()?;
    for setting in &msi.configuration.settings {
        let property = setting.property.as_str();
        checks.push(match setting.kind {
            SettingKind::Url => record(&["url", property])?,
            SettingKind::SecretFile => record(&["secret-file", property])?,
            SettingKind::DropFolder => {
                // Those that the service works in itself.
                let used = msi.data_subfolders.iter().filter(|name| **name != msi.drop_folder);
                let used: Vec<&str> = used.map(String::as_str).collect();
                record(&[&["folder", property, DATA_FOLDER, INSTALL_FOLDER], &used[..]].concat())?
            }
        });
    }
    let earlier = super::settings::remembered(INSTALL_FOLDER);
    let program = program(&package.payload)?;
    checks.push(record(&[
        "own-folder",
        INSTALL_FOLDER,
        program,
        &earlier,
        &msi.install_folder,
        DATA_FOLDER,
    ])?);
    checks.push(record(&["data-folder", DATA_FOLDER])?);
    checks.push(record(&["account", ACCOUNT.0, ACCOUNT.1, &package.product.service()?.name])?);
    Ok(checks)
}

/// What dialogs call the properties that people fill in.
fn labels(package: &Package<'_>) -> Result<String> {
    let plain = |label: &str| label.replace('&', "").trim_end_matches(':').to_owned();
    let settings = package.product.msi()?.configuration.settings.iter();
    let settings = settings.map(|setting| (setting.property.as_str(), plain(&setting.label)));
    let labels = [(INSTALL_FOLDER, "Folder".to_owned())].into_iter().chain(settings);
    let labels: Vec<String> =
        labels.map(|(property, label)| record(&[property, &label])).collect::<Result<_>>()?;
    Ok(labels.join("\n"))
}

/// The folders whose owner and access rights are set.
fn folders(package: &Package<'_>) -> Result<Vec<String>> {
    let product = package.product;
    let service = &product.service()?.name;
    let drop = rights::drop(service);
    // What the service would believe, if somebody had put it there before.
    let settings = &product.msi()?.configuration.settings;
    let copies = settings.iter().filter_map(|setting| setting.copy.as_deref());
    let believed: Vec<&str> =
        [product.msi()?.configuration.file.as_str()].into_iter().chain(copies).collect();
    let (program, data) = (format!("[{INSTALL_FOLDER}]"), format!("[{DATA_FOLDER}]"));
    let mut folders = vec![
        record(&["tree", &program, &rights::program()])?,
        record(&[&["tree", &data, &rights::data(service)], &believed[..]].concat())?,
        record(&["folder", &format!("[{DATA_FOLDER}.{}]", product.msi()?.drop_folder), &drop])?,
    ];
    for setting in settings.iter().filter(|setting| setting.kind == SettingKind::DropFolder) {
        let chosen = format!("[{}]", setting.property);
        folders.push(record(&["drop", &chosen, &drop, &rights::identity(service)])?);
    }
    Ok(folders)
}

/// The first configuration.
fn configuration(package: &Package<'_>) -> Result<Vec<String>> {
    let product = package.product;
    let wanted = &product.msi()?.configuration;
    let file = format!("[{DATA_FOLDER}]{}", wanted.file);
    let mut records = vec![record(&["file", &file, &rights::secret(&product.service()?.name)])?];
    for setting in &wanted.settings {
        let (name, property) = (&setting.name, format!("[{}]", setting.property));
        records.push(match &setting.copy {
            None => record(&["text", name, &property])?,
            Some(copy) => record(&["copy", name, &format!("[{DATA_FOLDER}]{copy}"), &property])?,
        });
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: an old package that an upgrade removes may run an action on a machine with an Arm processor. What
    /// `Prepare` finds out is not known there, as it does not run.
    #[test]
    fn the_old_package_leaves_no_process_on_arm() {
        const PREPARED: &[&str] = &["StartAgain", "USESERVICE", "REMOVESERVICE"];
        for action in ACTIONS {
            let parts: Vec<&str> = action.condition.split(" AND ").collect();
            let never = action.condition.ends_with(unless_removed_on_arm!())
                || parts.iter().any(|part| {
                    [STAYS, "NOT UPGRADINGPRODUCTCODE"].contains(part) || PREPARED.contains(part)
                });
            assert!(never, "{}: {}", action.name, action.condition);
        }
    }

    /// Fails if: a text of the manifest ends a field or a record of what an action is told.
    #[test]
    fn keeps_records_apart() {
        assert_eq!(record(&["name", "a b", ""]).unwrap(), "name|a b|");
        for field in ["a|b", "a\nb", "a\rb", "a\0b"] {
            let reason = record(&["name", field]).unwrap_err().to_string();
            assert!(reason.contains(&format!("{field:?}")), "{reason}");
        }
    }
}
