//! `diagnose` beside a running service, without one, and with what support must hear of.

use crate::station::{Station, TOKEN, report, server};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::SystemTime;
use wats_test_server::Answer;

/// The exit code and what was printed. The stations of these tests lie in a folder for temporary files, which
/// would be found fault with.
fn run(mut command: Command) -> (i32, String) {
    let Output { status, stdout, stderr } = command.env("TMPDIR", "/nowhere").output().unwrap();
    (status.code().unwrap(), String::from_utf8([stdout, stderr].concat()).unwrap())
}

fn diagnose(station: &Station) -> (i32, Value) {
    let (code, text) = run(station.command(&["diagnose", "--json"]));
    assert!(!text.contains(TOKEN), "{text}");
    (code, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
}

/// Every file and folder with its size and time.
fn tree(folder: &Path) -> BTreeMap<PathBuf, (u64, SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        found.insert(path.clone(), (metadata.len(), metadata.modified().unwrap()));
        if metadata.is_dir() {
            found.extend(tree(&path));
        }
    }
    found
}

/// Fails if: a station in order is found fault with, what is in force or in the queue is not told, or the
/// report misses what is wrong with server or service.
#[test]
fn a_running_service_is_diagnosed() {
    let server = server();
    let mut station = Station::running(&server);
    station.wait_until_ready();
    station.set_mode(station.dir(), 0o755);
    station.set_mode(&station.config(), 0o644);
    let (code, report_of_it) = diagnose(&station);
    let shown = report_of_it["findings"].to_string();
    assert!(
        code == 50 && shown.contains("every account of this machine can read the token"),
        "{report_of_it:#}"
    );
    station.set_mode(&station.config(), 0o600);
    let (code, report_of_it) = diagnose(&station);
    assert_eq!((code, &report_of_it["findings"]), (0, &json!([])), "{report_of_it:#}");
    let configuration = &report_of_it["configuration"];
    assert_eq!(configuration["server.url"], json!({ "value": server.url(), "from": "file" }));
    assert_eq!(configuration["server.token"]["value"], "****");
    assert_eq!(
        configuration["health.port"],
        json!({ "value": station.port().to_string(), "from": "environment" })
    );
    assert_eq!(configuration["logging.level"]["from"], "default");
    assert_eq!(report_of_it["service"]["status"], "ready");
    let answer = report_of_it["server"]["answer"].as_str().unwrap();
    assert!(answer.contains(wats_test_server::VERSION), "{answer}");
    let (code, text) = run(station.command(&["diagnose"]));
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("Nothing needs attention.") && text.contains(server.url()), "{text}");

    server.set_default(Answer::status(503));
    station.put("a.json", report("WAITING"));
    station.wait_for_reason("503");
    let (code, report_of_it) = diagnose(&station);
    assert_eq!(code, 50);
    assert_eq!(report_of_it["queue"]["pending_reports"], 1);
    let sections: Vec<_> =
        report_of_it["findings"].as_array().unwrap().iter().map(|finding| &finding["section"]).collect();
    assert_eq!(sections, ["service", "server"], "{report_of_it:#}");

    station.stop();
    let before = tree(station.dir());
    let (code, report_of_it) = diagnose(&station);
    assert_eq!(code, 50);
    assert_eq!(report_of_it["queue"]["pending_reports"], Value::Null, "the database is not opened");
    assert!(report_of_it["queue"]["queue.db_bytes"].as_u64().unwrap() > 0);
    assert!(
        report_of_it["findings"].to_string().contains("does not answer at 127.0.0.1"),
        "{report_of_it:#}"
    );
    assert_eq!(tree(station.dir()), before, "nothing is changed");
}

/// Fails if: a station that was never set up gets no report, or something is made by looking at it.
#[test]
fn a_bare_station_is_diagnosed() {
    let station = Station::new();
    let (code, report_of_it) = diagnose(&station);
    assert_eq!(code, 50);
    let findings = report_of_it["findings"].to_string();
    for part in ["no server address", "no token", "data folder", "does not answer"] {
        assert!(findings.contains(part), "{part}: {findings}");
    }
    assert!(tree(station.dir()).is_empty());
    station.configure_text("{");
    let (code, report_of_it) = diagnose(&station);
    assert_eq!((code, &report_of_it["configuration"]["file"]["state"]), (50, &json!("cannot be used")));
    assert!(report_of_it["findings"].to_string().contains("line 1"), "{report_of_it:#}");
}
