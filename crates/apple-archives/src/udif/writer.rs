//! Writes an image.

use super::trailer::{Trailer, checksum};
use super::{END, Error, IGNORED, RAW, RUN, Result, SECTOR, TABLE, ZLIB, crc32};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use sha2::{Digest, Sha256};
use std::io::Write;

/// Sectors in a run: 256 KiB, as `hdiutil` has it. Readers unpack a run at a time.
const RUN_SECTORS: usize = 512;

/// What `hdiutil` gives readers as room beyond a run.
const ROOM: u32 = 8;

/// Bytes in a list of partitions.
const PARTITIONS: usize = 1032;

/// Characters in a line of Base64.
const LINE: usize = 76;

/// What a volume that fills the whole disk is called.
const NAME: &str = "whole disk (Apple_HFS : 0)";

/// Writes a volume as an image that every macOS reads.
///
/// # Errors
/// If the volume is not made of whole sectors, or `out` cannot be written.
pub fn write(volume: &[u8], out: &mut dyn Write) -> Result<()> {
    if volume.is_empty() || !volume.len().is_multiple_of(SECTOR) {
        return Err(Error::Unfit(format!("holds sectors of {SECTOR} bytes, not {} bytes", volume.len())));
    }
    let mut runs = Runs::default();
    for chunk in volume.chunks(RUN_SECTORS * SECTOR) {
        runs.add(chunk)?;
    }
    let sectors = runs.sector;
    runs.list(END, 0, 0);

    let volume_checksum = crc32(volume);
    let list = property_list(&table(&runs, sectors, volume_checksum));
    let data = runs.data.len() as u64;
    let mut identifier = [0; 16];
    identifier.copy_from_slice(&Sha256::digest(&runs.data)[..16]);
    let trailer = Trailer {
        data: (0, data),
        list: (data, list.len() as u64),
        signature: (0, 0),
        identifier,
        data_checksum: crc32(&runs.data),
        master_checksum: crc32(&volume_checksum.to_be_bytes()),
        sectors,
    };
    out.write_all(&runs.data)?;
    out.write_all(list.as_bytes())?;
    out.write_all(&trailer.to_bytes())?;
    Ok(())
}

/// Runs, and the list of them.
#[derive(Default)]
struct Runs {
    data: Vec<u8>,
    listed: Vec<u8>,
    sector: u64,
}

impl Runs {
    fn add(&mut self, chunk: &[u8]) -> Result<()> {
        let sectors = (chunk.len() / SECTOR) as u64;
        if chunk.iter().all(|byte| *byte == 0) {
            self.list(IGNORED, sectors, 0);
        } else {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(chunk)?;
            let packed = encoder.finish()?;
            // What is compressed already, as most of a package is, only grows.
            let (kind, bytes) = if packed.len() < chunk.len() { (ZLIB, &*packed) } else { (RAW, chunk) };
            self.list(kind, sectors, bytes.len());
            self.data.extend(bytes);
        }
        self.sector += sectors;
        Ok(())
    }

    /// Lists a run that the next `bytes` of data are.
    fn list(&mut self, kind: u32, sectors: u64, bytes: usize) {
        let comment = 0_u32;
        self.listed.extend([kind, comment].map(u32::to_be_bytes).concat());
        let numbers = [self.sector, sectors, self.data.len() as u64, bytes as u64];
        self.listed.extend(numbers.map(u64::to_be_bytes).concat());
    }
}

/// The table of runs, `mish`.
fn table(runs: &Runs, sectors: u64, volume_checksum: u32) -> Vec<u8> {
    let (version, first_sector, offset) = (1_u32, 0_u64, 0_u64);
    let mut table = b"mish".to_vec();
    table.extend(version.to_be_bytes());
    table.extend([first_sector, sectors, offset].map(u64::to_be_bytes).concat());
    let (buffers, descriptor) = (RUN_SECTORS as u32 + ROOM, 0);
    table.extend([buffers, descriptor].map(u32::to_be_bytes).concat());
    table.extend([0; 24]);
    table.extend(checksum(volume_checksum));
    table.extend(((runs.listed.len() / RUN) as u32).to_be_bytes());
    debug_assert_eq!(table.len(), TABLE);
    table.extend(&runs.listed);
    table
}

/// The property list that holds the table, and beside it an empty one of partitions, as `hdiutil` writes it.
fn property_list(table: &[u8]) -> String {
    let [data, partitions] = [table, &[0; PARTITIONS]].map(data);
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>resource-fork</key>
	<dict>
		<key>blkx</key>
		<array>
			<dict>
				<key>Attributes</key>
				<string>0x0050</string>
				<key>CFName</key>
				<string>{NAME}</string>
				<key>Data</key>
				<data>
{data}
				</data>
				<key>ID</key>
				<string>0</string>
				<key>Name</key>
				<string>{NAME}</string>
			</dict>
		</array>
		<key>plst</key>
		<array>
			<dict>
				<key>Attributes</key>
				<string>0x0050</string>
				<key>Data</key>
				<data>
{partitions}
				</data>
				<key>ID</key>
				<string>0</string>
				<key>Name</key>
				<string></string>
			</dict>
		</array>
	</dict>
</dict>
</plist>
"#
    )
}

/// Bytes of a property list: Base64 in lines.
fn data(bytes: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(bytes);
    let lines = (0..text.len()).step_by(LINE).map(|at| &text[at..text.len().min(at + LINE)]);
    lines.collect::<Vec<_>>().join("\n")
}
