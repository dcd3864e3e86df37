//! Reports arrive, whole and once, whatever the order of events.

use crate::station::{NOBODY, PATIENCE, Station, report, report_with_id, server, submissions};
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
    let arrived: Vec<Value> =
        server.reports().iter().map(|report| serde_json::from_slice(report).unwrap()).collect();
    assert_eq!(arrived.len(), names.len());
    for name in names {
        let sent: Value = serde_json::from_slice(&fixture(name)).unwrap();
        let mut arrived = arrived.iter().find(|report| report["sn"] == sent["sn"]).unwrap().clone();
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

/// Fails if: a service that may not ask the kernel about writers takes a file before its closing was
/// heard, puts a half-written one aside, or never takes one that nothing was heard of.
#[test]
fn without_leases_closings_and_rest_count() {
    let server = server();
    let mut station = Station::new();
    station.configure(&station.settings(&server));
    // Leases are refused to those who do not own the file.
    station.as_account(NOBODY);
    let put = |name: &str, content: &[u8]| {
        let path = station.put(name, content);
        station.set_mode(&path, 0o644);
        path
    };
    put("resting.json", report("RESTING").as_bytes());
    station.set_mode(&station.config(), 0o644);
    station.start();
    station.wait_for_done(&["resting.json"]);
    let text = report("OPEN");
    let path = station.watch().join("open.json");
    let mut file = File::create(&path).unwrap();
    station.set_mode(&path, 0o644);
    file.write_all(&text.as_bytes()[..20]).unwrap();
    // Longer than a file must rest of which nothing was heard, and than until the next look at all of them.
    let until = Instant::now() + Duration::from_secs(40);
    while Instant::now() < until {
        assert_eq!(submissions(&server).len(), 1, "{}", station.log());
        assert_eq!(Station::names(&station.failed()), [""; 0]);
        std::thread::sleep(Duration::from_millis(200));
    }
    file.write_all(&text.as_bytes()[20..]).unwrap();
    drop(file);
    station.wait_for_done(&["open.json"]);
    assert_eq!(submissions(&server).len(), 2);
}

/// Fails if: a report that is changed while it waits, by somebody who still has it open, is sent half, in
/// its old form or under another identifier.
#[test]
fn a_report_that_changes_while_it_waits() {
    let server = server();
    let mut station = Station::new();
    // The kernel would tell of a writer otherwise.
    station.as_account(NOBODY);
    station.start();
    let aside = station.dir().join("aside");
    fs::write(&aside, report("BEFORE")).unwrap();
    station.set_mode(&aside, 0o644);
    let mut held = File::options().append(true).open(&aside).unwrap();
    fs::rename(aside, station.watch().join("a.json")).unwrap();
    station.wait_for_pending(1);
    let spooled = Station::names(&station.spool());
    held.set_len(0).unwrap();
    let after = report("AFTER");
    let (first, rest) = after.as_bytes().split_at(30);
    held.write_all(first).unwrap();
    station.configure(&station.settings(&server));
    station.set_mode(&station.config(), 0o644);
    station.wait("it is handed back", |station| station.log().contains("the server answers"));
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(submissions(&server), [], "nothing half");
    held.write_all(rest).unwrap();
    drop(held);
    station.wait_for_done(&["a.json"]);
    let sent = submissions(&server);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].0, "AFTER");
    assert!(spooled[0].starts_with(&sent[0].1), "{spooled:?} {sent:?}");
}

/// Fails if: a burst is not taken whole, or not in the order of age.
#[test]
fn a_backlog_goes_oldest_first() {
    let server = server();
    let mut station = Station::new();
    let mut settings = station.settings(&server);
    // Several at once overtake each other.
    settings["upload"]["concurrency"] = 1.into();
    station.configure(&settings);
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

/// Fails if: what happens in the watch folder after a report was taken has any effect on it.
#[test]
fn reports_that_wait_are_safe_in_the_spool() {
    let server = server();
    let mut station = Station::new();
    station.start();
    for name in ["kept", "replaced"] {
        station.put(format!("{name}.json"), report(name));
    }
    station.wait_for_pending(2);
    assert_eq!(Station::names(&station.watch()), [""; 0]);
    station.put("replaced.json", report("replacement"));
    station.wait_for_pending(3);
    fs::remove_dir(station.watch()).unwrap();
    station.stop();
    station.configure(&station.settings(&server));
    station.start();
    station.wait_for_done(&["kept.json", "replaced.json", "replaced.1.json"]);
    let mut arrived: Vec<String> = submissions(&server).into_iter().map(|(sn, _)| sn).collect();
    arrived.sort();
    assert_eq!(arrived, ["kept", "replaced", "replacement"]);
}

/// Fails if: a file that was put there by rename, or a burst of files, is queued late while thousands wait.
#[test]
fn new_files_are_queued_at_once_while_many_wait() {
    let mut station = Station::new();
    station.start();
    for number in 0..3000 {
        station.put(format!("{number}.json"), report(&format!("SN{number}")));
    }
    station.wait_for_pending(3000);
    let mut waits: Vec<Duration> = (0..9)
        .map(|number| {
            let name = format!("one{number}.json");
            let aside = station.dir().join("aside");
            fs::write(&aside, report("ONE")).unwrap();
            let start = Instant::now();
            fs::rename(&aside, station.watch().join(&name)).unwrap();
            station.wait("it is queued", |station| !station.watch().join(&name).exists());
            start.elapsed()
        })
        .collect();
    waits.sort();
    println!("queued after {waits:?}");
    // The machine may be loaded; a look at all files comes only every 30 seconds.
    assert!(waits[4] < Duration::from_secs(5), "{waits:?}");
}

/// Fails if: more or fewer reports are sent at once than the setting says, two with one identifier are, a connection
/// is opened for each, or one gets lost.
#[test]
fn many_at_once() {
    let server = server();
    server.set_latency(Duration::from_millis(50));
    let mut station = Station::new();
    let names: Vec<String> = (0..200).map(|number| format!("SN{number:03}")).collect();
    for name in &names {
        station.put(format!("{name}.json"), report(name));
    }
    let own = "11111111-2222-4333-8444-555555555555";
    for number in 0..8 {
        station.put(format!("own{number}.json"), report_with_id("OWN", own));
    }
    station.configure(&station.settings(&server));
    station.start();
    server.wait_for_reports_blocking(208, PATIENCE).unwrap();
    let traffic = server.traffic();
    // A version may be asked for beside the reports.
    assert!((8..=9).contains(&traffic.most_at_once), "{traffic:?}");
    assert_eq!(traffic.most_for_one_id, 1, "{traffic:?}");
    assert!(server.connections() <= 12, "{} connections", server.connections());
    server.each_once(names.iter().map(String::as_str).chain(["OWN"])).unwrap();
    station.wait("all are in done", |station| Station::names(&station.done()).len() == 208);
    station.wait_until_ready();
}
