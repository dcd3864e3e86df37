//! Unpacks a cabinet.
//!
//! The crate `cab` does, but starts from the beginning of a folder for every file, and panics at a file that lies
//! beyond its folder. So it gets a table of files with one file a folder, which takes all of it; the files are
//! ranges of that. Ranges may overlap: some writers store files with the same content once.

use crate::bytes::{u16_at, u32_at};
use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::ops::Range;
use std::rc::Rc;

/// How many bytes all cabinets of a package may have, unpacked. A cabinet of some kilobytes can claim
/// terabytes.
pub(super) const MOST: u64 = 2 << 30;

/// A file of a cabinet.
pub(in crate::lint) struct Packed {
    pub(in crate::lint) name: String,
    folder: Rc<Vec<u8>>,
    range: Range<usize>,
}

impl Packed {
    pub(in crate::lint) fn content(&self) -> &[u8] {
        &self.folder[self.range.clone()]
    }
}

/// The files of a cabinet in the order in which they are stored, or why there is nothing of it.
pub(in crate::lint) type Unpacked = Result<Vec<Packed>, String>;

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
    let mut folders: BTreeMap<u16, Rc<Vec<u8>>> = BTreeMap::new();
    let mut one_file = cabinet.to_vec();
    for (folder, end) in ends {
        folders.insert(folder, Rc::new(content(&mut one_file, folder, end).map_err(refuse)?));
    }
    let file = |entry: Entry| {
        let (folder, start) = (Rc::clone(&folders[&entry.folder]), entry.offset as usize);
        let range = start..start + entry.size as usize;
        match folder.get(range.clone()) {
            Some(_) => Ok(Packed { name: entry.name, folder, range }),
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
    content.shrink_to_fit();
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let contents: Vec<_> = unpacked.iter().map(|file| (file.name.as_str(), file.content())).collect();
        let expected: [(&str, &[u8]); 4] = [("0", b"second"), ("1", b"first"), ("2", b"the"), ("3", b"")];
        assert_eq!(contents, expected);
        assert_eq!(left, 20 - 15, "what the folders have is not counted");
    }

    /// Fails if: files with the same content take room for each of them.
    #[test]
    fn files_share_what_they_have_in_common() {
        let bytes = cabinet(&[&[7; 30_000]], &[(0, 0, 30_000); 5000]);
        let mut left = MOST;
        let unpacked = unpack(&bytes, &mut left).expect("a good cabinet");
        assert_eq!(unpacked.len(), 5000);
        let first = &unpacked[0].folder;
        assert!(unpacked.iter().all(|file| Rc::ptr_eq(&file.folder, first) && file.content() == [7; 30_000]));
    }

    /// Fails if: a small cabinet that claims more than can be unpacked is unpacked all the same.
    #[test]
    fn refuses_what_is_too_large() {
        let content: &[u8] = &[7; 32_768];
        let many = vec![(0, 0, 32_768); 65_535];
        for (files, total) in
            [(&many[..], 32_768 * 65_535_u64), (&[(0, u32::MAX, u32::MAX)], 2 * 0xffff_ffff)]
        {
            // A little is refused as well if others have taken the rest.
            for (mut left, fits) in [(MOST, total <= MOST), (total - 1, false)] {
                let before = left;
                let result = unpack(&cabinet(&[content], files), &mut left);
                if fits {
                    assert!(result.is_ok_and(|cabinet| cabinet.len() == files.len()), "{total}");
                    continue;
                }
                let error = result.err().expect("too large");
                assert!(
                    error.contains(&format!("{total} bytes unpacked")) && error.contains("2147483648"),
                    "{error}"
                );
                assert_eq!(left, before, "what was not unpacked was counted");
            }
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
            let error = unpack(bytes, &mut MOST.clone()).err().expect(complaint);
            assert!(error.contains(complaint) && error.ends_with("pack it again"), "{error}");
        }
    }
}
