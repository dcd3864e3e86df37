//! VHD (`.vhd`), dynamic, for Hyper-V (machines of generation 1) and, uploaded with `Add-AzVhd`, Azure.
//!
//! Specified in Microsoft's [Virtual Hard Disk Image Format Specification], version 1.0. Azure takes disks of whole MiB
//! only. That is asked for here rather than made so: the copy of a table of partitions must stay at the disk's end.
//!
//! The place of a block counts in sectors, and Windows calls an image aligned whose data begin at whole 4 KiB. So each
//! block is where its map of sectors ends at such a place.
//!
//! [Virtual Hard Disk Image Format Specification]: https://www.microsoft.com/en-us/download/details.aspx?id=23850

use crate::disk::SECTOR;
use crate::{Disk, Error, Result};
use std::io::{Seek, SeekFrom, Write};

/// Bytes in a block: what the specification names as usual.
const BLOCK: u64 = 2 * 1024 * 1024;
/// Bytes of the map in front of each block, which says what sectors of it are there. Here, all are.
const MAP: u64 = BLOCK / SECTOR / 8;
/// What data begin at multiples of.
const ALIGNMENT: u64 = 4096;

const FOOTER: usize = 512;
const HEADER: usize = 1024;

/// Bytes in a MiB.
const MIB: u64 = 1024 * 1024;
/// MiB in the largest disk that Windows takes: 2040 GiB.
const MOST_MIB: u64 = 2040 * 1024;

/// Where the counting of seconds begins: 2000-01-01T00:00:00Z.
const YEAR_2000: u64 = 946_684_800;

/// QEMU takes the size from the geometry, which rounds it, unless it knows this program as one that writes it exactly.
/// Windows is the oldest that it knows so.
const CREATOR: &[u8; 4] = b"win ";
const CREATOR_SYSTEM: &[u8; 4] = b"Wi2k";

/// Writes a disk as an image that says it was made at `time`, in seconds since 1970.
///
/// # Errors
/// If the disk cannot be read or is none that the format, Windows or Azure take, or `out`, which must be empty, cannot be
/// written.
pub fn write(disk: &mut Disk, time: u64, out: &mut (impl Write + Seek)) -> Result<()> {
    let size = disk.size();
    if !size.is_multiple_of(MIB) {
        return Err(Error::unfit("VHD", format!("a disk of {size} bytes, as Azure takes whole MiB only")));
    }
    if size / MIB > MOST_MIB {
        return Err(Error::unfit(
            "VHD",
            format!("a disk of {size} bytes, which is more than 2040 GiB; use VHDX"),
        ));
    }
    let seconds = time.checked_sub(YEAR_2000).and_then(|seconds| u32::try_from(seconds).ok());
    let Some(seconds) = seconds else {
        return Err(Error::unfit("VHD", format!("a time outside of 2000 to 2136, {time} s after 1970")));
    };
    let footer = footer(size, seconds, disk.identifier("VHD")?.as_bytes());
    let places = size.div_ceil(BLOCK);
    let places_start = (FOOTER + HEADER) as u64;

    let mut table = vec![u32::MAX; (places as usize).next_multiple_of(SECTOR as usize / 4)];
    let mut end = places_start + table.len() as u64 * 4;
    let map = [0xff; MAP as usize];
    for chunk in disk.chunks(BLOCK as usize) {
        let chunk = chunk?;
        let data = (end + MAP).next_multiple_of(ALIGNMENT);
        // No overflow: 2040 GiB with maps and gaps are less than 2³² sectors.
        table[chunk.index as usize] = ((data - MAP) / SECTOR) as u32;
        out.seek(SeekFrom::Start(data - MAP))?;
        out.write_all(&map)?;
        out.write_all(&chunk.bytes)?;
        end = data + BLOCK;
    }
    out.seek(SeekFrom::Start(end))?;
    out.write_all(&footer)?;
    out.seek(SeekFrom::Start(0))?;
    out.write_all(&footer)?;
    out.write_all(&header(places_start, places as u32))?;
    out.write_all(&table.iter().flat_map(|place| place.to_be_bytes()).collect::<Vec<u8>>())?;
    Ok(())
}

/// What is at the end of the file, and once more at its beginning.
fn footer(size: u64, seconds: u32, identifier: &[u8; 16]) -> [u8; FOOTER] {
    let (features, version, creator_version, dynamic) = (2_u32, 0x1_0000_u32, 0xa_0000_u32, 3_u32);
    let (cylinders, heads, sectors) = geometry(size / SECTOR);
    let mut bytes = [0; FOOTER];
    let mut put = |at: usize, part: &[u8]| bytes[at..at + part.len()].copy_from_slice(part);
    put(0, b"conectix");
    put(8, &[features, version].map(u32::to_be_bytes).concat());
    put(16, &(FOOTER as u64).to_be_bytes());
    put(24, &seconds.to_be_bytes());
    put(28, CREATOR);
    put(32, &creator_version.to_be_bytes());
    put(36, CREATOR_SYSTEM);
    // The size at first, and now.
    put(40, &[size, size].map(u64::to_be_bytes).concat());
    put(56, &cylinders.to_be_bytes());
    put(58, &[heads, sectors]);
    put(60, &dynamic.to_be_bytes());
    put(68, identifier);
    let sum = checksum(&bytes);
    bytes[64..68].copy_from_slice(&sum);
    bytes
}

/// What says where blocks are listed. Parents, which there are none of, are zeros.
fn header(table: u64, blocks: u32) -> [u8; HEADER] {
    let version = 0x1_0000_u32;
    let mut bytes = [0; HEADER];
    let mut put = |at: usize, part: &[u8]| bytes[at..at + part.len()].copy_from_slice(part);
    put(0, b"cxsparse");
    put(8, &u64::MAX.to_be_bytes());
    put(16, &table.to_be_bytes());
    put(24, &[version, blocks, BLOCK as u32].map(u32::to_be_bytes).concat());
    let sum = checksum(&bytes);
    bytes[36..40].copy_from_slice(&sum);
    bytes
}

/// The complement of the sum of all bytes.
fn checksum(bytes: &[u8]) -> [u8; 4] {
    let sum: u32 = bytes.iter().map(|byte| u32::from(*byte)).sum();
    (!sum).to_be_bytes()
}

/// Cylinders, heads, and sectors in a track, as the specification's appendix computes them: less than the disk at times,
/// and never more. Only what asks a BIOS for them by CHS still uses them.
fn geometry(sectors: u64) -> (u16, u8, u8) {
    let sectors = sectors.min(65535 * 16 * 255);
    if sectors >= 65535 * 16 * 63 {
        return ((sectors / 255 / 16) as u16, 16, 255);
    }
    let mut track = 17;
    let mut heads = (sectors / track).div_ceil(1024).max(4);
    if heads > 16 || sectors / track >= heads * 1024 {
        (track, heads) = (31, 16);
    }
    if sectors / track >= heads * 1024 {
        (track, heads) = (63, 16);
    }
    ((sectors / track / heads) as u16, heads as u8, track as u8)
}
