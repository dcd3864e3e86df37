//! Versions of programs, and what the tables say of them.

use super::*;
use crate::{Cell, Database, FileSet, guid, row};
use object::read::coff::CoffFile;
use object::{Object, ObjectSection};
use windows_resources::{Resources, Version};

/// Where the section is in the file, and where in memory.
const FILE: usize = 0x200;
const MEMORY: u32 = 0x1000;

/// An icon with one picture of one byte.
const ICON: &[u8] = b"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0\x20\0\x01\0\0\0\x16\0\0\0x";

/// The resources of a program of that version, as they are linked.
pub(crate) fn resources(file: [u16; 4]) -> Vec<u8> {
    let version = Version { file, pre_release: false, texts: &[("ProductName", "Sample")] };
    let object = Resources { icon: ICON, version, manifest: "" }.object("x86_64").expect("resources");
    let coff: CoffFile<'_> = CoffFile::parse(object.as_slice()).expect("an object");
    let section = coff.sections().next().expect("a section");
    let mut bytes = section.data().expect("its content").to_vec();
    for (at, _) in section.relocations() {
        let at = usize::try_from(at).expect("a place");
        let field: &mut [u8; 4] = (&mut bytes[at..at + 4]).try_into().expect("a field");
        *field = (u32::from_le_bytes(*field) + MEMORY).to_le_bytes();
    }
    bytes
}

/// The least that is a program: headers and one section, which has the resources if there are any.
pub(crate) fn program(resources: &[u8]) -> Vec<u8> {
    let size = resources.len() as u32;
    let mut bytes = vec![0; FILE];
    let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
    put(0, b"MZ");
    put(0x3c, &0x40_u32.to_le_bytes());
    put(0x40, b"PE\0\0\x64\x86\x01\0");
    put(0x54, &240_u16.to_le_bytes());
    let optional = 0x58;
    put(optional, &0x020b_u16.to_le_bytes());
    for (at, value) in [(32, 0x1000), (36, 0x200), (56, 0x10000), (60, FILE as u32), (108, 16)] {
        put(optional + at, &u32::to_le_bytes(value));
    }
    if size > 0 {
        put(optional + 112 + 2 * 8, &MEMORY.to_le_bytes());
        put(optional + 112 + 2 * 8 + 4, &size.to_le_bytes());
    }
    let section = optional + 240;
    put(section, b".rsrc\0\0\0");
    for (index, value) in [size, MEMORY, size, FILE as u32].into_iter().enumerate() {
        put(section + 8 + index * 4, &value.to_le_bytes());
    }
    bytes.extend(resources);
    bytes
}

/// Fails if: a version is misread, or a file without one is given one.
#[test]
fn programs_have_versions_and_other_files_have_none() {
    let expected =
        |version: &str| Some(FileVersion { version: version.to_owned(), language: "1033".to_owned() });
    for (content, version) in [
        (program(&resources([1, 2, 65499, 0])), expected("1.2.65499.0")),
        (program(&resources([0, 1, 99, 65535])), expected("0.1.99.65535")),
        (program(&[]), None),
        (b"MZ".to_vec(), None),
        (b"# Read me\n".to_vec(), None),
        (Vec::new(), None),
    ] {
        assert_eq!(FileVersion::read("a.exe", &content).expect("readable"), version);
    }
}

/// Fails if: directories of resources that lead to each other are followed for ever, or taken for a version.
#[test]
fn resources_in_a_circle_are_no_version() {
    let mut circle = resources([1, 2, 3, 4]);
    // Every entry of the root leads to the root.
    let count = usize::from(
        u16::from_le_bytes([circle[12], circle[13]]) + u16::from_le_bytes([circle[14], circle[15]]),
    );
    for entry in 0..count {
        circle[16 + entry * 8 + 4..][..4].copy_from_slice(&0x8000_0000_u32.to_le_bytes());
    }
    assert_eq!(FileVersion::read("a.exe", &program(&circle)).expect("readable"), None);
}

/// Fails if: a program whose version cannot be read is packed as if it had none.
#[test]
fn a_damaged_version_is_refused() {
    let mut content = program(&resources([1, 2, 3, 4]));
    let text: Vec<u8> = "StringFileInfo".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let at = content.windows(text.len()).position(|window| window == text).expect("the block");
    content[at - 6..at - 4].copy_from_slice(&u16::MAX.to_le_bytes());
    let error = FileVersion::read("bin/a.exe", &content).expect_err("damaged").to_string();
    assert!(error.contains("\"bin/a.exe\"") && error.contains("version resource"), "{error}");
}

/// Fails if: a file has both a version and a hash, or neither; Windows takes both for an error, and compares
/// dates if there is neither.
#[test]
fn a_file_has_a_version_or_a_hash() {
    let mut files = FileSet::new("INSTALLDIR");
    files.add("a.exe", program(&resources([1, 2, 3, 0]))).expect("a file");
    files.add("b.exe", program(&[])).expect("a file");
    let mut database = Database::new();
    let product = guid::Product::new("00000000-0000-4000-8000-000000000000").expect("a product");
    let feature = row! { Feature: "F", Display: 1, Level: 1, Attributes: 0 };
    database.add("Feature", feature).expect("a feature");
    files.add_to(&mut database, &product, "F", 1_700_000_000).expect("rows");

    let text = |text: &str| Cell::Text(text.to_owned());
    let versions: Vec<_> = database.rows("File").values().map(|row| row[4..6].to_vec()).collect();
    assert_eq!(versions, [vec![text("1.2.3.0"), text("1033")], vec![Cell::Empty, Cell::Empty]]);
    let hashes: Vec<_> = database.rows("MsiFileHash").values().map(|row| row[0].clone()).collect();
    assert_eq!(hashes, [text("File.b.exe")]);
}
