//! Who may do what in a folder, as
//! [security descriptors](https://learn.microsoft.com/en-us/windows/win32/secauthz/security-descriptor-string-format).

use std::fs;
use std::io;
use std::os::windows::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};
use windows_sys::Win32::Foundation::{ERROR_ALREADY_EXISTS, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertSecurityDescriptorToStringSecurityDescriptorW,
    ConvertStringSecurityDescriptorToSecurityDescriptorW, GetNamedSecurityInfoW, SDDL_REVISION_1,
    SE_FILE_OBJECT, SetNamedSecurityInfoW,
};
use windows_sys::Win32::Security::{
    DACL_SECURITY_INFORMATION, GetSecurityDescriptorDacl, GetSecurityDescriptorOwner,
    OWNER_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR,
    SECURITY_ATTRIBUTES,
};
use windows_sys::Win32::Storage::FileSystem::{CreateDirectoryW, FILE_ATTRIBUTE_REPARSE_POINT};

/// A descriptor that Windows has allocated.
struct Descriptor(PSECURITY_DESCRIPTOR);

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: it was allocated by the system for us, and is not used afterwards.
        unsafe { LocalFree(self.0) };
    }
}

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// Makes a folder with these rights, or gives them to one that is there and was not made by a standard user: who made
/// it may have put something into it that the service would believe.
pub(super) fn secure(folder: &Path, sddl: &str) -> Result<(), String> {
    let failed =
        |error: io::Error| format!("the access rights of {} cannot be set: {error}", folder.display());
    let rights = parse(sddl).map_err(failed)?;
    let attributes = SECURITY_ATTRIBUTES {
        nLength: u32::try_from(size_of::<SECURITY_ATTRIBUTES>()).unwrap_or(0),
        lpSecurityDescriptor: rights.0,
        bInheritHandle: 0,
    };
    let name = wide(&folder.to_string_lossy());
    // SAFETY: the name ends with a zero, and name and rights live until the call returns.
    if unsafe { CreateDirectoryW(name.as_ptr(), &raw const attributes) } != 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    if error.raw_os_error() != Some(ERROR_ALREADY_EXISTS.cast_signed()) {
        return Err(format!("{} cannot be made: {error}", folder.display()));
    }
    expect_trusted(folder)?;
    let (mut owner, mut dacl, mut present, mut defaulted) = (null_mut(), null_mut(), 0, 0);
    // SAFETY: the descriptor is valid, and all places are ours to fill.
    unsafe {
        GetSecurityDescriptorOwner(rights.0, &raw mut owner, &raw mut defaulted);
        GetSecurityDescriptorDacl(rights.0, &raw mut present, &raw mut dacl, &raw mut defaulted);
    }
    let what = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
    // SAFETY: the name ends with a zero, and owner and list live until the call returns.
    match unsafe {
        SetNamedSecurityInfoW(name.as_ptr(), SE_FILE_OBJECT, what, owner, null_mut(), dacl, null())
    } {
        0 => Ok(()),
        code => Err(failed(io::Error::from_raw_os_error(code.cast_signed()))),
    }
}

/// Refuses what a standard user has made, and links.
pub(super) fn expect_trusted(path: &Path) -> Result<(), String> {
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(()) };
    if metadata.file_attributes() & FILE_ATTRIBUTE_REPARSE_POINT != 0 {
        return Err(format!("{} is a link, and somebody else's may be behind it; remove it", path.display()));
    }
    let windows = std::env::var_os("SystemRoot").map(PathBuf::from);
    // Where not even Windows' own folder has an owner to be trusted, owners mean nothing.
    if is_trusted(path) || windows.is_some_and(|folder| !is_trusted(&folder)) {
        return Ok(());
    }
    Err(format!("a standard user made {}, and could decide what the service does; remove it", path.display()))
}

/// Whether Windows, an administrator or a service owns a file or folder.
fn is_trusted(path: &Path) -> bool {
    let trusted = ["O:BA", "O:SY", "O:LA", "O:S-1-5-80-"];
    owner(path).is_ok_and(|owner| trusted.iter().any(|name| owner.starts_with(name)))
}

fn parse(sddl: &str) -> io::Result<Descriptor> {
    let mut descriptor = null_mut();
    // SAFETY: the text ends with a zero, the place is ours to fill, and no size is asked for.
    let ok = unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            wide(sddl).as_ptr(),
            SDDL_REVISION_1,
            &raw mut descriptor,
            null_mut(),
        )
    };
    if ok == 0 { Err(io::Error::last_os_error()) } else { Ok(Descriptor(descriptor)) }
}

/// The owner, as SDDL has it.
fn owner(path: &Path) -> io::Result<String> {
    let name = wide(&path.to_string_lossy());
    let mut descriptor = null_mut();
    // SAFETY: the name ends with a zero, and the one place is ours to fill; the others are not asked for.
    let code = unsafe {
        GetNamedSecurityInfoW(
            name.as_ptr(),
            SE_FILE_OBJECT,
            OWNER_SECURITY_INFORMATION,
            null_mut(),
            null_mut(),
            null_mut(),
            null_mut(),
            &raw mut descriptor,
        )
    };
    if code != 0 {
        return Err(io::Error::from_raw_os_error(code.cast_signed()));
    }
    let descriptor = Descriptor(descriptor);
    let (mut text, mut length) = (null_mut(), 0);
    // SAFETY: the descriptor is valid, and both places are ours to fill.
    let ok = unsafe {
        ConvertSecurityDescriptorToStringSecurityDescriptorW(
            descriptor.0,
            SDDL_REVISION_1,
            OWNER_SECURITY_INFORMATION,
            &raw mut text,
            &raw mut length,
        )
    };
    if ok == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has returned a text of that length, which is freed below.
    let units = unsafe { std::slice::from_raw_parts(text, length as usize) };
    let owner = String::from_utf16_lossy(units).trim_end_matches('\0').to_owned();
    // SAFETY: the text is ours and not used afterwards.
    unsafe { LocalFree(text.cast()) };
    Ok(owner)
}
