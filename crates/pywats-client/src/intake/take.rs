//! Looking at one file: open it safely, read it whole, judge it, claim it.

use super::claim::{Batch, Claimed, Content, forget_leftovers};
use super::judge::{COMPLETE_FILE, Judge, Judgement, Refusal, SPLIT_OR_RAISE, hash};
use super::readiness::{History, Readiness, STABLE};
use crate::config::Reports;
use crate::disposition::{Disposition, Original};
use crate::folder::{Folder, Identity, Kind, OpenFile, OpenRefused, Writer};
use crate::queue::spool::Origin;
use crate::queue::{self, Leftover, Queue};
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::time::{Duration, Instant, SystemTime};
use wats::Rules;

/// How long a large report waits for another one to leave the memory.
const FULL: Duration = Duration::from_millis(200);

/// What is known of a file from an earlier look. It holds for as long as the file is the same.
#[derive(Clone, Debug)]
pub enum Finding {
    /// Its text ends too early.
    Incomplete {
        /// Where.
        reason: String,
        /// What is in it.
        sha256: [u8; 32],
    },
    /// Its report was taken in before.
    Leftover(Leftover),
    /// It waits to be put aside.
    Aside,
}

/// What there is to remember of a file between looks.
#[derive(Clone, Debug)]
pub struct Memory {
    /// How it has changed.
    pub history: History,
    /// What was found in it, and in which state of it.
    pub finding: Option<(Identity, Finding)>,
}

/// What became of one look at one file.
#[derive(Debug)]
pub enum Outcome {
    /// It is in the spool, and its report in the batch.
    Claimed,
    /// An old row of the queue has it; the file is moved when its report was sent.
    Known,
    /// It is not there any more, or was replaced while it was looked at; an event tells of the new one.
    Gone,
    /// It is not complete; look again after this time.
    Later(Duration),
    /// Its text ends too early; look again after this time.
    Incomplete(Duration),
    /// It is never opened; the text says what it is.
    Foreign(&'static str),
    /// It is to be put aside.
    Unusable(Identity, Refusal),
    /// It cannot be read.
    Unreadable(io::Error),
    /// It is a report, but cannot be moved or copied into the spool, which takes others; this says what to do.
    Immovable(String),
    /// Its report was taken in before, and it cannot be removed.
    Stays(String),
    /// There is no room, or the queue cannot be read or written.
    Storage(String),
}

/// What taking needs.
#[derive(Debug)]
pub struct Taker<'a> {
    /// The watch folder.
    pub watch: &'a Folder,
    /// Where the report goes.
    pub queue: &'a Queue,
    /// Where finished files go.
    pub disposition: &'a Disposition,
    /// How reports are read.
    pub settings: &'a Reports,
    /// How reports are completed.
    pub rules: &'a Rules,
    /// The largest file that is read, in bytes.
    pub max_bytes: u64,
    /// How long a text that ends too early may rest.
    pub incomplete: Duration,
    /// Whether writers are believed in here, once that was asked.
    pub honest: &'a mut Option<bool>,
}

impl Memory {
    /// Of a file that was heard of for the first time.
    pub fn new(now: Instant) -> Self {
        Memory { history: History::new(now), finding: None }
    }

    /// What was found in this state of the file.
    pub fn finding_of(&self, identity: &Identity) -> Option<&Finding> {
        self.finding.as_ref().filter(|(found, _)| found == identity).map(|(_, finding)| finding)
    }
}

impl Taker<'_> {
    /// Looks at a file, and claims it if it is a complete report.
    pub fn take(&mut self, name: &OsStr, memory: &mut Memory, batch: &mut Batch) -> Outcome {
        let now = Instant::now();
        let seen = match self.watch.look(name) {
            Ok(Some(Kind::Plain(identity))) => identity,
            Ok(Some(Kind::Foreign(what))) => return Outcome::Foreign(what),
            Ok(None) => return Outcome::Gone,
            Err(error) => return Outcome::Unreadable(error),
        };
        memory.history.seen(seen, now);
        match memory.finding_of(&seen) {
            Some(Finding::Incomplete { reason, sha256 }) => {
                let (reason, sha256) = (reason.clone(), *sha256);
                return self.incomplete(name, memory, seen, &reason, sha256);
            }
            Some(Finding::Leftover(leftover)) => {
                let leftover = leftover.clone();
                return self.remove_leftover(name, &seen, &leftover, batch.origin());
            }
            Some(Finding::Aside) => return Outcome::Later(Duration::from_mins(1)),
            None => memory.finding = None,
        }
        match self.queue.legacy_by_identity(self.watch.path(), name, &seen) {
            Ok(true) => return Outcome::Known,
            Ok(false) => {}
            Err(error) => return unwritable(&error),
        }
        let open = match self.open(name, memory, now) {
            Ok(open) => open,
            Err(outcome) => return outcome,
        };
        if open.identity.size > self.max_bytes {
            let reason = format!(
                "the file has {} bytes, more than client.max_report_bytes allows ({})",
                open.identity.size, self.max_bytes
            );
            let refusal = Refusal { reason, what_to_do: SPLIT_OR_RAISE, incomplete: None };
            return Outcome::Unusable(open.identity, refusal);
        }
        if let Err(error) = self.queue.intake_allowed(0) {
            return Outcome::Storage(error.to_string());
        }
        let Some(_place) = self.queue.room().try_enter(open.identity.size) else {
            return Outcome::Later(FULL);
        };
        let identity = open.identity;
        match self.read_unchanged(open, memory, now) {
            Ok((bytes, file)) => self.take_content(name, memory, identity, (&bytes, file), batch),
            Err(outcome) => outcome,
        }
    }

    /// Opens a file that nobody is writing to.
    fn open(&mut self, name: &OsStr, memory: &mut Memory, now: Instant) -> Result<OpenFile, Outcome> {
        let open = self.watch.open_looked_at(name).map_err(|refused| match refused {
            OpenRefused::Gone => Outcome::Gone,
            OpenRefused::InUse => Outcome::Later(Duration::from_secs(1)),
            OpenRefused::Foreign(what) => Outcome::Foreign(what),
            OpenRefused::Failed(error) => Outcome::Unreadable(error),
        })?;
        memory.history.seen(open.identity, now);
        // What was found out with one file need not be found out again.
        let writer = match open.writer {
            Writer::Present if *self.honest == Some(false) => Writer::Unknown,
            writer => writer,
        };
        let watch = self.watch;
        let honest = || *self.honest.get_or_insert_with(|| watch.knows_writers());
        match memory.history.readiness(writer, now, SystemTime::now(), honest) {
            Readiness::Wait(time) => Err(Outcome::Later(time)),
            Readiness::Complete => Ok(open),
        }
    }

    /// Reads a file, and closes it where the system wants that before it is moved; fails if somebody wrote
    /// to it meanwhile, whatever the events have said.
    fn read_unchanged(
        &self,
        mut open: OpenFile,
        memory: &mut Memory,
        now: Instant,
    ) -> Result<(Vec<u8>, Option<File>), Outcome> {
        let bytes = open.read(self.max_bytes).map_err(Outcome::Unreadable)?;
        match Folder::identity_of(&open.file).map_err(Outcome::Unreadable)? {
            Some(identity) if identity == open.identity && bytes.len() as u64 == identity.size => {
                Ok((bytes, cfg!(unix).then_some(open.file)))
            }
            Some(identity) => {
                memory.history.seen(identity, now);
                Err(Outcome::Later(Duration::from_millis(500)))
            }
            None => Err(Outcome::Gone),
        }
    }

    fn take_content(
        &self,
        name: &OsStr,
        memory: &mut Memory,
        identity: Identity,
        (bytes, file): (&[u8], Option<File>),
        batch: &mut Batch,
    ) -> Outcome {
        let sha256 = hash(bytes);
        match self.taken_before(name, &identity, &sha256, batch.origin()) {
            Ok(None) => {}
            Ok(Some(Before::Row)) => return Outcome::Known,
            Ok(Some(Before::Leftover(leftover))) => {
                memory.finding = Some((identity, Finding::Leftover(leftover.clone())));
                return self.remove_leftover(name, &identity, &leftover, batch.origin());
            }
            Err(error) => return unwritable(&error),
        }
        let judge = Judge { queue: self.queue, settings: self.settings, rules: self.rules };
        let good = match judge.judge(bytes, &sha256) {
            Ok(Judgement::Good(good)) => good,
            Ok(Judgement::Incomplete(reason)) => {
                let finding = Finding::Incomplete { reason: reason.clone(), sha256 };
                memory.finding = Some((identity, finding));
                return self.incomplete(name, memory, identity, &reason, sha256);
            }
            Ok(Judgement::Unusable(refusal)) => return Outcome::Unusable(identity, refusal),
            Err(error) => return unwritable(&error),
        };
        match batch.claim(self.queue, self.watch, name, &identity, Content { bytes, sha256, file }, good) {
            Claimed::Yes => Outcome::Claimed,
            Claimed::Changed => Outcome::Later(Duration::from_millis(500)),
            Claimed::NoRoom(what) => Outcome::Storage(what),
            Claimed::Failed(error) => {
                let spool = self.queue.spool();
                let what = format!(
                    "cannot be moved to {}: {error}; let the service's account use both folders, and check for free \
                     space",
                    spool.path().display()
                );
                // A spool that takes other files is not the reason.
                if spool.takes_files() {
                    Outcome::Immovable(what)
                } else {
                    Outcome::Storage(format!("{:?}: {what}", self.watch.path().join(name)))
                }
            }
        }
    }

    fn taken_before(
        &self,
        name: &OsStr,
        identity: &Identity,
        sha256: &[u8; 32],
        origin: &Origin,
    ) -> Result<Option<Before>, queue::Error> {
        let folder = self.watch.path();
        if self.queue.legacy_by_content(folder, name, identity, sha256)? {
            return Ok(Some(Before::Row));
        }
        let leftover = self.queue.left_behind(folder, name, identity.size, sha256, origin)?;
        Ok(leftover.map(Before::Leftover))
    }

    /// A text that ends too early is put aside when it has been at rest for long enough.
    fn incomplete(
        &self,
        name: &OsStr,
        memory: &Memory,
        identity: Identity,
        reason: &str,
        sha256: [u8; 32],
    ) -> Outcome {
        let now = Instant::now();
        let rest = memory.history.rest(now, SystemTime::now());
        // However old it is, its writer may only just have begun.
        let wait =
            self.incomplete.saturating_sub(rest).max(STABLE.saturating_sub(memory.history.observed(now)));
        if !wait.is_zero() {
            return Outcome::Incomplete(wait);
        }
        // Somebody who has it open for all that time will go on.
        if let Ok(open) = self.watch.open_file(name)
            && open.writer == Writer::Present
            && self.honest.unwrap_or(true)
        {
            return Outcome::Incomplete(Duration::from_secs(30));
        }
        let minutes = self.incomplete.as_secs() / 60;
        let reason = format!("{reason}; it has not changed for {minutes} minutes");
        Outcome::Unusable(identity, Refusal { reason, what_to_do: COMPLETE_FILE, incomplete: Some(sha256) })
    }

    /// Removes a file whose report was taken in before. Where nothing else has kept the file, it goes to
    /// `done/`.
    fn remove_leftover(
        &self,
        name: &OsStr,
        identity: &Identity,
        leftover: &Leftover,
        origin: &Origin,
    ) -> Outcome {
        let Leftover { size, sha256, id, .. } = *leftover;
        let folder = self.watch.path().to_path_buf();
        let original = Original { folder, name: name.to_owned(), size, sha256 };
        let waits = |origin: &Origin| self.queue.spool().exists(&origin.name(id, name, 0)).unwrap_or(true);
        // An earlier version did not mark copies.
        let kept = waits(&origin.copied()) || waits(&Origin::default()) || self.disposition.keeps(&original);
        let gone = if kept {
            self.watch.remove(name, identity).map(drop).map_err(|error| error.to_string())
        } else {
            self.disposition.original_delivered(&original).map(drop).map_err(|error| error.to_string())
        };
        match gone {
            Ok(()) => {
                let remembered = (leftover.folder.clone(), leftover.name.clone());
                forget_leftovers(self.queue, self.watch, &[remembered]);
                Outcome::Gone
            }
            Err(error) => Outcome::Stays(error),
        }
    }
}

enum Before {
    /// A row of the first schema, which moves the file itself.
    Row,
    Leftover(Leftover),
}

fn unwritable(error: &queue::Error) -> Outcome {
    Outcome::Storage(format!("the queue cannot be written: {error}"))
}
