//! Services.

use super::filename;
use super::read::{Msi, Row};
use super::report::{Report, rules};

rules! {
    PROGRAM "service-key-path"
        "The key path of a service's component is a program."
        "msi/serviceinstall-table";
    TYPE "service-type"
        "Type, start and error control of a service are ones that Windows Installer can install; one with a \
         desktop or in a shared process runs as LocalSystem."
        "msi/serviceinstall-table";
    ACCOUNT "service-account"
        "A password is for an account."
        "msi/serviceinstall-table";
    CONTROL "service-control"
        "A service that is installed is stopped and deleted when it is uninstalled."
        "msi/servicecontrol-table";
    CONFIG "service-config"
        "A service of the package is configured in the component that installs it."
        "msi/msiserviceconfig-table";
}

/// `ServiceType`: a process of its own or a shared one, and the bit for a desktop.
const OWN_PROCESS: i32 = 0x10;
const SHARED_PROCESS: i32 = 0x20;
const INTERACTIVE: i32 = 0x100;
/// The account of such services.
const SYSTEM: &[&str] = &["LocalSystem", ".\\LocalSystem"];
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
        let events = msi.rows("ServiceControl").filter(|control| have_one_name(*control, row));
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
            let services: Vec<Row<'_>> =
                msi.rows("ServiceInstall").filter(|service| have_one_name(*service, row)).collect();
            let component = row.text("Component_");
            // It may also be a service that is there already.
            if !services.is_empty() && !services.iter().any(|service| service.text("Component_") == component)
            {
                let message = format!(
                    "the service {} is not installed by {component}, but by {}: name that",
                    row.text("Name"),
                    services[0].text("Component_")
                );
                report.value(CONFIG, row, "Component_", message);
            }
        }
    }
}

/// Whether two rows are about one service. Windows does not tell case apart.
fn have_one_name(one: Row<'_>, other: Row<'_>) -> bool {
    one.text("Name").eq_ignore_ascii_case(other.text("Name"))
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
    let account = row.text("StartName");
    // What is in brackets is known only when the service is installed.
    let may_be_system = account.is_empty()
        || account.contains('[')
        || SYSTEM.iter().any(|name| account.eq_ignore_ascii_case(name));
    if kind & (INTERACTIVE | SHARED_PROCESS) != 0 && !may_be_system {
        let message = format!(
            "{account:?} cannot run a service with a desktop or in a shared process: leave it empty for \
             LocalSystem, or make the ServiceType 16"
        );
        report.value(TYPE, row, "StartName", message);
    }
    let number = |column, right: &[i32], message: &str, report: &mut Report| {
        let found = row.bits(column);
        if !right.contains(&found) {
            report.value(TYPE, row, column, format!("{found} is not {message}"));
        }
    };
    number("StartType", &[2, 3, 4], "2 (automatic), 3 (on demand) or 4 (disabled)", report);
    let errors = [0, 1, 3, VITAL, VITAL | 1, VITAL | 3];
    number("ErrorControl", &errors, "0 (ignore), 1 (normal) or 3 (critical)", report);
}
