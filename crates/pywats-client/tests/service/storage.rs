//! The data folder: full, not writable, damaged, or in use by another service.

use crate::station::{Station, report, server, submissions};
use std::fs;
use std::process::Stdio;

/// Fails if: folders that cannot be made or written end the service, lose a report, or are not named
/// together with what to do; or the service does not recover.
#[test]
fn folders_without_rights_are_waited_for() {
    let server = server();
    let mut station = Station::new();
    station.configure(&station.settings(&server));
    station.without_rights();
    station.set_mode(&station.config(), 0o644);
    station.set_mode(&station.data(), 0o555);
    let path = station.put("a.json", report("A"));
    station.set_mode(&path, 0o644);
    station.launch();
    station.wait_for_reason("let the service's account write to the data folder");
    assert!(station.is_running());
    station.set_mode(&station.data(), 0o755);
    station.wait_for_done(&["a.json"]);
    station.set_mode(&station.done(), 0o555);
    let path = station.put("b.json", report("B"));
    station.set_mode(&path, 0o644);
    station.wait_for_reason("let the service's account move files");
    assert_eq!(Station::names(&station.spool()).len(), 1);
    station.set_mode(&station.done(), 0o755);
    station.wait_for_done(&["b.json"]);
    station.wait_until_ready();
    assert_eq!(submissions(&server).len(), 2, "each was sent once");
}

/// Fails if: a damaged queue ends the service or is deleted, or its reports are not delivered from the spool, under
/// the same identifiers.
#[test]
fn a_damaged_queue_is_put_aside() {
    let server = server();
    let mut station = Station::new();
    station.start();
    station.put("a.json", report("A"));
    station.wait("queued", |station| station.get("/health/details").json()["details"]["pending_count"] == 1);
    let spool = Station::names(&station.spool());
    station.stop();
    fs::write(station.data().join("queue.db"), vec![0x5a; 50_000]).unwrap();
    station.configure(&station.settings(&server));
    station.start();
    station.wait_for_done(&["a.json"]);
    assert!(Station::names(&station.data()).iter().any(|name| name.starts_with("queue.db.damaged-")));
    assert!(station.log().contains("the database of the queue was damaged"), "{}", station.log());
    let [(_, id)] = submissions(&server).try_into().unwrap();
    assert_eq!(spool, [format!("{id}~a.json")]);
}

/// Fails if: two services share a data folder, or the second does not say why it ends.
#[test]
fn a_second_service_is_refused() {
    let server = server();
    let mut station = Station::running(&server);
    let second =
        station.command(&["run"]).stdin(Stdio::null()).env("PYWATS_HEALTH_PORT", "0").output().unwrap();
    assert_eq!(second.status.code(), Some(30));
    let text = String::from_utf8(second.stderr).unwrap();
    assert!(text.contains("another pywats-client uses this data folder"), "{text}");
    assert!(station.is_running());
    station.put("a.json", report("A"));
    station.wait_for_done(&["a.json"]);
}

/// Fails if: a file cannot be moved to folders on another file system, arrives there changed, is left
/// in the watch folder as well, or what a crash left half-written there stays.
#[test]
fn folders_on_another_file_system() {
    use std::os::unix::fs::MetadataExt;
    let server = server();
    let mut station = Station::new();
    let other = tempfile::tempdir_in("/dev/shm").expect("NOT RUN: this test needs /dev/shm");
    let device = |path: &std::path::Path| fs::metadata(path).unwrap().dev();
    assert_ne!(device(other.path()), device(station.dir()), "NOT RUN: set TMPDIR to another file system");
    let (done, failed) = (other.path().join("done"), other.path().join("failed"));
    let mut settings = station.settings(&server);
    settings["client"] = serde_json::json!({ "done_folder": done, "failed_folder": failed });
    station.configure(&settings);
    fs::create_dir(&done).unwrap();
    fs::write(done.join(".pywats-0123.part"), "half").unwrap();
    fs::write(done.join("good.json"), "there first").unwrap();
    station.start();
    station.put("good.json", report("GOOD"));
    station.put("bad.json", "{");
    station.wait("both are moved", |_| {
        Station::names(&done) == ["good.1.json", "good.json"]
            && Station::names(&failed) == ["bad.json", "bad.json.reason.json"]
    });
    assert_eq!(fs::read_to_string(done.join("good.1.json")).unwrap(), report("GOOD"));
    assert_eq!(fs::read_to_string(done.join("good.json")).unwrap(), "there first");
    station.wait("the watch folder is empty", |station| Station::names(&station.watch()).is_empty());
    station.wait_until_ready();
}
