//! HFS Plus volumes, the file system of disk images: written whole, and read again to judge them.
//!
//! Specified by Apple in [Technical Note TN1150]. A [`Volume`] is collected in memory and written straight through, in
//! the order in which `newfs_hfs` lays one out: header, allocation map, extents, attributes, catalog, then every file in
//! one piece, and the spare header. There is no free space and no journal: a disk image is mounted to be read.
//!
//! What is written depends on what is added alone: the one time is a parameter, numbers are given in order, and the
//! identifier of the volume is a digest of what is on it. Names are ASCII: others would have to be decomposed and folded by
//! Apple's own tables.
//!
//! [Technical Note TN1150]: https://developer.apple.com/library/archive/technotes/tn/tn1150.html

mod b_tree;
mod catalog;
mod layout;
mod name;
mod reader;
mod volume;

pub use catalog::{FinderInfo, Id};
pub use reader::{Contents, Found, read};
pub use volume::{Content, Volume};

/// Bytes in an allocation block, the unit in which space is given to files.
const BLOCK: usize = 4096;

/// Where the header of a volume lies; before it is room for what starts a computer.
const HEADER_OFFSET: usize = 1024;

/// Bytes in the header of a volume.
const HEADER: usize = 512;

/// Seconds from 1904, when time begins here, to 1970.
const EPOCH: u32 = 2_082_844_800;

/// Why a volume cannot be written or read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// A name that no folder of the volume can hold.
    #[error("{name:?} cannot be the name of a file on an HFS Plus volume: {reason}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong, and what would be right.
        reason: &'static str,
    },
    /// Something else that the format cannot express.
    #[error("no HFS Plus volume can hold {what}: {reason}")]
    Unfit {
        /// What it is about.
        what: String,
        /// What is wrong, and what would be right.
        reason: &'static str,
    },
    /// It is none, or not whole any more.
    #[error("not a whole HFS Plus volume: {0}")]
    Damaged(String),
}

/// The result of everything that can be refused.
pub type Result<T> = std::result::Result<T, Error>;
