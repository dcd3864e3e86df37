//! What an action asks of Windows Installer.

use super::{InstallHandle, wide};
use windows_sys::Win32::System::ApplicationInstallationAndServicing::{
    INSTALLMESSAGE_ERROR, INSTALLMESSAGE_INFO, INSTALLSTATE_ABSENT, INSTALLSTATE_LOCAL, INSTALLSTATE_SOURCE,
    MSIHANDLE, MsiCloseHandle, MsiCreateRecord, MsiFormatRecordW, MsiGetFeatureStateW, MsiGetPropertyW,
    MsiProcessMessage, MsiRecordSetStringW, MsiSetFeatureStateW, MsiSetPropertyW,
};

/// The installation that the action belongs to.
pub(super) struct Session(InstallHandle);

/// A record of fields, which Windows Installer takes messages in.
struct Record(MSIHANDLE);

impl Record {
    fn of(template: &str, fields: &[&str]) -> Record {
        // SAFETY: the call takes numbers only.
        let record = Record(unsafe { MsiCreateRecord(u32::try_from(fields.len()).unwrap_or(0)) });
        for (index, text) in std::iter::once(&template).chain(fields).enumerate() {
            let index = u32::try_from(index).unwrap_or(0);
            // SAFETY: the record is open, and the text ends with a zero and lives until the call returns.
            unsafe { MsiRecordSetStringW(record.0, index, wide(text).as_ptr()) };
        }
        record
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        // SAFETY: the handle is this record's own, and not used afterwards.
        unsafe { MsiCloseHandle(self.0) };
    }
}

/// Calls a function of Windows Installer that fills a buffer, with a larger one if the first is too small.
fn read(fill: impl Fn(*mut u16, *mut u32) -> u32) -> String {
    const ERROR_MORE_DATA: u32 = 234;
    let mut buffer = vec![0_u16; 512];
    loop {
        let mut length = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
        let code = fill(buffer.as_mut_ptr(), &raw mut length);
        let length = length as usize;
        match code {
            0 => return String::from_utf16_lossy(&buffer[..length.min(buffer.len())]),
            ERROR_MORE_DATA => buffer.resize(length + 2, 0),
            _ => return String::new(),
        }
    }
}

impl Session {
    pub(super) fn new(handle: InstallHandle) -> Session {
        Session(handle)
    }

    /// The value of a property; empty if it is not set. Deferred actions have `CustomActionData` only.
    pub(super) fn property(&self, name: &str) -> String {
        let name = wide(name);
        // SAFETY: the name ends with a zero, and the buffer has the length that is given with it.
        read(|buffer, length| unsafe { MsiGetPropertyW(self.0, name.as_ptr(), buffer, length) })
    }

    /// Sets a property; an empty value removes it.
    pub(super) fn set(&self, name: &str, value: &str) {
        // SAFETY: both texts end with a zero and live until the call returns.
        unsafe { MsiSetPropertyW(self.0, wide(name).as_ptr(), wide(value).as_ptr()) };
    }

    /// The data that the packager wrote for an action, with its references to properties and files replaced.
    pub(super) fn data_for(&self, action: &str) -> String {
        let record = Record::of(&self.property(&format!("{action}.Data")), &[]);
        // SAFETY: the record is open, and the buffer has the length that is given with it.
        read(|buffer, length| unsafe { MsiFormatRecordW(self.0, record.0, buffer, length) })
    }

    /// The data of this deferred action.
    pub(super) fn data(&self) -> String {
        self.property("CustomActionData")
    }

    /// A line for the log.
    pub(super) fn log(&self, text: &str) {
        self.message(INSTALLMESSAGE_INFO, text);
    }

    /// An error, for the log and for whoever watches.
    pub(super) fn complain(&self, text: &str) {
        self.message(INSTALLMESSAGE_ERROR, text);
    }

    fn message(&self, kind: i32, text: &str) {
        let record = Record::of("[1]", &[text]);
        // SAFETY: session and record are open.
        unsafe { MsiProcessMessage(self.0, kind, record.0) };
    }

    /// Whether a feature will be there afterwards.
    pub(super) fn has_feature(&self, feature: &str) -> bool {
        let (mut installed, mut action) = (0, 0);
        // SAFETY: the name ends with a zero, and both places are ours to fill.
        let code = unsafe {
            MsiGetFeatureStateW(self.0, wide(feature).as_ptr(), &raw mut installed, &raw mut action)
        };
        // A negative action means that nothing changes.
        let state = if action < 0 { installed } else { action };
        code == 0 && [INSTALLSTATE_LOCAL, INSTALLSTATE_SOURCE].contains(&state)
    }

    /// Takes a feature in or out.
    pub(super) fn choose_feature(&self, feature: &str, present: bool) -> Result<(), String> {
        let state = if present { INSTALLSTATE_LOCAL } else { INSTALLSTATE_ABSENT };
        // SAFETY: the name ends with a zero and lives until the call returns.
        match unsafe { MsiSetFeatureStateW(self.0, wide(feature).as_ptr(), state) } {
            0 => Ok(()),
            code => Err(format!("the feature {feature} cannot be chosen (error {code})")),
        }
    }
}
