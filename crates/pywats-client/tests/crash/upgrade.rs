//! The program is updated while reports of the version before wait in its database.

use crate::station::{Station, report, report_with_id, server, submissions};
use crate::{all_arrive, serial_numbers};
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use uuid::Uuid;

/// Queues reports as version 0.1 did: bodies in the database, files in the watch folder. Gives their identifiers.
fn queue_as_before(station: &Station, serial_numbers: &[String]) -> BTreeMap<String, String> {
    fs::create_dir_all(station.watch()).unwrap();
    let mut db = Connection::open(station.data().join("queue.db")).unwrap();
    db.pragma_update(None, "auto_vacuum", "INCREMENTAL").unwrap();
    db.pragma_update(None, "journal_mode", "WAL").unwrap();
    db.execute_batch(include_str!("../../src/queue/first_schema.sql")).unwrap();
    let rows = db.transaction().unwrap();
    let ids = serial_numbers.iter().map(|serial_number| {
        let name = format!("{serial_number}.json");
        let content = report(serial_number);
        let path = station.watch().join(&name);
        fs::write(&path, &content).unwrap();
        let file = path.metadata().unwrap();
        let id = Uuid::new_v4().to_string();
        rows.execute(
            "INSERT INTO report (id, body, folder, name, device, file, size, modified_ns, sha256, state, attempts)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'pending', 0)",
            params![
                id,
                report_with_id(serial_number, &id).into_bytes(),
                station.watch().as_os_str().as_bytes(),
                name.as_bytes(),
                file.dev().cast_signed(),
                file.ino().cast_signed(),
                file.size().cast_signed(),
                file.mtime() * 1_000_000_000 + file.mtime_nsec(),
                Sha256::digest(&content).to_vec(),
            ],
        )
        .unwrap();
        (serial_number.clone(), id)
    });
    let ids = ids.collect();
    rows.commit().unwrap();
    ids
}

/// Fails if: of reports that the previous version queued, and of its killed successor, one is lost, is sent under an
/// identifier that it did not have, or is taken from the watch folder once more.
#[test]
fn an_update_with_reports_waiting() {
    let server = server();
    let mut station = Station::new();
    station.configure(&station.settings(&server));
    let serial_numbers = serial_numbers(2000);
    let ids = queue_as_before(&station, &serial_numbers);
    // Killed while the first start moves them, and while they are sent.
    for millis in [50, 400, 1500] {
        station.launch();
        std::thread::sleep(std::time::Duration::from_millis(millis));
        station.kill();
    }
    station.start();
    all_arrive(&station, &serial_numbers, || server.arrivals());
    for (serial_number, id) in submissions(&server) {
        assert_eq!(ids.get(&serial_number), Some(&id), "{serial_number}");
    }
    assert_eq!(Station::names(&station.failed()), [""; 0]);
    assert_eq!(Station::names(&station.watch()), [""; 0]);
}
