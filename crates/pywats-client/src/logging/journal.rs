//! Events for the journal of systemd, with their fields, so that `journalctl PYWATS_FILE=a.json` finds what became of a
//! file, and `journalctl -p warning` what needs attention.
//!
//! The format is that of the journal's [native protocol](https://systemd.io/JOURNAL_NATIVE_PROTOCOL/). The libraries
//! for it take a message as it is: here it must not steer a terminal, and where the journal takes no event, the line on
//! standard error is still there.

use super::out::priority;
use super::printable;
use std::fmt;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use tracing::Event;
use tracing::field::{Field, Visit};

/// Where the journal listens.
const SOCKET: &str = "/run/systemd/journal/socket";
/// What `journalctl -t` finds.
const IDENTIFIER: &str = "pywats-client";
/// What our fields begin with: others belong to systemd, or to everybody.
const PREFIX: &str = "PYWATS_";

/// Sends to the journal.
#[derive(Debug)]
pub(super) struct Journal {
    socket: UnixDatagram,
}

impl Journal {
    /// Ready to send.
    ///
    /// # Errors
    /// If the system gives no socket.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Journal { socket: UnixDatagram::unbound()? })
    }

    /// Sends an event.
    ///
    /// # Errors
    /// If the journal does not take it: it is not there, or the event is too large for it.
    pub(super) fn send(&self, event: &Event<'_>) -> io::Result<()> {
        self.send_to(Path::new(SOCKET), event)
    }

    fn send_to(&self, socket: &Path, event: &Event<'_>) -> io::Result<()> {
        // By its path each time: the journal may have been started anew.
        self.socket.send_to(&record(event), socket).map(drop)
    }
}

/// An event as the journal reads it.
fn record(event: &Event<'_>) -> Vec<u8> {
    let mut record = Record(Vec::new());
    record.add("SYSLOG_IDENTIFIER", IDENTIFIER);
    record.add("PRIORITY", priority(*event.metadata().level()));
    event.record(&mut record);
    record.0
}

struct Record(Vec<u8>);

impl Record {
    fn add(&mut self, name: &str, value: &str) {
        self.0.extend_from_slice(name.as_bytes());
        if value.contains('\n') {
            self.0.push(b'\n');
            self.0.extend_from_slice(&(value.len() as u64).to_le_bytes());
        } else {
            self.0.push(b'=');
        }
        self.0.extend_from_slice(value.as_bytes());
        self.0.push(b'\n');
    }
}

impl Visit for Record {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let value = format!("{value:?}");
        match field.name() {
            "message" => self.add("MESSAGE", &printable(&value)),
            // What libraries say of themselves.
            name if name.starts_with("log.") => {}
            // As it is: it must equal what people search for.
            name => self.add(&format!("{PREFIX}{}", name.to_ascii_uppercase().replace('.', "_")), &value),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use tracing::Subscriber;
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

    struct Sends(Journal, std::path::PathBuf, Arc<Mutex<Vec<bool>>>);

    impl<S: Subscriber> Layer<S> for Sends {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            self.2.lock().unwrap().push(self.0.send_to(&self.1, event).is_ok());
        }
    }

    /// Fails if: a field, the level or the message is not what the journal reads; a line break in a value begins another
    /// field; a message steers a terminal; or a journal that is not there makes more than an error.
    #[test]
    fn an_event_is_a_record() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let sent = Arc::new(Mutex::new(Vec::new()));
        let layer = Sends(Journal::new().unwrap(), path.clone(), Arc::clone(&sent));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::warn!("nobody listens");
            let journal = UnixDatagram::bind(&path).unwrap();
            let none: Option<&str> = None;
            tracing::warn!(file = "a\nPRIORITY=0.json", report = %"33a2", folder = none, "a\u{1b}[31m: {}", 7);
            tracing::info!("plain");
            let mut received = vec![0; 1000];
            for expected in [
                &b"SYSLOG_IDENTIFIER=pywats-client\nPRIORITY=4\nMESSAGE=a\\u{1b}[31m: 7\n\
                   PYWATS_FILE\n\x11\0\0\0\0\0\0\0a\nPRIORITY=0.json\nPYWATS_REPORT=33a2\n"[..],
                b"SYSLOG_IDENTIFIER=pywats-client\nPRIORITY=6\nMESSAGE=plain\n",
            ] {
                let length = journal.recv(&mut received).unwrap();
                assert_eq!(String::from_utf8_lossy(&received[..length]), String::from_utf8_lossy(expected));
            }
        });
        assert_eq!(*sent.lock().unwrap(), [false, true, true]);
    }
}
