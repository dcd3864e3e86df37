//! The process is killed at any moment.

use crate::mounts::{inside, mount_small};
use crate::places::{self, ALL, SHARE, serial_numbers};
use crate::station::{Station, report, server};
use crate::{all_arrive, thorough};
use std::fs;
use std::time::Duration;
use wats_test_server::Answer;

/// Fails if: killing the service at random moments loses a report, sends one under two identifiers, or leaves a file
/// where it does not belong.
#[test]
fn killed_at_any_moment() {
    if !inside("kill::killed_at_any_moment") {
        return;
    }
    let (kills, per_kill) = if thorough() { (200, 12) } else { (20, 12) };
    let server = server();
    // Some answers get lost, so that a restart cannot know whether the server has the report.
    server.script((0..kills * 3).map(|number| match number % 7 {
        0 => Answer::AcceptThenClose,
        3 => Answer::AcceptThenReset,
        5 => Answer::Close,
        _ => Answer::Accept,
    }));
    let mut station = Station::new();
    // Nothing can be renamed out of this one: it is copied, and removed later.
    mount_small(&station.data().join(SHARE), 8192);
    places::make(&station, &server);
    let serial_numbers = serial_numbers(ALL, kills * per_kill);
    let staging = station.dir().join("staging");
    fs::create_dir_all(&staging).unwrap();
    for (round, batch) in serial_numbers.chunks(per_kill).enumerate() {
        station.launch();
        // From before the queue is open until after the upload.
        let mut left = Duration::from_millis(fastrand::u64(0..500));
        for (number, serial_number) in batch.iter().enumerate() {
            let file = places::file(&station, serial_number);
            // Some programs write into the folder, careful ones rename into it.
            let staged = staging.join(format!("{serial_number}.json"));
            fs::write(&staged, report(serial_number)).unwrap();
            if (round + number) % 3 == 0 || fs::rename(staged, file).is_err() {
                places::put(&station, serial_number);
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
    places::assert_refused(&station, &[]);
}
