//! What can be chosen: the program, which is always there, and around it the service, the entry in PATH and the
//! Start menu.
//!
//! A feature is switched by a public property (`INSTALLSERVICE=0`) or by Windows Installer's own (`ADDLOCAL`,
//! `REMOVE`). What was chosen holds for upgrades, too.

use super::actions;
use super::settings::remembered;
use super::{DATA_FOLDER, INSTALL_FOLDER, MACHINE, OLDER, REGISTRY_KEY_PATH, SET_PROPERTY};
use crate::Package;
use anyhow::Result;
use windows_installer::files::COMPONENT_64_BIT;
use windows_installer::{Database, Place, Sequence, guid, names, row};

/// The feature that everything else is part of.
pub(super) const PROGRAM: &str = "Program";
/// The feature with the service.
pub(super) const SERVICE: &str = "Service";
const PATH: &str = "Path";
const START_MENU: &str = "StartMenu";

/// The folder of the Start menu. Windows Installer itself has a property StartMenuFolder.
const MENU_FOLDER: &str = "ProductMenuFolder";

/// A feature that can be left out.
pub(super) struct Optional {
    pub(super) feature: &'static str,
    /// The public property that switches it.
    pub(super) property: &'static str,
    /// The registry value that remembers it.
    pub(super) value: &'static str,
    title: &'static str,
    description: &'static str,
}

/// Every feature that can be left out; by default each is installed.
pub(super) const OPTIONAL: &[Optional] = &[
    Optional {
        feature: SERVICE,
        property: "INSTALLSERVICE",
        value: "InstallService",
        title: "Windows service",
        description: "Works without anybody being logged on, from the start of the machine.",
    },
    Optional {
        feature: PATH,
        property: "ADDTOPATH",
        value: "AddToPath",
        title: "Entry in PATH",
        description: "Lets every command prompt find the program.",
    },
    Optional {
        feature: START_MENU,
        property: "STARTMENU",
        value: "StartMenu",
        title: "Start menu",
        description: "Links to the status page and to the folder with configuration and data.",
    },
];

/// The feature cannot be advertised.
const NO_ADVERTISING: i32 = 0x8;
/// The feature cannot be left out.
const ALWAYS: i32 = 0x10;
/// `msidbRemoveFileInstallModeOnRemove`.
const ON_REMOVAL: i32 = 2;
/// `msidbIniFileActionAddLine`.
const ADD_LINE: i32 = 0;

/// Sets a property of Windows Installer.
struct Reinstallation {
    action: &'static str,
    property: &'static str,
    value: &'static str,
    condition: String,
}

/// Of a product that is installed, Windows Installer takes up only features that are named; what belongs to others,
/// such as the registration of the service, which belongs to the program, it leaves alone. So whatever is given to an
/// installed product reinstalls it all, and the removal of a feature the program, whose component remembers it.
///
/// Another build of one version may have a program with a lower file version, as a release has that replaces what was
/// built after it. Windows Installer decides about files before the old ones are removed, and would leave out a program
/// of which there is a higher version; `a` has it install all of them.
fn reinstallations() -> [Reinstallation; 4] {
    let set = |action, property, value, condition: &str| Reinstallation {
        action,
        property,
        value,
        condition: condition.to_owned(),
    };
    let some =
        format!("Installed AND REMOVE AND NOT (REMOVE ~= \"ALL\" OR REMOVE ~>< \"{PROGRAM}\" OR REINSTALL)");
    [
        set("ReinstallAll", "REINSTALL", "ALL", "Installed AND NOT (REMOVE OR REINSTALL OR PATCH OR RESUME)"),
        set("ReinstallProgram", "REINSTALL", PROGRAM, &some),
        // Whether the registry is written again by default, Microsoft's pages say yes and no.
        set("ReinstallMode", "REINSTALLMODE", "omus", "REINSTALL AND NOT REINSTALLMODE"),
        set("ReplaceAll", "REINSTALLMODE", "amus", &format!("{OLDER} AND NOT (Installed OR REINSTALLMODE)")),
    ]
}

/// Places the actions that have an installed product reinstalled, before features are looked at.
pub(super) fn place(sequence: Sequence) -> Result<Sequence> {
    reinstallations().into_iter().try_fold(sequence, |sequence, set| {
        Ok(sequence.custom(set.action, &set.condition, Place::After("ValidateProductID"))?)
    })
}

pub(super) fn add(database: &mut Database, package: &Package<'_>, codes: &guid::Product) -> Result<()> {
    let product = package.product;
    for set in reinstallations() {
        database.add(
            "CustomAction",
            row! { Action: set.action, Type: SET_PROPERTY, Source: set.property, Target: set.value },
        )?;
    }
    database.add(
        "Feature",
        row! { Feature: PROGRAM, Title: &product.display_name, Description: &product.summary,
        Display: 1, Level: 1, Directory_: INSTALL_FOLDER, Attributes: NO_ADVERTISING | ALWAYS },
    )?;
    for (optional, display) in OPTIONAL.iter().zip(2..) {
        database.add(
            "Feature",
            row! { Feature: optional.feature, Feature_Parent: PROGRAM, Title: optional.title,
            Description: optional.description, Display: display, Level: 1, Attributes: NO_ADVERTISING },
        )?;
    }
    let switch = |optional: &Optional| {
        actions::record(&[optional.property, optional.feature, &remembered(optional.property)])
    };
    let switches: Vec<String> = OPTIONAL.iter().map(switch).collect::<Result<_>>()?;
    actions::add_data(database, "ChooseFeatures", &switches)?;
    add_event_source(database, package, codes)?;
    add_path(database, package, codes)?;
    add_start_menu(database, package, codes)
}

/// A component whose key path is a value in the registry: `value` of `key`, with the row's own key.
fn component(
    database: &mut Database,
    codes: &guid::Product,
    name: &str,
    feature: &str,
    (key, value, data): (&str, &str, &str),
) -> Result<()> {
    database.add(
        "Registry",
        row! { Registry: name, Root: MACHINE, Key: key, Name: value, Value: data, Component_: name },
    )?;
    database.add(
        "Component",
        row! { Component: name, ComponentId: codes.component(name), Directory_: INSTALL_FOLDER,
        Attributes: COMPONENT_64_BIT | REGISTRY_KEY_PATH, KeyPath: name },
    )?;
    database.add("FeatureComponents", row! { Feature_: feature, Component_: name })?;
    Ok(())
}

/// Lets the event viewer show what the service writes into the event log.
fn add_event_source(database: &mut Database, package: &Package<'_>, codes: &guid::Product) -> Result<()> {
    let source = &package.product.service()?.name;
    let key = format!(r"SYSTEM\CurrentControlSet\Services\EventLog\Application\{source}");
    let name = "EventSource";
    // This program of Windows has a message for every event from 1 to 1000 that is the text of the event alone.
    let messages = r"#%%SystemRoot%\System32\EventCreate.exe";
    component(database, codes, name, SERVICE, (&key, "EventMessageFile", messages))?;
    database.add(
        "Registry",
        row! { Registry: "EventSource.Types", Root: MACHINE, Key: &key, Name: "TypesSupported", Value: "#7",
        Component_: name },
    )?;
    Ok(())
}

fn add_path(database: &mut Database, package: &Package<'_>, codes: &guid::Product) -> Result<()> {
    let name = "PathEntry";
    component(
        database,
        codes,
        name,
        PATH,
        (&package.product.msi()?.registry_key, "PathEntry", "[INSTALLDIR]"),
    )?;
    // Set now, removed with the component, for the machine; behind what is there.
    database.add(
        "Environment",
        row! { Environment: name, Name: "=-*PATH", Value: "[~];[INSTALLDIR]", Component_: name },
    )?;
    Ok(())
}

fn add_start_menu(database: &mut Database, package: &Package<'_>, codes: &guid::Product) -> Result<()> {
    let product = package.product;
    let name = "StartMenu";
    let key = &product.msi()?.registry_key;
    component(database, codes, name, START_MENU, (key, "StartMenuFolder", &format!("[{MENU_FOLDER}]")))?;
    let folders = names::with_short_names(&["Programs", &product.display_name])?;
    database.add(
        "Directory",
        row! { Directory: "ProgramMenuFolder", Directory_Parent: "TARGETDIR", DefaultDir: &folders[0] },
    )?;
    database.add(
        "Directory",
        row! { Directory: MENU_FOLDER, Directory_Parent: "ProgramMenuFolder", DefaultDir: &folders[1] },
    )?;
    let entries = names::with_short_names(&["Configuration and data", "Status page.url"])?;
    database.add(
        "Shortcut",
        row! { Shortcut: "DataFolder", Directory_: MENU_FOLDER, Name: &entries[0], Component_: name,
        Target: format!("[{DATA_FOLDER}]"), Description: "Configuration, reports and logs" },
    )?;
    // A link to a web page is a text file.
    database.add(
        "IniFile",
        row! { IniFile: "StatusPage", FileName: &entries[1], DirProperty: MENU_FOLDER,
        Section: "InternetShortcut", Key: "URL", Value: &product.msi()?.status_page, Action: ADD_LINE,
        Component_: name },
    )?;
    database.add(
        "RemoveFile",
        row! { FileKey: "StatusPage", Component_: name, FileName: &entries[1], DirProperty: MENU_FOLDER,
        InstallMode: ON_REMOVAL },
    )?;
    // What is made as a folder is removed as one.
    database.add("CreateFolder", row! { Directory_: MENU_FOLDER, Component_: name })?;
    Ok(())
}
