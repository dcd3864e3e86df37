//! The source of events: without it the event viewer shows them below a remark. Its key also says that the service was
//! installed here, and where the program was copied to.

use super::super::registered::{EVENT_MESSAGES, EVENT_SOURCE};
use crate::registry::{self, Data};
use std::io;
use std::path::PathBuf;
use windows_sys::Win32::Foundation::{ERROR_FILE_NOT_FOUND, ERROR_SUCCESS};
use windows_sys::Win32::System::Registry::{
    HKEY_LOCAL_MACHINE, REG_DWORD, REG_EXPAND_SZ, REG_SZ, RegDeleteTreeW, RegSetKeyValueW,
};

/// What says that the service was installed here: the program that was copied, or nothing.
const MARK: &str = "InstalledByCommand";

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// Registers the source.
pub(super) fn add(copied_program: &str) -> Result<(), String> {
    let bytes = |text: &str| wide(text).into_iter().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    for (name, kind, value) in [
        ("EventMessageFile", REG_EXPAND_SZ, bytes(EVENT_MESSAGES)),
        ("TypesSupported", REG_DWORD, 7_u32.to_le_bytes().to_vec()),
        (MARK, REG_SZ, bytes(copied_program)),
    ] {
        let (key, name) = (wide(EVENT_SOURCE), wide(name));
        let size = u32::try_from(value.len()).unwrap_or(0);
        // SAFETY: both names end with a zero, and the value has the size that is given with it.
        let code = unsafe {
            RegSetKeyValueW(
                HKEY_LOCAL_MACHINE,
                key.as_ptr(),
                name.as_ptr(),
                kind,
                value.as_ptr().cast(),
                size,
            )
        };
        told(code)?;
    }
    Ok(())
}

/// Removes it.
pub(super) fn remove() -> Result<(), String> {
    // SAFETY: the name ends with a zero.
    match unsafe { RegDeleteTreeW(HKEY_LOCAL_MACHINE, wide(EVENT_SOURCE).as_ptr()) } {
        ERROR_FILE_NOT_FOUND => Ok(()),
        code => told(code),
    }
}

/// Whether the service was installed by this command.
pub(super) fn is_ours() -> bool {
    matches!(registry::read(EVENT_SOURCE, MARK), Ok(Some(_)))
}

/// The program that was copied.
pub(super) fn copied_program() -> Option<PathBuf> {
    match registry::read(EVENT_SOURCE, MARK) {
        Ok(Some(Data::Text(text))) if !text.is_empty() => Some(PathBuf::from(text)),
        _ => None,
    }
}

fn told(code: u32) -> Result<(), String> {
    match code {
        ERROR_SUCCESS => Ok(()),
        code => Err(format!("{EVENT_SOURCE}: {}", io::Error::from_raw_os_error(code.cast_signed()))),
    }
}
