//! A data folder with its queue, and what intake does with files, in the smallest form.

use super::crash::step;
use crate::archive::Archive;
use crate::disposition::Disposition;
use crate::folder::{Folder, Identity, Kind, Moved};
use crate::queue::spool::{self, Origin};
use crate::queue::{self, Entry, NewReport, OpenError, Opened, Place, Queue, Settled, Unit};
use sha2::{Digest, Sha256};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use uuid::Uuid;

/// The folders in the data folder.
pub(super) const FOLDERS: [&str; 5] = ["watch", "spool", "done", "failed", "archive"];

pub(super) struct Station {
    dir: TempDir,
    queue: Option<Queue>,
    pub watch: PathBuf,
    pub ends: Disposition,
}

impl Station {
    pub(super) fn new() -> Self {
        Self::at(tempfile::tempdir().unwrap())
    }

    /// A station that keeps delivered files in an archive.
    pub(super) fn with_archive(mut self) -> Self {
        let archive = Archive::new(self.path("archive"));
        self.ends = Disposition::new(self.path("done"), self.path("failed")).with_archive(Some(archive));
        self
    }

    pub(super) fn at(dir: TempDir) -> Self {
        let mut station = Station::at_closed(dir);
        station.open();
        station
    }

    /// A station whose queue is not open yet.
    pub(super) fn at_closed(dir: TempDir) -> Self {
        let path = |name: &str| dir.path().join(name);
        for name in FOLDERS.iter().filter(|&&name| name != "spool") {
            fs::create_dir_all(path(name)).unwrap();
        }
        let ends = Disposition::new(path("done"), path("failed"));
        Station { queue: None, watch: path("watch"), ends, dir }
    }

    /// Copies the folders to another place, with this database.
    pub(super) fn copy_of(&self, dir: TempDir, database: &[u8]) -> TempDir {
        FOLDERS.iter().for_each(|name| super::crash::copy_tree(&self.path(name), &dir.path().join(name)));
        for name in FOLDERS {
            fs::create_dir_all(dir.path().join(name)).unwrap();
        }
        fs::write(dir.path().join("queue.db"), database).unwrap();
        // Else it is filled, which takes longer than all the rest.
        fs::File::create(dir.path().join("reserve")).unwrap().set_len(8 << 20).unwrap();
        dir
    }

    /// Closes the queue; the data folder stays.
    pub(super) fn into_dir(mut self) -> TempDir {
        self.close();
        self.dir
    }

    pub(super) fn queue(&self) -> &Queue {
        self.queue.as_ref().unwrap()
    }

    pub(super) fn data(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn database(&self) -> PathBuf {
        self.path("queue.db")
    }

    pub(super) fn close(&mut self) {
        self.queue = None;
    }

    pub(super) fn open(&mut self) -> Opened0 {
        let start = Instant::now();
        let opened = loop {
            match queue::open(self.dir.path()) {
                // A process that another test is just starting has a copy of every open file for a moment.
                Err(OpenError::Locked(_)) if start.elapsed() < Duration::from_secs(10) => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                opened => break opened.unwrap(),
            }
        };
        let Opened { queue, put_aside, is_new, found, foreign, missing, mended, old } = opened;
        let lost = queue.account_for(missing, &self.ends).unwrap();
        self.queue = Some(queue);
        Opened0 { put_aside, is_new, found, foreign, lost, mended, old }
    }

    pub(super) fn reopen(&mut self) -> Opened0 {
        self.close();
        self.open()
    }

    /// The names in a folder, sorted.
    pub(super) fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub(super) fn take(&self, name: &str, content: &str) -> i64 {
        self.take_as(name, content, Queue::new_id())
    }

    pub(super) fn take_as(&self, name: &str, content: &str, id: Uuid) -> i64 {
        let new = self.claim(name, content, id);
        self.queue().add(&[new]).unwrap()[0]
    }

    /// Writes a file into the watch folder and moves it into the spool.
    pub(super) fn claim(&self, name: &str, content: &str, id: Uuid) -> NewReport {
        fs::write(self.watch.join(name), content).unwrap();
        self.claim_file(name, id)
    }

    /// Moves a file into the spool.
    pub(super) fn claim_file(&self, name: &str, id: Uuid) -> NewReport {
        let content = fs::read(self.watch.join(name)).unwrap();
        let watch = Folder::open(&self.watch).unwrap();
        let spool = (0..)
            .map(|number| spool::name(id, OsStr::new(name), number))
            .find(|spool| {
                watch.rename_lazily(OsStr::new(name), self.queue().spool(), spool).unwrap() == Moved::Done
            })
            .unwrap();
        step("claimed");
        self.queue().spool().sync_file(&spool).unwrap();
        self.queue().spool().sync().unwrap();
        step("synchronised");
        self.new_report(id, spool, name.into(), &content)
    }

    fn new_report(&self, id: Uuid, spool: OsString, name: OsString, content: &[u8]) -> NewReport {
        let edits = wats::Report::parse(content, &wats::Rules::default()).map_or_else(
            |_| String::new(),
            |report| {
                let mut edits = report.edits();
                if report.id() != Some(id) {
                    edits.set_id(id);
                }
                if edits.is_empty() { String::new() } else { edits.to_text() }
            },
        );
        NewReport {
            id,
            spool,
            folder: self.watch.clone(),
            size: content.len() as u64,
            sha256: Sha256::digest(content).into(),
            edits,
            notes: Vec::new(),
            unit: unit(&name.to_string_lossy()),
            name,
            copied: false,
        }
    }

    /// A row for a file in the spool.
    pub(super) fn row(&self, id: Uuid, spool: OsString, name: &str, content: &[u8]) -> NewReport {
        self.new_report(id, spool, name.into(), content)
    }

    /// What `claim_file` and its sender do for a file on another file system: the original stays.
    pub(super) fn copy_file(&self, name: &str, id: Uuid) -> NewReport {
        let content = fs::read(self.watch.join(name)).unwrap();
        let spool = Origin::default().copied().name(id, OsStr::new(name), 0);
        self.queue().spool().write(&spool, &content, false).unwrap();
        step("synchronised");
        NewReport { copied: true, ..self.new_report(id, spool, name.into(), &content) }
    }

    /// What intake finds in a file that was handed back.
    pub(super) fn judged(&self, entry: &Entry) -> NewReport {
        let Place::Spool(spool) = &entry.place else { panic!("{entry:?}") };
        let content = fs::read(self.path("spool").join(spool)).unwrap();
        self.new_report(entry.id, spool.clone(), entry.name.clone(), &content)
    }

    pub(super) fn fingerprint(&self, _name: &str, content: &[u8]) -> [u8; 32] {
        Sha256::digest(content).into()
    }

    pub(super) fn identity(&self, name: &str) -> Identity {
        match Folder::open(&self.watch).unwrap().look(name.as_ref()).unwrap() {
            Some(Kind::Plain(identity)) => identity,
            other => panic!("{name}: {other:?}"),
        }
    }

    /// Settles everything that can be.
    pub(super) fn settle(&self) -> Settled {
        self.queue().settle(&self.ends, 1000).unwrap()
    }
}

/// What opening said, without the queue.
pub(super) struct Opened0 {
    pub put_aside: Option<(PathBuf, String)>,
    pub is_new: bool,
    pub found: usize,
    pub foreign: Vec<OsString>,
    pub lost: Vec<Entry>,
    pub mended: usize,
    pub old: u64,
}

pub(super) fn unit(serial_number: &str) -> Unit {
    Unit { serial_number: serial_number.to_owned(), start: 1_700_000_000_000_000 }
}

/// Reads a report.
pub(super) fn parse(bytes: &[u8]) -> wats::Report {
    wats::Report::parse(bytes, &wats::Rules::default()).unwrap()
}

/// A report of a unit.
pub(super) fn report(serial_number: &str, id: Option<Uuid>) -> String {
    let id = id.map_or_else(String::new, |id| format!("\"id\":\"{id}\","));
    format!(
        r#"{{{id}"type":"T","pn":"P","sn":"{serial_number}","rev":"1","processCode":10,"result":"P","machineName":"M","location":"L","purpose":"T","start":"2026-01-02T03:04:05+00:00","root":{{}},"uut":{{}}}}"#
    )
}
