use super::*;
use crate::config::{Config, LogFormat};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::Path;

fn write_all_levels() {
    tracing::error!("an error");
    tracing::warn!("a warning");
    tracing::info!("an information");
    tracing::debug!("a detail");
}

fn settings(level: Level) -> Logging {
    Logging { level, ..Config::new().logging }
}

/// Fails if: the level of the log file keeps anything out of the event log or lets anything in, or the event log
/// goes without a file.
#[test]
fn warnings_reach_the_event_log_whatever_the_level() {
    let dir = tempfile::tempdir().unwrap();
    let words = |path: &Path| -> Vec<String> {
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines().map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect()
    };
    let all = ["error", "warning", "information", "detail"];
    for (level, in_file) in
        [(Level::ERROR, 1), (Level::WARN, 2), (Level::INFO, 3), (Level::DEBUG, 4), (Level::TRACE, 4)]
    {
        for with_file in [true, false] {
            let folder = dir.path().join(format!("{level}-{with_file}"));
            fs::create_dir(&folder).unwrap();
            let file = if with_file { folder.join("file") } else { folder.clone() };
            let events = Arc::new(File::create(folder.join("events")).unwrap());
            // What the level was before does not count.
            let (log, levels) = service_log(Level::INFO, file.clone(), Some(events));
            tracing::subscriber::with_default(log, || {
                assert_eq!(levels.follow(&settings(level)).is_ok(), with_file);
                write_all_levels();
            });
            assert_eq!(words(&folder.join("events")), all[..2], "{level}, with file: {with_file}");
            assert_eq!(words(&file), all[..if with_file { in_file } else { 0 }], "{level}");
        }
    }
}

/// Fails if: a name with a line break makes a second line, what steers a terminal comes through, a line of JSON is no
/// object with what collectors look for, or a change of file or format needs a restart.
#[test]
fn an_event_is_one_line_in_the_format_and_file_of_the_moment() {
    let dir = tempfile::tempdir().unwrap();
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap_or_default();
    let name = "a\nERROR forged\r\u{1b}[31m\u{202e}.json";
    let (log, levels) = service_log(Level::INFO, dir.path().join("default"), None::<Arc<File>>);
    let mut logging = settings(Level::INFO);
    tracing::subscriber::with_default(log, || {
        levels.follow(&logging).unwrap();
        tracing::warn!(bytes = 7, "{name}: moved");
        logging.file = Some(dir.path().join("logs").join("other"));
        logging.format = LogFormat::Json;
        levels.follow(&logging).unwrap();
        tracing::warn!(bytes = 7, "{name}: moved");
        // A folder is no file: lines go on to where they went.
        logging.file = Some(dir.path().to_owned());
        let error = levels.follow(&logging).unwrap_err();
        assert!(error.contains("set logging.file"), "{error}");
        tracing::info!("after it");
        (logging.file, logging.format) = (None, LogFormat::Text);
        levels.follow(&logging).unwrap();
        tracing::info!("text again");
    });
    let text = read("default");
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.contains(r"WARN a\nERROR forged\r"), "{text}");
    assert!(!text.contains(['\u{1b}', '\r', '\u{202e}']), "{text:?}");
    assert!(text.ends_with("INFO text again\n"), "{text}");
    let other = read("logs/other");
    let lines: Vec<Value> = other.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{other}");
    assert_eq!(lines[0]["message"], format!("{name}: moved"));
    assert_eq!((&lines[0]["level"], &lines[0]["bytes"]), (&"WARN".into(), &7.into()));
    assert!(lines[0]["target"].as_str().unwrap().starts_with("pywats_client::logging"), "{other}");
    assert!(lines[0]["timestamp"].as_str().unwrap().parse::<Timestamp>().is_ok(), "{other}");
    assert_eq!(lines[1]["message"], "after it");
}

/// Fails if: JSON with letters that steer a terminal is none, says something else, or still has them.
#[test]
fn json_stays_json() {
    let value = json!({ "a\u{202e}b\u{feff}": ["\u{9b}31m\u{7f}", "ü\n\u{1f600}\u{1b}"] });
    let shown = printable_json(&value);
    assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), value);
    assert!(
        shown
            .chars()
            .all(|letter| letter == '\n' || printable(&letter.to_string()).len() == letter.len_utf8())
    );
}

/// Fails if: what launchd appends to grows without end, a short file loses what explains the last crash, or what is no
/// file is touched.
#[cfg(unix)]
#[test]
fn standard_error_that_has_grown_large_is_emptied() {
    let dir = tempfile::tempdir().unwrap();
    for (before, after) in [(0, 0), (1 << 20, 1 << 20), ((1 << 20) + 1, 0)] {
        let path = dir.path().join(before.to_string());
        File::create(&path).unwrap().set_len(before).unwrap();
        let appended = File::options().append(true).open(&path).unwrap();
        out::shorten(&appended);
        std::io::Write::write_all(&mut &appended, b"more").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), after + 4, "{before}");
    }
    out::shorten(File::open(dir.path()).unwrap());
}
