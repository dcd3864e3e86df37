//! Noticing that the configuration has changed: by events where the system has them, and by looking
//! every few seconds, because files appear by renaming, mounting and on network drives, too.
//!
//! Content decides, not names and times: also that of the token file and of the CA file.

use super::{FileState, Loaded, Sources};
use notify::{RecursiveMode, Watcher};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// How often the sources are read without any event.
const POLL: Duration = Duration::from_secs(5);
/// How long a file is left alone after an event: editors write in several steps.
const SETTLE: Duration = Duration::from_millis(200);

/// Follows the configuration.
pub struct Follower {
    sources: Sources,
    current: Loaded,
    /// What the sources said last, whether it was used or not.
    seen: Loaded,
    touched: Arc<Notify>,
    watcher: Option<(PathBuf, notify::RecommendedWatcher)>,
}

/// What a look at the sources has brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Settings, warnings or what is missing have changed; [`Follower::current`] has them.
    Changed,
    /// The file has become unusable or is gone; the last good settings stay in force.
    Broken(Vec<String>),
    /// Nothing has changed.
    Nothing,
}

impl Follower {
    /// Reads the configuration for the first time and begins to follow it.
    pub fn new(sources: Sources) -> Self {
        let current = sources.load();
        let mut follower = Follower {
            sources,
            seen: current.clone(),
            current,
            touched: Arc::new(Notify::new()),
            watcher: None,
        };
        follower.watch_folder();
        follower
    }

    /// The settings in force.
    pub fn current(&self) -> &Loaded {
        &self.current
    }

    /// Waits until it is worth looking again.
    pub async fn touched(&self) {
        tokio::select! {
            () = self.touched.notified() => tokio::time::sleep(SETTLE).await,
            () = tokio::time::sleep(POLL) => {}
        }
    }

    /// Looks at the sources again.
    pub fn look(&mut self) -> News {
        self.watch_folder();
        let loaded = self.sources.load();
        if loaded == self.seen {
            return News::Nothing;
        }
        self.seen = loaded.clone();
        let errors = match loaded.file {
            FileState::Broken => loaded.errors,
            // Some editors remove a file before they write it again; nobody means the defaults by it.
            FileState::Missing if self.current.file == FileState::Read => {
                let path = loaded.path.display();
                vec![format!("configuration {path}: has disappeared; put it back")]
            }
            _ => {
                self.current = loaded;
                return News::Changed;
            }
        };
        self.enforce(errors)
    }

    /// Without a usable file its last settings stay, but policies hold all the same.
    fn enforce(&mut self, mut errors: Vec<String>) -> News {
        let kept = self.sources.load_without_file(&self.current);
        if (&kept.config, &kept.ca_file) == (&self.current.config, &self.current.ca_file) {
            return News::Broken(errors);
        }
        errors.push("the last usable settings of the file stay in force".to_owned());
        self.current = Loaded { file: self.current.file, errors, ..kept };
        News::Changed
    }

    /// Watches the folder of the file as soon as it exists.
    fn watch_folder(&mut self) {
        let Some(folder) = self.sources.path().parent() else { return };
        if !folder.is_dir() {
            self.watcher = None;
            return;
        }
        if self.watcher.as_ref().is_some_and(|(watched, _)| watched == folder) {
            return;
        }
        let touched = Arc::clone(&self.touched);
        let name = self.sources.path().file_name().map(ToOwned::to_owned);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let ours = event.map_or(true, |event| {
                !event.kind.is_access() && event.paths.iter().any(|path| path.file_name() == name.as_deref())
            });
            if ours {
                touched.notify_one();
            }
        });
        let watcher = watcher.and_then(|mut watcher| {
            watcher.watch(folder, RecursiveMode::NonRecursive)?;
            Ok(watcher)
        });
        match watcher {
            Ok(watcher) => self.watcher = Some((folder.to_path_buf(), watcher)),
            Err(error) => tracing::debug!("{}: no events, looking instead: {error}", folder.display()),
        }
    }
}
