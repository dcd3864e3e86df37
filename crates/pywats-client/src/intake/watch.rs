//! What the operating system says about the watch folder.

use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::mpsc::Sender;

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

/// Sends news of a folder until the returned watcher is dropped.
///
/// # Errors
/// If the system cannot watch it; the text says why and what to do.
pub fn watch(folder: &Path, news: Sender<News>) -> Result<RecommendedWatcher, String> {
    let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        for item in event.map_or_else(|_| vec![News::Rescan], |event| translate(&event)) {
            // The worker may have ended first.
            drop(news.send(item));
        }
    });
    let watched = watcher.and_then(|mut watcher| {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    });
    watched.map_err(|error| explain(&error))
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

    fn wait_for(news: &Receiver<News>, wanted: &News) {
        while news.recv_timeout(Duration::from_secs(5)).expect("news in time") != *wanted {}
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
        let _watcher = watch(dir.path(), sender).unwrap();
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
            last = news.recv_timeout(Duration::from_secs(5)).unwrap();
            assert_ne!(last, News::Rescan);
        }
    }
}
