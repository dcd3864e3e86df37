//! What the queue costs: reports a second, flushes and bytes written, without intake and network.
//!
//! `queue_cost FOLDER COUNT BYTES BATCH`; under `strace -f -c -e fsync,fdatasync` the flushes are counted.

use pywats_client::disposition::Disposition;
use pywats_client::folder::Folder;
use pywats_client::queue::{self, Body, NewReport, Note, Queue, Unit, Verdict, spool};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::PathBuf;
use std::time::Instant;
use uuid::Uuid;
use wats::{Report, Rules};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, count, bytes, batch] = arguments.as_slice() else {
        eprintln!("queue_cost FOLDER COUNT BYTES BATCH");
        return;
    };
    let (data, count) = (PathBuf::from(folder), count.parse().unwrap_or(200));
    let (bytes, batch): (usize, usize) = (bytes.parse().unwrap_or(51_000), batch.parse().unwrap_or(64));
    for name in ["watch", "done", "failed"] {
        fs::create_dir_all(data.join(name)).expect("a folder");
    }
    let start = Instant::now();
    let queue = queue::open(&data).expect("a queue").queue;
    println!("opened in {:?}; {} wait", start.elapsed(), queue.counts().waiting);
    let ends = Disposition::new(data.join("done"), data.join("failed"));
    let watch = Folder::open(&data.join("watch")).expect("the watch folder");
    let content = report(bytes);
    for number in 0..count {
        fs::write(data.join("watch").join(format!("{number}.json")), &content).expect("a report");
    }
    std::process::Command::new("sync").status().expect("sync");
    let before = written();
    let start = Instant::now();
    let names: Vec<String> = (0..count).map(|number| format!("{number}.json")).collect();
    let mut after = 0;
    for part in names.chunks(batch) {
        take(&queue, &watch, part);
        let entries = queue.next(after, batch).expect("entries");
        after = entries.last().map_or(after, |entry| entry.seq);
        let mut notes = Vec::new();
        for entry in &entries {
            assert!(matches!(queue.body(entry), Ok(Body::Ready(_))));
            notes.push((entry.seq, Note::Decided(Verdict::Delivered)));
        }
        queue.note(&notes).expect("notes");
        queue.settle(&ends, batch).expect("settled");
    }
    queue.tidy(|| true).expect("tidy");
    let time = start.elapsed();
    println!(
        "{count} reports of {bytes} bytes in {time:?}: {:.0} a second, {} bytes written a report",
        count as f64 / time.as_secs_f64(),
        (written() - before) / count as u64
    );
    // As a service that goes on: nothing is folded at the end.
    std::process::exit(0);
}

/// What gives a report this identifier.
fn edits(file: &[u8], id: Uuid) -> String {
    let mut edits = Report::parse(file, &Rules::default()).expect("a report").edits();
    edits.set_id(id);
    edits.to_text()
}

fn take(queue: &Queue, watch: &Folder, names: &[String]) {
    let mut batch = Vec::new();
    for name in names {
        let id = Queue::new_id();
        let bytes = fs::read(watch.path().join(name)).expect("the file");
        let target = spool::name(id, name.as_ref(), 0);
        watch.rename_lazily(name.as_ref(), queue.spool(), &target).expect("renamed");
        batch.push(NewReport {
            id,
            spool: target,
            folder: watch.path().to_path_buf(),
            name: name.into(),
            size: bytes.len() as u64,
            sha256: Sha256::digest(&bytes).into(),
            edits: edits(&bytes, id),
            notes: Vec::new(),
            unit: Unit { serial_number: name.clone(), start: 0 },
            copied: false,
        });
    }
    let files: Vec<_> = batch.iter().map(|report| (report.spool.as_os_str(), None)).collect();
    let flushed = spool::synchronise(queue.spool(), &files).expect("synchronised");
    assert!(flushed.iter().all(Result::is_ok));
    queue.add(&batch).expect("added");
}

/// Bytes that this process has had written to disks.
fn written() -> u64 {
    let text = fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    line.and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn report(bytes: usize) -> String {
    let head = r#"{"type":"T","pn":"P","sn":"S","rev":"1","processCode":10,"result":"P","machineName":"M","location":"L","purpose":"T","start":"2026-01-02T03:04:05+00:00","root":{},"uut":{},"fill":""#;
    format!("{head}{}\"}}", "x".repeat(bytes.saturating_sub(head.len() + 2)))
}
