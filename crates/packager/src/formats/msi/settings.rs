//! What an administrator chose once holds for every later upgrade, repair and removal.
//!
//! Windows Installer forgets properties. So each is written to the registry when it was used, and read
//! back before anything is decided. What is given on the command line comes first, then what is
//! remembered, then the default; that is why the defaults are not in the `Property` table, where they
//! could not be told from a choice. Switches of features are restored for the dialogs only: without them the
//! action `ChooseFeatures` weighs them against Windows Installer's own ways to choose features.

use super::{INSTALL_FOLDER, MACHINE, REGISTRY_KEY_PATH, SET_PROPERTY, features};
use crate::Package;
use anyhow::Result;
use windows_installer::files::COMPONENT_64_BIT;
use windows_installer::{Database, Place, Sequence, guid, row};

/// A property that is remembered.
struct Setting {
    property: &'static str,
    /// Name of the registry value.
    value: &'static str,
    /// What it is when nobody chose; folders have their default in the `Directory` table.
    default: Option<&'static str>,
    /// Whether it switches a feature.
    switch: bool,
}

/// Every property that is remembered.
fn settings() -> impl Iterator<Item = Setting> {
    let own = [
        Setting { property: INSTALL_FOLDER, value: "InstallDir", default: None, switch: false },
        Setting { property: "STARTSERVICE", value: "StartService", default: Some("1"), switch: false },
    ];
    let switches = features::OPTIONAL.iter().map(|optional| Setting {
        property: optional.property,
        value: optional.value,
        default: Some("1"),
        switch: true,
    });
    own.into_iter().chain(switches)
}

/// A value of the 64-bit registry, as it is.
const RAW_VALUE_64_BIT: i32 = 0x2 | 0x10;

/// The property with what the registry had of another.
pub(super) fn remembered(property: &str) -> String {
    format!("REMEMBERED_{property}")
}

/// Properties that are remembered and switch no feature, each with the registry value that has it.
pub(super) fn values() -> impl Iterator<Item = (&'static str, &'static str)> {
    settings().filter(|setting| !setting.switch).map(|setting| (setting.property, setting.value))
}

impl Setting {
    /// The action that takes what the registry had.
    fn restore(&self) -> String {
        format!("Restore.{}", self.property)
    }

    /// The action that takes the default.
    fn fall_back(&self) -> String {
        format!("Default.{}", self.property)
    }
}

/// The properties that must survive the way from the user's process to the installation service.
pub(super) fn secure_properties() -> impl Iterator<Item = String> {
    settings().flat_map(|setting| [setting.property.to_owned(), remembered(setting.property)])
}

pub(super) fn add(database: &mut Database, package: &Package<'_>, codes: &guid::Product) -> Result<()> {
    let key = package.product.msi()?.registry_key.as_str();
    let component = "Settings";
    let value_key = |value: &str| format!("Settings.{value}");
    let version = ("Version", package.version.to_string());
    let values = settings().map(|setting| (setting.value, format!("[{}]", setting.property)));
    for (name, value) in values.chain([version]) {
        database.add(
            "Registry",
            row! { Registry: value_key(name), Root: MACHINE, Key: key, Name: name,
            Value: value, Component_: component },
        )?;
    }
    database.add(
        "Component",
        row! { Component: component, ComponentId: codes.component(component),
        Directory_: INSTALL_FOLDER, Attributes: COMPONENT_64_BIT | REGISTRY_KEY_PATH,
        KeyPath: value_key("InstallDir") },
    )?;
    database.add("FeatureComponents", row! { Feature_: features::PROGRAM, Component_: component })?;
    // The folder gets its access rights before the files come, and nobody may have put anything in before that.
    database.add("CreateFolder", row! { Directory_: INSTALL_FOLDER, Component_: component })?;

    for setting in settings() {
        let signature = remembered(setting.property);
        database.add("AppSearch", row! { Property: &signature, Signature_: &signature })?;
        database.add(
            "RegLocator",
            row! { Signature_: &signature, Root: MACHINE, Key: key,
            Name: setting.value, Type: RAW_VALUE_64_BIT },
        )?;
        let restored = format!("[{signature}]");
        let actions = [(setting.restore(), Some(restored.as_str())), (setting.fall_back(), setting.default)];
        for (action, target) in actions {
            let Some(target) = target else { continue };
            let row = row! { Action: action, Type: SET_PROPERTY, Source: setting.property, Target: target };
            database.add("CustomAction", row)?;
        }
    }
    Ok(())
}

/// Places the actions that settle the properties, before anything looks at one; with `dialogs`, those of
/// features, too.
pub(super) fn place(mut sequence: Sequence, dialogs: bool) -> Result<Sequence> {
    let place = Place::After("AppSearch");
    for setting in settings().filter(|setting| dialogs || !setting.switch) {
        let property = setting.property;
        let condition = format!("{} AND NOT {property}", remembered(property));
        sequence = sequence.custom(&setting.restore(), &condition, place)?;
        if setting.default.is_some() {
            sequence = sequence.custom(&setting.fall_back(), &format!("NOT {property}"), place)?;
        }
    }
    Ok(sequence)
}
