//! The service, as the service manager knows it.

use super::{last_error, narrow, wide};
use crate::plan::Service;
use crate::registration::{Described, Registration};
use crate::settings::has_password;
use std::ptr::{null, null_mut};
use windows_sys::Win32::Foundation::ERROR_SERVICE_DOES_NOT_EXIST;
use windows_sys::Win32::Storage::FileSystem::DELETE;
use windows_sys::Win32::System::Services::{
    ChangeServiceConfig2W, ChangeServiceConfigW, CloseServiceHandle, ControlService, CreateServiceW,
    DeleteService, OpenSCManagerW, OpenServiceW, QUERY_SERVICE_CONFIGW, QueryServiceConfig2W,
    QueryServiceConfigW, QueryServiceStatus, SC_ACTION, SC_ACTION_RESTART, SC_HANDLE, SC_MANAGER_CONNECT,
    SC_MANAGER_CREATE_SERVICE, SERVICE_CHANGE_CONFIG, SERVICE_CONFIG_DELAYED_AUTO_START_INFO,
    SERVICE_CONFIG_DESCRIPTION, SERVICE_CONFIG_FAILURE_ACTIONS, SERVICE_CONFIG_FAILURE_ACTIONS_FLAG,
    SERVICE_CONFIG_PRESHUTDOWN_INFO, SERVICE_CONFIG_SERVICE_SID_INFO, SERVICE_CONTROL_STOP,
    SERVICE_DELAYED_AUTO_START_INFO, SERVICE_DESCRIPTIONW, SERVICE_ERROR_NORMAL,
    SERVICE_FAILURE_ACTIONS_FLAG, SERVICE_FAILURE_ACTIONSW, SERVICE_NO_CHANGE, SERVICE_PRESHUTDOWN_INFO,
    SERVICE_QUERY_CONFIG, SERVICE_QUERY_STATUS, SERVICE_SID_INFO, SERVICE_START, SERVICE_STATUS,
    SERVICE_STOP, SERVICE_STOPPED, SERVICE_WIN32_OWN_PROCESS, StartServiceW,
};

/// SERVICE_SID_TYPE_UNRESTRICTED: the process has the identity of the service, whatever its account.
const SID_UNRESTRICTED: u32 = 1;

/// A handle of the service manager.
struct Handle(SC_HANDLE);

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and not used afterwards.
        unsafe { CloseServiceHandle(self.0) };
    }
}

fn manager(access: u32) -> Result<Handle, String> {
    // SAFETY: neither machine nor database is named.
    let manager = unsafe { OpenSCManagerW(null(), null(), access) };
    if manager.is_null() {
        return Err(format!("the service manager cannot be reached: {}", last_error()));
    }
    Ok(Handle(manager))
}

/// Opens a service; nothing if it is not registered.
fn find(name: &str, access: u32) -> Result<Option<Handle>, String> {
    let manager = manager(SC_MANAGER_CONNECT)?;
    // SAFETY: the manager is open, and the name ends with a zero.
    let service = unsafe { OpenServiceW(manager.0, wide(name).as_ptr(), access) };
    if !service.is_null() {
        return Ok(Some(Handle(service)));
    }
    let error = std::io::Error::last_os_error();
    if error.raw_os_error() == Some(ERROR_SERVICE_DOES_NOT_EXIST.cast_signed()) {
        return Ok(None);
    }
    Err(format!("the service {name} cannot be opened: {error}"))
}

fn open(name: &str, access: u32) -> Result<Handle, String> {
    find(name, access)?.ok_or_else(|| format!("the service {name} is not registered"))
}

/// What there is of a service; nothing if it is not registered.
///
/// # Errors
/// If it is there and cannot be looked at: taken for missing, it would lose what an administrator has set.
pub(super) fn look(name: &str) -> Result<Option<Service>, String> {
    let Some(service) = find(name, SERVICE_QUERY_CONFIG | SERVICE_QUERY_STATUS)? else { return Ok(None) };
    let mut status = SERVICE_STATUS::default();
    // SAFETY: the service is open, and the structure is ours to fill.
    unsafe { QueryServiceStatus(service.0, &raw mut status) };
    // 8 KiB is the most that the service manager ever needs here; aligned for the structure at its beginning.
    let mut buffer = vec![0_u64; 1024];
    let mut needed = 0;
    // SAFETY: the service is open, and the buffer has the length that is given with it.
    let ok = unsafe { QueryServiceConfigW(service.0, buffer.as_mut_ptr().cast(), 8192, &raw mut needed) };
    if ok == 0 {
        return Err(format!("the service {name} cannot be looked at: {}", last_error()));
    }
    // SAFETY: the call has filled the structure, whose text ends with a zero and is in the same buffer.
    let (start, command, account) = unsafe {
        let config = &*buffer.as_ptr().cast::<QUERY_SERVICE_CONFIGW>();
        (config.dwStartType, narrow(config.lpBinaryPathName), narrow(config.lpServiceStartName))
    };
    let mut delayed = SERVICE_DELAYED_AUTO_START_INFO::default();
    let size = u32::try_from(size_of_val(&delayed)).unwrap_or(0);
    // SAFETY: the service is open, and the structure has the size that is given with it.
    unsafe {
        QueryServiceConfig2W(
            service.0,
            SERVICE_CONFIG_DELAYED_AUTO_START_INFO,
            (&raw mut delayed).cast(),
            size,
            &raw mut needed,
        )
    };
    Ok(Some(Service {
        running: ![0, SERVICE_STOPPED].contains(&status.dwCurrentState),
        start,
        delayed: delayed.fDelayedAutostart != 0,
        command,
        account,
    }))
}

/// Registers a service again that was there when the installation began, and has been deleted since by the
/// removal of an older version. Only an account without a password can be given back to it.
fn register_again(
    registration: &Registration<'_>,
    found: &Service,
    command: &str,
    log: &dyn Fn(&str),
) -> Result<(), String> {
    let manager = manager(SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE)?;
    let [name, display, command, account] =
        [registration.name, registration.display, command, &found.account].map(wide);
    // SAFETY: the manager is open, and all texts end with a zero and live until the call returns.
    let service = unsafe {
        CreateServiceW(
            manager.0,
            name.as_ptr(),
            display.as_ptr(),
            SERVICE_CHANGE_CONFIG,
            SERVICE_WIN32_OWN_PROCESS,
            found.start,
            SERVICE_ERROR_NORMAL,
            command.as_ptr(),
            null(),
            null_mut(),
            null(),
            account.as_ptr(),
            null(),
        )
    };
    if service.is_null() {
        return Err(format!("the service {} cannot be registered: {}", registration.name, last_error()));
    }
    drop(Handle(service));
    log(&format!("the service {} was deleted meanwhile, and is registered again", registration.name));
    Ok(())
}

/// Starts a service, if it is there and does not run.
pub(super) fn start(name: &str) -> Result<(), String> {
    let service = open(name, SERVICE_START)?;
    // SAFETY: the service is open, and there are no arguments.
    if unsafe { StartServiceW(service.0, 0, null()) } == 0 {
        return Err(format!("the service {name} cannot be started: {}", last_error()));
    }
    Ok(())
}

/// Changes program, start type and account of a service, and nothing else; an empty text and `SERVICE_NO_CHANGE`
/// stand for what is there.
fn change(service: &Handle, command: &str, start: u32, account: &str) -> Result<(), String> {
    let [command, account] = [command, account].map(wide);
    let given = |text: &[u16]| if text.len() > 1 { text.as_ptr() } else { null() };
    let (command, account) = (given(&command), given(&account));
    let keep = SERVICE_NO_CHANGE;
    // SAFETY: the service is open, and what is absent stays as it is.
    let ok = unsafe {
        ChangeServiceConfigW(
            service.0,
            keep,
            start,
            keep,
            command,
            null(),
            null_mut(),
            null(),
            account,
            null(),
            null(),
        )
    };
    if ok == 0 { Err(last_error()) } else { Ok(()) }
}

/// Sets one of the newer settings of a service.
fn change2<T>(service: &Handle, level: u32, value: &mut T) -> Result<(), String> {
    // SAFETY: the service is open, and the structure is the one that belongs to the level.
    if unsafe { ChangeServiceConfig2W(service.0, level, (&raw mut *value).cast()) } == 0 {
        return Err(last_error());
    }
    Ok(())
}

/// Configures a service.
///
/// # Errors
/// If the service manager refuses what the service cannot do without.
pub(super) fn configure(
    registration: &Registration<'_>,
    described: &Described<'_>,
    log: &dyn Fn(&str),
) -> Result<(), String> {
    let found = registration.found.as_ref();
    let again = match found {
        Some(found) if look(registration.name)?.is_none() => {
            register_again(registration, found, described.command, log)?;
            true
        }
        _ => false,
    };
    // A failure action that restarts needs the right to start.
    let service = open(registration.name, SERVICE_CHANGE_CONFIG | SERVICE_START)?;
    // One with a password has been set by Windows Installer, which alone knows it.
    let account = without_password(registration.account);
    let start = found.map_or(SERVICE_NO_CHANGE, |found| found.start);
    change(&service, described.command, start, account)
        .map_err(|error| format!("the service {} cannot be changed: {error}", registration.name))?;
    // It is what the access rights of the data folder name.
    let mut sid = SERVICE_SID_INFO { dwServiceSidType: SID_UNRESTRICTED };
    let mut optional = vec![("identity", change2(&service, SERVICE_CONFIG_SERVICE_SID_INFO, &mut sid))];
    let mut description = wide(described.description);
    let mut text = SERVICE_DESCRIPTIONW { lpDescription: description.as_mut_ptr() };
    optional.push(("description", change2(&service, SERVICE_CONFIG_DESCRIPTION, &mut text)));
    match found {
        Some(found) if !again => {
            if found.delayed {
                let mut delayed = SERVICE_DELAYED_AUTO_START_INFO { fDelayedAutostart: 1 };
                let done = change2(&service, SERVICE_CONFIG_DELAYED_AUTO_START_INFO, &mut delayed);
                optional.push(("delayed start", done));
            }
        }
        _ => optional.extend(begin(&service, described)),
    }
    for (what, outcome) in optional {
        if let Err(error) = outcome {
            log(&format!("the service has no {what}: {error}"));
        }
    }
    Ok(())
}

/// What a service gets when it is new, and keeps as an administrator changes it.
fn begin(service: &Handle, described: &Described<'_>) -> Vec<(&'static str, Result<(), String>)> {
    let milliseconds = |seconds: u32| seconds.saturating_mul(1000);
    let mut delayed = SERVICE_DELAYED_AUTO_START_INFO { fDelayedAutostart: 1 };
    let delay = milliseconds(described.restart_delay_seconds);
    let mut actions = [SC_ACTION { Type: SC_ACTION_RESTART, Delay: delay }; 3];
    let mut recovery = SERVICE_FAILURE_ACTIONSW {
        dwResetPeriod: described.restart_reset_seconds,
        lpRebootMsg: null_mut(),
        lpCommand: null_mut(),
        cActions: 3,
        lpsaActions: actions.as_mut_ptr(),
    };
    // A service that ends with an error is restarted like one that crashes.
    let mut also_errors = SERVICE_FAILURE_ACTIONS_FLAG { fFailureActionsOnNonCrashFailures: 1 };
    let mut preshutdown =
        SERVICE_PRESHUTDOWN_INFO { dwPreshutdownTimeout: milliseconds(described.preshutdown_seconds) };
    vec![
        ("delayed start", change2(service, SERVICE_CONFIG_DELAYED_AUTO_START_INFO, &mut delayed)),
        ("recovery", change2(service, SERVICE_CONFIG_FAILURE_ACTIONS, &mut recovery)),
        ("recovery from errors", change2(service, SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, &mut also_errors)),
        ("time before shutdown", change2(service, SERVICE_CONFIG_PRESHUTDOWN_INFO, &mut preshutdown)),
    ]
}

/// Gives a service that was there its program, start type and account back.
pub(super) fn restore(registration: &Registration<'_>, log: &dyn Fn(&str)) -> Result<(), String> {
    let found = registration.found.as_ref().ok_or("it is not known how it was")?;
    if look(registration.name)?.is_none() {
        return register_again(registration, found, &found.command, log);
    }
    let service = open(registration.name, SERVICE_CHANGE_CONFIG)?;
    change(&service, &found.command, found.start, without_password(&found.account))
}

/// Stops a service and deletes it.
pub(super) fn remove(name: &str) -> Result<(), String> {
    let service = open(name, SERVICE_STOP | DELETE)?;
    let mut status = SERVICE_STATUS::default();
    // SAFETY: the service is open, and the structure is ours to fill. It is mostly stopped already.
    unsafe { ControlService(service.0, SERVICE_CONTROL_STOP, &raw mut status) };
    // SAFETY: the service is open.
    if unsafe { DeleteService(service.0) } == 0 {
        return Err(format!("the service {name} cannot be deleted: {}", last_error()));
    }
    Ok(())
}

/// An account, unless it has a password, which nobody knows here.
fn without_password(account: &str) -> &str {
    if has_password(account) { "" } else { account }
}
