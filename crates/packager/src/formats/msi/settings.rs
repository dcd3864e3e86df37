//! What an administrator chose once holds for every later upgrade, repair and removal.
//!
//! Windows Installer forgets properties. So each is written to the registry when it was used, and read
//! back before anything is decided. What is given on the command line comes first, then what is
//! remembered, then the default; that is why the defaults are not in the `Property` table, where they
//! could not be told from a choice.

use super::{FEATURE, INSTALL_FOLDER, SET_PROPERTY};
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
}

const SETTINGS: &[Setting] = &[
    Setting { property: INSTALL_FOLDER, value: "InstallDir", default: None },
    Setting { property: "INSTALLSERVICE", value: "InstallService", default: Some("1") },
    Setting { property: "STARTSERVICE", value: "StartService", default: Some("1") },
];

/// `msidbComponentAttributesRegistryKeyPath`.
const COMPONENT_REGISTRY_KEY_PATH: i32 = 0x4;
/// HKEY_LOCAL_MACHINE.
const MACHINE: i32 = 2;
/// A value of the 64-bit registry, as it is.
const RAW_VALUE_64_BIT: i32 = 0x2 | 0x10;

impl Setting {
    /// The property with what the registry had.
    fn remembered(&self) -> String {
        format!("REMEMBERED_{}", self.property)
    }

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
    SETTINGS.iter().flat_map(|setting| [setting.property.to_owned(), setting.remembered()])
}

pub(super) fn add(database: &mut Database, package: &Package<'_>, codes: &guid::Product) -> Result<()> {
    let key = package.product.msi.registry_key.as_str();
    let component = "Settings";
    let value_key = |value: &str| format!("Settings.{value}");
    let version = ("Version", package.version.to_string());
    let values = SETTINGS.iter().map(|setting| (setting.value, format!("[{}]", setting.property)));
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
        Directory_: INSTALL_FOLDER, Attributes: COMPONENT_64_BIT | COMPONENT_REGISTRY_KEY_PATH,
        KeyPath: value_key(SETTINGS[0].value) },
    )?;
    database.add("FeatureComponents", row! { Feature_: FEATURE, Component_: component })?;

    for setting in SETTINGS {
        let signature = setting.remembered();
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

/// Places the actions that settle every property, before anything looks at one.
pub(super) fn place(mut sequence: Sequence) -> Result<Sequence> {
    let place = Place::After("AppSearch");
    for setting in SETTINGS {
        let property = setting.property;
        let condition = format!("{} AND NOT {property}", setting.remembered());
        sequence = sequence.custom(&setting.restore(), &condition, place)?;
        if setting.default.is_some() {
            sequence = sequence.custom(&setting.fall_back(), &format!("NOT {property}"), place)?;
        }
    }
    Ok(sequence)
}
