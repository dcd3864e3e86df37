//! Writing a bill.

use super::{FILE, FOLDER, FORMAT, HEADER, LINK, MAGIC, NO_PARENT, NODE, NODE_HEAD, TREE, VERSION, cksum};
use crate::Error;
use crate::tree::{Content, Entry, Tree};
use std::collections::{HashMap, VecDeque};

/// Paths of a leaf, as in the bills of Apple's `mkbom`.
const PATHS_IN_LEAF: usize = 256;
/// Pairs of block numbers that a node has room for.
const PAIRS_IN_NODE: usize = (NODE - NODE_HEAD) / 8;
/// Bytes of a node of the tree that is below the index of versions.
const SMALL_NODE: usize = 128;

/// A bill of a tree, in which each entry has the given time, in seconds since 1970.
///
/// # Errors
/// If there are more paths, or larger files, than a bill can hold.
pub fn write(tree: &Tree, time: u32) -> Result<Vec<u8>, Error> {
    let mut store = Store::default();
    let count = number(tree.entries().len())?;
    // Number of paths and one, then one entry, of which nothing is known.
    let information = [VERSION, count + 1, 1, 0, 0, 0, 0];
    let block = store.add(words(&information))?;
    store.name(block, "BomInfo");

    let mut pairs = Vec::new();
    for (id, parent, entry) in breadth_first(tree) {
        let record = store.add(record(entry, time)?)?;
        let name = if entry.is_root() { "." } else { entry.name() };
        let key = store.add([&parent.to_be_bytes(), name.as_bytes(), &[0]].concat())?;
        let value = store.add(words(&[id, record]))?;
        pairs.push((value, key));
    }
    let top = nodes(&mut store, &pairs)?;
    let paths = tree_of(&mut store, top, NODE, count)?;
    store.name(paths, "Paths");

    let hard_links = empty_tree(&mut store, NODE)?;
    store.name(hard_links, "HLIndex");
    let versions = empty_tree(&mut store, SMALL_NODE)?;
    let versions = store.add([words(&[VERSION, versions, 0]), vec![0]].concat())?;
    store.name(versions, "VIndex");
    let large_files = empty_tree(&mut store, NODE)?;
    store.name(large_files, "Size64");
    store.finish()
}

fn number(number: usize) -> Result<u32, Error> {
    u32::try_from(number).map_err(|_| Error::unfit(FORMAT, "more than 4 GiB"))
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// The entries with their numbers and those of their parents: by parent, then by name.
fn breadth_first(tree: &Tree) -> Vec<(u32, u32, &Entry)> {
    let mut children: HashMap<&str, Vec<&Entry>> = HashMap::new();
    for entry in tree.entries().iter().filter(|entry| !entry.is_root()) {
        children.entry(entry.parent()).or_default().push(entry);
    }
    let mut queue: VecDeque<(u32, &Entry)> =
        tree.entries().iter().take(1).map(|root| (NO_PARENT, root)).collect();
    let mut numbered = Vec::new();
    let mut id = NO_PARENT;
    while let Some((parent, entry)) = queue.pop_front() {
        id += 1;
        numbered.push((id, parent, entry));
        queue.extend(children.remove(entry.path.as_str()).into_iter().flatten().map(|child| (id, child)));
    }
    numbered
}

fn record(entry: &Entry, time: u32) -> Result<Vec<u8>, Error> {
    let (kind, link, checksum) = match &entry.content {
        Content::Folder => (FOLDER, None, 0),
        Content::File(bytes) => (FILE, None, cksum(bytes)),
        Content::Link(target) => (LINK, Some(target), cksum(target.as_bytes())),
    };
    let (in_use, no_architecture) = (1, [0, 0]);
    let mut record = vec![kind, in_use];
    record.extend(no_architecture);
    record.extend(entry.st_mode().to_be_bytes());
    record.extend(words(&[entry.user, entry.group, time, number(entry.data().len())?]));
    record.push(1);
    record.extend(words(&[checksum, number(link.map_or(0, |target| target.len() + 1))?]));
    if let Some(target) = link {
        record.extend(target.as_bytes());
        record.push(0);
    }
    if kind == FILE {
        let architectures: u32 = 0;
        record.extend(architectures.to_be_bytes());
    }
    Ok(record)
}

/// The leaves, and the branch above them if there are several; returns the block of what is on top.
fn nodes(store: &mut Store, pairs: &[(u32, u32)]) -> Result<u32, Error> {
    let leaves: Vec<_> = pairs.chunks(PATHS_IN_LEAF).collect();
    let first = number(store.blocks.len() + 1)?;
    let last = first + number(leaves.len())? - 1;
    let mut branch = Vec::new();
    for (pairs, block) in leaves.iter().zip(first..) {
        let next = if block < last { block + 1 } else { 0 };
        let previous = if block > first { block - 1 } else { 0 };
        store.add(node(true, next, previous, pairs, NODE))?;
        let key = pairs.last().map_or(0, |(_, key)| *key);
        branch.push((block, key));
    }
    match branch[..] {
        [(only, _)] => Ok(only),
        _ if branch.len() > PAIRS_IN_NODE => {
            Err(Error::unfit(FORMAT, format!("more than {} paths", PATHS_IN_LEAF * PAIRS_IN_NODE)))
        }
        _ => store.add(node(false, 0, 0, &branch, NODE)),
    }
}

/// A node: whether it is a leaf, its neighbours, and pairs of block numbers.
fn node(is_leaf: bool, next: u32, previous: u32, pairs: &[(u32, u32)], size: usize) -> Vec<u8> {
    let mut node = [u16::from(is_leaf), pairs.len() as u16].map(u16::to_be_bytes).concat();
    node.extend(words(&[next, previous]));
    node.extend(pairs.iter().flat_map(|(value, key)| words(&[*value, *key])));
    node.resize(size, 0);
    node
}

fn tree_of(store: &mut Store, top: u32, node_size: usize, count: u32) -> Result<u32, Error> {
    store.add([TREE.to_vec(), words(&[VERSION, top, number(node_size)?, count]), vec![0]].concat())
}

fn empty_tree(store: &mut Store, node_size: usize) -> Result<u32, Error> {
    let leaf = store.add(node(true, 0, 0, &[], node_size))?;
    tree_of(store, leaf, node_size, 0)
}

/// Blocks, numbered from 1, and the names of some of them.
#[derive(Default)]
struct Store {
    blocks: Vec<Vec<u8>>,
    names: Vec<(u32, &'static str)>,
}

impl Store {
    fn add(&mut self, block: Vec<u8>) -> Result<u32, Error> {
        self.blocks.push(block);
        number(self.blocks.len())
    }

    fn name(&mut self, block: u32, name: &'static str) {
        self.names.push((block, name));
    }

    /// Header, names, blocks, and the list of where each block is.
    fn finish(self) -> Result<Vec<u8>, Error> {
        let mut names = words(&[number(self.names.len())?]);
        for (block, name) in &self.names {
            names.extend(block.to_be_bytes());
            names.push(name.len() as u8);
            names.extend(name.as_bytes());
        }
        let mut at = HEADER + names.len();
        // Block 0 is none.
        let mut index = words(&[number(self.blocks.len() + 1)?, 0, 0]);
        for block in &self.blocks {
            index.extend(words(&[number(at)?, number(block.len())?]));
            at += block.len();
        }
        // No free blocks, and two entries of their list that say so.
        index.extend([0; 4 + 2 * 8]);

        let mut out = MAGIC.to_vec();
        let places = [VERSION as usize, self.blocks.len(), at, index.len(), HEADER, names.len()];
        for place in places {
            out.extend(number(place)?.to_be_bytes());
        }
        out.resize(HEADER, 0);
        out.extend(names);
        self.blocks.iter().for_each(|block| out.extend(block));
        out.extend(index);
        Ok(out)
    }
}
