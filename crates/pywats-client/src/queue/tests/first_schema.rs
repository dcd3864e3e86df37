//! A data folder that the first schema has left: bodies in the table `report`, files in the watch folder.

use super::station::{Station, parse, report};
use super::*;
use crate::folder::{Folder, Identity, Kind};
use crate::queue::schema;
use rusqlite::params;
use sha2::{Digest, Sha256};

/// Queues reports of these units, as the previous version did, with their files in the watch folder.
pub(super) fn make(data: &Path, units: &[&str]) -> Vec<Uuid> {
    let watch = data.join("watch");
    fs::create_dir_all(&watch).unwrap();
    let db = create(data);
    let folder = Folder::open(&watch).unwrap();
    let mut ids = Vec::new();
    for unit in units {
        let name = format!("{unit}.json");
        fs::write(watch.join(&name), report(unit, None)).unwrap();
        let Some(Kind::Plain(identity)) = folder.look(name.as_ref()).unwrap() else { panic!("{name}") };
        let id = Uuid::new_v4();
        add(&db, &watch, &name, &identity, &report(unit, None), id);
        ids.push(id);
    }
    ids
}

/// Fails if: reports that the previous version queued are not sent under their identifiers, before new ones; their
/// files are taken again, or do not go to their end; or the old table stays.
#[test]
fn old_reports_drain_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let ids = make(dir.path(), &["a", "b", "c", "d"]);
    let raw = Connection::open(dir.path().join("queue.db")).unwrap();
    raw.execute("UPDATE report SET state = 'uploaded' WHERE seq = 4", []).unwrap();
    raw.execute("INSERT INTO total VALUES ('delivered', 40)", []).unwrap();
    drop(raw);
    let mut station = Station::at(dir);
    let new = station.take("new.json", &report("new", None));
    assert_eq!(new, 5, "numbers go on");
    let counts = Counts { waiting: 4, delivered: 41, ..Counts::default() };
    assert_eq!(station.queue().counts(), counts);
    assert_eq!(station.reopen().old, 4);
    assert_eq!(station.queue().counts(), counts);
    let queue = station.queue();
    let entries = queue.next(0, 0, 10).unwrap();
    assert_eq!(seqs(&entries), [1, 2, 3, 5]);
    assert_eq!(seqs(&queue.next(0, 2, 2).unwrap()), [3, 5]);
    assert_eq!((entries[0].id, &entries[0].place), (ids[0], &Place::Row));
    let Body::Ready(body) = queue.body(&entries[0]).unwrap() else { panic!("it is there") };
    assert_eq!(parse(&body).id(), Some(ids[0]));
    let start = parse(&body).start().as_microsecond();
    assert_eq!(queue.known(ids[0]).unwrap(), Some(Unit { serial_number: "a".to_owned(), start }));
    for unit in ["a", "b", "c", "d"] {
        let name = format!("{unit}.json");
        assert!(queue.legacy_by_identity(&station.watch, name.as_ref(), &station.identity(&name)).unwrap());
    }
    let suspicion = Suspicion { kind: "x".to_owned(), tries: 1, since: Timestamp::UNIX_EPOCH, parked: false };
    queue.note(&[(2, Note::Attempt), (2, Note::Suspect(suspicion.clone()))]).unwrap();
    assert_eq!(queue.suspects().unwrap()[0].1, suspicion);
    assert_eq!(seqs(&queue.next(0, 0, 10).unwrap()), [1, 3, 5]);
    let refused = Verdict::Refused("{}".to_owned());
    queue.note(&[(1, Note::Decided(Verdict::Delivered)), (2, Note::Decided(refused))]).unwrap();
    queue.note(&[(3, Note::Decided(Verdict::Delivered)), (5, Note::Decided(Verdict::Delivered))]).unwrap();
    assert_eq!(station.settle(), Settled { moved: 5, left: vec![], more: false });
    assert_eq!(station.names("done"), ["a.json", "c.json", "d.json", "new.json", "new.json.sent.json"]);
    assert_eq!(station.names("failed"), ["b.json", "b.json.reason.json"]);
    assert_eq!(station.names("watch"), [""; 0]);
    assert!(station.queue().known(ids[0]).unwrap().is_some());
    let raw = Connection::open(station.database()).unwrap();
    assert!(!raw.table_exists(None, "report").unwrap(), "dropped when empty");
    assert_eq!(station.queue().counts(), Counts { delivered: 44, failed: 1, ..Counts::default() });
}

/// Fails if: an original that cannot be seen when its report is delivered is a new report when it returns; or one
/// that came back on another device, or was renamed, is.
#[test]
fn originals_are_recognised_by_content() {
    let dir = tempfile::tempdir().unwrap();
    let ids = make(dir.path(), &["a", "b"]);
    let station = Station::at(dir);
    let queue = station.queue();
    fs::rename(station.watch.join("a.json"), station.path("a.json")).unwrap();
    queue.note(&[(1, Note::Decided(Verdict::Delivered))]).unwrap();
    assert_eq!(station.settle().moved, 1);
    assert_eq!(station.names("done"), [""; 0]);
    let size = report("a", None).len() as u64;
    let leftover = queue.leftover(&station.watch, "a.json".as_ref(), size).unwrap().expect("remembered");
    assert_eq!(leftover.id, ids[0]);
    // Another device, and then another name.
    let sha256 = station.fingerprint("b.json", report("b", None).as_bytes());
    let mut identity = station.identity("b.json");
    identity.device += 1;
    for name in ["b.json", "c.json"] {
        if name == "c.json" {
            fs::rename(station.watch.join("b.json"), station.watch.join(name)).unwrap();
        }
        assert!(!queue.legacy_by_identity(&station.watch, name.as_ref(), &identity).unwrap());
        assert!(queue.legacy_by_content(&station.watch, name.as_ref(), &identity, &sha256).unwrap());
        assert!(
            queue.legacy_by_identity(&station.watch, name.as_ref(), &identity).unwrap(),
            "now it is told"
        );
    }
    assert!(!queue.legacy_by_content(&station.watch, "c.json".as_ref(), &identity, &[0; 32]).unwrap());
    queue.note(&[(2, Note::Decided(Verdict::Delivered))]).unwrap();
    station.settle();
    assert_eq!(station.names("done"), ["c.json"]);
}

/// Fails if: of two old reports with one identifier, or an old and a new one, the later goes beside the earlier.
#[test]
fn one_identifier_at_a_time_with_old_reports() {
    let dir = tempfile::tempdir().unwrap();
    let ids = make(dir.path(), &["a", "b"]);
    let raw = Connection::open(dir.path().join("queue.db")).unwrap();
    raw.execute("UPDATE report SET id = ?1", [ids[0].to_string()]).unwrap();
    drop(raw);
    let station = Station::at(dir);
    let new = station.take_as("n.json", "n", ids[0]);
    for expected in [1, 2, new] {
        assert_eq!(seqs(&station.queue().next(0, 0, 10).unwrap()), [expected]);
        station.queue().note(&[(expected, Note::Decided(Verdict::Delivered))]).unwrap();
        assert!(expected == new || station.queue().rewound());
    }
}

/// An empty database of the first schema, as the previous version made it.
fn create(data: &Path) -> Connection {
    let db = Connection::open(data.join("queue.db")).unwrap();
    db.pragma_update(None, "auto_vacuum", "INCREMENTAL").unwrap();
    db.pragma_update(None, "journal_mode", "WAL").unwrap();
    db.execute_batch(schema::FIRST).unwrap();
    db
}

fn add(db: &Connection, watch: &Path, name: &str, identity: &Identity, content: &str, id: Uuid) {
    let body = file_with_id(id, content.as_bytes()).unwrap();
    db.execute(
        "INSERT INTO report (id, body, folder, name, device, file, size, modified_ns, sha256, state, attempts)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'pending', 0)",
        params![
            id.to_string(),
            body,
            rows::text_to_blob(watch.as_os_str()),
            rows::text_to_blob(name.as_ref()),
            identity.device.cast_signed(),
            identity.file.cast_signed(),
            identity.size.cast_signed(),
            identity.modified_ns,
            Sha256::digest(content).to_vec(),
        ],
    )
    .unwrap();
}
