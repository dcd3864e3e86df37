//! What is unusual, but right: other people's packages have it, and no rule may object.

use crate::edit::{Editor, number, text};
use crate::faults::*;
use windows_installer::row;

/// One way to change a good database without harm.
pub(crate) type Change = (&'static str, fn(&mut Editor));

/// Sets the code page of the database, whatever it is.
fn code_page(editor: &mut Editor, number: u16) {
    editor.raw(crate::edit::POOL, |pool| pool[..2].copy_from_slice(&number.to_le_bytes()));
}

pub(crate) const CHANGES: &[Change] = &[
    // The file, its summary and properties.
    ("Thai", |e| {
        code_page(e, 874);
        // A letter that 874 has, and 1252 does not.
        e.retype("There is a newer version.", b"a\x81b\xa1");
    }),
    ("UTF-8, with a summary in 1252", |e| {
        e.retype("Prüfling", "Prüfling".as_bytes());
        code_page(e, 65001);
    }),
    ("any language", |e| e.summary(|info| info.set_languages(&[]))),
    ("files that replace all others", |e| {
        e.add("Property", vec![text("REINSTALLMODE"), text("amus")]);
    }),
    ("secret from the command line", |e| {
        action(e, "Greet", 51 + 0x2000, "GREETING", "[GREETING_SECRET]");
        property(e, "MsiHiddenProperties", "SERVICEPASSWORD;GREETING_SECRET;GREETING");
    }),
    // What is installed.
    ("product that is never upgraded", |e| {
        e.remove("Property", "Property", text("UpgradeCode"));
    }),
    ("features of different fragments", |e| {
        let row = row! { Feature: "Next", Feature_Parent: "All", Display: 2, Level: 1, Attributes: 0 };
        e.row("Feature", row);
    }),
    ("medium without files", |e| {
        e.row("Media", row! { DiskId: 2, LastSequence: 0 });
    }),
    ("message about a newer version", |e| {
        e.add("Property", vec![text("MESSAGE"), text("There is a newer version.")]);
        action(e, "Stop", 19, "", "[MESSAGE]");
        e.add("InstallExecuteSequence", vec![text("Stop"), text("NEWER"), number(60)]);
    }),
    ("folder with a name that begins like a property", |e| {
        e.add("Directory", vec![text("MSIDATA"), text("TARGETDIR"), text("data")]);
    }),
    ("files of one number beside the package", |e| {
        e.summary(|info| info.set_word_count(0));
        e.package(|package| {
            package.update_rows(msi::Update::table("Media").set("Cabinet", msi::Value::Null)).unwrap();
            package.update_rows(msi::Update::table("File").set("Sequence", number(1))).unwrap();
            package.remove_stream("files.cab").unwrap();
        });
    }),
    ("other build of this version that stays", |e| {
        e.remove("Upgrade", "ActionProperty", text("OLDER"));
        upgrade(e, "", "1.2.3", 1, "OLDER");
    }),
    // Services and registry.
    ("service with a desktop", |e| {
        service(e, "ServiceType", number(0x110));
        service(e, "StartName", text("LOCALSYSTEM"));
        service(e, "Password", msi::Value::Null);
    }),
    ("service in a shared process", |e| service(e, "ServiceType", number(0x20))),
    ("service that is stopped by its name in upper case", |e| {
        e.set("ServiceControl", ("Name", text("example")), "Name", text("EXAMPLE"));
    }),
    ("configuration of another service", |e| {
        configuration(e, "Spooler");
        e.summary(|info| info.set_page_count(500));
    }),
    ("values called as signs for keys", |e| {
        for (key, name) in [("Star", "*"), ("Plus", "+"), ("Minus", "-")] {
            let values = [text(key), number(2), text("SOFTWARE\\Example")].into_iter();
            e.add("Registry", values.chain([name, "x", "Settings"].map(text)).collect());
        }
    }),
    ("two rows that add to a list", |e| {
        for (key, value) in [("One", "[~]a"), ("Two", "[~]b"), ("Three", "c[~]")] {
            let values = [text(key), number(2), text("SOFTWARE\\Example")].into_iter();
            e.add("Registry", values.chain(["List", value, "Settings"].map(text)).collect());
        }
    }),
];

pub(crate) const DIALOGS: &[Change] = &[
    ("no user interface, but dialogs", |e| {
        e.add("Property", vec![text("LIMITUI"), text("1")]);
        e.remove("AdminUISequence", "Action", text("Failed"));
    }),
    ("progress of an action", |e| {
        e.add("EventMapping", ["Errors", "ErrorText", "InstallFiles", "Progress"].map(text).to_vec());
    }),
    ("picture from edge to edge", |e| {
        e.set("Control", ("Control", text("Picture")), "X", number(0));
        e.set("Control", ("Control", text("Picture")), "Width", number(102));
    }),
];
