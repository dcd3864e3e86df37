//! Files of the spool that are judged (again): they changed after they were claimed, because somebody
//! still had them open, or they were found there without a row. They keep their identifiers.

use super::aside::reason;
use super::claim::{RETRY, Synced, synchronise};
use super::judge::{COMPLETE_FILE, Good, Judge, Judgement, Refusal, hash};
use super::readiness::{History, Readiness};
use crate::config::Reports;
use crate::disposition::Reason;
use crate::folder::{Folder, OpenFile, OpenRefused};
use crate::queue::{self, Entry, NewReport, Note, Place, Queue, Verdict};
use std::collections::{HashMap, HashSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};
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
    /// Files that cannot be judged or synchronised, and until when they are left alone.
    troubled: HashMap<i64, (OsString, Instant)>,
    /// What there is to tell of them.
    troubles: Vec<(OsString, Option<String>)>,
    /// Those that somebody removed.
    lost: Vec<Entry>,
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
    /// The default watch folder.
    pub watch: &'a Path,
    /// How long a text that ends too early may rest.
    pub incomplete: Duration,
}

impl Again {
    /// Whether there is more to do at once.
    pub fn is_busy(&self) -> bool {
        !self.entries.is_empty()
    }

    /// What is wrong, and what not any more, with which file of the spool. Says so once.
    pub fn troubles(&mut self) -> Vec<(OsString, Option<String>)> {
        std::mem::take(&mut self.troubles)
    }

    /// The reports whose file somebody removed. Says so once.
    pub fn lost(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.lost)
    }

    fn is_troubled(&mut self, seq: i64, spool: &OsStr, why: String, now: Instant) {
        self.troubled.insert(seq, (spool.to_owned(), now + RETRY));
        self.troubles.push((spool.to_owned(), Some(why)));
    }

    fn is_fine(&mut self, seq: i64) {
        if let Some((spool, _)) = self.troubled.remove(&seq) {
            self.troubles.push((spool, None));
        }
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
            let seqs: HashSet<i64> = self.entries.iter().map(|entry| entry.seq).collect();
            self.histories.retain(|seq, _| seqs.contains(seq));
            let over: Vec<i64> = self.troubled.keys().filter(|seq| !seqs.contains(seq)).copied().collect();
            over.into_iter().for_each(|seq| self.is_fine(seq));
        }
        let mut judged = Vec::new();
        let mut refused = Vec::new();
        let entries: Vec<Entry> = self.entries.drain(..AT_ONCE.min(self.entries.len())).collect();
        for entry in entries {
            let Place::Spool(spool) = &entry.place else { continue };
            if self.troubled.get(&entry.seq).is_some_and(|(_, until)| *until > now) {
                continue;
            }
            let history = self.histories.entry(entry.seq).or_insert_with(|| History::new(now));
            match setup.judge(&entry, spool, history, now) {
                Some(Verdicts::Good(report, file)) => judged.push((entry.seq, *report, file)),
                Some(Verdicts::Unreadable(why)) => self.is_troubled(entry.seq, spool, why, now),
                Some(Verdicts::Refused(refusal)) => {
                    self.is_fine(entry.seq);
                    let reason = Reason { id: Some(entry.id), attempts: entry.attempts, ..reason(&refusal) };
                    let text = reason.to_json(&entry.name);
                    refused.push((entry.seq, Note::Decided(Verdict::Refused(text))));
                }
                Some(Verdicts::Gone) if setup.queue.lose_if_gone(&entry)? => {
                    self.is_fine(entry.seq);
                    self.lost.push(entry);
                }
                Some(Verdicts::Gone) | None => {}
            }
        }
        if !refused.is_empty() {
            setup.queue.note(&refused)?;
        }
        // Without this the commit might outlive what it is about.
        let safe = self.synchronise(setup.queue.spool(), judged, now)?;
        if !safe.is_empty() {
            setup.queue.replace(&safe)?;
        }
        Ok(safe.len())
    }

    /// Those of the judged reports whose files are on the disk.
    fn synchronise(
        &mut self,
        spool: &Folder,
        judged: Vec<(i64, NewReport, Option<File>)>,
        now: Instant,
    ) -> Result<Vec<(i64, NewReport)>, queue::Error> {
        if judged.is_empty() {
            return Ok(Vec::new());
        }
        let files: Vec<_> =
            judged.iter().map(|(_, report, file)| (report.spool.as_os_str(), file.as_ref())).collect();
        let blame = |error| queue::Error::Spool { path: spool.path().to_path_buf(), error };
        let synced = synchronise(spool, &files).map_err(blame)?;
        let mut safe = Vec::new();
        for ((seq, report, _), synced) in judged.into_iter().zip(synced) {
            if let Synced::Failed(error) = synced {
                let why = format!("cannot be written to the disk: {error}; check the disk");
                self.is_troubled(seq, &report.spool, why, now);
            } else {
                // The upload finds what is gone, and says so.
                self.is_fine(seq);
                safe.push((seq, report));
            }
        }
        Ok(safe)
    }
}

enum Verdicts {
    Good(Box<NewReport>, Option<File>),
    Refused(Refusal),
    /// This says why.
    Unreadable(String),
    Gone,
}

impl Setup<'_> {
    /// Judges one file; no answer means that it is not ready.
    fn judge(
        &self,
        entry: &Entry,
        spool: &OsString,
        history: &mut History,
        now: Instant,
    ) -> Option<Verdicts> {
        let folder = self.queue.spool();
        let mut open = match folder.open_file(spool) {
            Ok(open) => open,
            Err(OpenRefused::Gone) => return Some(Verdicts::Gone),
            Err(OpenRefused::InUse) => return None,
            Err(OpenRefused::Foreign(what)) => {
                let why =
                    format!("is {what}, not the report that was there; put the report back, or remove it");
                return Some(Verdicts::Unreadable(why));
            }
            Err(OpenRefused::Failed(error)) => return Some(unreadable(&error.to_string())),
        };
        history.seen(open.identity, now);
        let ready = history.readiness(open.writer, now, SystemTime::now(), || folder.knows_writers());
        if ready != Readiness::Complete {
            return None;
        }
        let bytes = read_unchanged(&mut open)?;
        let sha256 = hash(&bytes);
        let judge = Judge { queue: self.queue, settings: self.settings, rules: self.rules };
        match judge.judge_again(&bytes, entry.id) {
            Judgement::Good(good) => {
                let report = self.report(entry, spool, bytes.len(), sha256, good);
                Some(Verdicts::Good(Box::new(report), cfg!(unix).then_some(open.file)))
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

    /// Where a report came from. Of one that had no row only the name of its watch folder is known, and nothing if that
    /// was the default one; so it is with one that is not watched any more.
    fn folder_of(&self, entry: &Entry) -> PathBuf {
        if entry.folder.is_absolute() {
            return entry.folder.clone();
        }
        self.queue.path_of(&entry.folder).unwrap_or_else(|| self.watch.to_path_buf())
    }

    fn report(
        &self,
        entry: &Entry,
        spool: &OsString,
        size: usize,
        sha256: [u8; 32],
        good: Good,
    ) -> NewReport {
        NewReport {
            id: entry.id,
            spool: spool.clone(),
            folder: self.folder_of(entry),
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

fn unreadable(why: &str) -> Verdicts {
    Verdicts::Unreadable(format!("waits, but cannot be read: {why}; let the service's account read it"))
}

fn read_unchanged(open: &mut OpenFile) -> Option<Vec<u8>> {
    let bytes = open.read(open.identity.size).ok()?;
    let same = Folder::identity_of(&open.file).is_ok_and(|identity| identity == Some(open.identity));
    (same && bytes.len() as u64 == open.identity.size).then_some(bytes)
}
