//! VHDX (`.vhdx`), dynamic, for Hyper-V.
//!
//! Specified in Microsoft's [\[MS-VHDX\]]. The log is empty, as of an image that was closed. Blocks have 1 MiB, which is
//! what Microsoft advises for Linux: its file systems spread what they write. The disk has sectors of 512 bytes on 4 KiB.
//!
//! [\[MS-VHDX\]]: https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-vhdx

use crate::disk::SECTOR;
use crate::{Disk, Error, Result};
use std::io::{Seek, SeekFrom, Write};
use uuid::{Uuid, uuid};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// Where things are. The first MiB has the headers and the tables of regions, twice each; the regions follow, of whole MiB.
const HEADERS: [u64; 2] = [64 * KIB, 128 * KIB];
const REGION_TABLES: [u64; 2] = [192 * KIB, 256 * KIB];
const LOG: u64 = MIB;
const METADATA: u64 = 2 * MIB;
const BLOCKS: u64 = 3 * MIB;

/// Bytes of the log and of the region of metadata: the least.
const LOG_SIZE: u64 = MIB;
const METADATA_SIZE: u64 = MIB;

/// Bytes in a block of the disk.
const BLOCK: u64 = MIB;
/// Blocks between two entries for maps of sectors, which only images with a parent have.
const RATIO: u64 = (1 << 23) * SECTOR / BLOCK;

/// In the table of blocks: what the block is. Its place in MiB takes the bits from the 20th on.
const ZEROS: u64 = 2;
const PRESENT: u64 = 6;
const PLACE_SHIFT: u32 = 20;

/// Bytes of a header, of a table of regions, and of the table at the beginning of the metadata.
const HEADER: usize = 4096;
const TABLE: usize = 64 * KIB as usize;

/// Bytes in the largest disk: 64 TiB.
const MOST: u64 = 64 << 40;

/// In the table of metadata: of the disk rather than of the file; and readers have to know it.
const OF_DISK: u32 = 2;
const REQUIRED: u32 = 4;

/// Writes a disk as an image.
///
/// # Errors
/// If the disk cannot be read or is larger than the format allows, or `out`, which must be empty, cannot be written.
pub fn write(disk: &mut Disk, out: &mut (impl Write + Seek)) -> Result<()> {
    let size = disk.size();
    if size > MOST {
        return Err(Error::unfit("VHDX", format!("a disk of {size} bytes, which is more than 64 TiB")));
    }
    let blocks = size.div_ceil(BLOCK);
    // The last entry for a map of sectors is left out.
    let mut table = vec![ZEROS; (blocks + (blocks - 1) / RATIO) as usize];
    for map in (RATIO..table.len() as u64).step_by(RATIO as usize + 1) {
        table[map as usize] = 0;
    }
    let table_size = (table.len() as u64 * 8).next_multiple_of(MIB);
    let regions = regions(table_size);
    let identifiers = [disk.identifier("VHDX file")?, disk.identifier("VHDX data")?];
    let metadata = metadata(size, disk.identifier("VHDX disk")?);

    let mut end = BLOCKS + table_size;
    for chunk in disk.chunks(BLOCK as usize) {
        let chunk = chunk?;
        table[(chunk.index + chunk.index / RATIO) as usize] = (end / MIB) << PLACE_SHIFT | PRESENT;
        put(out, end, &chunk.bytes)?;
        end += BLOCK;
    }
    let mut table: Vec<u8> = table.iter().flat_map(|entry| entry.to_le_bytes()).collect();
    table.resize(table_size as usize, 0);
    put(out, BLOCKS, &table)?;
    put(out, METADATA, &metadata)?;
    for (sequence, place) in HEADERS.iter().enumerate() {
        put(out, *place, &header(sequence as u64, identifiers))?;
    }
    for place in REGION_TABLES {
        put(out, place, &regions)?;
    }
    put(out, 0, &file_identifier())
}

fn put(out: &mut (impl Write + Seek), place: u64, bytes: &[u8]) -> Result<()> {
    out.seek(SeekFrom::Start(place))?;
    Ok(out.write_all(bytes)?)
}

/// What the file begins with: what it is, and what wrote it.
fn file_identifier() -> Vec<u8> {
    let creator = "disk-images".encode_utf16().flat_map(u16::to_le_bytes);
    b"vhdxfile".iter().copied().chain(creator).collect()
}

/// One of the two headers. The one with the higher number counts.
fn header(sequence: u64, [file, data]: [Uuid; 2]) -> [u8; HEADER] {
    let version = 1_u16;
    let mut bytes = [0; HEADER];
    let mut put = |at: usize, part: &[u8]| bytes[at..at + part.len()].copy_from_slice(part);
    put(0, b"head");
    put(8, &sequence.to_le_bytes());
    put(16, &file.to_bytes_le());
    put(32, &data.to_bytes_le());
    // Bytes 48 to 65: identifier and version of the log. Zeros say that nothing in it has to be done again.
    put(66, &version.to_le_bytes());
    put(68, &(LOG_SIZE as u32).to_le_bytes());
    put(72, &LOG.to_le_bytes());
    seal(&mut bytes);
    bytes
}

/// The table of regions.
fn regions(table_size: u64) -> Vec<u8> {
    let regions = [
        (uuid!("2dc27766-f623-4200-9d64-115e9bfd4a08"), BLOCKS, table_size),
        (uuid!("8b7ca206-4790-4b9a-b8fe-575f050f886e"), METADATA, METADATA_SIZE),
    ];
    let required = 1_u32;
    let mut bytes = b"regi\0\0\0\0".to_vec();
    bytes.extend([regions.len() as u32, 0].map(u32::to_le_bytes).concat());
    for (kind, place, length) in regions {
        bytes.extend(kind.to_bytes_le());
        bytes.extend(place.to_le_bytes());
        bytes.extend([length as u32, required].map(u32::to_le_bytes).concat());
    }
    bytes.resize(TABLE, 0);
    seal(&mut bytes);
    bytes
}

/// The region of metadata: a table, and what it lists.
fn metadata(size: u64, identifier: Uuid) -> Vec<u8> {
    // Blocks may be given back, and there is no parent.
    let flags = 0_u32;
    let items: [(Uuid, u32, Vec<u8>); 5] = [
        (
            uuid!("caa16737-fa36-4d43-b3b6-33f0aa44e76b"),
            REQUIRED,
            [BLOCK as u32, flags].map(u32::to_le_bytes).concat(),
        ),
        (uuid!("2fa54224-cd1b-4876-b211-5dbed83bf4b8"), OF_DISK | REQUIRED, size.to_le_bytes().into()),
        (uuid!("beca12ab-b2e6-4523-93ef-c309e000c746"), OF_DISK | REQUIRED, identifier.to_bytes_le().into()),
        (uuid!("8141bf1d-a96f-4709-ba47-f233a8faab5f"), OF_DISK | REQUIRED, 512_u32.to_le_bytes().into()),
        (uuid!("cda348c7-445d-4471-9cc9-e9885251c556"), OF_DISK | REQUIRED, 4096_u32.to_le_bytes().into()),
    ];
    let mut bytes = b"metadata\0\0".to_vec();
    bytes.extend((items.len() as u16).to_le_bytes());
    bytes.resize(32, 0);
    let mut data = Vec::new();
    for (kind, flags, item) in items {
        bytes.extend(kind.to_bytes_le());
        let place = (TABLE + data.len()) as u32;
        bytes.extend([place, item.len() as u32, flags, 0].map(u32::to_le_bytes).concat());
        data.extend(item);
    }
    bytes.resize(TABLE, 0);
    bytes.extend(data);
    bytes
}

/// Puts the checksum into its place, over which it is a zero.
fn seal(bytes: &mut [u8]) {
    let sum = crc32c::crc32c(bytes);
    bytes[4..8].copy_from_slice(&sum.to_le_bytes());
}
