//! Unpacks a cabinet.
//!
//! The crate `cab` does, but starts from the beginning of a folder for every file, and panics at a file that lies
//! beyond its folder. So it gets a table of files with one file a folder, which takes all of it; the files are
//! ranges of that. Ranges may overlap: some writers store files with the same content once.

use md5::{Digest, Md5};
use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use windows_installer::FileVersion;
use windows_installer::bytes::{u16_at, u32_at};
use windows_installer::pe::Image;

/// How many bytes all cabinets of a package may have, unpacked. A cabinet of some kilobytes can claim
/// terabytes.
pub(super) const MOST: u64 = 2 << 30;

/// A file of a cabinet: what the rules ask of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Packed {
    pub(crate) name: String,
    pub(crate) size: usize,
    pub(crate) hash: [u8; 16],
    pub(crate) version: Version,
}

/// What a file says of its version.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// It is no program.
    NoProgram,
    /// A program without a version.
    Nothing,
    Is(String),
    /// Programs for 16-bit Windows have versions of another kind, and some blocks are unusual.
    Unknown,
}

impl Version {
    fn of(content: &[u8]) -> Version {
        match FileVersion::read("", content) {
            Ok(Some(found)) => Version::Is(found.version),
            Ok(None) if Image::parse(content).is_some() => Version::Nothing,
            Ok(None) if !content.starts_with(b"MZ") => Version::NoProgram,
            _ => Version::Unknown,
        }
    }
}

impl Packed {
    fn new(name: String, content: &[u8]) -> Packed {
        let (size, hash) = (content.len(), Md5::digest(content).into());
        Packed { name, size, hash, version: Version::of(content) }
    }
}

/// The files of a cabinet in the order in which they are stored, or why there is nothing of it.
pub(crate) type Unpacked = Result<Vec<Packed>, String>;

/// What the table of files says of one.
struct Entry {
    name: String,
    size: u32,
    offset: u32,
    folder: u16,
}

/// Where the header says where the table of files is, and how many there are.
const TABLE_AT: usize = 16;
const FILES_AT: usize = 28;
/// The length of the entry of a file up to the name.
const FILE: usize = 16;

/// Unpacks all files of a cabinet, and takes what they have from the bytes that are `left`.
pub(super) fn unpack(cabinet: &[u8], left: &mut u64) -> Unpacked {
    let damaged = |reason: String| format!("the cabinet cannot be unpacked: {reason}; pack it again");
    let refuse = |error: io::Error| damaged(error.to_string());
    cab::Cabinet::new(Cursor::new(cabinet)).map_err(refuse)?;
    let entries = entries(cabinet).ok_or_else(|| damaged("its table of files ends too early".into()))?;
    let mut ends: BTreeMap<u16, u64> = BTreeMap::new();
    let mut in_files = 0;
    for entry in &entries {
        in_files += u64::from(entry.size);
        let end = ends.entry(entry.folder).or_default();
        *end = (*end).max(u64::from(entry.offset) + u64::from(entry.size));
    }
    // Files that overlap take no more room than their folder, but each of them is looked at.
    let total = in_files.max(ends.values().sum());
    *left = left.checked_sub(total).ok_or_else(|| {
        format!(
            "the cabinet has {total} bytes unpacked, more than are left of the {MOST} for all cabinets of a \
             package: its files are not judged; check its table of files, or divide the package"
        )
    })?;
    let mut folders: BTreeMap<u16, Vec<u8>> = BTreeMap::new();
    let mut one_file = cabinet.to_vec();
    for (folder, end) in ends {
        folders.insert(folder, content(&mut one_file, folder, end).map_err(refuse)?);
    }
    let file = |entry: Entry| {
        let rest = folders[&entry.folder].get(entry.offset as usize..);
        match rest.and_then(|rest| rest.get(..entry.size as usize)) {
            Some(content) => Ok(Packed::new(entry.name, content)),
            None => Err(damaged(format!("file {:?} lies beyond its folder", entry.name))),
        }
    };
    entries.into_iter().map(file).collect()
}

fn entries(cabinet: &[u8]) -> Option<Vec<Entry>> {
    let mut at = u32_at(cabinet, TABLE_AT)? as usize;
    let mut entries = Vec::new();
    for _ in 0..u16_at(cabinet, FILES_AT)? {
        let name = cabinet.get(at.checked_add(FILE)?..)?.split(|byte| *byte == 0).next()?;
        let (size, offset) = (u32_at(cabinet, at)?, u32_at(cabinet, at + 4)?);
        let folder = u16_at(cabinet, at + 8)?;
        at += FILE + name.len() + 1;
        entries.push(Entry { name: String::from_utf8_lossy(name).into_owned(), size, offset, folder });
    }
    Some(entries)
}

/// The content of a folder up to its `end`. The cabinet has one file then, without a name.
fn content(cabinet: &mut [u8], folder: u16, end: u64) -> io::Result<Vec<u8>> {
    // Writers do not agree on what a folder of empty files looks like.
    if end == 0 {
        return Ok(Vec::new());
    }
    let size = u32::try_from(end).map_err(|_| io::Error::other("its files are larger than cabinets hold"))?;
    let table = u32_at(cabinet, TABLE_AT).unwrap_or_default() as usize;
    let entry = [&size.to_le_bytes()[..], &[0; 4], &folder.to_le_bytes(), &[0; 7]].concat();
    for (at, bytes) in [(FILES_AT, &[1, 0][..]), (table, &entry)] {
        let place = cabinet.get_mut(at..at + bytes.len());
        place.ok_or_else(|| io::Error::other("its table of files ends too early"))?.copy_from_slice(bytes);
    }
    let mut content = Vec::new();
    // No room is made for what the cabinet only claims.
    cab::Cabinet::new(Cursor::new(cabinet))?.read_file("")?.take(end).read_to_end(&mut content)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{program, resources};

    /// A cabinet that is not compressed, with a folder for each content, and files by folder, offset and size.
    fn cabinet(folders: &[&[u8]], files: &[(u16, u32, u32)]) -> Vec<u8> {
        let mut table = Vec::new();
        for (index, (folder, offset, size)) in files.iter().enumerate() {
            table.extend([*size, *offset].map(u32::to_le_bytes).concat());
            table.extend([*folder, 0, 0, 0].map(u16::to_le_bytes).concat());
            table.extend(format!("{index}\0").bytes());
        }
        let number = |size: usize| u16::try_from(size).expect("a small number");
        let table_at = 36 + 8 * folders.len();
        let (mut entries, mut data) = (Vec::new(), Vec::new());
        for content in folders {
            let at = u32::try_from(table_at + table.len() + data.len()).expect("a small number");
            entries.extend(at.to_le_bytes());
            entries.extend([1, 0].map(u16::to_le_bytes).concat());
            data.extend([0; 4]);
            data.extend([number(content.len()); 2].map(u16::to_le_bytes).concat());
            data.extend(*content);
        }
        let mut bytes = b"MSCF".to_vec();
        bytes.resize(TABLE_AT, 0);
        bytes.extend(u32::try_from(table_at).expect("a small number").to_le_bytes());
        bytes.extend([0, 0, 0, 0, 3, 1]);
        bytes.extend([number(folders.len()), number(files.len()), 0, 0, 0].map(u16::to_le_bytes).concat());
        [bytes, entries, table, data].concat()
    }

    /// Fails if: a file has not its own content, whichever folder it is in.
    #[test]
    fn unpacks_each_folder() {
        let files = [(1, 4, 6), (0, 0, 5), (1, 0, 3), (0, 5, 0)];
        let bytes = cabinet(&[b"first", b"the second"], &files);
        let mut left = 20;
        let unpacked = unpack(&bytes, &mut left).expect("a good cabinet");
        let expected: [(&str, &[u8]); 4] = [("0", b"second"), ("1", b"first"), ("2", b"the"), ("3", b"")];
        assert_eq!(unpacked, expected.map(|(name, content)| Packed::new(name.to_owned(), content)));
        assert_eq!(left, 20 - 15, "what the folders have is not counted");
    }

    /// Fails if: a program is taken to have another version than that of its own resources, one that cannot
    /// be read is judged, or another file has one.
    #[test]
    fn finds_versions() {
        let good = program(&resources([1, 2, 3, 4]));
        // Such a block where the resources are not: in other data, or in a program within the program.
        let other = resources([9, 9, 9, 9]);
        let key: Vec<u8> = "VS_VERSION_INFO\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let at = other.windows(key.len()).position(|window| window == key).expect("a block") - 6;
        let mut inner = good.clone();
        inner[0x188..0x188 + 0x60].copy_from_slice(&other[at..at + 0x60]);
        let without = [program(&[]), good.clone()].concat();
        let mut damaged = good.clone();
        let at = good.windows(key.len()).position(|window| window == key).expect("a block");
        damaged[at] = b'W';
        let mut old = good.clone();
        old[0x40..0x42].copy_from_slice(b"NE");
        for (content, found) in [
            (&good[..], Version::Is("1.2.3.4".to_owned())),
            (&inner, Version::Is("1.2.3.4".to_owned())),
            (&without, Version::Nothing),
            (&damaged, Version::Unknown),
            (&old, Version::Unknown),
            (b"MZ", Version::Unknown),
            (&good[1..], Version::NoProgram),
        ] {
            assert_eq!(Version::of(content), found);
        }
    }

    /// Fails if: a small cabinet that claims more than can be unpacked is unpacked all the same.
    #[test]
    fn refuses_what_is_too_large() {
        let many = [(0, 0, 7); 100];
        for (files, before, total) in
            [(&many[..], 699, 700), (&[(0, u32::MAX, u32::MAX)], MOST, 2 * u64::from(u32::MAX))]
        {
            let mut left = before;
            let error = unpack(&cabinet(&[b"content"], files), &mut left).expect_err("too large");
            let says = [format!("{total} bytes unpacked"), MOST.to_string()];
            assert!(says.iter().all(|part| error.contains(part)), "{error}");
            assert_eq!(left, before, "what was not unpacked was counted");
        }
    }

    /// Fails if: a cabinet that is damaged is unpacked, or makes the reader panic.
    #[test]
    fn refuses_what_is_damaged() {
        let good = cabinet(&[b"content"], &[(0, 0, 7)]);
        let beyond = cabinet(&[b"content"], &[(0, 3, 7)]);
        let nowhere = cabinet(&[b"content"], &[(1, 0, 7)]);
        let cases = [
            (&good[..40], ""),
            (&good[1..], ""),
            (&good[..good.len() - 1], ""),
            (&beyond, "lies beyond its folder"),
            (&nowhere, "folder index out of bounds"),
        ];
        for (bytes, complaint) in cases {
            let error = unpack(bytes, &mut MOST.clone()).expect_err(complaint);
            assert!(error.contains(complaint) && error.ends_with("pack it again"), "{error}");
        }
    }
}
