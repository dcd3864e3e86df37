//! The table of partitions (GPT), at the beginning and once more at the end of a disk, and the protective MBR in front of
//! it, with which a BIOS can start the disk, too.
//!
//! Specified in the [UEFI Specification], chapter 5; the types of partitions for Linux in the [Discoverable Partitions
//! Specification]. Identifiers are derived from a seed and the names of the partitions, because the configuration on the
//! disk names them before there is a disk to digest.
//!
//! A disk for both firmwares has a partition [`Kind::BiosBoot`], where a boot loader such as GRUB keeps what does not fit
//! into the MBR, a [`Kind::EfiSystem`] with FAT on it, and a root.
//!
//! [UEFI Specification]: https://uefi.org/specs/UEFI/2.10/05_GUID_Partition_Table_Format.html
//! [Discoverable Partitions Specification]: https://uapi-group.org/specifications/specs/discoverable_partitions_specification/

use crate::disk::SECTOR;
use crate::{Error, Result};
use std::collections::BTreeSet;
use std::io::{Seek, SeekFrom, Write};
use uuid::{Uuid, uuid};

/// What partitions begin at multiples of: fits every disk with larger sectors inside.
const MIB: u64 = 1024 * 1024;

/// Entries in a table, bytes of an entry, and the sectors that these are.
const ENTRIES: usize = 128;
const ENTRY: usize = 128;
const ENTRY_SECTORS: u64 = (ENTRIES * ENTRY) as u64 / SECTOR;

/// Bytes of the header that its checksum is of.
const HEADER: usize = 92;

/// Bytes in the MBR in front of the identifier and the partitions there.
const BOOT_CODE: usize = 440;

/// UTF-16 units in the name of a partition.
const NAME: usize = 36;

/// What a partition is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The second part of a boot loader for BIOS, without a file system.
    BiosBoot,
    /// What UEFI looks for boot loaders on: FAT.
    EfiSystem,
    /// The root of a Linux for x86_64.
    LinuxRootX86_64,
    /// The root of a Linux for 64-bit ARM.
    LinuxRootArm64,
    /// Any other data of Linux.
    Linux,
}

impl Kind {
    fn guid(self) -> Uuid {
        match self {
            Kind::BiosBoot => uuid!("21686148-6449-6e6f-744e-656564454649"),
            Kind::EfiSystem => uuid!("c12a7328-f81f-11d2-ba4b-00a0c93ec93b"),
            Kind::LinuxRootX86_64 => uuid!("4f68bce3-e8cd-4db1-96e7-fbcaf984b709"),
            Kind::LinuxRootArm64 => uuid!("b921b045-1df0-41c3-af44-4c6f280d3fae"),
            Kind::Linux => uuid!("0fc63daf-8483-4772-8e79-3d69d8477de4"),
        }
    }
}

/// A partition that somebody wants.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// What it is for.
    pub kind: Kind,
    /// Its name, at most 36 UTF-16 units; no two have the same.
    pub name: &'a str,
    /// Bytes of it, whole MiB; all that is left, for the last one.
    pub length: Option<u64>,
}

/// A partition that has its place.
#[derive(Clone, Debug)]
pub struct Partition {
    /// What tells it from all others: Linux' `PARTUUID`.
    pub identifier: Uuid,
    /// The byte of the disk that it begins with.
    pub start: u64,
    /// Bytes of it.
    pub length: u64,
    kind: Kind,
    name: String,
}

/// The table of a disk.
#[derive(Clone, Debug)]
pub struct Table {
    size: u64,
    identifier: Uuid,
    partitions: Vec<Partition>,
}

impl Table {
    /// Gives each partition its place, one behind the other from the first MiB on.
    ///
    /// # Errors
    /// If they do not fit on a disk of `size` bytes, or one is not as [`Wanted`] says.
    pub fn new(size: u64, seed: Uuid, wanted: &[Wanted<'_>]) -> Result<Table> {
        if !size.is_multiple_of(SECTOR) {
            return Err(unfit(format!("a disk of {size} bytes, which are not whole sectors")));
        }
        if size < 3 * MIB {
            return Err(unfit(format!("a disk of {size} bytes; it takes 3 MiB at least")));
        }
        if wanted.len() > ENTRIES {
            return Err(unfit(format!("{} partitions; it has room for {ENTRIES}", wanted.len())));
        }
        // Whole MiB in front of the second table.
        let end = (size - (1 + ENTRY_SECTORS) * SECTOR) / MIB * MIB;
        let (mut start, mut names, mut partitions) = (MIB, BTreeSet::new(), Vec::new());
        for (position, Wanted { kind, name, length }) in wanted.iter().enumerate() {
            if name.is_empty() || name.encode_utf16().count() > NAME || !names.insert(*name) {
                let what =
                    format!("a partition named {name:?}; names have 1 to {NAME} characters, each another");
                return Err(unfit(what));
            }
            let left = end - start;
            let length = match length {
                Some(length) => *length,
                None if position + 1 == wanted.len() => left,
                None => return Err(unfit(format!("{name} without a length, as it is not the last one"))),
            };
            if length == 0 || length > left || !length.is_multiple_of(MIB) {
                let what =
                    format!("{name} with {length} bytes; whole MiB are needed, and {left} bytes are left");
                return Err(unfit(what));
            }
            let identifier = Uuid::new_v5(&seed, format!("partition {name}").as_bytes());
            partitions.push(Partition { identifier, start, length, kind: *kind, name: (*name).to_owned() });
            start += length;
        }
        Ok(Table { size, identifier: Uuid::new_v5(&seed, b"disk"), partitions })
    }

    /// The partitions, in the order in which they were wanted.
    pub fn partitions(&self) -> &[Partition] {
        &self.partitions
    }

    /// Writes both tables, and the MBR with what a BIOS is to run: at most 440 bytes, which may be none.
    ///
    /// # Errors
    /// If the code is longer, or `disk` cannot be written.
    pub fn write(&self, boot_code: &[u8], disk: &mut (impl Write + Seek)) -> Result<()> {
        if boot_code.len() > BOOT_CODE {
            return Err(unfit(format!(
                "boot code of {} bytes in its MBR; there is room for {BOOT_CODE}",
                boot_code.len()
            )));
        }
        let entries = self.entries();
        let last = self.size / SECTOR - 1;
        let second_entries = last - ENTRY_SECTORS;
        let mut put = |sector: u64, bytes: &[u8]| -> Result<()> {
            disk.seek(SeekFrom::Start(sector * SECTOR))?;
            Ok(disk.write_all(bytes)?)
        };
        put(0, &self.mbr(boot_code))?;
        put(1, &self.header([1, last], 2, &entries))?;
        put(2, &entries)?;
        put(second_entries, &entries)?;
        put(last, &self.header([last, 1], second_entries, &entries))
    }

    fn entries(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for partition in &self.partitions {
            let Partition { identifier, start, length, kind, name } = partition;
            bytes.extend(kind.guid().to_bytes_le());
            bytes.extend(identifier.to_bytes_le());
            let attributes = 0;
            let numbers = [start / SECTOR, (start + length) / SECTOR - 1, attributes];
            bytes.extend(numbers.map(u64::to_le_bytes).concat());
            bytes.extend(name.encode_utf16().flat_map(u16::to_le_bytes));
            bytes.resize(bytes.len().next_multiple_of(ENTRY), 0);
        }
        bytes.resize(ENTRIES * ENTRY, 0);
        bytes
    }

    /// The header in the first of two sectors; the other one has the same in the second.
    fn header(&self, [here, other]: [u64; 2], place: u64, entries: &[u8]) -> [u8; SECTOR as usize] {
        let revision = 0x1_0000_u32;
        let last = self.size / SECTOR - 1;
        let usable = [2 + ENTRY_SECTORS, last - ENTRY_SECTORS - 1];
        let mut bytes = [0; SECTOR as usize];
        let mut put = |at: usize, part: &[u8]| bytes[at..at + part.len()].copy_from_slice(part);
        put(0, b"EFI PART");
        put(8, &[revision, HEADER as u32].map(u32::to_le_bytes).concat());
        put(24, &[here, other, usable[0], usable[1]].map(u64::to_le_bytes).concat());
        put(56, &self.identifier.to_bytes_le());
        put(72, &place.to_le_bytes());
        put(80, &[ENTRIES as u32, ENTRY as u32, crc32(entries)].map(u32::to_le_bytes).concat());
        let sum = crc32(&bytes[..HEADER]);
        bytes[16..20].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// The MBR: one partition in it says to programs that know no GPT that the disk is taken.
    fn mbr(&self, boot_code: &[u8]) -> [u8; SECTOR as usize] {
        let sectors = u32::try_from(self.size / SECTOR - 1).unwrap_or(u32::MAX);
        let mut bytes = [0; SECTOR as usize];
        bytes[..boot_code.len()].copy_from_slice(boot_code);
        let mut put = |at: usize, part: &[u8]| bytes[at..at + part.len()].copy_from_slice(part);
        // Not active; cylinders, heads and sectors around the kind of partition.
        put(446, &[0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff]);
        put(454, &[1, sectors].map(u32::to_le_bytes).concat());
        put(510, &[0x55, 0xaa]);
        bytes
    }
}

fn unfit(what: String) -> Error {
    Error::unfit("table of partitions", what)
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}
