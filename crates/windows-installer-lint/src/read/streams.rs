//! The streams of the compound file, and what their names mean.
//!
//! Names of at most 31 UTF-16 units would be short for `Table.Key`. So two characters of a 64-letter
//! alphabet share one unit from U+3800 on, a single one is at U+4800, and U+4840 marks tables.

use super::Unreadable;
use std::collections::BTreeMap;
use std::io::{Cursor, Read};

/// Marks the stream of a table.
const TABLE: char = '\u{4840}';

/// Compound files of version 3 consist of sectors of this size. The last sector of those of version 4, which
/// are larger, Windows leaves unfinished.
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
        let is_version_3 = compound.version() == cfb::Version::V3;
        if is_version_3 && !file.len().is_multiple_of(SECTOR) {
            return Err(Unreadable::Damaged(format!("{} bytes are no whole number of sectors", file.len())));
        }
        let class = compound.root_entry().clsid().to_string();
        let mut streams = Streams { class, tables: BTreeMap::new(), other: BTreeMap::new() };
        let entries: Vec<_> = compound.read_root_storage().collect();
        let mut left = file.len() as u64;
        for entry in entries.iter().filter(|entry| entry.is_stream()) {
            let (name, is_table) = decode(entry.name());
            let damaged = |reason: String| Unreadable::Damaged(format!("stream {name:?}: {reason}"));
            // The sizes are what the file says, and streams can claim the same sectors; they are not believed
            // beyond what there can be.
            left = left
                .checked_sub(entry.len())
                .ok_or_else(|| damaged(format!("{} bytes are more than the file has", entry.len())))?;
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
    use std::io::Write;

    /// A compound file with one stream.
    fn compound(version: cfb::Version, content: &[u8]) -> Vec<u8> {
        let compound = cfb::CompoundFile::create_with_version(version, Cursor::new(Vec::new()));
        let mut compound = compound.expect("a compound file");
        compound.create_stream("content").and_then(|mut stream| stream.write_all(content)).expect("a stream");
        compound.flush().expect("written");
        compound.into_inner().into_inner()
    }

    /// Fails if: a file whose last sector Windows has not finished is taken for damaged, or one that lacks some
    /// of its content is not.
    #[test]
    fn knows_whole_files() {
        let content = vec![7; 4096 + 100];
        for (version, sector, may_end_early) in
            [(cfb::Version::V3, 512, false), (cfb::Version::V4, 4096, true)]
        {
            let file = compound(version, &content);
            let last = content.len() % sector;
            assert!(file[..file.len() - sector + last].ends_with(&content[content.len() - last..]));
            let judged = |cut: usize| Streams::read(&file[..file.len() - cut]);
            assert!(judged(0).is_ok_and(|streams| streams.other["content"] == content));
            let unfinished = judged(sector - last);
            assert_eq!(unfinished.is_ok_and(|streams| streams.other["content"] == content), may_end_early);
            assert!(judged(sector - last + 1).is_err());
        }
    }

    /// Fails if: streams that claim the same part of the file are all read, which could exhaust memory.
    #[test]
    fn refuses_streams_in_one_place() {
        let mut file = compound(cfb::Version::V3, &[7; 5000]);
        let name: Vec<u8> = "content".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let at = file.windows(name.len()).position(|window| window == name).expect("the entry");
        // A second entry of the directory, which differs in its name, as the first one's right sibling.
        file.copy_within(at..at + 128, at + 128);
        file[at + 128] = b'd';
        file[at + 72..at + 76].copy_from_slice(&2_u32.to_le_bytes());
        let error = Streams::read(&file).err().expect("too much").to_string();
        assert!(error.contains("more than the file has"), "{error}");
    }

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
