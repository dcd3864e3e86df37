//! Unpacks a cabinet.
//!
//! The crate `cab` starts from the beginning of a folder for every file. So each folder is unpacked at once,
//! and its files are ranges of it. Ranges may overlap: some writers store files with the same content once.

use crate::bytes::{u16_at, u32_at};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Place;
use std::io::{Cursor, Read};
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

/// A cabinet.
pub(in crate::lint) struct Cabinet {
    /// Files in the order in which they are stored.
    pub(in crate::lint) files: Vec<Packed>,
}

/// Why there is nothing of a cabinet.
#[derive(Debug, thiserror::Error)]
pub(in crate::lint) enum Refused {
    #[error("the cabinet cannot be unpacked: {0}; pack it again")]
    Damaged(String),
    #[error(
        "the cabinet has {0} bytes unpacked, more than are left of the {MOST} for all cabinets of a package: \
         its files are not judged; check its table of files, or divide the package"
    )]
    TooLarge(u64),
}

/// What the table of files says of one.
struct Entry {
    name: String,
    size: u32,
    offset: u32,
    folder: u16,
}

/// Lengths of the header, of what it may have at its end, of the entry of a folder, and of that of a file up
/// to the name.
const HEADER: usize = 36;
const RESERVE: usize = 4;
const FOLDER: usize = 8;
const FILE: usize = 16;
/// Where the header says where the table of files is, how many folders and files there are, and what else.
const TABLE_AT: usize = 16;
const FOLDERS_AT: usize = 26;
const FILES_AT: usize = 28;
const FLAGS_AT: usize = 30;
/// Flags: there is a cabinet before, or after, or room for others in the headers.
const PREVIOUS: u16 = 1;
const NEXT: u16 = 2;
const RESERVED: u16 = 4;

impl Cabinet {
    /// Unpacks all files, and takes what they have from the bytes that are `left`.
    pub(super) fn unpack(bytes: &[u8], left: &mut u64) -> Result<Cabinet, Refused> {
        let entries = entries(bytes).ok_or_else(|| damaged("its table of files ends too early"))?;
        let mut ends: BTreeMap<u16, u64> = BTreeMap::new();
        let mut in_files = 0;
        for entry in &entries {
            in_files += u64::from(entry.size);
            let end = ends.entry(entry.folder).or_default();
            *end = (*end).max(u64::from(entry.offset) + u64::from(entry.size));
        }
        // Files that overlap take no more room than their folder, but each of them is looked at.
        let total = in_files.max(ends.values().sum());
        *left = left.checked_sub(total).ok_or(Refused::TooLarge(total))?;
        let mut folders = Folders::new(bytes).ok_or_else(|| damaged("its header ends too early"))?;
        let mut unpacked: BTreeMap<u16, Rc<Vec<u8>>> = BTreeMap::new();
        let mut files = Vec::new();
        for entry in entries {
            let folder = match unpacked.entry(entry.folder) {
                Place::Occupied(folder) => folder.into_mut(),
                Place::Vacant(place) => {
                    let content =
                        folders.unpack(entry.folder, ends[&entry.folder]).map_err(Refused::Damaged)?;
                    place.insert(Rc::new(content))
                }
            };
            let start = entry.offset as usize;
            let range = start..start.saturating_add(entry.size as usize);
            if folder.get(range.clone()).is_none() {
                return Err(Refused::Damaged(format!("file {:?} lies beyond its folder", entry.name)));
            }
            files.push(Packed { name: entry.name, folder: Rc::clone(folder), range });
        }
        Ok(Cabinet { files })
    }
}

fn damaged(reason: &str) -> Refused {
    Refused::Damaged(reason.to_owned())
}

fn entries(bytes: &[u8]) -> Option<Vec<Entry>> {
    let mut at = u32_at(bytes, TABLE_AT)? as usize;
    let mut entries = Vec::new();
    for _ in 0..u16_at(bytes, FILES_AT)? {
        let name = text_at(bytes, at.checked_add(FILE)?)?;
        let next = at + FILE + name.len() + 1;
        let name = String::from_utf8_lossy(name).into_owned();
        let (size, offset, folder) = (u32_at(bytes, at)?, u32_at(bytes, at + 4)?, u16_at(bytes, at + 8)?);
        entries.push(Entry { name, size, offset, folder });
        at = next;
    }
    Some(entries)
}

/// The bytes at an offset up to a zero byte.
fn text_at(bytes: &[u8], at: usize) -> Option<&[u8]> {
    bytes.get(at..)?.split(|byte| *byte == 0).next()
}

/// The folders of a cabinet, each of which is handed to the crate `cab` as if it were the only one, with one
/// file, without a name, that takes all of it. Otherwise tables of some thousand folders and files would be read anew for
/// each folder.
struct Folders<'a> {
    /// The entries of the folders.
    entries: Vec<&'a [u8]>,
    /// The cabinet, with a short header in the place of its own, and that file in the place of the first.
    cabinet: Vec<u8>,
    /// Where the folder and the file are.
    folder_at: usize,
    file_at: usize,
}

impl<'a> Folders<'a> {
    fn new(bytes: &'a [u8]) -> Option<Folders<'a>> {
        let (count, flags) = (u16_at(bytes, FOLDERS_AT)?, u16_at(bytes, FLAGS_AT)?);
        let (mut at, mut width, mut folder_at) = (HEADER, FOLDER, HEADER);
        let mut cabinet = bytes.to_vec();
        if flags & RESERVED != 0 {
            at = HEADER + RESERVE + usize::from(u16_at(bytes, HEADER)?);
            width += usize::from(*bytes.get(HEADER + 2)?);
            folder_at = HEADER + RESERVE;
            // Room is left in the headers of data only.
            cabinet.get_mut(HEADER..HEADER + 3)?.fill(0);
        }
        // The names of the other cabinets and of their media.
        for _ in 0..2 * (flags & (PREVIOUS | NEXT)).count_ones() {
            at += text_at(bytes, at)?.len() + 1;
        }
        let entries = (0..usize::from(count)).map(|index| bytes.get(at + index * width..)?.get(..FOLDER));
        let entries = entries.collect::<Option<Vec<_>>>()?;
        for (place, value) in [(FOLDERS_AT, 1), (FILES_AT, 1), (FLAGS_AT, flags & RESERVED)] {
            cabinet.get_mut(place..place + 2)?.copy_from_slice(&u16::to_le_bytes(value));
        }
        let file_at = u32_at(bytes, TABLE_AT)? as usize;
        if u16_at(bytes, FILES_AT)? > 0 {
            cabinet.get_mut(file_at..=file_at.checked_add(FILE)?)?.fill(0);
        }
        Some(Folders { entries, cabinet, folder_at, file_at })
    }

    /// The content of a folder up to its `end`.
    fn unpack(&mut self, number: u16, end: u64) -> Result<Vec<u8>, String> {
        // Writers do not agree on what a folder of empty files looks like.
        if end == 0 {
            return Ok(Vec::new());
        }
        let refuse = |error: std::io::Error| error.to_string();
        let entry =
            *self.entries.get(usize::from(number)).ok_or_else(|| format!("there is no folder {number}"))?;
        let size = u32::try_from(end).map_err(|_| "its files are larger than cabinets hold")?;
        for (at, bytes) in [(self.folder_at, entry), (self.file_at, &size.to_le_bytes())] {
            let place = self.cabinet.get_mut(at..at + bytes.len());
            place.ok_or("its header ends too early")?.copy_from_slice(bytes);
        }
        let mut cabinet = cab::Cabinet::new(Cursor::new(&self.cabinet)).map_err(refuse)?;
        let mut content = Vec::new();
        // No room is made for what the cabinet only claims.
        cabinet.read_file("").map_err(refuse)?.take(end).read_to_end(&mut content).map_err(refuse)?;
        content.shrink_to_fit();
        Ok(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cabinet that is not compressed, with a folder for each content, and files by folder, offset and size.
    fn cabinet(folders: &[&[u8]], files: &[(u16, u32, u32)]) -> Vec<u8> {
        spacious(0, folders, files)
    }

    /// The same with so many spare bytes in all headers, and with the names of a next cabinet if there are any.
    fn spacious(spare: u8, folders: &[&[u8]], files: &[(u16, u32, u32)]) -> Vec<u8> {
        let room = vec![0xff; spare.into()];
        let mut table = Vec::new();
        for (index, (folder, offset, size)) in files.iter().enumerate() {
            table.extend([*size, *offset].map(u32::to_le_bytes).concat());
            table.extend([*folder, 0, 0, 0].map(u16::to_le_bytes).concat());
            table.extend(format!("{index}\0").bytes());
        }
        let number = |size: usize| u16::try_from(size).expect("a small number");
        let (flags, more) = match spare {
            0 => (0, Vec::new()),
            _ => (RESERVED | NEXT, [&[spare, 0, spare, spare], &room[..], b"next\0disk\0"].concat()),
        };
        let table_at = HEADER + more.len() + (FOLDER + room.len()) * folders.len();
        let (mut entries, mut data) = (Vec::new(), Vec::new());
        for content in folders {
            let at = u32::try_from(table_at + table.len() + data.len()).expect("a small number");
            entries.extend(at.to_le_bytes());
            entries.extend([1, 0].map(u16::to_le_bytes).concat());
            entries.extend(&room);
            data.extend([0; 4]);
            data.extend([number(content.len()); 2].map(u16::to_le_bytes).concat());
            data.extend(&room);
            data.extend(*content);
        }
        let mut bytes = b"MSCF".to_vec();
        bytes.resize(TABLE_AT, 0);
        bytes.extend(u32::try_from(table_at).expect("a small number").to_le_bytes());
        bytes.extend([0, 0, 0, 0, 3, 1]);
        bytes
            .extend([number(folders.len()), number(files.len()), flags, 0, 0].map(u16::to_le_bytes).concat());
        [bytes, more, entries, table, data].concat()
    }

    /// Fails if: a file has not its own content, whichever folder it is in.
    #[test]
    fn unpacks_each_folder() {
        for spare in [0, 3] {
            let files = [(1, 4, 6), (0, 0, 5), (1, 0, 3), (0, 5, 0)];
            let bytes = spacious(spare, &[b"first", b"the second"], &files);
            let mut left = 20;
            let unpacked = Cabinet::unpack(&bytes, &mut left).expect("a good cabinet");
            let contents: Vec<_> =
                unpacked.files.iter().map(|file| (file.name.as_str(), file.content())).collect();
            let expected: [(&str, &[u8]); 4] = [("0", b"second"), ("1", b"first"), ("2", b"the"), ("3", b"")];
            assert_eq!(contents, expected);
            assert_eq!(left, 20 - 15, "what the folders have is not counted");
        }
    }

    /// Fails if: files with the same content take room for each of them.
    #[test]
    fn files_share_what_they_have_in_common() {
        let bytes = cabinet(&[&[7; 30_000]], &[(0, 0, 30_000); 5000]);
        let mut left = MOST;
        let unpacked = Cabinet::unpack(&bytes, &mut left).expect("a good cabinet");
        assert_eq!(unpacked.files.len(), 5000);
        let first = &unpacked.files[0].folder;
        assert!(
            unpacked
                .files
                .iter()
                .all(|file| Rc::ptr_eq(&file.folder, first) && file.content() == [7; 30_000])
        );
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
                let result = Cabinet::unpack(&cabinet(&[content], files), &mut left);
                if fits {
                    assert!(result.is_ok_and(|cabinet| cabinet.files.len() == files.len()), "{total}");
                    continue;
                }
                let error = result.err().expect("too large").to_string();
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
            (&good[..40], "ends too early"),
            (&good[1..], ""),
            (&good[..good.len() - 1], ""),
            (&beyond, "lies beyond its folder"),
            (&nowhere, "there is no folder 1"),
        ];
        for (bytes, complaint) in cases {
            let error = Cabinet::unpack(bytes, &mut MOST.clone()).err().expect(complaint).to_string();
            assert!(error.contains(complaint) && error.ends_with("pack it again"), "{error}");
        }
    }
}
