//! What the records of the catalog say.

use super::super::catalog::{
    FILE, FILE_RECORD, FILE_THREAD, FOLDER, FOLDER_RECORD, FOLDER_THREAD, FinderInfo, Id,
};
use super::super::name;
use super::super::volume::Content;
use super::bytes::Bytes;
use super::tree::Record;
use super::{Disk, Fork, Found, Result, Used, damaged, ensure};
use std::collections::{BTreeMap, HashMap};

/// Folders in folders: more than macOS can open.
const DEEPEST: usize = 1000;

/// What the catalog says.
pub(super) struct Catalog {
    pub(super) name: String,
    pub(super) finder: FinderInfo,
    pub(super) entries: BTreeMap<String, Found>,
    pub(super) files: u32,
    pub(super) folders: u32,
    pub(super) last_id: u32,
}

/// A record with its key.
struct Entry {
    parent: u32,
    name: String,
    valence: Option<u32>,
    found: Found,
}

pub(super) fn read(disk: &Disk<'_>, records: &[Record], used: &mut Used) -> Result<Catalog> {
    let mut entries: BTreeMap<u32, Entry> = BTreeMap::new();
    let mut threads: HashMap<u32, (u32, String, bool)> = HashMap::new();
    let mut before: Option<(u32, String)> = None;
    for (key, value) in records {
        let (parent, name) = (Bytes(key).word(0)?, text(key, 4)?);
        let order = (parent, name::folded(&name));
        ensure(
            before.as_ref().is_none_or(|before| *before < order),
            "has names out of order, or twice in a folder",
        )?;
        before = Some(order);
        let value = Bytes(value);
        match value.short(0)? {
            kind @ (FOLDER | FILE) => {
                let (id, entry) = entry(disk, (parent, name), kind, value, used)?;
                ensure(entries.insert(id, entry).is_none(), "has two files of one number")?;
            }
            kind @ (FOLDER_THREAD | FILE_THREAD) => {
                ensure(name.is_empty(), "has a thread with a name in its key")?;
                let to = (value.word(4)?, text(value.0, 8)?, kind == FOLDER_THREAD);
                threads.insert(parent, to);
            }
            other => return Err(damaged(format!("its catalog has a record of the kind {other}"))),
        }
    }
    ensure(threads.len() == entries.len(), "has threads that lead to nothing")?;
    for (id, entry) in &entries {
        let is_folder = entry.valence.is_some();
        let thread = threads.get(id).is_some_and(|(parent, name, folder)| {
            (*parent, name.as_str(), *folder) == (entry.parent, &entry.name, is_folder)
        });
        ensure(thread, "has a file or folder without a thread that leads to it")?;
    }
    check_valences(&entries)?;
    collect(entries)
}

fn entry(
    disk: &Disk<'_>,
    (parent, name): (u32, String),
    kind: u16,
    value: Bytes<'_>,
    used: &mut Used,
) -> Result<(u32, Entry)> {
    let is_folder = kind == FOLDER;
    let size = if is_folder { FOLDER_RECORD } else { FILE_RECORD };
    ensure(value.0.len() == size, "has a record in its catalog of another size")?;
    let (id, mode) = (value.word(8)?, value.short(42)?);
    let mut finder = FinderInfo { flags: value.short(56)?, ..FinderInfo::default() };
    finder.kind.copy_from_slice(value.part(48, 4)?);
    finder.creator.copy_from_slice(value.part(52, 4)?);
    let content = if is_folder {
        Content::Folder
    } else {
        let (data, resources) = (Fork::read(value, 88)?, Fork::read(value, 168)?);
        ensure(resources.size == 0, "has a file with a resource fork, which this reader does not know")?;
        used.take(data)?;
        let bytes = disk.content(data)?;
        if mode & 0o170_000 == 0o120_000 {
            Content::Link(String::from_utf8(bytes).map_err(|_| damaged("a link leads to no path in UTF-8"))?)
        } else {
            Content::File(bytes)
        }
    };
    ensure(mode & 0o170_000 == content.type_bits(), "has a file whose mode is that of something else")?;
    let valence = is_folder.then_some(value.word(4)?);
    let found = Found { id, mode: mode & 0o7777, finder, content };
    Ok((id, Entry { parent, name, valence, found }))
}

/// Every folder counts what is in it.
fn check_valences(entries: &BTreeMap<u32, Entry>) -> Result<()> {
    let mut counts: HashMap<u32, u32> = HashMap::new();
    for entry in entries.values() {
        *counts.entry(entry.parent).or_default() += 1;
    }
    for (id, entry) in entries {
        let count = counts.get(id).copied().unwrap_or(0);
        ensure(entry.valence.unwrap_or(0) == count, "has a folder that counts other entries than it has")?;
    }
    Ok(())
}

/// Finds the path of everything.
fn collect(mut entries: BTreeMap<u32, Entry>) -> Result<Catalog> {
    let root = entries.remove(&Id::ROOT.0).ok_or_else(|| damaged("its catalog has no root"))?;
    ensure(root.parent == Id::PARENT_OF_ROOT.0 && root.valence.is_some(), "has a root that is none")?;
    let mut catalog = Catalog {
        name: root.name,
        finder: root.found.finder,
        entries: BTreeMap::new(),
        files: 0,
        folders: 0,
        last_id: entries.keys().next_back().copied().unwrap_or(Id::ROOT.0),
    };
    let paths = entries.keys().map(|id| path(&entries, *id)).collect::<Result<Vec<_>>>()?;
    for (path, (_, entry)) in paths.into_iter().zip(entries) {
        *if entry.valence.is_some() { &mut catalog.folders } else { &mut catalog.files } += 1;
        catalog.entries.insert(path, entry.found);
    }
    Ok(catalog)
}

fn path(entries: &BTreeMap<u32, Entry>, id: u32) -> Result<String> {
    let mut parts = Vec::new();
    let mut at = id;
    while at != Id::ROOT.0 {
        let entry = entries.get(&at).ok_or_else(|| damaged("a file lies in no folder"))?;
        ensure(parts.len() < DEEPEST, "has folders that lie in themselves")?;
        parts.push(entry.name.as_str());
        at = entry.parent;
    }
    parts.reverse();
    Ok(parts.join("/"))
}

/// A name with its length before it, which must end where the bytes end or a byte later.
fn text(bytes: &[u8], at: usize) -> Result<String> {
    let length = usize::from(Bytes(bytes).short(at)?);
    let units = Bytes(bytes).part(at + 2, length * 2)?;
    let units: Vec<u16> = units.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    String::from_utf16(&units).map_err(|_| damaged("a name is not UTF-16"))
}
