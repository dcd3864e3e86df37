//! Taking one file: open it safely, read it whole, check it, commit it to the queue.

use super::readiness::{History, Readiness};
use crate::disposition::{Disposition, MoveError, Reason, Stage};
use crate::folder::{Folder, Identity, Kind, Moved, OpenFile, OpenRefused};
use crate::queue::{self, Entry, NewReport, Note, Place, Queue, Unit, Verdict, spool};
use sha2::{Digest, Sha256};
use std::ffi::{OsStr, OsString};
use std::io;
use std::time::{Duration, Instant};
use uuid::Uuid;
use wats::Report;

/// What became of one look at one file.
#[derive(Debug)]
pub enum Outcome {
    /// It is in the queue.
    Queued(Uuid),
    /// It has been in the queue before.
    Known,
    /// It is not there any more, or was replaced while it was looked at; an event tells of the new one.
    Gone,
    /// It is not complete; look again after this time.
    Later(Duration),
    /// It is never opened; the text says what it is.
    Foreign(&'static str),
    /// It was moved to `failed/` for this reason.
    Failed(String),
    /// It cannot be read.
    Unreadable(io::Error),
    /// The queue cannot be written; the file stays where it is.
    Storage(queue::Error),
    /// It is unusable but cannot be moved; it stays where it is.
    Stuck(MoveError),
}

/// What taking needs.
#[derive(Clone, Copy, Debug)]
pub struct Taker<'a> {
    /// The watch folder.
    pub watch: &'a Folder,
    /// Where the report goes.
    pub queue: &'a Queue,
    /// Where unusable files go.
    pub disposition: &'a Disposition,
    /// The largest file that is read, in bytes.
    pub max_bytes: u64,
}

impl Taker<'_> {
    /// Looks at a file and takes it if it is complete. `history` is what earlier looks have found.
    pub fn take(&self, name: &OsStr, history: &mut History, now: Instant) -> Outcome {
        let seen = match self.watch.look(name) {
            Ok(Some(Kind::Plain(identity))) => identity,
            Ok(Some(Kind::Foreign(what))) => return Outcome::Foreign(what),
            Ok(None) => return Outcome::Gone,
            Err(error) => return Outcome::Unreadable(error),
        };
        match self.queue.legacy_by_identity(self.watch.path(), name, &seen) {
            Ok(true) => return Outcome::Known,
            Ok(false) => {}
            Err(error) => return Outcome::Storage(error),
        }
        let open = match self.watch.open_file(name) {
            Ok(open) => open,
            Err(OpenRefused::Gone) => return Outcome::Gone,
            Err(OpenRefused::InUse) => return Outcome::Later(Duration::from_secs(1)),
            Err(OpenRefused::Foreign(what)) => return Outcome::Foreign(what),
            Err(OpenRefused::Failed(error)) => return Outcome::Unreadable(error),
        };
        history.seen(open.identity, now);
        match history.readiness(open.writer, now) {
            Readiness::Wait(time) => Outcome::Later(time),
            Readiness::Empty => {
                drop(open.file);
                self.refuse(name, &open.identity, "the file is empty".to_owned(), CHECK_WRITER)
            }
            Readiness::Complete => self.take_complete(name, open, history, now),
        }
    }

    fn take_complete(&self, name: &OsStr, open: OpenFile, history: &mut History, now: Instant) -> Outcome {
        let identity = open.identity;
        let bytes = match self.read_unchanged(open, history, now) {
            Ok(bytes) => bytes,
            Err(outcome) => return outcome,
        };
        if bytes.len() as u64 > self.max_bytes {
            let reason = format!(
                "the file has {} bytes, more than client.max_report_bytes allows ({})",
                identity.size, self.max_bytes
            );
            return self.refuse(name, &identity, reason, SPLIT_OR_RAISE);
        }
        let sha256: [u8; 32] = Sha256::digest(&bytes).into();
        match self.queue.legacy_by_content(self.watch.path(), name, &identity, &sha256) {
            Ok(true) => return Outcome::Known,
            Ok(false) => {}
            Err(error) => return Outcome::Storage(error),
        }
        let report = match Report::parse(&bytes) {
            Ok(report) => report,
            Err(error) => {
                return self.refuse(name, &identity, format!("not a WSJF report: {error}"), CORRECT_FILE);
            }
        };
        drop(bytes);
        let id = report.id().unwrap_or_else(Queue::new_id);
        let spool = match self.claim(name, &identity, id) {
            Ok(Some(spool)) => spool,
            Ok(None) => return Outcome::Gone,
            Err(error) => return Outcome::Unreadable(error),
        };
        let new = self.new_report(&report, id, name, spool, identity.size, sha256);
        match self.queue.add(&[new]) {
            Ok(_) => Outcome::Queued(id),
            Err(error) => Outcome::Storage(error),
        }
    }

    /// Moves a file into the spool; `None` if it is not the one that was read any more.
    fn claim(&self, name: &OsStr, identity: &Identity, id: Uuid) -> io::Result<Option<OsString>> {
        for number in 0.. {
            let spool = spool::name(id, name, number);
            match self.watch.move_file(name, identity, self.queue.spool(), &spool)? {
                Moved::Done => {
                    self.queue.spool().sync_file(&spool)?;
                    return Ok(Some(spool));
                }
                Moved::Changed => break,
                Moved::NameTaken => {}
            }
        }
        Ok(None)
    }

    fn new_report(
        &self,
        report: &Report,
        id: Uuid,
        name: &OsStr,
        spool: OsString,
        size: u64,
        sha256: [u8; 32],
    ) -> NewReport {
        NewReport {
            id,
            spool,
            folder: self.watch.path().to_path_buf(),
            name: name.to_owned(),
            size,
            sha256,
            edits: queue::edits_with_id(report.id().is_none().then_some(id)),
            notes: Vec::new(),
            unit: Unit::of(report),
            copied: false,
        }
    }

    /// Judges a file of the spool that was handed back.
    pub fn judge_again(&self, entry: &Entry) -> Result<(), queue::Error> {
        let Place::Spool(spool) = &entry.place else { return Ok(()) };
        let folder = self.queue.spool();
        let Ok(mut open) = folder.open_file(spool) else { return Ok(()) };
        let Ok(bytes) = open.read(self.max_bytes) else { return Ok(()) };
        match Report::parse(&bytes) {
            Ok(report) => {
                let sha256 = Sha256::digest(&bytes).into();
                let size = bytes.len() as u64;
                let new = self.new_report(&report, entry.id, &entry.name, spool.clone(), size, sha256);
                self.queue.replace(&[(entry.seq, new)])
            }
            Err(error) => {
                let reason = Reason {
                    stage: Stage::Intake,
                    reason: format!("not a WSJF report: {error}"),
                    words: None,
                    what_to_do: CORRECT_FILE,
                    server_status: None,
                    attempts: entry.attempts,
                    id: Some(entry.id),
                };
                let verdict = Verdict::Refused(reason.to_json(&entry.name));
                self.queue.note(&[(entry.seq, Note::Decided(verdict))])
            }
        }
    }

    /// Reads a file and closes it, which Windows wants before it is moved; fails if somebody wrote to
    /// it meanwhile, whatever the events have said.
    fn read_unchanged(
        &self,
        mut open: OpenFile,
        history: &mut History,
        now: Instant,
    ) -> Result<Vec<u8>, Outcome> {
        let bytes = open.read(self.max_bytes).map_err(Outcome::Unreadable)?;
        match Folder::identity_of(&open.file).map_err(Outcome::Unreadable)? {
            Some(identity) if identity == open.identity => Ok(bytes),
            Some(identity) => {
                history.seen(identity, now);
                history.written();
                Err(Outcome::Later(Duration::from_millis(500)))
            }
            None => Err(Outcome::Gone),
        }
    }

    fn refuse(&self, name: &OsStr, identity: &Identity, reason: String, what_to_do: &'static str) -> Outcome {
        let record = Reason {
            stage: Stage::Intake,
            reason: reason.clone(),
            words: None,
            what_to_do,
            server_status: None,
            attempts: 0,
            id: None,
        };
        match self.disposition.unusable(self.watch, name, identity, &record) {
            Ok(Moved::Done) => match self.queue.count_refused() {
                Ok(()) => Outcome::Failed(reason),
                Err(error) => Outcome::Storage(error),
            },
            Ok(Moved::Changed | Moved::NameTaken) => Outcome::Gone,
            Err(error) => Outcome::Stuck(error),
        }
    }
}

const CHECK_WRITER: &str = "Let the test system write the report, then drop it into the watch folder again.";
const SPLIT_OR_RAISE: &str = "Leave attachments out of the report or raise client.max_report_bytes, then drop it into the watch folder again.";
const CORRECT_FILE: &str =
    "Correct the report, or the test system that writes it, then drop it into the watch folder again.";
