//! VMDK (`.vmdk`) of the kind `streamOptimized`, for VMware and VirtualBox, and the disk in an [OVA](crate::ova).
//!
//! Specified in VMware's *Virtual Disk Format 5.0*. The disk is cut into grains of 64 KiB, each compressed with zlib and
//! written behind a marker that says which one it is; grains of zeros are left out. A table follows all grains that it
//! lists, the list of tables and a copy of the header are at the end, so the file is written from its beginning to its end.

use crate::disk::SECTOR;
use crate::side_by_side::in_order;
use crate::{Disk, Error, Result};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use std::io::Write;

/// Bytes in a grain.
const GRAIN: u64 = 64 * 1024;
/// Grains that a table lists.
const LISTED: u64 = 512;
/// Sectors in front of the grains, for header and description: what VMware leaves.
const OVERHEAD: u64 = 128;
/// Sectors for the description.
const DESCRIPTION: u64 = 20;

/// Line ends are checked; grains are compressed; markers are in front of everything.
const FLAGS: u32 = 1 | 1 << 16 | 1 << 17;
/// The list of tables is where the copy of the header says.
const AT_END: u64 = u64::MAX;
const DEFLATE: u16 = 1;

/// What follows a marker that is not of a grain.
const END: u32 = 0;
const TABLE: u32 = 1;
const TABLES: u32 = 2;
const FOOTER: u32 = 3;

/// Bytes in the largest disk: VMware's 62 TiB are more than 32 bits of sectors say, which tables have for a place.
const MOST: u64 = 2 << 40;

/// Writes a disk as an image that will be in a file of the name `file`: the description in it names itself.
///
/// # Errors
/// If the disk cannot be read, is larger than 2 TiB or not made of whole grains, `file` is no name that can stand in a
/// description, or `out` cannot be written.
pub fn write(disk: &mut Disk, file: &str, out: &mut impl Write) -> Result<()> {
    let size = disk.size();
    if !size.is_multiple_of(GRAIN) {
        let what = format!("a disk of {size} bytes, which are not whole grains of 64 KiB");
        return Err(Error::unfit("VMDK", what));
    }
    if size > MOST {
        return Err(Error::unfit("VMDK", format!("a disk of {size} bytes, which is more than 2 TiB")));
    }
    if file.is_empty() || file.chars().any(|sign| sign.is_control() || matches!(sign, '"' | '/' | '\\')) {
        return Err(Error::unfit("VMDK", format!("the file name {file:?}; use letters, digits, - and .")));
    }
    let description = description(disk, file)?;
    let sectors = size / SECTOR;
    let mut image = Image {
        out,
        sector: 0,
        tables: vec![0; size.div_ceil(GRAIN * LISTED) as usize],
        table: (0, no_grains()),
    };
    image.put(&header(sectors, AT_END))?;
    image.put(&sectors_of(description, DESCRIPTION))?;
    image.put(&vec![0; ((OVERHEAD - 1 - DESCRIPTION) * SECTOR) as usize])?;
    in_order(
        16,
        disk.chunks(GRAIN as usize),
        |chunk| zlib(&chunk.bytes),
        |chunk, packed| image.grain(chunk.index, &packed),
    )?;
    image.finish(sectors)
}

fn zlib(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

/// An image that is being written.
struct Image<'a, W> {
    out: &'a mut W,
    /// Sectors that are written.
    sector: u64,
    /// Where each table is; 0 if it would list nothing.
    tables: Vec<u32>,
    /// Which table is being filled, and where its grains are.
    table: (u64, Vec<u32>),
}

impl<W: Write> Image<'_, W> {
    /// Writes what is made of whole sectors.
    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.sector += bytes.len() as u64 / SECTOR;
        Ok(self.out.write_all(bytes)?)
    }

    /// The sector that is written next, as tables have it.
    fn place(&self) -> Result<u32> {
        u32::try_from(self.sector)
            .map_err(|_| Error::unfit("VMDK", "more than 2 TiB of what does not become smaller"))
    }

    fn marked(&mut self, kind: u32, bytes: Vec<u8>) -> Result<()> {
        let sectors = (bytes.len() as u64).div_ceil(SECTOR);
        let mut marker = sectors.to_le_bytes().to_vec();
        marker.extend([0, kind].map(u32::to_le_bytes).concat());
        self.put(&sectors_of(marker, 1))?;
        self.put(&sectors_of(bytes, sectors))
    }

    /// Writes a compressed grain. Grains come in their order.
    fn grain(&mut self, index: u64, packed: &[u8]) -> Result<()> {
        if index / LISTED != self.table.0 {
            self.finish_table()?;
            self.table.0 = index / LISTED;
        }
        self.table.1[(index % LISTED) as usize] = self.place()?;
        let mut bytes = (index * GRAIN / SECTOR).to_le_bytes().to_vec();
        bytes.extend((packed.len() as u32).to_le_bytes());
        bytes.extend(packed);
        let sectors = (bytes.len() as u64).div_ceil(SECTOR);
        self.put(&sectors_of(bytes, sectors))
    }

    fn finish_table(&mut self) -> Result<()> {
        if self.table.1.iter().any(|grain| *grain != 0) {
            let table = std::mem::replace(&mut self.table.1, no_grains());
            // Behind its marker.
            self.tables[self.table.0 as usize] = self.place()? + 1;
            self.marked(TABLE, little_endian(&table))?;
        }
        Ok(())
    }

    fn finish(mut self, sectors: u64) -> Result<()> {
        self.finish_table()?;
        let tables = little_endian(&self.tables);
        let place = self.sector + 1;
        self.marked(TABLES, tables)?;
        self.marked(FOOTER, header(sectors, place).to_vec())?;
        self.marked(END, Vec::new())
    }
}

fn no_grains() -> Vec<u32> {
    vec![0; LISTED as usize]
}

fn little_endian(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// Bytes filled up with zeros.
fn sectors_of(mut bytes: Vec<u8>, sectors: u64) -> Vec<u8> {
    bytes.resize((sectors * SECTOR) as usize, 0);
    bytes
}

/// The header, and its copy at the end.
fn header(sectors: u64, tables: u64) -> [u8; SECTOR as usize] {
    let version = 3_u32;
    let mut bytes = [0; SECTOR as usize];
    let mut put = |at: usize, part: &[u8]| bytes[at..at + part.len()].copy_from_slice(part);
    put(0, b"KDMV");
    put(4, &[version, FLAGS].map(u32::to_le_bytes).concat());
    put(12, &[sectors, GRAIN / SECTOR, 1, DESCRIPTION].map(u64::to_le_bytes).concat());
    put(44, &(LISTED as u32).to_le_bytes());
    // Bytes 48 to 55: where a second list of tables is, which there is none of.
    put(56, &[tables, OVERHEAD].map(u64::to_le_bytes).concat());
    // Byte 72: it was closed. What follows shows whether somebody sent the file as text.
    put(73, b"\n \r\n");
    put(77, &DEFLATE.to_le_bytes());
    bytes
}

/// What the disk is, in words.
fn description(disk: &mut Disk, file: &str) -> Result<Vec<u8>> {
    let identifier = disk.identifier("VMDK")?;
    // The two highest numbers say that there is no parent.
    let content = (identifier.as_u64_pair().0 >> 32) as u32 & 0x7fff_ffff;
    let sectors = disk.size() / SECTOR;
    // What VMware says of any disk of more than 2 GB.
    let (heads, track) = (255, 63);
    let cylinders = (sectors / (heads * track)).clamp(1, 65535);
    let text = format!(
        r#"# Disk DescriptorFile
version=1
CID={content:08x}
parentCID=ffffffff
createType="streamOptimized"

# Extent description
RW {sectors} SPARSE "{file}"

# The Disk Data Base
#DDB

ddb.adapterType = "lsilogic"
ddb.geometry.cylinders = "{cylinders}"
ddb.geometry.heads = "{heads}"
ddb.geometry.sectors = "{track}"
ddb.virtualHWVersion = "14"
"#
    );
    if text.len() as u64 > DESCRIPTION * SECTOR {
        return Err(Error::unfit("VMDK", format!("a file name of {} bytes", file.len())));
    }
    Ok(text.into_bytes())
}
