//! Volumes are read again as they were written, and not at all once they are damaged.
//!
//! That others read them, too, is for the acceptance suite `apple`.

#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

use apple_archives::hfs_plus::{Content, Contents, FinderInfo, Id, Volume, read};
use proptest::prelude::*;
use std::sync::LazyLock;

const TIME: u32 = 1_767_312_000;
const BLOCK: usize = 4096;
const HEADER: usize = 1024;

/// The sample volume, for those who need it often.
static SAMPLE: LazyLock<Vec<u8>> = LazyLock::new(|| sample().to_bytes().unwrap());

/// A volume with a bit of everything.
fn sample() -> Volume {
    let mut volume = Volume::new("Sample Volume", TIME).unwrap();
    let folder = volume.add(Id::ROOT, "folder", Content::Folder, 0o755).unwrap();
    let inner = volume.add(folder, "Inner", Content::Folder, 0o700).unwrap();
    for (parent, name, size, mode) in [
        (Id::ROOT, "empty", 0, 0o600),
        (inner, "one byte", 1, 0o644),
        (inner, "short of a block", BLOCK - 1, 0o755),
        (folder, "a block", BLOCK, 0o4755),
        (folder, "b", BLOCK + 1, 0o644),
        (Id::ROOT, "Zebra", 120_000, 0o644),
    ] {
        let content: Vec<u8> = (0..size).map(|at| (at % 251) as u8 + 1).collect();
        volume.add(parent, name, Content::File(content), mode).unwrap();
    }
    volume.add(folder, "link", Content::Link("Inner/one byte".to_owned()), 0o755).unwrap();
    let icon = FinderInfo { flags: FinderInfo::CUSTOM_ICON, ..FinderInfo::default() };
    volume.set_finder_info(Id::ROOT, icon).unwrap();
    volume
}

fn many(count: usize) -> Volume {
    let mut volume = Volume::new("Many", TIME).unwrap();
    let mut folder = Id::ROOT;
    for number in 0..count {
        if number % 100 == 0 {
            folder = volume.add(Id::ROOT, &format!("Folder {number}"), Content::Folder, 0o755).unwrap();
        }
        let content = number.to_string().into_bytes();
        // Neither in the order of their names nor of equal lengths.
        let name = format!("{:x}-{}", number * 7919 % 4093, "n".repeat(number % 90));
        volume.add(folder, &name, Content::File(content), 0o644).unwrap();
    }
    volume
}

/// Fails if: anything on a volume is another thing when it is read again, or a number is not the one that was told.
#[test]
fn reads_what_was_written() {
    let mut volume = sample();
    let last = volume.add(Id::ROOT, "last", Content::File(b"last".to_vec()), 0o644).unwrap();
    let found = read(&volume.to_bytes().unwrap()).unwrap();
    assert_eq!((found.name.as_str(), found.time), ("Sample Volume", TIME));
    assert_eq!(found.finder.flags, FinderInfo::CUSTOM_ICON);
    let paths: Vec<&str> = found.entries.keys().map(String::as_str).collect();
    assert_eq!(
        paths,
        [
            "Zebra",
            "empty",
            "folder",
            "folder/Inner",
            "folder/Inner/one byte",
            "folder/Inner/short of a block",
            "folder/a block",
            "folder/b",
            "folder/link",
            "last"
        ]
    );
    let entry = |path: &str| &found.entries[path];
    assert_eq!(entry("last").id, last.number());
    assert_eq!((entry("folder/a block").mode, entry("folder/Inner").mode), (0o4755, 0o700));
    assert_eq!(entry("folder/link").content, Content::Link("Inner/one byte".to_owned()));
    assert_eq!((entry("folder/link").finder.kind, entry("folder/link").finder.creator), (*b"slnk", *b"rhap"));
    for (path, size) in
        [("empty", 0), ("folder/Inner/one byte", 1), ("folder/b", BLOCK + 1), ("Zebra", 120_000)]
    {
        let expected: Vec<u8> = (0..size).map(|at| (at % 251) as u8 + 1).collect();
        assert_eq!(entry(path).content, Content::File(expected), "{path}");
    }
}

/// Fails if: a catalog of several levels is not one tree, or a volume needs so many files that it cannot be written.
#[test]
fn holds_thousands_of_files() {
    for count in [0, 1, 13, 14, 15, 400, 3_000] {
        let bytes = many(count).to_bytes().unwrap();
        let found = read(&bytes).unwrap();
        let files = found.entries.values().filter(|found| matches!(found.content, Content::File(_))).count();
        assert_eq!(files, count);
        let catalog =
            u32::from_be_bytes(bytes[HEADER + 288..HEADER + 292].try_into().unwrap()) as usize * BLOCK;
        let depth = u16::from_be_bytes(bytes[catalog + 14..catalog + 16].try_into().unwrap());
        assert!(count < 3_000 || depth >= 3, "{count} files are a tree of {depth} levels");
    }
}

/// Fails if: the same volume has other bits, or another one the same identifier.
#[test]
fn equal_volumes_are_equal_to_the_bit() {
    let bytes = sample().to_bytes().unwrap();
    assert!(bytes == sample().to_bytes().unwrap());
    let identifier = |volume: &Volume| read(&volume.to_bytes().unwrap()).unwrap().identifier;
    let mut other = sample();
    other.add(Id::ROOT, "more", Content::File(Vec::new()), 0o644).unwrap();
    assert_ne!(identifier(&sample()), identifier(&other));
    let later = Volume::new("Sample Volume", TIME + 1).unwrap();
    assert_ne!(identifier(&later), identifier(&Volume::new("Sample Volume", TIME).unwrap()));
}

/// Fails if: what no volume can hold is accepted, or the error does not say why.
#[test]
fn refuses_with_a_reason() {
    let mut volume = sample();
    let file = volume.add(Id::ROOT, "file", Content::File(Vec::new()), 0o644).unwrap();
    for (folder, name, complaint) in [
        (Id::ROOT, "a/b", "without ':' and '/'"),
        (Id::ROOT, "måned", "ASCII"),
        (Id::ROOT, "ZEBRA", "upper and lower case are the same"),
        (file, "x", "no folder of it has that number"),
    ] {
        let error = volume.add(folder, name, Content::Folder, 0o755).unwrap_err().to_string();
        assert!(error.contains(complaint), "{name}: {error}");
    }
    let error = Volume::new("x", 2_212_122_496).unwrap_err().to_string();
    assert!(error.contains("2040"), "{error}");
    assert!(Volume::new("", 0).is_err());
}

/// Fails if: a volume is read although one of its parts contradicts another, or the error tells another fault.
#[test]
fn refuses_what_contradicts_itself() {
    let bytes = sample().to_bytes().unwrap();
    let word = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    // The first block of the four files that the header names.
    let [map, extents, catalog, attributes] =
        [112, 192, 272, 352].map(|fork| word(HEADER + fork + 16) * BLOCK);
    let spare = bytes.len() - HEADER;
    // Records of the first leaf of the catalog: the root's, its thread, then those of the root's entries.
    let leaf = catalog + BLOCK;
    let record = |index: usize| {
        let offset = leaf + BLOCK - 2 * (index + 1);
        leaf + u16::from_be_bytes([bytes[offset], bytes[offset + 1]]) as usize
    };
    let value = |index: usize| {
        record(index) + 2 + u16::from_be_bytes([bytes[record(index)], bytes[record(index) + 1]]) as usize
    };
    let both = |at: usize| vec![HEADER + at, spare + at];
    for (places, complaint) in [
        (vec![HEADER], "does not begin as one does"),
        (vec![spare + 100], "spare header"),
        (both(6), "journal"),
        (both(42), "blocks of another size"),
        (both(46), "not as long as its header says"),
        (both(51), "free blocks"),
        (both(35), "other files in its header"),
        (both(39), "other folders in its header"),
        (both(112 + 19), "two files in one block"),
        (both(272 + 15), "blocks are not those of its pieces"),
        (vec![map + 1], "which blocks are taken"),
        (vec![extents + 14 + 9], "more or fewer records"),
        (vec![attributes + 8], "without header"),
        (vec![catalog + 14 + 1], "another height"),
        (vec![catalog + 14 + 5], "a node that it has not"),
        (vec![catalog + 14 + 13], "first or last leaf"),
        (vec![catalog + 14 + 25], "more or fewer nodes"),
        (vec![catalog + 248], "which nodes are used"),
        (vec![leaf + 3], "out of order"),
        (vec![leaf + 8], "another kind"),
        (vec![leaf + BLOCK - 1], "not where it begins"),
        (vec![leaf + BLOCK - 4], "records overlap"),
        (vec![value(0) + 7], "counts other entries"),
        (vec![value(0) + 11], "without a thread"),
        (vec![value(1) + 7], "without a thread"),
        (vec![value(0) + 42], "mode is that of something else"),
        (vec![value(0) + 1], "record of the kind"),
    ] {
        let mut damaged = bytes.clone();
        for place in &places {
            damaged[*place] ^= 0x20;
        }
        let error = read(&damaged).map(drop).expect_err(complaint).to_string();
        assert!(error.contains(complaint), "at {places:?}, {complaint:?} is not said in: {error}");
    }
}

/// Where the part of a volume ends that says what the files are called and where they lie.
fn end_of_catalog(volume: &[u8]) -> usize {
    let word = |at: usize| u32::from_be_bytes(volume[at..at + 4].try_into().unwrap()) as usize;
    (word(HEADER + 288) + word(HEADER + 292)) * BLOCK
}

proptest! {
    /// Fails if: a volume that is cut off, or longer, is read.
    #[test]
    fn refuses_another_length(length in 0_usize..200_000) {
        let mut bytes = SAMPLE.clone();
        if length != bytes.len() {
            bytes.resize(length, 0);
            prop_assert!(read(&bytes).is_err());
        }
    }

    /// Fails if: changed bytes make the reader panic or hang, or it finds other files for them.
    #[test]
    fn survives_changed_bytes(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut changed = SAMPLE.clone();
        let end = end_of_catalog(&changed);
        for (place, value) in &changes {
            changed[place.index(end)] = *value;
        }
        let paths = |found: Contents| found.entries.into_keys().collect::<Vec<String>>();
        if let Ok(found) = read(&changed) {
            prop_assert_eq!(paths(found), paths(read(&SAMPLE).unwrap()));
        }
    }
}
