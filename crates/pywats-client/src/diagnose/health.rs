//! Asks the running service how it is, through its health endpoints.

use super::report::Section;
use crate::config::Health;
use serde_json::Value;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// How long the service may take to be reached, and for each part of its answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// More than any answer of the service.
const MAX_BYTES: u64 = 1 << 20;

/// What came of asking.
#[derive(Debug)]
pub enum Answer {
    /// The endpoints are switched off.
    Off,
    /// Nobody answers.
    Silent(SocketAddr, String),
    /// What answers is not this service.
    Foreign(SocketAddr),
    /// The service says this: the body of `/health/details`.
    Details(SocketAddr, Value),
}

/// Asks the service at the configured address.
pub fn ask(health: &Health) -> Answer {
    if health.port == 0 {
        return Answer::Off;
    }
    let address = address(health);
    match get(address, "/health/details") {
        Err(error) => Answer::Silent(address, error.to_string()),
        Ok(text) => {
            let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
            match serde_json::from_str::<Value>(body) {
                Ok(body) if body["details"]["version"].is_string() => Answer::Details(address, body),
                _ => Answer::Foreign(address),
            }
        }
    }
}

/// Where the endpoints are reached from this machine: all interfaces can be listened at, but not be connected to.
pub(crate) fn address(health: &Health) -> SocketAddr {
    let address = match health.address {
        IpAddr::V4(address) if address.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(address) if address.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        address => address,
    };
    SocketAddr::new(address, health.port)
}

/// The whole answer, head and body.
pub(crate) fn get(address: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // HTTP/1.0: the answer comes in one piece, and its end is the end of the connection.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut bytes = Vec::new();
    stream.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

impl Answer {
    /// Whether the service says that it does its whole work.
    pub fn is_ready(&self) -> bool {
        matches!(self, Answer::Details(_, body) if body["healthy"] == true)
    }

    /// How many reports wait for the server.
    pub fn pending(&self) -> Option<u64> {
        match self {
            Answer::Details(_, body) => body["details"]["pending_count"].as_u64(),
            _ => None,
        }
    }
}

/// What the answer means.
pub fn section(answer: &Answer) -> Section {
    let mut section = Section::new("service");
    match answer {
        Answer::Off => section.row("health_endpoints", "off"),
        Answer::Silent(address, error) => {
            section.row("health_endpoints", format!("http://{address}/health"));
            section.finding(format!(
                "the service does not answer at {address} ({error}): start it, or read in its log why it does not run"
            ));
        }
        Answer::Foreign(address) => {
            section.row("health_endpoints", format!("http://{address}/health"));
            section.finding(format!(
                "something else than the service answers at {address}: stop it or set health.port to a free port"
            ));
        }
        Answer::Details(address, body) => {
            section.row("health_endpoints", format!("http://{address}/health"));
            describe(&mut section, body);
        }
    }
    section
}

fn describe(section: &mut Section, body: &Value) {
    section.row("status", body["status"].clone());
    let details = &body["details"];
    for name in [
        "version",
        "service_status",
        "api_status",
        "uptime_seconds",
        "pending_count",
        "delivered_count",
        "failed_count",
        "lost_count",
        "failed_folder_files",
        "last_error",
        "last_error_at",
        "config_path",
    ] {
        section.row(name, details[name].clone());
    }
    if let Some(kinds) = details["not_taken"].as_object().filter(|kinds| !kinds.is_empty()) {
        let parts: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        section.row("not_taken", parts.join(", "));
    }
    for what in details["notes"].as_object().into_iter().flat_map(|notes| notes.values()) {
        section.finding(what.as_str().unwrap_or_default());
    }
    let newest = &details["failed_folder_newest"];
    if let (Some(file), Some(reason)) = (newest["file"].as_str(), newest["reason"].as_str()) {
        let files = &details["failed_folder_files"];
        section.row("failed_folder_newest", format!("{file}: {reason}"));
        section.finding(format!(
            "{files} files lie in the failed folder, the newest is {file}: {reason}; correct them and drop them into \
             the watch folder again, or remove them"
        ));
    }
    if body["healthy"] != true {
        let reason = body["reason"].as_str().unwrap_or("it does not say why");
        section.finding(format!("the service is not ready: {reason}"));
    }
    let (running, own) = (details["version"].as_str().unwrap_or_default(), env!("CARGO_PKG_VERSION"));
    if running != own {
        section.finding(format!("version {running} is running, but {own} is installed: restart the service"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Fails if: an answer of the service is judged wrongly, or a silent or foreign one goes unnoticed.
    #[test]
    fn answers_are_judged() {
        let address = SocketAddr::from(([127, 0, 0, 1], 8080));
        let details = |healthy: bool, version: &str| {
            let body = json!({
                "healthy": healthy, "reason": "no server address",
                "details": { "version": version, "pending_count": 3 },
            });
            Answer::Details(address, body)
        };
        let own = env!("CARGO_PKG_VERSION");
        // The answer, whether it says ready, how many reports wait, and what needs attention.
        let cases = [
            (Answer::Off, false, None, None),
            (Answer::Silent(address, "refused".to_owned()), false, None, Some("start it")),
            (Answer::Foreign(address), false, None, Some("health.port")),
            (details(true, own), true, Some(3), None),
            (details(false, own), false, Some(3), Some("no server address")),
            (details(true, "0.0.1"), true, Some(3), Some("restart the service")),
        ];
        for (answer, ready, pending, part) in cases {
            assert_eq!((answer.is_ready(), answer.pending()), (ready, pending), "{answer:?}");
            let section = section(&answer);
            assert_eq!(section.findings().len(), usize::from(part.is_some()), "{answer:?}");
            assert!(
                section.findings().iter().all(|text| text.contains(part.unwrap_or_default())),
                "{answer:?}"
            );
        }
    }
}
