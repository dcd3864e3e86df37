//! What matters here of a program for Windows: the table of its signatures
//! ([PE](https://learn.microsoft.com/en-us/windows/win32/debug/pe-format)).

use cms::cert::x509::der::{Decode, Header, Reader, SliceReader, Tag};
use windows_installer::pe::{Image, begins_as_program};

/// A program.
pub(crate) struct Pe<'a> {
    bytes: &'a [u8],
    /// Nothing if it is damaged.
    image: Option<Image<'a>>,
}

impl<'a> Pe<'a> {
    /// Recognises a program.
    pub(crate) fn find(bytes: &'a [u8]) -> Option<Pe<'a>> {
        begins_as_program(bytes).then(|| Pe { bytes, image: Image::parse(bytes) })
    }

    /// Whether there is a signature, right or wrong.
    pub(crate) fn is_signed(&self) -> bool {
        self.image.as_ref().is_some_and(|image| image.signatures().is_some())
    }

    /// Whether the table of signatures, which no signature covers, is anything but one signature at the end of the
    /// file.
    pub(crate) fn has_unsigned_bytes(&self) -> bool {
        let table = self.image.as_ref().and_then(Image::signatures);
        table.is_some_and(|(at, size)| self.is_one_signature(at, size).is_none())
    }

    fn is_one_signature(&self, at: usize, size: usize) -> Option<()> {
        let table = self.bytes.get(at..).filter(|table| table.len() == size)?;
        // Length with this head, revision, type; then the signature, filled up to a multiple of eight.
        let length = u32::from_le_bytes(*table.first_chunk()?) as usize;
        let signature = table.get(8..)?;
        let mut reader = SliceReader::new(signature).ok()?;
        let header = Header::decode(&mut reader).ok().filter(|header| header.tag == Tag::Sequence)?;
        let end = usize::try_from((reader.position() + header.length).ok()?).ok()?;
        let rest = signature.get(end..)?;
        let fits = length.div_ceil(8) * 8 == size && rest.len() < 8 && rest.iter().all(|byte| *byte == 0);
        fits.then_some(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A program of 512 bytes with this table of signatures.
    pub(crate) fn program(magic: u16, table: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 0x200];
        let optional: usize = 0x80 + 4 + 20;
        let directories = optional + if magic == 0x20b { 112 } else { 96 };
        let length = u8::try_from(directories + 16 * 8 - optional).unwrap();
        bytes[..2].copy_from_slice(b"MZ");
        bytes[0x3c] = 0x80;
        bytes[0x80..0x84].copy_from_slice(b"PE\0\0");
        bytes[0x84..0x86].copy_from_slice(&0x8664u16.to_le_bytes());
        (bytes[0x84 + 16], bytes[directories - 4]) = (length, 16);
        bytes[optional..optional + 2].copy_from_slice(&magic.to_le_bytes());
        let size = u32::try_from(table.len()).unwrap();
        bytes[directories + 32..directories + 36].copy_from_slice(&0x200u32.to_le_bytes());
        bytes[directories + 36..directories + 40].copy_from_slice(&size.to_le_bytes());
        [&bytes, table].concat()
    }

    /// Fails if: bytes that nothing covers are overlooked, or a signature alone is taken for them.
    #[test]
    fn finds_unsigned_bytes() {
        // A sequence of five bytes, with its head of eight and three bytes that fill up.
        let one = [13, 0, 0, 0, 0, 2, 2, 0, 0x30, 3, 1, 2, 3, 0, 0, 0];
        let filled = [[16].as_slice(), &one[1..]].concat();
        let with = |at: usize, value: u8| {
            let mut table = one.to_vec();
            table[at] = value;
            table
        };
        let longer = [[24].as_slice(), &one[1..], &[0; 8]].concat();
        for (table, has) in [
            (one.to_vec(), false),
            (filled, false),
            (Vec::new(), false),
            (with(15, 1), true),
            (with(9, 2), true),
            (with(9, 200), true),
            (longer, true),
            ([one, one].concat(), true),
            (one[..12].to_vec(), true),
        ] {
            let bytes = program(0x20b, &table);
            assert_eq!(Pe::find(&bytes).unwrap().has_unsigned_bytes(), has, "{table:?}");
        }
        let after = [program(0x20b, &one), b"more".to_vec()].concat();
        assert!(Pe::find(&after).unwrap().has_unsigned_bytes());
    }
}
