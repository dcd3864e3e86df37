//! Where log lines go: standard error, without times where the journal adds its own; for a Windows
//! service a file of bounded size, because nobody sees its standard error, and the event log for what needs
//! attention.

use jiff::Timestamp;
use std::fmt;
use std::io;
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, registry, reload};

/// Changes the level while the service runs.
pub struct Levels(reload::Handle<LevelFilter, Registry>);

impl Levels {
    /// From now on, write this level and what is more important.
    pub fn set(&self, level: Level) {
        match self.0.reload(LevelFilter::from_level(level)) {
            // What had a level is not there: a log file that cannot be opened.
            Err(error) if error.is_dropped() => {}
            Err(error) => tracing::error!("the log level cannot be changed: {error}"),
            Ok(()) => {}
        }
    }
}

/// Begins to write log lines to standard error.
pub fn to_stderr(level: Level) -> Levels {
    let (lines, levels) = lines(level, io::stderr, !under_journal());
    begin(registry().with(lines));
    levels
}

/// Begins to write log lines to a file, and warnings and errors to the event log: to those that can be opened.
#[cfg(windows)]
pub fn of_service(
    level: Level,
    file: Option<rotating::RotatingFile>,
    events: Option<crate::service::event_log::EventLog>,
) -> Levels {
    let (log, levels) = service_log(level, file.map(std::sync::Mutex::new), events);
    begin(log);
    levels
}

/// The level is that of the file: whoever looks after the machine hears of warnings in any case.
#[cfg(any(windows, test))]
fn service_log<F, E>(
    level: Level,
    file: Option<F>,
    events: Option<E>,
) -> (impl tracing::Subscriber + Into<tracing::Dispatch> + Send + Sync, Levels)
where
    F: for<'w> MakeWriter<'w> + Send + Sync + 'static,
    E: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let events = events.map(|log| {
        let bare = tracing_subscriber::fmt::layer().with_ansi(false).with_target(false);
        bare.with_level(false).without_time().with_writer(log).with_filter(LevelFilter::WARN)
    });
    let (file, levels) = match file {
        Some(file) => {
            let (lines, levels) = lines(level, file, true);
            (Some(lines), levels)
        }
        None => (None, Levels(reload::Layer::new(LevelFilter::OFF).1)),
    };
    (registry().with(file).with(events), levels)
}

/// A line for each event of this level and of what is more important.
fn lines<W>(level: Level, writer: W, times: bool) -> (impl Layer<Registry> + Send + Sync, Levels)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let (filter, handle) = reload::Layer::new(LevelFilter::from_level(level));
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_target(false)
        .with_timer(UtcTime { shown: times })
        .with_writer(writer)
        .with_filter(filter);
    (lines, Levels(handle))
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
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => {
                shown.extend(letter.escape_unicode());
            }
            _ if letter.is_control() => shown.extend(letter.escape_default()),
            _ => shown.push(letter),
        }
    }
    shown
}

/// `2026-11-22T12:00:00.000Z `, or nothing.
struct UtcTime {
    shown: bool,
}

impl FormatTime for UtcTime {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        if self.shown { write!(w, "{}", Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ")) } else { Ok(()) }
    }
}

/// Whether standard error is connected to the journal; see "JOURNAL_STREAM" in systemd.exec(5).
#[cfg(unix)]
fn under_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else { return false };
    rustix::fs::fstat(io::stderr()).is_ok_and(|stat| stream == format!("{}:{}", stat.st_dev, stat.st_ino))
}

#[cfg(not(unix))]
fn under_journal() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};
    use std::path::Path;
    use std::sync::Arc;

    fn write_all_levels() {
        tracing::error!("an error");
        tracing::warn!("a warning");
        tracing::info!("an information");
        tracing::debug!("a detail");
    }

    /// Fails if: the level of the log file keeps anything out of the event log or lets anything in, or the event log
    /// goes without a file.
    #[test]
    fn warnings_reach_the_event_log_whatever_the_level() {
        let dir = tempfile::tempdir().unwrap();
        let make = |name: &str| Arc::new(File::create(dir.path().join(name)).unwrap());
        let words = |path: &Path| -> Vec<String> {
            let text = fs::read_to_string(path).unwrap();
            text.lines().map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect()
        };
        let all = ["error", "warning", "information", "detail"];
        for (level, in_file) in
            [(Level::ERROR, 1), (Level::WARN, 2), (Level::INFO, 3), (Level::DEBUG, 4), (Level::TRACE, 4)]
        {
            for with_file in [true, false] {
                // What the level was before does not count.
                let (log, levels) =
                    service_log(Level::INFO, with_file.then(|| make("file")), Some(make("events")));
                tracing::subscriber::with_default(log, || {
                    levels.set(level);
                    write_all_levels();
                });
                assert_eq!(words(&dir.path().join("events")), all[..2], "{level}, with file: {with_file}");
                if with_file {
                    assert_eq!(words(&dir.path().join("file")), all[..in_file], "{level}");
                }
            }
        }
        let (log, _levels) = service_log(Level::ERROR, Some(make("file")), None::<Arc<File>>);
        tracing::subscriber::with_default(log, write_all_levels);
        assert_eq!(words(&dir.path().join("file")), all[..1], "without an event log");
    }
}

pub mod rotating {
    //! A log file that is renamed to `NAME.1` when it has grown large, `NAME.1` to `NAME.2`, and so on.

    use std::fs::{self, File};
    use std::io::{self, Write};
    use std::path::{Path, PathBuf};

    /// See the module.
    #[derive(Debug)]
    pub struct RotatingFile {
        path: PathBuf,
        file: File,
        size: u64,
        max_size: u64,
        kept: u32,
    }

    impl RotatingFile {
        /// Appends to a file, making its folder if needed. It is at most `max_size` bytes long (and one
        /// line), and `kept` older ones are kept.
        ///
        /// # Errors
        /// If the folder cannot be made or the file not be opened.
        pub fn open(path: &Path, max_size: u64, kept: u32) -> io::Result<Self> {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            let file = append(path)?;
            let size = file.metadata()?.len();
            Ok(RotatingFile { path: path.to_path_buf(), file, size, max_size, kept })
        }

        fn numbered(&self, number: u32) -> PathBuf {
            let mut path = self.path.as_os_str().to_owned();
            if number > 0 {
                path.push(format!(".{number}"));
            }
            PathBuf::from(path)
        }

        fn rotate(&mut self) -> io::Result<()> {
            for number in (0..self.kept).rev() {
                match fs::rename(self.numbered(number), self.numbered(number + 1)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            self.file = append(&self.path)?;
            self.size = self.file.metadata()?.len();
            Ok(())
        }
    }

    fn append(path: &Path) -> io::Result<File> {
        File::options().create(true).append(true).open(path)
    }

    impl Write for RotatingFile {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            // Where renaming fails the log grows on: better long than gone.
            if self.size >= self.max_size && self.rotate().is_err() {
                self.size = 0;
            }
            let written = self.file.write(line)?;
            self.size += written as u64;
            Ok(written)
        }

        fn flush(&mut self) -> io::Result<()> {
            self.file.flush()
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        /// Fails if: a log grows without end, or older lines are lost before their time.
        #[test]
        fn rotates() {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("logs").join("x.log");
            let mut log = RotatingFile::open(&path, 10, 2).unwrap();
            for line in ["first line\n", "second line\n", "third line\n", "fourth line\n"] {
                log.write_all(line.as_bytes()).unwrap();
            }
            let read = |name: &str| fs::read_to_string(path.with_file_name(name)).unwrap();
            assert_eq!(read("x.log"), "fourth line\n");
            assert_eq!(read("x.log.1"), "third line\n");
            assert_eq!(read("x.log.2"), "second line\n");
            assert!(!path.with_file_name("x.log.3").exists());
            drop(log);
            RotatingFile::open(&path, 100, 2).unwrap().write_all(b"more\n").unwrap();
            assert_eq!(read("x.log"), "fourth line\nmore\n", "appended after a restart");
        }
    }
}
