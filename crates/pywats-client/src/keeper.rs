//! The thread that keeps house: it moves decided reports to their end, gives space back, keeps retention, and
//! looks now and then into `failed/`.
//!
//! It sleeps until something is decided; an idle service reads and writes nothing.

use crate::archive::Archive;
use crate::config::{AfterDelivery, Config, Retention};
use crate::disposition::Disposition;
use crate::folder::Folder;
use crate::queue::{self, Error, Queue};
use crate::retention::{self, Limits, Removed};
use crate::status::{Area, Status};
use jiff::Timestamp;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Reports that go to their end in one commit.
const BATCH: usize = 64;
/// How often what could not be moved is tried again.
const RETRY: Duration = Duration::from_secs(10);
/// How often the disk is looked at, and the stop is heard at the latest.
const TICK: Duration = Duration::from_secs(30);
/// How often `failed/` is looked at: people correct and remove files there.
const LOOK: Duration = Duration::from_secs(600);
/// How often retention is kept while there is space.
const SWEEP: Duration = Duration::from_secs(6 * 3600);
/// How often old identifiers are forgotten.
const PRUNE: Duration = Duration::from_secs(24 * 3600);

/// What the keeper works with.
pub struct Setup {
    /// Whose reports go to their end.
    pub queue: Arc<Queue>,
    /// Where they go.
    pub disposition: Arc<Disposition>,
    /// Where to tell what happens.
    pub status: Arc<Status>,
    /// How long finished files are kept.
    pub retention: Retention,
    /// The done folder.
    pub done: PathBuf,
    /// The failed folder.
    pub failed: PathBuf,
    /// The archive, where delivered files go there.
    pub archive: Option<PathBuf>,
}

/// A handle to end the keeper.
#[derive(Clone, Debug)]
pub struct Stopper {
    stopping: Arc<AtomicBool>,
    queue: Arc<Queue>,
}

impl Stopper {
    /// Asks the keeper to end after the batch it is working on.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.queue.wake();
    }
}

/// The folders for finished files that a configuration describes.
pub fn ends(config: &Config) -> Disposition {
    let archive = match config.client.after_delivery {
        AfterDelivery::Done => None,
        AfterDelivery::Archive => Some(Archive::new(config.archive_folder())),
    };
    Disposition::new(config.done_folder(), config.failed_folder()).with_archive(archive)
}

/// Warns of folders for delivered files that are not empty and that the service has not used yet: somebody else
/// may be using them.
pub fn foreign_folders(config: &Config) -> Vec<String> {
    let mut folders = vec![("client.done_folder", config.done_folder())];
    if config.client.after_delivery == AfterDelivery::Archive {
        folders.push(("client.archive_folder", config.archive_folder()));
    }
    let mut warnings = Vec::new();
    for (name, folder) in folders {
        let is_empty = std::fs::read_dir(&folder).map_or(true, |mut entries| entries.next().is_none());
        if !is_empty && queue::knows_folder(&config.client.data_dir, &folder) == Some(false) {
            warnings.push(format!(
                "{name}: {} is not empty, and the service has not used it yet; it removes only old files of its own \
                 there, but better give it a folder that nobody else uses",
                folder.display()
            ));
        }
    }
    warnings
}

struct Keeper {
    setup: Setup,
    stopping: Arc<AtomicBool>,
    look: Instant,
    sweep: Instant,
    prune: Instant,
}

/// Prepares the keeper; the returned closure is its life.
pub fn prepare(setup: Setup) -> (Stopper, impl FnOnce() + Send) {
    let stopping = Arc::new(AtomicBool::new(false));
    let stopper = Stopper { stopping: Arc::clone(&stopping), queue: Arc::clone(&setup.queue) };
    let now = Instant::now();
    let mut keeper = Keeper { setup, stopping, look: now, sweep: now, prune: now };
    (stopper, move || keeper.run())
}

impl Keeper {
    fn run(&mut self) {
        while !self.stopping() {
            let pause = match self.round() {
                Ok(true) => TICK,
                Ok(false) => RETRY,
                Err(error) => {
                    self.setup
                        .status
                        .problem(Area::Folders, format!("finished reports are not moved: {error}"));
                    RETRY
                }
            };
            self.setup.queue.wait_for_verdict(pause);
        }
    }

    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Does what there is to do; says whether all of it could be done.
    fn round(&mut self) -> Result<bool, Error> {
        let settled = self.settle()?;
        let Setup { queue, disposition, .. } = &self.setup;
        queue.keep_back();
        queue.tidy(|| !self.stopping.load(Ordering::Relaxed))?;
        let now = Instant::now();
        if self.look <= now {
            self.look = now + LOOK;
            if let Err(error) = disposition.look_at_failed() {
                tracing::debug!("{}: {error}", self.setup.failed.display());
            }
        }
        let today = Timestamp::now().as_second();
        let pressing = || {
            let folder = self.setup.archive.as_ref().unwrap_or(&self.setup.done);
            retention::is_pressing(folder) && self.may_remove(folder, today)
        };
        if self.sweep <= now || pressing() {
            self.sweep = now + SWEEP;
            self.keep_retention(today)?;
        }
        if self.prune <= now {
            self.prune = now + PRUNE;
            self.setup.queue.prune_known()?;
            self.setup.queue.prune_kept()?;
        }
        Ok(settled)
    }

    fn settle(&self) -> Result<bool, Error> {
        let Setup { queue, disposition, status, .. } = &self.setup;
        let mut left: Vec<String> = Vec::new();
        loop {
            let settled = queue.settle(disposition, BATCH)?;
            left.extend(settled.left);
            if !settled.more || self.stopping() {
                break;
            }
        }
        match left.as_slice() {
            [] => status.fine(Area::Folders),
            [one] => status.problem(Area::Folders, one),
            [first, rest @ ..] => {
                status.problem(Area::Folders, format!("{first} (and {} more files)", rest.len()));
            }
        }
        Ok(left.is_empty())
    }

    fn may_remove(&self, folder: &Path, now: i64) -> bool {
        self.removal_begins(folder, now).is_ok_and(|from| from <= now)
    }

    /// Removes what is over the limits at this time, in seconds since 1970.
    fn keep_retention(&self, now: i64) -> Result<(), Error> {
        let Setup { queue, retention, done, failed, archive, .. } = &self.setup;
        let go_on = || !self.stopping();
        let folders =
            [(Some(done), End::Done), (archive.as_ref(), End::Archive), (Some(failed), End::Failed)];
        for (path, end) in folders {
            let Some(path) = path else { continue };
            let from = self.removal_begins(path, now)?;
            let limits = match end {
                End::Failed => Limits::of_refused(retention),
                _ => Limits::of_delivered(retention, path),
            };
            let keep = |folder: &Folder, remove| match end {
                End::Done => retention::apply(queue, folder, &limits, now, remove, go_on),
                End::Archive => retention::apply_to_archive(folder, &limits, now, remove, go_on),
                End::Failed => retention::apply_to_failed(folder, &limits, now, remove, go_on),
            };
            match Folder::open(path).and_then(|folder| keep(&folder, from <= now)) {
                Ok(Removed { files: 0, .. }) => {}
                Ok(Removed { files, bytes }) if from <= now => tracing::info!(
                    "{}: removed the {files} oldest files ({} MB), as the section retention of the configuration says",
                    path.display(),
                    bytes / 1_000_000
                ),
                Ok(Removed { files, bytes }) => tracing::warn!(
                    "{}: {files} files ({} MB) are over the limits and will be removed after {}; to keep them, set \
                     retention.done_days and retention.done_gigabytes, or move them away",
                    path.display(),
                    bytes / 1_000_000,
                    Timestamp::from_second(from).unwrap_or(Timestamp::UNIX_EPOCH)
                ),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => tracing::warn!("{}: retention is not kept: {error}", path.display()),
            }
        }
        Ok(())
    }

    /// From when on files may be removed from a folder: at once from one that was empty when it was first used,
    /// else seven days later. So it is after an update, too, and after the database was lost.
    fn removal_begins(&self, folder: &Path, now: i64) -> Result<i64, Error> {
        let queue = &self.setup.queue;
        let fact = queue::removal_fact(folder);
        if let Some(from) = queue.fact(&fact)? {
            return Ok(from);
        }
        let is_new = match std::fs::read_dir(folder) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(_) => false,
        };
        let from = if is_new { now } else { now + retention::GRACE };
        queue.remember(&fact, from)?;
        Ok(from)
    }
}

/// What a folder for finished files holds.
#[derive(Clone, Copy)]
enum End {
    Done,
    Archive,
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Kept;
    use sha2::{Digest, Sha256};
    use std::fs;

    const DAY: i64 = 86_400;

    /// Fails if: files go from a folder that was not empty within seven days, or those of others at all, or those
    /// of an empty folder are kept longer; or refused ones are removed although nobody said so.
    #[test]
    fn what_was_there_before_gets_a_week() {
        for (before, failed_days) in [(true, 0), (true, 1), (false, 0), (false, 1)] {
            let dir = tempfile::tempdir().unwrap();
            let path = |name: &str| dir.path().join(name);
            for name in ["done", "failed"] {
                fs::create_dir(path(name)).unwrap();
            }
            if before {
                for name in ["done/old.json", "failed/old.json"] {
                    fs::write(path(name), "theirs").unwrap();
                }
            }
            let queue = Arc::new(queue::open(dir.path()).unwrap().queue);
            let retention = Retention { done_days: 1, done_gigabytes: 0, failed_days };
            let setup = Setup {
                queue,
                disposition: Arc::new(Disposition::new(path("done"), path("failed"))),
                status: Arc::new(Status::new()),
                retention,
                done: path("done"),
                failed: path("failed"),
                archive: None,
            };
            let stopping = Arc::new(AtomicBool::new(false));
            let now = Instant::now();
            let keeper = Keeper { setup, stopping, look: now, sweep: now, prune: now };
            let today = Timestamp::now().as_second();
            keeper.keep_retention(today).unwrap();
            let reason = r#"{"reason": "r", "what_to_do": "w", "stage": "intake"}"#;
            for (name, content) in
                [("done/a.json", "x"), ("failed/b.json", "x"), ("failed/b.json.reason.json", reason)]
            {
                fs::write(path(name), content).unwrap();
            }
            let kept =
                Kept { name: "a.json".into(), size: 1, sha256: Sha256::digest("x").into(), time: today };
            keeper.setup.queue.keep_in_mind(&path("done"), &kept).unwrap();
            let left = |days: i64| {
                keeper.keep_retention(today + days * DAY).unwrap();
                ["done", "failed"].map(|name| fs::read_dir(path(name)).unwrap().count())
            };
            let theirs = usize::from(before);
            let failed = theirs + if failed_days == 0 { 2 } else { 0 };
            let all = [1 + theirs, 2 + theirs];
            assert_eq!(left(0), all);
            let known = |folder: &str| queue::knows_folder(dir.path(), &path(folder));
            assert_eq!([known("done"), known("elsewhere")], [Some(true), Some(false)]);
            assert_eq!(left(5), if before { all } else { [theirs, failed] }, "{before} {failed_days}");
            assert_eq!(left(8), [theirs, failed], "{before} {failed_days}");
        }
    }

    /// Fails if: nobody is told of a folder that others use, or of one that is empty or known, or of the archive
    /// where it is not in use.
    #[test]
    fn foreign_folders_are_told() {
        for (after, file, known, told) in [
            (AfterDelivery::Done, Some("done/recipe.json"), false, Some("client.done_folder")),
            (AfterDelivery::Done, Some("done/recipe.json"), true, None),
            (AfterDelivery::Done, None, false, None),
            (AfterDelivery::Done, Some("archive/x"), false, None),
            (AfterDelivery::Archive, Some("archive/x"), false, Some("client.archive_folder")),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let path = |name: &str| dir.path().join(name);
            for name in ["done", "archive"] {
                fs::create_dir(path(name)).unwrap();
            }
            if let Some(file) = file {
                fs::write(path(file), "x").unwrap();
            }
            if known {
                let queue = queue::open(dir.path()).unwrap().queue;
                queue.remember(&queue::removal_fact(&path("done")), 0).unwrap();
            }
            let mut config = Config::new();
            config.client.data_dir = dir.path().to_path_buf();
            config.client.after_delivery = after;
            let warnings = foreign_folders(&config);
            assert_eq!(warnings.len(), usize::from(told.is_some()), "{file:?} {known} {warnings:?}");
            assert!(warnings.iter().zip(told).all(|(text, told)| text.starts_with(told)), "{warnings:?}");
        }
    }
}
