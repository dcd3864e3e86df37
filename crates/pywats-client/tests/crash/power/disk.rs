//! A disk that loses its power: what was synced is there, everything after that is there up to some point.
//!
//! The rules are those that journaling file systems keep and no more. Data that a sync of its file covered is there;
//! of later writes to it, the first few are, for each file by itself. Names (files made, renamed, linked, removed) are
//! there if a sync of their folder covered them, with all that happened to names before; of later ones, the first few
//! are. A sync of a file does not make its name last.
//!
//! Threads call at the same time. What a call did counts from its end, what a sync covers had ended when it began, and
//! no sync takes back what another one covered.

use super::trace::{Call, Descriptor, Event};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

type File = usize;

/// A name is that of a folder or of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Folder,
    File(File),
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: u64, data: Vec<u8> },
    Resize(u64),
    AtLeast(u64),
}

/// The content of a file as it was written.
#[derive(Clone, Debug, Default)]
struct Content {
    /// What was there from the beginning.
    base: Vec<u8>,
    /// The file that was there from the beginning, with its number and its times.
    original: Option<PathBuf>,
    /// What was done to it, with the number of the call.
    changes: Vec<(usize, Change)>,
    /// How many changes are on the disk for certain.
    synced: usize,
}

#[derive(Clone, Debug)]
enum NameChange {
    Add(PathBuf, Node),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

#[derive(Clone, Debug)]
struct Open {
    /// The number of the call that opened it.
    since: usize,
    path: PathBuf,
    node: Option<Node>,
    place: u64,
    appends: bool,
}

type Names = BTreeMap<PathBuf, Node>;

/// A folder on a disk, with all that was done in it and not synced.
pub(crate) struct Disk {
    root: PathBuf,
    first: Names,
    names: Names,
    changes: Vec<(usize, NameChange)>,
    /// How many changes of names are on the disk for certain.
    synced: usize,
    files: Vec<Content>,
    open: HashMap<Descriptor, Open>,
}

impl Disk {
    /// The folder `root`, whose files are in `originals` now, all of it on the disk.
    pub(crate) fn of(originals: &Path, root: &Path) -> Disk {
        let mut disk = Disk {
            root: root.to_owned(),
            first: Names::new(),
            names: Names::new(),
            changes: Vec::new(),
            synced: 0,
            files: Vec::new(),
            open: HashMap::new(),
        };
        disk.read(originals, root);
        disk.first = disk.names.clone();
        disk
    }

    fn read(&mut self, originals: &Path, folder: &Path) {
        self.names.insert(folder.to_owned(), Node::Folder);
        for entry in std::fs::read_dir(originals).unwrap() {
            let entry = entry.unwrap();
            let (original, path) = (entry.path(), folder.join(entry.file_name()));
            if original.is_dir() {
                self.read(&original, &path);
            } else {
                let base = std::fs::read(&original).unwrap();
                let file = self.add(Content { base, original: Some(original), ..Content::default() });
                self.names.insert(path, Node::File(file));
            }
        }
    }

    fn add(&mut self, content: Content) -> File {
        self.files.push(content);
        self.files.len() - 1
    }

    /// Does what a call did. Those outside of the folder are of no matter.
    pub(crate) fn apply(&mut self, number: usize, event: &Event) {
        match &event.call {
            Call::Open { descriptor, path, creates, truncates, appends } => {
                if *creates && path.starts_with(&self.root) && !self.names.contains_key(path) {
                    let file = self.add(Content::default());
                    self.rename(number, NameChange::Add(path.clone(), Node::File(file)));
                }
                let node = self.names.get(path).copied();
                let open = Open { since: number, path: path.clone(), node, place: 0, appends: *appends };
                self.open.insert(*descriptor, open);
                if *truncates {
                    self.change(number, *descriptor, Change::Resize(0));
                }
            }
            Call::Close(descriptor) => {
                // A number is free before its close ends: by then, another thread may have opened something as it.
                if self.open.get(descriptor).is_some_and(|open| open.since < event.after) {
                    self.open.remove(descriptor);
                }
            }
            Call::Duplicate { from, to } => {
                if let Some(open) = self.open.get(from).cloned() {
                    self.open.insert(*to, Open { since: number, ..open });
                }
            }
            Call::Seek { descriptor, to } => {
                if let Some(open) = self.open.get_mut(descriptor) {
                    open.place = *to;
                }
            }
            Call::Write { descriptor, offset, data } => self.write(number, *descriptor, *offset, data),
            Call::Resize { descriptor, length } => {
                self.change(number, *descriptor, Change::Resize(*length));
            }
            Call::Allocate { descriptor, end } => {
                if let Some(end) = end {
                    self.change(number, *descriptor, Change::AtLeast(*end));
                }
            }
            Call::Copy { from, to, length } => {
                let Some(Open { node: Some(Node::File(file)), place, .. }) = self.open.get(from).cloned()
                else {
                    return;
                };
                let content = self.files[file].after(usize::MAX);
                let begin = usize::try_from(place).unwrap().min(content.len());
                let end = (begin + usize::try_from(*length).unwrap()).min(content.len());
                self.write(number, *to, None, &content[begin..end]);
                if let Some(open) = self.open.get_mut(from) {
                    open.place += length;
                }
            }
            Call::Sync(descriptor) => self.sync(event.after, *descriptor),
            Call::SyncAll => {
                for file in 0..self.files.len() {
                    self.files[file].sync(event.after);
                }
                // While it went on, a quicker sync may have covered more.
                let covered = self.changes.iter().filter(|(at, _)| *at < event.after).count();
                self.synced = self.synced.max(covered);
            }
            Call::Rename { from, to } => {
                if self.names.contains_key(from) {
                    self.rename(number, NameChange::Rename(from.clone(), to.clone()));
                }
            }
            Call::Link { from, to } => {
                if let Some(node) = self.names.get(from).copied() {
                    self.rename(number, NameChange::Add(to.clone(), node));
                }
            }
            Call::Remove(path) => {
                if self.names.contains_key(path) {
                    self.rename(number, NameChange::Remove(path.clone()));
                }
            }
            Call::MakeFolder(path) => {
                if path.starts_with(&self.root) {
                    self.rename(number, NameChange::Add(path.clone(), Node::Folder));
                }
            }
        }
    }

    fn rename(&mut self, number: usize, change: NameChange) {
        change.apply(&mut self.names);
        self.changes.push((number, change));
    }

    fn change(&mut self, number: usize, descriptor: Descriptor, change: Change) {
        if let Some(Open { node: Some(Node::File(file)), .. }) = self.open.get(&descriptor).cloned() {
            self.files[file].changes.push((number, change));
        }
    }

    fn write(&mut self, number: usize, descriptor: Descriptor, offset: Option<u64>, data: &[u8]) {
        let Some(open) = self.open.get(&descriptor).cloned() else { return };
        let Some(Node::File(file)) = open.node else { return };
        let begin = match offset {
            Some(offset) => offset,
            None if open.appends => self.files[file].after(usize::MAX).len() as u64,
            None => open.place,
        };
        self.change(number, descriptor, Change::Write { offset: begin, data: data.to_vec() });
        if let (None, Some(open)) = (offset, self.open.get_mut(&descriptor)) {
            open.place = begin + data.len() as u64;
        }
    }

    fn sync(&mut self, before: usize, descriptor: Descriptor) {
        let Some(Open { path, node, .. }) = self.open.get(&descriptor).cloned() else { return };
        match node {
            Some(Node::File(file)) => self.files[file].sync(before),
            Some(Node::Folder) => {
                let covered =
                    |(number, change): &(usize, NameChange)| *number < before && change.touches(&path);
                let last = self.changes.iter().rposition(covered);
                self.synced = self.synced.max(last.map_or(0, |last| last + 1));
            }
            None => {}
        }
    }

    /// Whether a call synchronises this folder; one that synchronises everything does.
    pub(crate) fn synchronises(&self, call: &Call, folder: Option<&Path>) -> bool {
        match call {
            Call::Sync(descriptor) => {
                self.open.get(descriptor).is_some_and(|open| Some(open.path.as_path()) == folder)
            }
            Call::SyncAll => folder.is_some(),
            _ => false,
        }
    }

    /// The files with their content that are there for certain if the power goes now.
    pub(crate) fn at_least(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut names = self.first.clone();
        for (_, change) in &self.changes[..self.synced] {
            change.apply(&mut names);
        }
        let file = |(path, node)| match node {
            Node::File(file) => Some((path, self.files[file].after(self.files[file].synced))),
            Node::Folder => None,
        };
        names.into_iter().filter_map(file).collect()
    }

    /// Makes `target` the folder as a disk could have it after the power went. Files that never changed are moved there,
    /// so that they keep number and times, as on a disk.
    pub(crate) fn after_power_cut(&self, random: &mut fastrand::Rng, target: &Path) {
        let mut names = self.first.clone();
        // Mostly nothing or everything of what was not synced: that is where faults are.
        let mut some = |synced: usize, all: usize| match random.u8(0..4) {
            0 => synced,
            1 => all,
            _ => random.usize(synced..=all),
        };
        for (_, change) in &self.changes[..some(self.synced, self.changes.len())] {
            change.apply(&mut names);
        }
        for (path, node) in names {
            let Ok(inner) = path.strip_prefix(&self.root) else { continue };
            let path = target.join(inner);
            match node {
                Node::Folder => std::fs::create_dir_all(path).unwrap(),
                Node::File(file) => {
                    let content = &self.files[file];
                    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                    match &content.original {
                        Some(original) if content.changes.is_empty() => {
                            std::fs::rename(original, path).unwrap();
                        }
                        _ => {
                            let there = content.after(some(content.synced, content.changes.len()));
                            std::fs::write(path, there).unwrap();
                        }
                    }
                }
            }
        }
    }
}

impl Content {
    /// The content after the first changes.
    fn after(&self, changes: usize) -> Vec<u8> {
        let mut content = self.base.clone();
        for (_, change) in self.changes.iter().take(changes) {
            match change {
                Change::Write { offset, data } => {
                    let begin = usize::try_from(*offset).unwrap();
                    let end = begin + data.len();
                    if content.len() < end {
                        content.resize(end, 0);
                    }
                    content[begin..end].copy_from_slice(data);
                }
                Change::Resize(length) => content.resize(usize::try_from(*length).unwrap(), 0),
                Change::AtLeast(length) => {
                    let length = usize::try_from(*length).unwrap().max(content.len());
                    content.resize(length, 0);
                }
            }
        }
        content
    }

    fn sync(&mut self, before: usize) {
        let covered = self.changes.iter().filter(|(number, _)| *number < before).count();
        self.synced = self.synced.max(covered);
    }
}

impl NameChange {
    fn apply(&self, names: &mut Names) {
        match self {
            NameChange::Add(path, node) => {
                names.insert(path.clone(), *node);
            }
            NameChange::Remove(path) => {
                names.remove(path);
            }
            NameChange::Rename(from, to) => {
                let moved: Vec<_> = names.keys().filter(|path| path.starts_with(from)).cloned().collect();
                for path in moved {
                    if let (Some(node), Ok(inner)) = (names.remove(&path), path.strip_prefix(from)) {
                        let new = if inner.as_os_str().is_empty() { to.clone() } else { to.join(inner) };
                        names.insert(new, node);
                    }
                }
            }
        }
    }

    fn touches(&self, folder: &Path) -> bool {
        match self {
            NameChange::Add(path, _) | NameChange::Remove(path) => path.parent() == Some(folder),
            NameChange::Rename(from, to) => from.parent() == Some(folder) || to.parent() == Some(folder),
        }
    }
}

/// Fails if: something that was synced can be lost, or something that was not is always there.
#[test]
fn keeps_what_was_synced_and_no_more() {
    let original = tempfile::tempdir().unwrap();
    let root = original.path();
    std::fs::create_dir(root.join("spool")).unwrap();
    std::fs::write(root.join("old"), "old").unwrap();
    let open = |descriptor, name: &str, creates| Call::Open {
        descriptor,
        path: root.join(name),
        creates,
        truncates: false,
        appends: false,
    };
    let write = |data: &str| Call::Write { descriptor: 3, offset: None, data: data.as_bytes().to_vec() };
    let calls = [
        open(3, "new", true),
        write("ab"),
        Call::Sync(3),
        write("cd"),
        open(4, "spool", false),
        Call::Rename { from: root.join("old"), to: root.join("spool/old") },
        Call::Sync(4),
        Call::Rename { from: root.join("new"), to: root.join("spool/new") },
    ];
    let mut disk = Disk::of(root, root);
    let mut seen = std::collections::BTreeSet::new();
    for (number, call) in calls.into_iter().enumerate() {
        disk.apply(number, &Event { at: 0.0, after: number, call });
    }
    let mut random = fastrand::Rng::with_seed(1);
    for _ in 0..200 {
        std::fs::write(root.join("old"), "old").unwrap();
        let target = tempfile::tempdir().unwrap();
        disk.after_power_cut(&mut random, target.path());
        let text = |name: &str| std::fs::read_to_string(target.path().join(name)).ok();
        assert_eq!(text("spool/old").as_deref(), Some("old"), "its folder was synced");
        seen.insert((text("new"), text("spool/new")));
    }
    let some = |text: &str| Some(text.to_owned());
    let wanted = [(None, some("ab")), (None, some("abcd")), (some("ab"), None), (some("abcd"), None)];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), wanted);
}

/// Fails if: of calls that overlap, one that ends late takes back a sync, or closes what was opened meanwhile; or one
/// counts as covered by a sync that began before its end.
#[test]
fn overlapping_calls_take_nothing_back() {
    let original = tempfile::tempdir().unwrap();
    let root = original.path();
    std::fs::create_dir(root.join("spool")).unwrap();
    std::fs::write(root.join("old"), "old").unwrap();
    let open = |name: &str| Call::Open {
        descriptor: 4,
        path: root.join(name),
        creates: false,
        truncates: false,
        appends: false,
    };
    let moved = || Call::Rename { from: root.join("old"), to: root.join("spool/old") };
    // The calls, each with how many had ended when it began, and whether the move lasts.
    let cases = [
        ("a sync", vec![(0, open("spool")), (1, moved()), (2, Call::Sync(4))], true),
        ("a sync that began too early", vec![(0, open("spool")), (1, moved()), (1, Call::Sync(4))], false),
        ("one of everything, too early", vec![(0, moved()), (0, Call::SyncAll)], false),
        (
            "one of everything, too early, around another one",
            vec![(0, open("spool")), (1, moved()), (2, Call::Sync(4)), (1, Call::SyncAll)],
            true,
        ),
        (
            "a number in use again before its close ended",
            vec![(0, open("old")), (1, open("spool")), (1, Call::Close(4)), (3, moved()), (4, Call::Sync(4))],
            true,
        ),
        (
            "a closed number",
            vec![(0, open("spool")), (1, Call::Close(4)), (2, moved()), (3, Call::Sync(4))],
            false,
        ),
    ];
    for (what, calls, lasts) in cases {
        let mut disk = Disk::of(root, root);
        for (number, (after, call)) in calls.into_iter().enumerate() {
            disk.apply(number, &Event { at: 0.0, after, call });
        }
        let path = root.join(if lasts { "spool/old" } else { "old" });
        assert_eq!(disk.at_least(), [(path, b"old".to_vec())], "{what}");
    }
}
