//! What matters here of a program for Windows: the processor that it is for, and the table of its signatures
//! ([PE](https://learn.microsoft.com/en-us/windows/win32/debug/pe-format)).

use packager::Arch;

/// A program.
pub(crate) struct Pe<'a> {
    bytes: &'a [u8],
    /// Where the file header begins, after `PE\0\0`.
    header: usize,
}

/// The processors that Windows runs on here, as the header names them.
const MACHINES: &[(usize, Arch)] = &[(0x8664, Arch::X86_64), (0xaa64, Arch::Aarch64)];

impl<'a> Pe<'a> {
    /// Recognises a program.
    pub(crate) fn find(bytes: &'a [u8]) -> Option<Pe<'a>> {
        let at = u32_at(bytes, 0x3c).filter(|_| bytes.starts_with(b"MZ"))?;
        (bytes.get(at..at + 4)? == b"PE\0\0").then_some(Pe { bytes, header: at + 4 })
    }

    /// The processor that it is for, if it is one of ours.
    pub(crate) fn arch(&self) -> Option<Arch> {
        let machine = u32_at(self.bytes, self.header)? & 0xffff;
        MACHINES.iter().find(|(known, _)| *known == machine).map(|(_, arch)| *arch)
    }

    /// Where the table of signatures begins and how long it is, if it is not empty.
    fn table(&self) -> Option<(usize, usize)> {
        // After the file header of 20 bytes: the data directories lie further back where addresses have 64 bits.
        let optional = self.header + 20;
        let directories = match self.bytes.get(optional..optional + 2)? {
            [0x0b, 0x02] => optional + 112,
            [0x0b, 0x01] => optional + 96,
            _ => return None,
        };
        // The fifth.
        let [at, size] = [0, 4].map(|half| u32_at(self.bytes, directories + 4 * 8 + half));
        Some((at?, size?)).filter(|(_, size)| *size > 0)
    }

    /// Whether there is a signature, right or wrong.
    pub(crate) fn is_signed(&self) -> bool {
        self.table().is_some()
    }

    /// Whether the table of signatures, which no signature covers, is anything but one signature at the end of the
    /// file.
    pub(crate) fn has_unsigned_bytes(&self) -> bool {
        self.table().is_some_and(|(at, size)| self.is_one_signature(at, size).is_none())
    }

    fn is_one_signature(&self, at: usize, size: usize) -> Option<()> {
        let table = self.bytes.get(at..).filter(|table| table.len() == size)?;
        // Length with this head, revision, type; then the signature, filled up to a multiple of eight.
        let length = u32_at(table, 0)?;
        let signature = table.get(8..)?;
        let end = der_length(signature)?;
        let rest = signature.get(end..)?;
        let fits = length.div_ceil(8) * 8 == size && rest.len() < 8 && rest.iter().all(|byte| *byte == 0);
        fits.then_some(())
    }
}

/// How long a sequence is, with tag and length.
fn der_length(bytes: &[u8]) -> Option<usize> {
    let (tag, first) = (*bytes.first()?, usize::from(*bytes.get(1)?));
    if tag != 0x30 {
        return None;
    }
    if first < 0x80 {
        return Some(2 + first);
    }
    let count = first & 0x7f;
    let digits = bytes.get(2..2 + count).filter(|_| (1..=4).contains(&count))?;
    let length = digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit));
    Some(2 + count + length)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    usize::try_from(u32::from_le_bytes(four.try_into().ok()?)).ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A program of 512 bytes with this table of signatures.
    pub(crate) fn program(magic: u16, machine: u16, table: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 0x200];
        let optional: usize = 0x80 + 4 + 20;
        let directories = optional + if magic == 0x20b { 112 } else { 96 };
        bytes[..2].copy_from_slice(b"MZ");
        bytes[0x3c] = 0x80;
        bytes[0x80..0x84].copy_from_slice(b"PE\0\0");
        bytes[0x84..0x86].copy_from_slice(&machine.to_le_bytes());
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
            let bytes = program(0x20b, 0x8664, &table);
            assert_eq!(Pe::find(&bytes).unwrap().has_unsigned_bytes(), has, "{table:?}");
        }
        let after = [program(0x20b, 0x8664, &one), b"more".to_vec()].concat();
        assert!(Pe::find(&after).unwrap().has_unsigned_bytes());
    }

    /// Fails if: the processor of a program is misread.
    #[test]
    fn tells_processors() {
        for (machine, arch) in
            [(0x8664, Some(Arch::X86_64)), (0xaa64, Some(Arch::Aarch64)), (0x14c, None), (0, None)]
        {
            assert_eq!(Pe::find(&program(0x20b, machine, &[])).unwrap().arch(), arch, "{machine:x}");
        }
    }
}
