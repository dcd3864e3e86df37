//! Whose reports are sent first. The classes follow from the configuration and the folder that a report came from, so
//! that another priority counts at once, for what waits already, too.

use super::rows::blob_to_text;
use super::{Queue, lock};
use crate::config::watch_folders::WatchFolder;
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// The classes in force. The first is sent first.
#[derive(Clone, Debug, Default)]
pub(super) struct Classes(Arc<RwLock<Table>>);

#[derive(Debug, Default)]
struct Table {
    /// Watch folders, those in others first, with their names and classes.
    folders: Vec<(PathBuf, PathBuf, usize)>,
    /// That of reports whose folder is not watched any more.
    default: usize,
    count: usize,
}

impl Classes {
    /// Teaches the database the function `class(folder)`.
    pub(super) fn teach(&self, connection: &Connection) -> Result<(), rusqlite::Error> {
        let classes = self.clone();
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
        connection.create_scalar_function("class", 1, flags, move |context| {
            let folder = context.get_raw(0).as_blob().map(blob_to_text).unwrap_or_default();
            Ok(i64::try_from(classes.of(Path::new(&folder))).unwrap_or(i64::MAX))
        })
    }

    fn of(&self, folder: &Path) -> usize {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let within = table.folders.iter().find(|(path, name, _)| folder.starts_with(path) || folder == name);
        within.map_or(table.default, |(.., class)| *class)
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).count.max(1)
    }
}

impl Queue {
    /// Lets reports of these folders be sent in the order of their priorities; the default folder comes first in the
    /// list. To be called before reports are given out.
    pub fn prefer(&self, folders: &[WatchFolder]) {
        let mut priorities: Vec<u8> = folders.iter().map(|folder| folder.priority).collect();
        priorities.sort_unstable();
        priorities.dedup();
        let class =
            |folder: &WatchFolder| priorities.iter().position(|p| *p == folder.priority).unwrap_or_default();
        let known = |folder: &WatchFolder| (folder.path.clone(), PathBuf::from(&folder.name), class(folder));
        let mut table: Vec<_> = folders.iter().map(known).collect();
        table.sort_by_key(|(path, ..)| std::cmp::Reverse(path.components().count()));
        let default = folders.first().map(class).unwrap_or_default();
        lock(&self.db).before_ready.clear();
        *self.classes.0.write().unwrap_or_else(PoisonError::into_inner) =
            Table { folders: table, default, count: priorities.len() };
    }

    /// Where the watch folder of this name is, if it is watched still.
    pub fn path_of(&self, name: &Path) -> Option<PathBuf> {
        let table = self.classes.0.read().unwrap_or_else(PoisonError::into_inner);
        table.folders.iter().find(|(_, known, _)| known == name).map(|(path, ..)| path.clone())
    }

    /// How many classes of reports there are; the first is sent first.
    pub fn classes(&self) -> usize {
        self.classes.count()
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, watch_folders};
    use crate::queue::{self, NewReport, Unit};
    use serde_json::json;
    use std::path::Path;
    use uuid::Uuid;

    /// Fails if: reports of an urgent folder wait for others, one of a folder that is not watched any more is never sent,
    /// or two of one identifier change their order.
    #[test]
    fn urgent_folders_come_first() {
        let dir = tempfile::tempdir().unwrap();
        let queue = queue::open(dir.path()).unwrap().queue;
        let path = |name: &str| dir.path().join(name);
        let mut config = Config::new();
        config.client.data_dir = dir.path().to_path_buf();
        config.folders = watch_folders::read(&json!([
            { "name": "urgent", "path": path("urgent"), "priority": 1 },
            { "name": "later", "path": path("later"), "priority": 10 },
        ]))
        .unwrap();
        queue.prefer(&config.watch_folders());
        let add = |id: u128, folder: &str| {
            let report = NewReport {
                id: Uuid::from_u128(id),
                spool: format!("{id}~{folder}.json").into(),
                folder: path(folder),
                name: "a.json".into(),
                size: 1,
                sha256: [0; 32],
                edits: String::new(),
                notes: Vec::new(),
                unit: Unit::default(),
                copied: false,
            };
            queue.add(&[report]).unwrap()[0]
        };
        let seqs = [
            add(1, "later"),
            add(2, "watch"),
            add(3, "urgent/sub"),
            add(4, "gone"),
            add(1, "urgent"),
            add(5, "urgent"),
        ];
        assert_eq!(queue.path_of(Path::new("urgent")), Some(path("urgent")));
        assert_eq!(queue.path_of(Path::new("")), None);
        assert_eq!(queue.classes(), 3);
        let given: Vec<Vec<i64>> = (0..3)
            .map(|class| queue.next(class, 0, 10).unwrap().into_iter().map(|entry| entry.seq).collect())
            .collect();
        assert_eq!(given, [vec![seqs[2], seqs[5]], vec![seqs[1], seqs[3]], vec![seqs[0]]]);
        queue.prefer(&config.watch_folders()[..1]);
        assert_eq!((queue.classes(), queue.next(0, 0, 10).unwrap().len()), (1, 5));
    }
}
