//! The Windows service.
//!
//! It belongs to the program's component, as Windows Installer demands, and the program is always installed;
//! whether it is registered and started is decided by the action `Prepare`, which looks at what is there.
//!
//! A new service runs under an account of its own without a password (`NT SERVICE\name`), which may do no more
//! than a standard user. Start, recovery and the rest are set by the action `ConfigureService` and not by the
//! tables made for it, `MsiServiceConfig` and `MsiServiceConfigFailureActions`: these would set them anew with
//! each upgrade, and are documented not to work as one expects.

use super::actions::{self, record};
use super::features;
use super::program;
use crate::Package;
use anyhow::Result;
use windows_installer::{Database, FileSet, row};

/// When Windows Installer deletes the service: where there is no rollback, and so no commit either. Otherwise the
/// action `RemoveService` does, as the very last thing: a service that was deleted comes back without its password,
/// recovery and identity. Neither happens in the removal that is part of an upgrade. The condition that counts is that
/// of the *old* package, so it must be right from the first release on.
pub(super) const DELETE: &str = "VersionNT AND RollbackDisabled AND NOT UPGRADINGPRODUCTCODE";
/// When the service is registered: `Prepare` decides.
pub(super) const INSTALL: &str = "VersionNT AND REGISTERSERVICE";
/// When the service is started: `Prepare` decides.
pub(super) const START: &str = "VersionNT AND RUNSERVICE";

/// SERVICE_WIN32_OWN_PROCESS.
const OWN_PROCESS: i32 = 0x10;
/// SERVICE_AUTO_START.
const AUTO_START: i32 = 2;
/// SERVICE_ERROR_NORMAL, and the installation fails if the service cannot be registered.
const ERROR_NORMAL_VITAL: i32 = 1 | 0x8000;

/// Events of `ServiceControl`: what happens to a service when the component is installed or removed.
const START_ON_INSTALL: i32 = 0x1;
const STOP_ON_INSTALL: i32 = 0x2;
const STOP_ON_REMOVAL: i32 = 0x20;
const DELETE_ON_REMOVAL: i32 = 0x80;

/// Recovery: how long after a failure the service is started again.
pub const RESTART_DELAY_SECONDS: u32 = 60;
/// After how long without a failure the count starts anew.
pub const RESTART_RESET_SECONDS: u32 = 86_400;
/// How long a shutdown of the machine waits for the service, which needs ten seconds at most.
pub const PRESHUTDOWN_SECONDS: u32 = 30;

pub(super) fn add(database: &mut Database, package: &Package<'_>) -> Result<()> {
    let service = package.product.service()?;
    let name = literal(&service.name);
    let file = program(&package.payload)?;
    let component = FileSet::component_key(file);
    let arguments: Vec<String> = service.windows_arguments.iter().map(|argument| quote(argument)).collect();
    let arguments = literal(&arguments.join(" "));
    database.add(
        "ServiceInstall",
        row! {
            ServiceInstall: "Service",
            Name: &name,
            DisplayName: literal(&package.product.display_name),
            ServiceType: OWN_PROCESS,
            StartType: AUTO_START,
            ErrorControl: ERROR_NORMAL_VITAL,
            StartName: "[SERVICEACCOUNT]",
            Password: "[SERVICEPASSWORD]",
            Arguments: &arguments,
            Component_: &component,
            Description: literal(&service.description),
        },
    )?;
    database.add(
        "ServiceControl",
        row! { ServiceControl: "Service", Name: &name,
        Event: START_ON_INSTALL | STOP_ON_INSTALL | STOP_ON_REMOVAL | DELETE_ON_REMOVAL, Wait: 1,
        Component_: &component },
    )?;

    let named = record(&["name", &name])?;
    let display = record(&["display", &literal(&package.product.display_name)])?;
    let command = format!("\"[#{}]\" {arguments}", FileSet::file_key(file));
    let number = |name: &str, seconds: u32| record(&[name, &seconds.to_string()]);
    actions::add_data(
        database,
        "Prepare",
        &[
            named.clone(),
            record(&["feature", features::SERVICE])?,
            record(&["default_account", &format!(r"NT SERVICE\{name}")])?,
        ],
    )?;
    actions::add_data(
        database,
        "ConfigureService",
        &[
            named.clone(),
            display.clone(),
            record(&["description", &literal(&service.description)])?,
            record(&["command", &command])?,
            number("restart_delay_seconds", RESTART_DELAY_SECONDS)?,
            number("restart_reset_seconds", RESTART_RESET_SECONDS)?,
            number("preshutdown_seconds", PRESHUTDOWN_SECONDS)?,
        ],
    )?;
    actions::add_data(database, "RestoreService", &[named.clone(), display])?;
    actions::add_data(database, "RemoveService", &[named])?;
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
