//! Unpacks a cabinet.
//!
//! The crate `cab` starts from the beginning of a folder for every file. So each folder is unpacked at once,
//! as if its first file took all of it, and cut into files by the table of the cabinet.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

/// A file of a cabinet.
pub(in crate::lint) struct Packed {
    pub(in crate::lint) name: String,
    pub(in crate::lint) content: Vec<u8>,
}

/// A cabinet.
pub(in crate::lint) struct Cabinet {
    /// Files in the order in which they are stored.
    pub(in crate::lint) files: Vec<Packed>,
}

/// What the table of files says of one.
struct Entry {
    /// Where the entry is in the cabinet.
    at: usize,
    name: String,
    size: usize,
    offset: usize,
    folder: u16,
}

/// Length of an entry up to the name.
const ENTRY: usize = 16;
/// Where the header says where the table of files is, and how many files there are.
const TABLE_AT: usize = 16;
const COUNT_AT: usize = 28;

impl Cabinet {
    pub(super) fn unpack(bytes: &[u8]) -> Result<Cabinet, String> {
        let entries = entries(bytes).ok_or("its table of files ends too early")?;
        let mut folders: BTreeMap<u16, Vec<u8>> = BTreeMap::new();
        for entry in &entries {
            if let std::collections::btree_map::Entry::Vacant(folder) = folders.entry(entry.folder) {
                let in_folder = entries.iter().filter(|other| other.folder == entry.folder);
                let end =
                    in_folder.filter_map(|other| other.offset.checked_add(other.size)).max().unwrap_or(0);
                folder.insert(unpack_folder(bytes, entry, end)?);
            }
        }
        let mut files = Vec::new();
        for entry in entries {
            let content =
                folders.get(&entry.folder).and_then(|folder| folder.get(entry.offset..)?.get(..entry.size));
            let content = content.ok_or_else(|| format!("file {:?} lies beyond its folder", entry.name))?;
            files.push(Packed { name: entry.name, content: content.to_vec() });
        }
        Ok(Cabinet { files })
    }
}

fn entries(bytes: &[u8]) -> Option<Vec<Entry>> {
    let u32_at =
        |at: usize| Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?) as usize);
    let u16_at = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?));
    let mut at = u32_at(TABLE_AT)?;
    let mut entries = Vec::new();
    for _ in 0..u16_at(COUNT_AT)? {
        let name: Vec<u8> =
            bytes.get(at.checked_add(ENTRY)?..)?.iter().copied().take_while(|c| *c != 0).collect();
        let next = at + ENTRY + name.len() + 1;
        let name = String::from_utf8_lossy(&name).into_owned();
        entries.push(Entry { at, name, size: u32_at(at)?, offset: u32_at(at + 4)?, folder: u16_at(at + 8)? });
        at = next;
    }
    Some(entries)
}

/// The content of the folder of `first`, its first file, up to `end`.
fn unpack_folder(bytes: &[u8], first: &Entry, end: usize) -> Result<Vec<u8>, String> {
    // Writers do not agree on what a folder of empty files looks like.
    if end == 0 {
        return Ok(Vec::new());
    }
    let refuse = |error: std::io::Error| error.to_string();
    let mut patched = bytes.to_vec();
    let end = u32::try_from(end).map_err(|_| "its files are larger than cabinets hold")?;
    patched[first.at..first.at + 4].copy_from_slice(&end.to_le_bytes());
    patched[first.at + 4..first.at + 8].fill(0);
    // Names need not differ between folders; this one must.
    patched.get_mut(first.at + ENTRY).map(|letter| *letter = b'\x01').ok_or("a name ends too early")?;
    let name = format!("\u{1}{}", first.name.get(1..).ok_or("a file has no plain name")?);
    let mut cabinet = cab::Cabinet::new(Cursor::new(patched)).map_err(refuse)?;
    let mut content = Vec::new();
    cabinet.read_file(&name).map_err(refuse)?.take(end.into()).read_to_end(&mut content).map_err(refuse)?;
    Ok(content)
}
