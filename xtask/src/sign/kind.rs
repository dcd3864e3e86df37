//! What kind of file lies before us, by its content, and whether it is signed already.

use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// A file that can hold signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A program or library for Windows
    /// ([PE](https://learn.microsoft.com/en-us/windows/win32/debug/pe-format)).
    Program,
    /// A Windows Installer package, a compound file
    /// ([MS-CFB](https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-cfb)).
    Installer,
    /// A zip archive. It is not signed itself, but what is in it may be.
    Archive,
}

/// What a look into a file shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// The kind, if it is one that matters here.
    pub(crate) kind: Option<Kind>,
    /// Whether there is a signature, right or wrong.
    pub(crate) is_signed: bool,
    /// Whether the signature of an installer covers the names and properties of its streams, too
    /// (`MsiDigitalSignatureEx`).
    pub(crate) is_extended: bool,
}

/// Looks into a file.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn look(path: &Path) -> Result<Look> {
    let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(look_at(&bytes))
}

/// Looks at what is in a file.
pub(crate) fn look_at(bytes: &[u8]) -> Look {
    let mut look = Look { kind: None, is_signed: false, is_extended: false };
    if let Some(header) = pe_header(bytes) {
        look.kind = Some(Kind::Program);
        look.is_signed = has_certificates(bytes, header);
    } else if bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        look.kind = Some(Kind::Installer);
        look.is_signed = has_stream(bytes, "\u{5}DigitalSignature");
        look.is_extended = has_stream(bytes, "\u{5}MsiDigitalSignatureEx");
    } else if bytes.starts_with(b"PK\x03\x04") {
        look.kind = Some(Kind::Archive);
    }
    look
}

/// Where the header begins, after `PE\0\0`.
fn pe_header(bytes: &[u8]) -> Option<usize> {
    let at = u32_at(bytes, 0x3c).filter(|_| bytes.starts_with(b"MZ"))?;
    (bytes.get(at..at + 4)? == b"PE\0\0").then_some(at + 4)
}

/// Whether the table of certificates is not empty.
fn has_certificates(bytes: &[u8], header: usize) -> bool {
    // After the file header of 20 bytes: the data directories lie further back where addresses have 64 bits.
    let optional = header + 20;
    let directories = match bytes.get(optional..optional + 2) {
        Some([0x0b, 0x02]) => optional + 112,
        Some([0x0b, 0x01]) => optional + 96,
        _ => return false,
    };
    // The fifth; its second half is its size.
    u32_at(bytes, directories + 4 * 8 + 4).is_some_and(|size| size > 0)
}

/// Whether the directory of a compound file has a stream of that name, which it writes as UTF-16.
fn has_stream(bytes: &[u8], name: &str) -> bool {
    let mut entry: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    entry.extend([0, 0]);
    // Entries have 128 bytes and lie at multiples of that.
    bytes.chunks(128).any(|chunk| chunk.starts_with(&entry))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    usize::try_from(u32::from_le_bytes(four.try_into().ok()?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pe(magic: u16, certificates: u32) -> Vec<u8> {
        let mut bytes = vec![0; 0x200];
        let optional: usize = 0x80 + 4 + 20;
        let directories = optional + if magic == 0x20b { 112 } else { 96 };
        bytes[..2].copy_from_slice(b"MZ");
        bytes[0x3c] = 0x80;
        bytes[0x80..0x84].copy_from_slice(b"PE\0\0");
        bytes[optional..optional + 2].copy_from_slice(&magic.to_le_bytes());
        bytes[directories + 36..directories + 40].copy_from_slice(&certificates.to_le_bytes());
        bytes
    }

    /// Fails if: a kind is mistaken for another, a signature is overlooked, or bytes that end too early panic.
    #[test]
    fn tells_kinds_apart() {
        let mut msi = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
        msi.resize(512, 0);
        let mut signed_msi = msi.clone();
        signed_msi.extend("\u{5}DigitalSignature\0".encode_utf16().flat_map(u16::to_le_bytes));
        for (bytes, kind, is_signed) in [
            (pe(0x20b, 0), Some(Kind::Program), false),
            (pe(0x20b, 9), Some(Kind::Program), true),
            (pe(0x10b, 9), Some(Kind::Program), true),
            (pe(0x20b, 9)[..0x86].to_vec(), Some(Kind::Program), false),
            (b"MZ\0\0".to_vec(), None, false),
            ([b"MZ".to_vec(), vec![0xff; 0x40]].concat(), None, false),
            (msi, Some(Kind::Installer), false),
            (signed_msi, Some(Kind::Installer), true),
            (b"PK\x03\x04rest".to_vec(), Some(Kind::Archive), false),
            (b"\x7fELF".to_vec(), None, false),
            (Vec::new(), None, false),
        ] {
            let look = look_at(&bytes);
            assert_eq!((look.kind, look.is_signed), (kind, is_signed), "{:?}", &bytes[..bytes.len().min(8)]);
        }
    }
}
