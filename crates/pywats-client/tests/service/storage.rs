//! The data folder: full, not writable, damaged, or in use by another service.

use crate::station::{Station, report, server, submissions};
use std::fs;
use std::process::Stdio;

/// No file may grow beyond this, as on a disk that is full. Only on Linux the limit of another process can be raised
/// again.
#[cfg(target_os = "linux")]
fn nearly_full() -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    // SAFETY: ignoring a signal runs no code; without it the first refused write would end the process.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    Ok(setrlimit(Resource::Fsize, Rlimit { current: Some(200_000), maximum: None })?)
}

/// Fails if: a disk without space loses a report, puts it into `failed/`, ends the service or goes
/// unnoticed, or the report is not taken when there is space again.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_loses_nothing() {
    use rustix::process::{Resource, Rlimit, prlimit};
    let server = server();
    let mut station = Station::new();
    station.configure(&station.settings(&server));
    station.prepare(nearly_full);
    station.start();
    station.wait_until_ready();
    let big =
        report("BIG").replace("\"STATION\"", &format!("\"STATION\",\"comment\":\"{}\"", "x".repeat(500_000)));
    let aside = station.dir().join("big");
    fs::write(&aside, big).unwrap();
    fs::rename(aside, station.watch().join("big.json")).unwrap();
    station.wait_for_reason("the queue cannot be written");
    assert_eq!(Station::names(&station.watch()), ["big.json"]);
    assert_eq!(Station::names(&station.failed()), [""; 0]);
    assert_eq!(submissions(&server), []);
    assert!(station.is_running());
    prlimit(Some(station.pid()), Resource::Fsize, Rlimit { current: None, maximum: None }).unwrap();
    station.wait_for_done(&["big.json"]);
    station.wait_until_ready();
    assert_eq!(submissions(&server).len(), 1);
}

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
    station.wait_for_reason("stays in the watch folder");
    assert_eq!(Station::names(&station.watch()), ["b.json"]);
    station.set_mode(&station.done(), 0o755);
    station.wait_for_done(&["b.json"]);
    station.wait_until_ready();
    assert_eq!(submissions(&server).len(), 2, "each was sent once");
}

/// Fails if: a damaged queue ends the service or is deleted, or files still in the watch folder are not
/// delivered.
#[test]
fn a_damaged_queue_is_put_aside() {
    let server = server();
    let mut station = Station::new();
    station.start();
    station.put("a.json", report("A"));
    station.wait("queued", |station| station.get("/health/details").json()["details"]["pending_count"] == 1);
    station.stop();
    fs::write(station.data().join("queue.db"), vec![0x5a; 50_000]).unwrap();
    station.configure(&station.settings(&server));
    station.start();
    station.wait_for_done(&["a.json"]);
    assert!(Station::names(&station.data()).iter().any(|name| name.starts_with("queue.db.damaged-")));
    assert!(station.log().contains("the queue was damaged"), "{}", station.log());
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
