//! The watch folder, open, with the news of it that the system sends. Where it sends none, the folder is
//! looked at more often, and people are told why.

use super::watch::{Ears, Hearing, Post};
use crate::config::watch_folders::Look;
use crate::folder::{Claim, Folder};
use crate::status::{FolderStatus, Topic};
use std::io;
use std::path::Path;
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
    /// Dropping it ends the hearing; none if the system refuses, or is not to be asked.
    hearing: Option<Hearing>,
    /// Whether the system is asked for news.
    asks: bool,
    /// When a watch that was refused is tried again.
    next_try: Instant,
    /// Keeps other services away.
    _claim: Claim,
}

/// What watching needs.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    /// Who hears of the folder.
    pub ears: &'a Ears,
    /// Where the news go.
    pub post: &'a Post,
    /// How the folder is looked at.
    pub look: Look,
    /// Where to tell what does not work.
    pub status: &'a FolderStatus,
}

impl Watched {
    /// Watches a folder.
    ///
    /// # Errors
    /// If another service watches it.
    pub fn new(folder: Folder, means: Means<'_>, now: Instant) -> io::Result<Self> {
        let claim = folder.claim_for_watching().map_err(|refused| refused.to_error())?;
        let asks = match means.look {
            Look::Events => true,
            Look::Polling => false,
            // A kqueue of macOS opens each file; and nobody tells what another machine does to a share.
            Look::Auto => !cfg!(target_os = "macos") && !folder.is_remote(),
        };
        let hearing = if asks { start(folder.path(), means) } else { None };
        means.status.hears(hearing.is_some());
        Ok(Watched { folder, honest: None, hearing, asks, next_try: now + RESCAN, _claim: claim })
    }

    /// Whether the path still leads to this folder. A watch that was refused is tried again now and then.
    ///
    /// # Errors
    /// If the path leads to no folder that can be used; what was open is given back with the error.
    pub fn is_still_there(&mut self, means: Means<'_>, now: Instant) -> io::Result<bool> {
        if !Folder::open(self.folder.path())?.same_as(&self.folder) {
            return Ok(false);
        }
        if self.asks && self.hearing.is_none() && self.next_try <= now {
            self.hearing = start(self.folder.path(), means);
            self.next_try = now + RESCAN;
            means.status.hears(self.hearing.is_some());
        }
        Ok(true)
    }

    /// How long to wait until everything is looked at again.
    pub fn pace(&self) -> Duration {
        if self.hearing.is_some() { RESCAN } else { PACE }
    }
}

fn start(folder: &Path, means: Means<'_>) -> Option<Hearing> {
    match means.ears.hear(folder, means.post.clone()) {
        Ok(hearing) => {
            means.status.forget(Topic::Events);
            Some(hearing)
        }
        Err(why) => {
            means.status.note(
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
