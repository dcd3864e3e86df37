//! Where log lines go: standard error, without times where the journal adds its own; for a Windows
//! service a file of bounded size, because nobody sees its standard error, and the event log for what needs
//! attention.

use jiff::Timestamp;
use std::fmt;
use std::io;
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
#[cfg(windows)]
use tracing_subscriber::layer::Layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt;

/// Changes the level while the service runs.
pub struct Levels(reload::Handle<LevelFilter, tracing_subscriber::Registry>);

impl Levels {
    /// From now on, write this level and what is more important.
    pub fn set(&self, level: Level) {
        if let Err(error) = self.0.reload(LevelFilter::from_level(level)) {
            tracing::error!("the log level cannot be changed: {error}");
        }
    }
}

/// Begins to write log lines to standard error.
pub fn to_stderr(level: Level) -> Levels {
    let (filter, levels) = filter(level);
    begin(filter, lines(io::stderr, !under_journal()));
    levels
}

/// Begins to write log lines with `writer`, and warnings and errors to the event log.
#[cfg(windows)]
pub fn to_file(
    level: Level,
    writer: rotating::RotatingFile,
    events: Option<crate::service::event_log::EventLog>,
) -> Levels {
    let (filter, levels) = filter(level);
    let events = events.map(|log| {
        let bare = tracing_subscriber::fmt::layer().with_ansi(false).with_target(false);
        bare.with_level(false).without_time().with_writer(log).with_filter(LevelFilter::WARN)
    });
    begin(filter, lines(std::sync::Mutex::new(writer), true).and_then(events));
    levels
}

type Filter = reload::Layer<LevelFilter, tracing_subscriber::Registry>;
type Filtered = tracing_subscriber::layer::Layered<Filter, tracing_subscriber::Registry>;

fn filter(level: Level) -> (Filter, Levels) {
    let (filter, handle) = reload::Layer::new(LevelFilter::from_level(level));
    (filter, Levels(handle))
}

/// A line for each event.
fn lines<W>(writer: W, times: bool) -> impl tracing_subscriber::Layer<Filtered> + Send + Sync
where
    W: for<'w> tracing_subscriber::fmt::MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_target(false)
        .with_timer(UtcTime { shown: times })
        .with_writer(writer)
}

fn begin(filter: Filter, layer: impl tracing_subscriber::Layer<Filtered> + Send + Sync) {
    // Fails only if there is a log already, which is then as good.
    drop(tracing_subscriber::registry().with(filter).with(layer).try_init());
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
