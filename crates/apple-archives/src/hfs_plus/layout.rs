//! Where everything lies on a volume, and its header: "Volume Header" and "Allocation File" of TN1150.

use super::b_tree::{self, Kind, Record};
use super::catalog::{self, Facts, Fork, Holds, Id};
use super::volume::{Content, Volume};
use super::{BLOCK, Error, HEADER, HEADER_OFFSET, Result};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// The volume was unmounted properly (`kHFSVolumeUnmountedBit`).
const UNMOUNTED: u32 = 0x100;

/// By how many blocks files would grow, if there were room.
const CLUMP: u32 = 16;

impl Volume {
    /// The whole volume, a multiple of 4096 bytes.
    ///
    /// # Errors
    /// If it has too many files, or they are too large.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let extents = b_tree::write(Kind::Extents, Vec::new())?;
        let attributes = b_tree::write(Kind::Attributes, Vec::new())?;
        // How large the catalog is does not depend on what it says, so the first one tells where data can begin.
        let catalog_bytes = self.catalog(0)?.len();
        let data_blocks = self
            .nodes
            .iter()
            .try_fold(0_u32, |sum, node| sum.checked_add(blocks(node.content.data().len())?));
        let too_large =
            || Error::Unfit { what: "so much".to_owned(), reason: "it has at most 4294967295 blocks" };
        let data_blocks = data_blocks.ok_or_else(too_large)?;
        let metadata = extents.len() + attributes.len() + catalog_bytes;
        let ends = 2; // the blocks with the header and with the spare one
        let without_map =
            blocks(metadata).and_then(|metadata| metadata.checked_add(data_blocks)?.checked_add(ends));
        let map_blocks = without_map.map(map_blocks).ok_or_else(too_large)?;
        let total = without_map.and_then(|count| count.checked_add(map_blocks)).ok_or_else(too_large)?;

        let mut next = 1;
        let mut place = |bytes: usize| {
            let fork =
                Fork { size: bytes as u64, start: next, blocks: (bytes / BLOCK) as u32, clump: bytes as u32 };
            next += fork.blocks;
            fork
        };
        let mut map = vec![0; map_blocks as usize * BLOCK];
        mark(&mut map, total as usize);
        let forks = [map.len(), extents.len(), catalog_bytes, attributes.len()];
        // The header names the catalog before the attributes, which come first on the disk.
        let [map_fork, extents_fork] = [forks[0], forks[1]].map(&mut place);
        let [attributes_fork, catalog_fork] = [forks[3], forks[2]].map(&mut place);
        let catalog = self.catalog(next)?;

        let identifier = self.identifier(&catalog);
        let forks = [map_fork, extents_fork, catalog_fork, attributes_fork, Fork::default()];
        let header = self.header(total, identifier, forks);

        let mut out = Vec::with_capacity(total as usize * BLOCK);
        out.resize(HEADER_OFFSET, 0);
        out.extend(&header);
        out.resize(BLOCK, 0);
        for part in [map, extents, attributes, catalog] {
            out.extend(part);
        }
        for node in &self.nodes {
            out.extend(node.content.data());
            out.resize(out.len().next_multiple_of(BLOCK), 0);
        }
        out.resize(total as usize * BLOCK - HEADER_OFFSET, 0);
        out.extend(&header);
        out.resize(total as usize * BLOCK, 0);
        Ok(out)
    }

    /// The catalog, if the first file begins at block `start`.
    fn catalog(&self, start: u32) -> Result<Vec<u8>> {
        let mut valences: HashMap<Id, u32> = HashMap::new();
        for node in &self.nodes {
            *valences.entry(node.parent).or_default() += 1;
        }
        let mut next = start;
        let mut records = Vec::with_capacity(self.nodes.len() * 2);
        for node in &self.nodes {
            let holds = match &node.content {
                Content::Folder => Holds::Entries(valences.get(&node.id).copied().unwrap_or_default()),
                content => {
                    let size = content.data().len();
                    let blocks = blocks(size).unwrap_or_default();
                    let start = if blocks == 0 { 0 } else { next };
                    next = next.wrapping_add(blocks);
                    Holds::Data(Fork { size: size as u64, start, blocks, clump: 0 })
                }
            };
            let facts = Facts { id: node.id, time: self.time, mode: node.mode, finder: node.finder, holds };
            let name = node.name.as_str();
            let record = Record { key: catalog::key(node.parent, name), value: facts.bytes() };
            records.push(((node.parent, node.name.folded()), record));
            let thread =
                Record { key: catalog::key(node.id, ""), value: facts.thread(node.parent, &node.name) };
            records.push(((node.id, String::new()), thread));
        }
        records.sort_by(|(one, _), (other, _)| one.cmp(other));
        b_tree::write(Kind::Catalog, records.into_iter().map(|(_, record)| record).collect())
    }

    /// What tells this volume from others: from all that is on it.
    fn identifier(&self, catalog: &[u8]) -> [u8; 8] {
        let mut digest = Sha256::new();
        digest.update(catalog);
        for node in &self.nodes {
            digest.update(node.content.data());
        }
        let mut identifier = [0; 8];
        identifier.copy_from_slice(&digest.finalize()[..8]);
        identifier
    }

    fn header(&self, total: u32, identifier: [u8; 8], forks: [Fork; 5]) -> Vec<u8> {
        let count = |is_folder: bool| {
            let counted = |content: &Content| matches!(content, Content::Folder) == is_folder;
            self.nodes.iter().skip(1).filter(|node| counted(&node.content)).count() as u32
        };
        let mut header = b"H+".to_vec();
        header.extend(4_u16.to_be_bytes());
        header.extend(UNMOUNTED.to_be_bytes());
        header.extend(b"10.0");
        let journal = 0;
        let (backed_up, checked) = (0, self.time);
        let (free, next_allocation) = (0, total - 1);
        let next_id = Id::FIRST.0 + self.nodes.len() as u32 - 1;
        let (writes, block, clump) = (1, BLOCK as u32, BLOCK as u32 * CLUMP);
        for word in [journal, self.time, self.time, backed_up, checked, count(false), count(true), block] {
            header.extend(word.to_be_bytes());
        }
        for word in [total, free, next_allocation, clump, clump, next_id, writes] {
            header.extend(word.to_be_bytes());
        }
        let encodings = 1_u64; // MacRoman
        header.extend(encodings.to_be_bytes());
        // Nothing to start a computer with; the folder that Finder opens when the volume is mounted; who made it.
        let (system, program, opened) = (0, 0, Id::ROOT.0);
        for word in [system, program, opened, 0, 0, 0_u32] {
            header.extend(word.to_be_bytes());
        }
        header.extend(identifier);
        header.extend(forks.map(Fork::bytes).concat());
        debug_assert_eq!(header.len(), HEADER);
        header
    }
}

/// The blocks that so many bytes take.
fn blocks(bytes: usize) -> Option<u32> {
    u32::try_from(bytes.div_ceil(BLOCK)).ok()
}

/// The blocks of the allocation map, which covers its own, too.
fn map_blocks(others: u32) -> u32 {
    let covered = (BLOCK * 8) as u64;
    let mut blocks = 1;
    while u64::from(blocks) * covered < u64::from(others) + u64::from(blocks) {
        blocks += 1;
    }
    blocks
}

/// Marks the first `count` bits of a map.
pub(super) fn mark(map: &mut [u8], count: usize) {
    map[..count / 8].fill(0xff);
    if !count.is_multiple_of(8) {
        map[count / 8] = 0xff << (8 - count % 8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a bit too many or too few is marked, or the map does not cover itself.
    #[test]
    fn maps_cover_what_is_used() {
        for (count, expected) in
            [(0, [0, 0]), (1, [0x80, 0]), (8, [0xff, 0]), (11, [0xff, 0xe0]), (16, [0xff, 0xff])]
        {
            let mut map = [0; 2];
            mark(&mut map, count);
            assert_eq!(map, expected, "{count}");
        }
        let one = (BLOCK * 8) as u32;
        for (others, expected) in [(1, 1), (one - 1, 1), (one, 2), (2 * one - 2, 2), (2 * one - 1, 3)] {
            assert_eq!(map_blocks(others), expected, "{others}");
        }
    }
}
