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
mod places;
mod power;
mod share;
#[path = "../service/station.rs"]
#[allow(dead_code)] // it has more than this program needs
mod station;
mod upgrade;

use station::Station;
use std::time::Duration;
use wats_test_server::{Arrival, check};

/// Thousands of reports take a while.
const PATIENCE: Duration = Duration::from_secs(300);

/// Whether the long form is wanted.
fn thorough() -> bool {
    std::env::var_os("PYWATS_TEST_ALL").is_some_and(|value| value == "1")
}

/// Waits until every report has arrived and nothing waits; then none may have arrived under two identifiers, and each
/// must lie once where the reports of its watch folder end, and nowhere else. `arrivals` gives those of all servers
/// there were.
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
    wait("nothing waits", &|station| pending(station) == Some(0) && places::left(station).is_empty());
    let ends = |serial: &str| places::of(serial).end(station);
    wait("every report is at its end", &|station| {
        let delivered = places::delivered(station);
        let is_there = |serial| ends(serial).is_none_or(|_| delivered.contains_key(serial));
        expected().all(is_there) && places::reports(&station.spool()).is_empty()
    });
    if let Err(faults) = check::each_once(&arrivals(), expected()) {
        panic!("{faults}\nthe log:\n{}", station.log());
    }
    let delivered = places::delivered(station);
    for serial in expected() {
        let lies = delivered.get(serial).map_or_else(Vec::new, Vec::clone);
        assert_eq!(lies, Vec::from_iter(ends(serial)), "{serial}; the log:\n{}", station.log());
    }
}
