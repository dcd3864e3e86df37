//! A database without faults.

use windows_installer::{Database, FileSet, Place, Platform, Result, Sequence, Summary, guid, row};

pub(crate) const UPGRADE_CODE: &str = "E7F2D8A1-4B5C-6D7E-8F9A-0B1C2D3E4F5A";
pub(crate) const COMPONENT: &str = "Component.program.exe";

/// A part of the database. It makes no difference in which order they are added.
pub(crate) type Part = fn(&mut Database, &guid::Product) -> Result<()>;

pub(crate) const PARTS: &[Part] =
    &[properties, folders, features, files, service, registry, upgrade, actions, sequences];

/// A database with a service, a search, an upgrade and custom actions.
pub(crate) fn database<'a>(parts: impl IntoIterator<Item = &'a Part>) -> Database {
    let mut database = Database::new();
    let product = guid::Product::new(UPGRADE_CODE).expect("a product");
    parts.into_iter().for_each(|part| part(&mut database, &product).expect("the good database"));
    database
}

/// The summary information of an example.
pub(crate) fn summary() -> Summary {
    Summary {
        subject: "Example".to_owned(),
        author: "Example Maker".to_owned(),
        comments: "An example".to_owned(),
        creating_application: "test".to_owned(),
        platform: Platform::X64,
        language: 1033,
        epoch: 1_795_305_600,
    }
}

pub(crate) fn written(database: &Database) -> Vec<u8> {
    let mut bytes = Vec::new();
    database.write(&summary(), &mut bytes).expect("the good database");
    bytes
}

/// The bytes of the database with all its parts.
pub(crate) fn package() -> Vec<u8> {
    written(&database(PARTS))
}

fn properties(database: &mut Database, product: &guid::Product) -> Result<()> {
    for (name, value) in [
        ("ALLUSERS", "1"),
        ("Manufacturer", "Example Maker"),
        ("MsiHiddenProperties", "SERVICEPASSWORD"),
        ("ProductCode", "{00000000-0000-0000-0000-000000000001}"),
        ("ProductLanguage", "1033"),
        ("ProductName", "Prüfling"),
        ("ProductVersion", "1.2.3"),
        ("SecureCustomProperties", "FOUNDDIR;SERVICEACCOUNT;SERVICEPASSWORD;OLDER;NEWER"),
        ("UpgradeCode", &product.upgrade_code()),
    ] {
        database.add("Property", row! { Property: name, Value: value })?;
    }
    Ok(())
}

fn folders(database: &mut Database, _: &guid::Product) -> Result<()> {
    for (key, parent, name) in [
        ("TARGETDIR", "", "SourceDir"),
        ("ProgramFiles64Folder", "TARGETDIR", "PFiles"),
        ("INSTALLDIR", "ProgramFiles64Folder", "EXAMPL~1|Example Program"),
        ("DATADIR", "INSTALLDIR", "data"),
    ] {
        database.add("Directory", row! { Directory: key, Directory_Parent: parent, DefaultDir: name })?;
    }
    Ok(())
}

fn features(database: &mut Database, _: &guid::Product) -> Result<()> {
    let feature = row! { Feature: "All", Display: 1, Level: 1, Directory_: "INSTALLDIR", Attributes: 0 };
    database.add("Feature", feature)?;
    let feature = row! { Feature: "Part", Feature_Parent: "All", Display: 2, Level: 1, Attributes: 0 };
    database.add("Feature", feature)
}

fn files(database: &mut Database, product: &guid::Product) -> Result<()> {
    let mut files = FileSet::new("INSTALLDIR");
    files.add("program.exe", b"MZ program".repeat(50))?;
    files.add("README", b"read me".to_vec())?;
    files.add("docs/long name.text", b"a manual".to_vec())?;
    files.add_to(database, product, "All", 1_795_305_600)
}

fn service(database: &mut Database, _: &guid::Product) -> Result<()> {
    database.add(
        "ServiceInstall",
        row! {
            ServiceInstall: "Service", Name: "example", DisplayName: "[ProductName]", ServiceType: 16,
            StartType: 2, ErrorControl: 0x8001, StartName: "[SERVICEACCOUNT]", Password: "[SERVICEPASSWORD]",
            Arguments: "--data \"[DATADIR].\" [#File.README]", Component_: COMPONENT,
        },
    )?;
    database.add(
        "ServiceControl",
        row! { ServiceControl: "Service", Name: "example", Event: 0xa3, Wait: 1, Component_: COMPONENT },
    )
}

fn registry(database: &mut Database, product: &guid::Product) -> Result<()> {
    database.add(
        "Component",
        row! {
            Component: "Settings", ComponentId: product.component("settings"), Directory_: "INSTALLDIR",
            Attributes: 260, Condition: "$Component.program.exe > 2 OR &All = 3", KeyPath: "Folder",
        },
    )?;
    database.add("FeatureComponents", row! { Feature_: "Part", Component_: "Settings" })?;
    for (key, name, value) in [("Folder", "Folder", "[INSTALLDIR]"), ("Number", "Number", "#12")] {
        let row = row! {
            Registry: key, Root: 2, Key: "SOFTWARE\\Example", Name: name, Value: value, Component_: "Settings",
        };
        database.add("Registry", row)?;
    }
    database.add("CreateFolder", row! { Directory_: "DATADIR", Component_: "Settings" })?;
    database.add("AppSearch", row! { Property: "FOUNDDIR", Signature_: "Found" })?;
    database.add(
        "RegLocator",
        row! { Signature_: "Found", Root: 2, Key: "SOFTWARE\\Example", Name: "Folder", Type: 18 },
    )
}

fn upgrade(database: &mut Database, product: &guid::Product) -> Result<()> {
    let code = &product.upgrade_code();
    database.add(
        "Upgrade",
        row! { UpgradeCode: code, VersionMax: "1.2.3", Attributes: 0x200, ActionProperty: "OLDER" },
    )?;
    database.add(
        "Upgrade",
        row! { UpgradeCode: code, VersionMin: "1.2.3", Attributes: 2, ActionProperty: "NEWER" },
    )?;
    database.add(
        "LaunchCondition",
        row! { Condition: "Installed OR NOT NEWER", Description: "There is a newer version." },
    )
}

fn actions(database: &mut Database, _: &guid::Product) -> Result<()> {
    for (action, kind, source, target) in [
        ("Restore", 51, "INSTALLDIR", "[FOUNDDIR]"),
        ("ChangeData", 51, "Change", "[INSTALLDIR]"),
        ("Change", 1 | 0x400 | 0x800, "Library", "Change"),
    ] {
        let row = row! { Action: action, Type: kind, Source: source, Target: target };
        database.add("CustomAction", row)?;
    }
    let library = windows_installer::Cell::Stream(b"MZ library".to_vec());
    database.add("Binary", [("Name", "Library".into()), ("Data", library)])
}

fn sequences(database: &mut Database, _: &guid::Product) -> Result<()> {
    Sequence::new("InstallExecuteSequence")
        .standard(&[
            ("FindRelatedProducts", ""),
            ("AppSearch", ""),
            ("LaunchConditions", ""),
            ("ValidateProductID", ""),
            ("CostInitialize", ""),
            ("FileCost", ""),
            ("CostFinalize", ""),
            ("MigrateFeatureStates", ""),
            ("InstallValidate", ""),
            ("InstallInitialize", ""),
            ("RemoveExistingProducts", ""),
            ("ProcessComponents", ""),
            ("UnpublishFeatures", ""),
            ("StopServices", "VersionNT"),
            ("DeleteServices", "VersionNT"),
            ("RemoveRegistryValues", ""),
            ("RemoveFiles", ""),
            ("RemoveFolders", ""),
            ("CreateFolders", ""),
            ("InstallFiles", ""),
            ("WriteRegistryValues", ""),
            ("InstallServices", "VersionNT"),
            ("StartServices", "VersionNT"),
            ("RegisterUser", ""),
            ("RegisterProduct", ""),
            ("PublishFeatures", ""),
            ("PublishProduct", ""),
            ("InstallFinalize", ""),
        ])?
        .custom("Restore", "FOUNDDIR AND NOT Installed", Place::After("AppSearch"))?
        .custom("ChangeData", "", Place::After("CostFinalize"))?
        .custom("Change", "NOT REMOVE~=\"ALL\"", Place::After("InstallFiles"))?
        .add_to(database)?;
    Sequence::new("InstallUISequence")
        .standard(&[("CostInitialize", ""), ("CostFinalize", ""), ("ExecuteAction", "")])?
        .add_to(database)
}
