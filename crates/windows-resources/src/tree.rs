//! The tree of resources: kinds, below them numbers, below these languages, below these the content.

use crate::LANGUAGE;
use std::collections::BTreeMap;

/// Content begins at multiples of this, as Microsoft's tools do it.
const ALIGNMENT: usize = 8;
/// Sizes of `IMAGE_RESOURCE_DIRECTORY`, `IMAGE_RESOURCE_DIRECTORY_ENTRY` and `IMAGE_RESOURCE_DATA_ENTRY`.
const DIRECTORY: usize = 16;
const ENTRY: usize = 8;
const DATA_ENTRY: usize = 16;
/// An entry leads to another directory, not to content.
const TO_DIRECTORY: u32 = 1 << 31;

/// Resources of one language, by kind and number.
#[derive(Debug, Default)]
pub(crate) struct Tree(BTreeMap<u16, BTreeMap<u16, Vec<u8>>>);

/// The content of the section `.rsrc`.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) bytes: Vec<u8>,
    /// Where an address relative to the program's begin is wanted, and of which place of this section.
    pub(crate) addresses: Vec<(usize, usize)>,
}

impl Tree {
    /// Adds a resource.
    pub(crate) fn add(&mut self, kind: u16, id: u16, content: Vec<u8>) {
        self.0.entry(kind).or_default().insert(id, content);
    }

    /// The tree as it lies in a program: all directories, level by level, then where the content is, then
    /// the content.
    pub(crate) fn section(&self) -> Section {
        let resources = || self.0.values().flat_map(BTreeMap::values);
        let count = resources().count();
        let ids_at = directory_size(self.0.len());
        let languages_at = ids_at + self.0.values().map(|ids| directory_size(ids.len())).sum::<usize>();
        let data_entries_at = languages_at + count * directory_size(1);

        let mut bytes = Vec::new();
        let mut next = ids_at;
        push_directory(&mut bytes, self.0.len());
        for (kind, ids) in &self.0 {
            push_entry(&mut bytes, *kind, number(next) | TO_DIRECTORY);
            next += directory_size(ids.len());
        }
        let mut next = languages_at;
        for ids in self.0.values() {
            push_directory(&mut bytes, ids.len());
            for id in ids.keys() {
                push_entry(&mut bytes, *id, number(next) | TO_DIRECTORY);
                next += directory_size(1);
            }
        }
        for index in 0..count {
            push_directory(&mut bytes, 1);
            push_entry(&mut bytes, LANGUAGE, number(data_entries_at + index * DATA_ENTRY));
        }

        let mut addresses = Vec::new();
        let mut next = (data_entries_at + count * DATA_ENTRY).next_multiple_of(ALIGNMENT);
        for content in resources() {
            addresses.push((bytes.len(), next));
            // The linker fills in the address. Neither code page nor the last field mean anything today.
            for field in [0, number(content.len()), 0, 0] {
                bytes.extend(field.to_le_bytes());
            }
            next = (next + content.len()).next_multiple_of(ALIGNMENT);
        }
        for content in resources() {
            bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
            bytes.extend(content);
        }
        Section { bytes, addresses }
    }
}

fn directory_size(entries: usize) -> usize {
    DIRECTORY + entries * ENTRY
}

/// A directory whose entries have numbers and no names. Its time and version stay 0.
fn push_directory(bytes: &mut Vec<u8>, entries: usize) {
    bytes.extend([0; DIRECTORY - 2]);
    bytes.extend(u16::try_from(entries).unwrap_or(u16::MAX).to_le_bytes());
}

fn push_entry(bytes: &mut Vec<u8>, id: u16, to: u32) {
    bytes.extend(u32::from(id).to_le_bytes());
    bytes.extend(to.to_le_bytes());
}

/// A size or an offset. Resources of 4 GiB would not have been loaded into memory.
fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
