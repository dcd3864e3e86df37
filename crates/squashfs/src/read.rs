//! Reading an image.

use crate::{
    BLOCK, BLOCK_LOG, BLOCK_STORED, FOLDER_EXTRA, LINK, MAGIC, METADATA, METADATA_STORED, NONE, SUPERBLOCK,
    ZLIB, inode,
};
use flate2::{Decompress, FlushDecompress, Status};
use std::fmt;

/// What is wrong with an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage(&'static str);

impl Damage {
    /// For those who walk through the folders: one of them is in itself.
    pub const RECURSION: Damage = Damage("it is damaged: a folder is in itself");
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Damage {}

/// It ends before something that it says it has.
const SHORT: Damage = Damage("it is cut off or damaged: something lies behind its end");
const COMPRESSION: Damage = Damage("it is damaged: a block cannot be decompressed");
const FOLDER: Damage = Damage("it is damaged: the list of a folder is none");
const SIZE: Damage = Damage("it is damaged: a file has another size than its blocks");

/// An image in memory.
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    bytes: &'a [u8],
    root: u64,
    inodes: u64,
    folders: u64,
}

/// A file, folder or symbolic link.
#[derive(Clone, Debug)]
pub struct Node {
    /// Permissions, such as `0o755`.
    pub mode: u32,
    /// What it is.
    pub kind: Kind,
    /// Where the image has it.
    place: u64,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A folder.
    Folder(Folder),
    /// A file.
    File(File),
    /// A symbolic link to there.
    Link(String),
}

/// Where the list of a folder is.
#[derive(Clone, Copy, Debug)]
pub struct Folder {
    block: u32,
    offset: u16,
    size: u32,
}

/// Where the blocks of a file are.
#[derive(Clone, Debug)]
pub struct File {
    start: u32,
    size: u32,
    blocks: Vec<u32>,
}

impl<'a> Image<'a> {
    /// An image. What follows it does not matter.
    ///
    /// # Errors
    /// If it is none, has what this library does not write, or is cut off.
    pub fn new(bytes: &'a [u8]) -> Result<Image<'a>, Damage> {
        let head = Bytes(bytes.get(..SUPERBLOCK).ok_or(SHORT)?);
        if head.u32(0)? != MAGIC {
            return Err(Damage("this is no squashfs"));
        }
        let known = (head.u16(28)?, head.u16(20)?, head.u16(22)?, head.u32(12)?, head.u32(16)?);
        if known != (4, ZLIB, BLOCK_LOG, BLOCK as u32, 0) {
            return Err(Damage(
                "this squashfs was made otherwise (version, compressor, blocks or fragments)",
            ));
        }
        let used = usize::try_from(head.u64(40)?).map_err(|_| SHORT)?;
        let bytes = bytes.get(..used).ok_or(SHORT)?;
        Ok(Image { bytes, root: head.u64(32)?, inodes: head.u64(64)?, folders: head.u64(72)? })
    }

    /// The root.
    ///
    /// # Errors
    /// If the image is damaged.
    pub fn root(&self) -> Result<Node, Damage> {
        self.node(self.root)
    }

    /// What an inode says.
    fn node(&self, place: u64) -> Result<Node, Damage> {
        let mut table = self.table(self.inodes, place >> 16, place as u16)?;
        let head = table.take(16)?;
        let head = Bytes(&head);
        let kind = match head.u16(0)? {
            inode::FOLDER => {
                let body = table.take(16)?;
                let body = Bytes(&body);
                let size = u32::from(body.u16(8)?).checked_sub(FOLDER_EXTRA).ok_or(FOLDER)?;
                Kind::Folder(Folder { block: body.u32(0)?, offset: body.u16(10)?, size })
            }
            inode::FILE => {
                let body = table.take(16)?;
                let body = Bytes(&body);
                let (start, fragment, size) = (body.u32(0)?, body.u32(4)?, body.u32(12)?);
                if fragment != NONE as u32 {
                    return Err(Damage("it is damaged, or a file is in a fragment"));
                }
                let count = (size as usize).div_ceil(BLOCK);
                let blocks = (0..count).map(|_| Bytes(&table.take(4)?).u32(0));
                Kind::File(File { start, size, blocks: blocks.collect::<Result<_, _>>()? })
            }
            inode::LINK => {
                let size = Bytes(&table.take(8)?).u32(4)? as usize;
                let text = if size < LINK { String::from_utf8(table.take(size)?).ok() } else { None };
                Kind::Link(text.ok_or(Damage("it is damaged: a link is no path"))?)
            }
            _ => return Err(Damage("it is damaged, or has something that is no file, folder or link")),
        };
        Ok(Node { mode: u32::from(head.u16(2)?) & 0o7777, kind, place })
    }

    /// The names in a folder, and what they are names of, in the order of the image.
    ///
    /// # Errors
    /// If the image is damaged, or a name could lead out of the folder.
    pub fn list(&self, folder: &Folder) -> Result<Vec<(String, Node)>, Damage> {
        let mut found = Vec::new();
        if folder.size == 0 {
            return Ok(found);
        }
        let mut table = self.table(self.folders, folder.block.into(), folder.offset)?;
        let mut left = folder.size as usize;
        let mut take = |count: usize| {
            left = left.checked_sub(count).ok_or(FOLDER)?;
            Ok((table.take(count)?, left))
        };
        loop {
            let (head, _) = take(12)?;
            let head = Bytes(&head);
            let mut rest = 0;
            for _ in 0..=head.u32(0)? {
                let (entry, _) = take(8)?;
                let entry = Bytes(&entry);
                let (name, left) = take(usize::from(entry.u16(6)?) + 1)?;
                let name = String::from_utf8(name).map_err(|_| FOLDER)?;
                if matches!(&*name, "." | "..") || name.contains(['/', '\0']) {
                    return Err(FOLDER);
                }
                let node = self.node(u64::from(head.u32(4)?) << 16 | u64::from(entry.u16(0)?))?;
                found.push((name, node));
                rest = left;
            }
            if rest == 0 {
                return Ok(found);
            }
        }
    }

    /// What a path leads to, which begins at the root; links on the way are followed.
    ///
    /// # Errors
    /// If there is no such thing, or the image is damaged.
    pub fn find(&self, path: &str) -> Result<Node, Damage> {
        const MISSING: Damage = Damage("what is looked for is not in it");
        // The way back, for `..`.
        let mut way = vec![self.root()?];
        let mut parts: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
        let mut links = 0;
        while let Some(part) = parts.pop() {
            match &*part {
                "" | "." => continue,
                ".." => {
                    way.truncate(way.len().saturating_sub(1).max(1));
                    continue;
                }
                _ => {}
            }
            let Some(Kind::Folder(folder)) = way.last().map(|node| &node.kind) else { return Err(MISSING) };
            let found = self.list(folder)?.into_iter().find(|(name, _)| *name == part);
            let (_, node) = found.ok_or(MISSING)?;
            if let Kind::Link(target) = &node.kind {
                links += 1;
                if links > 40 {
                    return Err(Damage("its links lead nowhere"));
                }
                if target.starts_with('/') {
                    way.truncate(1);
                }
                parts.extend(target.split('/').rev().map(str::to_owned));
            } else {
                way.push(node);
            }
        }
        way.pop().ok_or(MISSING)
    }

    /// Hands over the content of a file, block by block.
    ///
    /// # Errors
    /// What `take` says; or [`Damage`], if the image is damaged.
    pub fn read<E: From<Damage>>(
        &self,
        file: &File,
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let (mut at, mut left) = (file.start as usize, file.size as usize);
        for word in &file.blocks {
            let (size, expected) = ((word & (BLOCK_STORED - 1)) as usize, left.min(BLOCK));
            let stored = self.slice(at, size)?;
            if word & BLOCK_STORED == 0 {
                let block = inflate(stored, BLOCK)?;
                if block.len() != expected {
                    return Err(SIZE.into());
                }
                take(&block)?;
            } else if size == expected {
                take(stored)?;
            } else {
                return Err(SIZE.into());
            }
            at += size;
            left -= expected;
        }
        Ok(())
    }

    fn slice(&self, at: usize, size: usize) -> Result<&'a [u8], Damage> {
        at.checked_add(size).and_then(|end| self.bytes.get(at..end)).ok_or(SHORT)
    }

    /// A table, from a place in it on.
    fn table(&self, table: u64, block: u64, offset: u16) -> Result<Table<'a>, Damage> {
        let next = table.checked_add(block).and_then(|at| usize::try_from(at).ok()).ok_or(SHORT)?;
        let mut table = Table { image: *self, next, data: Vec::new(), at: 0 };
        table.take(offset.into())?;
        Ok(table)
    }
}

impl Node {
    /// Whether it is the same thing in the image: by this, folders that are inside themselves are found.
    pub fn is(&self, other: &Node) -> bool {
        self.place == other.place
    }
}

/// A chain of metadata blocks, from somewhere on.
struct Table<'a> {
    image: Image<'a>,
    next: usize,
    data: Vec<u8>,
    at: usize,
}

impl Table<'_> {
    fn take(&mut self, count: usize) -> Result<Vec<u8>, Damage> {
        while self.data.len() - self.at < count {
            let word = Bytes(self.image.slice(self.next, 2)?).u16(0)?;
            let size = usize::from(word & !METADATA_STORED);
            let stored = self.image.slice(self.next + 2, size)?;
            let block =
                if word & METADATA_STORED == 0 { inflate(stored, METADATA)? } else { stored.to_vec() };
            if block.is_empty() || block.len() > METADATA {
                return Err(COMPRESSION);
            }
            self.next += 2 + size;
            self.data.drain(..self.at);
            self.at = 0;
            self.data.extend(block);
        }
        self.at += count;
        Ok(self.data[self.at - count..self.at].to_vec())
    }
}

/// Decompresses a block, which is checked by its sum.
fn inflate(stored: &[u8], limit: usize) -> Result<Vec<u8>, Damage> {
    let mut block = Vec::with_capacity(limit);
    let mut inflater = Decompress::new(true);
    match inflater.decompress_vec(stored, &mut block, FlushDecompress::Finish) {
        Ok(Status::StreamEnd) if inflater.total_in() == stored.len() as u64 => Ok(block),
        _ => Err(COMPRESSION),
    }
}

/// Numbers in bytes.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn array<const N: usize>(&self, at: usize) -> Result<[u8; N], Damage> {
        self.0.get(at..).and_then(<[u8]>::first_chunk).copied().ok_or(SHORT)
    }

    fn u16(&self, at: usize) -> Result<u16, Damage> {
        self.array(at).map(u16::from_le_bytes)
    }

    fn u32(&self, at: usize) -> Result<u32, Damage> {
        self.array(at).map(u32::from_le_bytes)
    }

    fn u64(&self, at: usize) -> Result<u64, Damage> {
        self.array(at).map(u64::from_le_bytes)
    }
}
