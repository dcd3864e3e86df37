//! Where lines go at the moment: standard error, standard output, or a file. An event is one line, whatever is in it.

use super::printable;
use super::rotating::RotatingFile;
use crate::config::{LogFormat, Logging};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// The name of standard output, as containers use it. It is no file that can be opened anew or renamed: it may be a
/// socket, and `/dev` may be read-only.
const STDOUT: &str = "/dev/stdout";

/// See the module.
#[derive(Debug)]
pub(super) struct Out {
    /// Where lines go if the settings name no file: this one, or standard error.
    default_file: Option<PathBuf>,
    /// Whether lines on standard error tell when they were written.
    stderr_times: bool,
    is_json: AtomicBool,
    to_file: AtomicBool,
    target: Mutex<Target>,
}

#[derive(Debug)]
enum Target {
    Stderr,
    Stdout,
    File(RotatingFile),
}

impl Out {
    pub(super) fn to_stderr(stderr_times: bool) -> Out {
        Out::new(None, stderr_times)
    }

    #[cfg(any(windows, target_os = "macos", test))]
    pub(super) fn to_file(file: PathBuf) -> Out {
        Out::new(Some(file), true)
    }

    fn new(default_file: Option<PathBuf>, stderr_times: bool) -> Out {
        Out {
            default_file,
            stderr_times,
            is_json: AtomicBool::new(false),
            to_file: AtomicBool::new(false),
            target: Mutex::new(Target::Stderr),
        }
    }

    fn target(&self) -> MutexGuard<'_, Target> {
        self.target.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_json(&self) -> bool {
        self.is_json.load(Ordering::Relaxed)
    }

    pub(super) fn is_to_file(&self) -> bool {
        self.to_file.load(Ordering::Relaxed)
    }

    pub(super) fn shows_times(&self) -> bool {
        self.stderr_times || self.is_to_file()
    }

    /// From now on, lines go where these settings say, and look so.
    pub(super) fn follow(&self, logging: &Logging) -> Result<(), String> {
        let wanted = logging.file.as_ref().or(self.default_file.as_ref());
        let size = u64::from(logging.file_megabytes) << 20;
        self.go_to(wanted.map(PathBuf::as_path), size, logging.files)?;
        self.is_json.store(logging.format == LogFormat::Json, Ordering::Relaxed);
        Ok(())
    }

    fn go_to(&self, file: Option<&Path>, size: u64, kept: u32) -> Result<(), String> {
        let mut target = self.target();
        match (&mut *target, file) {
            (Target::File(open), Some(path)) if open.path() == path => open.limit(size, kept),
            (_, Some(path)) if path == Path::new(STDOUT) => *target = Target::Stdout,
            (_, Some(path)) => {
                let open = RotatingFile::open(path, size, kept).map_err(|error| {
                    format!(
                        "the log file {} cannot be opened: {error}; let the service's account write to its folder, or \
                         set logging.file to another one",
                        path.display()
                    )
                })?;
                *target = Target::File(open);
            }
            (_, None) => *target = Target::Stderr,
        }
        self.to_file.store(file.is_some(), Ordering::Relaxed);
        Ok(())
    }
}

/// The most that is left of earlier runs where standard error is a file.
#[cfg(any(target_os = "macos", all(test, unix)))]
const LEFT: u64 = 1 << 20;

/// Empties standard error if it is a file that has grown large: launchd appends to it for ever.
#[cfg(any(target_os = "macos", all(test, unix)))]
pub(super) fn shorten(stderr: impl std::os::fd::AsFd) {
    use rustix::fs::{FileType, fstat, ftruncate};
    let is_large = |stat: &rustix::fs::Stat| {
        FileType::from_raw_mode(stat.st_mode).is_file()
            && u64::try_from(stat.st_size).is_ok_and(|size| size > LEFT)
    };
    if fstat(&stderr).is_ok_and(|stat| is_large(&stat)) {
        // Where that fails it is as long as before.
        let _ = ftruncate(stderr, 0);
    }
}

/// Writes one event, which comes as a whole, and its level, where that is known.
pub(super) struct LineWriter<'o>(&'o Out, Option<Level>);

/// The level as the journal counts, so that it is found by `journalctl --priority`: "PRIORITY=" in
/// systemd.journal-fields(7), and in angle brackets before a line on standard error, sd-daemon(3).
pub(super) fn priority(level: Level) -> &'static str {
    match level {
        Level::ERROR => "3",
        Level::WARN => "4",
        Level::INFO => "6",
        _ => "7",
    }
}

/// Gives the layer its writers.
pub(super) struct ToOut(pub(super) Arc<Out>);

impl<'o> MakeWriter<'o> for ToOut {
    type Writer = LineWriter<'o>;

    fn make_writer(&'o self) -> LineWriter<'o> {
        LineWriter(&self.0, None)
    }

    fn make_writer_for(&'o self, meta: &Metadata<'_>) -> LineWriter<'o> {
        LineWriter(&self.0, Some(*meta.level()))
    }
}

impl Write for LineWriter<'_> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        // JSON holds no line break but the one at its end.
        let line = match self.0.is_json() {
            true => text.into_owned(),
            false => printable(text.trim_end()) + "\n",
        };
        match &mut *self.0.target() {
            Target::Stderr => {
                // Where lines have no times, the journal adds them.
                let level = self.1.filter(|_| !self.0.stderr_times);
                let prefix = level.map_or_else(String::new, |level| format!("<{}>", priority(level)));
                io::stderr().write_all((prefix + &line).as_bytes())?;
            }
            Target::Stdout => io::stdout().write_all(line.as_bytes())?,
            Target::File(file) => file.write_all(line.as_bytes())?,
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
