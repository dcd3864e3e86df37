//! Reads a volume and believes nothing of it: trees, threads, counts and the allocation map must all agree, as `fsck`
//! wants it. Reads what [`Volume`](super::Volume) writes, and others' volumes without journal whose files lie in at most
//! eight pieces each.

mod bytes;
mod catalog;
mod tree;

use super::catalog::FinderInfo;
use super::volume::Content;
use super::{BLOCK, EPOCH, Error, HEADER, HEADER_OFFSET, Result};
use bytes::Bytes;
use std::collections::BTreeMap;

/// What is on a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Its name.
    pub name: String,
    /// When it was made, in seconds since 1970; before that, 0.
    pub time: u32,
    /// What tells it from other volumes.
    pub identifier: [u8; 8],
    /// What Finder knows of the volume.
    pub finder: FinderInfo,
    /// Everything on it by its path, such as `folder/file`.
    pub entries: BTreeMap<String, Found>,
}

/// A file or folder on a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its number.
    pub id: u32,
    /// Its permissions, without its type.
    pub mode: u16,
    /// What Finder knows of it.
    pub finder: FinderInfo,
    /// What it is.
    pub content: Content,
}

/// Reads a whole volume.
///
/// # Errors
/// If it is none, its parts disagree, or it has what this reader does not know.
pub fn read(volume: &[u8]) -> Result<Contents> {
    let disk = Disk::new(volume)?;
    let mut used = Used::new(&disk);
    let [_, extents, catalog, attributes, startup] = disk.forks;
    for fork in disk.forks {
        used.take(fork)?;
    }
    ensure(startup.size == 0, "has a startup file, which this reader does not know")?;
    let extents = tree::read(&disk.content(extents)?)?;
    ensure(extents.is_empty(), "has files in more than eight pieces, which this reader does not know")?;
    if attributes.size > 0 {
        let attributes = tree::read(&disk.content(attributes)?)?;
        ensure(attributes.is_empty(), "has extended attributes, which this reader does not know")?;
    }
    let found = catalog::read(&disk, &tree::read(&disk.content(catalog)?)?, &mut used)?;
    used.compare(&disk)?;
    ensure(disk.word(32)? == found.files, "counts other files in its header than in its catalog")?;
    ensure(disk.word(36)? == found.folders, "counts other folders in its header than in its catalog")?;
    ensure(disk.word(64)? > found.last_id, "would give a number to a new file that another one has")?;
    let mut identifier = [0; 8];
    identifier.copy_from_slice(disk.header.part(104, 8)?);
    let time = disk.word(16)?.saturating_sub(EPOCH);
    Ok(Contents { name: found.name, time, identifier, finder: found.finder, entries: found.entries })
}

fn ensure(holds: bool, complaint: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(damaged(format!("it {complaint}"))) }
}

fn damaged(what: impl Into<String>) -> Error {
    Error::Damaged(what.into())
}

/// The blocks of a volume, and what its header says.
struct Disk<'a> {
    volume: Bytes<'a>,
    header: Bytes<'a>,
    blocks: u32,
    /// Allocation map, extents, catalog, attributes, startup file.
    forks: [Fork; 5],
}

/// Where a file lies.
#[derive(Clone, Copy, Default)]
struct Fork {
    size: u64,
    /// The first block of each piece, and how many there are.
    pieces: [(u32, u32); 8],
}

impl Fork {
    fn read(bytes: Bytes<'_>, at: usize) -> Result<Fork> {
        let mut fork = Fork { size: bytes.long(at)?, ..Fork::default() };
        for (index, piece) in fork.pieces.iter_mut().enumerate() {
            *piece = (bytes.word(at + 16 + index * 8)?, bytes.word(at + 20 + index * 8)?);
        }
        let blocks: u64 = fork.pieces.iter().map(|(_, count)| u64::from(*count)).sum();
        ensure(
            u64::from(bytes.word(at + 12)?) == blocks,
            "has a file whose blocks are not those of its pieces",
        )?;
        ensure(fork.size <= blocks * BLOCK as u64, "has a file that is longer than its blocks")?;
        ensure(
            blocks * (BLOCK as u64) < fork.size + BLOCK as u64,
            "has a file with blocks that it does not need",
        )?;
        Ok(fork)
    }
}

impl<'a> Disk<'a> {
    fn new(volume: &'a [u8]) -> Result<Disk<'a>> {
        let volume = Bytes(volume);
        let header = Bytes(volume.part(HEADER_OFFSET, HEADER)?);
        ensure(header.part(0, 4)? == b"H+\0\x04", "does not begin as one does")?;
        let flags = header.word(4)?;
        let journaled = 1 << 13;
        ensure(flags & journaled == 0, "has a journal, which this reader does not know")?;
        ensure(
            header.word(40)? as usize == BLOCK,
            "has blocks of another size than 4096, which this reader does not know",
        )?;
        let blocks = header.word(44)?;
        ensure(
            blocks as usize as u64 * BLOCK as u64 == volume.0.len() as u64,
            "is not as long as its header says",
        )?;
        let spare = volume.part(volume.0.len() - HEADER_OFFSET, HEADER)?;
        ensure(spare == header.0, "has a spare header that differs from its header")?;
        let mut forks = [Fork::default(); 5];
        for (index, fork) in forks.iter_mut().enumerate() {
            *fork = Fork::read(header, 112 + index * 80)?;
        }
        Ok(Disk { volume, header, blocks, forks })
    }

    fn word(&self, at: usize) -> Result<u32> {
        self.header.word(at)
    }

    /// The content of a file.
    fn content(&self, fork: Fork) -> Result<Vec<u8>> {
        let mut content = Vec::new();
        for (start, count) in fork.pieces {
            content.extend(self.volume.part(start as usize * BLOCK, count as usize * BLOCK)?);
        }
        ensure(content.len() as u64 >= fork.size, "has a file that is longer than its blocks")?;
        content.truncate(fork.size as usize);
        Ok(content)
    }
}

/// Which blocks are taken, found by looking at everything that takes some.
struct Used(Vec<bool>);

impl Used {
    /// The headers are taken.
    fn new(disk: &Disk<'_>) -> Used {
        let mut used = vec![false; disk.blocks as usize];
        let count = used.len();
        for header in [0, count.saturating_sub(1)] {
            if let Some(block) = used.get_mut(header) {
                *block = true;
            }
        }
        Used(used)
    }

    fn take(&mut self, fork: Fork) -> Result<()> {
        for (start, count) in fork.pieces {
            let (start, count) = (start as usize, count as usize);
            let end = start.checked_add(count).ok_or_else(|| damaged("a file lies outside"))?;
            let blocks = self.0.get_mut(start..end).ok_or_else(|| damaged("a file lies outside"))?;
            for block in blocks {
                ensure(!*block, "has two files in one block")?;
                *block = true;
            }
        }
        Ok(())
    }

    /// The map on the volume must say the same.
    fn compare(&self, disk: &Disk<'_>) -> Result<()> {
        let map = disk.content(disk.forks[0])?;
        let bit = |index: usize| map.get(index / 8).is_some_and(|byte| byte & 0x80 >> (index % 8) != 0);
        ensure(map.len() * 8 >= self.0.len(), "has a map that does not cover all of it")?;
        let agrees =
            (0..map.len() * 8).all(|index| bit(index) == self.0.get(index).copied().unwrap_or(false));
        ensure(agrees, "has a map that does not say which blocks are taken")?;
        let free = self.0.iter().filter(|block| !**block).count();
        ensure(disk.word(48)? as usize == free, "counts other free blocks than it has")
    }
}
