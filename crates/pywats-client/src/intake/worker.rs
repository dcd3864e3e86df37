//! The thread of a watch folder: it looks after the folder itself and, where sub-folders are watched, after those.

use super::site::{Site, TICK};
use super::watch::{Ears, News, Post};
use crate::config::Reports;
use crate::config::watch_folders::WatchFolder;
use crate::disposition::Disposition;
use crate::folder::Folder;
use crate::queue::Queue;
use crate::status::{FolderStatus, Topic};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;
use tokio::sync::Notify;
use wats::Rules;

/// More folders in a watch folder are not watched: each costs a look every other second where the system sends no news.
const MOST: usize = 1000;

/// What the worker works with.
pub struct Setup {
    /// The folder to watch.
    pub folder: WatchFolder,
    /// Folders of the service, which may lie in the watch folder.
    pub own: Vec<PathBuf>,
    /// The largest file that is read, in bytes.
    pub max_bytes: u64,
    /// How long a text that ends too early may rest.
    pub incomplete: std::time::Duration,
    /// How reports are read.
    pub reports: Reports,
    /// How reports are completed.
    pub rules: Rules,
    /// Where reports go.
    pub queue: Arc<Queue>,
    /// Where finished files go.
    pub ends: Arc<Disposition>,
    /// Whether it takes files back that were completed in the failed folder: of those that share one, one does.
    pub looks_after_failed: bool,
    /// Who hears of the folder.
    pub ears: Ears,
    /// Where to tell what happens.
    pub status: FolderStatus,
    /// Wakes the upload when there is something new.
    pub queued: Arc<Notify>,
    /// Whether the worker is to end.
    pub stopping: Arc<AtomicBool>,
}

impl Setup {
    /// Makes the folders that files of this one end in, if they are missing.
    pub(super) fn make_ends(&self) -> io::Result<()> {
        for end in [&self.folder.done, &self.folder.failed] {
            let made = if end.exists() { Ok(()) } else { Folder::create_all(end) };
            made.and_then(|()| Folder::open(end).map(drop)).map_err(|error| {
                io::Error::new(error.kind(), format!("its folder {}: {error}", end.display()))
            })?;
        }
        Ok(())
    }
}

/// A handle to end the worker.
#[derive(Clone, Debug)]
pub struct Stopper {
    stopping: Arc<AtomicBool>,
    news: Sender<(usize, News)>,
}

impl Stopper {
    /// Asks the worker to end after the file it is working on.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        // Wakes it; a worker that has ended does not listen any more.
        drop(self.news.send((0, News::Rescan)));
    }
}

struct Intake {
    setup: Arc<Setup>,
    news: Sender<(usize, News)>,
    /// By number; the watch folder itself is the first.
    sites: BTreeMap<usize, Site>,
    next: usize,
}

/// Prepares the worker; the returned closure is its life. The folder is opened by the worker itself: one whose server
/// does not answer keeps no other waiting.
pub fn prepare(setup: Setup) -> (Stopper, impl FnOnce() + Send) {
    let (news, receiver) = channel();
    let stopper = Stopper { stopping: Arc::clone(&setup.stopping), news: news.clone() };
    let mut intake = Intake { setup: Arc::new(setup), news, sites: BTreeMap::new(), next: 0 };
    // What is watched from here on is there from its first sign of life.
    intake.setup.status.beat();
    (stopper, move || intake.run(&receiver))
}

impl Intake {
    fn run(&mut self, news: &Receiver<(usize, News)>) {
        let setup = Arc::clone(&self.setup);
        self.add(setup.folder.path.clone(), 0, setup.status.clone());
        while !setup.stopping.load(Ordering::Relaxed) {
            setup.status.beat();
            let now = Instant::now();
            let pause = self.sites.values().map(|site| site.pause(now)).min().unwrap_or(TICK);
            if let Ok(item) = news.recv_timeout(pause) {
                self.hear(item);
            }
            // A burst of news is one reason to work, not many.
            news.try_iter().for_each(|item| self.hear(item));
            for site in self.sites.values_mut() {
                setup.status.beat();
                site.turn();
                if setup.stopping.load(Ordering::Relaxed) {
                    break;
                }
            }
            if setup.folder.subfolders {
                self.follow_folders();
            }
        }
        self.sites.values_mut().for_each(Site::commit);
        setup.status.retire();
    }

    fn hear(&mut self, (site, item): (usize, News)) {
        if let Some(site) = self.sites.get_mut(&site) {
            site.hear(item);
        }
    }

    fn add(&mut self, path: PathBuf, depth: usize, status: FolderStatus) {
        let post = Post { worker: self.news.clone(), site: self.next };
        self.sites.insert(self.next, Site::new(&self.setup, path, depth, status, post));
        self.next += 1;
    }

    /// Watches the folders that have come, and gives up those that have gone.
    fn follow_folders(&mut self) {
        let gone: Vec<usize> = self
            .sites
            .iter()
            .filter(|(_, site)| site.depth > 0 && !site.is_there)
            .map(|(number, _)| *number)
            .collect();
        for number in gone {
            if let Some(mut site) = self.sites.remove(&number) {
                site.commit();
                site.status().retire();
            }
        }
        let children = self.sites.values().flat_map(|site| {
            site.children.iter().map(|name| {
                let status = site.status().within(&name.to_string_lossy());
                (site.path().join(name), site.depth + 1, status)
            })
        });
        let is_new = |path: &PathBuf| !self.sites.values().any(|site| site.path() == path);
        let new: Vec<_> = children.filter(|(path, ..)| is_new(path)).collect();
        let room = MOST.saturating_sub(self.sites.len());
        let left = new.len().saturating_sub(room);
        for (path, depth, status) in new.into_iter().take(room) {
            self.add(path, depth, status);
        }
        if left > 0 {
            self.setup.status.note(
                Topic::NotTaken,
                format!(
                    "watch folder {}: {MOST} folders in it are watched, and no more; {left} are not. Remove folders that \
                     are not needed any more, or watch them as folders of their own",
                    self.setup.folder.path.display()
                ),
            );
        }
    }
}
