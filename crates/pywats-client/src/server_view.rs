//! How the server sees this station: `PUT /api/Client/Update` at the start, every five minutes, and at the stop.
//!
//! Off unless `server.report_status` says so: the server takes it only from a client that was registered, whose token it
//! issued with the registration. A server that does not know the call, or not this token, is left alone for a day; that
//! is one line in the log and no problem. Reports never wait for it.

use crate::config::station::own_name;
use crate::config::{AfterDelivery, Config};
use crate::status::Status;
use crate::upload::Link;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// How often the server is told.
const EVERY: Duration = Duration::from_secs(300);
/// How often a server is asked again that does not take it.
const REFUSED: Duration = Duration::from_secs(24 * 3600);
/// How long it may take when the service stops.
const AT_THE_END: Duration = Duration::from_secs(2);

/// What the server is told, and how it is reached.
pub struct Teller {
    config: Config,
    status: Arc<Status>,
    link: watch::Receiver<Link>,
}

impl Teller {
    /// For a service with this configuration; `None` if the server is not to be told.
    pub fn new(config: &Config, status: &Arc<Status>, link: watch::Receiver<Link>) -> Option<Teller> {
        config.server.report_status.then(|| Teller {
            config: config.clone(),
            status: Arc::clone(status),
            link,
        })
    }

    /// Tells the server again and again.
    pub async fn live(self: Arc<Self>) {
        loop {
            tokio::time::sleep(self.tell(true).await).await;
        }
    }

    /// Tells the server that the service stops.
    pub async fn end(&self) {
        drop(timeout(AT_THE_END, self.tell(false)).await);
    }

    /// Returns when the server is to be told again.
    async fn tell(&self, online: bool) -> Duration {
        let Ok(client) = self.link.borrow().remote.clone() else { return EVERY };
        let waiting = self.status.counts().pending;
        match client.update_status(&update(&self.config, waiting, online)).await {
            Ok(()) => EVERY,
            Err(failure) if is_not_taken(failure.status) => {
                tracing::info!(
                    "the server does not take the station's status ({failure}); it is told again in a day. Reports are \
                     sent all the same; server.report_status = false switches it off"
                );
                REFUSED
            }
            Err(failure) => {
                tracing::debug!("the server was not told the station's status: {failure}");
                EVERY
            }
        }
    }
}

/// An older server, or a token of no registered client.
fn is_not_taken(status: Option<u16>) -> bool {
    matches!(status, Some(400 | 401 | 403..=405 | 501))
}

fn update(config: &Config, waiting: u64, online: bool) -> Value {
    let version = numeric(env!("CARGO_PKG_VERSION"));
    let folders: Vec<Value> = config
        .watch_folders()
        .into_iter()
        .map(|folder| {
            json!({
                "name": folder.name,
                "state": if online { "Running" } else { "Disabled" },
                "version": version,
                "class": "pywats-client",
                "filter": folder.patterns.join(";"),
                "path": folder.path.to_string_lossy(),
                "postProcessAction": match folder.after_delivery {
                    AfterDelivery::Done => "Move",
                    AfterDelivery::Archive => "Archive",
                    AfterDelivery::Delete => "Delete",
                },
            })
        })
        .collect();
    json!({
        "name": config.station.name(),
        "location": config.station.location,
        "purpose": config.station.purpose,
        "version": version,
        "status": if online { "Online" } else { "Offline" },
        "pendingTotal": waiting,
        "computer": {
            "osVersion": system(),
            "osArchitecture": std::env::consts::ARCH,
            "computerName": own_name(),
        },
        "converters": folders,
    })
}

/// A version without what is no number: the server takes no other.
fn numeric(version: &str) -> &str {
    version.split(['-', '+']).next().unwrap_or_default()
}

#[cfg(unix)]
fn system() -> String {
    let system = rustix::system::uname();
    format!("{} {}", system.sysname().to_string_lossy(), system.release().to_string_lossy())
}

#[cfg(not(unix))]
fn system() -> String {
    std::env::consts::OS.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: the server is not told what it shows of a client, or in words that it does not know.
    #[test]
    fn says_how_the_station_is() {
        let mut config = Config::new();
        config.station.location = Some("Line 3".to_owned());
        config.station.name = Some("ict-7".to_owned());
        let told = update(&config, 7, true);
        for (path, value) in [
            ("/name", "ict-7"),
            ("/location", "Line 3"),
            ("/status", "Online"),
            ("/converters/0/name", "default"),
            ("/converters/0/state", "Running"),
            ("/converters/0/filter", "*.json;*.wsjf"),
            ("/converters/0/postProcessAction", "Move"),
        ] {
            assert_eq!(told.pointer(path).and_then(Value::as_str), Some(value), "{path}: {told:#}");
        }
        assert_eq!(told["pendingTotal"], 7);
        assert!(
            told["version"].as_str().unwrap().chars().all(|c| c.is_ascii_digit() || c == '.'),
            "{told:#}"
        );
        assert_eq!(update(&config, 7, false)["status"], "Offline");
    }
}
