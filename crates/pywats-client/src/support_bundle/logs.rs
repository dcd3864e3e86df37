//! The log: of the journal where there is one, and the files that the service writes.

use super::Bundle;
use super::files;
use super::secrets::Secrets;
use crate::config::Config;
use crate::config::settings::SETTINGS;
use crate::logging;
use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The most of one file that is read, from its end, in bytes.
const TAIL: u64 = 4 << 20;
/// The most files: those that the service keeps, and a few of a name it had before.
const FILES: usize = 12;
/// The most lines of the journal.
const LINES: &str = "40000";

/// Where launchd puts what the service says before its log is open, and what a crash says.
const OF_LAUNCHD: &str = "/Library/Logs/pywats-client.log";

/// Adds what there is.
pub(super) fn add(bundle: &mut Bundle, config: &Config, secrets: &Secrets) {
    if cfg!(target_os = "linux") {
        journal(bundle, secrets);
    }
    if cfg!(target_os = "macos")
        && let Ok(text) = tail(Path::new(OF_LAUNCHD))
    {
        bundle.add("logs/launchd.log", &text, secrets);
    }
    for path in log_files(config) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match tail(&path) {
            Ok(text) => bundle.add(&format!("logs/{name}"), &text, secrets),
            Err(error) => bundle.note(format!("{}: {error}", path.display())),
        }
    }
}

fn journal(bundle: &mut Bundle, secrets: &Secrets) {
    let mut command = Command::new("journalctl");
    command.args(["--unit=pywats-client", "--since=-7days", "--no-pager", "--quiet", "--utc"]);
    command.args(["--output=short-iso", "--lines", LINES]).env("LC_ALL", "C").stdin(Stdio::null());
    match command.output() {
        Ok(output) if output.status.success() => {
            bundle.add("logs/journal.txt", &String::from_utf8_lossy(&output.stdout), secrets);
            if output.stdout.is_empty() {
                bundle.note("the journal has no line of the service of the last 7 days that may be read");
            }
        }
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            bundle.note(format!("the journal cannot be read: {said}"));
        }
        Err(error) => bundle.note(format!("the journal cannot be read: journalctl: {error}")),
    }
}

/// The files of the log, by their names.
fn log_files(config: &Config) -> Vec<PathBuf> {
    let configured = SETTINGS.iter().find(|setting| setting.name() == "logging.file");
    let configured = configured.and_then(|setting| (setting.show)(config)).map(PathBuf::from);
    let usual = logging::file_of_service(config);
    let mut found: Vec<PathBuf> = configured.iter().chain([&usual]).flat_map(|path| rotated(path)).collect();
    found.sort();
    found.dedup();
    found.truncate(FILES);
    found
}

/// A log file and its older ones: `NAME`, `NAME.1`, …
fn rotated(path: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Vec::new();
    };
    let is_one = |other: &str| {
        let rest = other.strip_prefix(name).map(|rest| rest.strip_prefix('.').unwrap_or(rest));
        rest.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit()))
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    // /dev/stdout is a link, and what went there is elsewhere.
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    files.filter(|entry| entry.file_name().to_str().is_some_and(is_one)).map(|entry| entry.path()).collect()
}

/// The end of a file, from the beginning of a line.
fn tail(path: &Path) -> io::Result<String> {
    let mut file = files::open(path)?;
    let length = file.metadata()?.len();
    let begin = length.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(begin))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(match text.split_once('\n') {
        Some((_, rest)) if begin > 0 => rest.to_owned(),
        _ => text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: an older log is passed over, or another file is taken for one.
    #[test]
    fn finds_the_logs() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.log", "a.log.1", "a.log.12", "a.log.old", "ab.log", "a.log.1.json"] {
            fs::write(dir.path().join(name), name).unwrap();
        }
        let mut names: Vec<_> = rotated(&dir.path().join("a.log"));
        names.sort();
        assert_eq!(names, ["a.log", "a.log.1", "a.log.12"].map(|name| dir.path().join(name)));
        assert_eq!(tail(&names[2]).unwrap(), "a.log.12");
    }
}
