//! Faults of the database itself: its file, values, texts, summary and properties.

use crate::Fault;
use crate::edit::{number, text};
use crate::faults::*;

/// The stream of the table `CreateFolder`, which has one row, and of `LaunchCondition`.
const CREATE_FOLDER: &str = "\u{4840}\u{464e}\u{4468}\u{3db7}\u{44e4}\u{4333}\u{4835}";
/// The stream of the table `Property`.
const PROPERTY: &str = "\u{4840}\u{4559}\u{44f2}\u{4568}\u{4737}";
/// The stream of `_Tables`.
const TABLES: &str = "\u{4840}\u{3f7f}\u{4164}\u{422f}\u{4836}";

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
    wide("no table of features", "table-required", &["component-feature"], |e| {
        e.package(|package| package.drop_table("FeatureComponents").unwrap());
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
    fault("database in no code page", "code-page", |e| {
        e.raw(crate::edit::POOL, |pool| pool[..2].copy_from_slice(&12_345_u16.to_le_bytes()));
    }),
    fault("texts that need a code page", "code-page", |e| {
        e.raw(crate::edit::POOL, |pool| pool[..2].fill(0));
    }),
    fault("summary in UTF-8", "code-page-summary", |e| {
        e.raw("\u{5}SummaryInformation", |content| {
            let windows_1252 = [2, 0, 0, 0, 0xe4, 4];
            let at = content.windows(6).position(|window| window == windows_1252).unwrap();
            content[at + 4..at + 6].copy_from_slice(&65001_u16.to_le_bytes());
        });
    }),
    fault("no title", "summary-texts", |e| e.summary(msi::SummaryInfo::clear_title)),
    wide("unknown processor", "summary-template", &["component-64-bit"], |e| {
        e.summary(|info| info.set_arch("x86_64"));
    }),
    fault("no package code", "summary-revision", |e| e.summary(msi::SummaryInfo::clear_uuid)),
    wide("files that should lie beside", "summary-word-count", &["cabinet-files"], |e| {
        e.summary(|info| info.set_word_count(0));
    }),
    fault("too old an installer", "summary-page-count", |e| configuration(e, "example")),
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
    fault("property that Windows sets", "property-reserved", |e| {
        e.add("Property", vec![text("VersionNT"), text("603")]);
    }),
    fault("features that are chosen for ever", "property-reserved", |e| {
        e.add("Property", vec![text("ADDLOCAL"), text("ALL")]);
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
];
