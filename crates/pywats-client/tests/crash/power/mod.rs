//! The power goes. A run of the client is recorded call by call; from that, the data folder is made anew as a disk could
//! have had it at many moments ([`disk`]), and a client started on it must bring everything to its end.

mod disk;
mod trace;

use crate::places::{self, ALL, reports, serial_numbers};
use crate::station::{PATIENCE, Station, TOKEN, report};
use crate::{all_arrive, thorough};
use disk::Disk;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use trace::{Call, Event};
use wats_test_server::{Answer, Arrival, Options, Server};

/// The server refuses them for good, so they belong into the failed folders of their watch folders.
const REFUSED: [&str; 2] = ["default-REFUSED", "urgent-REFUSED"];
/// A few for each watch folder.
const REPORTS: usize = 24;

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
    for serial_number in REFUSED {
        server.always(serial_number, Answer::status_with_json(400, r#"{"message":"no such unit"}"#));
    }
    server
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

/// Lets a station deliver some reports, and records what it does to its files.
fn record() -> Recording {
    let server = server();
    // So that several are on their way at once.
    server.set_latency(Duration::from_millis(3));
    server.script([Answer::AcceptThenClose, Answer::Accept, Answer::status(503)]);
    let mut station = Station::new();
    places::make(&station, &server);
    let serial_numbers = serial_numbers(ALL, REPORTS);
    for serial_number in serial_numbers.iter().map(String::as_str).chain(REFUSED) {
        places::put(&station, serial_number);
    }
    let trace = station.dir().join("trace");
    station.trace(Some(&trace));
    let client = {
        station.launch();
        station.pid().as_raw_nonzero().get()
    };
    all_arrive(&station, &serial_numbers, || server.arrivals());
    wait_for_refused(&station);
    // What is written lazily belongs to it.
    std::thread::sleep(Duration::from_secs(2));
    station.stop();
    station.trace(None);
    let ended = format!("{client} ");
    let text = || fs::read_to_string(&trace).unwrap_or_default();
    station.wait("the record is complete", |_| {
        text().lines().rev().take(20).any(|line| line.starts_with(&ended) && line.contains("+++ exited"))
    });
    bring_back(&station, &serial_numbers);
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

/// Puts every report of a station back to where it is kept between two runs, and removes all else. New ones are put
/// there: of those that were removed after their delivery, none is left.
fn bring_back(station: &Station, serial_numbers: &[String]) {
    fs::remove_dir_all(station.data()).unwrap();
    for serial_number in serial_numbers.iter().map(String::as_str).chain(REFUSED) {
        let file = places::file(station, serial_number);
        let original = originals(station).join(file.strip_prefix(station.data()).unwrap());
        fs::create_dir_all(original.parent().unwrap()).unwrap();
        fs::write(original, report(serial_number)).unwrap();
    }
}

fn wait_for_refused(station: &Station) {
    station.wait_within(PATIENCE, "what was refused is in its failed folder", |station| {
        let failed = |serial_number| reports(&places::of(serial_number).failed(station));
        REFUSED
            .iter()
            .all(|serial_number| failed(serial_number).iter().any(|(_, lies)| lies == serial_number))
    });
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
    places::configure(station, &server);
    station.forget_log();
    disk.after_power_cut(&mut fastrand::Rng::with_seed(seed), &station.data());
    eprintln!("cut after call {calls} of {}, seed {seed}", recording.events.len());
    station.start();
    all_arrive(station, &recording.serial_numbers, || {
        let mut all = before.clone();
        all.extend(server.arrivals());
        all
    });
    // They are refused here as well if they have not been moved before the cut.
    wait_for_refused(station);
    places::assert_refused(station, &REFUSED);
    let left = reports(&station.spool());
    assert_eq!(left, [], "something is left in the spool; the log:\n{}", station.log());
    station.stop();
    bring_back(station, &recording.serial_numbers);
}

/// Fails if: a power cut at any moment loses a report, or makes it arrive under two identifiers.
#[test]
fn the_power_goes_at_any_moment() {
    let (recordings, cuts) = if thorough() { (5, 60) } else { (1, 24) };
    for _ in 0..recordings {
        let mut recording = record();
        for _ in 0..cuts {
            let calls = fastrand::usize(..=recording.events.len());
            cut(&mut recording, calls, fastrand::u64(..));
        }
    }
}

/// What a power cut after so many calls may cost at worst: serial numbers of reports that nobody has any more, or that
/// the server has while their file is in the watch folder again, where it gets another identifier.
fn at_worst(recording: &Recording, disk: &Disk, now: f64) -> Vec<String> {
    let mut to_be_taken_again: BTreeMap<String, bool> = BTreeMap::new();
    for (path, content) in disk.at_least() {
        if let Some(serial_number) = places::serial_number(&path, &content) {
            to_be_taken_again.insert(serial_number, places::is_to_be_taken(&recording.station, &path));
        }
    }
    let kept = |serial_number: &str| {
        recording
            .kept
            .iter()
            .any(|(at, one)| *at <= now && one.serial_number.as_deref() == Some(serial_number))
    };
    let is_removed = |serial_number: &str| places::of(serial_number).end(&recording.station).is_none();
    let is_fault = |serial_number: &&String| match to_be_taken_again.get(*serial_number) {
        None => !(is_removed(serial_number) && kept(serial_number)),
        Some(to_be_taken_again) => *to_be_taken_again && kept(serial_number),
    };
    recording.serial_numbers.iter().filter(is_fault).cloned().collect()
}

/// Fails if: the cuts would not find a program that leaves out the synchronisation of the spool, or one is found in
/// the program as it is.
#[test]
fn a_program_that_synchronises_less_is_found() {
    let recording = record();
    let spool = recording.station.spool();
    for leaves_out in [None, Some(spool.as_path())] {
        let mut disk = Disk::of(&originals(&recording.station), &recording.station.data());
        let (mut now, mut before) = (0.0_f64, 0);
        let mut faults = Vec::new();
        for (number, event) in recording.events.iter().enumerate() {
            now = now.max(event.at);
            if disk.synchronises(&event.call, leaves_out) {
                continue;
            }
            disk.apply(number, event);
            // Only that changes what is certain, or what the server has by then.
            let arrived = recording.kept.iter().filter(|(at, _)| *at <= now).count();
            if matches!(event.call, Call::Sync(_) | Call::SyncAll) || arrived > before {
                faults.extend(at_worst(&recording, &disk, now));
            }
            before = arrived;
        }
        assert_eq!(faults.is_empty(), leaves_out.is_none(), "without {leaves_out:?}: {faults:?}");
    }
}
