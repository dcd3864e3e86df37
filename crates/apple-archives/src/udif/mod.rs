//! Disk images (`.dmg`), UDIF for short: a volume in compressed runs of sectors, a property list that says where they are,
//! and a trailer.
//!
//! Apple has not published the format. [dmg2img] and [The Sleuth Kit] read it; the fields are those of `UDIFResourceFile`
//! and `BLKXTable`, which Apple's `hdiutil` and the readers name alike. Written is what every macOS reads: one volume
//! without a map of partitions, zlib (`UDZO`). The same volume gives the same bits: the identifier of the image is a
//! digest of its data.
//!
//! [dmg2img]: http://vu1tur.eu.org/tools/
//! [The Sleuth Kit]: https://www.sleuthkit.org/

mod reader;
mod trailer;
mod writer;

pub use reader::read;
pub use trailer::Trailer;
pub use writer::write;

/// Bytes in a sector, in which everything here is counted.
const SECTOR: usize = 512;

/// What a run is: how its sectors are stored.
const ZERO: u32 = 0;
const RAW: u32 = 1;
/// Sectors that nobody needs; read as zeros.
const IGNORED: u32 = 2;
const ZLIB: u32 = 0x8000_0005;
const COMMENT: u32 = 0x7fff_fffe;
const END: u32 = 0xffff_ffff;

/// Bytes of the table that lists runs before its first run, and of a run in it.
const TABLE: usize = 204;
const RUN: usize = 40;

/// The checksum of this kind is a CRC-32.
const CRC32: u32 = 2;
/// Bytes of a checksum, whatever its kind: kind, bits and room for 32 words.
const CHECKSUM: usize = 8 + 32 * 4;

/// Why an image cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is none, or not whole any more.
    #[error("not a whole disk image: {0}")]
    Damaged(String),
    /// It may be whole, but nothing here reads or writes such a one.
    #[error("a disk image {0}")]
    Unfit(String),
    /// It could not be written.
    #[error("writing the disk image: {0}")]
    Io(#[from] std::io::Error),
}

/// The result of everything that can be refused.
pub type Result<T> = std::result::Result<T, Error>;

/// The CRC-32 of some bytes.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}
