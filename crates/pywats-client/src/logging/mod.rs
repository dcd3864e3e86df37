//! Where log lines go, and how they look.
//!
//! By default they go to standard error; where that is the journal, to the journal itself, which keeps levels and fields
//! ([`journal`]); those of a service of Windows or macOS go to a file of bounded size, because
//! nobody sees its standard error, and on Windows to the event log if they need attention.
//! `logging.file` names another file ([`rotating`]) or standard output, `logging.format` makes each line a JSON object
//! for programs that collect logs. Both are followed while the service runs ([`out`]).

#[cfg(target_os = "linux")]
mod journal;
mod out;
pub mod rotating;

use crate::config::{Config, Logging};
use jiff::Timestamp;
use out::{Out, ToOut};
use serde_json::Value;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use tracing::field::Field;
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::field::MakeExt as _;
#[cfg(any(windows, target_os = "macos", test))]
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::{self, Format, Full, Json, Writer};
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, registry, reload};

/// Changes what is logged, how and where to, while the service runs.
pub struct Levels {
    level: reload::Handle<LevelFilter, Registry>,
    out: Arc<Out>,
}

impl Levels {
    /// From now on, write this level and what is more important.
    pub fn set(&self, level: Level) {
        if let Err(error) = self.level.reload(LevelFilter::from_level(level)) {
            tracing::error!("the log level cannot be changed: {error}");
        }
    }

    /// From now on, log as these settings say.
    ///
    /// # Errors
    /// If the log file cannot be opened; the text says so for people. Lines go on to where they went.
    pub fn follow(&self, logging: &Logging) -> Result<(), String> {
        self.set(logging.level);
        self.out.follow(logging)
    }
}

/// Begins to write log lines to standard error.
pub fn to_stderr(level: Level) -> Levels {
    let (lines, levels) = lines(level, Out::to_stderr(!under_journal()));
    begin(registry().with(lines));
    levels
}

/// Begins to write log lines to a file, unless `logging.file` names another one, and warnings and errors to the event
/// log. Lines go to standard error before [`Levels::follow`].
#[cfg(windows)]
pub fn of_service(
    level: Level,
    file: PathBuf,
    events: Option<crate::service::event_log::EventLog>,
) -> Levels {
    let (log, levels) = service_log(level, file, events);
    begin(log);
    levels
}

/// The file that a service of Windows or macOS logs to, unless `logging.file` names another one. The service makes its
/// folder itself, also when somebody has removed it, which it could not in `/Library/Logs`.
pub fn file_of_service(config: &Config) -> PathBuf {
    config.client.data_dir.join("logs").join("pywats-client.log")
}

/// Begins to write log lines to a file, unless `logging.file` names another one. Lines go to standard error before
/// [`Levels::follow`]: launchd puts them into a file, which is kept small.
#[cfg(target_os = "macos")]
pub fn of_daemon(level: Level, file: PathBuf) -> Levels {
    out::shorten(std::io::stderr());
    let (log, levels) = service_log(level, file.clone(), None::<fn() -> std::io::Sink>);
    begin(log);
    tracing::info!("what comes next is in {}, unless logging.file names another file", file.display());
    levels
}

/// The level is that of the file: whoever looks after the machine hears of warnings in any case.
#[cfg(any(windows, target_os = "macos", test))]
fn service_log<E>(
    level: Level,
    file: PathBuf,
    events: Option<E>,
) -> (impl Subscriber + Into<tracing::Dispatch> + Send + Sync, Levels)
where
    E: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let events = events.map(|log| {
        let bare = tracing_subscriber::fmt::layer().with_ansi(false).with_target(false);
        bare.with_level(false).without_time().with_writer(log).with_filter(LevelFilter::WARN)
    });
    let (lines, levels) = lines(level, Out::to_file(file));
    (registry().with(lines).with(events), levels)
}

/// A line for each event of this level and of what is more important.
fn lines(level: Level, out: Out) -> (impl Layer<Registry> + Send + Sync, Levels) {
    let (filter, handle) = reload::Layer::new(LevelFilter::from_level(level));
    let out = Arc::new(out);
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .fmt_fields(format::debug_fn(write_field).delimited(" "))
        .event_format(Lines::new(&out))
        .with_writer(ToOut(Arc::clone(&out)))
        .with_filter(filter);
    (lines, Levels { level: handle, out })
}

/// A field in a line of text. What an event is about is in its words already.
fn write_field(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    match field.name() {
        "message" => write!(writer, "{value:?}"),
        "report" | "file" | "folder" => Ok(()),
        name if name.starts_with("log.") => Ok(()),
        name => write!(writer, "{name}={value:?}"),
    }
}

fn begin(log: impl Into<tracing::Dispatch>) {
    // Fails only if there is a log already, which is then as good.
    drop(log.try_init());
}

/// A line as a terminal can show it: a name of a file may hold line breaks, what steers a terminal, and what
/// turns the direction of the text.
pub fn printable(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    for letter in line.chars() {
        match letter {
            _ if turns_text(letter) => shown.extend(letter.escape_unicode()),
            _ if letter.is_control() => shown.extend(letter.escape_default()),
            _ => shown.push(letter),
        }
    }
    shown
}

/// JSON as a terminal can show it. It stays the same JSON.
pub fn printable_json(value: &Value) -> String {
    let mut shown = String::new();
    for letter in format!("{value:#}").chars() {
        match letter {
            '\n' => shown.push(letter),
            // All of them have numbers of at most four digits.
            _ if turns_text(letter) || letter.is_control() => {
                shown.push_str(&format!("\\u{:04x}", u32::from(letter)));
            }
            _ => shown.push(letter),
        }
    }
    shown
}

fn turns_text(letter: char) -> bool {
    matches!(
        letter,
        '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

/// Events as text or as JSON, as it is wanted at the moment.
struct Lines {
    out: Arc<Out>,
    text: Format<Full, TextTime>,
    json: Format<Json, JsonTime>,
    #[cfg(target_os = "linux")]
    journal: Option<journal::Journal>,
}

impl Lines {
    fn new(out: &Arc<Out>) -> Self {
        let format = tracing_subscriber::fmt::format().with_ansi(false);
        Lines {
            out: Arc::clone(out),
            text: format.clone().with_target(false).with_timer(TextTime(Arc::clone(out))),
            json: format
                .json()
                .flatten_event(true)
                .with_current_span(false)
                .with_span_list(false)
                .with_timer(JsonTime),
            #[cfg(target_os = "linux")]
            journal: under_journal().then(journal::Journal::new).and_then(Result::ok),
        }
    }

    /// Gives an event to the journal, if it is to go there; says whether that has it.
    #[cfg(target_os = "linux")]
    fn journal_has(&self, event: &Event<'_>) -> bool {
        let wanted = !self.out.is_json() && !self.out.is_to_file();
        wanted && self.journal.as_ref().is_some_and(|journal| journal.send(event).is_ok())
    }

    #[cfg(not(target_os = "linux"))]
    fn journal_has(&self, _: &Event<'_>) -> bool {
        false
    }
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if self.journal_has(event) {
            // Nothing is written as a line.
            Ok(())
        } else if self.out.is_json() {
            self.json.format_event(context, writer, event)
        } else {
            self.text.format_event(context, writer, event)
        }
    }
}

/// `2026-11-22T12:00:00.000Z `, or nothing.
struct TextTime(Arc<Out>);

impl FormatTime for TextTime {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        if self.0.shows_times() { JsonTime.format_time(w) } else { Ok(()) }
    }
}

/// `2026-11-22T12:00:00.000Z`
struct JsonTime;

impl FormatTime for JsonTime {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        write!(w, "{}", Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ"))
    }
}

/// Whether standard error is connected to the journal; see "JOURNAL_STREAM" in systemd.exec(5).
#[cfg(unix)]
fn under_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else { return false };
    rustix::fs::fstat(std::io::stderr())
        .is_ok_and(|stat| stream == format!("{}:{}", stat.st_dev, stat.st_ino))
}

#[cfg(not(unix))]
fn under_journal() -> bool {
    false
}

#[cfg(test)]
mod tests;
