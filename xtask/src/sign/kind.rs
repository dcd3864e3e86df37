//! What kind of file lies before us, by its content, and whether it is signed already.

use super::pe::Pe;
use anyhow::{Context, Result};
use packager::Arch;
use std::fs;
use std::path::Path;

/// A file that can hold signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A program or library for Windows ([`Pe`]).
    Program,
    /// A Windows Installer package, a compound file
    /// ([MS-CFB](https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-cfb)).
    Installer,
    /// A zip archive. It is not signed itself, but what is in it may be.
    Archive,
}

/// What a look into a file shows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Look {
    /// The kind, if it is one that matters here.
    pub(crate) kind: Option<Kind>,
    /// Whether there is a signature, right or wrong.
    pub(crate) is_signed: bool,
    /// Whether the signature of an installer covers the names and properties of its streams, too
    /// (`MsiDigitalSignatureEx`).
    pub(crate) is_extended: bool,
    /// Whether a program has bytes that its signature does not cover.
    pub(crate) has_unsigned_bytes: bool,
    /// The processor that a program is for.
    pub(crate) arch: Option<Arch>,
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
    let mut look = Look::default();
    if let Some(pe) = Pe::find(bytes) {
        look.kind = Some(Kind::Program);
        look.is_signed = pe.is_signed();
        look.has_unsigned_bytes = pe.has_unsigned_bytes();
        look.arch = pe.arch();
    } else if bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        look.kind = Some(Kind::Installer);
        look.is_signed = has_stream(bytes, "\u{5}DigitalSignature");
        look.is_extended = has_stream(bytes, "\u{5}MsiDigitalSignatureEx");
    } else if bytes.starts_with(b"PK\x03\x04") {
        look.kind = Some(Kind::Archive);
    }
    look
}

/// Whether the directory of a compound file has a stream of that name, which it writes as UTF-16.
fn has_stream(bytes: &[u8], name: &str) -> bool {
    let mut entry: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    entry.extend([0, 0]);
    // Entries have 128 bytes and lie at multiples of that.
    bytes.chunks(128).any(|chunk| chunk.starts_with(&entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pe(magic: u16, certificates: usize) -> Vec<u8> {
        crate::sign::pe::tests::program(magic, 0x8664, &vec![0; certificates])
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
