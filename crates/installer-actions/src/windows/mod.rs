//! The actions themselves, as Windows Installer calls them.

mod actions;
mod files;
mod folders;
mod registry;
mod security;
mod service;
mod session;

use session::Session;
use std::panic::{AssertUnwindSafe, catch_unwind};
use windows_sys::Win32::System::SystemInformation::GetSystemWindowsDirectoryW;

/// What Windows Installer calls a handle of an installation.
type InstallHandle = u32;

const ERROR_SUCCESS: u32 = 0;
const ERROR_INSTALL_FAILURE: u32 = 1603;

/// Runs an action. What it says is wrong goes into the log, and to whoever watches, and ends the installation.
fn run(name: &str, handle: InstallHandle, action: impl FnOnce(&Session) -> Result<(), String>) -> u32 {
    let session = Session::new(handle);
    let outcome = catch_unwind(AssertUnwindSafe(|| action(&session)))
        .unwrap_or_else(|_| Err("the action broke off, which is a mistake in the package".to_owned()));
    match outcome {
        Ok(()) => ERROR_SUCCESS,
        Err(reason) => {
            session.log(&format!("{name} failed"));
            session.complain(&reason);
            ERROR_INSTALL_FAILURE
        }
    }
}

/// Exports each action under its name.
macro_rules! export {
    ($($name:ident => $action:path,)*) => {$(
        /// See the table at the top of the crate.
        // SAFETY: no other item of the library has this name.
        #[unsafe(no_mangle)]
        extern "system" fn $name(handle: InstallHandle) -> u32 {
            run(stringify!($name), handle, $action)
        }
    )*};
}

export! {
    KeepSettings => actions::keep_settings,
    CheckSettings => actions::check_settings,
    RefuseSettings => actions::refuse_settings,
    ChooseFeatures => actions::choose_features,
    Prepare => actions::prepare,
    StartAgain => actions::start_again,
    AwaitProgram => actions::await_program,
    SecureFolders => actions::secure_folders,
    WriteConfiguration => actions::write_configuration,
    RemoveConfiguration => actions::remove_configuration,
    ForgetReplaced => actions::forget_replaced,
    ConfigureService => actions::configure_service,
    RestoreService => actions::restore_service,
    RemoveService => actions::remove_service,
    PurgeData => actions::purge_data,
}

/// A text as Windows takes it: UTF-16 with a zero at its end.
fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// A zero-terminated text of Windows.
///
/// # Safety
/// `text` is null or leads to UTF-16 with a zero at its end.
unsafe fn narrow(text: *const u16) -> String {
    if text.is_null() {
        return String::new();
    }
    let mut length = 0;
    // SAFETY: the caller vouches for a zero at the end, at which this stops.
    while unsafe { *text.add(length) } != 0 {
        length += 1;
    }
    // SAFETY: that many units were just read.
    String::from_utf16_lossy(unsafe { std::slice::from_raw_parts(text, length) })
}

/// What the system says of the call that has just failed.
fn last_error() -> String {
    std::io::Error::last_os_error().to_string()
}

/// The folder of Windows, such as `C:\Windows`.
fn windows_folder() -> String {
    let mut buffer = [0_u16; 261];
    // SAFETY: the buffer has the length that is given with it, less one for the zero at its end.
    unsafe { GetSystemWindowsDirectoryW(buffer.as_mut_ptr(), 260) };
    // SAFETY: the last unit of the buffer is zero in any case.
    unsafe { narrow(buffer.as_ptr()) }
}
