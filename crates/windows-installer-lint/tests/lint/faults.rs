//! What the tables of faults are written with.

use crate::Fault;
use crate::edit::{Editor, number, text};
use windows_installer::{Cell, row};

pub(crate) const fn fault(name: &'static str, rule: &'static str, damage: fn(&mut Editor)) -> Fault {
    Fault { name, rule, also: &[], damage }
}

pub(crate) const fn wide(
    name: &'static str,
    rule: &'static str,
    also: &'static [&'static str],
    damage: fn(&mut Editor),
) -> Fault {
    Fault { name, rule, also, damage }
}

pub(crate) fn property(editor: &mut Editor, name: &str, value: &str) {
    editor.set("Property", ("Property", text(name)), "Value", text(value));
}

pub(crate) fn sequence(editor: &mut Editor, action: &str, place: i32) {
    editor.set("InstallExecuteSequence", ("Action", text(action)), "Sequence", number(place));
}

pub(crate) fn component(editor: &mut Editor, name: &str, column: &str, value: msi::Value) {
    editor.set("Component", ("Component", text(name)), column, value);
}

pub(crate) fn action(editor: &mut Editor, name: &str, kind: i32, source: &str, target: &str) {
    editor.row("CustomAction", row! { Action: name, Type: kind, Source: source, Target: target });
}

pub(crate) fn registry(editor: &mut Editor, key: &str, root: i32, path: &str, value: &str) {
    let values = vec![text(key), number(root), text(path), text(key), text(value), text("Settings")];
    editor.add("Registry", values);
}

pub(crate) fn file(editor: &mut Editor, key: &str, column: &str, value: msi::Value) {
    editor.set("File", ("File", text(key)), column, value);
}

pub(crate) fn service(editor: &mut Editor, column: &str, value: msi::Value) {
    editor.set("ServiceInstall", ("ServiceInstall", text("Service")), column, value);
}

pub(crate) fn name(column: &str) -> msi::Column {
    msi::Column::build(column).id_string(72)
}

pub(crate) fn key(column: &str) -> msi::Column {
    msi::Column::build(column).primary_key().id_string(72)
}

/// Permissions for one object.
pub(crate) fn locks(editor: &mut Editor, sddl: &str, table: &str, object: &str) {
    let descriptor = msi::Column::build("SDDLText").category(msi::Category::FormattedSddlText).string(0);
    let columns = vec![key("MsiLockPermissionsEx"), name("LockObject"), name("Table"), descriptor];
    editor.table("MsiLockPermissionsEx", columns);
    editor.summary(|info| info.set_page_count(500));
    editor.add("MsiLockPermissionsEx", ["Locks", object, table, sddl].map(text).to_vec());
}

/// An icon with some content.
pub(crate) fn icon(editor: &mut Editor, content: &[u8]) {
    editor.row("Icon", row! { Name: "icon", Data: Cell::Stream(Vec::new()) });
    editor.stream("Icon.icon", content);
}

/// An environment variable.
pub(crate) fn variable(editor: &mut Editor, name: &str, value: &str) {
    editor.row("Environment", row! { Environment: "Path", Name: name, Value: value, Component_: "Settings" });
}

/// A shortcut to the program.
pub(crate) fn shortcut(editor: &mut Editor, target: &str, icon: &str) {
    let component = crate::good::COMPONENT;
    let row = row! { Shortcut: "Start", Directory_: "INSTALLDIR", Name: "start", Component_: component,
    Target: target, Icon_: icon };
    editor.row("Shortcut", row);
}

/// What an upgrade finds.
pub(crate) fn upgrade(editor: &mut Editor, min: &str, max: &str, attributes: i32, property: &str) {
    let code = format!("{{{}}}", crate::good::UPGRADE_CODE);
    let row = row! { UpgradeCode: code, VersionMin: min, VersionMax: max, Attributes: attributes,
    ActionProperty: property };
    editor.row("Upgrade", row);
}

/// How the service is to be configured.
pub(crate) fn configuration(editor: &mut Editor, service: &str) {
    let plain = |column: &str| msi::Column::build(column).text_string(255);
    editor.table("MsiServiceConfig", vec![key("MsiServiceConfig"), plain("Name"), name("Component_")]);
    editor.add("MsiServiceConfig", ["Delayed", service, crate::good::COMPONENT].map(text).to_vec());
    editor.add("InstallExecuteSequence", vec![text("MsiConfigureServices"), msi::Value::Null, number(5850)]);
}
