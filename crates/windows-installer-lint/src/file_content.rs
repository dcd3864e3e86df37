//! What is in the files, icons and programs, against what the tables say of them.

use super::cabinets::{self, Packed, Version};
use super::category;
use super::read::{Msi, Row};
use super::report::{Report, rules};

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
    if usize::try_from(size) != Ok(packed.size) {
        let message = format!("{size}, but the file has {} bytes: correct it", packed.size);
        report.value(SIZE, row, "FileSize", message);
    }
    hash(msi, row, &packed.hash, report);
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
    let message = match (given, &packed.version) {
        (Some(_), Version::NoProgram) => {
            format!("{version}, but the file is no program, so it has no version: leave it empty")
        }
        (Some(_), Version::Nothing) => {
            format!("{version}, but the file has no version resource: leave it empty")
        }
        (Some(given), Version::Is(found)) if category::version(found) != Some(given) => {
            format!("{version}, but the file says {found}: write that")
        }
        (None, Version::Is(found)) if version.is_empty() => {
            format!(
                "is empty, but the file says {found}: write that, or Windows takes the file for an older one"
            )
        }
        _ => return,
    };
    report.value(VERSION, row, "Version", message);
}

fn hash(msi: &Msi, row: Row<'_>, found: &[u8; 16], report: &mut Report) {
    let Some(hash) = msi.row("MsiFileHash", row.text("File")) else { return };
    if !row.text("Version").is_empty() {
        report.row(VERSIONED, hash, "the file has a version, by which Windows compares it: remove the row");
    }
    let (words, _) = found.as_chunks::<4>();
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
