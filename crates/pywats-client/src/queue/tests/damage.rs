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
        assert_eq!(seqs(&station.queue().next(0, 0, 9).unwrap()), [back.seq], "{what}");
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
    // A table that the start does not read.
    let raw = Connection::open(station.database()).unwrap();
    let page: i64 = raw
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'finished'", [], |row| row.get(0))
        .unwrap();
    drop(raw);
    let mut bytes = fs::read(station.database()).unwrap();
    bytes[(page as usize - 1) * 4096..][..16].fill(0xff);
    fs::write(station.database(), bytes).unwrap();
    let Ok(opened) = open(station.data()) else { panic!("opens") };
    assert!(opened.put_aside.is_none());
    let limit = Instant::now() + Duration::from_secs(60);
    while opened.queue.next(0, 0, 1).is_ok_and(|_| Instant::now() < limit) {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(opened.queue.next(0, 0, 1).unwrap_err().is_corruption());
    drop(opened);
    let opened = open(station.data()).unwrap();
    assert!(opened.put_aside.is_some());
    assert_eq!(opened.found, 2000);
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
        let entries = station.queue().next(0, after, 1000).unwrap();
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

/// Fails if: a flipped bit, wherever it is in the database, stops the queue, loses a report, sends it under another
/// identifier or with another body, or is found again at each start.
#[test]
fn a_flipped_bit_costs_no_report() {
    let dir = || tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let mut station = Station::at(dir());
    let mut expected = std::collections::BTreeMap::new();
    for number in 1..=12 {
        let id = Uuid::from_u128(number << 64 | 0x1234_5678);
        let own = (number % 3 == 0).then_some(id);
        let name = format!("report-{number}.json");
        let new = station.claim(&name, &station::report(&format!("unit-{number}"), own), id);
        let seq = station.queue().add(&[new]).unwrap()[0];
        expected.insert(id, (format!("unit-{number}"), seq));
    }
    let queue = station.queue();
    // One of each kind of row.
    let rows: Vec<i64> = expected.values().map(|(_, seq)| *seq).collect();
    let suspicion = Suspicion { kind: "x".to_owned(), tries: 1, since: Timestamp::now(), parked: true };
    queue.note(&[(rows[0], Note::Suspect(suspicion)), (rows[1], Note::Attempt)]).unwrap();
    let done = station.take("done.json", "done");
    queue.note(&[(done, Note::Decided(Verdict::Delivered))]).unwrap();
    station.settle();
    let delivered = station.take_as("delivered.json", "delivered", Uuid::from_u128(5));
    queue.note(&[(delivered, Note::Decided(Verdict::Delivered))]).unwrap();
    queue.remember("fact", 1).unwrap();
    station.close();
    let whole = fs::read(station.database()).unwrap();
    let used: Vec<usize> = (0..whole.len()).filter(|&at| whole[at] != 0).collect();
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..FLIPS {
        let (at, bit) = (used[random.usize(..used.len())], random.u8(..8));
        // Another version is not damage.
        if (60..64).contains(&at) {
            continue;
        }
        let what = format!("byte {at}, bit {bit}");
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << bit;
        let mut copy = Station::at_closed(station.copy_of(dir(), &bytes));
        let mut sent = std::collections::BTreeMap::new();
        // A service that meets damage opens the queue anew.
        let mut lives = 0;
        while sent.len() < expected.len() {
            lives += 1;
            assert!(lives < 4, "{what}: {sent:?}");
            copy.open();
            if let Err(error) = send_all(&copy, &mut sent) {
                assert!(error.is_corruption(), "{what}: {error}");
            }
            copy.close();
        }
        for (id, (unit, _)) in &expected {
            assert_eq!(sent.get(id), Some(unit), "{what}");
        }
        let opened = copy.open();
        assert!(opened.put_aside.is_none() && opened.mended == 0, "{what}: once");
    }
}

/// How many bits are flipped, one after the other.
const FLIPS: usize = 200;

/// What intake and upload do; which unit went out under which identifier.
fn send_all(station: &Station, sent: &mut std::collections::BTreeMap<Uuid, String>) -> Result<(), Error> {
    let queue = station.queue();
    queue.leftovers()?;
    for id in sent.keys() {
        queue.known(*id)?;
    }
    loop {
        for entry in queue.handed_back()? {
            let new = station.judged(&entry);
            queue.replace(&[(entry.seq, new)])?;
        }
        let mut entries = queue.next(0, 0, 100)?;
        entries.extend(queue.suspects()?.into_iter().map(|(entry, _)| entry));
        if entries.is_empty() {
            return Ok(());
        }
        for entry in entries {
            match queue.body(&entry)? {
                Body::Ready(body) if body.starts_with(b"{") => {
                    let report = station::parse(&body);
                    assert_eq!(report.id(), Some(entry.id));
                    let unit = report.serial_number().to_owned();
                    let before = sent.insert(entry.id, unit.clone());
                    assert!(before.is_none_or(|before| before == unit));
                    queue.note(&[(entry.seq, Note::Decided(Verdict::Delivered))])?;
                }
                Body::Ready(_) => queue.note(&[(entry.seq, Note::Decided(Verdict::Delivered))])?,
                Body::Changed => queue.changed(&entry)?,
                Body::Gone => panic!("{entry:?}"),
            }
        }
        queue.settle(&station.ends, 1000)?;
    }
}

/// Fails if: a row that makes no sense concerns more than its own report; or that report is not judged again under
/// its identifier.
#[test]
fn a_senseless_row_concerns_one_report() {
    for (change, lost_rows) in [
        ("UPDATE waiting SET edits = 'garbage' WHERE seq = 2", 1),
        ("UPDATE waiting SET id = x'00' WHERE seq = 2", 1),
        ("UPDATE waiting SET sha256 = x'00' WHERE seq = 2", 1),
        ("UPDATE waiting SET size = -1 WHERE seq = 2", 1),
        ("UPDATE waiting SET name = x'ff' WHERE seq = 2", 1),
        ("UPDATE waiting SET spool = x'6161' WHERE seq = 2", 1),
        ("UPDATE waiting SET serial = CAST(x'ff' AS TEXT) WHERE seq = 2", 1),
        ("UPDATE waiting SET seq = 9223372036854775807 WHERE seq = 2", 1),
        ("DELETE FROM waiting WHERE seq = 2", 0),
    ] {
        let mut station = Station::new();
        let ids = [1, 2, 3].map(Uuid::from_u128);
        for id in ids {
            station.take_as(&format!("{id}.json"), "x", id);
        }
        station.close();
        let raw = Connection::open(station.database()).unwrap();
        raw.execute(change, []).unwrap();
        drop(raw);
        let opened = station.open();
        assert!(opened.put_aside.is_none(), "{change}");
        assert_eq!((opened.found, opened.mended), (1, lost_rows), "{change}");
        let back: Vec<Uuid> = station.queue().handed_back().unwrap().iter().map(|entry| entry.id).collect();
        assert_eq!(back, [ids[1]], "{change}");
        assert_eq!(station.queue().next(0, 0, 9).unwrap().len(), 2, "{change}");
        assert_eq!(station.queue().counts(), Counts { waiting: 3, ..Counts::default() }, "{change}");
    }
    // What is met only while the service runs.
    let mut station = Station::new();
    station.take("a.json", "x");
    let raw = Connection::open(station.database()).unwrap();
    raw.execute("UPDATE waiting SET size = 2", []).unwrap();
    assert!(station.queue().next(0, 0, 9).unwrap_err().is_corruption());
    assert!(station.queue().damage().is_some());
    drop(raw);
    let opened = station.reopen();
    assert!(opened.put_aside.is_none());
    assert_eq!((opened.found, opened.mended), (1, 1));
}

/// Fails if: a verdict about another report is believed.
#[test]
fn a_damaged_verdict_is_no_verdict() {
    let mut station = Station::new();
    let rows = ["a.json", "b.json"].map(|name| station.take(name, "x"));
    station.queue().note(&[(rows[0], Note::Decided(Verdict::Delivered))]).unwrap();
    station.close();
    let raw = Connection::open(station.database()).unwrap();
    raw.execute("UPDATE verdict SET seq = 2", []).unwrap();
    drop(raw);
    assert_eq!(station.open().mended, 1);
    assert_eq!(seqs(&station.queue().next(0, 0, 9).unwrap()), rows);
    assert_eq!(station.queue().counts(), Counts { waiting: 2, ..Counts::default() });
}

/// Fails if: a table or column that is missing, or a text that cannot be read, is not taken for damage; or what can
/// be read of it is not saved; or the damage is saved, too.
#[test]
fn a_damaged_schema_is_made_again() {
    for (change, at_start) in [
        ("ALTER TABLE leftover RENAME COLUMN sha256 TO sha25v", true),
        ("ALTER TABLE trouble RENAME TO rouble", true),
        ("DROP TABLE fact", true),
        ("PRAGMA user_version = 0", true),
        (
            "UPDATE known SET serial = CAST(x'ff' AS TEXT) WHERE id = x'00000000000000000000000000000001'",
            false,
        ),
    ] {
        let mut station = Station::new();
        let ids = [1, 2].map(Uuid::from_u128);
        let rows = ids.map(|id| station.take_as(&format!("{id}.json"), "x", id));
        station.queue().note(&rows.map(|seq| (seq, Note::Decided(Verdict::Delivered)))).unwrap();
        station.settle();
        let waits = station.take("c.json", "c");
        station.close();
        let raw = Connection::open(station.database()).unwrap();
        raw.execute_batch(change).unwrap();
        drop(raw);
        let mut opened = station.open();
        assert_eq!(opened.put_aside.is_some(), at_start, "{change}");
        if !at_start {
            assert_eq!(seqs(&station.queue().next(0, 0, 9).unwrap()), [waits], "{change}");
            assert!(station.queue().known(ids[0]).unwrap_err().is_corruption(), "{change}");
            assert!(station.queue().next(0, 0, 9).is_err(), "{change}: everybody hears of it");
            opened = station.reopen();
            assert!(opened.put_aside.is_some(), "{change}");
        }
        assert_eq!(opened.found, 1, "{change}");
        assert!(station.queue().known(ids[1]).unwrap().is_some(), "{change}");
        assert_eq!(station.queue().known(ids[0]).unwrap().is_some(), at_start, "{change}");
        assert!(station.reopen().put_aside.is_none(), "{change}: once");
    }
}

/// Fails if: a disk that damages the database again and again is filled with what is left of it.
#[test]
fn only_the_last_damaged_databases_are_kept() {
    let mut station = Station::new();
    for number in 0..13 {
        station.close();
        fs::write(station.path("queue.db.is-damaged"), number.to_string()).unwrap();
        assert!(station.open().put_aside.is_some());
        std::thread::sleep(Duration::from_millis(2));
    }
    let left = fs::read_dir(station.data()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(left.filter(|name| name.to_string_lossy().ends_with('Z')).count(), 10);
}

/// Fails if: a database that was lost or emptied is not called new, or one that is there is; a file without a name is not
/// sent; what is none of ours is sent or not named; or a folder in the place of the database is not named as that.
#[test]
fn a_lost_database_is_told() {
    type Loss = fn(&Path);
    let losses: [(Loss, bool); 3] = [
        (|_| {}, false),
        (|path| fs::remove_file(path).unwrap(), true),
        (|path| drop(fs::File::create(path).unwrap()), true),
    ];
    for (number, (lose, is_new)) in losses.into_iter().enumerate() {
        let mut station = Station::new();
        let [id, nameless, folder] = [1, 2, 3].map(Uuid::from_u128);
        station.take_as("a.json", "a", id);
        station.close();
        lose(&station.database());
        let spool = station.path("spool");
        fs::write(spool.join(format!("{nameless}~")), "b").unwrap();
        fs::write(spool.join("readme.txt"), "").unwrap();
        fs::create_dir(spool.join(format!("{folder}~c.json"))).unwrap();
        let opened = station.open();
        assert!(opened.put_aside.is_none(), "{number}");
        assert_eq!((opened.is_new, opened.found), (is_new, if is_new { 2 } else { 1 }), "{number}");
        let foreign = [format!("{folder}~c.json"), "readme.txt".to_owned()];
        assert_eq!(opened.foreign, foreign.map(std::ffi::OsString::from), "{number}");
        let back = station.queue().handed_back().unwrap();
        let found = back.iter().find(|entry| entry.id == nameless).unwrap();
        assert_eq!(found.name, format!("{nameless}.json").as_str(), "{number}");
        assert!(!station.reopen().is_new, "{number}");
        station.close();
        fs::remove_file(station.database()).unwrap();
        fs::create_dir(station.database()).unwrap();
        let error = open(station.data()).unwrap_err().to_string();
        assert!(error.contains("is a folder"), "{number}: {error}");
    }
}
