//! What is known of one watch folder, or of a folder in it.

use super::{About, Area, Place, Status, Topic, Worker};
use crate::config::watch_folders::WatchFolder;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// So many files that are not taken are named.
pub const SHOWN: usize = 10;

/// Reports what concerns one folder; problems and notes of several folders stand beside each other.
#[derive(Clone, Debug)]
pub struct FolderStatus {
    status: Arc<Status>,
    place: Place,
}

/// A watch folder as people see it.
#[derive(Clone, Debug)]
pub struct FolderView {
    /// The folder as it is configured.
    pub folder: WatchFolder,
    /// What keeps it from being watched, or files in it from being taken.
    pub problem: Option<String>,
    /// What people should know of it.
    pub notes: Vec<String>,
    /// How many names of each kind lie in it without being taken.
    pub not_taken: BTreeMap<String, u64>,
    /// Some of those that wait for the rest of their text, by their names in the folder.
    pub incomplete: Vec<String>,
    /// Whether the system sends news of it; else it is looked at every other second.
    pub events: bool,
}

impl Status {
    /// These folders are watched from now on.
    pub fn watches(&self, folders: Vec<WatchFolder>) {
        self.inner().folders = folders;
    }

    /// For what concerns one folder, by its name, or a folder in it, as `ict/monday`.
    pub fn of_folder(self: &Arc<Self>, name: &str) -> FolderStatus {
        FolderStatus { status: Arc::clone(self), place: Place::from(name) }
    }

    /// The folders that are watched.
    pub fn folders(&self) -> Vec<FolderView> {
        let inner = self.inner();
        let view = |folder: &WatchFolder| {
            let is_here = |place: &Place| is_in(place, &folder.name);
            let problems = inner.problems.iter().filter(|((_, place), _)| is_here(place));
            let mut problems: Vec<String> = problems.map(|(_, what)| what.clone()).collect();
            problems.extend(
                inner
                    .silent(super::SILENT)
                    .filter(|place| is_here(place))
                    .map(|place| inner.is_silent(place)),
            );
            let notes = inner.notes.iter().filter(|((_, place), _)| is_here(place));
            let mut not_taken: BTreeMap<String, u64> = BTreeMap::new();
            for (_, kinds) in inner.not_taken.iter().filter(|(place, _)| is_here(place)) {
                for (kind, count) in kinds {
                    *not_taken.entry(kind.clone()).or_default() += count;
                }
            }
            let waiting = inner.incomplete.iter().filter(|(place, _)| is_here(place));
            let incomplete = waiting.flat_map(|(place, names)| {
                let within = place[folder.name.len()..].trim_start_matches('/');
                let path = move |name| if within.is_empty() { name } else { format!("{within}/{name}") };
                names.iter().cloned().map(path)
            });
            FolderView {
                incomplete: incomplete.take(SHOWN).collect(),
                folder: folder.clone(),
                problem: (!problems.is_empty()).then(|| problems.join("; ")),
                notes: notes.map(|(_, what)| what.clone()).collect(),
                not_taken,
                events: !inner.polled.iter().any(is_here),
            }
        };
        inner.folders.iter().map(view).collect()
    }
}

impl FolderView {
    /// As the health endpoints show it; to who must not see reports without what names files and folders.
    pub fn to_json(&self, whole: bool) -> Value {
        let folder = &self.folder;
        if !whole {
            return json!({
                "name": folder.name,
                "problem": self.problem.as_ref().map(|_| "cannot be used as it should"),
                "not_taken": self.not_taken,
                "events": self.events,
                "priority": folder.priority,
            });
        }
        json!({
            "name": folder.name,
            "path": folder.path.to_string_lossy(),
            "problem": self.problem,
            "notes": self.notes,
            "not_taken": self.not_taken,
            "incomplete": self.incomplete,
            "events": self.events,
            "priority": folder.priority,
            "patterns": folder.patterns,
            "subfolders": folder.subfolders,
            "done": folder.done.to_string_lossy(),
            "failed": folder.failed.to_string_lossy(),
            "after_delivery": folder.after_delivery.word(),
        })
    }
}

impl FolderStatus {
    /// The same for a folder in this one.
    pub fn within(&self, name: &str) -> FolderStatus {
        self.status.of_folder(&format!("{}/{name}", self.place))
    }

    /// The status of the whole service.
    pub fn whole(&self) -> &Arc<Status> {
        &self.status
    }

    /// There is a problem; `what` says which and what to do.
    pub fn problem(&self, area: Area, what: impl Into<String>) {
        self.status.problem_of(area, &self.place, what.into());
    }

    /// There is a problem that the log has already, perhaps in other words.
    pub fn revise(&self, area: Area, what: impl Into<String>) {
        self.status.inner().problems.insert((area, Arc::clone(&self.place)), what.into());
    }

    /// There is no problem, or not any more.
    pub fn fine(&self, area: Area) {
        self.status.fine_of(area, &self.place);
    }

    /// Something that people should know; logged when it appears.
    pub fn note(&self, topic: Topic, what: impl Into<String>) {
        self.status.note_of(topic, &self.place, what.into());
    }

    /// What was noted does not hold any more.
    pub fn forget(&self, topic: Topic) {
        self.status.forget_of(topic, &self.place);
    }

    /// Something went wrong that is over already, such as a refused file.
    pub fn incident(&self, what: impl Into<String>, about: About<'_>) {
        self.status.incident_about(what, about);
    }

    /// Sets how many names of each kind lie here without being taken.
    pub fn count_not_taken(&self, kinds: BTreeMap<String, u64>) {
        self.status.inner().not_taken.insert(Arc::clone(&self.place), kinds);
    }

    /// Sets some names of files that wait for the rest of their text; not logged: most get it soon.
    pub fn name_incomplete(&self, names: Vec<String>) {
        let mut inner = self.status.inner();
        match names.is_empty() {
            true => inner.incomplete.remove(&self.place),
            false => inner.incomplete.insert(Arc::clone(&self.place), names),
        };
    }

    /// Whether the system sends news of the folder.
    pub fn hears(&self, events: bool) {
        let mut inner = self.status.inner();
        match events {
            true => inner.polled.remove(&self.place),
            false => inner.polled.insert(Arc::clone(&self.place)),
        };
    }

    /// The worker of the folder is alive.
    pub fn beat(&self) {
        self.status.inner().beats.insert((Worker::Intake, Arc::clone(&self.place)), Instant::now());
    }

    /// The folder is not watched any more: what was said of it does not count.
    pub fn retire(&self) {
        let mut inner = self.status.inner();
        let is_here = |place: &Place| is_in(place, &self.place);
        inner.problems.retain(|(_, place), _| !is_here(place));
        inner.notes.retain(|(_, place), _| !is_here(place));
        inner.not_taken.retain(|place, _| !is_here(place));
        inner.incomplete.retain(|place, _| !is_here(place));
        inner.polled.retain(|place| !is_here(place));
        inner.beats.retain(|(_, place), _| !is_here(place));
    }
}

/// Whether a place is this folder, or in it.
pub(super) fn is_in(place: &str, folder: &str) -> bool {
    place.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::config::watch_folders;
    use std::time::Duration;

    fn status() -> Arc<Status> {
        let status = Arc::new(Status::new());
        let mut config = Config::new();
        let path = |name: &str| if cfg!(windows) { format!(r"C:\{name}") } else { format!("/{name}") };
        let rows = json!([{ "name": "a", "path": path("a") }, { "name": "ab", "path": path("ab") }]);
        config.folders = watch_folders::read(&rows).unwrap();
        status.watches(config.watch_folders());
        status
    }

    /// Fails if: the trouble of one folder hides that of another, or shows at another one, or stays when it is over.
    #[test]
    fn each_folder_has_its_own() {
        let status = status();
        let (a, ab, sub) = (status.of_folder("a"), status.of_folder("ab"), status.of_folder("a").within("x"));
        a.problem(Area::Watch, "one");
        ab.problem(Area::Watch, "two");
        sub.note(Topic::Events, "three");
        sub.count_not_taken([("*.xml".to_owned(), 2)].into());
        a.count_not_taken([("*.xml".to_owned(), 1)].into());
        ab.hears(false);
        sub.name_incomplete(vec!["cut.json".to_owned()]);
        a.name_incomplete(vec!["empty.json".to_owned()]);
        let named: Vec<_> = status.folders().into_iter().map(|view| view.incomplete.join(" ")).collect();
        assert_eq!(named, ["", "empty.json x/cut.json", ""]);
        let shown = |status: &Status| -> Vec<_> {
            let views = status.folders().into_iter();
            views
                .map(|view| {
                    (
                        view.folder.name,
                        view.problem,
                        view.notes.len(),
                        view.not_taken.values().sum::<u64>(),
                        view.events,
                    )
                })
                .collect()
        };
        let expected = vec![
            ("default".to_owned(), None, 0, 0, true),
            ("a".to_owned(), Some("one".to_owned()), 1, 3, true),
            ("ab".to_owned(), Some("two".to_owned()), 0, 0, false),
        ];
        assert_eq!(shown(&status), expected);
        assert_eq!(status.problems()[&Area::Watch], "one; two");
        assert_eq!(status.not_taken()["*.xml"], 3);
        ab.fine(Area::Watch);
        assert_eq!(status.problems()[&Area::Watch], "one");
        a.retire();
        assert!(status.folders().iter().all(|view| view.incomplete.is_empty()));
        assert!(status.problems().is_empty() && status.notes().is_empty() && status.not_taken().is_empty());
    }

    /// Fails if: a folder that does not answer counts as a hanging service while others are at work.
    #[test]
    fn one_silent_folder_is_no_hanging_service() {
        let status = status();
        let limit = Duration::from_millis(20);
        status.of_folder("a").beat();
        std::thread::sleep(limit * 2);
        status.of_folder("ab").beat();
        assert_eq!(status.hung(limit), None);
        std::thread::sleep(limit * 2);
        assert_eq!(status.hung(limit), Some(Worker::Intake));
    }
}
