//! Writing an image.

use crate::{
    BLOCK, BLOCK_LOG, BLOCK_STORED, FOLDER_EXTRA, LINK, MAGIC, METADATA, METADATA_STORED, NONE, SUPERBLOCK,
    ZLIB, inode,
};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;

/// Flags of the superblock: there are no fragments, and no extended attributes.
const FLAGS: u16 = 0x0010 | 0x0200;
/// Images end at a multiple of this, so that a loop device holds all of one.
const PADDING: usize = 4096;
/// Entries that one header in the table of folders can be for.
const ENTRIES: usize = 256;

/// A file, folder or symbolic link.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// Where it is: `usr/bin/program`. The folder that it is in has an entry, too; the root has none.
    pub path: &'a str,
    /// Permissions, such as `0o755`.
    pub mode: u32,
    /// What it is.
    pub content: Content,
}

/// What an entry is.
#[derive(Clone, Debug)]
pub enum Content {
    /// A folder.
    Folder,
    /// A file with these bytes.
    File(Vec<u8>),
    /// A symbolic link to there.
    Link(String),
}

/// What an image cannot hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inexpressible {
    /// The entry.
    path: String,
    /// What is wrong with it.
    what: &'static str,
}

impl fmt::Display for Inexpressible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.what)
    }
}

impl std::error::Error for Inexpressible {}

/// A place in a table: the offset of a metadata block, and that of something in it before it was compressed.
type Place = (u32, u16);

/// An entry on its way into the image.
struct Node<'a> {
    name: &'a str,
    entry: Option<&'a Entry<'a>>,
    parent: usize,
    /// Sorted by name.
    children: Vec<usize>,
    number: u32,
    place: Place,
}

/// An image of these entries, in which every time is `time`, in seconds since 1970.
///
/// # Errors
/// If an entry has no folder to be in, a path is none or twice there, or something is larger than the format can say.
pub fn image(entries: &[Entry<'_>], time: u32) -> Result<Vec<u8>, Inexpressible> {
    let mut nodes = tree(entries)?;
    let order = number(&mut nodes);
    let mut image = vec![0; SUPERBLOCK];
    let (mut inodes, mut folders) = (Table::default(), Table::default());
    for index in order {
        let node = &nodes[index];
        let fail = |what| Inexpressible { path: node.entry.map_or("/", |entry| entry.path).to_owned(), what };
        let (kind, body) = match node.entry.map(|entry| &entry.content) {
            None | Some(Content::Folder) => {
                (inode::FOLDER, folder(&nodes, index, &mut folders).map_err(fail)?)
            }
            Some(Content::File(bytes)) => (inode::FILE, file(bytes, &mut image).map_err(fail)?),
            Some(Content::Link(target)) => (inode::LINK, link(target).map_err(fail)?),
        };
        let mode = node.entry.map_or(0o755, |entry| entry.mode) as u16 & 0o7777;
        let mut bytes = Vec::with_capacity(16 + body.len());
        // The owner and the group are the first of the table.
        for field in [kind, mode, 0, 0] {
            bytes.extend(field.to_le_bytes());
        }
        bytes.extend(time.to_le_bytes());
        bytes.extend(node.number.to_le_bytes());
        bytes.extend(body);
        let place = inodes.place();
        inodes.put(&bytes);
        nodes[index].place = place;
    }
    let tables = Tables { inodes: inodes.finish(), folders: folders.finish() };
    Ok(tables.finish(image, nodes.len() as u32, nodes[0].place, time))
}

/// The entries as a tree, whose root is the first node.
fn tree<'a>(entries: &'a [Entry<'a>]) -> Result<Vec<Node<'a>>, Inexpressible> {
    let node =
        |name, entry, parent| Node { name, entry, parent, children: Vec::new(), number: 0, place: (0, 0) };
    let mut nodes = vec![node("", None, 0)];
    let mut sorted: Vec<&Entry<'_>> = entries.iter().collect();
    sorted.sort_by_key(|entry| entry.path);
    let mut known: BTreeMap<&str, usize> = BTreeMap::from([("", 0)]);
    for entry in sorted {
        let fail = |what| Inexpressible { path: entry.path.to_owned(), what };
        let (folder, name) = entry.path.rsplit_once('/').unwrap_or(("", entry.path));
        if entry.path.starts_with('/')
            || matches!(name, "" | "." | "..")
            || name.contains('\0')
            || name.len() > 256
        {
            return Err(fail("this is no name of a file"));
        }
        let parent = *known.get(folder).ok_or_else(|| fail("the folder that it is in has no entry"))?;
        if nodes[parent].entry.is_some_and(|entry| !matches!(entry.content, Content::Folder)) {
            return Err(fail("it is in something that is no folder"));
        }
        let index = nodes.len();
        if known.insert(entry.path, index).is_some() {
            return Err(fail("there are two entries of this path"));
        }
        nodes.push(node(name, Some(entry), parent));
        nodes[parent].children.push(index);
    }
    let names: Vec<&str> = nodes.iter().map(|node| node.name).collect();
    nodes.iter_mut().for_each(|node| node.children.sort_by_key(|child| names[*child]));
    Ok(nodes)
}

/// Numbers the inodes, and returns the order in which they are written: what is in a folder before the folder, which says
/// where its entries are.
fn number(nodes: &mut [Node<'_>]) -> Vec<usize> {
    let mut order = Vec::with_capacity(nodes.len());
    let mut waiting = vec![0];
    while let Some(index) = waiting.pop() {
        order.push(index);
        waiting.extend(&nodes[index].children);
    }
    order.reverse();
    for (index, number) in order.iter().zip(1..) {
        nodes[*index].number = number;
    }
    order
}

/// Lists a folder in their table, and returns the rest of its inode.
fn folder(nodes: &[Node<'_>], index: usize, folders: &mut Table) -> Result<Vec<u8>, &'static str> {
    let node = &nodes[index];
    let place = folders.place();
    let mut size = 0;
    let mut children = node.children.as_slice();
    while let Some(first) = children.first().map(|child| &nodes[*child]) {
        // One header is for inodes of one metadata block, whose numbers are close to each other.
        let difference = |child: &usize| i64::from(nodes[*child].number) - i64::from(first.number);
        let fits = |child: &&usize| {
            nodes[**child].place.0 == first.place.0 && i16::try_from(difference(child)).is_ok()
        };
        let count = children.iter().take(ENTRIES).take_while(fits).count();
        let mut bytes = Vec::new();
        for field in [count as u32 - 1, first.place.0, first.number] {
            bytes.extend(field.to_le_bytes());
        }
        for child in &children[..count] {
            let kind = match nodes[*child].entry.map(|entry| &entry.content) {
                None | Some(Content::Folder) => inode::FOLDER,
                Some(Content::File(_)) => inode::FILE,
                Some(Content::Link(_)) => inode::LINK,
            };
            let name = nodes[*child].name.as_bytes();
            bytes.extend(nodes[*child].place.1.to_le_bytes());
            bytes.extend((difference(child) as i16).to_le_bytes());
            bytes.extend(kind.to_le_bytes());
            bytes.extend((name.len() as u16 - 1).to_le_bytes());
            bytes.extend(name);
        }
        size += bytes.len();
        folders.put(&bytes);
        children = &children[count..];
    }
    let size = u16::try_from(size + FOLDER_EXTRA as usize).map_err(|_| "the folder has too many entries")?;
    let folders_inside = node
        .children
        .iter()
        .filter(|child| matches!(nodes[**child].entry.map(|entry| &entry.content), Some(Content::Folder)));
    let links = 2 + folders_inside.count() as u32;
    // The parent of the root is a number that no inode has.
    let parent = if index == 0 { nodes.len() as u32 + 1 } else { nodes[node.parent].number };
    let mut body = Vec::new();
    body.extend(place.0.to_le_bytes());
    body.extend(links.to_le_bytes());
    body.extend(size.to_le_bytes());
    body.extend(place.1.to_le_bytes());
    body.extend(parent.to_le_bytes());
    Ok(body)
}

/// Writes the blocks of a file, and returns the rest of its inode.
fn file(bytes: &[u8], image: &mut Vec<u8>) -> Result<Vec<u8>, &'static str> {
    let start = u32::try_from(image.len()).map_err(|_| "it begins behind the first 4 GiB of the image")?;
    let size = u32::try_from(bytes.len()).map_err(|_| "it is larger than 4 GiB")?;
    // No fragment, and no place in one.
    let mut body: Vec<u8> = [start, NONE as u32, 0, size].into_iter().flat_map(u32::to_le_bytes).collect();
    for block in bytes.chunks(BLOCK) {
        let compressed = compress(block);
        let (stored, mark) =
            if compressed.len() < block.len() { (&*compressed, 0) } else { (block, BLOCK_STORED) };
        image.extend(stored);
        body.extend((stored.len() as u32 | mark).to_le_bytes());
    }
    Ok(body)
}

/// The rest of the inode of a symbolic link.
fn link(target: &str) -> Result<Vec<u8>, &'static str> {
    if target.is_empty() || target.len() >= LINK || target.contains('\0') {
        return Err("this link points nowhere");
    }
    let mut body: Vec<u8> = [1, target.len() as u32].into_iter().flat_map(u32::to_le_bytes).collect();
    body.extend(target.as_bytes());
    Ok(body)
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    // Memory takes everything. If it did not, the bytes would be stored as they are.
    if encoder.write_all(bytes).is_err() {
        return bytes.to_vec();
    }
    encoder.finish().unwrap_or_else(|_| bytes.to_vec())
}

/// A table that is being written.
#[derive(Default)]
struct Table {
    blocks: Vec<u8>,
    open: Vec<u8>,
}

impl Table {
    /// Where the next thing goes.
    fn place(&self) -> Place {
        (self.blocks.len() as u32, self.open.len() as u16)
    }

    fn put(&mut self, bytes: &[u8]) {
        self.open.extend(bytes);
        while self.open.len() >= METADATA {
            let rest = self.open.split_off(METADATA);
            let block = std::mem::replace(&mut self.open, rest);
            self.close(&block);
        }
    }

    fn close(&mut self, block: &[u8]) {
        let compressed = compress(block);
        let (stored, mark) =
            if compressed.len() < block.len() { (&*compressed, 0) } else { (block, METADATA_STORED) };
        self.blocks.extend((stored.len() as u16 | mark).to_le_bytes());
        self.blocks.extend(stored);
    }

    fn finish(mut self) -> Vec<u8> {
        let last = std::mem::take(&mut self.open);
        if !last.is_empty() {
            self.close(&last);
        }
        self.blocks
    }
}

/// What comes behind the blocks of the files.
struct Tables {
    inodes: Vec<u8>,
    folders: Vec<u8>,
}

impl Tables {
    fn finish(self, mut image: Vec<u8>, inodes: u32, root: Place, time: u32) -> Vec<u8> {
        let at_inodes = image.len() as u64;
        image.extend(self.inodes);
        let at_folders = image.len() as u64;
        image.extend(self.folders);
        // The one owner is root, and so is the one group.
        let mut owners = Table::default();
        owners.put(&0_u32.to_le_bytes());
        let at_owners = image.len() as u64;
        image.extend(owners.finish());
        let at_index = image.len() as u64;
        image.extend(at_owners.to_le_bytes());
        let used = image.len() as u64;

        let mut head = Vec::with_capacity(SUPERBLOCK);
        for field in [MAGIC, inodes, time, BLOCK as u32, 0] {
            head.extend(field.to_le_bytes());
        }
        for field in [ZLIB, BLOCK_LOG, FLAGS, 1, 4, 0] {
            head.extend(field.to_le_bytes());
        }
        let root = u64::from(root.0) << 16 | u64::from(root.1);
        // There are no fragments; 7-Zip takes the place of their table for the end of the one of folders all the same.
        let at_fragments = at_owners;
        for field in [root, used, at_index, NONE, at_inodes, at_folders, at_fragments, NONE] {
            head.extend(field.to_le_bytes());
        }
        image[..SUPERBLOCK].copy_from_slice(&head);
        image.resize(image.len().next_multiple_of(PADDING), 0);
        image
    }
}
