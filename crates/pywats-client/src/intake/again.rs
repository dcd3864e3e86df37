//! Files of the spool that are judged (again): they changed after they were claimed, because somebody
//! still had them open, or they were found there without a row. They keep their identifiers.

use super::aside::reason;
use super::claim::{Batch, synchronise};
use super::judge::{COMPLETE_FILE, Good, Judge, Judgement, Refusal, hash};
use super::readiness::{History, Readiness};
use crate::config::Reports;
use crate::disposition::Reason;
use crate::folder::{Folder, OpenFile, OpenRefused};
use crate::queue::{self, Entry, NewReport, Note, Place, Queue, Verdict};
use std::collections::{HashMap, VecDeque};
use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};
use wats::Rules;

/// As many files are judged before anything else has its turn.
const AT_ONCE: usize = 64;
/// How often files that are not ready are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// What was seen of these files so far.
#[derive(Debug, Default)]
pub struct Again {
    histories: HashMap<i64, History>,
    /// What is still to be looked at of what was handed back. After damage to the database this is all
    /// that waits.
    entries: VecDeque<Entry>,
    not_before: Option<Instant>,
}

/// What judging again needs.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    /// Where the reports are.
    pub queue: &'a Queue,
    /// How reports are read.
    pub settings: &'a Reports,
    /// How reports are completed.
    pub rules: &'a Rules,
    /// The watch folder: where a report came from that has no row.
    pub watch: &'a Path,
    /// How long a text that ends too early may rest.
    pub incomplete: Duration,
}

impl Again {
    /// Whether there is more to do at once.
    pub fn is_busy(&self) -> bool {
        !self.entries.is_empty()
    }

    /// Judges some of what was handed back; says how many of them are sent in turn again.
    ///
    /// # Errors
    /// If the queue cannot be read or written; it is tried again.
    pub fn work(&mut self, setup: Setup<'_>, now: Instant) -> Result<usize, queue::Error> {
        if self.entries.is_empty() {
            if self.not_before.is_some_and(|then| then > now) {
                return Ok(0);
            }
            self.not_before = Some(now + LOOK);
            self.entries = setup.queue.handed_back()?.into();
            self.histories.retain(|seq, _| self.entries.iter().any(|entry| entry.seq == *seq));
        }
        let mut judged = Vec::new();
        let mut refused = Vec::new();
        for entry in self.entries.drain(..AT_ONCE.min(self.entries.len())) {
            let Place::Spool(spool) = &entry.place else { continue };
            let is_new = !self.histories.contains_key(&entry.seq);
            let history = self.histories.entry(entry.seq).or_insert_with(|| History::new(now));
            match setup.judge(&entry, spool, (history, is_new), now) {
                Some(Verdicts::Good(report)) => judged.push((entry.seq, *report)),
                Some(Verdicts::Refused(refusal)) => {
                    let reason = Reason { id: Some(entry.id), attempts: entry.attempts, ..reason(&refusal) };
                    let text = reason.to_json(&entry.name);
                    refused.push((entry.seq, Note::Decided(Verdict::Refused(text))));
                }
                None => {}
            }
        }
        if !judged.is_empty() {
            // Without this the commit might outlive what it is about.
            let spool = setup.queue.spool();
            let names: Vec<OsString> = judged.iter().map(|(_, report)| report.spool.clone()).collect();
            if let Err(error) = synchronise(spool, &names) {
                tracing::warn!("{}: files cannot be synchronised: {error}", spool.path().display());
                return Ok(0);
            }
            setup.queue.replace(&judged)?;
        }
        if !refused.is_empty() {
            setup.queue.note(&refused)?;
        }
        Ok(judged.len())
    }
}

enum Verdicts {
    Good(Box<NewReport>),
    Refused(Refusal),
}

impl Setup<'_> {
    /// Judges one file; no answer means that it is not ready.
    fn judge(
        &self,
        entry: &Entry,
        spool: &OsString,
        (history, is_new): (&mut History, bool),
        now: Instant,
    ) -> Option<Verdicts> {
        let folder = self.queue.spool();
        let mut open = match folder.open_file(spool) {
            Ok(open) => open,
            // The upload finds that it is gone, and says so.
            Err(OpenRefused::Gone | OpenRefused::InUse) => return None,
            Err(OpenRefused::Foreign(what)) => {
                self.unreadable(spool, what, is_new);
                return None;
            }
            Err(OpenRefused::Failed(error)) => {
                self.unreadable(spool, &error.to_string(), is_new);
                return None;
            }
        };
        history.seen(open.identity, now);
        let ready = history.readiness(open.writer, now, SystemTime::now(), || folder.knows_writers());
        if ready != Readiness::Complete {
            return None;
        }
        let bytes = read_unchanged(&mut open)?;
        let sha256 = hash(&bytes);
        let batch = Batch::default();
        let judge = Judge { queue: self.queue, batch: &batch, settings: self.settings, rules: self.rules };
        match judge.judge_again(&bytes, entry.id) {
            Judgement::Good(good) => {
                Some(Verdicts::Good(Box::new(self.report(entry, spool, bytes.len(), sha256, good))))
            }
            Judgement::Unusable(refusal) => Some(Verdicts::Refused(refusal)),
            Judgement::Incomplete(reason) => {
                if history.rest(now, SystemTime::now()) < self.incomplete {
                    return None;
                }
                let minutes = self.incomplete.as_secs() / 60;
                Some(Verdicts::Refused(Refusal {
                    reason: format!("{reason}; it has not changed for {minutes} minutes"),
                    what_to_do: COMPLETE_FILE,
                    incomplete: Some(sha256),
                }))
            }
        }
    }

    /// Told once, not at each look.
    fn unreadable(&self, spool: &OsString, why: &str, is_new: bool) {
        if is_new {
            let folder = self.queue.spool().path().display();
            tracing::warn!(
                "{folder}: {spool:?} waits, but cannot be read: {why}; only the service may write there"
            );
        }
    }

    fn report(
        &self,
        entry: &Entry,
        spool: &OsString,
        size: usize,
        sha256: [u8; 32],
        good: Good,
    ) -> NewReport {
        let folder =
            if entry.folder.as_os_str().is_empty() { self.watch.to_path_buf() } else { entry.folder.clone() };
        NewReport {
            id: entry.id,
            spool: spool.clone(),
            folder,
            name: entry.name.clone(),
            size: size as u64,
            sha256,
            edits: good.edits,
            notes: good.notes,
            unit: good.unit,
            copied: false,
        }
    }
}

fn read_unchanged(open: &mut OpenFile) -> Option<Vec<u8>> {
    let bytes = open.read(open.identity.size).ok()?;
    let same = Folder::identity_of(&open.file).is_ok_and(|identity| identity == Some(open.identity));
    (same && bytes.len() as u64 == open.identity.size).then_some(bytes)
}
