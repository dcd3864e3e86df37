//! Signals, and the protocol of sd_notify(3). Without `NOTIFY_SOCKET` nobody is told anything.

use super::{News, Request};
use sd_notify::NotifyState;
use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Requests that come as signals.
#[derive(Debug)]
pub struct Requests {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Requests {
    /// From now on these signals are requests and do not end the process.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn listen() -> io::Result<Self> {
        Ok(Requests {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next request.
    pub async fn next(&mut self) -> Request {
        tokio::select! {
            _ = self.terminate.recv() => Request::Stop,
            _ = self.interrupt.recv() => Request::Stop,
            _ = self.hangup.recv() => Request::Reload,
        }
    }
}

/// Tells systemd; if that fails the service goes on, and systemd draws its own conclusions.
pub fn tell(news: News<'_>) {
    let told = match news {
        News::Started => sd_notify::notify(&[NotifyState::Ready]),
        // systemd 253 and later wants the time of the reload with it.
        News::Reloading => NotifyState::monotonic_usec_now()
            .and_then(|now| sd_notify::notify(&[NotifyState::Reloading, now])),
        News::Stopping => sd_notify::notify(&[NotifyState::Stopping]),
        News::Status(line) => sd_notify::notify(&[NotifyState::Status(line)]),
        News::Alive => sd_notify::notify(&[NotifyState::Watchdog]),
    };
    if let Err(error) = told {
        tracing::debug!("the service manager cannot be told: {error}");
    }
}
