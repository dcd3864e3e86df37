//! Claiming: a judged file is renamed into the spool at once, and what was claimed is committed to the
//! queue together: files synchronised, then the spool folder, then one commit.
//!
//! A crash in between leaves a file in the spool without a row, which the next start takes in under the
//! identifier in its name. From a share a file is copied, and removed once its report is committed; what
//! cannot be removed is remembered with the report, and never taken again.

use super::judge::Good;
use crate::folder::{Folder, Identity, Moved};
use crate::queue::{self, NewReport, Queue, Unit, spool};
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// As many reports are committed together.
const MOST: usize = 64;
/// A report waits no longer than this for others to be committed with it.
const LONGEST: Duration = Duration::from_millis(20);

/// Claimed files that are not committed yet.
#[derive(Debug, Default)]
pub struct Batch {
    reports: Vec<NewReport>,
    /// Of each: which file is to be removed, if it was copied.
    originals: Vec<Option<Identity>>,
    since: Option<Instant>,
}

/// What became of a claim.
#[derive(Debug)]
pub enum Claimed {
    /// The file is in the spool and its report in the batch.
    Yes,
    /// The name does not stand for the judged file any more.
    Changed,
    /// There is no room for a copy; this says what to do.
    NoRoom(String),
    /// It cannot be moved or copied.
    Failed(io::Error),
}

/// A report that is in the queue.
#[derive(Debug)]
pub struct Committed {
    /// The name that its file had.
    pub name: OsString,
    /// Its identifier.
    pub id: Uuid,
    /// Why the original of a copy is still there.
    pub stays: Option<io::Error>,
}

/// Why a batch is not committed. It stays as it is, to be tried again.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The database refuses.
    #[error("the queue cannot be written: {0}")]
    Queue(#[from] queue::Error),
    /// The spool cannot be synchronised.
    #[error("the spool cannot be written: {0}; check the disk of the data folder")]
    Spool(io::Error),
}

impl Batch {
    /// Whether nothing was claimed.
    pub fn is_empty(&self) -> bool {
        self.reports.is_empty()
    }

    /// Whether it is time to commit, even if there is more to claim.
    pub fn is_full(&self, now: Instant) -> bool {
        self.reports.len() >= MOST || self.since.is_some_and(|since| now.duration_since(since) >= LONGEST)
    }

    /// Which unit an identifier stands for in this batch.
    pub fn unit(&self, id: Uuid) -> Option<&Unit> {
        self.reports.iter().rev().find(|report| report.id == id).map(|report| &report.unit)
    }

    /// Moves a judged file into the spool, or copies these bytes of it where it cannot be moved.
    pub fn claim(
        &mut self,
        queue: &Queue,
        watch: &Folder,
        name: &OsStr,
        identity: &Identity,
        (bytes, sha256): (&[u8], [u8; 32]),
        good: Good,
    ) -> Claimed {
        let (spool, copied) = match move_or_copy(queue, watch, name, identity, bytes, good.id) {
            Ok(Placed { spool, copied }) => (spool, copied),
            Err(claimed) => return claimed,
        };
        self.reports.push(NewReport {
            id: good.id,
            spool,
            folder: watch.path().to_path_buf(),
            name: name.to_owned(),
            size: bytes.len() as u64,
            sha256,
            edits: good.edits,
            notes: good.notes,
            unit: good.unit,
            copied,
        });
        self.originals.push(copied.then_some(*identity));
        self.since.get_or_insert_with(Instant::now);
        Claimed::Yes
    }

    /// Commits what was claimed, then removes what was copied.
    ///
    /// # Errors
    /// If spool or queue cannot be written; the batch stays as it is.
    pub fn commit(&mut self, queue: &Queue, watch: Option<&Folder>) -> Result<Vec<Committed>, CommitError> {
        self.sync(queue.spool()).map_err(CommitError::Spool)?;
        queue.add(&self.reports)?;
        let mut committed = Vec::with_capacity(self.reports.len());
        let mut removed = Vec::new();
        for (report, original) in std::mem::take(&mut self.reports).into_iter().zip(self.originals.drain(..))
        {
            let stays = original.and_then(|identity| {
                let watch = watch.filter(|watch| watch.path() == report.folder)?;
                // What is not that file any more is not in the way either.
                watch.remove(&report.name, &identity).err()
            });
            if original.is_some() && stays.is_none() {
                removed.push(report.name.clone());
            }
            committed.push(Committed { name: report.name, id: report.id, stays });
        }
        self.since = None;
        if let Some(watch) = watch {
            forget_leftovers(queue, watch, &removed);
        }
        Ok(committed)
    }

    /// Makes the claimed files survive a power cut. One that somebody has removed is given up. Copies were
    /// synchronised when they were written.
    fn sync(&mut self, spool: &Folder) -> io::Result<()> {
        let renamed = self.reports.iter().filter(|report| !report.copied);
        let names: Vec<OsString> = renamed.map(|report| report.spool.clone()).collect();
        let gone = synchronise(spool, &names)?;
        if !gone.is_empty() {
            let reports = std::mem::take(&mut self.reports).into_iter().zip(self.originals.drain(..));
            let kept = reports.filter(|(report, _)| !gone.contains(&report.spool));
            (self.reports, self.originals) = kept.unzip();
        }
        Ok(())
    }
}

/// Makes files of the spool, and their names, survive a power cut; says which are not there.
///
/// # Errors
/// If the disk refuses.
pub fn synchronise(spool: &Folder, names: &[OsString]) -> io::Result<HashSet<OsString>> {
    let mut gone = HashSet::new();
    for (name, result) in names.iter().zip(spool::synchronise(spool, names)?) {
        match result.map_err(|error| (error.kind(), error)) {
            Ok(()) => {}
            Err((io::ErrorKind::NotFound, _)) => drop(gone.insert(name.clone())),
            // Windows flushes nothing that is marked as read-only for us, but does so in its own time.
            Err((io::ErrorKind::PermissionDenied, _)) if cfg!(windows) => {}
            Err((_, error)) => return Err(error),
        }
    }
    Ok(gone)
}

/// Originals that are gone need not be remembered, once that is certain to last.
pub fn forget_leftovers(queue: &Queue, watch: &Folder, removed: &[OsString]) {
    if removed.is_empty() {
        return;
    }
    let forgotten = watch.sync().map_err(|error| error.to_string()).and_then(|()| {
        let mut names = removed.iter();
        names.try_for_each(|name| queue.drop_leftover(watch.path(), name)).map_err(|error| error.to_string())
    });
    if let Err(error) = forgotten {
        // It is remembered for longer than needed, which harms nobody.
        tracing::debug!("{}: originals that are removed stay remembered: {error}", watch.path().display());
    }
}

struct Placed {
    spool: OsString,
    copied: bool,
}

fn move_or_copy(
    queue: &Queue,
    watch: &Folder,
    name: &OsStr,
    identity: &Identity,
    bytes: &[u8],
    id: Uuid,
) -> Result<Placed, Claimed> {
    for number in 0..=u32::MAX {
        let spool = spool::name(id, name, number);
        match watch.claim(name, identity, queue.spool(), &spool) {
            Ok(Moved::Done) => return Ok(Placed { spool, copied: false }),
            Ok(Moved::Changed) => return Err(Claimed::Changed),
            Ok(Moved::NameTaken) => {}
            Err(error) if must_be_copied(&error) => return copy(queue, name, bytes, id),
            Err(error) => return Err(Claimed::Failed(error)),
        }
    }
    Err(Claimed::Failed(io::ErrorKind::AlreadyExists.into()))
}

/// Another file system, or a folder that nothing may be taken out of.
fn must_be_copied(error: &io::Error) -> bool {
    use io::ErrorKind::{CrossesDevices, PermissionDenied, ReadOnlyFilesystem};
    matches!(error.kind(), CrossesDevices | PermissionDenied | ReadOnlyFilesystem)
}

fn copy(queue: &Queue, name: &OsStr, bytes: &[u8], id: Uuid) -> Result<Placed, Claimed> {
    queue.intake_allowed(bytes.len() as u64).map_err(|error| Claimed::NoRoom(error.to_string()))?;
    for number in 0..=u32::MAX {
        let spool = spool::name(id, name, number);
        match queue.spool().put(&spool, bytes) {
            Ok(Moved::NameTaken | Moved::Changed) => {}
            Ok(Moved::Done) => return Ok(Placed { spool, copied: true }),
            Err(error) => return Err(Claimed::Failed(error)),
        }
    }
    Err(Claimed::Failed(io::ErrorKind::AlreadyExists.into()))
}
