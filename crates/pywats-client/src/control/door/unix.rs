//! Doors on Unix: sockets, whose rights say who may connect.
//!
//! A socket is made under another name, gets its rights, and is renamed to its place, so that nobody ever finds one
//! there with other rights. One that a killed service has left is replaced. One at which somebody answers never is, nor one
//! that belongs to somebody else, but in a folder of this account's own where nobody listens at it: there a service as
//! another account has left it, as in a container that is given another user.

use super::Closed;
use crate::config::Config;
use crate::control::Role;
use rustix::process::{Uid, geteuid};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};
use tokio::net::{UnixListener, UnixStream};

/// Where the installers make a folder for the sockets.
const RUN: &str = "/run/pywats";

/// Where a door is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Door {
    path: PathBuf,
    data_dir: PathBuf,
    mode: u32,
}

impl Door {
    /// The door for this role of the service with this data folder.
    pub fn of(data_dir: &Path, role: Role) -> Self {
        let is_default = data_dir == Config::new().client.data_dir;
        let run = Path::new(RUN);
        Door::within(if is_default && run.is_dir() { run } else { data_dir }, data_dir, role)
    }

    fn within(folder: &Path, data_dir: &Path, role: Role) -> Self {
        let (name, mode) = match role {
            Role::Operator => ("control.sock", 0o660),
            Role::Administrator => ("admin.sock", 0o600),
        };
        Door { path: folder.join(name), data_dir: data_dir.to_path_buf(), mode }
    }

    /// Its name for people.
    pub fn name(&self) -> String {
        self.path.display().to_string()
    }
}

/// An open door.
#[derive(Debug)]
pub struct Listener {
    listener: UnixListener,
    door: Door,
    /// Device and inode of the socket.
    made: (u64, u64),
}

impl Listener {
    /// Opens a door.
    ///
    /// # Errors
    /// If that cannot be done; the text says what to do.
    pub fn open(door: &Door) -> io::Result<Self> {
        make_way(&door.path)?;
        let mut name = door.path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}", std::process::id()));
        let temporary = door.path.with_file_name(name);
        remove(&temporary)?;
        let listener = UnixListener::bind(&temporary).map_err(explain)?;
        let placed = fs::set_permissions(&temporary, fs::Permissions::from_mode(door.mode))
            .and_then(|()| fs::symlink_metadata(&temporary))
            .and_then(|made| fs::rename(&temporary, &door.path).map(|()| (made.dev(), made.ino())));
        match placed {
            Ok(made) => Ok(Listener { listener, door: door.clone(), made }),
            Err(error) => {
                drop(remove(&temporary));
                Err(error)
            }
        }
    }

    /// Waits for somebody who comes in.
    ///
    /// # Errors
    /// If the system has no room; others may still come in later.
    pub async fn accept(&mut self) -> io::Result<UnixStream> {
        self.listener.accept().await.map(|(stream, _)| stream)
    }

    /// Whether it is still found at its place.
    pub fn is_in_place(&self) -> bool {
        fs::symlink_metadata(&self.door.path).is_ok_and(|found| (found.dev(), found.ino()) == self.made)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if self.is_in_place() {
            drop(remove(&self.door.path));
        }
    }
}

fn explain(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::InvalidInput => io::Error::other(
            "the path is too long for a socket; set client.data_dir to a shorter one, under 90 bytes",
        ),
        _ => error,
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Whether somebody listens at a socket of another account, which only that may try: by the sockets that the system lists.
/// Where it lists none, somebody may.
fn has_listener(socket: &fs::Metadata) -> bool {
    let Ok(listed) = fs::read_to_string("/proc/net/unix") else { return true };
    // The last column, and nothing before it has a slash.
    let mut places = listed.lines().filter_map(|line| line.find('/').map(|start| &line[start..]));
    places.any(|place| {
        fs::symlink_metadata(place)
            .is_ok_and(|found| (found.dev(), found.ino()) == (socket.dev(), socket.ino()))
    })
}

/// Makes sure that what lies at the place of a door may be replaced.
fn make_way(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if !found.file_type().is_socket() {
        return Err(io::Error::other("something else than a socket lies there; remove it"));
    }
    let owner = Uid::from_raw(found.uid());
    let folder = path.parent().and_then(|folder| fs::metadata(folder).ok());
    let is_ours = folder.is_some_and(|folder| folder.uid() == geteuid().as_raw());
    if owner != geteuid() && !owner.is_root() {
        if is_ours && !has_listener(&found) {
            return Ok(());
        }
        let uid = owner.as_raw();
        return Err(io::Error::other(format!(
            "belongs to the account {uid}; find out who made it, and remove it"
        )));
    }
    match StdStream::connect(path) {
        Ok(_) => Err(io::Error::other("another service answers there; stop it")),
        // A killed service has left it.
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Goes in by a door, if it belongs to root, to this account, or to the owner of the data folder or of the one that it is in:
/// the data may be away.
///
/// # Errors
/// If nobody is there, or it may not be used.
pub async fn connect(door: &Door) -> Result<UnixStream, Closed> {
    let closed = |error: io::Error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => Closed::Nobody(door.name()),
        ErrorKind::PermissionDenied => Closed::NotAllowed(door.name()),
        _ => Closed::Failed(door.name(), error),
    };
    let found = fs::symlink_metadata(&door.path).map_err(closed)?;
    if !found.file_type().is_socket() {
        return Err(Closed::Failed(door.name(), io::Error::other("is no socket; remove it")));
    }
    let owner = Uid::from_raw(found.uid());
    let belongs = |folder: &Path| fs::metadata(folder).is_ok_and(|folder| folder.uid() == found.uid());
    let is_services = || belongs(&door.data_dir) || door.path.parent().is_some_and(belongs);
    if !owner.is_root() && owner != geteuid() && !is_services() {
        return Err(Closed::Squatter(door.name(), format!("user {}", found.uid())));
    }
    UnixStream::connect(&door.path).await.map_err(closed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener as StdListener;

    fn door(folder: &Path, role: Role) -> Door {
        Door::within(folder, folder, role)
    }

    /// Fails if: what a killed service left keeps a door shut, a living service's or a file is replaced, the rights are
    /// others than they should be, or a door that is closed stays behind.
    #[tokio::test]
    async fn places() {
        for (before, opens) in
            [(None, true), (Some("stale"), true), (Some("living"), false), (Some("file"), false)]
        {
            let dir = tempfile::tempdir().unwrap();
            let door = door(dir.path(), Role::Operator);
            let mut living = None;
            match before {
                Some("file") => fs::write(&door.path, "x").unwrap(),
                Some(kind) => {
                    let listener = StdListener::bind(&door.path).unwrap();
                    living = (kind == "living").then_some(listener);
                }
                None => {}
            }
            let opened = Listener::open(&door);
            assert_eq!(opened.is_ok(), opens, "{before:?}: {opened:?}");
            if let Ok(listener) = opened {
                let mode = fs::metadata(&door.path).unwrap().permissions().mode();
                assert_eq!(mode & 0o777, 0o660, "{before:?}");
                assert!(listener.is_in_place() && connect(&door).await.is_ok());
                assert!(Listener::open(&door).is_err(), "it lives");
                drop(listener);
                assert!(!door.path.exists());
                assert!(matches!(connect(&door).await, Err(Closed::Nobody(_))));
            } else {
                assert!(door.path.exists(), "{before:?}");
            }
            drop(living);
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), usize::from(!opens), "{before:?}");
        }
    }

    /// Fails if: what a service as another account has left keeps a door shut, in a folder of one's own; or is replaced in a
    /// folder of somebody else.
    #[tokio::test]
    async fn a_door_of_another_account() {
        use std::os::unix::fs::chown;
        if !geteuid().is_root() {
            return; // only root can give a socket away
        }
        let dir = tempfile::tempdir().unwrap();
        let door = door(dir.path(), Role::Administrator);
        for (folder, lives, opens) in [(0, false, true), (0, true, false), (4321, false, false)] {
            drop(remove(&door.path));
            let living = Some(StdListener::bind(&door.path).unwrap()).filter(|_| lives);
            chown(&door.path, Some(4321), None).unwrap();
            chown(dir.path(), Some(folder), None).unwrap();
            let opened = Listener::open(&door);
            assert_eq!(opened.is_ok(), opens, "{folder} {lives}: {opened:?}");
            drop((opened, living));
            assert_eq!(door.path.exists(), !opens, "{folder} {lives}");
        }
    }

    /// Fails if: a door that somebody removed or took counts as open, or the new one is removed with the old.
    #[tokio::test]
    async fn a_door_that_is_gone_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let door = door(dir.path(), Role::Administrator);
        let first = Listener::open(&door).unwrap();
        fs::remove_file(&door.path).unwrap();
        assert!(!first.is_in_place());
        let second = Listener::open(&door).unwrap();
        drop(first);
        assert!(second.is_in_place() && connect(&door).await.is_ok());
    }
}
