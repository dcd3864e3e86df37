//! The table of partitions in the MBR, the first sector of a disk: for what starts from nothing else, such as the boot ROM
//! of a Raspberry Pi, which takes its firmware from the first FAT in such a table.
//!
//! Specified in the [UEFI Specification], section 5.2.1, for the four primary partitions that there are. Cylinders, heads
//! and sectors say what all programs write that address by sectors: too far for them.
//!
//! [UEFI Specification]: https://uefi.org/specs/UEFI/2.10/05_GUID_Partition_Table_Format.html

use crate::disk::SECTOR;
use crate::{Error, Result};
use std::io::{Seek, SeekFrom, Write};

/// What partitions begin at multiples of, and are made of: cards erase no less at a time.
pub const STEP: u64 = 4 * 1024 * 1024;

/// Partitions that there is room for.
const ENTRIES: usize = 4;

/// Cylinder, head and sector of what lies behind all that they can say.
const TOO_FAR: [u8; 3] = [0xfe, 0xff, 0xff];

/// What a partition is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A FAT32, addressed by sectors.
    Fat32,
    /// Anything of Linux.
    Linux,
}

impl Kind {
    fn number(self) -> u8 {
        match self {
            Kind::Fat32 => 0x0c,
            Kind::Linux => 0x83,
        }
    }
}

/// A partition that has its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// The byte of the disk that it begins with.
    pub start: u64,
    /// Bytes of it.
    pub length: u64,
    kind: Kind,
}

/// The table of a disk.
#[derive(Clone, Debug)]
pub struct Table {
    identifier: u32,
    partitions: Vec<Partition>,
}

impl Table {
    /// Gives each partition its place, one behind the other from the first [`STEP`] on: kinds, and their bytes. Linux makes
    /// `PARTUUID`s of the identifier and their numbers.
    ///
    /// # Errors
    /// If there are more than four, or one has no whole steps, or they end behind what 32 bits can say.
    pub fn new(identifier: u32, wanted: &[(Kind, u64)]) -> Result<Table> {
        if wanted.len() > ENTRIES {
            return Err(unfit(format!("{} partitions; it has room for {ENTRIES}", wanted.len())));
        }
        let (mut start, mut partitions) = (STEP, Vec::new());
        for &(kind, length) in wanted {
            if length == 0 || !length.is_multiple_of(STEP) {
                return Err(unfit(format!("a partition of {length} bytes; use multiples of {STEP}")));
            }
            partitions.push(Partition { start, length, kind });
            let end = start.checked_add(length).filter(|end| end / SECTOR <= u64::from(u32::MAX));
            start = end.ok_or_else(|| unfit("partitions beyond 2 TiB; use a GPT".to_owned()))?;
        }
        Ok(Table { identifier, partitions })
    }

    /// The partitions, in the order in which they were wanted.
    pub fn partitions(&self) -> &[Partition] {
        &self.partitions
    }

    /// Bytes of the smallest disk that has room for all of them.
    pub fn end(&self) -> u64 {
        self.partitions.last().map_or(STEP, |last| last.start + last.length)
    }

    /// Writes the sector, with nothing in it that a BIOS would run.
    ///
    /// # Errors
    /// If `disk` cannot be written.
    pub fn write(&self, disk: &mut (impl Write + Seek)) -> Result<()> {
        let mut bytes = [0; SECTOR as usize];
        let mut put = |at: usize, part: &[u8]| bytes[at..at + part.len()].copy_from_slice(part);
        put(440, &self.identifier.to_le_bytes());
        for (number, Partition { start, length, kind }) in self.partitions.iter().enumerate() {
            let at = 446 + 16 * number;
            put(at, &[&[0][..], &TOO_FAR, &[kind.number()], &TOO_FAR].concat());
            // Whether that fits was seen when they got their places.
            let sectors = [start, length].map(|bytes| ((bytes / SECTOR) as u32).to_le_bytes());
            put(at + 8, &sectors.concat());
        }
        put(510, &[0x55, 0xaa]);
        disk.seek(SeekFrom::Start(0))?;
        Ok(disk.write_all(&bytes)?)
    }
}

fn unfit(what: String) -> Error {
    Error::unfit("table of partitions in an MBR", what)
}
