//! What Windows says about itself, its folders, the service and the write filter.

use super::report::Section;
use super::write_filter::{self, Filter};
use crate::registry::{self, Data};
use crate::service::windows::NAME;
use std::fs::File;
use std::io;
use std::os::windows::ffi::OsStringExt;
use std::os::windows::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use windows_service::service::{ServiceAccess, ServiceStartType, ServiceState};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};
use windows_sys::Win32::Foundation::ERROR_SERVICE_DOES_NOT_EXIST;
use windows_sys::Win32::Storage::FileSystem::{FILE_ADD_FILE, FILE_FLAG_BACKUP_SEMANTICS};
use windows_sys::Win32::System::SystemInformation::GetSystemDirectoryW;

/// Version and edition of Windows, and who asks.
pub(super) fn about(section: &mut Section) {
    let read = |name: &str| match registry::read(r"SOFTWARE\Microsoft\Windows NT\CurrentVersion", name) {
        Ok(Some(Data::Text(text))) => Some(text),
        Ok(Some(Data::Number(number))) => Some(number.to_string()),
        _ => None,
    };
    let build = read("CurrentBuildNumber").or_else(|| read("CurrentBuild"));
    section.row("name", read("ProductName").map(|name| super::windows_name(&name, build.as_deref())));
    section.row("edition", read("EditionID"));
    section.row("version", read("DisplayVersion").or_else(|| read("ReleaseId")));
    let update = read("UBR").map_or(String::new(), |number| format!(".{number}"));
    section.row("build", build.map(|build| build + &update));
    section.row("run_by_user", std::env::var("USERNAME").ok());
}

/// Whether the account that runs this program may make files in a folder.
pub(super) fn can_write(folder: &Path) -> bool {
    // Opened with that right, which the system checks, and nothing is done with it.
    File::options().access_mode(FILE_ADD_FILE).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(folder).is_ok()
}

/// How the service is registered.
pub(super) fn service(section: &mut Section) {
    let state =
        ServiceManager::local_computer(None::<&str>, ServiceManagerAccess::CONNECT).and_then(|manager| {
            let access = ServiceAccess::QUERY_STATUS | ServiceAccess::QUERY_CONFIG;
            let service = manager.open_service(NAME, access)?;
            Ok((service.query_status()?, service.query_config()?))
        });
    let (status, config) = match state {
        Ok(state) => state,
        Err(windows_service::Error::Winapi(error))
            if error.raw_os_error() == Some(ERROR_SERVICE_DOES_NOT_EXIST.cast_signed()) =>
        {
            section.row("registration", "none");
            return;
        }
        Err(error) => {
            section.row("registration", format!("unknown: {error}"));
            return;
        }
    };
    section.row("registration", format!("{:?}", status.current_state));
    section.row("process", status.process_id);
    section.row("start_type", format!("{:?}", config.start_type));
    section.row("account", config.account_name.map(|name| name.to_string_lossy().into_owned()));
    section.row("command_line", config.executable_path.display().to_string());
    if status.current_state == ServiceState::Stopped {
        section.row("exit_code", format!("{:?}", status.exit_code));
        let start = match config.start_type {
            ServiceStartType::Disabled => format!("allow it with sc.exe config {NAME} start= auto"),
            _ => format!("start it with sc.exe start {NAME}"),
        };
        section.finding(format!("the service is registered, but does not run: {start}"));
    }
}

/// Asks the write filter for its settings, if there is one.
pub(super) fn write_filter() -> Filter {
    // The filter is a driver; where it is not installed there is nothing to ask.
    match registry::read(r"SYSTEM\CurrentControlSet\Services\uwfvol", "Start") {
        Ok(Some(_)) => {}
        Ok(None) => return Filter::NoneHere,
        Err(error) => return Filter::Unknown(format!("the registry cannot be read: {error}")),
    }
    // By its full path: nobody must be able to put another program in its place.
    let program = match system_folder() {
        Ok(folder) => folder.join("uwfmgr.exe"),
        Err(error) => return Filter::Unknown(format!("the system folder is not known: {error}")),
    };
    let command = format!("{} get-config", program.display());
    match Command::new(&program).arg("get-config").stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => {
            Filter::Told { command, output: write_filter::decode(&output.stdout) }
        }
        Ok(output) => {
            let said = write_filter::decode(&[output.stdout, output.stderr].concat());
            Filter::Unknown(format!("{command} failed ({}): {}", output.status, said.trim()))
        }
        Err(error) => Filter::Unknown(format!("{command} cannot be run: {error}")),
    }
}

fn system_folder() -> io::Result<PathBuf> {
    let mut buffer = [0_u16; 260];
    // SAFETY: the length is that of the buffer.
    let length = unsafe { GetSystemDirectoryW(buffer.as_mut_ptr(), buffer.len() as u32) } as usize;
    if length == 0 || length > buffer.len() {
        return Err(io::Error::last_os_error());
    }
    Ok(PathBuf::from(std::ffi::OsString::from_wide(&buffer[..length])))
}
