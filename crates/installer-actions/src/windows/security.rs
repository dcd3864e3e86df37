//! Owners and access rights of files and folders, and the rights of accounts.

use super::{last_error, narrow, wide};
use std::fs::File;
use std::os::windows::io::AsRawHandle;
use std::ptr::{null, null_mut};
use windows_sys::Win32::Foundation::{CloseHandle, HANDLE, LocalFree};
use windows_sys::Win32::Security::Authentication::Identity::{
    LSA_HANDLE, LSA_OBJECT_ATTRIBUTES, LSA_UNICODE_STRING, LsaAddAccountRights, LsaClose,
    LsaNtStatusToWinError, LsaOpenPolicy, POLICY_CREATE_ACCOUNT, POLICY_LOOKUP_NAMES,
};
use windows_sys::Win32::Security::Authorization::{
    ConvertSecurityDescriptorToStringSecurityDescriptorW,
    ConvertStringSecurityDescriptorToSecurityDescriptorW, ConvertStringSidToSidW, GetSecurityInfo,
    SDDL_REVISION_1, SE_FILE_OBJECT, SetSecurityInfo,
};
use windows_sys::Win32::Security::{
    ACL, ACL_REVISION, AddAccessAllowedAceEx, AdjustTokenPrivileges, CONTAINER_INHERIT_ACE,
    DACL_SECURITY_INFORMATION, GROUP_SECURITY_INFORMATION, GetLengthSid, GetSecurityDescriptorDacl,
    GetSecurityDescriptorGroup, GetSecurityDescriptorOwner, GetTokenInformation, InitializeAcl,
    IsWellKnownSid, LUID_AND_ATTRIBUTES, LookupAccountNameW, LookupPrivilegeValueW, OBJECT_INHERIT_ACE,
    OWNER_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, PSID,
    SE_PRIVILEGE_ENABLED, SECURITY_ATTRIBUTES, SID_AND_ATTRIBUTES, TOKEN_ADJUST_PRIVILEGES, TOKEN_GROUPS,
    TOKEN_PRIVILEGES, TOKEN_QUERY, TokenGroups, UNPROTECTED_DACL_SECURITY_INFORMATION,
    WinBuiltinAdministratorsSid,
};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, GetCurrentThread, OpenProcessToken, OpenThreadToken,
};

/// Owner and access rights, as written in
/// [SDDL](https://learn.microsoft.com/en-us/windows/win32/secauthz/security-descriptor-string-format).
pub(super) struct Descriptor(PSECURITY_DESCRIPTOR);

/// Owner and access rights: what is read, compared and set.
const OWNER_AND_RIGHTS: u32 = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;

impl Descriptor {
    pub(super) fn parse(sddl: &str) -> Result<Descriptor, String> {
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
        if ok == 0 {
            return Err(format!("{sddl:?} is no description of access rights: {}", last_error()));
        }
        Ok(Descriptor(descriptor))
    }

    /// What a file or folder has now.
    fn of(file: &File) -> Result<Descriptor, String> {
        let mut descriptor = null_mut();
        // SAFETY: the handle is open, and the one place is ours to fill; the others are not asked for.
        let code = unsafe {
            GetSecurityInfo(
                file.as_raw_handle(),
                SE_FILE_OBJECT,
                OWNER_AND_RIGHTS,
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                &raw mut descriptor,
            )
        };
        if code == 0 { Ok(Descriptor(descriptor)) } else { Err(error(code)) }
    }

    /// Owner and access rights in SDDL, in one notation.
    fn text(&self) -> String {
        let mut text = null_mut();
        // SAFETY: the descriptor is valid, and the place is ours to fill.
        let ok = unsafe {
            ConvertSecurityDescriptorToStringSecurityDescriptorW(
                self.0,
                SDDL_REVISION_1,
                OWNER_AND_RIGHTS,
                &raw mut text,
                null_mut(),
            )
        };
        if ok == 0 {
            return String::new();
        }
        // SAFETY: the call has returned a text that ends with a zero.
        let copy = unsafe { narrow(text) };
        // SAFETY: the text is ours and not used afterwards.
        unsafe { LocalFree(text.cast()) };
        copy
    }

    /// Whether a file or folder has these very rights.
    pub(super) fn is_on(&self, file: &File) -> bool {
        // Windows notes that rights came by inheritance, or might have; that changes nothing.
        let plain = |text: String| text.replace("D:PAI(", "D:P(");
        Descriptor::of(file).is_ok_and(|current| plain(current.text()) == plain(self.text()))
    }

    /// Whether Windows, an administrator or a service owns a file or folder.
    pub(super) fn owner_is_trusted(file: &File) -> bool {
        // The owner comes first: Administrators, the system, the administrator of the machine, services.
        let trusted = ["O:BA", "O:SY", "O:LA", "O:S-1-5-80-"];
        Descriptor::of(file).is_ok_and(|current| {
            let text = current.text();
            trusted.iter().any(|owner| text.starts_with(owner))
        })
    }

    /// For calls that create something: it comes into being with these rights.
    pub(super) fn attributes(&self) -> SECURITY_ATTRIBUTES {
        SECURITY_ATTRIBUTES {
            nLength: u32::try_from(size_of::<SECURITY_ATTRIBUTES>()).unwrap_or(0),
            lpSecurityDescriptor: self.0,
            bInheritHandle: 0,
        }
    }

    /// Gives a file or folder this owner and these rights, and nothing that it would inherit.
    pub(super) fn put_on(&self, file: &File) -> Result<(), String> {
        let (mut owner, mut group, mut dacl) = (null_mut(), null_mut(), null_mut());
        let (mut present, mut defaulted) = (0, 0);
        // SAFETY: the descriptor is valid, and all places are ours to fill.
        unsafe {
            GetSecurityDescriptorOwner(self.0, &raw mut owner, &raw mut defaulted);
            GetSecurityDescriptorGroup(self.0, &raw mut group, &raw mut defaulted);
            GetSecurityDescriptorDacl(self.0, &raw mut present, &raw mut dacl, &raw mut defaulted);
        }
        set(file, PROTECTED_DACL_SECURITY_INFORMATION, owner, group, dacl)
    }

    /// Gives what is in a folder the owner of this descriptor, and no rights but those it inherits.
    pub(super) fn hand_down(&self, file: &File) -> Result<(), String> {
        let (mut owner, mut group) = (null_mut(), null_mut());
        let mut defaulted = 0;
        // SAFETY: the descriptor is valid, and all places are ours to fill.
        unsafe {
            GetSecurityDescriptorOwner(self.0, &raw mut owner, &raw mut defaulted);
            GetSecurityDescriptorGroup(self.0, &raw mut group, &raw mut defaulted);
        }
        let mut empty = ACL::default();
        // SAFETY: the list is ours, and its size is given with it.
        unsafe { InitializeAcl(&raw mut empty, u32::try_from(size_of::<ACL>()).unwrap_or(0), ACL_REVISION) };
        set(file, UNPROTECTED_DACL_SECURITY_INFORMATION, owner, group, &raw const empty)
    }
}

fn set(file: &File, protection: u32, owner: PSID, group: PSID, dacl: *const ACL) -> Result<(), String> {
    let what = OWNER_AND_RIGHTS | GROUP_SECURITY_INFORMATION | protection;
    // SAFETY: the handle is open, and owner, group and list live until the call returns.
    match unsafe { SetSecurityInfo(file.as_raw_handle(), SE_FILE_OBJECT, what, owner, group, dacl, null()) } {
        0 => Ok(()),
        code => Err(error(code)),
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: the descriptor was allocated by the system for us, and is not used afterwards.
        unsafe { LocalFree(self.0) };
    }
}

/// Adds rights for an account, known by its identifier, to those that a folder has.
pub(super) fn allow(folder: &File, account: &str, rights: u32) -> Result<(), String> {
    let current = Descriptor::of(folder)?;
    if current.text().contains(&format!(";{account})")) {
        return Ok(());
    }
    let sid = sid(account)?;
    let (mut old, mut present, mut defaulted) = (null_mut(), 0, 0);
    // SAFETY: the descriptor is valid, and all places are ours to fill.
    unsafe { GetSecurityDescriptorDacl(current.0, &raw mut present, &raw mut old, &raw mut defaulted) };
    if old.is_null() {
        // No list at all: everybody may do everything.
        return Ok(());
    }
    // SAFETY: the list is part of the descriptor, which is alive.
    let old_size = usize::from(unsafe { (*old).AclSize });
    // Room for one entry more: its head, and the account.
    let size = old_size + 16 + sid.len();
    let mut list = vec![0_u32; size.div_ceil(4)];
    let new: *mut ACL = list.as_mut_ptr().cast();
    // SAFETY: the old list is copied whole into one that is larger, whose size is then put right.
    unsafe {
        std::ptr::copy_nonoverlapping(old.cast::<u8>(), new.cast::<u8>(), old_size);
        (*new).AclSize = u16::try_from(size.next_multiple_of(4)).map_err(|_| "its list of rights is full")?;
    }
    let inherited = OBJECT_INHERIT_ACE | CONTAINER_INHERIT_ACE;
    // SAFETY: list and account are valid, and there is room for the entry.
    let ok = unsafe {
        AddAccessAllowedAceEx(new, ACL_REVISION, inherited, rights, sid.as_ptr().cast_mut().cast())
    };
    if ok == 0 {
        return Err(last_error());
    }
    // SAFETY: handle and list are valid; owner and group stay as they are.
    let code = unsafe {
        SetSecurityInfo(
            folder.as_raw_handle(),
            SE_FILE_OBJECT,
            DACL_SECURITY_INFORMATION,
            null_mut(),
            null_mut(),
            new,
            null(),
        )
    };
    if code == 0 { Ok(()) } else { Err(error(code)) }
}

/// A security identifier, written as `S-1-…`, as bytes.
fn sid(text: &str) -> Result<Vec<u8>, String> {
    let mut sid = null_mut();
    // SAFETY: the text ends with a zero, and the place is ours to fill.
    if unsafe { ConvertStringSidToSidW(wide(text).as_ptr(), &raw mut sid) } == 0 {
        return Err(format!("{text} is no account: {}", last_error()));
    }
    // SAFETY: the call has returned a valid identifier, whose length the system tells.
    let bytes = unsafe { std::slice::from_raw_parts(sid.cast::<u8>(), GetLengthSid(sid) as usize).to_vec() };
    // SAFETY: the identifier is ours and not used afterwards.
    unsafe { LocalFree(sid) };
    Ok(bytes)
}

/// The security identifier of an account, as bytes.
pub(super) fn account_sid(name: &str) -> Option<Vec<u8>> {
    let name = name.strip_prefix(r".\").map(str::to_owned).unwrap_or_else(|| name.to_owned());
    let (mut sid, mut domain) = (vec![0_u8; 256], vec![0_u16; 256]);
    let (mut sid_size, mut domain_size, mut kind) = (256, 256, 0);
    // SAFETY: the name ends with a zero, and each buffer has the length that is given with it.
    let ok = unsafe {
        LookupAccountNameW(
            null(),
            wide(&name).as_ptr(),
            sid.as_mut_ptr().cast(),
            &raw mut sid_size,
            domain.as_mut_ptr(),
            &raw mut domain_size,
            &raw mut kind,
        )
    };
    sid.truncate(sid_size as usize);
    (ok != 0).then_some(sid)
}

/// Whether whoever asked for the installation is an administrator, with or without having shown it yet.
pub(super) fn caller_is_administrator() -> bool {
    let mut token: HANDLE = null_mut();
    // SAFETY: thread and process are these, and the place is ours to fill.
    let found = unsafe {
        OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, 1, &raw mut token) != 0
            || OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) != 0
    };
    if !found {
        return false;
    }
    let answer = is_of_administrators(token);
    // SAFETY: the handle is ours and not used afterwards.
    unsafe { CloseHandle(token) };
    answer
}

/// Whether a token is of the group of administrators. Before somebody has confirmed an elevation, the group is in the
/// token for denials alone.
fn is_of_administrators(token: HANDLE) -> bool {
    let mut needed = 0;
    // SAFETY: asked with no room, the call says how much it needs.
    unsafe { GetTokenInformation(token, TokenGroups, null_mut(), 0, &raw mut needed) };
    let mut buffer = vec![0_u64; (needed as usize).div_ceil(8).max(1)];
    let room = u32::try_from(size_of_val(&buffer[..])).unwrap_or(0);
    let place = buffer.as_mut_ptr().cast();
    // SAFETY: the buffer has the length that is given with it, and is aligned for the structure.
    if unsafe { GetTokenInformation(token, TokenGroups, place, room, &raw mut needed) } == 0 {
        return false;
    }
    let list: *const TOKEN_GROUPS = buffer.as_ptr().cast();
    // SAFETY: the call has filled the structure and as many groups behind its head as it counts.
    let groups = unsafe {
        std::slice::from_raw_parts(
            (&raw const (*list).Groups).cast::<SID_AND_ATTRIBUTES>(),
            (*list).GroupCount as usize,
        )
    };
    // SAFETY: each identifier is in the same buffer.
    groups.iter().any(|group| unsafe { IsWellKnownSid(group.Sid, WinBuiltinAdministratorsSid) } != 0)
}

/// Lets an account log on as a service, which Windows Installer does not do.
pub(super) fn allow_logon_as_service(account: &str) -> Result<(), String> {
    let sid = account_sid(account).ok_or_else(|| format!("there is no account {account}"))?;
    let attributes = LSA_OBJECT_ATTRIBUTES::default();
    let mut policy: LSA_HANDLE = 0;
    let access = u32::try_from(POLICY_CREATE_ACCOUNT | POLICY_LOOKUP_NAMES).unwrap_or(0);
    // SAFETY: no server is named, the attributes are empty as they have to be, and the place is ours to fill.
    let status = unsafe { LsaOpenPolicy(null(), &raw const attributes, access, &raw mut policy) };
    if status != 0 {
        // SAFETY: the call takes a number only.
        return Err(error(unsafe { LsaNtStatusToWinError(status) }));
    }
    let mut right = wide("SeServiceLogonRight");
    let bytes = u16::try_from((right.len() - 1) * 2).unwrap_or(0);
    let text = LSA_UNICODE_STRING { Length: bytes, MaximumLength: bytes + 2, Buffer: right.as_mut_ptr() };
    // SAFETY: policy, account and the one text are valid.
    let status = unsafe { LsaAddAccountRights(policy, sid.as_ptr().cast_mut().cast(), &raw const text, 1) };
    // SAFETY: the handle is ours and not used afterwards.
    unsafe { LsaClose(policy) };
    // SAFETY: the call takes a number only.
    if status == 0 { Ok(()) } else { Err(error(unsafe { LsaNtStatusToWinError(status) })) }
}

/// Lets this process open and change what its owner has locked it out of, as far as its account may.
pub(super) fn enable_privileges() {
    let mut token: HANDLE = null_mut();
    // SAFETY: the process is this one, and the place is ours to fill.
    if unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY, &raw mut token) }
        == 0
    {
        return;
    }
    for name in ["SeTakeOwnershipPrivilege", "SeRestorePrivilege", "SeBackupPrivilege"] {
        let mut privilege = LUID_AND_ATTRIBUTES { Attributes: SE_PRIVILEGE_ENABLED, ..Default::default() };
        // SAFETY: the name ends with a zero, and the place is ours to fill.
        if unsafe { LookupPrivilegeValueW(null(), wide(name).as_ptr(), &raw mut privilege.Luid) } == 0 {
            continue;
        }
        let state = TOKEN_PRIVILEGES { PrivilegeCount: 1, Privileges: [privilege] };
        // SAFETY: the token is open; the earlier state is not asked for.
        unsafe { AdjustTokenPrivileges(token, 0, &raw const state, 0, null_mut(), null_mut()) };
    }
    // SAFETY: the handle is ours and not used afterwards.
    unsafe { CloseHandle(token) };
}

fn error(code: u32) -> String {
    std::io::Error::from_raw_os_error(code.cast_signed()).to_string()
}
