//! The watch folder, open, with the news of it that the system sends. Where it sends none, the folder is
//! looked at more often, and people are told why.

use super::watch::{News, watch};
use crate::folder::Folder;
use crate::status::{Status, Topic};
use std::io;
use std::path::Path;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

/// How often everything is looked at: events can get lost.
pub const RESCAN: Duration = Duration::from_secs(30);
/// How often where the system sends no events.
const PACE: Duration = Duration::from_secs(2);

/// See the module.
#[derive(Debug)]
pub struct Watched {
    /// The folder.
    pub folder: Folder,
    /// Whether the file system is believed when it says that somebody writes, once that was asked.
    pub honest: Option<bool>,
    /// Dropping it ends the watch; none if the system refuses.
    watcher: Option<notify::RecommendedWatcher>,
    /// When a watch that was refused is tried again.
    next_try: Instant,
}

impl Watched {
    /// Watches a folder.
    pub fn new(folder: Folder, news: &Sender<News>, status: &Status, now: Instant) -> Self {
        let watcher = start(folder.path(), news, status);
        Watched { folder, honest: None, watcher, next_try: now + RESCAN }
    }

    /// Whether the path still leads to this folder. A watch that was refused is tried again now and then.
    ///
    /// # Errors
    /// If the path leads to no folder that can be used; what was open is given back with the error.
    pub fn is_still_there(&mut self, news: &Sender<News>, status: &Status, now: Instant) -> io::Result<bool> {
        if !Folder::open(self.folder.path())?.same_as(&self.folder) {
            return Ok(false);
        }
        if self.watcher.is_none() && self.next_try <= now {
            self.watcher = start(self.folder.path(), news, status);
            self.next_try = now + RESCAN;
        }
        Ok(true)
    }

    /// How long to wait until everything is looked at again.
    pub fn pace(&self) -> Duration {
        if self.watcher.is_some() { RESCAN } else { PACE }
    }
}

fn start(folder: &Path, news: &Sender<News>, status: &Status) -> Option<notify::RecommendedWatcher> {
    match watch(folder, news.clone()) {
        Ok(watcher) => {
            status.forget(Topic::Events);
            Some(watcher)
        }
        Err(why) => {
            status.note(
                Topic::Events,
                format!(
                    "watch folder {}: the system sends no news of it, so it is looked at every {} seconds: {why}",
                    folder.display(),
                    PACE.as_secs()
                ),
            );
            None
        }
    }
}
