//! B-trees, in which a volume keeps its catalog: "B-Trees" of TN1150. Written once, bottom up, from records in the order
//! of their keys; no node is free.

use super::{Error, Result};

/// Bytes in a node. The smallest that Apple allows for a catalog.
pub(super) const NODE: usize = 4096;

/// Bytes of a node's descriptor, which it begins with.
pub(super) const DESCRIPTOR: usize = 14;

/// Bytes of the header record, and of the record beside it, which is reserved.
const HEADER_RECORD: usize = 106;
const RESERVED_RECORD: usize = 128;

/// Bytes of the record in the first node that says which nodes are used: all that is left.
pub(super) const MAP_RECORD: usize = NODE - DESCRIPTOR - HEADER_RECORD - RESERVED_RECORD - 4 * 2;

/// What a node is.
pub(super) const LEAF: i8 = -1;
pub(super) const INDEX: i8 = 0;
pub(super) const HEADER_NODE: i8 = 1;

/// Keys have two bytes of length (`kBTBigKeysMask`).
const BIG_KEYS: u32 = 2;
/// Keys of index nodes are as long as they need to be (`kBTVariableIndexKeysMask`).
const VARIABLE_INDEX_KEYS: u32 = 4;
/// Names are compared without case (`kHFSCaseFolding`).
const CASE_FOLDING: u8 = 0xcf;

/// Which of the three trees of a volume it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Files and folders.
    Catalog,
    /// Pieces of files that lie in more than eight: none here.
    Extents,
    /// Extended attributes: none here, but some readers want the tree.
    Attributes,
}

impl Kind {
    /// The longest key, how names are compared, and further properties.
    fn properties(self) -> (u16, u8, u32) {
        match self {
            Kind::Catalog => (516, CASE_FOLDING, BIG_KEYS | VARIABLE_INDEX_KEYS),
            Kind::Extents => (10, 0, BIG_KEYS),
            Kind::Attributes => (266, 0, BIG_KEYS | VARIABLE_INDEX_KEYS),
        }
    }
}

/// A key with its length before it, and what it leads to.
pub(super) struct Record {
    pub(super) key: Vec<u8>,
    pub(super) value: Vec<u8>,
}

impl Record {
    /// Keys, and so values, begin at even offsets.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.key.clone();
        bytes.extend(&self.value);
        bytes.resize(bytes.len().next_multiple_of(2), 0);
        bytes
    }

    /// What it takes of a node, with its offset at the end.
    fn size(&self) -> usize {
        (self.key.len() + self.value.len()).next_multiple_of(2) + 2
    }
}

/// What the header says of all other nodes.
#[derive(Default)]
struct Shape {
    depth: u16,
    root: u32,
    first_leaf: u32,
    last_leaf: u32,
}

/// A tree of records, in the order of their keys.
pub(super) fn write(kind: Kind, records: Vec<Record>) -> Result<Vec<u8>> {
    let count = records.len() as u32;
    let mut shape = Shape::default();
    // The first is the header, which is made last.
    let mut nodes: Vec<Vec<u8>> = vec![Vec::new()];
    let mut level = records;
    while !level.is_empty() {
        shape.depth += 1;
        let (kind, first) = (if shape.depth == 1 { LEAF } else { INDEX }, nodes.len() as u32);
        let groups = groups(level);
        let last = first + groups.len() as u32 - 1;
        let mut above = Vec::new();
        for (group, number) in groups.into_iter().zip(first..) {
            let next = if number < last { number + 1 } else { 0 };
            let previous = if number > first { number - 1 } else { 0 };
            let bytes: Vec<Vec<u8>> = group.iter().map(Record::bytes).collect();
            nodes.push(node(kind, shape.depth as u8, (next, previous), &bytes));
            above.extend(group.into_iter().next().map(|Record { key, .. }| (key, number)));
        }
        if kind == LEAF {
            (shape.first_leaf, shape.last_leaf) = (first, last);
        }
        shape.root = first;
        let is_root = first == last;
        let above = above.into_iter().map(|(key, number)| Record { key, value: number.to_be_bytes().into() });
        level = if is_root { Vec::new() } else { above.collect() };
    }
    if nodes.len() > MAP_RECORD * 8 {
        let what = format!("{count} files, folders and their threads");
        return Err(Error::Unfit { what, reason: "its catalog would need a second map: leave some out" });
    }
    nodes[0] = header(kind, &shape, count, nodes.len() as u32);
    Ok(nodes.concat())
}

/// As many records into each node as fit.
fn groups(records: Vec<Record>) -> Vec<Vec<Record>> {
    // The offset of the free space takes two bytes of every node.
    let room = NODE - DESCRIPTOR - 2;
    let mut groups: Vec<Vec<Record>> = Vec::new();
    let mut left = 0;
    for record in records {
        if record.size() > left || groups.is_empty() {
            groups.push(Vec::new());
            left = room;
        }
        left -= record.size();
        if let Some(group) = groups.last_mut() {
            group.push(record);
        }
    }
    groups
}

/// A node: descriptor and records, and from the end their offsets and that of the free space.
fn node(kind: i8, height: u8, (next, previous): (u32, u32), records: &[Vec<u8>]) -> Vec<u8> {
    let mut node = Vec::with_capacity(NODE);
    node.extend(next.to_be_bytes());
    node.extend(previous.to_be_bytes());
    node.extend([kind.cast_unsigned(), height]);
    node.extend((records.len() as u16).to_be_bytes());
    node.extend([0; 2]);
    let mut offsets = vec![node.len() as u16];
    for record in records {
        node.extend(record);
        offsets.push(node.len() as u16);
    }
    node.resize(NODE - 2 * offsets.len(), 0);
    node.extend(offsets.iter().rev().flat_map(|offset| offset.to_be_bytes()));
    node
}

/// The first node: what tree it is, and which nodes are used.
fn header(kind: Kind, shape: &Shape, records: u32, nodes: u32) -> Vec<u8> {
    let (longest_key, comparison, attributes) = kind.properties();
    let free = 0_u32;
    let mut header = shape.depth.to_be_bytes().to_vec();
    header.extend([shape.root, records, shape.first_leaf, shape.last_leaf].map(u32::to_be_bytes).concat());
    header.extend([NODE as u16, longest_key].map(u16::to_be_bytes).concat());
    header.extend([nodes, free].map(u32::to_be_bytes).concat());
    header.extend([0; 2]);
    let clump = nodes * NODE as u32;
    header.extend(clump.to_be_bytes());
    header.extend([0, comparison]);
    header.extend(attributes.to_be_bytes());
    header.resize(HEADER_RECORD, 0);
    let mut map = vec![0; MAP_RECORD];
    super::layout::mark(&mut map, nodes as usize);
    node(HEADER_NODE, 0, (0, 0), &[header, vec![0; RESERVED_RECORD], map])
}
