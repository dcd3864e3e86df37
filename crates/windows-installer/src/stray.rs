//! Bytes of a compound file that belong to nothing in it, so that no signature covers them.
//!
//! A signature of a package covers its streams. What lies behind the last sector, in a free sector, behind the
//! end of a stream or in an unused part of tables and directory is read by nobody who opens the package, but by
//! others: a package with a Java archive behind it is a Java archive too.
//!
//! The crate `cfb` reads the whole file, and every byte that it did not ask for has to be filler: 0 or 0xff in
//! [MS-CFB](https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-cfb/). What this crate and
//! osslsigncode write passes. Windows itself leaves old content in free sectors.

use crate::bytes::u32_at;
use crate::{Error, Result};
use std::cell::RefCell;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::PathBuf;

/// The size of an entry of the directory, which is read entry by entry.
const ENTRY: usize = 128;
/// Where an entry has the length of its name, and its type: 0 if it is free.
const NAME_LENGTH: usize = 64;
const TYPE: usize = 66;
/// The smallest sector. The tables of sectors are read in whole ones.
const SECTOR: usize = 512;
/// The size of a small sector.
const SMALL_SECTOR: usize = 64;
/// The first number in a table that stands for no sector, but for a mark such as the end of a chain.
const FIRST_MARK: u32 = 0xffff_fffa;

/// Whether a package, signed or not, has bytes that belong to none of its streams.
///
/// # Errors
/// If it is no compound file, or a damaged one.
pub fn has_stray_bytes(package: &[u8]) -> Result<bool> {
    let seen = RefCell::new(Seen { opening: true, entries: 0, rest: package.to_vec() });
    let entries = read_all(Witness { file: Cursor::new(package), seen: &seen })
        .map_err(|error| Error::part("the compound file", error.to_string()))?;
    let seen = seen.into_inner();
    Ok(seen.entries != entries || seen.rest.iter().any(|byte| !matches!(byte, 0 | 0xff)))
}

/// Reads everything that there is to read, and counts streams and folders.
fn read_all(witness: Witness<'_>) -> io::Result<usize> {
    let seen = witness.seen;
    let mut file = cfb::CompoundFile::open(witness)?;
    seen.borrow_mut().opening = false;
    let streams = file.walk().filter(cfb::Entry::is_stream).map(|entry| entry.path().to_owned());
    for path in streams.collect::<Vec<PathBuf>>() {
        file.open_stream(&path)?.read_to_end(&mut Vec::new())?;
    }
    Ok(file.walk().count())
}

/// What was read of a file.
struct Seen {
    /// Whether tables and directory are being read, and no streams yet.
    opening: bool,
    /// How many entries of the directory are not free.
    entries: usize,
    /// The file, without the bytes that were read and mean something.
    rest: Vec<u8>,
}

impl Seen {
    fn read(&mut self, start: usize, bytes: &[u8]) {
        let sectors = self.rest.len() / SMALL_SECTOR;
        let rest = &mut self.rest[start..start + bytes.len()];
        match bytes.len() {
            // A free entry means nothing. `cfb` gives it an empty name, whose length counts the zero behind it.
            ENTRY if self.opening && bytes[TYPE] == 0 => rest[NAME_LENGTH..TYPE].fill(0),
            ENTRY if self.opening => {
                self.entries += 1;
                rest.fill(0);
            }
            SECTOR.. if self.opening => {
                let means = |number: u32| number >= FIRST_MARK || (number as usize) < sectors;
                for at in (0..bytes.len()).step_by(4).filter(|at| u32_at(bytes, *at).is_some_and(means)) {
                    rest[at..at + 4].fill(0);
                }
            }
            _ => rest.fill(0),
        }
    }
}

/// A file that notes what is read of it.
struct Witness<'a> {
    file: Cursor<&'a [u8]>,
    seen: &'a RefCell<Seen>,
}

impl Read for Witness<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let start = usize::try_from(self.file.position()).map_err(io::Error::other)?;
        let length = self.file.read(buffer)?;
        self.seen.borrow_mut().read(start, &buffer[..length]);
        Ok(length)
    }
}

impl Seek for Witness<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// A compound file of version 3 with a large and a small stream. The large one ends in the last sector.
    fn package() -> Vec<u8> {
        let file = Cursor::new(Vec::new());
        let mut file = cfb::CompoundFile::create_with_version(cfb::Version::V3, file).expect("a file");
        for (name, length) in [("small", 10), ("large", 5000)] {
            let mut stream = file.create_stream(name).expect("a stream");
            stream.write_all(&vec![b'x'; length]).expect("content");
        }
        file.flush().expect("written");
        file.into_inner().into_inner()
    }

    /// Where a stream's content ends that is followed by filler.
    fn end_of(package: &[u8], length: usize) -> usize {
        let content = package
            .windows(length + 1)
            .position(|part| part[..length].iter().all(|byte| *byte == b'x') && part[length] != b'x');
        content.expect("the content") + length
    }

    /// Fails if: bytes that nothing in the file holds are overlooked, wherever they are, or a file without them
    /// is suspected.
    #[test]
    fn finds_bytes_that_belong_to_nothing() {
        let good = package();
        assert!(!has_stray_bytes(&good).expect("a compound file"));
        let name: Vec<u8> = "large".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let entry = good.windows(10).position(|part| part == name).expect("the entry of the last stream");
        let small_table = (u32_at(&good, 60).expect("its sector") as usize + 1) * SECTOR;
        let with = |at: usize, what: &[u8]| {
            let mut package = good.clone();
            package[at..at + what.len()].copy_from_slice(what);
            package
        };
        let mut removed = cfb::CompoundFile::open(Cursor::new(good.clone())).expect("a compound file");
        removed.remove_stream("large").expect("removed");
        removed.flush().expect("written");
        for (what, package) in [
            ("behind the last sector", [&good[..], b"PK"].concat()),
            ("a whole sector behind the last one", [&good[..], &[7; SECTOR]].concat()),
            ("behind a stream in sectors", with(end_of(&good, 5000), b"PK")),
            ("behind a stream in small sectors", with(end_of(&good, 10), b"PK")),
            ("in a free entry of the directory", with(entry + ENTRY, b"P")),
            ("in an entry that no folder has", with(entry + ENTRY, &good[entry..entry + ENTRY])),
            ("in the header, behind the list of sectors", with(500, b"PK")),
            ("in the table of small sectors", with(small_table + 8, b"PK\x03\x04")),
            ("in free sectors", removed.into_inner().into_inner()),
        ] {
            assert!(has_stray_bytes(&package).expect(what), "{what}");
        }
    }

    /// Fails if: filler at the end is taken for content, or what is no compound file for one.
    #[test]
    fn filler_is_nothing() {
        assert!(!has_stray_bytes(&[package(), vec![0; 512]].concat()).expect("a compound file"));
        for bytes in [&[][..], b"PK\x03\x04", &package()[..600]] {
            assert!(has_stray_bytes(bytes).is_err());
        }
    }
}
