//! The trailer, which the file ends with: where everything else is. All numbers have their high bytes first.

use super::{CHECKSUM, CRC32, Error, Result};

/// The trailer of an image, `koly`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// Where the runs begin, and how many bytes they are.
    pub data: (u64, u64),
    /// Where the property list is, and how many bytes it has.
    pub list: (u64, u64),
    /// Where a signature is, and how many bytes it has; 0 and 0 where there is none.
    pub signature: (u64, u64),
    /// What tells this image from others.
    pub identifier: [u8; 16],
    /// CRC-32 of the runs as they are stored.
    pub data_checksum: u32,
    /// CRC-32 of the checksums of all tables of runs.
    pub master_checksum: u32,
    /// Sectors of the volume.
    pub sectors: u64,
}

impl Trailer {
    /// Bytes of a trailer.
    pub const SIZE: usize = 512;

    /// A volume, not a whole disk with partitions.
    const VARIANT: u32 = 2;
    /// Flattened: all of it is in one file.
    const FLAGS: u32 = 1;

    /// The trailer at the end of an image.
    ///
    /// # Errors
    /// If there is none, or it is one that nothing here writes.
    pub fn of(image: &[u8]) -> Result<Trailer> {
        let none = || Error::Damaged("it does not end with a trailer, as every one does".to_owned());
        let start = image.len().checked_sub(Trailer::SIZE).ok_or_else(none)?;
        let bytes = &image[start..];
        if &bytes[..4] != b"koly" {
            return Err(none());
        }
        let word = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let long = |at: usize| u64::from(word(at)) << 32 | u64::from(word(at + 4));
        for (at, expected, what) in [
            (4, 4, "has another version than 4"),
            (8, Trailer::SIZE as u32, "has a trailer of another size"),
            (60, 1, "is divided into several files"),
            (80, CRC32, "has another checksum than CRC-32"),
            (352, CRC32, "has another checksum than CRC-32"),
        ] {
            if word(at) != expected {
                return Err(Error::Unfit(what.to_owned()));
            }
        }
        let mut identifier = [0; 16];
        identifier.copy_from_slice(&bytes[64..80]);
        let trailer = Trailer {
            data: (long(24), long(32)),
            list: (long(216), long(224)),
            signature: (long(296), long(304)),
            identifier,
            data_checksum: word(88),
            master_checksum: word(360),
            sectors: long(492),
        };
        for (start, length) in [trailer.data, trailer.list, trailer.signature] {
            if start.checked_add(length).is_none_or(|end| end > (image.len() - Trailer::SIZE) as u64) {
                return Err(Error::Damaged("its trailer tells of what lies behind its end".to_owned()));
            }
        }
        Ok(trailer)
    }

    /// The trailer as it is stored.
    pub fn to_bytes(&self) -> [u8; Trailer::SIZE] {
        let mut bytes = [0; Trailer::SIZE];
        let mut put = |at: usize, part: &[u8]| bytes[at..at + part.len()].copy_from_slice(part);
        put(0, b"koly");
        let (version, size, segment, segments) = (4_u32, Trailer::SIZE as u32, 1_u32, 1_u32);
        put(4, &[version, size, Trailer::FLAGS].map(u32::to_be_bytes).concat());
        // Bytes 16 to 23: where runs would begin in a running image; 40 to 55: a resource fork, which there is none of.
        put(24, &[self.data.0, self.data.1].map(u64::to_be_bytes).concat());
        put(56, &[segment, segments].map(u32::to_be_bytes).concat());
        put(64, &self.identifier);
        put(80, &checksum(self.data_checksum));
        put(216, &[self.list.0, self.list.1].map(u64::to_be_bytes).concat());
        put(296, &[self.signature.0, self.signature.1].map(u64::to_be_bytes).concat());
        put(352, &checksum(self.master_checksum));
        put(488, &Trailer::VARIANT.to_be_bytes());
        put(492, &self.sectors.to_be_bytes());
        bytes
    }
}

/// A checksum as it is stored.
pub(super) fn checksum(crc: u32) -> [u8; CHECKSUM] {
    let mut bytes = [0; CHECKSUM];
    bytes[..12].copy_from_slice(&[CRC32, 32, crc].map(u32::to_be_bytes).concat());
    bytes
}
