//! The power goes. A run of the client is recorded call by call; from that, the data folder is made anew as a disk could
//! have had it at many moments ([`disk`]), and a client started on it must bring everything to its end.

mod disk;
mod trace;

use crate::station::{PATIENCE, Station, TOKEN, report};
use crate::{all_arrive, reports, reports_in, serial_numbers, thorough};
use disk::Disk;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use trace::Event;
use wats_test_server::{Answer, Arrival, Options, Server};

/// The server refuses it for good, so it belongs into `failed/`.
const REFUSED: &str = "REFUSED";

/// A recorded run.
struct Recording {
    events: Vec<Event>,
    /// The station. It stays where it is, because databases hold paths.
    station: Station,
    serial_numbers: Vec<String>,
    /// What the server kept, with its times in seconds since 1970.
    kept: Vec<(f64, Arrival)>,
}

fn server() -> Server {
    let options = Options { token: Some(TOKEN.to_owned()), keep: false, ..Options::default() };
    let server = Server::start_with(options).unwrap();
    server.always(REFUSED, Answer::status_with_json(400, r#"{"message":"no such unit"}"#));
    server
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

/// Lets a station deliver some reports, and records what it does to its files.
fn record(count: usize) -> Recording {
    let server = server();
    // So that several are on their way at once.
    server.set_latency(Duration::from_millis(3));
    server.script([Answer::AcceptThenClose, Answer::Accept, Answer::status(503)]);
    let mut station = Station::new();
    station.configure(&station.settings(&server));
    let serial_numbers = serial_numbers(count);
    for serial_number in serial_numbers.iter().map(String::as_str).chain([REFUSED]) {
        station.put(format!("{serial_number}.json"), report(serial_number));
    }
    let trace = station.dir().join("trace");
    station.trace(Some(&trace));
    let client = {
        station.launch();
        station.pid().as_raw_nonzero().get()
    };
    all_arrive(&station, &serial_numbers, || server.arrivals());
    station.wait_for_failed(&format!("{REFUSED}.json"));
    // What is written lazily belongs to it.
    std::thread::sleep(Duration::from_secs(2));
    station.stop();
    station.trace(None);
    let ended = format!("{client} ");
    let text = || fs::read_to_string(&trace).unwrap_or_default();
    station.wait("the record is complete", |_| {
        text().lines().rev().take(20).any(|line| line.starts_with(&ended) && line.contains("+++ exited"))
    });
    bring_back(&station);
    let events = trace::read(&text());
    let base = seconds(server.started_at());
    let kept: Vec<(f64, Arrival)> = server
        .arrivals()
        .into_iter()
        .filter_map(|one| {
            let (_, at) = one.stored.clone()?;
            Some((base + at.as_secs_f64(), one))
        })
        .collect();
    Recording { events, station, serial_numbers, kept }
}

/// What was in the data folder before the recorded run.
fn originals(station: &Station) -> PathBuf {
    station.dir().join("originals")
}

/// Moves every report of a station, wherever it is, back to where it is kept between two runs.
fn bring_back(station: &Station) {
    let watch = originals(station).join("watch");
    fs::create_dir_all(&watch).unwrap();
    for folder in ["watch", "spool", "done", "failed"] {
        for (path, serial_number) in reports(&station.data().join(folder)) {
            fs::rename(path, watch.join(format!("{serial_number}.json"))).unwrap();
        }
    }
    fs::remove_dir_all(station.data()).unwrap();
}

/// Cuts the power after so many calls, and lets the station go on.
fn cut(recording: &mut Recording, calls: usize, seed: u64) {
    let station = &mut recording.station;
    let mut disk = Disk::of(&originals(station), &station.data());
    for (number, event) in recording.events[..calls].iter().enumerate() {
        disk.apply(number, event);
    }
    // Whatever the server kept before one of these calls began may be the reason for it.
    let now = recording.events[..calls].iter().map(|event| event.at).fold(0.0, f64::max);
    let before: Vec<Arrival> =
        recording.kept.iter().filter(|(at, _)| *at <= now).map(|(_, arrival)| arrival.clone()).collect();
    let server = server();
    station.configure(&station.settings(&server));
    station.forget_log();
    disk.after_power_cut(&mut fastrand::Rng::with_seed(seed), &station.data());
    eprintln!("cut after call {calls} of {}, seed {seed}", recording.events.len());
    station.start();
    all_arrive(station, &recording.serial_numbers, || {
        let mut all = before.clone();
        all.extend(server.arrivals());
        all
    });
    // It is refused here as well if it has not been moved before the cut.
    station.wait_within(PATIENCE, "what was refused is in failed", |station| {
        reports_in(&station.failed()).contains_key(REFUSED)
    });
    let failed = reports_in(&station.failed());
    let once = BTreeMap::from([(REFUSED.to_owned(), 1)]);
    assert_eq!(failed, once, "{:?}", Station::names(&station.failed()));
    let left = reports(&station.data().join("spool"));
    assert_eq!(left, [], "something is left in the spool; the log:\n{}", station.log());
    station.stop();
    bring_back(station);
}

/// Fails if: a power cut at any moment loses a report, or makes it arrive under two identifiers.
#[test]
fn the_power_goes_at_any_moment() {
    let (recordings, cuts) = if thorough() { (5, 60) } else { (1, 24) };
    for _ in 0..recordings {
        let mut recording = record(20);
        for _ in 0..cuts {
            let calls = fastrand::usize(..=recording.events.len());
            cut(&mut recording, calls, fastrand::u64(..));
        }
    }
}

/// What a power cut after so many calls may cost at worst: serial numbers of reports that nobody has any more, or that
/// the server has while their file is in the watch folder again, where it gets another identifier.
fn at_worst(recording: &Recording, disk: &Disk, now: f64) -> Vec<String> {
    let there = disk.at_least();
    let watch = recording.station.watch();
    let serial_number = |content: &[u8]| {
        let report: serde_json::Value = serde_json::from_slice(content).ok()?;
        report["root"].as_object()?;
        Some(report["sn"].as_str()?.to_owned())
    };
    let mut folders: BTreeMap<String, bool> = BTreeMap::new();
    for (path, content) in there {
        if let Some(serial_number) = serial_number(&content) {
            folders.insert(serial_number, path.parent() == Some(&watch));
        }
    }
    let kept = |serial_number: &str| {
        recording
            .kept
            .iter()
            .any(|(at, one)| *at <= now && one.serial_number.as_deref() == Some(serial_number))
    };
    let is_fault = |serial_number: &&String| match folders.get(*serial_number) {
        None => true,
        Some(to_be_taken_again) => *to_be_taken_again && kept(serial_number),
    };
    recording.serial_numbers.iter().filter(is_fault).cloned().collect()
}

/// Fails if: the cuts would not find a program that leaves out the synchronisation of the spool, or one is found in
/// the program as it is.
#[test]
fn a_program_that_synchronises_less_is_found() {
    let recording = record(20);
    let spool = recording.station.data().join("spool");
    for leaves_out in [None, Some(spool.as_path())] {
        let mut disk = Disk::of(&originals(&recording.station), &recording.station.data());
        let mut now = 0.0_f64;
        let mut faults = Vec::new();
        for (number, event) in recording.events.iter().enumerate() {
            now = now.max(event.at);
            if !disk.synchronises(&event.call, leaves_out) {
                disk.apply(number, event);
                faults.extend(at_worst(&recording, &disk, now));
            }
        }
        assert_eq!(faults.is_empty(), leaves_out.is_none(), "without {leaves_out:?}: {faults:?}");
    }
}
