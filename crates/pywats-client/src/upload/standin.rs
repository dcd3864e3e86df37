//! What the queue will offer, over the queue there is; goes with the merge.
#![allow(missing_docs)]
use crate::disposition::Disposition;
use crate::queue::{self, Queue};
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspicion {
    pub kind: String,
    pub tries: u32,
    pub since: jiff::Timestamp,
    pub parked: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub seq: i64,
    pub id: Uuid,
    pub name: OsString,
    pub folder: PathBuf,
    pub size: u64,
    pub attempts: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    Ready(Vec<u8>),
    Changed,
    Gone,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Delivered,
    Refused(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    Attempt,
    Suspect(Suspicion),
    Cleared,
    Decided(Verdict),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    pub moved: usize,
    pub more: bool,
    pub problem: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub waiting: u64,
    pub parked: u64,
    pub delivered: u64,
    pub failed: u64,
}

pub struct OldQueue {
    pub queue: Arc<Queue>,
    pub disposition: Arc<Disposition>,
}

impl super::store::Store for OldQueue {
    fn next(&self, after: i64, limit: usize) -> Result<Vec<Entry>, queue::Error> {
        let mut entries = Vec::new();
        let mut last = after;
        while entries.len() < limit {
            let Some(entry) = self.queue.next_pending(|seq| seq <= last)? else { break };
            last = entry.seq;
            entries.push(Entry {
                seq: entry.seq,
                id: entry.id,
                name: entry.source.name,
                folder: entry.source.folder,
                size: entry.source.identity.size,
                attempts: entry.attempts,
            });
        }
        Ok(entries)
    }
    fn rewound(&self) -> bool {
        false
    }
    fn suspects(&self) -> Result<Vec<(Entry, Suspicion)>, queue::Error> {
        Ok(Vec::new())
    }
    fn body(&self, entry: &Entry) -> Result<Body, queue::Error> {
        self.queue.body(entry.seq).map(Body::Ready)
    }
    fn changed(&self, _: &Entry) -> Result<(), queue::Error> {
        Ok(())
    }
    fn note(&self, notes: &[(i64, Note)]) -> Result<(), queue::Error> {
        for (seq, note) in notes {
            match note {
                Note::Attempt => self.queue.attempt_failed(*seq)?,
                Note::Decided(Verdict::Delivered) => self.queue.decide(*seq, &queue::Verdict::Uploaded)?,
                Note::Decided(Verdict::Refused(reason)) => {
                    self.queue.decide(*seq, &queue::Verdict::Rejected(reason.clone()))?;
                }
                _ => {}
            }
        }
        Ok(())
    }
    fn settle(&self) -> Result<Settled, queue::Error> {
        let mut settled = Settled::default();
        let decided = self.queue.decided()?;
        for (entry, verdict) in &decided {
            let moved = match verdict {
                queue::Verdict::Uploaded => self.disposition.delivered(&entry.source),
                queue::Verdict::Rejected(reason) => self
                    .disposition
                    .rejected(&entry.source, reason, || self.queue.body(entry.seq).map_err(io::Error::other)),
            };
            match moved {
                Ok(()) => {
                    self.queue.finish(entry.seq, verdict)?;
                    settled.moved += 1;
                }
                Err(error) => {
                    settled.problem =
                        Some(format!("{:?} stays in the watch folder: {error}", entry.source.name));
                }
            }
        }
        settled.more = settled.problem.is_none() && !decided.is_empty();
        Ok(settled)
    }
    fn counts(&self) -> Counts {
        let totals = self.queue.totals().unwrap_or_default();
        Counts {
            waiting: self.queue.pending().unwrap_or_default(),
            parked: 0,
            delivered: totals.delivered,
            failed: totals.failed,
        }
    }
}
