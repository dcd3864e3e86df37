//! The doors of the service: where they are, and who may open them. `unix.rs` and `windows.rs` have the same
//! interface.
//!
//! | | operators | administrators |
//! |---|---|---|
//! | Unix | `control.sock`, 0660: the account and the group of its folder | `admin.sock`, 0600: the account, and root |
//! | Windows | `\\.\pipe\pywats-client-X`: those below, and the local group `pywats-operators` | `\\.\pipe\pywats-client-admin-X`: administrators, the system, the service's account |
//!
//! The sockets are in `/run/pywats` if the data folder is the default one and that folder exists, else in the data
//! folder. The names of the pipes end in a part of the SHA-256 of the data folder's path (X).

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::{Door, Listener, connect};
#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::{Door, Listener, connect};

use std::io;

/// The group whose members are operators.
pub const OPERATORS: &str = "pywats-operators";

/// Why a door does not open for a client.
#[derive(Debug, thiserror::Error)]
pub enum Closed {
    /// Nobody is there.
    #[error("nobody answers at {0}")]
    Nobody(String),
    /// This account may not.
    #[error("this account may not use {0}")]
    NotAllowed(String),
    /// It belongs to somebody who has no business there.
    #[error(
        "{0}: belongs to another account ({1}) than the service's, and is not used; find out who made it"
    )]
    Squatter(String, String),
    /// The system refuses.
    #[error("{0}: {1}")]
    Failed(String, io::Error),
}
