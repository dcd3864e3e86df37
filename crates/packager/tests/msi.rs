//! What the MSI says, read back table by table. How it installs is judged by the acceptance bench.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use packager::{Entry, Kind, Package, Payload, Product, Source, Target, formats};
use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;

fn program() -> Entry {
    Entry::root_file("pywats-client.exe", Kind::Program(Source::Bytes(b"MZ".to_vec())))
}

fn actions() -> Entry {
    Entry::root_file("installer_actions.dll", Kind::Actions(Source::Bytes(b"MZ actions".to_vec())))
}

/// An MSI of that version, of the repository's own manifest and the given payload.
fn build(version: &str, entries: Vec<Entry>) -> anyhow::Result<Vec<u8>> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/product.toml");
    let product = Product::load(&manifest)?;
    let changelog = product.changelog()?;
    let package = Package {
        product: &product,
        changelog: &changelog,
        version: version.parse()?,
        platform: "x86_64-pc-windows-gnu".parse::<Target>()?.into(),
        payload: Payload::new(entries)?,
        parts: Vec::new(),
        epoch: 1_795_305_600,
    };
    let mut out = Cursor::new(Vec::new());
    formats::by_name("msi")?.write(&package, &mut out)?;
    Ok(out.into_inner())
}

struct Tables(msi::Package<Cursor<Vec<u8>>>);

impl Tables {
    fn of(version: &str) -> Tables {
        Tables::from(build(version, vec![program(), actions()]).unwrap())
    }

    fn from(bytes: Vec<u8>) -> Tables {
        Tables(msi::Package::open(Cursor::new(bytes)).unwrap())
    }

    /// Two columns of a table: one as the key, one as the value.
    fn column(&mut self, table: &str, key: &str, value: &str) -> BTreeMap<String, String> {
        let text = |value: &msi::Value| match value {
            msi::Value::Str(text) => text.clone(),
            other => other.to_string(),
        };
        let rows = self.0.select_rows(msi::Select::table(table)).unwrap();
        rows.map(|row| (text(&row[key]), text(&row[value]))).collect()
    }

    fn sequence(&mut self, table: &str) -> BTreeMap<String, i32> {
        let rows = self.column(table, "Action", "Sequence");
        rows.into_iter().map(|(action, number)| (action, number.parse().unwrap())).collect()
    }
}

/// Fails if: the bytes depend on the order of the payload or on where a file lies.
#[test]
fn equal_packages_are_equal() {
    let readme = |source| Entry::root_file("docs/README.txt", Kind::Document(source));
    let bytes = || Source::Bytes(b"read me".to_vec());
    let first = build("1.2.3", vec![program(), actions(), readme(bytes())]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other name");
    std::fs::write(&file, b"read me").unwrap();
    let second = build("1.2.3", vec![readme(Source::Path(file)), actions(), program()]).unwrap();
    assert!(first == second);
    assert!(first != build("1.2.4", vec![program(), actions(), readme(bytes())]).unwrap());
}

/// Fails if: a version gets another number than the table says; the same package another product code, which
/// would make a repair an upgrade; or a package with other content the same one, which Windows would refuse.
#[test]
fn identifies_version_and_content() {
    for (version, product_version) in
        [("0.1.0", "0.1.99"), ("0.1.0+dev", "0.1.99"), ("0.1.0-rc.1", "0.1.61"), ("0.1.0-rc.1.dev", "0.1.61")]
    {
        let properties = Tables::of(version).column("Property", "Property", "Value");
        assert_eq!(properties["ProductVersion"], product_version);
        assert_eq!(properties["UpgradeCode"], "{E7F2D8A1-4B5C-6D7E-8F9A-0B1C2D3E4F5A}");
    }
    let code = |entries| {
        let mut tables = Tables::from(build("0.1.0", entries).unwrap());
        tables.column("Property", "Property", "Value")["ProductCode"].clone()
    };
    let signed = Entry::root_file("pywats-client.exe", Kind::Program(Source::Bytes(b"MZ signed".to_vec())));
    let first = code(vec![program(), actions()]);
    assert_eq!(first, code(vec![actions(), program()]));
    let later = Tables::of("0.1.0+dev").column("Property", "Property", "Value")["ProductCode"].clone();
    assert_ne!(first, later, "Windows would refuse what is built after a release beside it");
    assert_ne!(first, code(vec![signed, actions()]));
}

/// Fails if: a choice of the administrator is forgotten: not handed to the installation service, not
/// written down, not looked up, or restored only after something has already looked at it.
#[test]
fn choices_are_remembered() {
    let mut tables = Tables::of("0.1.0");
    let properties = tables.column("Property", "Property", "Value");
    let secure: Vec<&str> = properties["SecureCustomProperties"].split(';').collect();
    let written = tables.column("Registry", "Value", "Name");
    let read = tables.column("RegLocator", "Signature_", "Name");
    let searches = tables.column("AppSearch", "Property", "Signature_");
    let targets = tables.column("CustomAction", "Action", "Target");
    let both = &["InstallExecuteSequence", "InstallUISequence"][..];
    for (property, default, sequences) in [
        ("INSTALLDIR", None, both),
        ("STARTSERVICE", Some("1"), both),
        // In the other sequence the action ChooseFeatures decides.
        ("INSTALLSERVICE", Some("1"), &both[1..]),
        ("ADDTOPATH", Some("1"), &both[1..]),
        ("STARTMENU", Some("1"), &both[1..]),
    ] {
        let remembered = format!("REMEMBERED_{property}");
        assert!(secure.contains(&property) && secure.contains(&remembered.as_str()), "{secure:?}");
        assert_eq!(written[&format!("[{property}]")], read[&searches[&remembered]], "{property}");
        assert_eq!(targets[&format!("Restore.{property}")], format!("[{remembered}]"));
        assert_eq!(targets.get(&format!("Default.{property}")).map(String::as_str), default);
        assert!(!properties.contains_key(property), "a default could not be told from a choice");
        for table in sequences {
            let numbers = tables.sequence(table);
            let restored = numbers[&format!("Restore.{property}")];
            assert!(numbers["AppSearch"] < restored && restored < numbers["LaunchConditions"]);
            if default.is_some() {
                assert!(restored < numbers[&format!("Default.{property}")]);
            }
        }
    }
}

/// Fails if: a dialog shows something else than what was chosen before, or runs where nobody can see it.
#[test]
fn dialogs_show_what_was_chosen() {
    let mut tables = Tables::of("0.1.0");
    let numbers = tables.sequence("InstallUISequence");
    let conditions = tables.column("InstallUISequence", "Action", "Condition");
    let boxes = tables.column("CustomAction", "Action", "Source");
    let dialogs = tables.column("Dialog", "Dialog", "Title");
    // As the conditions of the actions that these properties decide about.
    let chosen = [
        "NOT (INSTALLSERVICE = \"0\")",
        "NOT (STARTSERVICE = \"0\")",
        "ADDTOPATH = \"1\"",
        "STARTMENU = \"1\"",
    ];
    for (property, chosen) in ["INSTALLSERVICE", "STARTSERVICE", "ADDTOPATH", "STARTMENU"].iter().zip(chosen)
    {
        let show = format!("Show.{property}");
        assert_eq!(conditions[&show], chosen);
        let values = tables.column("CheckBox", "Property", "Value");
        assert_eq!(values[&boxes[&show]], "1", "{property}");
        assert!(numbers[&show] < numbers["Welcome"], "{show} comes after the dialogs have begun");
        for settle in ["Restore", "Default"].map(|action| format!("{action}.{property}")) {
            assert!(numbers.get(&settle).is_none_or(|number| *number < numbers[&show]), "{settle}");
        }
    }
    for (ending, number) in [("Exit", -1), ("UserExit", -2), ("FatalError", -3)] {
        for table in ["InstallUISequence", "AdminUISequence"] {
            assert_eq!(tables.sequence(table)[ending], number, "{ending} in {table}");
        }
    }
    for table in ["InstallExecuteSequence", "AdminExecuteSequence", "AdvtExecuteSequence"] {
        assert!(tables.sequence(table).keys().all(|action| !dialogs.contains_key(action)), "{table}");
    }
    assert!(tables.0.has_table("ListBox"), "Windows could not list the programs that use files");
    let secure = tables.column("Property", "Property", "Value")["SecureCustomProperties"].clone();
    for property in ["SERVERURL", "TOKENFILE", "WATCHFOLDER", "PURGEDATA", "ADDTOPATH", "STARTMENU"] {
        assert!(secure.split(';').any(|known| known == property), "{property} does not get through");
    }
}

/// Fails if: data could be removed, or the configuration file belongs to a component.
#[test]
fn data_and_configuration_stay() {
    const PERMANENT: i32 = 0x10;
    let mut tables = Tables::of("0.1.0");
    let mut made = tables.column("CreateFolder", "Directory_", "Component_");
    made.retain(|_, component| component == "Data");
    assert_eq!(made.len(), 5, "the data folder and what is in it: {made:?}");
    let attributes = tables.column("Component", "Component", "Attributes");
    for component in made.values() {
        assert_ne!(attributes[component].parse::<i32>().unwrap() & PERMANENT, 0, "{component}");
    }
    let files = tables.column("File", "FileName", "File");
    assert_eq!(files.keys().collect::<Vec<_>>(), ["PYWATS~1.EXE|pywats-client.exe"]);
    for (row, folder) in tables.column("RemoveFile", "FileKey", "DirProperty") {
        assert_eq!(folder, "ProductMenuFolder", "{row} removes something else");
    }
}

/// Fails if: an upgrade removes the old version outside the transaction, so that a failure could not
/// bring it back, deletes the service, whose settings an administrator may have changed, or leaves another build of
/// the same version beside this one.
#[test]
fn upgrades_can_be_undone() {
    let mut tables = Tables::of("0.1.0");
    let numbers = tables.sequence("InstallExecuteSequence");
    let remove = numbers["RemoveExistingProducts"];
    assert!(numbers["InstallInitialize"] < remove && remove < numbers["ProcessComponents"]);
    let conditions = tables.column("InstallExecuteSequence", "Action", "Condition");
    let delete = &conditions["DeleteServices"];
    assert!(delete.contains("NOT UPGRADINGPRODUCTCODE") && delete.contains("RollbackDisabled"), "{delete}");
    let versions = tables.column("Upgrade", "ActionProperty", "Attributes");
    let expected =
        [("NEWERVERSION", "2"), ("OLDERVERSION", "512")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(versions, BTreeMap::from(expected));
    let own = tables.column("Property", "Property", "Value")["ProductVersion"].clone();
    assert_eq!(tables.column("Upgrade", "ActionProperty", "VersionMax")["OLDERVERSION"], own);
}

/// Fails if: what is given to a product that is installed changes only the features that it names, or comes after
/// Windows Installer has decided about features.
#[test]
fn an_installed_product_is_reinstalled() {
    let mut tables = Tables::of("0.1.0");
    let numbers = tables.sequence("InstallExecuteSequence");
    let conditions = tables.column("InstallExecuteSequence", "Action", "Condition");
    let sources = tables.column("CustomAction", "Action", "Source");
    let targets = tables.column("CustomAction", "Action", "Target");
    for (action, property, value, condition) in [
        ("ReinstallAll", "REINSTALL", "ALL", "Installed AND NOT (REMOVE OR "),
        ("ReinstallProgram", "REINSTALL", "Program", "Installed AND REMOVE AND NOT (REMOVE ~= \"ALL\" OR "),
        ("ReinstallMode", "REINSTALLMODE", "omus", "REINSTALL AND NOT REINSTALLMODE"),
        ("ReplaceAll", "REINSTALLMODE", "amus", "OLDERVERSION AND NOT (Installed OR REINSTALLMODE)"),
    ] {
        assert_eq!((sources[action].as_str(), targets[action].as_str()), (property, value));
        assert!(conditions[action].starts_with(condition), "{action}: {}", conditions[action]);
        assert!(numbers[action] < numbers["CostInitialize"], "{action} comes too late");
    }
}

/// Fails if: a standard user who has an installed product repaired can set a property that the installation service
/// goes by.
#[test]
fn standard_users_change_nothing() {
    let mut tables = Tables::of("0.1.0");
    let properties = tables.column("Property", "Property", "Value");
    let (key, kept) = properties["KeepSettings.Data"].split_once('\n').unwrap();
    assert!(key.starts_with("key|SOFTWARE\\"), "{key}");
    let written = tables.column("Registry", "Value", "Name");
    let mut settled = Vec::new();
    for record in kept.lines() {
        match record.split('|').collect::<Vec<_>>()[..] {
            ["property", property] => settled.push(property),
            ["property", property, value, remembered] => {
                assert_eq!(written[&format!("[{property}]")], value);
                settled.extend([property, remembered]);
            }
            _ => panic!("{record}"),
        }
    }
    // A removal is decided about by Windows; the last two are found, not given. What is remembered of switches
    // counts only where nothing is installed.
    let others = ["PURGEDATA", "OLDERVERSION", "NEWERVERSION"];
    let switches = ["INSTALLSERVICE", "ADDTOPATH", "STARTMENU"].map(|name| format!("REMEMBERED_{name}"));
    for property in properties["SecureCustomProperties"].split(';') {
        let found = settled.contains(&property);
        let left = others.contains(&property) || switches.iter().any(|switch| switch == property);
        assert!(found != left, "{property}");
    }
    let conditions = tables.column("InstallExecuteSequence", "Action", "Condition");
    // Nobody repairs what an upgrade removes.
    let condition = &conditions["KeepSettings"];
    assert!(condition.starts_with("Installed AND NOT (UPGRADINGPRODUCTCODE AND "), "{condition}");
    let numbers = tables.sequence("InstallExecuteSequence");
    for later in ["Restore.INSTALLDIR", "Default.STARTSERVICE", "ReinstallAll", "CostInitialize"] {
        assert!(numbers["AppSearch"] < numbers["KeepSettings"] && numbers["KeepSettings"] < numbers[later]);
    }
}

/// Fails if: the service is not the one of the manifest.
#[test]
fn the_service_is_the_manifests() {
    let mut tables = Tables::of("0.1.0");
    for (column, expected) in [
        ("Name", "pywats-client"),
        ("DisplayName", "pyWATS Client"),
        ("Arguments", "run --service"),
        ("ServiceType", "16"),
        ("StartType", "2"),
        ("StartName", "[SERVICEACCOUNT]"),
        ("Password", "[SERVICEPASSWORD]"),
    ] {
        assert_eq!(
            tables.column("ServiceInstall", "ServiceInstall", column)["Service"],
            expected,
            "{column}"
        );
    }
    let component = tables.column("ServiceInstall", "ServiceInstall", "Component_")["Service"].clone();
    let key_path = tables.column("Component", "Component", "KeyPath")[&component].clone();
    assert!(tables.column("File", "File", "FileName")[&key_path].ends_with("|pywats-client.exe"));
}

/// Fails if: an action runs at a time or as somebody that it must not, or a rollback comes too late to undo what it
/// is for.
#[test]
fn actions_run_when_they_may() {
    let mut tables = Tables::of("0.1.0");
    let numbers = tables.sequence("InstallExecuteSequence");
    let types = tables.column("CustomAction", "Action", "Type");
    let conditions = tables.column("InstallExecuteSequence", "Action", "Condition");
    for (action, kind) in [
        ("KeepSettings", 1),
        ("CheckSettings", 1),
        ("RefuseSettings", 1),
        ("ChooseFeatures", 1),
        ("Prepare", 1),
        ("AwaitProgram", 0xc01),
        ("SecureFolders", 0xc01),
        ("WriteConfiguration", 0xc01),
        ("ConfigureService", 0xc01),
        ("StartAgain", 0xd41),
        ("RemoveConfiguration", 0xd41),
        ("RestoreService", 0xd41),
        ("ForgetReplaced", 0xe41),
        ("RemoveService", 0xe41),
        ("PurgeData", 0xe41),
    ] {
        assert_eq!(types[action], kind.to_string(), "{action}");
        if kind > 1 {
            let inside = numbers["InstallInitialize"] + 1..numbers["InstallFinalize"];
            assert!(inside.contains(&numbers[action]), "{action} is outside the transaction");
            assert_ne!(conditions[action], "NULL", "{action} would run at a removal");
        }
    }
    for (first, second) in [
        ("CostFinalize", "RefuseSettings"),
        ("ChooseFeatures", "Prepare"),
        ("Prepare", "InstallInitialize"),
        ("StartAgain", "RemoveExistingProducts"),
        ("StartAgain", "StopServices"),
        ("StopServices", "AwaitProgram"),
        ("AwaitProgram", "RemoveFiles"),
        ("AwaitProgram", "InstallFiles"),
        ("CreateFolders", "SecureFolders"),
        ("SecureFolders", "InstallFiles"),
        ("RemoveConfiguration", "WriteConfiguration"),
        ("WriteConfiguration", "StartServices"),
        ("RestoreService", "InstallServices"),
        ("RestoreService", "ConfigureService"),
        ("ConfigureService", "StartServices"),
    ] {
        assert!(numbers[first] < numbers[second], "{first} does not come before {second}");
    }
    assert!(conditions["PurgeData"].contains("NOT UPGRADINGPRODUCTCODE"));
}

/// Fails if: a secret is shown in a log, a property that people give does not reach the installation service, or
/// Windows Installer may restart the machine.
#[test]
fn properties_reach_the_installation() {
    let properties = Tables::of("0.1.0").column("Property", "Property", "Value");
    assert_eq!(properties["MsiHiddenProperties"], "SERVICEPASSWORD");
    assert_eq!(properties["REBOOT"], "ReallySuppress", "a test station could be restarted unasked");
    let secure: Vec<&str> = properties["SecureCustomProperties"].split(';').collect();
    for property in [
        "SERVICEACCOUNT",
        "SERVICEPASSWORD",
        "SERVERURL",
        "TOKENFILE",
        "WATCHFOLDER",
        "PURGEDATA",
        "OLDERVERSION",
        "NEWERVERSION",
    ] {
        assert!(secure.contains(&property), "{property} is not in {secure:?}");
    }
    for (name, value) in &properties {
        assert!(!value.contains("[SERVICEPASSWORD]"), "{name} would show the password");
    }
}

/// Fails if: rows do not fit together, such as a reference to nothing. The writer takes them as they come.
#[test]
fn the_validator_finds_nothing() {
    let package = build("1.2.3-rc.1", vec![program(), actions()]).unwrap();
    let findings = windows_installer_lint::lint(&package).unwrap();
    assert!(findings.is_empty(), "{findings:#?}");
}

/// Fails if: a payload that an MSI cannot express gives a package, or the error does not say what to do.
#[test]
fn refuses_what_it_cannot_express() {
    for (entries, complaint) in [
        (
            vec![Entry::root_file("README", Kind::Document(Source::Bytes(Vec::new())))],
            "exactly one entry of kind \"program\"",
        ),
        (vec![program()], "exactly one entry of kind \"actions\""),
        (
            vec![program(), Entry::root_file("docs", Kind::Directory)],
            "\"docs\": an MSI makes the folders of its files",
        ),
        (
            vec![program(), Entry::root_file("latest", Kind::Link("a".to_owned()))],
            "\"latest\": an MSI cannot install links",
        ),
        (vec![program(), Entry::root_file("nul", Kind::File(Source::Bytes(Vec::new())))], "name of a device"),
        (
            vec![program(), Entry::root_file("a", Kind::File(Source::Path("missing".into())))],
            "missing is not a file",
        ),
    ] {
        let error = format!("{:#}", build("1.0.0", entries).expect_err(complaint));
        assert!(error.contains(complaint), "{complaint:?} is not in {error:?}");
    }
}
