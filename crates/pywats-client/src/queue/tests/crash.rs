//! Whatever the moment of a crash: after reopening every report is in the watch folder, in the spool or at its
//! end, and none goes out under two identifiers.
//!
//! The code says at each of its steps that it is there ([`step`]); the state of the data folder at that moment
//! is copied. Each copy is then opened again and worked off, as a kill would leave it and as a power cut
//! would: without the commits, without the renames, or without both, since they were last synchronised.

use super::first_schema;
use super::station::{FOLDERS, Station, parse, report};
use crate::folder::Folder;
use crate::queue::spool::Origin;
use crate::queue::{Body, Note, Place, Queue, Suspicion, Verdict};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use tempfile::TempDir;
use uuid::Uuid;

thread_local! {
    static RECORDER: RefCell<Option<Recorder>> = const { RefCell::new(None) };
}

/// The code under test is here.
pub(crate) fn step(name: &str) {
    RECORDER.with_borrow_mut(|recorder| {
        if let Some(recorder) = recorder {
            recorder.record(name);
        }
    });
}

/// Copies the data folder at each step.
struct Recorder {
    data: PathBuf,
    /// Bytes of the write-ahead log that are on the disk.
    log: u64,
    /// The folders as they are on the disk.
    synchronised: Rc<TempDir>,
    /// What the server has got so far: unit and identifier.
    posts: Vec<(String, Uuid)>,
    moments: Vec<Moment>,
}

/// What was there at one step.
struct Moment {
    step: String,
    copy: TempDir,
    log: u64,
    synchronised: Rc<TempDir>,
    posts: Vec<(String, Uuid)>,
}

impl Recorder {
    fn record(&mut self, step: &str) {
        match step {
            "committed, and on the disk" => self.log = log_bytes(&self.data),
            "folded" => self.log = 0,
            "synchronised" => self.synchronised = Rc::new(copy_folders(&self.data)),
            _ => {}
        }
        self.moments.push(Moment {
            step: step.to_owned(),
            copy: copy(&self.data),
            log: self.log,
            synchronised: Rc::clone(&self.synchronised),
            posts: self.posts.clone(),
        });
    }
}

fn log_bytes(data: &Path) -> u64 {
    fs::metadata(data.join("queue.db-wal")).map_or(0, |file| file.len())
}

/// A folder where synchronising costs nothing, if there is one: the states are copied, not the disk's.
fn in_memory() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn copy(data: &Path) -> TempDir {
    let copy = copy_folders(data);
    for name in ["queue.db", "queue.db-wal"] {
        if data.join(name).exists() {
            fs::copy(data.join(name), copy.path().join(name)).unwrap();
        }
    }
    copy
}

fn copy_folders(data: &Path) -> TempDir {
    let copy = tempfile::tempdir_in(data.parent().unwrap()).unwrap();
    FOLDERS.iter().for_each(|name| copy_tree(&data.join(name), &copy.path().join(name)));
    copy
}

pub(super) fn copy_tree(from: &Path, to: &Path) {
    let Ok(entries) = fs::read_dir(from) else { return };
    fs::create_dir_all(to).unwrap();
    for entry in entries.map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The client posts a report.
fn post(body: &[u8], posts: &mut Vec<(String, Uuid)>) {
    let report = parse(body);
    posts.push((report.serial_number().to_owned(), report.id().expect("no report goes out without one")));
}

fn record_post(body: &[u8]) {
    RECORDER.with_borrow_mut(|recorder| post(body, &mut recorder.as_mut().unwrap().posts));
    step("posted");
}

/// Takes everything from the watch folder and sends everything, as the service does after a start. A unit whose
/// name begins with `bad` is refused.
fn work_off(station: &Station, posts: &mut Vec<(String, Uuid)>) {
    let queue = station.queue();
    judge_again(station);
    for name in station.names("watch") {
        let path = station.watch.join(&name);
        let content = fs::read(&path).unwrap();
        let new = station.fingerprint(&name, &content);
        let size = content.len() as u64;
        let taken = queue.left_behind(&station.watch, name.as_ref(), size, &new, &Origin::default());
        if taken.unwrap().is_some() {
            fs::remove_file(&path).unwrap();
            continue;
        }
        let identity = station.identity(&name);
        if queue.legacy_by_identity(&station.watch, name.as_ref(), &identity).unwrap()
            || queue.legacy_by_content(&station.watch, name.as_ref(), &identity, &new).unwrap()
        {
            continue;
        }
        let id = parse(&content).id().unwrap_or_else(Queue::new_id);
        let new = station.claim_file(&name, id);
        queue.add(&[new]).unwrap();
    }
    supersede(station);
    loop {
        let entries = queue.next(0, 0, 64).unwrap();
        for entry in &entries {
            let verdict = match queue.body(entry).unwrap() {
                Body::Ready(body) => {
                    post(&body, posts);
                    let refused = posts.last().unwrap().0.starts_with("bad");
                    if refused { reason(entry.id) } else { Verdict::Delivered }
                }
                Body::Changed => {
                    queue.changed(entry).unwrap();
                    judge_again(station);
                    continue;
                }
                Body::Gone => continue,
            };
            queue.note(&[(entry.seq, Note::Decided(verdict))]).unwrap();
        }
        assert_eq!(station.settle().left, Vec::<String>::new());
        if entries.is_empty() {
            return;
        }
    }
}

fn reason(id: Uuid) -> Verdict {
    Verdict::Refused(format!(r#"{{"id": "{id}"}}"#))
}

/// Intake judges what was handed back.
fn judge_again(station: &Station) {
    for entry in station.queue().handed_back().unwrap() {
        station.queue().replace(&[(entry.seq, station.judged(&entry))]).unwrap();
    }
}

/// The units whose reports lie in a folder, each as often as it is there.
fn units(data: &Path, folder: &str) -> Vec<String> {
    let mut units = Vec::new();
    let mut folders = vec![data.join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        for entry in entries.map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            let ours =
                name.starts_with('.') || name.ends_with(".sent.json") || name.ends_with(".reason.json");
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else if !ours {
                let mut bytes = fs::read(entry.path()).unwrap();
                if name.ends_with(".gz") {
                    bytes = crate::archive::unpack(fs::File::open(entry.path()).unwrap(), 1 << 20).unwrap().1;
                }
                units.push(parse(&bytes).serial_number().to_owned());
            }
        }
    }
    units
}

/// What happens to a station, step by step.
type Story = fn(&Station);

const STORIES: &[(&str, Story)] = &[
    ("delivered", |station| {
        let [a, b] = [("a.json", None), ("b.json", Some(Uuid::from_u128(9)))].map(|(name, id)| {
            let new = station.claim(name, &report(name, id), id.unwrap_or_else(Queue::new_id));
            station.queue().add(&[new]).unwrap()[0]
        });
        send(station, &[a, b]);
        station.settle();
        station.queue().fold().unwrap();
    }),
    ("refused", |station| {
        let seq = station.take("bad.json", &report("bad", None));
        station.queue().note(&[(seq, Note::Attempt)]).unwrap();
        send(station, &[seq]);
        station.settle();
    }),
    ("archived", |station| {
        let seqs = ["a", "b"].map(|name| station.take(&format!("{name}.json"), &report(name, None)));
        send(station, &seqs);
        station.settle();
    }),
    ("changed by who has it open", |station| {
        let seq = station.take("a.json", &report("a", None));
        let entry = station.queue().next(0, 0, 1).unwrap().remove(0);
        let Place::Spool(spool) = &entry.place else { panic!("{entry:?}") };
        fs::write(station.path("spool").join(spool), report("a", None) + " ").unwrap();
        station.queue().spool().sync_file(spool).unwrap();
        step("synchronised");
        // Found at the next attempt, and judged again.
        assert_eq!(station.queue().body(&entry).unwrap(), Body::Changed);
        station.queue().changed(&entry).unwrap();
        let entry = station.queue().handed_back().unwrap().remove(0);
        station.queue().replace(&[(seq, station.judged(&entry))]).unwrap();
        send(station, &[seq]);
        station.settle();
    }),
    ("copied from another file system", |station| {
        fs::write(station.watch.join("a.json"), report("a", None)).unwrap();
        step("synchronised");
        let new = station.copy_file("a.json", Queue::new_id());
        let seq = station.queue().add(&[new]).unwrap()[0];
        fs::remove_file(station.watch.join("a.json")).unwrap();
        step("removed the original");
        // Else a power cut brings it back when nobody remembers it any more.
        step("synchronised");
        station.queue().drop_leftover(&station.watch, "a.json".as_ref()).unwrap();
        send(station, &[seq]);
        station.settle();
    }),
    ("copied, and the original stays", |station| {
        fs::write(station.watch.join("a.json"), report("a", None)).unwrap();
        step("synchronised");
        let new = station.copy_file("a.json", Queue::new_id());
        let seq = station.queue().add(&[new]).unwrap()[0];
        send(station, &[seq]);
        station.settle();
    }),
    ("corrected, under the same identifier", |station| {
        let id = Uuid::from_u128(4);
        let first = station.take_as("a.json", &report("a", Some(id)), id);
        let second = station.take_as("a.json", &(report("a", Some(id)) + " "), id);
        send(station, &[first]);
        station.settle();
        send(station, &[second]);
        station.settle();
    }),
    ("corrected, while the old version is a suspect", |station| {
        let id = Uuid::from_u128(4);
        let first = station.take_as("a.json", &report("old", Some(id)), id);
        record_post(report("old", Some(id)).as_bytes());
        station.queue().note(&[(first, Note::Suspect(suspicion()))]).unwrap();
        let second = station.take_as("a.json", &report("new", Some(id)), id);
        supersede(station);
        send(station, &[second]);
        station.settle();
    }),
    ("queued by the previous version", |station| {
        let seqs: Vec<i64> = station.queue().next(0, 0, 10).unwrap().iter().map(|entry| entry.seq).collect();
        assert_eq!(seqs.len(), 2);
        send(station, &seqs);
        station.settle();
        station.queue().tidy(|| true).unwrap();
    }),
];

fn suspicion() -> Suspicion {
    Suspicion { kind: "trouble".to_owned(), tries: 1, since: jiff::Timestamp::now(), parked: false }
}

/// What uploading does: a suspect goes where a later report with its identifier waits, else it is sent again.
fn supersede(station: &Station) {
    let queue = station.queue();
    let waiting = queue.next(0, 0, 64).unwrap();
    for (suspect, _) in queue.suspects().unwrap() {
        let superseded = waiting.iter().any(|later| later.id == suspect.id && later.seq > suspect.seq);
        let note = if superseded { Note::Decided(reason(suspect.id)) } else { Note::Cleared };
        queue.note(&[(suspect.seq, note)]).unwrap();
    }
}

/// Sends reports and notes the verdicts together.
fn send(station: &Station, seqs: &[i64]) {
    let entries = station.queue().next(0, 0, 10).unwrap();
    let mut notes = Vec::new();
    for entry in entries.iter().filter(|entry| seqs.contains(&entry.seq)) {
        let Body::Ready(body) = station.queue().body(entry).unwrap() else { panic!("{entry:?}") };
        record_post(&body);
        let refused = entry.name.to_string_lossy().starts_with("bad");
        let verdict = if refused { reason(entry.id) } else { Verdict::Delivered };
        notes.push((entry.seq, Note::Decided(verdict)));
    }
    assert_eq!(notes.len(), seqs.len());
    station.queue().note(&notes).unwrap();
}

/// Fails if: a crash at any step, with or without what was not synchronised, loses a report, leaves it
/// unfinished, or sends it under a second identifier.
#[test]
fn every_report_survives_every_crash() {
    for (story, tell) in STORIES {
        let root = in_memory();
        let dir = tempfile::tempdir_in(root.path()).unwrap();
        if *story == "queued by the previous version" {
            first_schema::make(dir.path(), &["a", "b"]);
        }
        let new = |dir| {
            let mut station = Station::at_closed(dir);
            if *story == "archived" {
                station = station.with_archive();
            }
            station.open();
            station
        };
        let station = new(dir);
        let synchronised = Rc::new(copy_folders(station.data()));
        let (log, data) = (log_bytes(station.data()), station.data().to_path_buf());
        let recorder = Recorder { data, log, synchronised, posts: Vec::new(), moments: Vec::new() };
        RECORDER.set(Some(recorder));
        step("before all");
        tell(&station);
        step("after all");
        let moments = RECORDER.take().unwrap().moments;
        assert!(moments.len() > 8, "{story}: {}", moments.len());
        let mut dir = station.into_dir();
        for (number, moment) in moments.iter().enumerate() {
            for (log_is_lost, renames_are_lost) in
                [(false, false), (true, false), (false, true), (true, true)]
            {
                if log_is_lost && moment.log >= log_bytes(moment.copy.path()) {
                    continue; // nothing is lost
                }
                let what = format!(
                    "{story}, crash at step {number} ({}), log lost: {log_is_lost}, renames lost: {renames_are_lost}",
                    moment.step
                );
                moment.leave(dir.path(), log_is_lost, renames_are_lost);
                let written: BTreeSet<String> =
                    FOLDERS.iter().flat_map(|name| units(dir.path(), name)).collect();
                let mut posts = moment.posts.clone();
                let station = new(dir);
                work_off(&station, &mut posts);
                judge(&station, &written, &posts, &what);
                dir = station.into_dir();
            }
        }
    }
}

impl Moment {
    /// Makes the data folder what a crash leaves of it.
    fn leave(&self, data: &Path, log_is_lost: bool, renames_are_lost: bool) {
        for entry in fs::read_dir(data).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                fs::remove_dir_all(entry.path()).unwrap();
            } else if entry.file_name() != "reserve" {
                fs::remove_file(entry.path()).unwrap();
            }
        }
        for name in ["queue.db", "queue.db-wal"] {
            if self.copy.path().join(name).exists() {
                fs::copy(self.copy.path().join(name), data.join(name)).unwrap();
            }
        }
        if log_is_lost && data.join("queue.db-wal").exists() {
            let log = fs::File::options().write(true).open(data.join("queue.db-wal")).unwrap();
            log.set_len(self.log.min(log.metadata().unwrap().len())).unwrap();
        }
        let folders = if renames_are_lost { &self.synchronised } else { &self.copy };
        FOLDERS.iter().for_each(|name| copy_tree(&folders.path().join(name), &data.join(name)));
    }
}

fn judge(station: &Station, written: &BTreeSet<String>, posts: &[(String, Uuid)], what: &str) {
    let mut ids: BTreeMap<&str, BTreeSet<Uuid>> = BTreeMap::new();
    for (unit, id) in posts {
        ids.entry(unit).or_default().insert(*id);
    }
    assert_eq!(station.names("watch"), [""; 0], "{what}");
    assert_eq!(station.names("spool"), [""; 0], "{what}");
    assert_eq!(station.queue().counts().waiting, 0, "{what}");
    assert_eq!(station.queue().counts().lost, 0, "{what}");
    let ends: Vec<String> =
        ["done", "failed", "archive"].iter().flat_map(|folder| units(station.data(), folder)).collect();
    for unit in written {
        assert_eq!(
            ids.get(unit.as_str()).map(BTreeSet::len),
            Some(1),
            "{what}: identifiers of {unit}: {posts:?}"
        );
        assert!(ends.contains(unit), "{what}: {unit} is not at its end: {ends:?}");
    }
    // Nothing half-written is left, and nothing without a reason.
    for folder in ["done", "failed"] {
        let open = Folder::open(&station.path(folder)).unwrap();
        assert!(open.names().unwrap().iter().all(|name| !name.to_string_lossy().starts_with('.')), "{what}");
    }
    for name in station.names("failed").iter().filter(|name| !name.ends_with(".reason.json")) {
        assert!(station.path("failed").join(format!("{name}.reason.json")).exists(), "{what}: {name}");
    }
}
