//! Services.

use super::filename;
use super::read::{Msi, Row};
use super::report::{Report, rules};

rules! {
    PROGRAM "service-key-path"
        "The key path of a service's component is a program."
        "msi/serviceinstall-table";
    TYPE "service-type"
        "Type, start and error control of a service are ones that Windows Installer can install."
        "msi/serviceinstall-table";
    ACCOUNT "service-account"
        "A password is for an account."
        "msi/serviceinstall-table";
    CONTROL "service-control"
        "A service that is installed is stopped and deleted when it is uninstalled."
        "msi/servicecontrol-table";
    CONFIG "service-config"
        "What is configured is a service that the package installs, in the same component."
        "msi/msiserviceconfig-table";
}

/// `ServiceType`: a process of its own or a shared one, and the bit for a desktop.
const OWN_PROCESS: i32 = 0x10;
const SHARED_PROCESS: i32 = 0x20;
const INTERACTIVE: i32 = 0x100;
/// `ErrorControl`: the installation fails if the service cannot be installed.
const VITAL: i32 = 0x8000;
/// `ServiceControl.Event` when a component is uninstalled.
const UNINSTALL_STOP: i32 = 0x20;
const UNINSTALL_DELETE: i32 = 0x80;

pub(super) fn check(msi: &Msi, report: &mut Report) {
    for row in msi.rows("ServiceInstall") {
        program(msi, row, report);
        types(row, report);
        if !row.text("Password").is_empty() && row.text("StartName").is_empty() {
            report.value(
                ACCOUNT,
                row,
                "Password",
                "there is no account to it: fill in StartName, or leave it empty",
            );
        }
        let events = msi.rows("ServiceControl").filter(|control| control.text("Name") == row.text("Name"));
        let events = events.fold(0, |bits, control| bits | control.bits("Event"));
        for (bit, what) in [(UNINSTALL_STOP, "stopped"), (UNINSTALL_DELETE, "deleted")] {
            if events & bit == 0 {
                let message =
                    format!("is not {what} when it is uninstalled: add {bit} to its Event in ServiceControl");
                report.row(CONTROL, row, message);
            }
        }
    }
    for table in ["MsiServiceConfig", "MsiServiceConfigFailureActions"] {
        for row in msi.rows(table) {
            let is_same = |service: &Row<'_>| {
                service.text("Name") == row.text("Name")
                    && service.text("Component_") == row.text("Component_")
            };
            let name = row.text("Name");
            if msi.has_rows("ServiceInstall")
                && !name.contains('[')
                && !msi.rows("ServiceInstall").any(|s| is_same(&s))
            {
                let message =
                    format!("no service {name} is installed by the component {}", row.text("Component_"));
                report.value(CONFIG, row, "Name", message);
            }
        }
    }
}

fn program(msi: &Msi, row: Row<'_>, report: &mut Report) {
    let Some(component) = msi.row("Component", row.text("Component_")) else { return };
    let file = msi.row("File", component.text("KeyPath"));
    let name = file.map_or("", |file| filename::split(file.text("FileName")).1);
    if !name.to_lowercase().ends_with(".exe") {
        let message = format!(
            "the key path of {} is not a file *.exe: make the service's program its key path",
            row.text("Component_")
        );
        report.value(PROGRAM, row, "Component_", message);
    }
}

fn types(row: Row<'_>, report: &mut Report) {
    let kind = row.bits("ServiceType");
    if !matches!(kind & !INTERACTIVE, OWN_PROCESS | SHARED_PROCESS) {
        let message = format!("{kind} is no service that can be installed: 16 is one with its own process");
        report.value(TYPE, row, "ServiceType", message);
    }
    if kind & INTERACTIVE != 0 && !row.text("StartName").is_empty() {
        report.value(TYPE, row, "ServiceType", "a service with a desktop has no account: take 256 away");
    }
    let start = row.bits("StartType");
    if !matches!(start, 2..=4) {
        report.value(
            TYPE,
            row,
            "StartType",
            format!("{start} is not 2 (automatic), 3 (on demand) or 4 (disabled)"),
        );
    }
    let error = row.bits("ErrorControl") & !VITAL;
    if !matches!(error, 0 | 1 | 3) {
        report.value(
            TYPE,
            row,
            "ErrorControl",
            format!("{error} is not 0 (ignore), 1 (normal) or 3 (critical)"),
        );
    }
}
