//! The thread that keeps house: it moves decided reports to their end, gives space back, keeps retention, and
//! looks now and then into `failed/`.
//!
//! It sleeps until something is decided; an idle service reads and writes nothing.

use crate::config::{AfterDelivery, Config, Retention};
use crate::disposition::Routes;
use crate::folder::Folder;
use crate::queue::{self, Error, Queue};
use crate::retention::clock::Clock;
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
/// When it is looked at again, once files were taken back from there.
const SOON: Duration = Duration::from_secs(10);
/// How often retention is kept while there is space.
const SWEEP: Duration = Duration::from_secs(6 * 3600);
/// The fact that says from when on files may go for their age, in seconds since 1970.
const CLOCK_SURE_FROM: &str = "clock_sure_from";
/// How often old identifiers are forgotten.
const PRUNE: Duration = Duration::from_secs(24 * 3600);

/// What the keeper works with.
pub struct Setup {
    /// Whose reports go to their end.
    pub queue: Arc<Queue>,
    /// Where they go.
    pub ends: Arc<Routes>,
    /// Where to tell what happens.
    pub status: Arc<Status>,
    /// How long finished files are kept.
    pub retention: Retention,
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

/// Warns of folders for delivered files that are not empty and that the service has not used yet: somebody else
/// may be using them.
pub fn foreign_folders(config: &Config) -> Vec<String> {
    let mut folders: Vec<(String, PathBuf)> = Vec::new();
    for folder in config.watch_folders() {
        let label = |key: &str| match folder.is_default() {
            true => format!("client.{key}"),
            false => format!("{key} of the folder {}", folder.name),
        };
        let in_use = match folder.after_delivery {
            AfterDelivery::Archive => Some(("archive_folder", folder.archive.clone())),
            AfterDelivery::Delete => None,
            AfterDelivery::Done => Some(("done_folder", folder.done.clone())),
        };
        // A done folder is the end of what arrives twice, too.
        let done = (folder.is_default()).then(|| ("done_folder", folder.done.clone()));
        for (key, path) in done.into_iter().chain(in_use) {
            if !folders.iter().any(|(_, known)| *known == path) {
                folders.push((label(key), path));
            }
        }
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
    /// Unknown until it is first looked at.
    clock: Option<Clock>,
}

/// Prepares the keeper; the returned closure is its life.
pub fn prepare(setup: Setup) -> (Stopper, impl FnOnce() + Send) {
    let stopping = Arc::new(AtomicBool::new(false));
    let stopper = Stopper { stopping: Arc::clone(&stopping), queue: Arc::clone(&setup.queue) };
    let now = Instant::now();
    let mut keeper = Keeper { setup, stopping, look: now, sweep: now, prune: now, clock: None };
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
        // What was decided last: whoever looks at a stopped or removed service finds it where it belongs.
        if let Err(error) = self.settle() {
            tracing::debug!("the next start moves what is finished: {error}");
        }
    }

    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Does what there is to do; says whether all of it could be done.
    fn round(&mut self) -> Result<bool, Error> {
        let settled = self.settle()?;
        let Setup { queue, ends, .. } = &self.setup;
        queue.keep_back();
        queue.tidy(|| !self.stopping.load(Ordering::Relaxed))?;
        let now = Instant::now();
        if ends.were_taken_back() {
            self.look = self.look.min(now + SOON);
        }
        if self.look <= now {
            self.look = now + LOOK;
            if let Err(error) = ends.look_at_failed() {
                tracing::debug!("a folder for refused files cannot be read: {error}");
            }
        }
        let today = Timestamp::now().as_second();
        let pressing = || {
            let delivered = self.setup.ends.done_folders().into_iter().chain(self.setup.ends.archives());
            delivered
                .into_iter()
                .any(|folder| retention::is_pressing(folder) && self.may_remove(folder, today))
        };
        let is_due = self.sweep <= now;
        if is_due || pressing() {
            self.sweep = now + SWEEP;
            if is_due {
                self.look_at_clock(today)?;
            }
            self.keep_retention(today)?;
        }
        if self.prune <= now && self.is_clock_sure(today) {
            self.prune = now + PRUNE;
            self.setup.queue.prune_known()?;
            self.setup.queue.prune_kept()?;
        }
        Ok(settled)
    }

    fn settle(&self) -> Result<bool, Error> {
        let Setup { queue, ends, status, .. } = &self.setup;
        let mut left: Vec<String> = Vec::new();
        loop {
            let settled = queue.settle(&**ends, BATCH)?;
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

    /// Looks whether the clock has leapt, and remembers what it shows.
    fn look_at_clock(&mut self, now: i64) -> Result<(), Error> {
        let queue = &self.setup.queue;
        let (seen, from) = (queue::CLOCK_SEEN, CLOCK_SURE_FROM);
        let before = match self.clock {
            Some(clock) => clock,
            None => Clock::new(queue.fact(seen)?, queue.fact(from)?),
        };
        let mut clock = before;
        clock.look(now);
        if clock.from > before.from {
            tracing::warn!(
                "the clock has gone ahead by {} days since it was last looked at; if it is right, nothing needs to be \
                 done: no file is removed for its age before {}",
                (now - before.seen.unwrap_or(now)) / 86_400,
                Timestamp::from_second(clock.from).unwrap_or(Timestamp::UNIX_EPOCH)
            );
        }
        if clock.from != before.from {
            queue.remember(from, clock.from)?;
        }
        if let Some(time) = clock.seen.filter(|_| clock.seen != before.seen) {
            queue.remember(seen, time)?;
        }
        self.clock = Some(clock);
        Ok(())
    }

    fn is_clock_sure(&self, now: i64) -> bool {
        self.clock.is_some_and(|clock| clock.is_sure(now))
    }

    fn may_remove(&self, folder: &Path, now: i64) -> bool {
        self.removal_begins(folder, now).is_ok_and(|from| from <= now)
    }

    /// Removes what is over the limits at this time, in seconds since 1970.
    fn keep_retention(&self, now: i64) -> Result<(), Error> {
        let Setup { queue, retention, ends, .. } = &self.setup;
        let go_on = || !self.stopping();
        let of =
            |paths: Vec<&Path>, end: End| paths.into_iter().map(|path| (path.to_path_buf(), end)).collect();
        let folders: [Vec<(PathBuf, End)>; 3] = [
            of(ends.done_folders(), End::Done),
            of(ends.archives(), End::Archive),
            of(ends.failed_folders(), End::Failed),
        ];
        for (path, end) in folders.iter().flatten() {
            let from = self.removal_begins(path, now)?;
            let mut limits = match end {
                End::Failed => Limits::of_refused(retention),
                _ => Limits::of_delivered(retention, path),
            };
            if !self.is_clock_sure(now) {
                limits.days = 0;
            }
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
        match queue.fact(&fact)? {
            Some(from) if from <= now + retention::GRACE => return Ok(from),
            // It was written while the clock was ahead.
            Some(_) => {
                queue.remember(&fact, now + retention::GRACE)?;
                return Ok(now + retention::GRACE);
            }
            None => {}
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
    use crate::disposition;
    use crate::queue::Kept;
    use sha2::{Digest, Sha256};
    use std::fs;

    const DAY: i64 = 86_400;

    fn keeper(queue: Arc<Queue>, dir: &Path, retention: Retention) -> Keeper {
        let mut config = Config::new();
        config.client.data_dir = dir.to_path_buf();
        let ends = Arc::new(Routes::new(&config));
        let setup = Setup { queue, ends, status: Arc::new(Status::new()), retention };
        let now = Instant::now();
        Keeper { setup, stopping: Arc::default(), look: now, sweep: now, prune: now, clock: None }
    }

    /// Fails if: a clock that is years ahead makes all files old at once, over a restart too, or one that has been
    /// so for a week still keeps them; or what was delivered before the clock was set is old when it is.
    #[test]
    fn a_clock_that_leaps_removes_nothing_at_once() {
        const YEARS: i64 = 20 * 365;
        let dir = tempfile::tempdir().unwrap();
        let done = dir.path().join("done");
        fs::create_dir(&done).unwrap();
        let queue = Arc::new(queue::open(dir.path()).unwrap().queue);
        let retention = Retention { done_days: 90, done_gigabytes: 0, failed_days: 0 };
        let today = Timestamp::now().as_second();
        let look = |days: i64| {
            let mut keeper = keeper(Arc::clone(&queue), dir.path(), retention);
            keeper.look_at_clock(today + days * DAY).unwrap();
            keeper.keep_retention(today + days * DAY).unwrap();
            fs::read_dir(&done).unwrap().count()
        };
        look(0);
        fs::write(done.join("a.json"), "x").unwrap();
        let kept = Kept { name: "a.json".into(), size: 1, sha256: Sha256::digest("x").into(), time: today };
        queue.keep_in_mind(&done, &kept).unwrap();
        assert_eq!([YEARS, YEARS + 6, YEARS + 8].map(look), [1, 1, 0]);
        fs::write(done.join("b.json"), "x").unwrap();
        queue.keep_in_mind(&done, &Kept { name: "b.json".into(), time: 0, ..kept }).unwrap();
        assert_eq!([YEARS + 9, YEARS + 16, YEARS + 99].map(look), [1, 1, 1]);
        assert_eq!([YEARS + 106].map(look), [0]);
    }

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
            let mut keeper = keeper(queue, dir.path(), retention);
            let today = Timestamp::now().as_second();
            keeper.look_at_clock(today).unwrap();
            keeper.keep_retention(today).unwrap();
            let reason = format!(
                r#"{{"reason": "r", "what_to_do": "w", "stage": "intake", "file": "b.json", "sha256": "{}"}}"#,
                disposition::hex(&Sha256::digest("x"))
            );
            for (name, content) in
                [("done/a.json", "x"), ("failed/b.json", "x"), ("failed/b.json.reason.json", &reason)]
            {
                fs::write(path(name), content).unwrap();
            }
            let kept =
                Kept { name: "a.json".into(), size: 1, sha256: Sha256::digest("x").into(), time: today };
            keeper.setup.queue.keep_in_mind(&path("done"), &kept).unwrap();
            let mut left = |days: i64| {
                keeper.look_at_clock(today + days * DAY).unwrap();
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
