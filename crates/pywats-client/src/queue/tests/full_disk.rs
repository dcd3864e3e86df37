//! A disk without space: a small file system of its own, which only root can mount.

use super::*;
use std::io::Write;
use std::process::Command;
use tempfile::TempDir;

/// A file system of this size in memory; it goes with the folder.
struct Small(TempDir);

impl Small {
    fn new(megabytes: u32) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "none"])
            .arg(dir.path())
            .status()
            .is_ok_and(|status| status.success());
        assert!(mounted, "NOT RUN: this test mounts a file system; run it as root");
        Small(dir)
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(self.0.path()).status());
    }
}

/// Takes all space that is free.
fn fill_up(path: &Path) {
    let mut file = fs::File::options().append(true).create(true).open(path).unwrap();
    for size in [1 << 16, 4096, 512, 1] {
        let block = vec![1; size];
        while file.write_all(&block).is_ok() {}
    }
}

/// Fails if: on a full disk intake goes on until nothing works any more, a report that waits is not delivered, or
/// its verdict is forgotten; or it does not go on by itself when there is space.
#[test]
fn reports_go_on_a_full_disk() {
    let small = Small::new(48);
    let dir = tempfile::tempdir_in(small.0.path()).unwrap();
    let mut station = Station::at(dir);
    let rows: Vec<i64> = (0..300).map(|number| station.take(&format!("{number}.json"), "x")).collect();
    assert!(station.queue().intake_allowed(0).is_ok());
    assert!(station.queue().intake_allowed(1 << 30).is_err(), "a copy needs room");
    let filler = station.path("filler");
    fill_up(&filler);
    assert_eq!(crate::disk::free_space(station.data()).unwrap(), 0);
    let refused = station.queue().intake_allowed(0).unwrap_err();
    assert!(refused.to_string().contains("only 0 MiB are free"), "{refused}");
    // One by one, and whatever space is given free is taken by somebody else.
    for &seq in &rows {
        let queue = station.queue();
        let entry = queue.next(0, seq - 1, 1).unwrap().remove(0);
        assert_eq!(queue.body(&entry).unwrap(), Body::Ready(b"x".to_vec()));
        queue.note(&[(seq, Note::Attempt)]).unwrap();
        queue.note(&[(seq, Note::Decided(Verdict::Delivered))]).unwrap();
        station.settle();
        if seq % 50 == 0 {
            fill_up(&filler);
        }
    }
    assert_eq!(station.names("done").len(), rows.len());
    assert_eq!(station.queue().counts(), Counts { delivered: 300, ..Counts::default() });
    // Still full at the next start.
    station.reopen();
    assert_eq!(station.queue().counts(), Counts { delivered: 300, ..Counts::default() });
    assert!(station.queue().intake_allowed(0).is_err());
    fs::remove_file(&filler).unwrap();
    assert!(station.queue().intake_allowed(0).is_ok());
    assert_eq!(fs::metadata(station.path("reserve")).unwrap().len(), 8 << 20, "kept back again");
    station.take("more.json", "x");
}

/// Fails if: a queue cannot be opened on a disk without a free byte while there is space kept back, be it after a
/// clean stop or after a kill; or, when there is none, the message does not say that the disk is full; or the space
/// is not kept back again.
#[test]
fn opens_on_a_full_disk() {
    for (killed, damaged) in [(false, false), (true, false), (false, true)] {
        let small = Small::new(40);
        let mut station = Station::at(tempfile::tempdir_in(small.0.path()).unwrap());
        for number in 0..60 {
            station.take(&format!("{number}.json"), "x");
        }
        let copies = ["queue.db", "queue.db-wal"].map(|name| (name, fs::read(station.path(name)).unwrap()));
        station.close();
        if killed {
            copies.iter().for_each(|(name, bytes)| fs::write(station.path(name), bytes).unwrap());
        }
        if damaged {
            fs::write(station.path("queue.db.is-damaged"), "page 7").unwrap();
        }
        let filler = station.path("filler");
        fill_up(&filler);
        let what = format!("killed: {killed}, damaged: {damaged}");
        let opened = station.open();
        assert_eq!(
            (opened.put_aside.is_some(), opened.found),
            (damaged, if damaged { 60 } else { 0 }),
            "{what}"
        );
        assert_eq!(station.queue().counts().waiting, 60, "{what}");
        assert!(station.queue().intake_allowed(0).is_err(), "{what}: intake waits");
        if !damaged {
            for entry in station.queue().next(0, 0, 60).unwrap() {
                station.queue().note(&[(entry.seq, Note::Decided(Verdict::Delivered))]).unwrap();
            }
            assert_eq!(station.settle().moved, 60, "{what}");
        }
        station.close();
        fs::write(station.path("reserve"), "").unwrap();
        fill_up(&filler);
        let error = open(station.data()).unwrap_err().to_string();
        assert!(error.contains("the disk of the data folder is full"), "{what}: {error}");
        fs::remove_file(&filler).unwrap();
        station.open();
        assert_eq!(fs::metadata(station.path("reserve")).unwrap().len(), 8 << 20, "{what}: kept back again");
    }
}
