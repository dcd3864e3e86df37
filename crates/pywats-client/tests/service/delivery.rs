//! Reports arrive, whole and once, whatever the order of events.

use crate::station::{PATIENCE, Station, report, report_with_id, server, submissions};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

fn fixture(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(name)).unwrap()
}

/// Fails if: a real report arrives changed, loses its identifier, is not moved to `done/` as it was,
/// or is sent again after a restart.
#[test]
fn real_reports_arrive_unchanged() {
    let server = server();
    let mut station = Station::running(&server);
    let names = ["uut-wsjf-export.json", "uur_example.json"];
    for name in names {
        station.put(name, fixture(name));
    }
    station.wait_for_done(&names);
    for (name, arrived) in names.iter().zip(server.reports()) {
        let sent: Value = serde_json::from_slice(&fixture(name)).unwrap();
        let mut arrived: Value = serde_json::from_slice(&arrived).unwrap();
        if sent.get("id").is_none_or(Value::is_null) {
            assert!(arrived["id"].as_str().is_some_and(|id| id.len() == 36), "an identifier was assigned");
            arrived["id"] = sent.get("id").cloned().unwrap_or_default();
        }
        assert_eq!(arrived, sent, "{name}");
        assert_eq!(fs::read(station.done().join(name)).unwrap(), fixture(name), "{name} in done");
    }
    assert_eq!(Station::names(&station.watch()), [""; 0]);
    station.wait_until_ready();
    assert!(station.stop().success());
    station.start();
    station.put("later.json", report("LATER"));
    station.wait_for_done(&["later.json"]);
    assert_eq!(submissions(&server).len(), 3, "nothing was sent again");
}

/// Fails if: two identical files become one report, share an assigned identifier, or one overwrites
/// the other in `done/`.
#[test]
fn identical_files_are_two_reports() {
    let server = server();
    let station = Station::running(&server);
    station.put("a.json", report("TWIN"));
    station.put("b.json", report("TWIN"));
    station.wait_for_done(&["a.json", "b.json"]);
    station.put("a.json", report("TWIN"));
    station.wait_for_done(&["a.1.json"]);
    let ids: BTreeSet<_> = submissions(&server).into_iter().collect();
    assert_eq!(ids.len(), 3, "three files, three identifiers");
    let id = "11111111-2222-4333-8444-555555555555";
    station.put("c.json", report_with_id("OWN", id));
    station.put("d.json", report_with_id("OWN", id));
    station.wait_for_done(&["c.json", "d.json"]);
    let own: Vec<_> = submissions(&server).into_iter().filter(|(sn, _)| sn == "OWN").collect();
    assert_eq!(own, vec![("OWN".to_owned(), id.to_owned()); 2], "each is sent, under its own identifier");
}

/// Fails if: a file is taken while its writer has it open, whether it was there at the start or not,
/// or its parts do not arrive as one report.
#[test]
fn a_file_is_taken_when_its_writer_closes_it() {
    let server = server();
    let mut station = Station::new();
    station.configure(&station.settings(&server));
    fs::create_dir_all(station.watch()).unwrap();
    let watch = station.watch();
    let write_slowly = |name: &str| {
        let text = report(name);
        let (first, rest) = text.as_bytes().split_at(text.len() / 2);
        let mut file = File::create(watch.join(name)).unwrap();
        file.write_all(first).unwrap();
        (file, rest.to_vec())
    };
    let mut early = write_slowly("early.json");
    station.start();
    let mut late = write_slowly("late.json");
    let until = Instant::now() + Duration::from_secs(2);
    while Instant::now() < until {
        assert_eq!(submissions(&server), [], "nothing may be taken yet");
        assert_eq!(Station::names(&station.failed()), [""; 0]);
        std::thread::sleep(Duration::from_millis(50));
    }
    for (file, rest) in [&mut early, &mut late] {
        file.write_all(rest).unwrap();
    }
    drop((early, late));
    station.wait_for_done(&["early.json", "late.json"]);
    assert_eq!(submissions(&server).len(), 2);
}

/// Fails if: a service that may not ask the kernel about writers takes a growing file too early, or
/// never.
#[test]
fn without_leases_a_resting_file_is_complete() {
    if !rustix::process::geteuid().is_root() {
        // Leases are refused to those who do not own the file: that takes two accounts.
        println!("NOT RUN: needs root to use two accounts");
        panic!("run this test as root, or leave it out with --skip without_leases");
    }
    let server = server();
    let mut station = Station::new();
    station.configure(&station.settings(&server));
    station.without_rights();
    let text = report("FOREIGN");
    let path = station.put("foreign.json", &text[..20]);
    station.set_mode(&path, 0o644);
    station.start();
    for part in text.as_bytes()[20..].chunks(text.len() / 3) {
        std::thread::sleep(Duration::from_millis(1500));
        assert_eq!(submissions(&server), []);
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(part).unwrap();
        // No event of a closing writer must be what makes the difference here.
        std::mem::forget(file);
    }
    station.wait_for_done(&["foreign.json"]);
    assert_eq!(submissions(&server).len(), 1);
}

/// Fails if: a burst is not taken whole, or not in the order of age.
#[test]
fn a_backlog_goes_oldest_first() {
    let server = server();
    let mut station = Station::new();
    station.configure(&station.settings(&server));
    for number in 0..30 {
        let path = station.put(format!("{}.json", 99 - number), report(&format!("SN{number:02}")));
        let age = Duration::from_secs(1000 - number);
        File::options()
            .append(true)
            .open(path)
            .unwrap()
            .set_modified(std::time::SystemTime::now() - age)
            .unwrap();
    }
    station.start();
    server.wait_for_reports_blocking(30, PATIENCE).unwrap();
    let order: Vec<String> = submissions(&server).into_iter().map(|(sn, _)| sn).collect();
    let expected: Vec<String> = (0..30).map(|number| format!("SN{number:02}")).collect();
    assert_eq!(order, expected);
}

/// Fails if: a source that is renamed, replaced or removed while its report waits makes the report
/// get lost or sent twice, or if the new content of a replaced one is taken for delivered.
#[test]
fn sources_that_change_while_their_reports_wait() {
    let server = server();
    let mut station = Station::new();
    station.start();
    for name in ["renamed", "replaced", "removed"] {
        station.put(format!("{name}.json"), report(name));
    }
    station.wait("three reports wait", |station| {
        station.get("/health/details").json()["details"]["pending_count"] == 3
    });
    fs::rename(station.watch().join("renamed.json"), station.watch().join("new name.json")).unwrap();
    fs::remove_file(station.watch().join("removed.json")).unwrap();
    fs::write(station.dir().join("new"), report("replacement")).unwrap();
    fs::rename(station.dir().join("new"), station.watch().join("replaced.json")).unwrap();
    station.wait("the new one waits, too", |station| {
        station.get("/health/details").json()["details"]["pending_count"] == 4
    });
    station.stop();
    station.configure(&station.settings(&server));
    station.start();
    station.wait_for_done(&["new name.json", "replaced.json"]);
    let mut arrived: Vec<String> = submissions(&server).into_iter().map(|(sn, _)| sn).collect();
    arrived.sort();
    assert_eq!(arrived, ["removed", "renamed", "replaced", "replacement"]);
    assert_eq!(Station::names(&station.done()), ["new name.json", "replaced.json"]);
    let done = fs::read_to_string(station.done().join("replaced.json")).unwrap();
    assert!(done.contains("replacement"), "the content that lies in done is the one that was delivered last");
}
