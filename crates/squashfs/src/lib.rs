//! [SquashFS](https://dr-emann.github.io/squashfs/) 4.0 images, compressed with zlib (which the format calls gzip), as
//! Linux mounts them since 2.6.29.
//!
//! [`image()`] writes one: the same entries and time give the same bits. Everything belongs to root. [`Image`] reads what
//! it writes, from memory and without mounting: files, folders and symbolic links, no fragments and no extended
//! attributes. What is damaged is an error and never a panic.
//!
//! An image is a superblock, then the blocks of all files, then three tables: inodes, folders, owners. A table is a chain
//! of metadata blocks of 8 KiB, each compressed by itself. All numbers are little-endian.

mod read;
mod write;

pub use read::{Damage, File, Folder, Image, Kind, Node};
pub use write::{Content, Entry, Inexpressible, image};

/// Bytes of a file that are compressed together; the most that the format allows.
const BLOCK: usize = 1 << BLOCK_LOG;
const BLOCK_LOG: u16 = 20;
/// Bytes of a metadata block before it is compressed.
const METADATA: usize = 8192;
/// In the size of a metadata block: it is stored as it is.
const METADATA_STORED: u16 = 0x8000;
/// In the size of a block of a file: it is stored as it is.
const BLOCK_STORED: u32 = 1 << 24;
/// `hsqs`.
const MAGIC: u32 = 0x7371_7368;
/// Bytes of the superblock.
const SUPERBLOCK: usize = 96;
/// What stands for a table or fragment that there is not.
const NONE: u64 = u64::MAX;
/// The compressor zlib.
const ZLIB: u16 = 1;
/// Paths are shorter than this.
const LINK: usize = 4096;
/// What the size of a folder counts besides its entries.
const FOLDER_EXTRA: u32 = 3;

/// Kinds of inodes.
mod inode {
    pub(crate) const FOLDER: u16 = 1;
    pub(crate) const FILE: u16 = 2;
    pub(crate) const LINK: u16 = 3;
}
