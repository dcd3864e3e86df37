//! QCOW2 (`.qcow2`), version 3, for QEMU, libvirt and Proxmox.
//!
//! The format is specified in QEMU's [`docs/interop/qcow2.rst`]. What is written has clusters of 64 KiB, each compressed
//! unless that makes it longer; clusters of zeros are not in it. Compressed clusters lie one behind the other, also across
//! the borders of the clusters that they share, as QEMU itself packs them. Reference counts are as `qemu-img check` wants
//! them, so the image can be written to without a repair.
//!
//! [`docs/interop/qcow2.rst`]: https://gitlab.com/qemu-project/qemu/-/blob/master/docs/interop/qcow2.rst

use crate::disk::Chunk;
use crate::side_by_side::in_order;
use crate::{Disk, Result};
use flate2::write::DeflateEncoder;
use std::io::{Seek, SeekFrom, Write};

/// Bytes in a cluster, and the bits that are.
const CLUSTER_BITS: u32 = 16;
const CLUSTER: u64 = 1 << CLUSTER_BITS;

/// Clusters that a table of the second level lists.
const LISTED: u64 = CLUSTER / 8;
/// Reference counts of 16 bits in a cluster of them.
const COUNTED: u64 = CLUSTER / 2;

/// In a table of the second level: the cluster is compressed. Its place takes the lower 54 bits, and the number of further
/// sectors that it reaches into the rest.
const COMPRESSED: u64 = 1 << 62;
const SECTORS_SHIFT: u32 = 62 - (CLUSTER_BITS - 8);
/// In both tables: nothing else refers to it, so that it may be written to in its place.
const ONLY_ONE: u64 = 1 << 63;

/// Bytes of the header, with the field that says how clusters are compressed.
const HEADER: usize = 112;
/// The image cannot be read without knowing that field.
const NEEDS_COMPRESSION_TYPE: u64 = 1 << 3;

/// How hard zstd tries. Beyond it, clusters of 64 KiB become hardly smaller.
const ZSTD_LEVEL: i32 = 9;

/// How clusters are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Deflate, which everything reads that reads the format. QEMU calls it zlib, but zlib's header is not there.
    Deflate,
    /// Zstandard, which QEMU 5.1 (2020) and later read: those of Debian 12 and of Proxmox 7 do. It unpacks several times
    /// faster.
    Zstd,
}

/// Writes a disk as an image.
///
/// # Errors
/// If the disk cannot be read, or `out`, which must be empty, cannot be written.
pub fn write(disk: &mut Disk, compression: Compression, out: &mut (impl Write + Seek)) -> Result<()> {
    let size = disk.size();
    let mut image = Image::new(size, out);
    let pack = |chunk: &Chunk| -> Result<Option<Vec<u8>>> {
        let packed = match compression {
            Compression::Deflate => deflate(&chunk.bytes)?,
            Compression::Zstd => zstd::bulk::compress(&chunk.bytes, ZSTD_LEVEL)?,
        };
        Ok((packed.len() < chunk.bytes.len()).then_some(packed))
    };
    in_order(16, disk.chunks(CLUSTER as usize), pack, |chunk, packed| {
        let entry = match packed {
            Some(packed) => image.store_compressed(&packed)?,
            None => image.store(&chunk.bytes)?,
        };
        image.list(chunk.index, entry)
    })?;
    image.finish(size, compression)
}

fn deflate(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

/// An image that is being written.
struct Image<'a, W> {
    out: &'a mut W,
    /// Where the next whole cluster goes.
    free: u64,
    /// Where the next compressed cluster goes, and how far there is room.
    packed: (u64, u64),
    /// How often each cluster of the file is referred to.
    references: Vec<u16>,
    /// The table of the first level.
    first: Vec<u64>,
    /// Which table of the second level is being filled, and the table.
    second: (u64, Vec<u64>),
}

impl<'a, W: Write + Seek> Image<'a, W> {
    fn new(size: u64, out: &'a mut W) -> Image<'a, W> {
        let first = vec![0; size.div_ceil(CLUSTER * LISTED) as usize];
        let second = (0, vec![0; LISTED as usize]);
        let mut image = Image { out, free: 0, packed: (0, 0), references: Vec::new(), first, second };
        let bytes = image.first.len() as u64 * 8;
        // The header, and then the table of the first level, which both are written at the end.
        for _ in 0..1 + bytes.div_ceil(CLUSTER) {
            image.allocate();
        }
        image
    }

    /// The place of a new cluster, referred to once.
    fn allocate(&mut self) -> u64 {
        let place = self.free;
        self.references.push(1);
        self.free += CLUSTER;
        place
    }

    fn put(&mut self, place: u64, bytes: &[u8]) -> Result<()> {
        self.out.seek(SeekFrom::Start(place))?;
        Ok(self.out.write_all(bytes)?)
    }

    /// Stores a cluster as it is; returns its entry in the table of the second level.
    fn store(&mut self, bytes: &[u8]) -> Result<u64> {
        let place = self.allocate();
        self.put(place, bytes)?;
        Ok(place | ONLY_ONE)
    }

    /// Stores a compressed cluster; returns its entry in the table of the second level.
    fn store_compressed(&mut self, bytes: &[u8]) -> Result<u64> {
        let length = bytes.len() as u64;
        let (mut place, mut end) = self.packed;
        if place + length > end {
            // It may reach into the next cluster of the file only if that one is to be had.
            if end != self.free {
                place = self.free;
            }
            end = place + length;
            while self.free < end {
                let new = self.allocate();
                // Counted below, by what lies in it.
                self.references[(new / CLUSTER) as usize] = 0;
            }
            end = self.free;
        }
        let last = place + length - 1;
        for cluster in place / CLUSTER..=last / CLUSTER {
            // No overflow: as many lie in a cluster as it has bytes, at most.
            self.references[cluster as usize] += 1;
        }
        self.packed = (place + length, end);
        self.put(place, bytes)?;
        let further_sectors = last / 512 - place / 512;
        Ok(COMPRESSED | further_sectors << SECTORS_SHIFT | place)
    }

    /// Puts an entry into the table of the second level that it belongs to. Clusters come in their order.
    fn list(&mut self, cluster: u64, entry: u64) -> Result<()> {
        if cluster / LISTED != self.second.0 {
            self.finish_second()?;
            self.second.0 = cluster / LISTED;
        }
        self.second.1[(cluster % LISTED) as usize] = entry;
        Ok(())
    }

    fn finish_second(&mut self) -> Result<()> {
        if self.second.1.iter().any(|entry| *entry != 0) {
            let place = self.allocate();
            let table = big_endian(&self.second.1);
            self.put(place, &table)?;
            self.first[self.second.0 as usize] = place | ONLY_ONE;
            self.second.1.fill(0);
        }
        Ok(())
    }

    fn finish(mut self, size: u64, compression: Compression) -> Result<()> {
        self.finish_second()?;
        let first = big_endian(&self.first);
        self.put(CLUSTER, &first)?;

        // The reference counts are counted, too.
        let used = self.free / CLUSTER;
        let (mut tables, mut blocks) = (0, 0);
        loop {
            let needed = (used + tables + blocks).div_ceil(COUNTED);
            if needed == blocks {
                break;
            }
            (tables, blocks) = ((needed * 8).div_ceil(CLUSTER), needed);
        }
        let table = self.free;
        let first_block = table + tables * CLUSTER;
        for _ in 0..tables + blocks {
            self.allocate();
        }
        let places: Vec<u64> = (0..blocks).map(|block| first_block + block * CLUSTER).collect();
        self.put(table, &big_endian(&places))?;
        let mut counts: Vec<u8> = self.references.iter().flat_map(|count| count.to_be_bytes()).collect();
        counts.resize((blocks * CLUSTER) as usize, 0);
        self.put(first_block, &counts)?;

        let header = header(size, self.first.len() as u32, (table, tables as u32), compression);
        self.put(0, &header)
    }
}

/// The header. Backing file, encryption and snapshots, which there are none of, are zeros; so is the end of the list of
/// extensions, which follows it.
fn header(size: u64, first_length: u32, references: (u64, u32), compression: Compression) -> [u8; HEADER] {
    let (version, count_bits_log2) = (3_u32, 4_u32);
    let (features, compression_type) = match compression {
        Compression::Deflate => (0, 0),
        Compression::Zstd => (NEEDS_COMPRESSION_TYPE, 1),
    };
    let mut bytes = [0; HEADER];
    let mut put = |at: usize, part: &[u8]| bytes[at..at + part.len()].copy_from_slice(part);
    put(0, b"QFI\xfb");
    put(4, &version.to_be_bytes());
    put(20, &CLUSTER_BITS.to_be_bytes());
    put(24, &size.to_be_bytes());
    put(36, &first_length.to_be_bytes());
    put(40, &CLUSTER.to_be_bytes());
    put(48, &references.0.to_be_bytes());
    put(56, &references.1.to_be_bytes());
    put(72, &features.to_be_bytes());
    put(96, &count_bits_log2.to_be_bytes());
    put(100, &(HEADER as u32).to_be_bytes());
    put(104, &[compression_type]);
    bytes
}

fn big_endian(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}
