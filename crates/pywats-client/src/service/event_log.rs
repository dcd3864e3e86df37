//! The Windows event log: what needs somebody's attention goes there, too, because it is where administrators
//! look, and what their monitoring collects.
//!
//! The installer registers the source `pywats-client` with messages of Windows' own that consist of the text
//! alone, for the events 1 to 1000; without it the event viewer shows the text all the same, below a remark.

use std::io;
use std::ptr::{null, null_mut};
use std::sync::{Mutex, PoisonError};
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::EventLog::{
    EVENTLOG_ERROR_TYPE, EVENTLOG_WARNING_TYPE, RegisterEventSourceW, ReportEventW,
};

/// The longest text that an event takes, in UTF-16 units.
const MAX_UNITS: usize = 31_839;

/// The log, open for as long as the process lives.
pub struct EventLog {
    handle: HANDLE,
    last: Mutex<String>,
}

// SAFETY: the handle is used for `ReportEventW` only, which any thread may call.
unsafe impl Send for EventLog {}
// SAFETY: as above.
unsafe impl Sync for EventLog {}

impl EventLog {
    /// Opens the log as a source of that name; nothing if Windows refuses.
    pub fn open(source: &str) -> Option<EventLog> {
        let name: Vec<u16> = source.encode_utf16().chain([0]).collect();
        // SAFETY: no server is named, and the source ends with a zero.
        let handle = unsafe { RegisterEventSourceW(null(), name.as_ptr()) };
        (!handle.is_null()).then(|| EventLog { handle, last: Mutex::new(String::new()) })
    }

    /// Writes an event, unless it says the same as the last one: a server that is away for days is one event.
    fn write(&self, kind: Kind, text: &str) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if *last == text {
            return;
        }
        text.clone_into(&mut last);
        let mut units: Vec<u16> = text.encode_utf16().take(MAX_UNITS - 1).collect();
        units.push(0);
        let texts = [units.as_ptr()];
        let (kind, id) = match kind {
            Kind::Error => (EVENTLOG_ERROR_TYPE, 1),
            Kind::Warning => (EVENTLOG_WARNING_TYPE, 2),
        };
        // SAFETY: the log is open, and its one text ends with a zero and lives until the call returns. A log that
        // cannot be written to is no reason to stop working.
        unsafe { ReportEventW(self.handle, kind, 0, id, null_mut(), 1, 0, texts.as_ptr(), null()) };
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Error,
    Warning,
}

/// One event that is being written.
pub struct Event<'a> {
    log: &'a EventLog,
    kind: Kind,
}

impl io::Write for Event<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.log.write(self.kind, String::from_utf8_lossy(line).trim_end());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for EventLog {
    type Writer = Event<'a>;

    fn make_writer(&'a self) -> Event<'a> {
        Event { log: self, kind: Kind::Warning }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Event<'a> {
        let kind = if *metadata.level() == Level::ERROR { Kind::Error } else { Kind::Warning };
        Event { log: self, kind }
    }
}
