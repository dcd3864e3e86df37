//! Claiming: a judged file is renamed into the spool at once, and what was claimed is committed to the
//! queue together: files synchronised, then the spool folder, then one commit.
//!
//! A crash in between leaves a file in the spool without a row, which the next start takes in under the
//! identifier in its name. From a share a file is copied, and removed once its report is committed; what
//! cannot be removed is remembered with the report, and never taken again. Nor is the original of a copy without a
//! row, which the name of the copy tells.
//!
//! Whoever made a file may still change its rights, so it stays open until it is on the disk. One that cannot
//! be synchronised leaves the batch, and keeps no other from the queue.

use super::judge::Good;
use crate::config::watch_folders::WatchFolder;
use crate::folder::{Folder, Identity, Moved};
use crate::queue::spool::{self, Origin};
use crate::queue::{self, NewReport, Queue};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// As many reports are committed together.
const MOST: usize = 64;
/// A report waits no longer than this for others to be committed with it.
const LONGEST: Duration = Duration::from_millis(20);
/// How often a file that cannot be synchronised is tried again.
pub const RETRY: Duration = Duration::from_secs(10);

/// Claimed files that are not committed yet.
#[derive(Debug, Default)]
pub struct Batch {
    /// Where all of them come from.
    origin: Origin,
    reports: Vec<NewReport>,
    /// What there is beside each report.
    files: Vec<Beside>,
    since: Option<Instant>,
    /// Files that could be neither synchronised nor moved back, and when they are tried again.
    kept: Vec<(Instant, NewReport, Beside)>,
    /// Which files left the batch since that was asked.
    left: Vec<Left>,
}

/// What there is beside a report until it is committed.
#[derive(Debug, Default)]
struct Beside {
    /// Which file is to be removed, if it was copied.
    original: Option<Identity>,
    /// The file, open.
    file: Option<File>,
}

/// What was read of a file.
#[derive(Debug)]
pub struct Content<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// Their SHA-256.
    pub sha256: [u8; 32],
    /// The file, still open; not on Windows, which would not let it be moved.
    pub file: Option<File>,
}

/// A file that left the batch because it cannot be synchronised.
#[derive(Debug)]
pub struct Left {
    /// The name that it had in the watch folder.
    pub name: OsString,
    /// Its name in the spool.
    pub spool: OsString,
    /// Whether it is in the watch folder again; otherwise it waits in the spool.
    pub is_back: bool,
    /// Why.
    pub error: io::Error,
}

/// What became of one file that was to be synchronised.
#[derive(Debug)]
pub enum Synced {
    /// It survives a power cut.
    Yes,
    /// Somebody has removed it.
    Gone,
    /// It cannot be synchronised.
    Failed(io::Error),
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
    /// Its name in the spool.
    pub spool: OsString,
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
    /// Of files of this watch folder.
    pub fn of(folder: &WatchFolder) -> Self {
        Batch { origin: Origin::of(folder), ..Batch::default() }
    }

    /// Where its files come from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Whether there is nothing to commit now.
    pub fn is_empty(&self, now: Instant) -> bool {
        self.reports.is_empty() && self.kept.iter().all(|(then, ..)| *then > now)
    }

    /// Which files left the batch, for people. Says so once.
    pub fn left(&mut self) -> Vec<Left> {
        std::mem::take(&mut self.left)
    }

    /// Whether it is time to commit, even if there is more to claim.
    pub fn is_full(&self, now: Instant) -> bool {
        self.reports.len() >= MOST || self.since.is_some_and(|since| now.duration_since(since) >= LONGEST)
    }

    /// Moves a judged file into the spool, or copies what was read of it where it cannot be moved.
    pub fn claim(
        &mut self,
        queue: &Queue,
        watch: &Folder,
        name: &OsStr,
        identity: &Identity,
        Content { bytes, sha256, file }: Content<'_>,
        good: Good,
    ) -> Claimed {
        if !queue.claim_id(good.id, &good.unit) {
            // Another folder had the identifier for another unit a moment ago: judged again, it is known.
            return Claimed::Changed;
        }
        let (spool, copied) = match move_or_copy(queue, watch, name, identity, bytes, (good.id, &self.origin))
        {
            Ok(Placed { spool, copied }) => (spool, copied),
            Err(claimed) => {
                queue.unclaim(good.id);
                return claimed;
            }
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
        // A copy is on the disk already.
        self.files.push(Beside { original: copied.then_some(*identity), file: file.filter(|_| !copied) });
        self.since.get_or_insert_with(Instant::now);
        Claimed::Yes
    }

    /// Commits what was claimed, then removes what was copied. A file that cannot be synchronised leaves the
    /// batch: see [`Batch::left`].
    ///
    /// # Errors
    /// If spool or queue cannot be written; the batch stays as it is.
    pub fn commit(&mut self, queue: &Queue, watch: Option<&Folder>) -> Result<Vec<Committed>, CommitError> {
        self.take_back_kept(Instant::now());
        self.sync(queue, watch).map_err(CommitError::Spool)?;
        if !self.reports.is_empty() {
            queue.add(&self.reports)?;
        }
        let mut committed = Vec::with_capacity(self.reports.len());
        let mut removed: Vec<(PathBuf, OsString)> = Vec::new();
        for (report, Beside { original, .. }) in
            std::mem::take(&mut self.reports).into_iter().zip(self.files.drain(..))
        {
            let stays = original.and_then(|identity| {
                let watch = watch.filter(|watch| watch.path() == report.folder)?;
                // What is not that file any more is not in the way either.
                watch.remove(&report.name, &identity).err()
            });
            if original.is_some() && stays.is_none() {
                removed.push((report.folder.clone(), report.name.clone()));
            }
            queue.unclaim(report.id);
            committed.push(Committed { name: report.name, spool: report.spool, id: report.id, stays });
        }
        self.since = None;
        if let Some(watch) = watch {
            forget_leftovers(queue, watch, &removed);
        }
        Ok(committed)
    }

    fn take_back_kept(&mut self, now: Instant) {
        for (_, report, beside) in self.kept.extract_if(.., |(then, ..)| *then <= now) {
            self.reports.push(report);
            self.files.push(beside);
        }
    }

    /// Makes the claimed files survive a power cut. One that somebody has removed is given up, and one that
    /// cannot be synchronised goes back to the watch folder. Copies were synchronised when they were written.
    fn sync(&mut self, queue: &Queue, watch: Option<&Folder>) -> io::Result<()> {
        let spool = queue.spool();
        let claimed = self.reports.iter().zip(&self.files).filter(|(report, _)| !report.copied);
        let files: Vec<_> =
            claimed.map(|(report, beside)| (report.spool.as_os_str(), beside.file.as_ref())).collect();
        let mut synced = synchronise(spool, &files)?.into_iter();
        let all = std::mem::take(&mut self.reports).into_iter().zip(std::mem::take(&mut self.files));
        let again = Instant::now() + RETRY;
        for (report, beside) in all {
            match if report.copied { Synced::Yes } else { synced.next().unwrap_or(Synced::Yes) } {
                Synced::Yes => {
                    self.reports.push(report);
                    self.files.push(beside);
                }
                Synced::Gone => queue.unclaim(report.id),
                Synced::Failed(error) => {
                    let is_back = move_back(spool, watch, &report);
                    if is_back {
                        queue.unclaim(report.id);
                    }
                    let (name, spool) = (report.name.clone(), report.spool.clone());
                    self.left.push(Left { name, spool, is_back, error });
                    if !is_back {
                        self.kept.push((again, report, beside));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Moves a claimed file back to where it came from, if its name is free there; says whether it is there.
fn move_back(spool: &Folder, watch: Option<&Folder>, report: &NewReport) -> bool {
    let Some(watch) = watch.filter(|watch| watch.path() == report.folder) else { return false };
    match spool.rename_lazily(&report.spool, watch, &report.name) {
        Ok(Moved::Done) => true,
        Ok(Moved::NameTaken | Moved::Changed) => false,
        Err(error) => {
            tracing::debug!("{:?} cannot be moved back: {error}", report.spool);
            false
        }
    }
}

/// Makes files of the spool, and their names, survive a power cut; says what became of each.
///
/// # Errors
/// If the disk refuses altogether.
pub fn synchronise(spool: &Folder, files: &[(&OsStr, Option<&File>)]) -> io::Result<Vec<Synced>> {
    use io::ErrorKind::{NotFound, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let results = spool::synchronise(spool, files)?.into_iter().map(|result| match result {
        Ok(()) => Ok(Synced::Yes),
        Err(error) => match error.kind() {
            NotFound => Ok(Synced::Gone),
            // Windows flushes nothing that is marked as read-only for us, but does so in its own time.
            PermissionDenied if cfg!(windows) => Ok(Synced::Yes),
            // No other file would fare better.
            QuotaExceeded | ReadOnlyFilesystem | StorageFull => Err(error),
            _ => Ok(Synced::Failed(error)),
        },
    });
    results.collect()
}

/// Originals that are gone need not be remembered, once that is certain to last. They are given as they are remembered:
/// see [`queue::Leftover`].
pub fn forget_leftovers(queue: &Queue, watch: &Folder, removed: &[(PathBuf, OsString)]) {
    if removed.is_empty() {
        return;
    }
    let forgotten = watch.sync().map_err(|error| error.to_string()).and_then(|()| {
        let mut names = removed.iter();
        names
            .try_for_each(|(folder, name)| queue.drop_leftover(folder, name))
            .map_err(|error| error.to_string())
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
    (id, origin): (Uuid, &Origin),
) -> Result<Placed, Claimed> {
    for number in 0..=u32::MAX {
        let spool = origin.name(id, name, number);
        match watch.claim(name, identity, queue.spool(), &spool) {
            Ok(Moved::Done) => return Ok(Placed { spool, copied: false }),
            Ok(Moved::Changed) => return Err(Claimed::Changed),
            Ok(Moved::NameTaken) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound && !watch.exists(name).unwrap_or(true) => {
                return Err(Claimed::Changed);
            }
            Err(error) if must_be_copied(&error) => return copy(queue, name, bytes, id, &origin.copied()),
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

fn copy(queue: &Queue, name: &OsStr, bytes: &[u8], id: Uuid, origin: &Origin) -> Result<Placed, Claimed> {
    if queue.is_closed() {
        // The share has answered after all, and the next pipeline is at work there.
        return Err(Claimed::Changed);
    }
    queue.intake_allowed(bytes.len() as u64).map_err(|error| Claimed::NoRoom(error.to_string()))?;
    for number in 0..=u32::MAX {
        let spool = origin.name(id, name, number);
        match queue.spool().put(&spool, bytes) {
            Ok(Moved::NameTaken | Moved::Changed) => {}
            Ok(Moved::Done) => return Ok(Placed { spool, copied: true }),
            Err(error) => return Err(Claimed::Failed(error)),
        }
    }
    Err(Claimed::Failed(io::ErrorKind::AlreadyExists.into()))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::folder::Kind;
    use crate::queue::Unit;
    use std::fs;

    /// Fails if: a file that cannot be synchronised keeps others from the queue, is lost, overwrites another one
    /// or is not named; or one whose name leads elsewhere by now is not flushed as what was opened.
    #[test]
    fn one_file_keeps_no_other_out() {
        /// Which file is synchronised by name, whether its name is free in the watch folder, and whether it leaves.
        const CASES: [(bool, bool, bool); 3] =
            [(false, true, false), (true, true, true), (true, false, true)];
        for case @ (by_name, is_free, leaves) in CASES {
            let dir = tempfile::tempdir().unwrap();
            let queue = crate::queue::open(dir.path()).unwrap().queue;
            let path = dir.path().join("watch");
            fs::create_dir(&path).unwrap();
            let watch = Folder::open(&path).unwrap();
            let mut batch = Batch::default();
            let id = Uuid::from_u128;
            for (number, name) in [(1, "a.json"), (2, "bad.json"), (3, "c.json")] {
                fs::write(path.join(name), name).unwrap();
                let Ok(Some(Kind::Plain(identity))) = watch.look(name.as_ref()) else { panic!() };
                let file = (!by_name || number != 2).then(|| watch.open_file(name.as_ref()).unwrap().file);
                let unit = Unit { serial_number: name.to_owned(), start: 0 };
                let good = Good { id: id(number), edits: String::new(), notes: Vec::new(), unit };
                let content = Content { bytes: name.as_bytes(), sha256: [0; 32], file };
                let claimed = batch.claim(&queue, &watch, name.as_ref(), &identity, content, good);
                assert!(matches!(claimed, Claimed::Yes), "{claimed:?}");
            }
            let spooled = queue.spool().path().join(spool::name(id(2), "bad.json".as_ref(), 0));
            let aside = dir.path().join("aside");
            fs::rename(&spooled, &aside).unwrap();
            // What no rights would do to an account that has not all of them.
            std::os::unix::fs::symlink("nowhere", &spooled).unwrap();
            if !is_free {
                fs::write(path.join("bad.json"), "another").unwrap();
            }
            let committed = batch.commit(&queue, Some(&watch)).unwrap();
            assert_eq!(committed.len(), if leaves { 2 } else { 3 }, "{case:?}");
            let left = batch.left();
            assert_eq!(left.len(), usize::from(leaves), "{case:?}");
            assert!(left.iter().all(|left| left.name == "bad.json" && left.is_back == is_free), "{left:?}");
            assert_eq!(path.join("bad.json").is_symlink(), leaves && is_free, "{case:?}");
            assert!(batch.is_empty(Instant::now()));
            assert_eq!(queue.claimed_unit(id(3)), None, "it is in the queue");
            if leaves && !is_free {
                assert_eq!(queue.claimed_unit(id(2)).unwrap().serial_number, "bad.json");
                fs::rename(&aside, &spooled).unwrap();
                batch.take_back_kept(Instant::now() + RETRY);
                assert_eq!(batch.commit(&queue, Some(&watch)).unwrap().len(), 1, "{case:?}");
                assert_eq!(fs::read(path.join("bad.json")).unwrap(), b"another");
            }
        }
    }
}
