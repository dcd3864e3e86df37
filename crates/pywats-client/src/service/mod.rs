//! What the operating system wants of a service: stop requests, reload requests, and to be told how
//! it is going.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::{Requests, tell};
#[cfg(windows)]
pub mod event_log;
#[cfg(any(windows, test))]
mod lifecycle;
#[cfg(windows)]
pub mod windows;
#[cfg(windows)]
pub use windows::{Requests, tell};

use std::time::Duration;

/// The command by which a person asks for [`Request::Reload`] on this system: the configuration is read again, and
/// what waits is tried at once, parked reports too.
pub const RELOAD: &str = if cfg!(windows) {
    "sc control pywats-client paramchange"
} else if cfg!(target_os = "macos") {
    "sudo launchctl kill HUP system/com.virinco.pywats-client"
} else {
    "systemctl reload pywats-client"
};

/// What the operating system or a person asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// End, losing nothing.
    Stop,
    /// Read the configuration again, and try the server at once.
    Reload,
}

/// News for the service manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News<'a> {
    /// Reports are taken from now on.
    Started,
    /// The configuration is being read again; [`News::Started`] follows.
    Reloading,
    /// The service is ending.
    Stopping,
    /// One line for people.
    Status(&'a str),
    /// The workers are alive.
    Alive,
}

/// How often the service manager wants to hear that the service is alive.
pub fn watchdog() -> Option<Duration> {
    #[cfg(unix)]
    return sd_notify::watchdog_enabled();
    #[cfg(windows)]
    return None;
}
