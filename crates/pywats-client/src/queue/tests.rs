//! Tests of the queue on real databases.

use super::*;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

fn source(name: &str, file: u64) -> Source {
    Source {
        folder: PathBuf::from("/watch"),
        name: OsString::from(name),
        identity: Identity { device: u64::MAX, file, size: 3, modified_ns: -5 },
        sha256: [7; 32],
    }
}

fn add(queue: &Queue, name: &str, file: u64) -> Entry {
    let id = Queue::new_id();
    let source = source(name, file);
    let seq = queue.add(&NewReport { id, body: name.as_bytes(), source: &source }).unwrap();
    Entry { seq, id, source, attempts: 0 }
}

/// Fails if: a committed report is not there after reopening, in the same order and with all its
/// facts, or a decided one is offered for upload again.
#[test]
fn keeps_reports_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path()).unwrap().queue;
    let first = add(&queue, "first.json", 1);
    let second = add(&queue, "second.json", u64::MAX);
    drop(queue);
    let queue = open(dir.path()).unwrap().queue;
    assert_eq!(queue.next_pending(|_| false).unwrap().as_ref(), Some(&first));
    assert_eq!(queue.next_pending(|seq| seq == first.seq).unwrap().as_ref(), Some(&second));
    assert_eq!(queue.find(&second.source.identity).unwrap().as_ref(), Some(&second));
    assert_eq!(queue.body(second.seq).unwrap(), b"second.json");
    queue.decide(first.seq, &Verdict::Uploaded).unwrap();
    queue.decide(second.seq, &Verdict::Rejected("because".to_owned())).unwrap();
    assert_eq!(queue.pending().unwrap(), 0);
    drop(queue);
    let queue = open(dir.path()).unwrap().queue;
    let decided = queue.decided().unwrap();
    assert_eq!(decided.len(), 2);
    assert_eq!(decided[1].1, Verdict::Rejected("because".to_owned()));
    for (entry, verdict) in decided {
        assert!(queue.find(&entry.source.identity).unwrap().is_some(), "unfinished until it is moved");
        queue.finish(entry.seq, &verdict).unwrap();
    }
    assert_eq!(queue.decided().unwrap(), []);
    assert_eq!(queue.totals().unwrap(), Totals { delivered: 1, failed: 1 });
}

/// Fails if: two services can use one data folder at the same time, or the folder stays locked.
#[test]
fn one_service_per_data_folder() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path()).unwrap();
    let error = open(dir.path()).unwrap_err();
    assert!(matches!(error, OpenError::Locked(_)), "{error}");
    assert!(error.to_string().contains("another pywats-client"), "{error}");
    drop(first);
    open(dir.path()).unwrap();
}

/// Fails if: a damaged database stops the service, is deleted, or is mistaken for a newer one; or a
/// newer one is touched.
#[test]
fn damaged_and_newer_databases() {
    type Damage = fn(&Path);
    let cases: [(&str, Damage); 3] = [
        ("not a database", |path| fs::write(path, b"this is no database at all, but long enough").unwrap()),
        ("a damaged page", |path| {
            let mut bytes = fs::read(path).unwrap();
            let end = bytes.len().min(3 * 4096);
            bytes[4096..end].fill(0x5a);
            fs::write(path, bytes).unwrap();
        }),
        ("cut off", |path| {
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..5000]).unwrap();
        }),
    ];
    for (what, damage) in cases {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("queue.db");
        let queue = open(dir.path()).unwrap().queue;
        add(&queue, "a.json", 1);
        drop(queue);
        damage(&path);
        let damaged = fs::read(&path).unwrap();
        let opened = open(dir.path()).unwrap();
        let (aside, _) = opened.put_aside.expect(what);
        assert!(fs::read(aside).unwrap() == damaged, "{what}: kept as it was");
        assert_eq!(opened.queue.pending().unwrap(), 0);
        add(&opened.queue, "b.json", 2);
    }
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()).unwrap());
    let db = Connection::open(dir.path().join("queue.db")).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    let error = open(dir.path()).unwrap_err();
    assert!(matches!(error, OpenError::Newer { found: 99, .. }), "{error}");
}

/// Fails if: the space of uploaded reports stays taken.
#[test]
fn gives_space_back() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path()).unwrap().queue;
    let source = source("large.json", 1);
    let size = || fs::metadata(dir.path().join("queue.db")).unwrap().len();
    let seq = queue.add(&NewReport { id: Queue::new_id(), body: &[b'x'; 5 << 20], source: &source }).unwrap();
    queue.tidy().unwrap();
    assert!(size() > 5 << 20);
    queue.finish(seq, &Verdict::Uploaded).unwrap();
    queue.tidy().unwrap();
    assert!(size() < 100_000, "{}", size());
}
