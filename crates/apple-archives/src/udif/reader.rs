//! Reads an image and checks every checksum in it.

use super::trailer::Trailer;
use super::{COMMENT, CRC32, END, Error, IGNORED, RAW, RUN, Result, SECTOR, TABLE, ZERO, ZLIB, crc32};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flate2::read::ZlibDecoder;
use roxmltree::{Document, Node, ParsingOptions};
use std::io::Read;

/// Sectors in the largest volume that is read: 4 GiB.
const MOST_SECTORS: u64 = 1 << 23;

/// The volume in an image.
///
/// # Errors
/// If it is none or was changed, or has what this reader does not know: other compression than zlib, partitions, more
/// than 4 GiB.
pub fn read(image: &[u8]) -> Result<Vec<u8>> {
    let trailer = Trailer::of(image)?;
    let data = part(image, trailer.data.0, trailer.data.1)?;
    ensure(crc32(data) == trailer.data_checksum, "its data are not those that its checksum is of")?;
    let list = part(image, trailer.list.0, trailer.list.1)?;
    let list = std::str::from_utf8(list).map_err(|_| damaged("its property list is not UTF-8"))?;
    let mut tables = tables(list)?;
    let (Some(table), None) = (tables.pop(), tables.pop()) else {
        return Err(Error::Unfit("with partitions is nothing that this reader knows".to_owned()));
    };
    let table = Table::read(&table)?;
    ensure(
        crc32(&table.checksum.to_be_bytes()) == trailer.master_checksum,
        "its table of runs is another one",
    )?;
    ensure(table.sectors == trailer.sectors, "its trailer counts other sectors than its table of runs")?;
    if table.sectors > MOST_SECTORS {
        return Err(Error::Unfit("of more than 4 GiB is nothing that this reader knows".to_owned()));
    }
    let mut volume = Vec::new();
    for run in &table.runs {
        run.unpack(data, &mut volume)?;
    }
    ensure(volume.len() as u64 == table.sectors * SECTOR as u64, "its runs do not make up the volume")?;
    ensure(crc32(&volume) == table.checksum, "its volume is not the one that its checksum is of")?;
    Ok(volume)
}

fn damaged(what: impl Into<String>) -> Error {
    Error::Damaged(what.into())
}

fn ensure(holds: bool, complaint: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(damaged(complaint)) }
}

fn part(bytes: &[u8], start: u64, length: u64) -> Result<&[u8]> {
    let range = usize::try_from(start).ok().zip(usize::try_from(length).ok());
    let part = range.and_then(|(start, length)| bytes.get(start..start.checked_add(length)?));
    part.ok_or_else(|| damaged(format!("it ends before {length} bytes at {start}")))
}

fn word(bytes: &[u8], at: usize) -> Result<u32> {
    let mut word = [0; 4];
    word.copy_from_slice(part(bytes, at as u64, 4)?);
    Ok(u32::from_be_bytes(word))
}

fn long(bytes: &[u8], at: usize) -> Result<u64> {
    Ok(u64::from(word(bytes, at)?) << 32 | u64::from(word(bytes, at + 4)?))
}

/// What is under `resource-fork`, `blkx`, `Data` of the property list.
fn tables(list: &str) -> Result<Vec<Vec<u8>>> {
    let options = ParsingOptions { allow_dtd: true, nodes_limit: 100_000, ..ParsingOptions::default() };
    let document = Document::parse_with_options(list, options);
    let document = document.map_err(|error| damaged(format!("its property list is no XML: {error}")))?;
    let dict = document.root_element().children().find(Node::is_element);
    let array = dict.and_then(|dict| value(dict, "resource-fork")).and_then(|fork| value(fork, "blkx"));
    let array = array.ok_or_else(|| damaged("its property list has no tables of runs"))?;
    let tables = array.children().filter(Node::is_element).map(|entry| {
        let data = value(entry, "Data").and_then(|data| data.text()).unwrap_or_default();
        let data: String = data.split_ascii_whitespace().collect();
        BASE64_STANDARD.decode(data).map_err(|_| damaged("a table of runs is not Base64"))
    });
    tables.collect()
}

/// The value of a key in a dictionary of a property list.
fn value<'a, 'b>(dict: Node<'a, 'b>, key: &str) -> Option<Node<'a, 'b>> {
    let keys = dict.children().filter(|child| child.has_tag_name("key"));
    let mut found = keys.filter(|child| child.text() == Some(key));
    found.next()?.next_sibling_element()
}

/// The table of runs.
struct Table {
    sectors: u64,
    checksum: u32,
    runs: Vec<Run>,
}

/// Some sectors.
struct Run {
    kind: u32,
    first_sector: u64,
    sectors: u64,
    /// Where it is in the data, and how many bytes it has there.
    place: (u64, u64),
}

impl Table {
    fn read(table: &[u8]) -> Result<Table> {
        ensure(table.get(..4) == Some(b"mish"), "its table of runs does not begin as one does")?;
        ensure(
            long(table, 8)? == 0 && long(table, 24)? == 0,
            "its table of runs does not begin with the first sector",
        )?;
        ensure(word(table, 64)? == CRC32, "its table of runs has another checksum than CRC-32")?;
        let count = word(table, TABLE - 4)? as usize;
        ensure(
            count.checked_mul(RUN).is_some_and(|bytes| table.len() == TABLE + bytes),
            "its table of runs is not whole",
        )?;
        let runs = table[TABLE..].chunks_exact(RUN).map(|run| {
            let place = (long(run, 24)?, long(run, 32)?);
            Ok(Run { kind: word(run, 0)?, first_sector: long(run, 8)?, sectors: long(run, 16)?, place })
        });
        let mut runs = runs.collect::<Result<Vec<_>>>()?;
        ensure(runs.pop().is_some_and(|run| run.kind == END), "its table of runs has no end")?;
        Ok(Table { sectors: long(table, 16)?, checksum: word(table, 72)?, runs })
    }
}

impl Run {
    fn unpack(&self, data: &[u8], volume: &mut Vec<u8>) -> Result<()> {
        if self.kind == COMMENT {
            return Ok(());
        }
        ensure(
            self.first_sector.checked_mul(SECTOR as u64) == Some(volume.len() as u64),
            "its runs leave a gap",
        )?;
        let end = self.first_sector.saturating_add(self.sectors);
        ensure(end <= MOST_SECTORS, "its runs are longer than the volume")?;
        let (length, before) = (self.sectors as usize * SECTOR, volume.len());
        match self.kind {
            ZERO | IGNORED => volume.resize(before + length, 0),
            RAW => volume.extend(part(data, self.place.0, self.place.1)?),
            ZLIB => {
                let packed = part(data, self.place.0, self.place.1)?;
                let mut decoder = ZlibDecoder::new(packed).take(length as u64 + 1);
                let unpacked = decoder.read_to_end(volume);
                unpacked.map_err(|error| damaged(format!("a run cannot be unpacked: {error}")))?;
            }
            other => {
                return Err(Error::Unfit(format!(
                    "with runs of the kind {other:#x} is nothing that this reader knows"
                )));
            }
        }
        ensure(volume.len() - before == length, "a run is not as long as its table says")
    }
}
