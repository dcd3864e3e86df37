//! The streams of the compound file, and what their names mean.
//!
//! Names of at most 31 UTF-16 units would be short for `Table.Key`. So two characters of a 64-letter
//! alphabet share one unit from U+3800 on, a single one is at U+4800, and U+4840 marks tables.

use super::Unreadable;
use std::collections::BTreeMap;
use std::io::{Cursor, Read};

/// Marks the stream of a table.
const TABLE: char = '\u{4840}';

/// Compound files consist of sectors of this size, or of a multiple of it.
const SECTOR: usize = 512;

/// What a compound file holds.
pub(super) struct Streams {
    /// The class of the root, in lower case without braces.
    pub(super) class: String,
    /// Streams of tables, by the name of the table.
    pub(super) tables: BTreeMap<String, Vec<u8>>,
    /// All other streams.
    pub(super) other: BTreeMap<String, Vec<u8>>,
}

impl Streams {
    pub(super) fn read(file: &[u8]) -> Result<Streams, Unreadable> {
        let mut compound = cfb::CompoundFile::open(Cursor::new(file)).map_err(|error| {
            if file.starts_with(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]) {
                Unreadable::Damaged(error.to_string())
            } else {
                Unreadable::NoCompoundFile(error.to_string())
            }
        })?;
        if !file.len().is_multiple_of(SECTOR) {
            return Err(Unreadable::Damaged(format!("{} bytes are no whole number of sectors", file.len())));
        }
        let class = compound.root_entry().clsid().to_string();
        let mut streams = Streams { class, tables: BTreeMap::new(), other: BTreeMap::new() };
        let entries: Vec<_> = compound.read_root_storage().collect();
        for entry in entries.iter().filter(|entry| entry.is_stream()) {
            let (name, is_table) = decode(entry.name());
            let damaged = |reason: String| Unreadable::Damaged(format!("stream {name:?}: {reason}"));
            // The size is what the file says; it is not believed beyond what there can be.
            if entry.len() > file.len() as u64 {
                return Err(damaged(format!("{} bytes are more than the file has", entry.len())));
            }
            let mut content = Vec::new();
            compound
                .open_stream(entry.path())
                .and_then(|mut stream| stream.read_to_end(&mut content))
                .map_err(|error| damaged(error.to_string()))?;
            if is_table { &mut streams.tables } else { &mut streams.other }.insert(name, content);
        }
        Ok(streams)
    }
}

/// The name that a stream's stored name stands for, and whether it is a table.
fn decode(stored: &str) -> (String, bool) {
    const LETTERS: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._";
    let letter = |value: u32| char::from(LETTERS[(value & 0x3f) as usize]);
    let (rest, is_table) = match stored.strip_prefix(TABLE) {
        Some(rest) => (rest, true),
        None => (stored, false),
    };
    let mut name = String::new();
    for unit in rest.chars() {
        match u32::from(unit) {
            value @ 0x3800..0x4800 => name.extend([letter(value), letter((value - 0x3800) >> 6)]),
            value @ 0x4800..0x4840 => name.push(letter(value)),
            _ => name.push(unit),
        }
    }
    (name, is_table)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a name as other writers store it is not understood.
    #[test]
    fn understands_names() {
        for (stored, name, is_table) in [
            ("\u{4840}\u{3f3f}\u{4577}\u{446c}\u{3e6a}\u{44b2}\u{482f}", "_StringPool", true),
            ("\u{5}SummaryInformation", "\u{5}SummaryInformation", false),
        ] {
            assert_eq!(decode(stored), (name.to_owned(), is_table));
        }
    }
}
