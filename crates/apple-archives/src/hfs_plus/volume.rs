//! What is on a volume, before it is written.

use super::catalog::{FinderInfo, Id};
use super::name::Name;
use super::{EPOCH, Error, Result};
use std::collections::HashSet;

/// What a file or folder is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A folder; what is in it is added under its number.
    Folder,
    /// A file and its bytes.
    File(Vec<u8>),
    /// A symbolic link and what it points to.
    Link(String),
}

impl Content {
    /// The bits of `st_mode` that say what it is.
    pub(super) fn type_bits(&self) -> u16 {
        match self {
            Content::Folder => 0o040_000,
            Content::File(_) => 0o100_000,
            Content::Link(_) => 0o120_000,
        }
    }

    /// What lies in its blocks.
    pub(super) fn data(&self) -> &[u8] {
        match self {
            Content::Folder => &[],
            Content::File(bytes) => bytes,
            Content::Link(target) => target.as_bytes(),
        }
    }
}

/// A volume that is being put together. Everything belongs to root; macOS ignores owners on disk images.
#[derive(Clone, Debug)]
pub struct Volume {
    pub(super) name: Name,
    /// Seconds since 1904.
    pub(super) time: u32,
    /// In the order of their numbers, the root first.
    pub(super) nodes: Vec<Node>,
    /// What names there are in each folder, without case.
    taken: HashSet<(Id, String)>,
}

/// A file or folder.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) id: Id,
    pub(super) parent: Id,
    pub(super) name: Name,
    pub(super) content: Content,
    pub(super) mode: u16,
    pub(super) finder: FinderInfo,
}

impl Volume {
    /// An empty volume. All its times are `time`, in seconds since 1970 UTC.
    ///
    /// # Errors
    /// If the name is none, or the time is after February 2040, where time ends here.
    pub fn new(name: &str, time: u32) -> Result<Volume> {
        let name = Name::new(name)?;
        let Some(time) = time.checked_add(EPOCH) else {
            let what = format!("the time of {time} seconds since 1970");
            return Err(Error::Unfit { what, reason: "time ends in February 2040 here" });
        };
        let root = Node {
            id: Id::ROOT,
            parent: Id::PARENT_OF_ROOT,
            name: name.clone(),
            content: Content::Folder,
            mode: 0o755 | Content::Folder.type_bits(),
            finder: FinderInfo::default(),
        };
        Ok(Volume { name, time, nodes: vec![root], taken: HashSet::new() })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Its time as it stands on the volume: seconds since 1904.
    pub fn stored_time(&self) -> u32 {
        self.time
    }

    /// Adds a file, folder or link to a folder and returns its number. `mode` is its permissions, such as `0o644`.
    ///
    /// # Errors
    /// If no volume can hold the name, the folder has one like it, or there is no such folder.
    pub fn add(&mut self, folder: Id, name: &str, content: Content, mode: u16) -> Result<Id> {
        let name = Name::new(name)?;
        let is_folder = self.node(folder).is_some_and(|node| matches!(node.content, Content::Folder));
        if !is_folder {
            let what = format!("{:?} in the folder {}", name.as_str(), folder.0);
            return Err(Error::Unfit { what, reason: "no folder of it has that number" });
        }
        if !self.taken.insert((folder, name.folded())) {
            let reason = "its folder has one of that name, and upper and lower case are the same here";
            return Err(Error::Name { name: name.as_str().to_owned(), reason });
        }
        let id = Id(Id::FIRST.0 + self.nodes.len() as u32 - 1);
        let finder =
            if matches!(content, Content::Link(_)) { FinderInfo::LINK } else { FinderInfo::default() };
        let mode = mode & 0o7777 | content.type_bits();
        self.nodes.push(Node { id, parent: folder, name, content, mode, finder });
        Ok(id)
    }

    /// Sets what Finder knows of a file or folder; of the root, it is what Finder knows of the volume.
    ///
    /// # Errors
    /// If there is none of that number.
    pub fn set_finder_info(&mut self, id: Id, finder: FinderInfo) -> Result<()> {
        let Some(node) = place(id).and_then(|place| self.nodes.get_mut(place)) else {
            let what = format!("the number {}", id.0);
            return Err(Error::Unfit { what, reason: "nothing of it has that number" });
        };
        node.finder = finder;
        Ok(())
    }

    fn node(&self, id: Id) -> Option<&Node> {
        self.nodes.get(place(id)?)
    }
}

/// Where a number would stand in the list.
fn place(id: Id) -> Option<usize> {
    match id {
        Id::ROOT => Some(0),
        Id(number) => number.checked_sub(Id::FIRST.0).map(|place| place as usize + 1),
    }
}
