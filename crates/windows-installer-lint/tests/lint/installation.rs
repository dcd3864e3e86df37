//! Faults in what is installed, and when.

use crate::Fault;
use crate::edit::{number, text};
use crate::faults::*;
use crate::good::COMPONENT;
use windows_installer::row;

pub(crate) const FAULTS: &[Fault] = &[
    // Folders and names.
    fault("second root", "directory-root", |e| {
        e.add("Directory", vec![text("SECOND"), msi::Value::Null, text("SourceDir")]);
    }),
    fault("folder called as a property", "directory-reserved", |e| {
        e.add("Directory", vec![text("REBOOT"), text("TARGETDIR"), text("reboot")]);
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
    wide("folder that stays in a profile", "profile-folder", &["component-profile"], |e| {
        e.add("Directory", vec![text("AppDataFolder"), text("TARGETDIR"), text("AppData")]);
        e.add("Directory", vec![text("MYDATA"), text("AppDataFolder"), text("mine")]);
        component(e, "Component.README", "Directory_", text("MYDATA"));
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
        e.row("Media", row! { DiskId: 2, LastSequence: 3, Cabinet: "#files.cab" });
    }),
    wide("media that overlap", "media-sequence", &["file-sequence"], |e| {
        e.row("Media", row! { DiskId: 2, LastSequence: 1 });
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
    fault("cabinet that claims too much", "cabinet-readable", |e| {
        let mut cabinet = e.read_stream("files.cab");
        let table = usize::try_from(u32::from_le_bytes(cabinet[16..20].try_into().unwrap())).unwrap();
        cabinet[table..table + 4].fill(0xff);
        e.stream("files.cab", &cabinet);
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
    wide("version of a text", "file-version", &["file-hash-versioned", "file-language"], |e| {
        file(e, "File.README", "Version", text("1.0"));
    }),
    wide("version without a language", "file-language", &["file-version", "file-hash-versioned"], |e| {
        file(e, "File.program.exe", "Version", text("1.0"));
    }),
    wide("hash of a file with a version", "file-hash-versioned", &["file-version", "file-language"], |e| {
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
    fault("folder set too late", "custom-action-costing", |e| sequence(e, "Restore", 1050)),
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
        let code = "{00000000-0000-0000-0000-00000000ABCD}";
        let row = row! { UpgradeCode: code, VersionMin: "1.0", Attributes: 2, ActionProperty: "OTHER" };
        e.row("Upgrade", row);
        property(e, "SecureCustomProperties", "FOUNDDIR;SERVICEACCOUNT;SERVICEPASSWORD;OLDER;NEWER;OTHER");
        e.set("_Validation", ("Column", text("UpgradeCode")), "Category", text("Text"));
        e.retype("{00000000-0000-0000-0000-00000000ABCD}", b"{00000000-0000-0000-0000-00000000abcd}");
    }),
    fault("found version that is lost", "upgrade-property", |e| {
        property(e, "SecureCustomProperties", "FOUNDDIR;SERVICEACCOUNT;SERVICEPASSWORD;NEWER");
    }),
    wide("no version in the range", "upgrade-range", &["upgrade-gap"], |e| {
        upgrade(e, "2.0", "1.0", 2, "FOUNDDIR");
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
        upgrade(e, "1.2.3", "", 0, "NEWER");
    }),
    // Services, registry, other tables.
    fault("service that is a text", "service-key-path", |e| {
        service(e, "Component_", text("Component.README"));
    }),
    fault("driver", "service-type", |e| service(e, "ServiceType", number(1))),
    fault("password without an account", "service-account", |e| service(e, "StartName", msi::Value::Null)),
    fault("service that stays", "service-control", |e| {
        e.set("ServiceControl", ("Name", text("example")), "Event", number(3 | 0x20));
    }),
    wide("configuration in another component", "service-config", &["summary-page-count"], |e| {
        configuration(e, "Example");
        e.set("MsiServiceConfig", ("Name", text("Example")), "Component_", text("Settings"));
    }),
    fault("account in a shared process", "service-type", |e| {
        service(e, "ServiceType", number(0x20));
        service(e, "StartName", text("NT AUTHORITY\\LocalService"));
    }),
    fault("account with a desktop", "service-type", |e| {
        service(e, "ServiceType", number(0x110));
        service(e, "StartName", text("Somebody"));
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
        let row = row! { Registry: "Again", Root: 2, Key: "Software\\Example", Name: "FOLDER", Value: "x",
        Component_: "Settings" };
        e.row("Registry", row);
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
    wide("variable without a name", "environment-name", &["action-missing"], |e| variable(e, "=-*", "x")),
    wide("shortcut of another feature", "shortcut-target", &["action-missing", "value-reference"], |e| {
        shortcut(e, "Part", "icon.ico");
    }),
    wide("value in the middle of a variable", "environment-name", &["action-missing"], |e| {
        variable(e, "=-*PATH", "x[~];y");
    }),
    wide("separator that is a letter", "environment-name", &["action-missing"], |e| {
        variable(e, "=-*PATH", "[~]x");
    }),
    wide("variable that is kept and extended", "environment-name", &["action-missing"], |e| {
        variable(e, "+PATH", "[~];x");
    }),
    wide("shortcut for one user", "shortcut-key-path", &["action-missing", "value-reference"], |e| {
        e.remove("Property", "Property", text("ALLUSERS"));
        shortcut(e, "[INSTALLDIR]program.exe", "icon.ico");
    }),
    wide("icon that is not shown", "icon-name", &["action-missing", "value-reference"], |e| {
        shortcut(e, "All", "icon");
    }),
    fault("bits without a meaning", "reserved-bits", |e| file(e, "File.README", "Attributes", number(0x208))),
    fault("icon of nobody", "icon-unused", |e| icon(e, &[0, 0, 1, 0])),
    wide("folder of no component", "create-folder", &["value-reference"], |e| {
        e.add("CreateFolder", vec![text("INSTALLDIR"), text("Nothing")]);
    }),
];
