//! The thread that takes files: it hears of them, looks at everything now and then, and comes back to
//! files that were not ready.

use super::is_report_name;
use super::readiness::History;
use super::take::{Outcome, Taker};
use super::watch::{News, watch};
use crate::disposition::Disposition;
use crate::folder::{Folder, Kind};
use crate::queue::Queue;
use crate::status::{Area, Status, Worker};
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// How often everything is looked at: events can get lost.
const RESCAN: Duration = Duration::from_secs(30);
/// How often a file or a disk that refused is tried again.
const RETRY: Duration = Duration::from_secs(10);
/// The longest time without a sign of life.
const TICK: Duration = Duration::from_secs(1);

/// What the worker works with.
pub struct Setup {
    /// The folder to watch.
    pub folder: PathBuf,
    /// The largest file that is read, in bytes.
    pub max_bytes: u64,
    /// Where reports go.
    pub queue: Arc<Queue>,
    /// Where unusable files go.
    pub disposition: Arc<Disposition>,
    /// Where to tell what happens.
    pub status: Arc<Status>,
    /// Wakes the upload when there is something new.
    pub queued: Arc<Notify>,
}

/// A handle to end the worker.
#[derive(Clone, Debug)]
pub struct Stopper {
    stopping: Arc<AtomicBool>,
    news: Sender<News>,
}

impl Stopper {
    /// Asks the worker to end after the file it is working on.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        // Wakes it; a worker that has ended does not listen any more.
        drop(self.news.send(News::Rescan));
    }
}

/// A file that could not be taken yet.
struct Open {
    history: History,
    due: Instant,
    /// What to tell people if it is more than a short wait.
    trouble: Option<String>,
}

struct Intake {
    setup: Setup,
    stopping: Arc<AtomicBool>,
    news: Sender<News>,
    /// Dropping the watcher ends the watch.
    watched: Option<(Folder, notify::RecommendedWatcher)>,
    open: HashMap<OsString, Open>,
    next_scan: Instant,
}

/// Opens and watches the folder and prepares the worker; the returned closure is its life.
///
/// # Errors
/// If the folder cannot be opened or watched.
pub fn prepare(setup: Setup) -> io::Result<(Stopper, impl FnOnce() + Send)> {
    let (sender, receiver) = channel();
    let stopping = Arc::new(AtomicBool::new(false));
    let mut intake = Intake {
        setup,
        stopping: Arc::clone(&stopping),
        news: sender.clone(),
        watched: None,
        open: HashMap::new(),
        next_scan: Instant::now(),
    };
    intake.open_folder()?;
    Ok((Stopper { stopping, news: sender }, move || intake.run(&receiver)))
}

impl Intake {
    fn run(mut self, news: &Receiver<News>) {
        while !self.stopping() {
            self.setup.status.beat(Worker::Intake);
            let due = self.open.values().map(|open| open.due).chain([self.next_scan]).min();
            let pause = due.map_or(TICK, |due| due.saturating_duration_since(Instant::now()).min(TICK));
            if let Ok(item) = news.recv_timeout(pause) {
                self.hear(item);
            }
            // A burst of news is one reason to work, not many.
            news.try_iter().for_each(|item| self.hear(item));
            if self.next_scan <= Instant::now() {
                self.scan();
            }
            self.work_on_due_files();
        }
        self.setup.status.retired(Worker::Intake);
    }

    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    fn hear(&mut self, news: News) {
        let now = Instant::now();
        match news {
            News::Closed(name) if is_report_name(&name) => {
                let open = self.open.entry(name).or_insert_with(|| Open::new(now));
                open.due = now;
                open.history.closed();
            }
            News::Written(name) if is_report_name(&name) => {
                if let Some(open) = self.open.get_mut(&name) {
                    open.history.written();
                } else if !cfg!(target_os = "linux") {
                    // Here nobody tells of the closing; the file is looked at until it rests.
                    self.open.insert(name, Open::new(now));
                }
            }
            News::Rescan => self.next_scan = now,
            _ => {}
        }
    }

    fn open_folder(&mut self) -> io::Result<()> {
        let folder = Folder::open(&self.setup.folder)?;
        if self.watched.as_ref().is_some_and(|(watched, _)| watched.same_as(&folder)) {
            return Ok(());
        }
        self.watched = None;
        let watcher = watch(&self.setup.folder, self.news.clone()).map_err(io::Error::other)?;
        self.watched = Some((folder, watcher));
        Ok(())
    }

    /// Looks at every name in the folder; the oldest files come first.
    fn scan(&mut self) {
        let now = Instant::now();
        self.next_scan = now + RESCAN;
        let names = self.open_folder().and_then(|()| match &self.watched {
            Some((folder, _)) => list(folder),
            None => Ok(Vec::new()),
        });
        match names {
            Ok(names) => {
                self.setup.status.fine(Area::Watch);
                let names: HashSet<OsString> = names.into_iter().collect();
                self.open.retain(|name, _| names.contains(name));
                for name in names {
                    self.open.entry(name).or_insert_with(|| Open::new(now)).due = now;
                }
            }
            Err(error) => {
                self.watched = None;
                self.next_scan = now + RETRY;
                let folder = self.setup.folder.display();
                self.setup.status.problem(
                    Area::Watch,
                    format!("watch folder {folder}: {error}; create it and let the service's account use it"),
                );
            }
        }
    }

    fn work_on_due_files(&mut self) {
        let Some((folder, _)) = &self.watched else { return };
        let Setup { queue, disposition, status, queued, max_bytes, .. } = &self.setup;
        let taker = Taker { watch: folder, queue, disposition, max_bytes: *max_bytes };
        let now = Instant::now();
        let mut due: Vec<OsString> =
            self.open.iter().filter(|(_, open)| open.due <= now).map(|(name, _)| name.clone()).collect();
        due.sort_by_cached_key(|name| oldest_first(folder, name));
        for name in due {
            if self.stopping.load(Ordering::Relaxed) {
                return;
            }
            status.beat(Worker::Intake);
            let Some(open) = self.open.get_mut(&name) else { continue };
            let outcome = taker.take(&name, &mut open.history, Instant::now());
            if let Outcome::Queued(_) = outcome {
                queued.notify_one();
            }
            let storage_failed = matches!(outcome, Outcome::Storage(_));
            if open.judge(folder, &name, outcome, status) == Further::Nothing {
                self.open.remove(&name);
            }
            if storage_failed {
                // Nothing else will fare better; try all of them again later.
                let later = Instant::now() + RETRY;
                self.open.values_mut().for_each(|open| open.due = open.due.max(later));
                break;
            }
        }
        self.tell_trouble();
    }

    /// Files that stay where they are, as one problem: a list would be too long to read.
    fn tell_trouble(&self) {
        if self.open.is_empty() {
            self.setup.status.fine(Area::Storage);
        }
        let mut troubles: Vec<&str> = self.open.values().filter_map(|open| open.trouble.as_deref()).collect();
        troubles.sort_unstable();
        match troubles.as_slice() {
            [] => self.setup.status.fine(Area::Files),
            [one] => self.setup.status.problem(Area::Files, *one),
            [first, rest @ ..] => {
                self.setup.status.problem(Area::Files, format!("{first} (and {} more files)", rest.len()));
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Further {
    Nothing,
    LookAgain,
}

impl Open {
    fn new(now: Instant) -> Self {
        Open { history: History::new(now), due: now, trouble: None }
    }

    /// Draws the conclusions from a look at the file.
    fn judge(&mut self, folder: &Folder, name: &OsStr, outcome: Outcome, status: &Status) -> Further {
        // Quoted as Rust does: a name may hold anything, line breaks too.
        let file = format!("{:?}", folder.path().join(name));
        let mut wait = |time: Duration, trouble: Option<String>| {
            self.due = Instant::now() + time;
            self.trouble = trouble;
            Further::LookAgain
        };
        match outcome {
            Outcome::Queued(id) => {
                status.fine(Area::Storage);
                tracing::info!("{file}: queued as {id}");
                Further::Nothing
            }
            Outcome::Known | Outcome::Gone => Further::Nothing,
            Outcome::Failed(reason) => {
                status.incident(format!("{file}: moved to the failed folder: {reason}"));
                Further::Nothing
            }
            Outcome::Later(time) => wait(time, None),
            Outcome::Foreign("a folder") => wait(RESCAN, None),
            Outcome::Foreign(what) => wait(
                RESCAN,
                Some(format!(
                    "{file}: is {what} and is not opened; put the report itself into the watch folder"
                )),
            ),
            Outcome::Unreadable(error) => wait(
                RETRY,
                Some(format!("{file}: cannot be read: {error}; let the service's account read it")),
            ),
            Outcome::Storage(error) => {
                status.problem(Area::Storage, format!("the queue cannot be written: {error}"));
                wait(RETRY, None)
            }
            Outcome::Stuck(error) => wait(RETRY, Some(format!("{file}: unusable, but stays: {error}"))),
        }
    }
}

fn list(folder: &Folder) -> io::Result<Vec<OsString>> {
    let mut names = folder.names()?;
    names.retain(|name| is_report_name(name));
    Ok(names)
}

fn oldest_first(folder: &Folder, name: &OsStr) -> (i64, OsString) {
    let modified = match folder.look(name) {
        Ok(Some(Kind::Plain(identity))) => identity.modified_ns,
        _ => i64::MAX,
    };
    (modified, name.to_owned())
}
