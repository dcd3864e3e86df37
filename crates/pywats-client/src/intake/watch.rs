//! What the operating system says about the watched folders.

use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// News of the watch folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A name has appeared; what stands behind it may still be written.
    Appeared(OsString),
    /// A file is being written.
    Written(OsString),
    /// The writer of a file has closed it, or it was moved here.
    Closed(OsString),
    /// Some news were lost, or this system does not tell which file: look at everything.
    Rescan,
}

/// Where the news of one folder go: to the worker, with the number of the folder.
#[derive(Clone, Debug)]
pub struct Post {
    /// The worker.
    pub worker: Sender<(usize, News)>,
    /// Which of its folders it is.
    pub site: usize,
}

impl Post {
    /// Sends it; the worker may have ended first.
    pub fn send(&self, news: News) {
        drop(self.worker.send((self.site, news)));
    }
}

/// Hears of all watched folders. The system gives an account only so many instances of what tells the news, so all
/// folders share one.
#[derive(Clone, Default)]
pub struct Ears {
    watcher: Arc<Mutex<Option<RecommendedWatcher>>>,
    posts: Arc<Mutex<HashMap<PathBuf, Post>>>,
}

/// Ends the hearing of a folder when it is dropped.
pub struct Hearing {
    ears: Ears,
    folder: PathBuf,
}

impl Ears {
    /// Sends news of a folder until what is returned is dropped.
    ///
    /// # Errors
    /// If the system cannot watch it; the text says why and what to do.
    pub fn hear(&self, folder: &Path, post: Post) -> Result<Hearing, String> {
        lock(&self.posts).insert(folder.to_path_buf(), post);
        // From here on its end is heard, too.
        let hearing = Hearing { ears: self.clone(), folder: folder.to_path_buf() };
        let mut watcher = lock(&self.watcher);
        if watcher.is_none() {
            let posts = Arc::clone(&self.posts);
            let made = notify::recommended_watcher(move |event| distribute(&lock(&posts), event));
            *watcher = Some(made.map_err(|error| explain(&error))?);
        }
        if let Some(watcher) = &mut *watcher {
            watcher.watch(folder, RecursiveMode::NonRecursive).map_err(|error| explain(&error))?;
        }
        Ok(hearing)
    }
}

impl Drop for Hearing {
    fn drop(&mut self) {
        lock(&self.ears.posts).remove(&self.folder);
        if let Some(watcher) = &mut *lock(&self.ears.watcher) {
            // A folder that is gone is not watched any more.
            drop(watcher.unwatch(&self.folder));
        }
    }
}

impl fmt::Debug for Hearing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hearing({})", self.folder.display())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sends what happened to the folders that it concerns.
fn distribute(posts: &HashMap<PathBuf, Post>, event: notify::Result<Event>) {
    let everywhere = || posts.values().for_each(|post| post.send(News::Rescan));
    let Ok(event) = event else { return everywhere() };
    let news = translate(&event);
    if news == [News::Rescan] && event.paths.is_empty() {
        return everywhere();
    }
    for path in &event.paths {
        // What concerns the folder itself comes with its own path.
        let post = path.parent().and_then(|folder| posts.get(folder)).or_else(|| posts.get(path));
        let Some(post) = post else { continue };
        let named = |item: &&News| match item {
            News::Appeared(name) | News::Written(name) | News::Closed(name) => path.file_name() == Some(name),
            News::Rescan => true,
        };
        if let Some(item) = news.iter().find(named) {
            post.send(item.clone());
        }
    }
}

/// Which limit of the system is reached, and how to raise it.
fn explain(error: &notify::Error) -> String {
    // An instance is what a program has, a watch is what it has for each folder; see inotify(7).
    let setting = match &error.kind {
        notify::ErrorKind::MaxFilesWatch => "max_user_watches",
        notify::ErrorKind::Io(io) if cfg!(target_os = "linux") && is_too_many(io) => "max_user_instances",
        _ => return error.to_string(),
    };
    let limit = std::fs::read_to_string(format!("/proc/sys/fs/inotify/{setting}"));
    let limit = limit.ok().and_then(|text| text.trim().parse::<u64>().ok()).unwrap_or(128);
    format!(
        "the limit fs.inotify.{setting} ({limit}) is reached by this and other programs of the account; raise it with \
         'sysctl -w fs.inotify.{setting}={}', and write that setting into a file in /etc/sysctl.d to keep it",
        limit.saturating_mul(4).max(1024)
    )
}

fn is_too_many(error: &std::io::Error) -> bool {
    #[cfg(unix)]
    return error.raw_os_error() == Some(libc::EMFILE);
    #[cfg(not(unix))]
    {
        let _ = error;
        false
    }
}

fn translate(event: &Event) -> Vec<News> {
    if event.need_rescan() {
        return vec![News::Rescan];
    }
    let news: fn(OsString) -> News = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write))
        | EventKind::Modify(ModifyKind::Name(RenameMode::To)) => News::Closed,
        EventKind::Create(_) => News::Appeared,
        EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Any) => News::Written,
        // What leaves the folder, mostly moved by ourselves, needs no look.
        EventKind::Modify(ModifyKind::Name(RenameMode::From | RenameMode::Both)) => return Vec::new(),
        EventKind::Modify(ModifyKind::Name(_)) | EventKind::Any => return vec![News::Rescan],
        _ => return Vec::new(),
    };
    event.paths.iter().filter_map(|path| path.file_name()).map(OsStr::to_owned).map(news).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};
    use std::io::Write;
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    fn wait_for(news: &Receiver<(usize, News)>, wanted: &News) {
        while news.recv_timeout(Duration::from_secs(5)).expect("news in time").1 != *wanted {}
    }

    /// Fails if: a limit of the system is not named, or not the one that is reached.
    #[test]
    #[cfg(target_os = "linux")]
    fn limits_are_named() {
        let io = |code| notify::ErrorKind::Io(std::io::Error::from_raw_os_error(code));
        for (kind, part) in [
            (notify::ErrorKind::MaxFilesWatch, "sysctl -w fs.inotify.max_user_watches="),
            (io(libc::EMFILE), "sysctl -w fs.inotify.max_user_instances="),
            (io(libc::EACCES), "denied"),
        ] {
            let text = explain(&notify::Error::new(kind));
            assert!(text.contains(part), "{text}");
        }
    }

    /// Fails if: the closing of a file, or a file moved into the folder, is not told; or what leaves
    /// the folder makes the worker look at everything.
    #[test]
    #[cfg_attr(not(target_os = "linux"), ignore = "only Linux tells that a file was closed")]
    fn tells_of_closed_and_moved_files() {
        let dir = tempfile::tempdir().unwrap();
        let (sender, news) = channel();
        let outside = tempfile::tempdir().unwrap();
        let ears = Ears::default();
        let _hearing = ears.hear(dir.path(), Post { worker: sender.clone(), site: 0 }).unwrap();
        let mut file = File::create(dir.path().join("a.json")).unwrap();
        file.write_all(b"{}").unwrap();
        wait_for(&news, &News::Written("a.json".into()));
        drop(file);
        wait_for(&news, &News::Closed("a.json".into()));
        fs::write(outside.path().join("b.json"), "{}").unwrap();
        fs::rename(outside.path().join("b.json"), dir.path().join("b.json")).unwrap();
        wait_for(&news, &News::Closed("b.json".into()));
        fs::rename(dir.path().join("b.json"), outside.path().join("b.json")).unwrap();
        fs::write(dir.path().join("c.json"), "{}").unwrap();
        let mut last = News::Written("c.json".into());
        while last != News::Closed("c.json".into()) {
            last = news.recv_timeout(Duration::from_secs(5)).unwrap().1;
            assert_ne!(last, News::Rescan);
        }
        let other = ears.hear(outside.path(), Post { worker: sender, site: 1 }).unwrap();
        fs::write(outside.path().join("d.json"), "{}").unwrap();
        let closed = News::Closed("d.json".into());
        let of = loop {
            let (site, item) = news.recv_timeout(Duration::from_secs(5)).unwrap();
            if item == closed {
                break site;
            }
        };
        assert_eq!(of, 1, "each folder has its own news");
        drop(other);
        fs::write(outside.path().join("e.json"), "{}").unwrap();
        fs::write(dir.path().join("f.json"), "{}").unwrap();
        loop {
            let (site, item) = news.recv_timeout(Duration::from_secs(5)).unwrap();
            assert_ne!((site, &item), (1, &News::Closed("e.json".into())), "nobody listens there any more");
            if item == News::Closed("f.json".into()) {
                break;
            }
        }
    }
}
