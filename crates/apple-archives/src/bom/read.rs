//! Reading a bill, as strictly as Apple's `lsbom`.

use super::{FILE, FOLDER, FORMAT, LINK, MAGIC, NO_PARENT, NODE_HEAD, TREE, VERSION};
use crate::Error;
use std::collections::HashMap;

/// What a bill says of one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Path below the root, which itself is the empty text.
    pub path: String,
    /// Type and permission bits, as `stat(2)` has them.
    pub mode: u16,
    /// Number of the user that owns it.
    pub user: u32,
    /// Number of the group that owns it.
    pub group: u32,
    /// When it was changed, in seconds since 1970.
    pub time: u32,
    /// Bytes of a file, or of what a link points to.
    pub size: u32,
    /// The [checksum](super::cksum) of a file, or of what a link points to; 0 of a folder.
    pub checksum: u32,
    /// What a link points to.
    pub link: Option<String>,
}

/// The items of a bill, in its order.
///
/// # Errors
/// If it is damaged or cut off, its keys are not in order, or it has another number of paths than it says.
pub fn read(bytes: &[u8]) -> Result<Vec<Item>, Error> {
    let store = Store::open(bytes)?;
    let tree = store.block(store.named("Paths")?)?;
    let (magic, rest) =
        tree.split_at_checked(TREE.len()).ok_or_else(|| damaged("the tree of paths is cut off"))?;
    let [version, top, _, count] = numbers(rest, 0)?;
    if magic != TREE || version != VERSION {
        return Err(damaged("what is named Paths is no tree"));
    }
    let mut paths: HashMap<u32, String> = HashMap::new();
    let mut items = Vec::new();
    let mut before: Option<(u32, &str)> = None;
    for (value, key) in store.pairs(top)? {
        let key = store.block(key)?;
        let [parent] = numbers(key, 0)?;
        let name = text(&key[4..], "a key")?;
        if before.is_some_and(|before| before >= (parent, name)) {
            return Err(damaged(format!("the key {name:?} is not in order")));
        }
        before = Some((parent, name));
        let [id, record] = numbers(store.block(value)?, 0)?;
        let path = match paths.get(&parent) {
            None if parent == NO_PARENT && name == "." && paths.is_empty() => String::new(),
            Some(folder) if folder.is_empty() => name.to_owned(),
            Some(folder) => format!("{folder}/{name}"),
            None => return Err(damaged(format!("{name:?} is in no folder"))),
        };
        if paths.insert(id, path.clone()).is_some() {
            return Err(damaged(format!("{path:?} has the number of another path")));
        }
        items.push(item(path, store.block(record)?)?);
    }
    if items.len() != count as usize {
        return Err(damaged(format!("it has {} paths and says {count}", items.len())));
    }
    Ok(items)
}

fn item(path: String, record: &[u8]) -> Result<Item, Error> {
    let fixed: &[u8; 31] =
        record.first_chunk().ok_or_else(|| damaged(format!("the record of {path:?} is cut off")))?;
    let mode = u16::from_be_bytes([fixed[4], fixed[5]]);
    let [user, group, time, size] = numbers(fixed, 6)?;
    let [checksum, length] = numbers(fixed, 23)?;
    let kind = match mode & 0o170_000 {
        0o100_000 => FILE,
        0o040_000 => FOLDER,
        0o120_000 => LINK,
        other => return Err(damaged(format!("{path:?} is of the kind {other:o}"))),
    };
    if fixed[0] != kind {
        return Err(damaged(format!("{path:?} is of the kind {}, and its mode is {mode:o}", fixed[0])));
    }
    let rest = &record[fixed.len()..];
    let link = if kind == LINK { Some(text(rest, "a link")?.to_owned()) } else { None };
    if link.as_ref().map_or(0, |link| link.len() + 1) != length as usize {
        return Err(damaged(format!("{path:?} has a link of another length than it says")));
    }
    Ok(Item { path, mode, user, group, time, size, checksum, link })
}

fn damaged(what: impl Into<String>) -> Error {
    Error::damaged(FORMAT, what)
}

/// Numbers that lie one after the other.
fn numbers<const COUNT: usize>(bytes: &[u8], at: usize) -> Result<[u32; COUNT], Error> {
    let mut numbers = [0; COUNT];
    let mut rest = bytes.get(at..).unwrap_or_default();
    for number in &mut numbers {
        let (first, behind) = rest.split_first_chunk().ok_or_else(|| damaged("a block is cut off"))?;
        (*number, rest) = (u32::from_be_bytes(*first), behind);
    }
    Ok(numbers)
}

/// Text that a zero ends.
fn text<'a>(bytes: &'a [u8], what: &str) -> Result<&'a str, Error> {
    let end = bytes.iter().position(|byte| *byte == 0);
    let text = end.and_then(|end| std::str::from_utf8(&bytes[..end]).ok());
    text.ok_or_else(|| damaged(format!("{what} is cut off or no UTF-8")))
}

/// Blocks by number, and the numbers of those that have names.
struct Store<'a> {
    bytes: &'a [u8],
    index: &'a [u8],
    names: &'a [u8],
}

impl<'a> Store<'a> {
    fn open(bytes: &'a [u8]) -> Result<Store<'a>, Error> {
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| damaged("it does not begin with BOMStore"))?;
        let [_, _, index, index_size, names, names_size] = numbers(rest, 0)?;
        Ok(Store { bytes, index: part(bytes, index, index_size)?, names: part(bytes, names, names_size)? })
    }

    fn block(&self, number: u32) -> Result<&'a [u8], Error> {
        let [count] = numbers(self.index, 0)?;
        if number == 0 || number >= count {
            return Err(damaged(format!("there is no block {number}")));
        }
        let [at, size] = numbers(self.index, 4 + 8 * number as usize)?;
        part(self.bytes, at, size)
    }

    fn named(&self, wanted: &str) -> Result<u32, Error> {
        let [count] = numbers(self.names, 0)?;
        let mut rest = &self.names[4..];
        for _ in 0..count {
            let [block] = numbers(rest, 0)?;
            let length = usize::from(*rest.get(4).ok_or_else(|| damaged("a name is cut off"))?);
            let name = rest.get(5..5 + length).ok_or_else(|| damaged("a name is cut off"))?;
            if name == wanted.as_bytes() {
                return Ok(block);
            }
            rest = &rest[5 + length..];
        }
        Err(damaged(format!("nothing is named {wanted}")))
    }

    /// The pairs of all leaves below a node, in their order.
    fn pairs(&self, top: u32) -> Result<Vec<(u32, u32)>, Error> {
        // More steps than there are blocks would go in a circle.
        let [mut steps] = numbers(self.index, 0)?;
        let mut step = || {
            steps = steps.checked_sub(1).ok_or_else(|| damaged("its tree goes in a circle"))?;
            Ok::<_, Error>(())
        };
        let mut node = self.node(top)?;
        while !node.is_leaf {
            step()?;
            let (first, _) = node.pairs.first().ok_or_else(|| damaged("a branch is empty"))?;
            node = self.node(*first)?;
        }
        let (mut pairs, mut next) = (node.pairs, node.next);
        while next != 0 {
            step()?;
            let node = self.node(next)?;
            pairs.extend(node.pairs);
            next = node.next;
        }
        Ok(pairs)
    }

    fn node(&self, number: u32) -> Result<Node, Error> {
        let bytes = self.block(number)?;
        let head: &[u8; NODE_HEAD] = bytes.first_chunk().ok_or_else(|| damaged("a node is cut off"))?;
        let count = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let [next] = numbers(head, 4)?;
        let pairs =
            (0..count).map(|pair| numbers(bytes, NODE_HEAD + 8 * pair).map(|[value, key]| (value, key)));
        Ok(Node { is_leaf: head[1] == 1 && head[0] == 0, next, pairs: pairs.collect::<Result<_, _>>()? })
    }
}

struct Node {
    is_leaf: bool,
    next: u32,
    pairs: Vec<(u32, u32)>,
}

fn part(bytes: &[u8], at: u32, size: u32) -> Result<&[u8], Error> {
    let (at, size) = (at as usize, size as usize);
    let part = at.checked_add(size).and_then(|end| bytes.get(at..end));
    part.ok_or_else(|| damaged("a block ends behind its end"))
}
