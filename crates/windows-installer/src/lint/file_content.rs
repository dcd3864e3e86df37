//! What is in the files, icons and programs, against what the tables say of them.

use super::cabinets::{self, Packed};
use super::category;
use super::read::{Msi, Row};
use super::report::{Report, rules};
use crate::FileVersion;
use crate::pe::Image;
use md5::{Digest, Md5};

rules! {
    SIZE "file-size"
        "FileSize is the size of the file."
        "msi/file-table";
    HASH "file-hash"
        "MsiFileHash is the MD5 hash of the file."
        "msi/msifilehash-table";
    VERSION "file-version"
        "File.Version is the version in the file's resources; a file without one has none."
        "msi/ice60";
    LANGUAGE "file-language"
        "A file with a version has a language, unless it is a font."
        "msi/ice60";
    VERSIONED "file-hash-versioned"
        "A file with a version has no row in MsiFileHash."
        "msi/ice60";
    ICON "icon-content"
        "An icon is an icon file or a program."
        "msi/icon-table";
    PROGRAM "binary-content"
        "A custom action's program or library is one."
        "msi/binary-table";
}

pub(super) fn check(msi: &Msi, report: &mut Report) {
    for medium in cabinets::media(msi) {
        let Some(Ok(cabinet)) = medium.cabinet else { continue };
        for packed in cabinet {
            if let Some(row) = msi.row("File", &packed.name) {
                file(msi, row, packed, report);
            }
        }
    }
    for row in msi.rows("Icon") {
        let Some(content) = msi.streams.get(&format!("Icon.{}", row.key())) else { continue };
        if !content.starts_with(&[0, 0, 1, 0]) && !is_program(content) {
            report.value(ICON, row, "Data", "is neither an icon (.ico) nor a program: convert it");
        }
    }
    for row in msi.rows("CustomAction").filter(|row| matches!(row.bits("Type") & 0x3f, 1 | 2)) {
        let content = msi.streams.get(&format!("Binary.{}", row.text("Source")));
        if content.is_some_and(|content| !is_program(content)) {
            let message = format!(
                "{} in table Binary is no program or library for Windows: build it anew",
                row.text("Source")
            );
            report.value(PROGRAM, row, "Source", message);
        }
    }
}

fn file(msi: &Msi, row: Row<'_>, packed: &Packed, report: &mut Report) {
    let size = row.bits("FileSize");
    if usize::try_from(size) != Ok(packed.content().len()) {
        let message = format!("{size}, but the file has {} bytes: correct it", packed.content().len());
        report.value(SIZE, row, "FileSize", message);
    }
    hash(msi, row, packed.content(), report);
    let version = row.text("Version");
    // A file may also take its version from another.
    let given = category::version(version).filter(|_| !msi.has("File", version));
    let name = row.text("FileName").to_lowercase();
    let is_font = [".ttf", ".ttc", ".otf", ".fon"].iter().any(|end| name.ends_with(end));
    if given.is_some() && row.text("Language").is_empty() && !is_font {
        report.value(
            LANGUAGE,
            row,
            "Language",
            "is empty, but there is a version: write the language, or 0 for neutral",
        );
    }
    // Fonts have their version elsewhere.
    if is_font {
        return;
    }
    let message = match (given, version_of(packed.content())) {
        (Some(_), Found::NoProgram) => {
            format!("{version}, but the file is no program, so it has no version: leave it empty")
        }
        (Some(_), Found::Nothing) => {
            format!("{version}, but the file has no version resource: leave it empty")
        }
        (Some(given), Found::Version(found)) if category::version(&found) != Some(given) => {
            format!("{version}, but the file says {found}: write that")
        }
        (None, Found::Version(found)) if version.is_empty() => {
            format!(
                "is empty, but the file says {found}: write that, or Windows takes the file for an older one"
            )
        }
        _ => return,
    };
    report.value(VERSION, row, "Version", message);
}

fn hash(msi: &Msi, row: Row<'_>, content: &[u8], report: &mut Report) {
    let Some(hash) = msi.row("MsiFileHash", row.text("File")) else { return };
    if !row.text("Version").is_empty() {
        report.row(VERSIONED, hash, "the file has a version, by which Windows compares it: remove the row");
    }
    let digest = Md5::digest(content);
    let (words, _) = digest.as_chunks::<4>();
    for (index, word) in words.iter().enumerate() {
        let column = format!("HashPart{}", index + 1);
        let right = i32::from_le_bytes(*word);
        if hash.number(&column) != Some(right) {
            report.value(
                HASH,
                hash,
                &column,
                format!("is not {right}, as the file's content says: hash it again"),
            );
        }
    }
}

/// Whether a file begins as a program or library (PE) does.
fn is_program(content: &[u8]) -> bool {
    content.starts_with(b"MZ")
}

/// What a file says of its version.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// It is no program.
    NoProgram,
    /// A program without a version.
    Nothing,
    Version(String),
    /// Programs for 16-bit Windows have versions of another kind, and some blocks are unusual.
    Unknown,
}

fn version_of(content: &[u8]) -> Found {
    match FileVersion::read("", content) {
        Ok(Some(found)) => Found::Version(found.version),
        Ok(None) if Image::parse(content).is_some() => Found::Nothing,
        Ok(None) if !is_program(content) => Found::NoProgram,
        _ => Found::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file_version::tests::{program, resources};

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
            (&good[..], Found::Version("1.2.3.4".to_owned())),
            (&inner, Found::Version("1.2.3.4".to_owned())),
            (&without, Found::Nothing),
            (&damaged, Found::Unknown),
            (&old, Found::Unknown),
            (b"MZ", Found::Unknown),
            (&good[1..], Found::NoProgram),
        ] {
            assert_eq!(version_of(content), found);
        }
    }
}
