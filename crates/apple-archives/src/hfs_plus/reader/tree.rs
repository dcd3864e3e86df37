//! The records of a B-tree, from its root down; every way through it must lead to the same ones.

use super::super::b_tree::{DESCRIPTOR, HEADER_NODE, INDEX, LEAF, NODE};
use super::bytes::Bytes;
use super::{Result, damaged, ensure};

/// Key, without its length, and value.
pub(super) type Record = (Vec<u8>, Vec<u8>);

/// Reads all records of a tree.
pub(super) fn read(tree: &[u8]) -> Result<Vec<Record>> {
    ensure(
        !tree.is_empty() && tree.len().is_multiple_of(NODE),
        "has a tree that is not made of nodes of 4096 bytes",
    )?;
    let tree = Tree { bytes: Bytes(tree), count: (tree.len() / NODE) as u32 };
    let header = tree.node(0)?;
    ensure(header.kind == HEADER_NODE, "has a tree without header")?;
    let header = Bytes(header.bytes.part(DESCRIPTOR, 106)?);
    let (depth, root) = (header.short(0)?, header.word(2)?);
    let [records, first, last] = [header.word(6)?, header.word(10)?, header.word(14)?];
    ensure(header.short(18)? as usize == NODE, "has a tree with nodes of another size than 4096")?;
    ensure(header.word(22)? == tree.count, "has a tree with more or fewer nodes than its header says")?;

    let mut walk =
        Walk { tree: &tree, seen: vec![false; tree.count as usize], leaves: Vec::new(), found: Vec::new() };
    walk.mark(0)?;
    if depth > 0 {
        walk.descend(root, depth, None)?;
    }
    walk.compare_map()?;
    let unused = walk.seen.iter().filter(|seen| !**seen).count();
    ensure(header.word(26)? as usize == unused, "has a tree that counts other free nodes than it has")?;
    let ends = (walk.leaves.first().copied().unwrap_or(0), walk.leaves.last().copied().unwrap_or(0));
    ensure((first, last) == ends, "has a tree whose first or last leaf is another one")?;
    ensure(
        records as usize == walk.found.len(),
        "has a tree with more or fewer records than its header says",
    )?;
    walk.check_chain()?;
    Ok(walk.found)
}

struct Tree<'a> {
    bytes: Bytes<'a>,
    count: u32,
}

/// One node.
struct Node<'a> {
    bytes: Bytes<'a>,
    next: u32,
    previous: u32,
    kind: i8,
    height: u8,
    records: Vec<&'a [u8]>,
}

impl<'a> Tree<'a> {
    fn node(&self, number: u32) -> Result<Node<'a>> {
        let bytes = Bytes(self.bytes.part(number as usize * NODE, NODE)?);
        let count = bytes.short(10)? as usize;
        ensure(count <= NODE / 4, "has a node with more records than fit")?;
        let offset = |index: usize| bytes.short(NODE - 2 * (index + 1)).map(usize::from);
        let end_of_records = NODE - 2 * (count + 1);
        let mut records = Vec::with_capacity(count);
        let mut at = offset(0)?;
        ensure(at == DESCRIPTOR, "has a node whose first record is not where it begins")?;
        for index in 0..count {
            let end = offset(index + 1)?;
            ensure(at < end && end <= end_of_records, "has a node whose records overlap")?;
            records.push(bytes.part(at, end - at)?);
            at = end;
        }
        let (kind, height) = (bytes.part(8, 1)?[0].cast_signed(), bytes.part(9, 1)?[0]);
        Ok(Node { bytes, next: bytes.word(0)?, previous: bytes.word(4)?, kind, height, records })
    }
}

/// Goes through all nodes, each once.
struct Walk<'a> {
    tree: &'a Tree<'a>,
    seen: Vec<bool>,
    leaves: Vec<u32>,
    found: Vec<Record>,
}

impl Walk<'_> {
    fn mark(&mut self, number: u32) -> Result<()> {
        let seen = self
            .seen
            .get_mut(number as usize)
            .ok_or_else(|| damaged("a tree leads to a node that it has not"))?;
        ensure(!*seen, "has a tree that leads to a node twice")?;
        *seen = true;
        Ok(())
    }

    /// Reads what is below a node, whose first key its parent has.
    fn descend(&mut self, number: u32, height: u16, expected: Option<&[u8]>) -> Result<()> {
        self.mark(number)?;
        let node = self.tree.node(number)?;
        ensure(u16::from(node.height) == height, "has a tree with a node at another height")?;
        ensure(
            node.kind == if height == 1 { LEAF } else { INDEX },
            "has a tree with a node of another kind",
        )?;
        ensure(!node.records.is_empty(), "has a tree with an empty node")?;
        if height == 1 {
            self.leaves.push(number);
        }
        for (index, record) in node.records.iter().enumerate() {
            let (key, value) = split(record)?;
            if let (0, Some(expected)) = (index, expected) {
                ensure(key == expected, "has a tree with a node that its parent has another key for")?;
            }
            if height == 1 {
                self.found.push((key.to_vec(), value.to_vec()));
            } else {
                self.descend(Bytes(value).word(0)?, height - 1, Some(key))?;
            }
        }
        Ok(())
    }

    /// The map in the header must say which nodes are used.
    fn compare_map(&self) -> Result<()> {
        let header = self.tree.node(0)?;
        let map = *header.records.get(2).ok_or_else(|| damaged("a tree has no map of its nodes"))?;
        ensure(header.next == 0, "has a tree with a second map, which this reader does not know")?;
        let bit = |index: usize| map.get(index / 8).is_some_and(|byte| byte & 0x80 >> (index % 8) != 0);
        let agrees =
            (0..map.len() * 8).all(|index| bit(index) == self.seen.get(index).copied().unwrap_or(false));
        ensure(
            agrees && map.len() * 8 >= self.seen.len(),
            "has a tree whose map does not say which nodes are used",
        )
    }

    /// Leaves also lead to each other.
    fn check_chain(&self) -> Result<()> {
        for (index, number) in self.leaves.iter().enumerate() {
            let node = self.tree.node(*number)?;
            let next = self.leaves.get(index + 1).copied().unwrap_or(0);
            let previous = index.checked_sub(1).map_or(0, |index| self.leaves[index]);
            ensure(
                (node.next, node.previous) == (next, previous),
                "has a tree whose leaves are out of order",
            )?;
        }
        Ok(())
    }
}

/// Key and value of a record; values begin at even offsets.
fn split(record: &[u8]) -> Result<(&[u8], &[u8])> {
    let length = usize::from(Bytes(record).short(0)?);
    let key = Bytes(record).part(2, length)?;
    let at = (2 + length).next_multiple_of(2);
    Ok((key, Bytes(record).part(at, record.len().saturating_sub(at))?))
}
