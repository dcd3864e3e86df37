//! Taking one file: open it safely, read it whole, check it, commit it to the queue.

use super::readiness::{History, Readiness};
use crate::disposition::{Disposition, MoveError, Reason, Stage};
use crate::folder::{Folder, Identity, Kind, Moved, OpenFile, OpenRefused};
use crate::queue::{self, NewReport, Queue, Source};
use sha2::{Digest, Sha256};
use std::ffi::OsStr;
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
        match self.queue.find(&seen) {
            Ok(Some(entry)) if entry.source.name == name && entry.source.folder == self.watch.path() => {
                return Outcome::Known;
            }
            Ok(_) => {}
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
        let source = Source {
            folder: self.watch.path().to_path_buf(),
            name: name.to_owned(),
            identity,
            sha256: Sha256::digest(&bytes).into(),
        };
        match self.already_queued_under_another_name(&source) {
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
        let report = if report.id().is_some() { report } else { report.with_id(id) };
        match self.queue.add(&NewReport { id, body: &report.into_bytes(), source: &source }) {
            Ok(_) => Outcome::Queued(id),
            Err(error) => Outcome::Storage(error),
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

    /// A file that was renamed while its report waits is not a second report.
    fn already_queued_under_another_name(&self, source: &Source) -> Result<bool, queue::Error> {
        let Some(entry) = self.queue.find(&source.identity)? else { return Ok(false) };
        if entry.source.sha256 != source.sha256 {
            return Ok(false);
        }
        self.queue.source_renamed(entry.seq, &source.folder, &source.name)?;
        Ok(true)
    }

    fn refuse(&self, name: &OsStr, identity: &Identity, reason: String, what_to_do: &'static str) -> Outcome {
        let record = Reason {
            stage: Stage::Intake,
            reason: reason.clone(),
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
