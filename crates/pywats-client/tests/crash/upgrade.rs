//! The program is updated while reports of the version before wait in its database.

use crate::all_arrive;
use crate::places::{self, ALL, serial_numbers};
use crate::station::{Station, report, report_with_id, server, submissions};
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use uuid::Uuid;

/// Queues reports as version 0.1 did: bodies in the database, files in a watch folder. It had one at a time; several
/// were that one after the other. Gives their identifiers.
fn queue_as_before<'a>(
    station: &Station,
    serial_numbers: impl Iterator<Item = &'a String>,
) -> BTreeMap<String, String> {
    let mut db = Connection::open(station.data().join("queue.db")).unwrap();
    db.pragma_update(None, "auto_vacuum", "INCREMENTAL").unwrap();
    db.pragma_update(None, "journal_mode", "WAL").unwrap();
    db.execute_batch(include_str!("../../src/queue/first_schema.sql")).unwrap();
    let rows = db.transaction().unwrap();
    let ids = serial_numbers.map(|serial_number| {
        let content = report(serial_number);
        let path = places::file(station, serial_number);
        fs::write(&path, &content).unwrap();
        let file = path.metadata().unwrap();
        let id = Uuid::new_v4().to_string();
        rows.execute(
            "INSERT INTO report (id, body, folder, name, device, file, size, modified_ns, sha256, state, attempts)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'pending', 0)",
            params![
                id,
                report_with_id(serial_number, &id).into_bytes(),
                path.parent().unwrap().as_os_str().as_bytes(),
                path.file_name().unwrap().as_bytes(),
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

/// Fails if: of reports that the previous version queued, of those that lie beside them in watch folders, and of its
/// killed successor, one is lost, is sent under an identifier that it did not have, or is taken from a watch folder once
/// more.
#[test]
fn an_update_with_reports_waiting() {
    let server = server();
    let mut station = Station::new();
    places::make(&station, &server);
    let serial_numbers = serial_numbers(ALL, 2000);
    // That version archived nothing.
    let (new, old): (Vec<_>, Vec<_>) = serial_numbers
        .iter()
        .enumerate()
        .partition(|(number, serial_number)| places::of(serial_number).archives() || number % 17 == 0);
    let ids = queue_as_before(&station, old.into_iter().map(|(_, serial_number)| serial_number));
    let mut new = new.into_iter();
    // Killed while the first start moves them, and while they are sent.
    for millis in [50, 400, 1500] {
        new.by_ref().take(100).for_each(|(_, serial_number)| places::put(&station, serial_number));
        station.launch();
        std::thread::sleep(std::time::Duration::from_millis(millis));
        station.kill();
    }
    new.for_each(|(_, serial_number)| places::put(&station, serial_number));
    station.start();
    all_arrive(&station, &serial_numbers, || server.arrivals());
    for (serial_number, id) in submissions(&server) {
        assert!(ids.get(&serial_number).is_none_or(|old| *old == id), "{serial_number}");
    }
    places::assert_refused(&station, &[]);
}
