//! The disk fills up, and there is space again.

use crate::all_arrive;
use crate::mounts::{inside, mount_small};
use crate::places::{DEFAULT, serial_numbers};
use crate::station::{PATIENCE, Station, TOKEN, report};
use serde_json::json;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wats_test_server::{Answer, Kind, Options, Server};

/// A report of 100 KB.
fn large(serial_number: &str) -> String {
    report(serial_number)
        .replace("\"STATION\"", &format!("\"STATION\",\"comment\":\"{}\"", "x".repeat(100_000)))
}

/// Takes all the space there is.
fn fill(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    let mut file = File::create(&path).unwrap();
    for size in [1 << 20, 1 << 12, 1] {
        while file.write_all(&vec![0x5a; size]).is_ok() {}
    }
    path
}

/// A station whose data lies on a disk of 64 MB, and whose watch folder does not; 15 reports are queued and 15 more
/// wait in the watch folder of a disk that is full.
fn full(server: &Server) -> (Station, Vec<String>, PathBuf) {
    server.set_for(Kind::Submission, Answer::status(503));
    let mut station = Station::new();
    mount_small(&station.data(), 65_536);
    let watch = station.dir().join("elsewhere");
    fs::create_dir_all(&watch).unwrap();
    let mut settings = station.settings(server);
    settings["client"] = json!({ "watch_folder": watch });
    station.configure(&settings);
    station.start();
    let serial_numbers = serial_numbers(DEFAULT, 30);
    let put = |serial_numbers: &[String]| {
        for serial_number in serial_numbers {
            fs::write(watch.join(format!("{serial_number}.json")), large(serial_number)).unwrap();
        }
    };
    put(&serial_numbers[..15]);
    station.wait("queued", |station| station.get("/health/details").json()["details"]["pending_count"] == 15);
    let filler = fill(&station.data(), "filler");
    put(&serial_numbers[15..]);
    (station, serial_numbers, filler)
}

fn server() -> Server {
    Server::start_with(Options { token: Some(TOKEN.to_owned()), keep: false, ..Options::default() }).unwrap()
}

/// Fails if: a disk that is full loses a report, sends one twice under different identifiers, puts one into `failed/`
/// or ends the service; or it does not go on by itself when there is space.
#[test]
fn a_disk_that_fills_up_and_is_freed() {
    if !inside("disk::a_disk_that_fills_up_and_is_freed") {
        return;
    }
    let server = server();
    let (mut station, serial_numbers, filler) = full(&server);
    std::thread::sleep(Duration::from_secs(2));
    server.set_for(Kind::Submission, None);
    std::thread::sleep(Duration::from_secs(3));
    assert!(station.is_running(), "{}", station.log());
    assert_eq!(Station::names(&station.failed()), [""; 0]);
    // It may also be killed now.
    station.kill();
    fs::remove_file(filler).unwrap();
    station.start();
    all_arrive(&station, &serial_numbers, || server.arrivals());
    station.wait_until_ready();
}

/// Fails if: what is queued is not sent while the disk has no byte left, or not by a service that is started then,
/// after a clean stop or after a kill.
#[test]
fn a_full_disk_still_sends() {
    if !inside("disk::a_full_disk_still_sends") {
        return;
    }
    for restart in [None, Some(false), Some(true)] {
        let server = server();
        let (mut station, serial_numbers, filler) = full(&server);
        if let Some(kill) = restart {
            if kill {
                station.kill();
            } else {
                station.stop();
            }
            fill(&station.data(), "what the service gave free");
        }
        server.set_for(Kind::Submission, None);
        if restart.is_some() {
            station.start();
        }
        let queued = serial_numbers[..15].iter().map(String::as_str);
        station.wait("what is queued is sent from a full disk", |_| {
            let arrivals = server.arrivals();
            let kept = |serial: &str| {
                arrivals
                    .iter()
                    .any(|one| one.stored.is_some() && one.serial_number.as_deref() == Some(serial))
            };
            queued.clone().all(kept)
        });
        fs::remove_file(filler).unwrap();
        all_arrive(&station, &serial_numbers, || server.arrivals());
        server.wait_for_reports_blocking(serial_numbers.len(), PATIENCE).unwrap();
    }
}
