//! Reads values of `HKEY_LOCAL_MACHINE`, as 64-bit programs see it; see
//! [RegGetValueW](https://learn.microsoft.com/en-us/windows/win32/api/winreg/nf-winreg-reggetvaluew).

use std::io;
use windows_sys::Win32::Foundation::{ERROR_FILE_NOT_FOUND, ERROR_MORE_DATA, ERROR_SUCCESS};
use windows_sys::Win32::System::Registry::{
    HKEY_LOCAL_MACHINE, REG_DWORD, REG_SZ, RRF_RT_ANY, RRF_SUBKEY_WOW6464KEY, RegGetValueW,
};

/// What a registry value holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// `REG_SZ`, or `REG_EXPAND_SZ` with its variables replaced.
    Text(String),
    /// `REG_DWORD`.
    Number(u32),
    /// Another type, by the number that Windows gives it.
    Other(u32),
}

/// A value below a key; `None` where key or value do not exist.
///
/// # Errors
/// If the system refuses.
pub fn read(key: &str, value: &str) -> io::Result<Option<Data>> {
    let wide = |text: &str| -> Vec<u16> { text.encode_utf16().chain([0]).collect() };
    let (key, value) = (wide(key), wide(value));
    // Long enough for any path; grown for what is longer.
    let mut buffer = vec![0_u16; 512];
    loop {
        let mut kind = 0;
        let mut bytes = u32::try_from(buffer.len() * 2).map_err(io::Error::other)?;
        // SAFETY: both names are zero-terminated, and `bytes` is the size of the buffer.
        let code = unsafe {
            RegGetValueW(
                HKEY_LOCAL_MACHINE,
                key.as_ptr(),
                value.as_ptr(),
                RRF_RT_ANY | RRF_SUBKEY_WOW6464KEY,
                &raw mut kind,
                buffer.as_mut_ptr().cast(),
                &raw mut bytes,
            )
        };
        match code {
            ERROR_SUCCESS => return Ok(Some(decode(kind, &buffer, bytes as usize / 2))),
            ERROR_FILE_NOT_FOUND => return Ok(None),
            // Windows says how much it needs, but may need more for variables that it replaces.
            ERROR_MORE_DATA if buffer.len() < 1 << 20 => {
                buffer.resize((bytes as usize / 2 + 1).max(buffer.len() * 2), 0);
            }
            code => return Err(io::Error::from_raw_os_error(code.cast_signed())),
        }
    }
}

fn decode(kind: u32, buffer: &[u16], length: usize) -> Data {
    match kind {
        REG_SZ => {
            let text = &buffer[..length.min(buffer.len())];
            let end = text.iter().position(|unit| *unit == 0).unwrap_or(text.len());
            Data::Text(String::from_utf16_lossy(&text[..end]))
        }
        REG_DWORD => Data::Number(u32::from(buffer[0]) | u32::from(buffer[1]) << 16),
        other => Data::Other(other),
    }
}
