//! The built program under everything that goes wrong at a station: killed, without disk space, without server, without
//! share, without power. After each, every report has arrived, and none under two identifiers; what the test server
//! kept decides ([`wats_test_server::check`]).
//!
//! A short form runs by default. With `PYWATS_TEST_ALL=1` it is what is promised: 200 kills, hundreds of power cuts.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

mod disk;
mod kill;
mod mounts;
mod network;
mod power;
mod share;
#[path = "../service/station.rs"]
#[allow(dead_code)] // it has more than this program needs
mod station;
mod upgrade;

use serde_json::Value;
use station::Station;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wats_test_server::{Arrival, check};

/// Thousands of reports take a while.
const PATIENCE: Duration = Duration::from_secs(300);

/// Whether the long form is wanted.
fn thorough() -> bool {
    std::env::var_os("PYWATS_TEST_ALL").is_some_and(|value| value == "1")
}

/// The reports in a folder, with the serial numbers of their units.
fn reports(folder: &Path) -> Vec<(PathBuf, String)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let serial_number = |path: &Path| {
        let report: Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        report["root"].as_object()?;
        Some(report["sn"].as_str()?.to_owned())
    };
    entries.filter_map(|entry| Some((entry.path(), serial_number(&entry.path())?))).collect()
}

/// How often each serial number lies in a folder, as a report in a file of its own.
fn reports_in(folder: &Path) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for (_, serial_number) in reports(folder) {
        *found.entry(serial_number).or_default() += 1;
    }
    found
}

/// Waits until every report has arrived and nothing waits; then none may have arrived under two identifiers, and each
/// must lie in `done/` once. `arrivals` gives those of all servers there were.
fn all_arrive(station: &Station, serial_numbers: &[String], arrivals: impl Fn() -> Vec<Arrival>) {
    let wait = |what: &str, condition: &dyn Fn(&Station) -> bool| {
        station.wait_within(PATIENCE, what, condition);
    };
    let expected = || serial_numbers.iter().map(String::as_str);
    let arrived = |_: &Station| {
        let kept = arrivals();
        expected().all(|serial| {
            kept.iter().any(|one| one.stored.is_some() && one.serial_number.as_deref() == Some(serial))
        })
    };
    wait("every report arrives", &arrived);
    let pending = |station: &Station| {
        let answer = station.try_get("/health/details")?;
        answer.json()["details"]["pending_count"].as_u64()
    };
    wait("nothing waits", &|station| pending(station) == Some(0) && reports_in(&station.watch()).is_empty());
    let in_done = |station: &Station| reports_in(&station.done());
    wait("every report is in done", &|station| {
        let done = in_done(station);
        expected().all(|serial| done.contains_key(serial))
    });
    if let Err(faults) = check::each_once(&arrivals(), expected()) {
        panic!("{faults}\nthe log:\n{}", station.log());
    }
    for (serial_number, count) in in_done(station) {
        assert_eq!(count, 1, "{serial_number} lies in done {count} times; the log:\n{}", station.log());
    }
}

/// Serial numbers for so many reports.
fn serial_numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("SN{number:05}")).collect()
}
