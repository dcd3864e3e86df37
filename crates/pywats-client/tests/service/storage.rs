//! The data folder: full, not writable, damaged, or in use by another service.

use crate::station::{Station, report, server, submissions};
use rustix::process::{Resource, Rlimit, prlimit, setrlimit};
use std::fs;
use std::io;
use std::process::Stdio;

/// No file may grow beyond this, as on a disk that is full.
fn nearly_full() -> io::Result<()> {
    // SAFETY: ignoring a signal runs no code; without it the first refused write would end the process.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    Ok(setrlimit(Resource::Fsize, Rlimit { current: Some(200_000), maximum: None })?)
}

/// Fails if: a disk without space loses a report, puts it into `failed/`, ends the service or goes
/// unnoticed, or the report is not taken when there is space again.
#[test]
fn a_full_disk_loses_nothing() {
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
