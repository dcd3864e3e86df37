//! Damaged, newer and foreign databases, and many rows.

use super::*;
use crate::folder::Folder;
use std::time::{Duration, Instant};

/// Fails if: a damaged database stops the service, is deleted, or is mistaken for a newer one; or its reports do
/// not come back from the spool under the same identifiers.
#[test]
fn a_damaged_database_is_made_again() {
    type Damage = fn(&Path);
    let cases: [(&str, Damage); 4] = [
        ("not a database", |path| fs::write(path, b"this is no database at all, but long enough").unwrap()),
        ("a damaged page", |path| {
            let mut bytes = fs::read(path).unwrap();
            let end = bytes.len().min(6 * 4096);
            bytes[4096..end].fill(0x5a);
            fs::write(path, bytes).unwrap();
        }),
        ("cut off", |path| {
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..5000]).unwrap();
        }),
        ("said by the check beside the service", |path| {
            fs::write(path.with_file_name("queue.db.is-damaged"), "page 7").unwrap();
        }),
    ];
    for (what, damage) in cases {
        let mut station = Station::new();
        let id = Uuid::from_u128(77);
        station.take_as("a.json", "a", id);
        station.close();
        damage(&station.database());
        let damaged = fs::read(station.database()).unwrap();
        let opened = station.open();
        let (aside, _) = opened.put_aside.expect(what);
        assert!(fs::read(aside).unwrap() == damaged, "{what}: kept as it was");
        assert_eq!(opened.found, 1, "{what}");
        let back = station.queue().handed_back().unwrap().remove(0);
        assert_eq!((back.id, back.name.as_os_str()), (id, OsStr::new("a.json")), "{what}");
        assert_eq!(station.queue().counts().waiting, 1);
        assert_eq!(station.queue().known(id).unwrap(), None, "not judged yet");
        station.queue().replace(&[(back.seq, station.judged(&back))]).unwrap();
        assert_eq!(seqs(&station.queue().next(0, 9).unwrap()), [back.seq], "{what}");
        assert!(station.reopen().put_aside.is_none(), "{what}: once");
    }
}

/// Fails if: originals that could not be moved, identifiers or totals are forgotten although they can be read.
#[test]
fn what_can_be_read_is_saved() {
    let mut station = Station::new();
    let new = NewReport { copied: true, ..station.claim("a.json", "a", Uuid::from_u128(1)) };
    let seq = station.queue().add(&[new]).unwrap()[0];
    station.queue().note(&[(seq, Note::Decided(Verdict::Delivered))]).unwrap();
    station.settle();
    station.queue().remember("something", 7).unwrap();
    station.close();
    fs::write(station.path("queue.db.is-damaged"), "page 7").unwrap();
    assert!(station.open().put_aside.is_some());
    let queue = station.queue();
    assert_eq!(queue.counts(), Counts { delivered: 1, ..Counts::default() });
    assert_eq!(queue.leftovers().unwrap().len(), 1);
    assert_eq!(queue.known(Uuid::from_u128(1)).unwrap(), Some(unit("a.json")));
    assert_eq!(queue.fact("something").unwrap(), Some(7));
}

/// Fails if: a newer database is touched.
#[test]
fn a_newer_database_is_left_alone() {
    let mut station = Station::new();
    station.close();
    let db = Connection::open(station.database()).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    let before = fs::read(station.database()).unwrap();
    let error = open(station.data()).unwrap_err();
    assert!(matches!(error, OpenError::Newer { found: 99, .. }), "{error}");
    assert!(fs::read(station.database()).unwrap() == before);
}

/// Fails if: two services can use one data folder at the same time, or the folder stays locked.
#[test]
fn one_service_per_data_folder() {
    let mut station = Station::new();
    let error = open(station.data()).unwrap_err();
    assert!(matches!(error, OpenError::Locked(_)), "{error}");
    assert!(error.to_string().contains("another pywats-client"), "{error}");
    station.reopen();
}

/// Fails if: damage in a large database is not found while the service runs, or is forgotten at the next start.
#[test]
fn damage_is_found_beside_the_service() {
    let mut station = Station::new();
    fill(&station, 2000, 4000);
    station.close();
    let length = fs::metadata(station.database()).unwrap().len();
    assert!(length > integrity::AT_ONCE);
    let mut bytes = fs::read(station.database()).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 16].fill(0xff);
    fs::write(station.database(), bytes).unwrap();
    let Ok(opened) = open(station.data()) else { panic!("opens") };
    if opened.put_aside.is_none() {
        let limit = Instant::now() + Duration::from_secs(60);
        while opened.queue.next(0, 1).is_ok_and(|_| Instant::now() < limit) {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(opened.queue.next(0, 1).unwrap_err().is_corruption());
        drop(opened);
        let opened = open(station.data()).unwrap();
        assert!(opened.put_aside.is_some());
        assert_eq!(opened.found, 2000);
    } else {
        assert_eq!(opened.found, 2000);
    }
}

/// Fails if: the space of many reports that waited is not given back.
#[test]
fn space_is_given_back() {
    let mut station = Station::new();
    fill(&station, 2000, 1000);
    station.reopen();
    assert!(fs::metadata(station.database()).unwrap().len() > 2 << 20);
    let mut after = 0;
    loop {
        let entries = station.queue().next(after, 1000).unwrap();
        let Some(last) = entries.last() else { break };
        after = last.seq;
        let notes: Vec<_> =
            entries.iter().map(|entry| (entry.seq, Note::Decided(Verdict::Delivered))).collect();
        station.queue().note(&notes).unwrap();
        assert_eq!(station.settle().moved, entries.len());
    }
    assert_eq!(station.queue().counts().waiting, 0);
    let raw = Connection::open(station.database()).unwrap();
    raw.execute("DELETE FROM known", []).unwrap();
    drop(raw);
    station.queue().tidy(|| true).unwrap();
    let size = fs::metadata(station.database()).unwrap().len();
    assert!(size < 1 << 20, "{size}");
}

/// Makes reports wait, with small files and long notes.
fn fill(station: &Station, rows: usize, notes: usize) {
    let folder = Folder::open(&station.path("spool")).unwrap();
    let batch: Vec<NewReport> = (0..rows)
        .map(|number| {
            let id = Queue::new_id();
            let name = format!("report-{number}.json");
            let spool = spool::name(id, name.as_ref(), 0);
            fs::write(folder.path().join(&spool), "x").unwrap();
            NewReport { notes: vec!["n".repeat(notes)], ..station.row(id, spool, &name, b"x") }
        })
        .collect();
    for part in batch.chunks(1000) {
        station.queue().add(part).unwrap();
    }
}
