//! The custom actions: what the standard actions cannot do is in a DLL (crate `installer-actions`), which is
//! told here what to do it with.
//!
//! Each action finds its data in the property that has its name and `.Data`: a record a line, with fields
//! separated by `|`. `Prepare` replaces what is in brackets and hands it to the actions of the transaction.

use super::rights;
use super::{DATA_FOLDER, INSTALL_FOLDER, program};
use crate::Package;
use crate::product::SettingKind;
use anyhow::{Context, Result};
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

/// Every action of the installation, in the order in which those behind one standard action run. A rollback
/// action comes before the one whose work it undoes.
const ACTIONS: &[Action] = &[
    action("KeepSettings", IMMEDIATE, "AppSearch", "Installed"),
    action("RefuseSettings", IMMEDIATE, "CostFinalize", STAYS),
    action("ChooseFeatures", IMMEDIATE, "MigrateFeatureStates", STAYS),
    action("Prepare", IMMEDIATE, "MigrateFeatureStates", ""),
    action("StartAgain", ROLLBACK, "InstallInitialize", "StartAgain"),
    action("SecureFolders", IN_SCRIPT, "CreateFolders", STAYS),
    action(
        "RemoveConfiguration",
        ROLLBACK,
        "InstallFiles",
        "RemoveConfiguration AND NOT (REMOVE ~= \"ALL\")",
    ),
    action("WriteConfiguration", IN_SCRIPT, "InstallFiles", "WriteConfiguration AND NOT (REMOVE ~= \"ALL\")"),
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
pub(super) fn public_properties<'a>(package: &'a Package<'_>) -> impl Iterator<Item = &'a str> {
    let settings = package.product.msi.configuration.settings.iter().map(|setting| setting.property.as_str());
    [ACCOUNT.0, ACCOUNT.1].into_iter().chain(SWITCHES[1..].iter().copied()).chain(settings)
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
    add_data(database, "KeepSettings", &kept(package))?;
    add_data(database, "CheckSettings", &checks(package)?)?;
    database.add("Property", row! { Property: "CheckSettings.Labels", Value: labels(package) })?;
    add_data(database, "SecureFolders", &folders(package))?;
    let configuration = configuration(package);
    for action in ["WriteConfiguration", "RemoveConfiguration"] {
        add_data(database, action, &configuration)?;
    }
    add_data(database, "PurgeData", &[format!("[{DATA_FOLDER}]")])
}

/// Places the actions of the installation.
pub(super) fn place(sequence: Sequence) -> Result<Sequence> {
    ACTIONS.iter().try_fold(sequence, |sequence, action| {
        Ok(sequence.custom(action.name, action.condition, Place::After(action.after))?)
    })
}

/// What an ordinary user who has an installed product repaired cannot set.
fn kept(package: &Package<'_>) -> Vec<String> {
    let key = format!("key|{}", package.product.msi.registry_key);
    // Whether features are there is known without their switches.
    let switches = super::features::OPTIONAL.iter().map(|optional| optional.property);
    let settings = package.product.msi.configuration.settings.iter().map(|setting| setting.property.as_str());
    let others = switches.chain([ACCOUNT.0, ACCOUNT.1]).chain(settings);
    let remembered = super::settings::values().map(|(property, value)| {
        format!("property|{property}|{value}|{}", super::settings::remembered(property))
    });
    std::iter::once(key)
        .chain(remembered)
        .chain(others.map(|property| format!("property|{property}")))
        .collect()
}

/// What is checked of the public properties.
fn checks(package: &Package<'_>) -> Result<Vec<String>> {
    let features = super::features::OPTIONAL.iter().map(|optional| optional.property);
    let mut checks: Vec<String> =
        features.chain(SWITCHES.iter().copied()).map(|property| format!("switch|{property}")).collect();
    for setting in &package.product.msi.configuration.settings {
        let kind = match setting.kind {
            SettingKind::Url => "url",
            SettingKind::SecretFile => "secret-file",
            SettingKind::DropFolder => "folder",
        };
        checks.push(format!("{kind}|{}", setting.property));
    }
    let earlier = super::settings::remembered(INSTALL_FOLDER);
    let (program, folder) = (program(&package.payload)?, &package.product.msi.install_folder);
    checks.push(format!("own-folder|{INSTALL_FOLDER}|{program}|{earlier}|{folder}"));
    checks.push(format!("data-folder|{DATA_FOLDER}"));
    checks.push(format!("account|{}|{}|{}", ACCOUNT.0, ACCOUNT.1, package.product.service.name));
    Ok(checks)
}

/// What dialogs call the properties that people fill in.
fn labels(package: &Package<'_>) -> String {
    let plain = |label: &str| label.replace('&', "").trim_end_matches(':').to_owned();
    let settings = package.product.msi.configuration.settings.iter();
    let settings = settings.map(|setting| (setting.property.as_str(), plain(&setting.label)));
    let labels = [(INSTALL_FOLDER, "Folder".to_owned())].into_iter().chain(settings);
    labels.map(|(property, label)| format!("{property}|{label}")).collect::<Vec<_>>().join("\n")
}

/// The folders whose owner and access rights are set.
fn folders(package: &Package<'_>) -> Vec<String> {
    let product = package.product;
    let service = &product.service.name;
    let drop = rights::drop(service);
    // What the service would believe, if somebody had put it there before.
    let settings = &product.msi.configuration.settings;
    let believed: String = std::iter::once(&product.msi.configuration.file)
        .chain(settings.iter().filter_map(|setting| setting.copy.as_ref()))
        .map(|name| format!("|{name}"))
        .collect();
    let mut folders = vec![
        format!("tree|[{INSTALL_FOLDER}]|{}", rights::program()),
        format!("tree|[{DATA_FOLDER}]|{}{believed}", rights::data(service)),
        format!("folder|[{DATA_FOLDER}.{}]|{drop}", product.msi.drop_folder),
    ];
    let chosen = settings.iter().filter(|setting| setting.kind == SettingKind::DropFolder);
    folders.extend(
        chosen.map(|setting| format!("drop|[{}]|{drop}|{}", setting.property, rights::identity(service))),
    );
    folders
}

/// The first configuration.
fn configuration(package: &Package<'_>) -> Vec<String> {
    let product = package.product;
    let wanted = &product.msi.configuration;
    let mut records =
        vec![format!("file|[{DATA_FOLDER}]{}|{}", wanted.file, rights::secret(&product.service.name))];
    for setting in &wanted.settings {
        let (name, property) = (&setting.name, &setting.property);
        records.push(match &setting.copy {
            None => format!("text|{name}|[{property}]"),
            Some(copy) => format!("copy|{name}|[{DATA_FOLDER}]{copy}|[{property}]"),
        });
    }
    records
}
