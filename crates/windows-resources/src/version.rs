//! The version resource: numbers for programs, and texts for people.

use crate::{Error, LANGUAGE};

/// The texts are Unicode.
const CODE_PAGE: u16 = 1200;

/// `VS_FIXEDFILEINFO`: signature and version of the structure.
const SIGNATURE: [u32; 2] = [0xfeef_04bd, 0x0001_0000];
/// Which of the flags mean something: all that there are.
const FLAGS_MASK: u32 = 0x3f;
/// `VS_FF_PRERELEASE`
const PRE_RELEASE: u32 = 0x02;
/// `VOS_NT_WINDOWS32` and `VFT_APP`: a program for Windows; no kind of driver or font, and no date.
const PROGRAM: [u32; 5] = [0x0004_0004, 1, 0, 0, 0];

/// What a program is, and of which version.
#[derive(Clone, Copy, Debug)]
pub struct Version<'a> {
    /// The version that Windows compares.
    pub file: [u16; 4],
    /// Whether it is a pre-release.
    pub pre_release: bool,
    /// Texts by name, such as `ProductName`:
    /// <https://learn.microsoft.com/en-us/windows/win32/menurc/string-str>.
    pub texts: &'a [(&'a str, &'a str)],
}

impl Version<'_> {
    /// `VS_VERSIONINFO`
    pub(crate) fn encode(&self) -> Result<Vec<u8>, Error> {
        let mut texts = Vec::new();
        for (name, text) in self.texts {
            append(&mut texts, &Block::Text(text).encode(name)?);
        }
        let table = Block::Blocks(&texts).encode(&format!("{LANGUAGE:04x}{CODE_PAGE:04x}"))?;
        let translation: Vec<u8> = [LANGUAGE, CODE_PAGE].into_iter().flat_map(u16::to_le_bytes).collect();
        let mut children = Block::Blocks(&table).encode("StringFileInfo")?;
        let variable = Block::Bytes(&translation, &[]).encode("Translation")?;
        append(&mut children, &Block::Blocks(&variable).encode("VarFileInfo")?);
        Block::Bytes(&self.fixed(), &children).encode("VS_VERSION_INFO")
    }

    /// `VS_FIXEDFILEINFO`
    fn fixed(&self) -> Vec<u8> {
        let [a, b, c, d] = self.file.map(u32::from);
        let version = [a << 16 | b, c << 16 | d];
        let flags = if self.pre_release { PRE_RELEASE } else { 0 };
        let fields = [&SIGNATURE[..], &version, &version, &[FLAGS_MASK, flags], &PROGRAM].concat();
        fields.into_iter().flat_map(u32::to_le_bytes).collect()
    }
}

/// What a version resource is made of, boxes in boxes.
enum Block<'a> {
    /// A value for people.
    Text(&'a str),
    /// A value for programs, then further blocks.
    Bytes(&'a [u8], &'a [u8]),
    /// Further blocks.
    Blocks(&'a [u8]),
}

impl Block<'_> {
    /// Length, length of the value, its type, the name, the value, further blocks.
    fn encode(&self, name: &str) -> Result<Vec<u8>, Error> {
        let wrong = |reason| Error::Version { name: name.to_owned(), reason };
        let (is_text, value, length, children) = match self {
            Block::Text(text) if text.contains('\0') => return Err(wrong("a text with a NUL in it")),
            // The length of texts is in characters, not in bytes.
            Block::Text(text) => (1, utf16(text), utf16(text).len() / 2, &[][..]),
            Block::Bytes(value, children) => (0, value.to_vec(), value.len(), *children),
            Block::Blocks(children) => (1, Vec::new(), 0, *children),
        };
        let mut bytes = vec![0; 6];
        bytes.extend(utf16(name));
        append(&mut bytes, &value);
        if !children.is_empty() {
            append(&mut bytes, children);
        }
        let size = u16::try_from(bytes.len()).map_err(|_| wrong("longer than 64 KiB"))?;
        let length = u16::try_from(length).unwrap_or(u16::MAX);
        for (at, field) in [(0, size), (2, length), (4, is_text)] {
            bytes[at..at + 2].copy_from_slice(&field.to_le_bytes());
        }
        Ok(bytes)
    }
}

/// Appends what has to begin at a multiple of four bytes.
fn append(bytes: &mut Vec<u8>, more: &[u8]) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes.extend(more);
}

/// UTF-16 with a NUL at the end.
fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}
