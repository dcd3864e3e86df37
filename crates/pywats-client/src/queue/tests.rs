//! Tests of the queue on real databases and folders.

pub(crate) mod crash;
mod damage;
mod first_schema;
#[cfg(target_os = "linux")]
mod full_disk;
mod station;

use super::*;
use jiff::Timestamp;
use rusqlite::Connection;
use station::{Station, unit};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use uuid::Uuid;

/// Fails if: a committed report is not there after reopening, in the same order and with all its facts, or
/// a decided one is offered again; or the counts in memory are not those of the database.
#[test]
fn keeps_reports_over_a_restart() {
    let mut station = Station::new();
    let first = station.take("first.json", "one");
    let second = station.take("second.json", "two");
    station.reopen();
    let entries = station.queue().next(0, 0, 10).unwrap();
    assert_eq!(seqs(&entries), [first, second]);
    assert_eq!((entries[1].name.as_os_str(), entries[1].size), (OsStr::new("second.json"), 3));
    assert_eq!(entries[1].folder, station.watch);
    assert_eq!(seqs(&station.queue().next(0, first, 10).unwrap()), [second]);
    assert_eq!(station.queue().counts(), Counts { waiting: 2, ..Counts::default() });
    let refused = Verdict::Refused("{\"reason\": \"because\"}".to_owned());
    station
        .queue()
        .note(&[(first, Note::Decided(Verdict::Delivered)), (second, Note::Decided(refused))])
        .unwrap();
    let counts = Counts { delivered: 1, failed: 1, ..Counts::default() };
    assert_eq!(station.queue().counts(), counts);
    station.reopen();
    assert_eq!((station.queue().counts(), seqs(&station.queue().next(0, 0, 10).unwrap())), (counts, vec![]));
    assert_eq!(station.settle(), Settled { moved: 2, left: vec![], more: false });
    assert_eq!(station.queue().counts(), counts);
    assert_eq!(station.names("done"), ["first.json"]);
    assert_eq!(station.names("failed"), ["second.json", "second.json.reason.json"]);
    assert_eq!(station.names("spool"), [""; 0]);
    station.reopen();
    assert_eq!(station.queue().counts(), counts);
}

/// Fails if: a report that meets trouble is offered in turn, its trouble is forgotten at a restart, or it
/// does not come back when it is cleared; or the counts are wrong.
#[test]
fn suspects_wait_apart() {
    let mut station = Station::new();
    let [first, second] = ["a.json", "b.json"].map(|name| station.take(name, name));
    let since = Timestamp::from_second(1_800_000_000).unwrap();
    let suspicion = |parked| Suspicion { kind: "blank".to_owned(), tries: 3, since, parked };
    station.queue().note(&[(first, Note::Attempt), (first, Note::Suspect(suspicion(true)))]).unwrap();
    station.reopen();
    let queue = station.queue();
    assert_eq!(seqs(&queue.next(0, 0, 10).unwrap()), [second]);
    let suspects = queue.suspects().unwrap();
    assert_eq!((suspects[0].0.seq, suspects[0].0.attempts, &suspects[0].1), (first, 1, &suspicion(true)));
    assert_eq!(queue.counts(), Counts { waiting: 2, parked: 1, ..Counts::default() });
    queue.note(&[(first, Note::Suspect(suspicion(false)))]).unwrap();
    assert_eq!(queue.counts(), Counts { waiting: 2, parked: 0, ..Counts::default() });
    assert!(!queue.rewound());
    queue.note(&[(first, Note::Cleared)]).unwrap();
    assert!(queue.rewound() && !queue.rewound(), "said once");
    assert_eq!(seqs(&queue.next(0, 0, 10).unwrap()), [first, second]);
    assert_eq!(queue.suspects().unwrap(), []);
    queue
        .note(&[(first, Note::Suspect(suspicion(true))), (first, Note::Decided(Verdict::Delivered))])
        .unwrap();
    assert_eq!(queue.counts(), Counts { waiting: 1, delivered: 1, ..Counts::default() });
    queue.note(&[(first, Note::Decided(Verdict::Delivered))]).unwrap();
    assert_eq!(queue.counts().delivered, 1, "said twice is once");
}

/// Fails if: of two reports with one identifier the second is sent before or beside the first, or waits for one
/// that is a suspect.
#[test]
fn one_identifier_at_a_time() {
    let station = Station::new();
    let id = Uuid::from_u128(7);
    let first = station.take_as("a.json", "old", id);
    let other = station.take("b.json", "other");
    let second = station.take_as("a.json", "corrected", id);
    let queue = station.queue();
    assert_eq!(seqs(&queue.next(0, 0, 10).unwrap()), [first, other]);
    let entry = queue.next(0, 0, 1).unwrap().remove(0);
    queue.changed(&entry).unwrap();
    assert_eq!(seqs(&queue.next(0, 0, 10).unwrap()), [other], "one that is judged again keeps its turn");
    queue.replace(&[(first, station.judged(&entry))]).unwrap();
    assert!(queue.rewound());
    assert_eq!(seqs(&queue.next(0, 0, 10).unwrap()), [first, other]);
    for parked in [false, true] {
        let suspicion = Suspicion { kind: "x".to_owned(), tries: 1, since: Timestamp::now(), parked };
        queue.note(&[(first, Note::Suspect(suspicion))]).unwrap();
        assert!(queue.rewound(), "the second may be sent");
        assert_eq!(seqs(&queue.next(0, 0, 10).unwrap()), [other, second]);
    }
    let third = station.take_as("a.json", "corrected again", id);
    assert_eq!(seqs(&queue.next(0, 0, 10).unwrap()), [other, second]);
    queue.note(&[(first, Note::Cleared)]).unwrap();
    assert!(queue.rewound());
    assert_eq!(seqs(&queue.next(0, 0, 10).unwrap()), [first, other]);
    queue.note(&[(first, Note::Decided(Verdict::Delivered))]).unwrap();
    assert!(queue.rewound());
    assert_eq!(seqs(&queue.next(0, 0, 10).unwrap()), [other, second]);
    station.settle();
    assert_eq!(station.names("done"), ["a.json"]);
    queue.note(&[(third, Note::Decided(Verdict::Delivered))]).unwrap();
    queue.note(&[(second, Note::Decided(Verdict::Delivered))]).unwrap();
    station.settle();
    assert_eq!(station.names("done"), ["a.1.json", "a.2.json", "a.json"]);
    assert_eq!(fs::read(station.path("done").join("a.1.json")).unwrap(), b"corrected");
}

/// Fails if: an identifier is not known while its report waits and after it was delivered, with the unit that
/// it stands for; or one that was refused stays taken.
#[test]
fn identifiers_are_known() {
    let mut station = Station::new();
    let ids = [1, 2].map(Uuid::from_u128);
    let rows = [station.take_as("a.json", "a", ids[0]), station.take_as("b.json", "b", ids[1])];
    let known = |station: &Station| ids.map(|id| station.queue().known(id).unwrap());
    assert_eq!(known(&station), [Some(unit("a.json")), Some(unit("b.json"))]);
    let refused = Verdict::Refused(String::new());
    station
        .queue()
        .note(&[(rows[0], Note::Decided(Verdict::Delivered)), (rows[1], Note::Decided(refused))])
        .unwrap();
    station.settle();
    station.reopen();
    assert_eq!(known(&station), [Some(unit("a.json")), None]);
    station.queue().prune_known().unwrap();
    assert_eq!(known(&station), [Some(unit("a.json")), None], "kept for 400 days");
    let raw = Connection::open(station.database()).unwrap();
    raw.execute("UPDATE known SET day = day - 401", []).unwrap();
    drop(raw);
    station.queue().prune_known().unwrap();
    assert_eq!(known(&station), [None, None]);
}

/// Fails if: bytes are sent that are not those that were taken in, or a file that changed is lost.
#[test]
fn changed_files_are_handed_back() {
    let mut station = Station::new();
    let report = station::report("a", None);
    let seq = station.take("a.json", &report);
    let entry = station.queue().next(0, 0, 1).unwrap().remove(0);
    let Body::Ready(body) = station.queue().body(&entry).unwrap() else { panic!("it is there") };
    assert_eq!(wats::Report::parse(&body, &wats::Rules::default()).unwrap().id(), Some(entry.id));
    let file = station.path("spool").join(station.names("spool").remove(0));
    let longer = format!("{report} ");
    // The same size is no excuse.
    for content in [longer.as_str(), &report.replace("\"a\"", "\"b\""), ""] {
        fs::write(&file, content).unwrap();
        assert_eq!(station.queue().body(&entry).unwrap(), Body::Changed, "{content}");
    }
    station.queue().changed(&entry).unwrap();
    fs::write(&file, &longer).unwrap();
    station.reopen();
    assert_eq!(station.queue().next(0, 0, 1).unwrap(), []);
    assert_eq!(station.queue().suspects().unwrap(), []);
    let back = station.queue().handed_back().unwrap().remove(0);
    assert_eq!((back.seq, back.id, &back.folder), (seq, entry.id, &station.watch));
    station.queue().replace(&[(seq, station.judged(&back))]).unwrap();
    assert!(station.queue().rewound());
    assert_eq!(station.queue().handed_back().unwrap(), []);
    let entry = station.queue().next(0, 0, 1).unwrap().remove(0);
    assert!(matches!(station.queue().body(&entry).unwrap(), Body::Ready(_)));
    fs::remove_file(&file).unwrap();
    assert_eq!(station.queue().body(&entry).unwrap(), Body::Gone);
    assert_eq!(station.queue().counts(), Counts { lost: 1, ..Counts::default() });
}

/// Fails if: a copied original is not remembered in the commit of its report, or is not recognised.
#[test]
fn leftovers_are_remembered() {
    let mut station = Station::new();
    let mut new = station.claim("a.json", "content", Uuid::from_u128(3));
    new.copied = true;
    station.queue().add(&[new.clone()]).unwrap();
    station.reopen();
    let queue = station.queue();
    let found = queue.leftover(&station.watch, OsStr::new("a.json"), 7).unwrap().unwrap();
    assert_eq!((found.id, found.sha256), (new.id, new.sha256));
    assert_eq!(queue.leftovers().unwrap(), [found]);
    assert_eq!(queue.leftover(&station.watch, OsStr::new("a.json"), 8).unwrap(), None);
    queue.drop_leftover(&station.watch, OsStr::new("a.json")).unwrap();
    assert_eq!(queue.leftovers().unwrap(), []);
}

/// Fails if: one report that cannot be moved keeps the others from their end.
#[test]
fn settling_goes_on_after_a_failure() {
    let station = Station::new();
    let rows: Vec<i64> = (0..5).map(|number| station.take(&format!("{number}.json"), "x")).collect();
    let notes: Vec<_> = rows.iter().map(|&seq| (seq, Note::Decided(Verdict::Delivered))).collect();
    station.queue().note(&notes).unwrap();
    fs::rename(station.path("done"), station.path("away")).unwrap();
    let round = station.queue().settle(&station.ends, 3).unwrap();
    assert_eq!((round.moved, round.left.len(), round.more), (0, 3, true));
    fs::rename(station.path("away"), station.path("done")).unwrap();
    let round = station.queue().settle(&station.ends, 3).unwrap();
    assert_eq!((round.moved, round.left.len(), round.more), (2, 0, false));
    assert_eq!(station.names("done"), ["3.json", "4.json"]);
    assert_eq!(station.settle().moved, 3);
}

/// Fails if: what was filled in or repaired is not said beside the delivered file.
#[test]
fn what_was_sent_stands_beside() {
    let station = Station::new();
    let mut new = station.claim("a.json", "content", Uuid::from_u128(3));
    new.notes = vec!["start: given\noffset +01:00".to_owned(), "sn".to_owned()];
    let seq = station.queue().add(&[new.clone()]).unwrap()[0];
    station.queue().note(&[(seq, Note::Decided(Verdict::Delivered))]).unwrap();
    station.settle();
    assert_eq!(station.names("done"), ["a.json", "a.json.sent.json"]);
    let text = fs::read_to_string(station.path("done").join("a.json.sent.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["id"], new.id.to_string());
    assert_eq!(json["changed_for_sending"][0], "start: given offset +01:00");
    assert_eq!(json["changed_for_sending"][1], "sn");
}

/// Fails if: a report takes a name beside which the note or reason of another lies, is not remembered under
/// the name that it got, or does not take its own place again after a crash.
#[test]
fn a_stale_note_is_not_another_reports() {
    let id = Uuid::from_u128(3);
    let own = || {
        let sha256 = sha2::Digest::finalize(<sha2::Sha256 as sha2::Digest>::new_with_prefix("content"));
        crate::disposition::Sent { id, sha256: sha256.into(), notes: &[] }.to_json("a.json".as_ref())
    };
    let refused = || Verdict::Refused("why".to_owned());
    // the verdict, what lies there, its content, the name that the report gets
    for (verdict, there, content, expected) in [
        (Verdict::Delivered, "done/a.json", "x".to_owned(), "done/a.1.json"),
        (Verdict::Delivered, "done/a.json.sent.json", "of another".to_owned(), "done/a.1.json"),
        (Verdict::Delivered, "done/a.json.reason.json", "of another".to_owned(), "done/a.1.json"),
        (Verdict::Delivered, "done/a.json.sent.json", own(), "done/a.json"),
        (Verdict::Delivered, "done/b.json", "x".to_owned(), "done/a.json"),
        (refused(), "failed/a.json.reason.json", "of another".to_owned(), "failed/a.1.json"),
        (refused(), "failed/a.json.reason.json", "why".to_owned(), "failed/a.json"),
    ] {
        let station = Station::new();
        fs::write(station.path(there), &content).unwrap();
        let mut new = station.claim("a.json", "content", id);
        new.notes = vec!["sn".to_owned()];
        let seq = station.queue().add(&[new.clone()]).unwrap()[0];
        let delivered = verdict == Verdict::Delivered;
        station.queue().note(&[(seq, Note::Decided(verdict))]).unwrap();
        assert_eq!(station.settle().moved, 1);
        let case = format!("{there} {content:?}");
        assert_eq!(fs::read_to_string(station.path(expected)).unwrap(), "content", "{case}");
        let mut kept = Vec::new();
        let done = station.path("done");
        station
            .queue()
            .each_kept(&done, |file| {
                kept.push(file);
                true
            })
            .unwrap();
        let remembered: Vec<_> = kept.iter().map(|kept| done.join(&kept.name)).collect();
        let of_done = if delivered { vec![station.path(expected)] } else { Vec::new() };
        assert_eq!(remembered, of_done, "{case}");
        assert!(kept.iter().all(|kept| (kept.size, kept.sha256) == (new.size, new.sha256)), "{case}");
    }
}

fn seqs(entries: &[Entry]) -> Vec<i64> {
    entries.iter().map(|entry| entry.seq).collect()
}

/// Fails if: a report whose file somebody removed counts as delivered, its identifier stays taken, or what waits behind
/// it is held up; or, at a start, one is called lost that lies at its end, as after a power cut, or is delivered where
/// another file of the same name lies.
#[test]
fn reports_that_vanish_are_lost() {
    let id = Uuid::from_u128(5);
    let content = station::report("a", Some(id));
    let counts = |delivered, failed, lost| Counts { delivered, failed, lost, ..Counts::default() };
    let sent = |id: Uuid, content: &str| {
        let sha256 = <sha2::Sha256 as sha2::Digest>::digest(content).into();
        crate::disposition::Sent { id, sha256, notes: &[] }.to_json("a.json".as_ref())
    };
    let reason = |id: Uuid| format!("{{\"id\": \"{id}\"}}");
    let other = station::report("b", Some(id));
    let without = station::report("a", None);
    // the content, what lies where it may have gone, what it is then
    for (content, ends, expected) in [
        (&content, vec![], counts(0, 0, 1)),
        (&content, vec![("done/a.json", content.clone())], counts(1, 0, 0)),
        (&content, vec![("done/a.json", other.clone()), ("done/a.2.json", content.clone())], counts(1, 0, 0)),
        (&content, vec![("done/a.json", other.clone())], counts(0, 0, 1)),
        (&content, vec![("failed/a.json", content.clone())], counts(0, 0, 1)),
        (
            &content,
            vec![("failed/a.json", content.clone()), ("failed/a.json.reason.json", reason(id))],
            counts(0, 1, 0),
        ),
        // Only the note tells under which identifier it was sent.
        (&without, vec![("done/a.json", without.clone())], counts(0, 0, 1)),
        (
            &without,
            vec![
                ("done/a.json", without.clone()),
                ("done/a.json.sent.json", sent(Uuid::from_u128(6), &without)),
            ],
            counts(0, 0, 1),
        ),
        (
            &without,
            vec![("done/a.json", without.clone()), ("done/a.json.sent.json", sent(id, &without))],
            counts(1, 0, 0),
        ),
    ] {
        let mut station = Station::new();
        station.take_as("a.json", content, id);
        station.close();
        let spool = station.path("spool");
        fs::remove_file(spool.join(station.names("spool").remove(0))).unwrap();
        for (path, content) in &ends {
            fs::write(station.path(path), content).unwrap();
        }
        let lost = station.open().lost;
        assert_eq!(lost.len() as u64, expected.lost, "{ends:?}");
        assert_eq!(station.queue().counts(), expected, "{ends:?}");
        assert_eq!(station.queue().known(id).unwrap().is_some(), expected.delivered == 1, "{ends:?}");
        station.reopen();
        assert_eq!(station.queue().counts(), expected, "{ends:?}");
    }
    // While the service runs: also one that intake was to judge again, and one that another waits for.
    let mut station = Station::new();
    let first = station.take_as("a.json", &content, id);
    let second = station.take_as("a.json", &other, id);
    let changed = station.take("c.json", "c");
    let entries = station.queue().next(0, 0, 9).unwrap();
    assert_eq!(seqs(&entries), [first, changed]);
    station.queue().changed(&entries[1]).unwrap();
    assert!(!station.queue().lose_if_gone(&entries[0]).unwrap(), "it is there");
    for entry in &entries {
        let Place::Spool(spool) = &entry.place else { panic!("{entry:?}") };
        fs::remove_file(station.path("spool").join(spool)).unwrap();
    }
    assert!(station.queue().lose_if_gone(&entries[1]).unwrap());
    assert_eq!(station.queue().handed_back().unwrap(), []);
    assert_eq!(station.queue().body(&entries[0]).unwrap(), Body::Gone);
    assert_eq!(station.queue().counts(), Counts { waiting: 1, lost: 2, ..Counts::default() });
    assert!(station.queue().rewound());
    assert_eq!(seqs(&station.queue().next(0, 0, 9).unwrap()), [second]);
    station.reopen();
    assert_eq!(station.queue().counts(), Counts { waiting: 1, lost: 2, ..Counts::default() });
}

/// Fails if: what lies in the place of a report is read or taken for its loss, or the advice does not fit it.
#[cfg(unix)] // Windows does not say of a folder that it is one.
#[test]
fn what_lies_in_the_place_of_a_report() {
    let station = Station::new();
    station.take("a.json", "a");
    let entry = station.queue().next(0, 0, 1).unwrap().remove(0);
    let Place::Spool(spool) = &entry.place else { panic!("{entry:?}") };
    let path = station.path("spool").join(spool);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let error = station.queue().body(&entry).unwrap_err().to_string();
    assert!(
        error.ends_with("is a folder, not the report that was there; put the report back, or remove it"),
        "{error}"
    );
    assert!(!station.queue().lose_if_gone(&entry).unwrap());
    assert_eq!(station.queue().counts(), Counts { waiting: 1, ..Counts::default() });
}
