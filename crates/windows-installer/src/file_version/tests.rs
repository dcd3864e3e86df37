//! Versions of programs, and what the tables say of them.

use super::samples::{program, resources};
use super::*;
use crate::{Cell, Database, FileSet, guid, row};

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
