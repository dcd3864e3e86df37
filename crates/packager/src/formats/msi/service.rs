//! The Windows service.
//!
//! It belongs to the program's component, as Windows Installer demands, and the program is always
//! installed; so `INSTALLSERVICE` and `STARTSERVICE` decide about actions, not about components.
//!
//! The account is LocalSystem: the service must move reports that any account of the station has dropped
//! into the watch folder, and until the installer sets access rights on that folder, no lesser account may.

use super::{FEATURE, INSTALL_FOLDER, program};
use crate::Package;
use anyhow::Result;
use windows_installer::files::COMPONENT_64_BIT;
use windows_installer::{Database, FileSet, guid, row};

/// When a service is deleted: not by the removal that is part of an upgrade. The condition that counts
/// is that of the *old* package, so it must be right from the first release on.
pub(super) const DELETE: &str = "VersionNT AND NOT UPGRADINGPRODUCTCODE";
/// When the service is registered.
pub(super) const INSTALL: &str = "VersionNT AND NOT (INSTALLSERVICE = \"0\")";
/// When start mode and recovery are set.
pub(super) const CONFIGURE: &str = INSTALL;
/// When the service is started.
pub(super) const START: &str = "VersionNT AND NOT (INSTALLSERVICE = \"0\") AND NOT (STARTSERVICE = \"0\")";
/// When the component that removes a service is installed.
const UNWANTED: &str = "INSTALLSERVICE = \"0\"";

/// SERVICE_WIN32_OWN_PROCESS.
const OWN_PROCESS: i32 = 0x10;
/// SERVICE_AUTO_START.
const AUTO_START: i32 = 2;
/// SERVICE_ERROR_NORMAL, and the installation fails if the service cannot be registered.
const ERROR_NORMAL_VITAL: i32 = 1 | 0x8000;

/// Events of `ServiceControl`: what happens to a service when the component is installed or removed.
const START_ON_INSTALL: i32 = 0x1;
const STOP_ON_INSTALL: i32 = 0x2;
const DELETE_ON_INSTALL: i32 = 0x8;
const STOP_ON_REMOVAL: i32 = 0x20;
const DELETE_ON_REMOVAL: i32 = 0x80;

/// Events of `MsiServiceConfig`: when the component is installed, and when it is repaired.
const ON_INSTALL_AND_REPAIR: i32 = 0x1 | 0x4;
/// SERVICE_CONFIG_DELAYED_AUTO_START_INFO.
const DELAYED_AUTO_START: i32 = 3;
/// `msidbComponentAttributesTransitive`: the condition is looked at again by every repair.
const COMPONENT_TRANSITIVE: i32 = 0x40;

/// Recovery: restart a minute after each failure; the count of failures starts anew after a day.
const RESET_SECONDS: i32 = 86_400;
const RECOVERY_ACTIONS: &str = "1[~]1[~]1";
const RECOVERY_DELAYS_MS: &str = "60000[~]60000[~]60000";

pub(super) fn add(database: &mut Database, package: &Package<'_>, codes: &guid::Product) -> Result<()> {
    let service = &package.product.service;
    let name = literal(&service.name);
    let component = FileSet::component_key(program(&package.payload)?);
    let arguments: Vec<String> = service.windows_arguments.iter().map(|argument| quote(argument)).collect();
    database.add(
        "ServiceInstall",
        row! {
            ServiceInstall: "Service",
            Name: &name,
            DisplayName: literal(&package.product.display_name),
            ServiceType: OWN_PROCESS,
            StartType: AUTO_START,
            ErrorControl: ERROR_NORMAL_VITAL,
            Arguments: literal(&arguments.join(" ")),
            Component_: &component,
            Description: literal(&service.description),
        },
    )?;
    database.add(
        "MsiServiceConfig",
        row! { MsiServiceConfig: "Service.DelayedStart", Name: &name,
        Event: ON_INSTALL_AND_REPAIR, ConfigType: DELAYED_AUTO_START, Argument: "1", Component_: &component },
    )?;
    database.add(
        "MsiServiceConfigFailureActions",
        row! {
            MsiServiceConfigFailureActions: "Service.Recovery",
            Name: &name,
            Event: ON_INSTALL_AND_REPAIR,
            ResetPeriod: RESET_SECONDS,
            Actions: RECOVERY_ACTIONS,
            DelayActions: RECOVERY_DELAYS_MS,
            Component_: &component,
        },
    )?;

    let unwanted = "NoService";
    database.add("Component", row! { Component: unwanted, ComponentId: codes.component(unwanted),
        Directory_: INSTALL_FOLDER, Attributes: COMPONENT_64_BIT | COMPONENT_TRANSITIVE, Condition: UNWANTED })?;
    database.add("FeatureComponents", row! { Feature_: FEATURE, Component_: unwanted })?;
    let events = START_ON_INSTALL | STOP_ON_INSTALL | STOP_ON_REMOVAL | DELETE_ON_REMOVAL;
    let controls =
        [("Service", events, component.as_str()), (unwanted, STOP_ON_INSTALL | DELETE_ON_INSTALL, unwanted)];
    for (key, events, component) in controls {
        database.add(
            "ServiceControl",
            row! { ServiceControl: key, Name: &name, Event: events, Wait: 1,
            Component_: component },
        )?;
    }
    Ok(())
}

/// A text for a column of category Formatted, in which brackets would stand for properties.
fn literal(text: &str) -> String {
    let escape = |c| match c {
        '[' | ']' => format!("[\\{c}]"),
        other => other.to_string(),
    };
    text.chars().map(escape).collect()
}

/// An argument as a Windows command line has it.
fn quote(argument: &str) -> String {
    if !argument.is_empty() && !argument.contains([' ', '\t', '"']) {
        return argument.to_owned();
    }
    // Backslashes are doubled where a quotation mark follows, as CommandLineToArgvW wants it.
    let mut quoted = String::from("\"");
    let mut backslashes = 0;
    for c in argument.chars() {
        let extra = if c == '"' { backslashes + 1 } else { 0 };
        quoted.extend(std::iter::repeat_n('\\', extra));
        quoted.push(c);
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
    }
    quoted.extend(std::iter::repeat_n('\\', backslashes));
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: an argument would reach the program changed, by the rules of CommandLineToArgvW.
    #[test]
    fn quotes_arguments() {
        for (argument, quoted) in [
            ("run", "run"),
            ("", "\"\""),
            ("a b", "\"a b\""),
            (r"C:\a b\", r#""C:\a b\\""#),
            (r#"say "hi""#, r#""say \"hi\"""#),
            (r#"a\"b"#, r#""a\\\"b""#),
            (r"a\b", r"a\b"),
        ] {
            assert_eq!(quote(argument), quoted, "{argument}");
        }
    }

    /// Fails if: brackets in a name are taken for a property.
    #[test]
    fn escapes_brackets() {
        assert_eq!(literal("a[b]c"), "a[\\[]b[\\]]c");
    }
}
