//! The process is killed at any moment, and nothing is lost or sent under two identifiers.

use crate::station::{PATIENCE, Station, report, server, submissions};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use wats_test_server::Answer;

const ROUNDS: u64 = 20;
const FILES: u64 = 10;

/// Fails if: killing the service at random moments loses a report, sends one under two identifiers, or
/// leaves a file where it does not belong.
#[test]
fn killed_at_any_moment() {
    let server = server();
    // Some answers get lost, so that a restart cannot know whether the server has the report.
    server.script((0..60).map(|n| if n % 3 == 0 { Answer::AcceptThenClose } else { Answer::Accept }));
    let mut station = Station::new();
    station.configure(&station.settings(&server));
    let name = |number: u64| format!("r{number}.json");
    for round in 0..ROUNDS {
        station.launch();
        if round % 2 == 0 {
            station.put(name(round / 2), report(&format!("SN{}", round / 2)));
        }
        // From before the queue is open until after the upload.
        std::thread::sleep(Duration::from_millis(fastrand::u64(0..250)));
        station.kill();
    }
    station.start();
    let names: Vec<String> = (0..FILES).map(name).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    station.wait_for_done(&names);
    assert_eq!(Station::names(&station.done()), names, "each once");
    assert_eq!(Station::names(&station.watch()), [""; 0]);
    assert_eq!(Station::names(&station.failed()), [""; 0]);
    server.wait_for_reports_blocking(names.len(), PATIENCE).unwrap();
    let mut identifiers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (serial_number, id) in submissions(&server) {
        identifiers.entry(serial_number).or_default().insert(id);
    }
    assert_eq!(identifiers.len() as u64, FILES, "every report arrived");
    for (serial_number, ids) in identifiers {
        assert_eq!(ids.len(), 1, "{serial_number} was sent under several identifiers");
    }
}
