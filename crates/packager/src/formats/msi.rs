//! The Windows Installer package: per machine, 64 bits, one file.
//!
//! Public properties, for `msiexec /i FILE PROPERTY=VALUE`:
//!
//! | property | default | meaning |
//! |---|---|---|
//! | `INSTALLDIR` | Program Files and the manifest's `install_folder` | where the program goes |
//! | `INSTALLSERVICE` | `1` | `0`: no service; one of an older version is removed |
//! | `STARTSERVICE` | `1` | `0`: the service is registered but not started |
//! | `ADDTOPATH` | `1` | `0`: no entry in PATH |
//! | `STARTMENU` | `1` | `0`: no entries in the Start menu |
//! | `SERVICEACCOUNT`, `SERVICEPASSWORD` | `NT SERVICE\name`, none | the account of the service |
//! | those of the manifest's `configuration` | none | the first configuration, where there is none |
//! | `PURGEDATA` | `0` | `1`: a removal takes configuration and data along |
//!
//! What was chosen is kept in the registry and holds for upgrades, repairs and removal, unless it is
//! given again ([`settings`], [`features`]). Data folders are made, and neither upgrade nor plain removal touches
//! them or what is in them; the configuration file belongs to no component. An upgrade removes the old version
//! inside its own transaction: if anything fails, the old version is back. The service is stopped during that
//! but not deleted: the new version adopts it as an administrator has set it up. What the standard actions
//! cannot do is in a DLL ([`actions`]).

mod actions;
mod dialogs;
mod features;
pub mod rights;
pub mod service;
mod settings;

use crate::{Arch, Format, Kind, Os, Package, Payload, Product, Version, format::Output};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use windows_installer::files::COMPONENT_64_BIT;
use windows_installer::{Cell, Database, FileSet, Place, Platform, Sequence, Summary, guid, names, row};

/// The format. See the [module](self).
pub(crate) struct Msi;

impl Format for Msi {
    fn name(&self) -> &'static str {
        "msi"
    }

    fn section(&self) -> Option<&'static str> {
        Some("msi")
    }

    fn files(&self, product: &Product) -> Vec<PathBuf> {
        product.msi.iter().flat_map(|msi| msi.files().map(Path::to_owned)).collect()
    }

    fn supports(&self, platform: &crate::Platform) -> bool {
        platform.is_single(Os::Windows)
    }

    fn file_name(&self, product: &Product, version: &Version, platform: &crate::Platform) -> String {
        format!("{}-{version}-{}.msi", product.name, platform.arch().windows())
    }

    fn write(&self, package: &Package<'_>, out: &mut dyn Output) -> Result<()> {
        let database = database(package).context("putting the Windows Installer database together")?;
        database.write(&summary(package), out)?;
        Ok(())
    }
}

/// The folder that an administrator may choose; a public property.
const INSTALL_FOLDER: &str = "INSTALLDIR";
/// The folder of configuration and data.
const DATA_FOLDER: &str = "DataFolder";
/// The icon in Apps & Features. Windows goes by the ending.
const PRODUCT_ICON: &str = "Product.ico";
/// English (United States).
const LANGUAGE: u16 = 1033;

/// `msidbComponentAttributesRegistryKeyPath`: the key path is a value in the registry.
const REGISTRY_KEY_PATH: i32 = 0x4;
/// HKEY_LOCAL_MACHINE.
const MACHINE: i32 = 2;
/// `msidbComponentAttributesPermanent`: never removed.
const COMPONENT_PERMANENT: i32 = 0x10;
/// `msidbUpgradeAttributesOnlyDetect`: found, but not removed.
const UPGRADE_ONLY_DETECT: i32 = 0x2;
/// `msidbUpgradeAttributesVersionMaxInclusive`.
const UPGRADE_INCLUDING_MAX: i32 = 0x200;
/// Sets a property to a formatted text.
const SET_PROPERTY: i32 = 51;

fn platform(package: &Package<'_>) -> Platform {
    match package.platform.arch() {
        Arch::X86_64 => Platform::X64,
        Arch::Aarch64 => Platform::Arm64,
    }
}

fn summary(package: &Package<'_>) -> Summary {
    let product = package.product;
    Summary {
        subject: format!("{} {}", product.display_name, package.version),
        author: product.vendor.clone(),
        comments: product.summary.clone(),
        creating_application: "packager".to_owned(),
        platform: platform(package),
        language: LANGUAGE,
        epoch: package.epoch,
    }
}

fn database(package: &Package<'_>) -> Result<Database> {
    let codes = guid::Product::new(&package.product.msi()?.upgrade_code)?;
    let mut database = Database::new();
    add_properties(&mut database, package, &codes)?;
    add_folders(&mut database, package.product, &codes)?;
    add_files(&mut database, package, &codes)?;
    features::add(&mut database, package, &codes)?;
    settings::add(&mut database, package, &codes)?;
    service::add(&mut database, package)?;
    actions::add(&mut database, package)?;
    add_upgrade(&mut database, package, &codes)?;
    dialogs::add(&mut database, package)?;
    add_sequences(&mut database)?;
    Ok(database)
}

fn add_properties(database: &mut Database, package: &Package<'_>, codes: &guid::Product) -> Result<()> {
    let product = package.product;
    let version = package.version.msi();
    let content = package.inputs(&Msi)?;
    let product_code = codes.product_code(&version, platform(package).name(), &content);
    // Windows shows the numeric version; the comment has the one that people know.
    let comments = format!("{} (version {})", product.summary, package.version);
    let public = actions::public_properties(package)?.chain([OLDER, NEWER]).map(str::to_owned);
    let secure: Vec<String> = settings::secure_properties().chain(public).collect();
    let properties = [
        ("ALLUSERS", "1".to_owned()),
        ("ARPCOMMENTS", comments),
        ("ARPCONTACT", product.maintainer.clone()),
        ("ARPHELPLINK", product.homepage.clone()),
        ("ARPPRODUCTICON", PRODUCT_ICON.to_owned()),
        ("ARPURLINFOABOUT", product.homepage.clone()),
        ("Manufacturer", product.vendor.clone()),
        // The one program that is in use is the service, which is stopped in any case.
        ("MSIRESTARTMANAGERCONTROL", "Disable".to_owned()),
        ("MsiHiddenProperties", actions::HIDDEN.join(";")),
        ("ProductCode", product_code),
        ("ProductLanguage", LANGUAGE.to_string()),
        ("ProductName", product.display_name.clone()),
        ("ProductVersion", version),
        // A test station restarts when somebody wants it to. What waits for it says the exit code.
        ("REBOOT", "ReallySuppress".to_owned()),
        ("SecureCustomProperties", secure.join(";")),
        ("UpgradeCode", codes.upgrade_code()),
    ];
    for (name, value) in properties {
        database.add("Property", row! { Property: name, Value: value })?;
    }
    let icon = product.bytes(&product.msi()?.icon)?;
    database.add("Icon", row! { Name: PRODUCT_ICON, Data: Cell::Stream(icon) })?;
    Ok(())
}

/// The standard folders, the installation folder, and the data folders, which are made and never removed.
fn add_folders(database: &mut Database, product: &Product, codes: &guid::Product) -> Result<()> {
    let msi = product.msi()?;
    let mut folder = |key: &str, parent: &str, name: &str| {
        database.add("Directory", row! { Directory: key, Directory_Parent: parent, DefaultDir: name })
    };
    // Names of the system's own folders matter only where an administrative installation unpacks the files.
    let system = names::with_short_names(&["Program Files", "ProgramData"])?;
    folder("TARGETDIR", "", "SourceDir")?;
    folder("ProgramFiles64Folder", "TARGETDIR", &system[0])?;
    folder(INSTALL_FOLDER, "ProgramFiles64Folder", &names::with_short_names(&[&msi.install_folder])?[0])?;
    folder("CommonAppDataFolder", "TARGETDIR", &system[1])?;
    folder(DATA_FOLDER, "CommonAppDataFolder", &names::with_short_names(&[&msi.data_folder])?[0])?;
    let long: Vec<&str> = msi.data_subfolders.iter().map(String::as_str).collect();
    let mut made = vec![DATA_FOLDER.to_owned()];
    for (name, cell) in long.iter().zip(names::with_short_names(&long)?) {
        let key = format!("{DATA_FOLDER}.{name}");
        folder(&key, DATA_FOLDER, &cell)?;
        made.push(key);
    }

    let component = "Data";
    database.add(
        "Component",
        row! { Component: component, ComponentId: codes.component(DATA_FOLDER),
        Directory_: DATA_FOLDER, Attributes: COMPONENT_64_BIT | COMPONENT_PERMANENT },
    )?;
    database.add("FeatureComponents", row! { Feature_: features::PROGRAM, Component_: component })?;
    for key in made {
        database.add("CreateFolder", row! { Directory_: key, Component_: component })?;
    }
    Ok(())
}

fn add_files(database: &mut Database, package: &Package<'_>, codes: &guid::Product) -> Result<()> {
    let mut files = FileSet::new(INSTALL_FOLDER);
    for entry in package.payload.entries() {
        match (&entry.kind, entry.source()) {
            (Kind::Actions(_), _) => {}
            (_, Some(source)) => files.add(&entry.path, source.read()?)?,
            (Kind::Directory, None) => {
                bail!("payload entry {:?}: an MSI makes the folders of its files; leave it out", entry.path)
            }
            (_, None) => bail!("payload entry {:?}: an MSI cannot install links", entry.path),
        }
    }
    files.add_to(database, codes, features::PROGRAM, package.epoch)?;
    Ok(())
}

/// The path of the program in the payload.
fn program(payload: &Payload) -> Result<&str> {
    Ok(&payload.program()?.path)
}

/// Set to the product codes of older versions, which are then removed.
const OLDER: &str = "OLDERVERSION";
/// Set to the product code of a newer version, which stops the installation.
const NEWER: &str = "NEWERVERSION";

/// What happens to other versions. One of the *same* version but another product code, such as the one
/// for another processor, is replaced like an older one.
fn add_upgrade(database: &mut Database, package: &Package<'_>, codes: &guid::Product) -> Result<()> {
    let version = package.version.msi();
    let code = codes.upgrade_code();
    database.add(
        "Upgrade",
        row! { UpgradeCode: &code, VersionMax: &version,
        Attributes: UPGRADE_INCLUDING_MAX, ActionProperty: OLDER },
    )?;
    database.add(
        "Upgrade",
        row! { UpgradeCode: &code, VersionMin: &version,
        Attributes: UPGRADE_ONLY_DETECT, ActionProperty: NEWER },
    )?;
    let conditions = [
        (
            format!("Installed OR NOT {NEWER}"),
            "A newer version of [ProductName] is installed. To install version [ReadableVersion], remove the newer version first. Your configuration and data are kept.",
        ),
        // Windows 10 and everything later say 603 here.
        (
            "Installed OR VersionNT >= 603".to_owned(),
            "[ProductName] needs Windows 10, Windows Server 2016, or later.",
        ),
    ];
    for (condition, description) in conditions {
        database.add("LaunchCondition", row! { Condition: condition, Description: description })?;
    }
    Ok(())
}

/// An installation, with the conditions of the actions that have one.
const INSTALL: &[(&str, &str)] = &[
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
    ("DeleteServices", service::DELETE),
    ("RemoveRegistryValues", ""),
    ("RemoveIniValues", ""),
    ("RemoveShortcuts", ""),
    ("RemoveEnvironmentStrings", ""),
    ("RemoveFiles", ""),
    ("RemoveFolders", ""),
    ("CreateFolders", ""),
    ("InstallFiles", ""),
    ("CreateShortcuts", ""),
    ("WriteRegistryValues", ""),
    ("WriteIniValues", ""),
    ("WriteEnvironmentStrings", ""),
    ("InstallServices", service::INSTALL),
    ("StartServices", service::START),
    ("RegisterUser", ""),
    ("RegisterProduct", ""),
    ("PublishFeatures", ""),
    ("PublishProduct", ""),
    ("InstallFinalize", ""),
];

/// What runs as the user before an installation with a user interface.
const INSTALL_UI: &[(&str, &str)] = &[
    ("FindRelatedProducts", ""),
    ("AppSearch", ""),
    ("LaunchConditions", ""),
    ("ValidateProductID", ""),
    ("CostInitialize", ""),
    ("FileCost", ""),
    ("CostFinalize", ""),
    ("MigrateFeatureStates", ""),
    ("ExecuteAction", ""),
];

/// An administrative installation: the files unpacked on a share.
const ADMIN: &[(&str, &str)] = &[
    ("CostInitialize", ""),
    ("FileCost", ""),
    ("CostFinalize", ""),
    ("InstallValidate", ""),
    ("InstallInitialize", ""),
    ("InstallAdminPackage", ""),
    ("InstallFiles", ""),
    ("InstallFinalize", ""),
];

const ADMIN_UI: &[(&str, &str)] =
    &[("CostInitialize", ""), ("FileCost", ""), ("CostFinalize", ""), ("ExecuteAction", "")];

/// An advertisement by group policy: the product is announced and installed at the next start.
const ADVERTISE: &[(&str, &str)] = &[
    ("CostInitialize", ""),
    ("CostFinalize", ""),
    ("InstallValidate", ""),
    ("InstallInitialize", ""),
    ("PublishFeatures", ""),
    ("PublishProduct", ""),
    ("InstallFinalize", ""),
];

fn add_sequences(database: &mut Database) -> Result<()> {
    for (table, actions) in [("AdminExecuteSequence", ADMIN), ("AdvtExecuteSequence", ADVERTISE)] {
        Sequence::new(table).standard(actions)?.add_to(database)?;
    }
    dialogs::place_unpacking(Sequence::new("AdminUISequence").standard(ADMIN_UI)?)?.add_to(database)?;
    let location = "SetInstallLocation";
    let row =
        row! { Action: location, Type: SET_PROPERTY, Source: "ARPINSTALLLOCATION", Target: "[INSTALLDIR]" };
    database.add("CustomAction", row)?;
    // What a standard user may not change is settled before anything else looks at it.
    let install = actions::place(Sequence::new("InstallExecuteSequence").standard(INSTALL)?)?;
    let install = features::place(settings::place(install, false)?)?;
    install.custom(location, "", Place::After("CostFinalize"))?.add_to(database)?;
    let dialogs = settings::place(Sequence::new("InstallUISequence").standard(INSTALL_UI)?, true)?;
    dialogs::place(dialogs)?.add_to(database)?;
    Ok(())
}
