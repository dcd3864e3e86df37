//! Doors on Windows: named pipes, whose access list says who may connect.
//!
//! The service makes the first instance of a pipe or none: a pipe that somebody else has made is not used, neither by
//! the service nor, told by its owner, by a client. Nobody comes from another machine, and a client lets the other end
//! know who it is, but not act as it.

use super::{Closed, OPERATORS};
use crate::control::Role;
use sha2::{Digest, Sha256};
use std::io;
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::ptr::{null, null_mut};
use std::time::Duration;
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient, NamedPipeServer, ServerOptions};
use wats_settings::folder::windows::comparable;
use windows_service::service::ServiceAccess;
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};
use windows_sys::Win32::Foundation::{
    CloseHandle, ERROR_ACCESS_DENIED, ERROR_FILE_NOT_FOUND, ERROR_PIPE_BUSY, HANDLE, LocalFree,
};
use windows_sys::Win32::Security::Authorization::{
    ConvertSidToStringSidW, ConvertStringSecurityDescriptorToSecurityDescriptorW, GetSecurityInfo,
    SDDL_REVISION_1, SE_FILE_OBJECT, SE_KERNEL_OBJECT, SE_OBJECT_TYPE,
};
use windows_sys::Win32::Security::{
    GetTokenInformation, LookupAccountNameW, OWNER_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, PSID,
    SECURITY_ATTRIBUTES, TOKEN_QUERY, TOKEN_USER, TokenUser,
};
use windows_sys::Win32::Storage::FileSystem::SECURITY_IDENTIFICATION;
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

/// The administrators of this machine, and the system.
const ALWAYS: [&str; 2] = ["S-1-5-32-544", "S-1-5-18"];
/// Reading and writing, without the right to make another instance (FILE_CREATE_PIPE_INSTANCE).
const USE: &str = "0x12019b";
/// How often and how long a client waits for a free instance.
const BUSY: (u32, Duration) = (100, Duration::from_millis(50));

/// Where a door is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Door {
    name: String,
    data_dir: std::path::PathBuf,
    role: Role,
}

impl Door {
    /// The door for this role of the service with this data folder.
    pub fn of(data_dir: &Path, role: Role) -> Self {
        let role_name = match role {
            Role::Operator => "",
            Role::Administrator => "-admin",
        };
        // The same folder, however it is written. Nothing else: each side may have another environment.
        let folder = Sha256::digest(comparable(&data_dir.to_string_lossy()));
        let folder = crate::disposition::hex(&folder[..4]);
        let name = format!(r"\\.\pipe\pywats-client{role_name}-{folder}");
        Door { name, data_dir: data_dir.to_path_buf(), role }
    }

    /// Its name for people.
    pub fn name(&self) -> String {
        self.name.clone()
    }
}

/// An open door.
#[derive(Debug)]
pub struct Listener {
    name: String,
    rights: Descriptor,
    /// The instance that waits for the next client.
    next: Option<NamedPipeServer>,
}

impl Listener {
    /// Opens a door.
    ///
    /// # Errors
    /// If that cannot be done; the text says what to do.
    pub fn open(door: &Door) -> io::Result<Self> {
        let rights = Descriptor::read(&rights(door.role)?)?;
        let first = instance(&door.name, &rights, true).map_err(|error| match raw(&error) {
            ERROR_ACCESS_DENIED => {
                io::Error::other("another program has made this pipe; find out which one, and stop it")
            }
            _ => error,
        })?;
        Ok(Listener { name: door.name.clone(), rights, next: Some(first) })
    }

    /// Waits for somebody who comes in.
    ///
    /// # Errors
    /// If the system has no room; others may still come in later.
    pub async fn accept(&mut self) -> io::Result<NamedPipeServer> {
        let waiting = match self.next.take() {
            Some(waiting) => self.next.insert(waiting),
            None => self.next.insert(instance(&self.name, &self.rights, false)?),
        };
        waiting.connect().await?;
        // There is always one, so that the name stays ours.
        let fresh = instance(&self.name, &self.rights, false)?;
        self.next.replace(fresh).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Whether it is still found at its place: a pipe that is open always is.
    pub fn is_in_place(&self) -> bool {
        self.next.is_some()
    }
}

fn instance(name: &str, rights: &Descriptor, is_first: bool) -> io::Result<NamedPipeServer> {
    let mut attributes = SECURITY_ATTRIBUTES {
        nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
        lpSecurityDescriptor: rights.0.cast(),
        bInheritHandle: 0,
    };
    // SAFETY: the attributes and what they point to live until the call is over.
    unsafe {
        ServerOptions::new()
            .first_pipe_instance(is_first)
            .reject_remote_clients(true)
            .create_with_security_attributes_raw(name, (&raw mut attributes).cast())
    }
}

/// The access list of a door, in the security descriptor definition language.
fn rights(role: Role) -> io::Result<String> {
    let own = own_sid()?;
    // Clients look at the owner.
    let mut list = format!("O:{own}D:P");
    for sid in ALWAYS {
        list.push_str(&format!("(A;;{USE};;;{sid})"));
    }
    // Only the service makes further instances.
    list.push_str(&format!("(A;;GA;;;{own})"));
    if role == Role::Operator
        && let Some(operators) = sid_of(OPERATORS)
    {
        list.push_str(&format!("(A;;{USE};;;{operators})"));
    }
    Ok(list)
}

/// A security descriptor that the system made.
#[derive(Debug)]
struct Descriptor(PSECURITY_DESCRIPTOR);

// SAFETY: nobody changes it once it is made.
unsafe impl Send for Descriptor {}
// SAFETY: as above.
unsafe impl Sync for Descriptor {}

impl Descriptor {
    fn read(text: &str) -> io::Result<Self> {
        let mut descriptor: PSECURITY_DESCRIPTOR = null_mut();
        // SAFETY: the text ends with a zero, and the result is ours to free.
        let made = unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                wide(text).as_ptr(),
                SDDL_REVISION_1,
                &raw mut descriptor,
                null_mut(),
            )
        };
        if made == 0 { Err(io::Error::last_os_error()) } else { Ok(Descriptor(descriptor)) }
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: the system made it for us, and nobody uses it any more.
        unsafe { LocalFree(self.0.cast()) };
    }
}

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

fn raw(error: &io::Error) -> u32 {
    error.raw_os_error().unwrap_or_default().cast_unsigned()
}

/// The identifier of the account that this process runs under.
fn own_sid() -> io::Result<String> {
    let mut token: HANDLE = null_mut();
    // SAFETY: the handle is ours to fill.
    if unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // Enough for a TOKEN_USER and the longest identifier, and aligned for it.
    let mut buffer = [0_u64; 32];
    let mut length = 0;
    // SAFETY: the size is that of the buffer.
    let told = unsafe {
        GetTokenInformation(
            token,
            TokenUser,
            buffer.as_mut_ptr().cast(),
            size_of_val(&buffer) as u32,
            &raw mut length,
        )
    };
    let error = io::Error::last_os_error();
    // SAFETY: the token was opened above.
    unsafe { CloseHandle(token) };
    if told == 0 {
        return Err(error);
    }
    // SAFETY: the call has put a TOKEN_USER there, whose identifier lies in the same buffer.
    text_of(unsafe { (*buffer.as_ptr().cast::<TOKEN_USER>()).User.Sid })
}

/// The identifier of an account or group, if there is one of this name.
fn sid_of(name: &str) -> Option<String> {
    let mut sid = [0_u64; 16];
    let mut sid_length = size_of_val(&sid) as u32;
    let mut domain = [0_u16; 260];
    let mut domain_length = domain.len() as u32;
    let mut kind = 0;
    // SAFETY: the lengths are those of the buffers.
    let found = unsafe {
        LookupAccountNameW(
            null(),
            wide(name).as_ptr(),
            sid.as_mut_ptr().cast(),
            &raw mut sid_length,
            domain.as_mut_ptr(),
            &raw mut domain_length,
            &raw mut kind,
        )
    };
    if found == 0 { None } else { text_of(sid.as_mut_ptr().cast()).ok() }
}

fn text_of(sid: PSID) -> io::Result<String> {
    let mut text: *mut u16 = null_mut();
    // SAFETY: the identifier is a valid one, and the text is ours to free.
    if unsafe { ConvertSidToStringSidW(sid, &raw mut text) } == 0 {
        return Err(io::Error::last_os_error());
    }
    let mut length = 0;
    // SAFETY: the text ends with a zero.
    while unsafe { *text.add(length) } != 0 {
        length += 1;
    }
    // SAFETY: so many units are there.
    let string = String::from_utf16_lossy(unsafe { std::slice::from_raw_parts(text, length) });
    // SAFETY: the system made it for us.
    unsafe { LocalFree(text.cast()) };
    Ok(string)
}

/// Who owns what is open here.
fn owner_of(handle: HANDLE, kind: SE_OBJECT_TYPE) -> io::Result<String> {
    let mut owner: PSID = null_mut();
    let mut descriptor: PSECURITY_DESCRIPTOR = null_mut();
    // SAFETY: the handle is open, and the descriptor is ours to free.
    let failed = unsafe {
        GetSecurityInfo(
            handle,
            kind,
            OWNER_SECURITY_INFORMATION,
            &raw mut owner,
            null_mut(),
            null_mut(),
            null_mut(),
            &raw mut descriptor,
        )
    };
    if failed != 0 {
        return Err(io::Error::from_raw_os_error(failed.cast_signed()));
    }
    let _freed = Descriptor(descriptor);
    text_of(owner)
}

/// Who owns the data folder.
fn owner_of_folder(path: &Path) -> Option<String> {
    use std::os::windows::fs::OpenOptionsExt;
    use windows_sys::Win32::Storage::FileSystem::{FILE_FLAG_BACKUP_SEMANTICS, READ_CONTROL};
    let folder = std::fs::File::options()
        .access_mode(READ_CONTROL)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS)
        .open(path)
        .ok()?;
    owner_of(folder.as_raw_handle(), SE_FILE_OBJECT).ok()
}

/// The account that the service is registered with.
fn sid_of_service() -> Option<String> {
    let manager = ServiceManager::local_computer(None::<&str>, ServiceManagerAccess::CONNECT).ok()?;
    let service = manager.open_service(crate::service::windows::NAME, ServiceAccess::QUERY_CONFIG).ok()?;
    let account = service.query_config().ok()?.account_name?;
    let account = account.to_string_lossy().into_owned();
    // An account of this machine.
    sid_of(account.strip_prefix(r".\").unwrap_or(&account))
}

/// Goes in by a door, if it belongs to an administrator, the system, the service, this account, or the owner of the
/// data folder.
///
/// # Errors
/// If nobody is there, or it may not be used.
pub async fn connect(door: &Door) -> Result<NamedPipeClient, Closed> {
    let (times, pause) = BUSY;
    let mut left = times;
    let pipe = loop {
        match ClientOptions::new().security_qos_flags(SECURITY_IDENTIFICATION).open(&door.name) {
            Ok(pipe) => break pipe,
            Err(error) => match raw(&error) {
                ERROR_FILE_NOT_FOUND => return Err(Closed::Nobody(door.name())),
                ERROR_ACCESS_DENIED => return Err(Closed::NotAllowed(door.name())),
                ERROR_PIPE_BUSY if left > 0 => {
                    left -= 1;
                    tokio::time::sleep(pause).await;
                }
                _ => return Err(Closed::Failed(door.name(), error)),
            },
        }
    };
    let failed = |error| Closed::Failed(door.name(), error);
    let owner = owner_of(pipe.as_raw_handle(), SE_KERNEL_OBJECT).map_err(failed)?;
    let trusted = ALWAYS.contains(&owner.as_str())
        || own_sid().is_ok_and(|own| own == owner)
        || sid_of_service().is_some_and(|sid| sid == owner)
        || owner_of_folder(&door.data_dir).is_some_and(|sid| sid == owner);
    if trusted { Ok(pipe) } else { Err(Closed::Squatter(door.name(), owner)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(role: Role) -> Door {
        Door::of(Path::new(&format!(r"C:\pywats-test-{}", uuid::Uuid::new_v4())), role)
    }

    /// Fails if: a pipe that somebody has made is used by another one.
    #[tokio::test]
    async fn the_first_is_the_only_one() {
        let door = door(Role::Operator);
        let _first = Listener::open(&door).unwrap();
        assert!(Listener::open(&door).is_err());
    }

    /// Fails if: a client finds nobody at an open door or somebody at one that is shut, or the names of two data folders
    /// are the same.
    #[tokio::test]
    async fn places() {
        for role in Role::ALL {
            let door = door(role);
            assert!(matches!(connect(&door).await, Err(Closed::Nobody(_))));
            let mut listener = Listener::open(&door).unwrap();
            for _ in 0..3 {
                let (accepted, connected) = tokio::join!(listener.accept(), connect(&door));
                assert!(accepted.is_ok() && connected.is_ok(), "{accepted:?} {connected:?}");
            }
            assert_ne!(door.name(), super::tests::door(role).name());
        }
        let name = |data_dir: &str| Door::of(Path::new(data_dir), Role::Operator).name();
        assert_eq!(name(r"C:\Data\"), name("c:/data"));
    }

    /// Fails if: the access list is none that the system understands.
    #[test]
    fn access_lists() {
        for role in Role::ALL {
            let list = rights(role).unwrap();
            assert!(Descriptor::read(&list).is_ok(), "{list}");
            assert!(list.contains("S-1-5-18") && !list.contains(";WD)"), "{list}");
        }
        assert!(own_sid().unwrap().starts_with("S-1-"));
        assert_eq!(sid_of("no such group, surely"), None);
    }
}
