//! Faults, one at a time.

use crate::Fault;
use crate::edit::{Editor, number, text};
use crate::good::{COMPONENT, UPGRADE_CODE};
use std::io::Write;

const fn fault(name: &'static str, rule: &'static str, damage: fn(&mut Editor)) -> Fault {
    Fault { name, rule, also: &[], damage }
}

const fn wide(
    name: &'static str,
    rule: &'static str,
    also: &'static [&'static str],
    damage: fn(&mut Editor),
) -> Fault {
    Fault { name, rule, also, damage }
}

/// The stream of the table `CreateFolder`, which has one row, and of `LaunchCondition`.
const CREATE_FOLDER: &str = "\u{4840}\u{464e}\u{4468}\u{3db7}\u{44e4}\u{4333}\u{4835}";
/// The stream of the table `Property`.
const PROPERTY: &str = "\u{4840}\u{4559}\u{44f2}\u{4568}\u{4737}";
/// The stream of `_Tables`.
const TABLES: &str = "\u{4840}\u{3f7f}\u{4164}\u{422f}\u{4836}";

fn property(editor: &mut Editor, name: &str, value: &str) {
    editor.set("Property", ("Property", text(name)), "Value", text(value));
}

fn sequence(editor: &mut Editor, action: &str, place: i32) {
    editor.set("InstallExecuteSequence", ("Action", text(action)), "Sequence", number(place));
}

fn component(editor: &mut Editor, name: &str, column: &str, value: msi::Value) {
    editor.set("Component", ("Component", text(name)), column, value);
}

fn action(editor: &mut Editor, name: &str, kind: i32, source: &str, target: &str) {
    let values = vec![text(name), number(kind), text(source), text(target), msi::Value::Null];
    editor.add("CustomAction", values);
}

fn registry(editor: &mut Editor, key: &str, root: i32, path: &str, value: &str) {
    let values = vec![text(key), number(root), text(path), text(key), text(value), text("Settings")];
    editor.add("Registry", values);
}

fn file(editor: &mut Editor, key: &str, column: &str, value: msi::Value) {
    editor.set("File", ("File", text(key)), column, value);
}

fn service(editor: &mut Editor, column: &str, value: msi::Value) {
    editor.set("ServiceInstall", ("ServiceInstall", text("Service")), column, value);
}

fn name(column: &str) -> msi::Column {
    msi::Column::build(column).id_string(72)
}

fn key(column: &str) -> msi::Column {
    msi::Column::build(column).primary_key().id_string(72)
}

pub(crate) const FAULTS: &[Fault] = &[
    // The file and its tables.
    fault("class of no installer", "file-class", |e| {
        let mut compound = cfb::CompoundFile::open(std::io::Cursor::new(std::mem::take(&mut e.0))).unwrap();
        compound.set_storage_clsid("/", uuid::Uuid::from_u128(1)).unwrap();
        compound.flush().unwrap();
        e.0 = compound.into_inner().into_inner();
    }),
    wide("summary cut off", "summary-readable", &["component-64-bit"], |e| {
        e.raw("\u{5}SummaryInformation", |content| content.truncate(60));
    }),
    fault("byte that 1252 does not have", "string-decodes", |e| {
        e.retype("There is a newer version.", b"a\x81b");
    }),
    fault("text that is in no pool", "string-pool", |e| {
        e.raw("\u{4840}\u{3f3f}\u{4577}\u{446c}\u{3b6a}\u{45e4}\u{4824}", |data| data.push(b'x'));
    }),
    wide("table without columns", "table-columns", &["row-order"], |e| {
        e.raw(TABLES, |content| content.extend([1, 0]));
    }),
    wide("half a row", "table-stream", &["create-folder", "value-reference", "row-unique"], |e| {
        e.raw(CREATE_FOLDER, |content| content.push(1));
    }),
    fault("rows without a table", "table-stream", |e| {
        e.raw("\u{4840}\u{4800}", |content| content.extend([1, 0]));
    }),
    fault("rows out of order", "row-order", |e| {
        e.raw(PROPERTY, |content| {
            let half = content.len() / 2;
            for at in [0, half] {
                content[at..at + 4].rotate_left(2);
            }
        });
    }),
    wide("the same key twice", "row-unique", &["row-order", "property-required"], |e| {
        e.raw(PROPERTY, |content| content.copy_within(0..2, 2));
    }),
    // `_Validation`.
    fault("column that nobody describes", "validation-missing", |e| {
        e.remove("_Validation", "Column", text("FileSize"));
    }),
    fault("column that does not exist", "validation-unknown", |e| {
        let mut values = vec![msi::Value::Null; 10];
        values[..3].clone_from_slice(&[text("File"), text("Sizes"), text("Y")]);
        e.add("_Validation", values);
    }),
    wide("limits the wrong way round", "validation-definition", &["value-range"], |e| {
        e.set("_Validation", ("Column", text("FileSize")), "MaxValue", number(-1));
    }),
    // Values.
    wide("empty where a value has to be", "value-required", &["validation-definition"], |e| {
        e.set("_Validation", ("Column", text("VolumeLabel")), "Nullable", text("N"));
    }),
    fault("number beyond its limits", "value-range", |e| {
        e.set("_Validation", ("Column", text("LastSequence")), "MaxValue", number(2));
    }),
    fault("value outside of the set", "value-set", |e| {
        e.set("_Validation", ("Column", text("DiskId")), "MinValue", msi::Value::Null);
        e.set("_Validation", ("Column", text("DiskId")), "Set", text("2;3"));
        e.set("_Validation", ("Column", text("DiskId")), "MaxValue", msi::Value::Null);
    }),
    fault("text that is too long", "value-length", |e| {
        e.retype("There is a newer version.", "x".repeat(300).as_bytes());
    }),
    fault("language that is no number", "value-category", |e| {
        e.set("_Validation", ("Column", text("Description")), "Category", text("Language"));
    }),
    fault("GUID in lower case", "guid-syntax", |e| {
        component(e, "Settings", "ComponentId", text("{00000000-0000-0000-0000-00000000ABCD}"));
        e.retype("{00000000-0000-0000-0000-00000000ABCD}", b"{00000000-0000-0000-0000-00000000abcd}");
    }),
    fault("short name that is too long", "name-syntax", |e| {
        file(e, "File.README", "FileName", text("README-long"));
    }),
    fault("name of a device", "name-syntax", |e| file(e, "File.README", "FileName", text("nul.txt"))),
    fault("condition that Windows cannot read", "condition-syntax", |e| {
        e.retype("FOUNDDIR AND NOT Installed", b"FOUNDDIR AND AND Installed");
    }),
    fault("bracket that does not close", "formatted-syntax", |e| {
        service(e, "DisplayName", text("[ProductName"));
    }),
    fault("permissions that are none", "sddl-syntax", |e| {
        locks(e, "D:(A;;FA;;;SYSTEM)", "File", "File.README");
    }),
    fault("reference to no component", "value-reference", |e| {
        e.add("FeatureComponents", vec![text("All"), text("Nothing")]);
    }),
    // References within texts.
    fault("condition of no component", "condition-reference", |e| {
        component(e, "Settings", "Condition", text("$Nothing = 3"));
    }),
    fault("path of no file", "formatted-reference", |e| service(e, "Arguments", text("[#Nothing]"))),
    wide("property that nothing sets", "property-set", &["property-secure"], |e| {
        service(e, "Arguments", text("[NOTHING]"));
    }),
    fault("property in other case", "property-case", |e| service(e, "DisplayName", text("[Installdir]"))),
    // Summary and code page.
    wide("database in UTF-8", "code-page", &["code-page-summary"], |e| {
        e.package(|package| package.set_database_codepage(msi::CodePage::Utf8));
    }),
    fault("two code pages", "code-page-summary", |e| {
        e.summary(|info| info.set_codepage(msi::CodePage::Windows1251));
    }),
    fault("no title", "summary-texts", |e| e.summary(msi::SummaryInfo::clear_title)),
    wide("unknown processor", "summary-template", &["component-64-bit"], |e| {
        e.summary(|info| info.set_arch("x86_64"));
    }),
    fault("no package code", "summary-revision", |e| e.summary(msi::SummaryInfo::clear_uuid)),
    fault("files that should lie beside", "summary-word-count", |e| e.summary(|info| info.set_word_count(0))),
    fault("too old an installer", "summary-page-count", |e| e.summary(|info| info.set_page_count(200))),
    fault("package that may be changed", "summary-security", |e| e.summary(|info| info.set_doc_security(0))),
    fault("another language", "product-language", |e| property(e, "ProductLanguage", "1031")),
    // Properties.
    fault("no manufacturer", "property-required", |e| e.remove("Property", "Property", text("Manufacturer"))),
    fault("version beyond its limits", "product-version", |e| property(e, "ProductVersion", "1.2.65536")),
    fault("language that is a name", "product-language-number", |e| property(e, "ProductLanguage", "en")),
    fault("product code that is none", "product-codes", |e| property(e, "ProductCode", "1")),
    fault("name that is too long", "product-name", |e| property(e, "ProductName", &"x".repeat(64))),
    wide(
        "private property declared secure",
        "property-secure-list",
        &["upgrade-property", "property-secure"],
        |e| {
            property(
                e,
                "SecureCustomProperties",
                "FOUNDDIR;SERVICEACCOUNT;SERVICEPASSWORD;OLDER;NEWER;Private",
            );
        },
    ),
    fault("hidden twice", "property-hidden-list", |e| {
        property(e, "MsiHiddenProperties", "SERVICEPASSWORD;SERVICEPASSWORD");
    }),
    fault("hidden, but never set", "property-hidden-list", |e| {
        property(e, "MsiHiddenProperties", "SERVICEPASSWORD;NOTHING");
    }),
    fault("property that Windows sets", "property-read-only", |e| {
        e.add("Property", vec![text("VersionNT"), text("603")]);
    }),
    fault("account that is lost on the way", "property-secure", |e| {
        property(e, "SecureCustomProperties", "FOUNDDIR;SERVICEPASSWORD;OLDER;NEWER");
        e.add("Property", vec![text("SERVICEACCOUNT"), text("LocalSystem")]);
    }),
    fault("password in the log", "property-hidden", |e| {
        e.remove("Property", "Property", text("MsiHiddenProperties"));
    }),
    fault("secret in a target", "custom-action-hide-target", |e| {
        action(e, "Hand", 51, "SERVICEPASSWORD", "[SERVICEPASSWORD]");
    }),
    fault("password in the package", "secret-literal", |e| service(e, "Password", text("secret"))),
    // Folders and names.
    fault("second root", "directory-root", |e| {
        e.add("Directory", vec![text("SECOND"), msi::Value::Null, text("SourceDir")]);
    }),
    fault("folder in a circle", "directory-cycle", |e| {
        e.add("Directory", vec![text("ONE"), text("TWO"), text("one")]);
        e.add("Directory", vec![text("TWO"), text("ONE"), text("two")]);
    }),
    fault("long name without a short one", "directory-name", |e| {
        e.set("Directory", ("Directory", text("DATADIR")), "DefaultDir", text("LongDataFolder"));
    }),
    fault("one name for two files", "name-unique", |e| {
        file(e, "File.README", "FileName", text("PROGRAM.EXE"));
    }),
    // Components.
    fault("one code for two components", "component-guid", |e| {
        for component_name in ["Settings", COMPONENT] {
            component(e, component_name, "ComponentId", text("{00000000-0000-0000-0000-00000000ABCD}"));
        }
    }),
    fault("key path of another component", "component-key-path", |e| {
        component(e, "Component.README", "KeyPath", text("File.program.exe"));
    }),
    fault("key path in the wrong table", "component-key-path", |e| {
        component(e, "Settings", "Attributes", number(256));
    }),
    fault("folder that nothing creates", "component-folder", |e| {
        component(e, "Settings", "KeyPath", msi::Value::Null);
        component(e, "Settings", "Directory_", text("DATADIR"));
        e.remove("CreateFolder", "Directory_", text("DATADIR"));
    }),
    fault("component in no feature", "component-feature", |e| {
        e.remove("FeatureComponents", "Component_", text("Settings"));
    }),
    fault("32-bit component", "component-64-bit", |e| {
        component(e, "Component.README", "Attributes", number(0));
    }),
    fault("user's value beside the machine's", "component-per-user", |e| {
        registry(e, "User", 1, "Software\\Example", "x");
    }),
    fault("file in a user's folder", "component-profile", |e| {
        e.add("Directory", vec![text("AppDataFolder"), text("TARGETDIR"), text("AppData")]);
        component(e, "Component.README", "Directory_", text("AppDataFolder"));
    }),
    fault("permanent without a code", "component-permanent", |e| {
        component(e, "Settings", "ComponentId", msi::Value::Null);
        component(e, "Settings", "Attributes", number(260 + 16));
    }),
    // Features.
    fault("features in a circle", "feature-tree", |e| {
        e.set("Feature", ("Feature", text("All")), "Feature_Parent", text("Part"));
    }),
    fault("feature with a private folder", "feature-directory", |e| {
        e.set("_Validation", ("Category", text("UpperCase")), "Category", text("Identifier"));
        e.set("Feature", ("Feature", text("All")), "Directory_", text("ProgramFiles64Folder"));
    }),
    fault("features shown at one place", "feature-display", |e| {
        let values = ["Next", "All", "", ""].map(text).into_iter();
        let values = values.chain([number(2), number(1), msi::Value::Null, number(0)]);
        e.add("Feature", values.collect());
    }),
    fault("follows a parent that is not there", "feature-root", |e| {
        e.set("Feature", ("Feature", text("All")), "Attributes", number(2));
    }),
    wide("too many components", "feature-size", &["value-reference"], |e| {
        let rows = (0..1600).map(|n| vec![text("Part"), text(&format!("Nothing{n}"))]).collect();
        e.package(|package| package.insert_rows(msi::Insert::into("FeatureComponents").rows(rows)).unwrap());
    }),
    // Media, cabinets, streams, content.
    fault("media from 2 on", "media-sequence", |e| {
        e.remove("Media", "DiskId", number(1));
        e.add(
            "Media",
            [number(2), number(3)].into_iter().chain(["", "#files.cab", "", ""].map(text)).collect(),
        );
    }),
    wide("file on no medium", "file-sequence", &["cabinet-files", "cabinet-order"], |e| {
        file(e, "File.README", "Sequence", number(9));
    }),
    wide("one number for two files", "file-sequence", &["cabinet-order"], |e| {
        file(e, "File.README", "Sequence", number(2));
    }),
    wide("cabinet that is not there", "stream-missing", &["stream-unused"], |e| {
        e.set("Media", ("DiskId", number(1)), "Cabinet", text("#other.cab"));
    }),
    fault("stream of nobody", "stream-unused", |e| e.stream("Nobody", b"x")),
    fault("stream's name too long", "stream-name", |e| {
        e.add("Binary", vec![text(&"x".repeat(60)), msi::Value::Binary]);
    }),
    fault("cabinet that is none", "cabinet-readable", |e| {
        e.stream("files.cab", b"MSCF and then nothing of use");
    }),
    wide(
        "file that is not packed",
        "cabinet-files",
        &["value-reference", "file-hash", "component-key-path"],
        |e| {
            file(e, "File.README", "Attributes", number(0x2000));
        },
    ),
    fault("files in another order", "cabinet-order", |e| {
        file(e, "File.README", "Sequence", number(7));
        file(e, "File.program.exe", "Sequence", number(1));
        file(e, "File.README", "Sequence", number(3));
        e.package(|package| {
            let update = msi::Update::table("File").set("Sequence", number(2));
            let manual = msi::Expr::col("FileSize").eq(msi::Expr::integer(8));
            package.update_rows(update.with(manual)).unwrap();
        });
    }),
    fault("size that is not the file's", "file-size", |e| file(e, "File.README", "FileSize", number(8))),
    fault("hash that is not the file's", "file-hash", |e| {
        e.set("MsiFileHash", ("File_", text("File.README")), "HashPart3", number(1));
    }),
    wide("version of a text", "file-version", &["file-hash-versioned"], |e| {
        file(e, "File.README", "Version", text("1.0"));
    }),
    wide("hash of a file with a version", "file-hash-versioned", &["file-version"], |e| {
        file(e, "File.program.exe", "Version", text("1.0"));
    }),
    wide("icon that is none", "icon-content", &["icon-unused"], |e| icon(e, b"PNG")),
    fault("library that is none", "binary-content", |e| e.stream("Binary.Library", b"#!/bin/sh")),
    // Sequences and custom actions.
    fault("action that nobody knows", "action-known", |e| {
        e.add("InstallExecuteSequence", vec![text("Nothing"), msi::Value::Null, number(4500)]);
    }),
    fault("files before costs", "action-order", |e| sequence(e, "FileCost", 700 + 50)),
    fault("registry after the end", "action-order", |e| sequence(e, "WriteRegistryValues", 6700)),
    fault("nothing is published", "action-required", |e| {
        e.remove("InstallExecuteSequence", "Action", text("PublishFeatures"));
    }),
    fault("services that nothing installs", "action-missing", |e| {
        e.remove("InstallExecuteSequence", "Action", text("InstallServices"));
    }),
    fault("older versions that nothing removes", "action-missing", |e| {
        e.remove("InstallExecuteSequence", "Action", text("RemoveExistingProducts"));
    }),
    fault("costs under a condition", "action-condition", |e| {
        e.set("InstallExecuteSequence", ("Action", text("CostFinalize")), "Condition", text("VersionNT"));
    }),
    wide("files that are advertised", "action-advertising", &["action-order"], |e| {
        e.add("AdvtExecuteSequence", vec![text("InstallFiles"), msi::Value::Null, number(4000)]);
    }),
    fault("one number for two actions", "sequence-number", |e| sequence(e, "RegisterUser", 6100)),
    fault("removal in the middle", "remove-existing-products", |e| {
        sequence(e, "RemoveExistingProducts", 4500);
    }),
    fault("deferred after the end", "deferred-place", |e| sequence(e, "Change", 6700)),
    fault("program while the script is written", "immediate-place", |e| {
        action(e, "Run", 50, "INSTALLDIR", "");
        e.add("InstallExecuteSequence", vec![text("Run"), msi::Value::Null, number(4500)]);
    }),
    fault("folder set before costs", "custom-action-costing", |e| {
        action(e, "Folder", 35, "DATADIR", "[INSTALLDIR]x");
        e.add("InstallExecuteSequence", vec![text("Folder"), msi::Value::Null, number(60)]);
    }),
    fault("property set by a deferred action", "custom-action-type", |e| {
        action(e, "Set", 51 + 0x400, "PART", "x");
    }),
    fault("library that is not there", "custom-action-source", |e| action(e, "Call", 1, "Nothing", "Call")),
    fault("library without an entry point", "custom-action-target", |e| action(e, "Call", 1, "Library", "")),
    fault("custom action called as a standard one", "custom-action-name", |e| {
        action(e, "MoveFiles", 51, "PART", "x");
    }),
    // Upgrades.
    wide("upgrade code that is none", "upgrade-code", &["upgrade-gap"], |e| {
        e.add(
            "Upgrade",
            vec![
                text("{00000000-0000-0000-0000-00000000ABCD}"),
                text("1.0"),
                msi::Value::Null,
                msi::Value::Null,
                number(2),
                msi::Value::Null,
                text("OTHER"),
            ],
        );
        property(e, "SecureCustomProperties", "FOUNDDIR;SERVICEACCOUNT;SERVICEPASSWORD;OLDER;NEWER;OTHER");
        e.set("_Validation", ("Column", text("UpgradeCode")), "Category", text("Text"));
        e.retype("{00000000-0000-0000-0000-00000000ABCD}", b"{00000000-0000-0000-0000-00000000abcd}");
    }),
    fault("found version that is lost", "upgrade-property", |e| {
        property(e, "SecureCustomProperties", "FOUNDDIR;SERVICEACCOUNT;SERVICEPASSWORD;NEWER");
    }),
    wide("no version in the range", "upgrade-range", &["upgrade-gap"], |e| {
        e.add(
            "Upgrade",
            vec![
                text(&format!("{{{UPGRADE_CODE}}}")),
                text("2.0"),
                text("1.0"),
                msi::Value::Null,
                number(2),
                msi::Value::Null,
                text("FOUNDDIR"),
            ],
        );
    }),
    fault("newer version that goes unnoticed", "upgrade-downgrade", |e| {
        e.set(
            "LaunchCondition",
            ("Description", text("There is a newer version.")),
            "Description",
            text("x"),
        );
        e.retype("Installed OR NOT NEWER", b"Installed OR NOT OLDER");
    }),
    fault("version that no row finds", "upgrade-gap", |e| {
        e.remove("Upgrade", "ActionProperty", text("OLDER"));
    }),
    fault("newer version that is removed", "upgrade-newer", |e| {
        e.remove("Upgrade", "ActionProperty", text("NEWER"));
        e.add(
            "Upgrade",
            vec![
                text(&format!("{{{UPGRADE_CODE}}}")),
                text("1.2.3"),
                msi::Value::Null,
                msi::Value::Null,
                number(0),
                msi::Value::Null,
                text("NEWER"),
            ],
        );
    }),
    // Services, registry, other tables.
    fault("service that is a text", "service-key-path", |e| {
        service(e, "Component_", text("Component.README"));
        e.set("MsiServiceConfig", ("Event", number(5)), "Component_", text("Component.README"));
    }),
    fault("driver", "service-type", |e| service(e, "ServiceType", number(1))),
    fault("password without an account", "service-account", |e| service(e, "StartName", msi::Value::Null)),
    fault("service that stays", "service-control", |e| {
        e.set("ServiceControl", ("Name", text("example")), "Event", number(3 | 0x20));
    }),
    fault("configuration of no service", "service-config", |e| {
        e.set("MsiServiceConfig", ("Event", number(5)), "Name", text("other"));
    }),
    wide("root that there is not", "registry-root", &["value-range"], |e| {
        e.set("_Validation", ("Column", text("Root")), "MaxValue", number(9));
        registry(e, "Far", 9, "SOFTWARE\\Example", "x");
    }),
    fault("key with its root", "registry-key", |e| registry(e, "Far", 2, "HKLM\\SOFTWARE\\Example", "x")),
    fault("number that is none", "registry-value", |e| registry(e, "Far", 2, "SOFTWARE\\Example", "#twelve")),
    fault("key of the installer", "registry-private", |e| {
        registry(e, "Far", 2, "SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Installer\\X", "x");
    }),
    fault("one value twice", "registry-hive", |e| {
        e.add(
            "Registry",
            vec![
                text("Again"),
                number(2),
                text("Software\\Example"),
                text("FOLDER"),
                text("x"),
                text("Settings"),
            ],
        );
    }),
    fault("search for nothing", "search-signature", |e| {
        e.add("AppSearch", vec![text("FOUNDDIR"), text("Nothing")]);
    }),
    fault("search into a private property", "search-property", |e| {
        e.add("AppSearch", vec![text("Found"), text("Found")]);
    }),
    fault("permissions of nothing", "lock-object", |e| locks(e, "D:(A;;FA;;;SY)", "File", "Nothing")),
    fault("two kinds of permissions", "lock-tables", |e| {
        locks(e, "D:(A;;FA;;;SY)", "File", "File.README");
        let columns = vec![key("LockObject"), key("Table"), name("User")];
        e.table("LockPermissions", columns);
        e.add("LockPermissions", ["File.README", "File", "Administrators"].map(text).to_vec());
    }),
    wide("variable without a name", "environment-name", &["action-missing"], |e| {
        let plain = |column: &str| msi::Column::build(column).text_string(255);
        e.table("Environment", vec![key("Environment"), plain("Name"), plain("Value"), name("Component_")]);
        e.add("Environment", ["Path", "=-*", "x", "Settings"].map(text).to_vec());
    }),
    wide("shortcut of another feature", "shortcut-target", &["action-missing"], |e| {
        let columns = vec![key("Shortcut"), name("Component_"), name("Target")];
        e.table("Shortcut", columns);
        e.add("Shortcut", ["Start", COMPONENT, "Part"].map(text).to_vec());
    }),
    fault("icon of nobody", "icon-unused", |e| icon(e, &[0, 0, 1, 0])),
    wide("folder of no component", "create-folder", &["value-reference"], |e| {
        e.add("CreateFolder", vec![text("INSTALLDIR"), text("Nothing")]);
    }),
];

/// Permissions for one object.
fn locks(editor: &mut Editor, sddl: &str, table: &str, object: &str) {
    let descriptor = msi::Column::build("SDDLText").category(msi::Category::FormattedSddlText).string(0);
    let columns = vec![key("MsiLockPermissionsEx"), name("LockObject"), name("Table"), descriptor];
    editor.table("MsiLockPermissionsEx", columns);
    editor.add("MsiLockPermissionsEx", ["Locks", object, table, sddl].map(text).to_vec());
}

/// An icon with some content.
fn icon(editor: &mut Editor, content: &[u8]) {
    let data = msi::Column::build("Data").category(msi::Category::Binary).binary();
    editor.table("Icon", vec![key("Name"), data]);
    editor.package(|package| {
        package.insert_rows(msi::Insert::into("Icon").row(vec![text("icon"), msi::Value::Binary])).unwrap();
        package.write_stream("Icon.icon").unwrap().write_all(content).unwrap();
    });
}
