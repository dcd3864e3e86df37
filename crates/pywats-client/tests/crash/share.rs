//! The watch folder is a share, which goes away while its reports wait, and comes back as another device.

use crate::all_arrive;
use crate::mounts::{inside, mount_small, read_only, unmount};
use crate::places::{DEFAULT, reports, serial_numbers};
use crate::station::{Station, report, server};
use serde_json::json;
use std::fs;
use std::time::Duration;
use wats_test_server::{Answer, Kind};

/// Fails if: reports of a share that was away while they were delivered are sent again under other identifiers when it
/// is back under another device number.
#[test]
fn a_share_goes_and_comes_back() {
    if inside("share::a_share_goes_and_comes_back") {
        goes_and_comes_back(false);
    }
}

/// Fails if: the same happens where the originals could not be removed.
#[test]
fn a_share_that_cannot_be_written_goes_and_comes_back() {
    if inside("share::a_share_that_cannot_be_written_goes_and_comes_back") {
        goes_and_comes_back(true);
    }
}

fn goes_and_comes_back(cannot_be_written: bool) {
    let server = server();
    server.set_for(Kind::Submission, Answer::status(503));
    let mut station = Station::new();
    let share = station.dir().join("share");
    mount_small(&share, 1024);
    let mut settings = station.settings(&server);
    settings["client"] = json!({ "watch_folder": share });
    station.configure(&settings);
    let serial_numbers = serial_numbers(DEFAULT, 4);
    let (first, last) = serial_numbers.split_at(3);
    for serial_number in first {
        fs::write(share.join(format!("{serial_number}.json")), report(serial_number)).unwrap();
    }
    if cannot_be_written {
        read_only(&share);
    }
    station.start();
    station.wait("queued", |station| station.get("/health/details").json()["details"]["pending_count"] == 3);
    // What the share holds when the cable is pulled.
    let there: Vec<_> = fs::read_dir(&share)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| (entry.file_name(), fs::read(entry.path()).unwrap()))
        .collect();
    unmount(&share);
    server.set_for(Kind::Submission, None);
    station.wait("delivered while the share is away", |_| server.traffic().stored >= 3);
    // Restarted or not, it must know them.
    station.stop();
    station.launch();
    std::thread::sleep(Duration::from_secs(1));
    mount_small(&share, 1024);
    for (name, content) in there {
        fs::write(share.join(name), content).unwrap();
    }
    fs::write(share.join(format!("{}.json", last[0])), report(&last[0])).unwrap();
    station.wait("the share is empty", |_| reports(&share).is_empty());
    all_arrive(&station, &serial_numbers, || server.arrivals());
}
