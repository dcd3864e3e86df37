//! What kind of file lies before us, by its content, and whether it is signed already.

use super::pe::Pe;
use super::signature;
use crate::untrusted;
use anyhow::Result;
use std::io::{Cursor, Read};
use std::path::Path;

/// The streams of an installer with its signature, and with a digest of the names and properties of the others.
const SIGNATURE: &str = "\u{5}DigitalSignature";
const EXTENDED: &str = "\u{5}MsiDigitalSignatureEx";

/// A file that can hold signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A program or library for Windows ([`Pe`]).
    Program,
    /// A Windows Installer package, a compound file
    /// ([MS-CFB](https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-cfb)).
    Installer,
}

impl Kind {
    /// Whether a file of this kind has bytes that neither it nor its signature accounts for, in which others might
    /// find something else. What breaks the rules of its kind counts as such.
    pub(super) fn has_stray_bytes(self, bytes: &[u8]) -> bool {
        match self {
            Kind::Program => Pe::find(bytes).is_none_or(|pe| pe.has_unsigned_bytes()),
            Kind::Installer => {
                let signature = stream(bytes, SIGNATURE);
                signature.is_some_and(|signature| !signature::is_alone(&signature))
                    || windows_installer::has_stray_bytes(bytes).unwrap_or(true)
            }
        }
    }
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
}

/// Looks into a file.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn look(path: &Path) -> Result<Look> {
    let bytes = untrusted::read(path)?;
    Ok(look_at(&bytes))
}

/// Looks at what is in a file.
pub(crate) fn look_at(bytes: &[u8]) -> Look {
    let mut look = Look::default();
    if let Some(pe) = Pe::find(bytes) {
        look.kind = Some(Kind::Program);
        look.is_signed = pe.is_signed();
    } else if bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        look.kind = Some(Kind::Installer);
        look.is_signed = stream(bytes, SIGNATURE).is_some();
        look.is_extended = stream(bytes, EXTENDED).is_some();
    }
    look
}

/// A stream of a compound file.
fn stream(bytes: &[u8], name: &str) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    cfb::CompoundFile::open(Cursor::new(bytes))
        .ok()?
        .open_stream(name)
        .ok()?
        .read_to_end(&mut content)
        .ok()?;
    Some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pe(magic: u16, certificates: usize) -> Vec<u8> {
        crate::authenticode::pe::tests::program(magic, &vec![0; certificates])
    }

    /// Fails if: a kind is mistaken for another, a signature is overlooked, or bytes that end too early panic.
    #[test]
    fn tells_kinds_apart() {
        let installer = |streams: &[&str]| {
            let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
            streams.iter().for_each(|name| drop(file.create_stream(name).unwrap()));
            file.into_inner().into_inner()
        };
        for (bytes, kind, is_signed) in [
            (pe(0x20b, 0), Some(Kind::Program), false),
            (pe(0x20b, 9), Some(Kind::Program), true),
            (pe(0x10b, 9), Some(Kind::Program), true),
            (pe(0x20b, 9)[..0x86].to_vec(), Some(Kind::Program), false),
            (b"MZ\0\0".to_vec(), None, false),
            ([b"MZ".to_vec(), vec![0xff; 0x40]].concat(), None, false),
            (installer(&["File"]), Some(Kind::Installer), false),
            (installer(&["File", SIGNATURE]), Some(Kind::Installer), true),
            (installer(&[])[..100].to_vec(), Some(Kind::Installer), false),
            (b"PK\x03\x04rest".to_vec(), None, false),
            (b"\x7fELF".to_vec(), None, false),
            (Vec::new(), None, false),
        ] {
            let look = look_at(&bytes);
            assert_eq!((look.kind, look.is_signed), (kind, is_signed), "{:?}", &bytes[..bytes.len().min(8)]);
        }
    }
}
