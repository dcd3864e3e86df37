//! The process is killed at any moment.

use crate::station::{Station, report, server};
use crate::{all_arrive, reports_in, serial_numbers, thorough};
use std::fs;
use std::time::Duration;
use wats_test_server::Answer;

/// Fails if: killing the service at random moments loses a report, sends one under two identifiers, or leaves a file
/// where it does not belong.
#[test]
fn killed_at_any_moment() {
    let (kills, per_kill) = if thorough() { (200, 10) } else { (20, 10) };
    let server = server();
    // Some answers get lost, so that a restart cannot know whether the server has the report.
    server.script((0..kills * 3).map(|number| match number % 7 {
        0 => Answer::AcceptThenClose,
        3 => Answer::AcceptThenReset,
        5 => Answer::Close,
        _ => Answer::Accept,
    }));
    let mut station = Station::new();
    station.configure(&station.settings(&server));
    let serial_numbers = serial_numbers(kills * per_kill);
    let staging = station.dir().join("staging");
    fs::create_dir_all(&staging).unwrap();
    for (round, batch) in serial_numbers.chunks(per_kill).enumerate() {
        station.launch();
        // From before the queue is open until after the upload.
        let mut left = Duration::from_millis(fastrand::u64(0..500));
        for (number, serial_number) in batch.iter().enumerate() {
            let name = format!("{serial_number}.json");
            // Some programs write into the folder, careful ones rename into it.
            if number % 3 == 0 {
                station.put(&name, report(serial_number));
            } else {
                fs::create_dir_all(station.watch()).unwrap();
                fs::write(staging.join(&name), report(serial_number)).unwrap();
                fs::rename(staging.join(&name), station.watch().join(&name)).unwrap();
            }
            if round % 2 == 0 {
                let pause = left.min(Duration::from_millis(fastrand::u64(0..60)));
                std::thread::sleep(pause);
                left -= pause;
            }
        }
        std::thread::sleep(left);
        station.kill();
    }
    station.start();
    all_arrive(&station, &serial_numbers, || server.arrivals());
    assert_eq!(Station::names(&station.failed()), [""; 0]);
    assert_eq!(reports_in(&station.done()).len(), serial_numbers.len());
}
