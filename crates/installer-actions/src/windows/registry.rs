//! What is remembered of an installation.

use super::{narrow, wide};
use windows_sys::Win32::System::Registry::{HKEY_LOCAL_MACHINE, RRF_RT_REG_SZ, RegGetValueW};

/// A text of a key below HKEY_LOCAL_MACHINE; empty if there is none.
pub(super) fn text(key: &str, value: &str) -> String {
    // The longest path that the installer writes there is shorter by far.
    let mut buffer = vec![0_u16; 0x8000];
    let mut bytes = u32::try_from(size_of_val(&buffer[..])).unwrap_or(0);
    // SAFETY: both names end with a zero, and the buffer has the length that is given with it.
    let code = unsafe {
        RegGetValueW(
            HKEY_LOCAL_MACHINE,
            wide(key).as_ptr(),
            wide(value).as_ptr(),
            RRF_RT_REG_SZ,
            std::ptr::null_mut(),
            buffer.as_mut_ptr().cast(),
            &raw mut bytes,
        )
    };
    if code != 0 {
        return String::new();
    }
    // SAFETY: the call has filled the buffer with a text, and sees to a zero at its end.
    unsafe { narrow(buffer.as_ptr()) }
}
