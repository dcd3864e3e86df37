//! Which folders the files of a watch folder end in. Each watch folder may have ends of its own; several may share them.

use super::{Census, Disposition};
use crate::archive::Archive;
use crate::config::watch_folders::WatchFolder;
use crate::config::{AfterDelivery, Config};
use crate::folder::Folder;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Says where the files of a folder end.
pub trait Ends {
    /// The ends of files that were in this folder.
    fn of(&self, folder: &Path) -> &Disposition;
}

/// One for all.
impl Ends for Disposition {
    fn of(&self, _folder: &Path) -> &Disposition {
        self
    }
}

/// The ends of all watch folders.
#[derive(Debug)]
pub struct Routes {
    /// The folder that is watched, and its ends; the default one first. Each is there once more by its name: nothing
    /// else is known of a report whose row was lost, until it is judged again.
    routes: Vec<(PathBuf, Arc<Disposition>)>,
    census: Arc<Mutex<Census>>,
    /// Whether files were taken out of a folder for refused files.
    taken_back: AtomicBool,
}

impl Routes {
    /// Those of a configuration.
    pub fn new(config: &Config) -> Self {
        Routes::of_folders(&config.watch_folders())
    }

    /// Those of these folders, the default one first.
    pub fn of_folders(folders: &[WatchFolder]) -> Self {
        let census: Arc<Mutex<Census>> = Arc::default();
        // Whoever chooses a free name in a folder does so alone, whatever else goes on.
        let mut locks: BTreeMap<PathBuf, Arc<Mutex<()>>> = BTreeMap::new();
        let mut lock = |path: &Path| Arc::clone(locks.entry(path.to_path_buf()).or_default());
        let routes = folders.iter().flat_map(|folder| {
            let ends = Disposition {
                delete: folder.after_delivery == AfterDelivery::Delete,
                archive: (folder.after_delivery == AfterDelivery::Archive)
                    .then(|| Archive::new(folder.archive.clone())),
                census: Arc::clone(&census),
                choosing_done: lock(&folder.done),
                choosing_failed: lock(&folder.failed),
                ..Disposition::new(folder.done.clone(), folder.failed.clone())
            };
            let ends = Arc::new(ends);
            [(folder.path.clone(), Arc::clone(&ends)), (PathBuf::from(&folder.name), ends)]
        });
        Routes { routes: routes.collect(), census, taken_back: AtomicBool::new(false) }
    }

    /// Those of the watch folder that has, or had, this folder in it. What is not watched any more ends where the
    /// files of the default folder do.
    pub fn shared(&self, folder: &Path) -> &Arc<Disposition> {
        let within = self.routes.iter().filter(|(path, _)| folder.starts_with(path));
        let innermost = within.max_by_key(|(path, _)| path.components().count());
        &innermost.unwrap_or(&self.routes[0]).1
    }

    /// What lies in all folders for refused files.
    pub fn census(&self) -> Arc<Mutex<Census>> {
        Arc::clone(&self.census)
    }

    /// Looks into the folders for refused files, where people remove and correct files.
    ///
    /// # Errors
    /// If one cannot be read; the others are counted.
    pub fn look_at_failed(&self) -> io::Result<()> {
        let mut all = Census::default();
        let mut result = Ok(());
        for path in self.failed_folders() {
            match Folder::open(path).and_then(|folder| Census::of(&folder)) {
                Ok(census) => all.add(census),
                // A folder that nothing was moved to yet.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => result = Err(error),
            }
        }
        *self.census.lock().unwrap_or_else(PoisonError::into_inner) = all;
        result
    }

    /// Files were taken out of a folder for refused files: they are counted now, and once more when
    /// [`Routes::were_taken_back`] is asked, because some may be refused again during the first count.
    ///
    /// # Errors
    /// If a folder cannot be read; the others are counted.
    pub fn taken_back(&self) -> io::Result<()> {
        self.taken_back.store(true, Ordering::Relaxed);
        self.look_at_failed()
    }

    /// Whether files were taken back since this was asked last.
    pub fn were_taken_back(&self) -> bool {
        self.taken_back.swap(false, Ordering::Relaxed)
    }

    /// The folders for delivered files, those too that get none any more.
    pub fn done_folders(&self) -> Vec<&Path> {
        distinct(self.dispositions().map(|ends| ends.done.as_path()))
    }

    /// The folders for refused files.
    pub fn failed_folders(&self) -> Vec<&Path> {
        distinct(self.dispositions().map(|ends| ends.failed.as_path()))
    }

    /// The archives.
    pub fn archives(&self) -> Vec<&Path> {
        distinct(self.dispositions().filter_map(|ends| ends.archive.as_ref()).map(Archive::folder))
    }

    fn dispositions(&self) -> impl Iterator<Item = &Arc<Disposition>> {
        self.routes.iter().map(|(_, ends)| ends)
    }
}

impl Ends for Routes {
    fn of(&self, folder: &Path) -> &Disposition {
        self.shared(folder)
    }
}

fn distinct<'a>(paths: impl Iterator<Item = &'a Path>) -> Vec<&'a Path> {
    let mut all: Vec<&Path> = Vec::new();
    for path in paths {
        if !all.contains(&path) {
            all.push(path);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::watch_folders;
    use serde_json::json;

    /// Fails if: a report ends in the folders of another watch folder, or one whose folder is not watched any more
    /// nowhere.
    #[test]
    fn the_innermost_folder_counts() {
        let full = |path: &str| if cfg!(windows) { format!(r"C:\{path}") } else { format!("/{path}") };
        let mut config = Config::new();
        config.client.data_dir = full("d").into();
        config.folders = watch_folders::read(&json!([
            { "name": "a", "path": full("a"), "done_folder": full("a-done") },
            { "name": "b", "path": full("a/b"), "after_delivery": "archive", "archive_folder": full("b-archive") },
            { "name": "c", "path": full("c"), "after_delivery": "delete", "failed_folder": full("c-failed") },
        ]))
        .unwrap();
        let routes = Routes::new(&config);
        assert_eq!(routes.of(Path::new("a")).done, Path::new(&full("a-done")), "by its name");
        assert_eq!(routes.of(Path::new("")).done, Path::new(&full("d/done")), "the default one");
        for (folder, done) in [("a", "a-done"), ("a/sub", "a-done"), ("ab", "d/done"), ("gone", "d/done")] {
            assert_eq!(routes.of(Path::new(&full(folder))).done, Path::new(&full(done)), "{folder}");
        }
        assert!(routes.of(Path::new(&full("a/b/x"))).archive.is_some());
        assert!(routes.of(Path::new(&full("c"))).delete);
        let paths = |paths: &[&str]| paths.iter().map(|path| PathBuf::from(full(path))).collect::<Vec<_>>();
        assert_eq!(routes.done_folders(), paths(&["d/done", "a-done"]));
        assert_eq!(routes.failed_folders(), paths(&["d/failed", "c-failed"]));
        assert_eq!(routes.archives(), paths(&["b-archive"]));
    }
}
