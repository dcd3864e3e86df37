//! xar archives: a compressed table of contents in XML, then a heap. Flat packages are such.
//!
//! Specified by the [wiki of xar](https://github.com/mackyle/xar/wiki/xarformat) and its header `xar.h.in`. Numbers of
//! the header are big-endian. The heap begins with the SHA-1 of the compressed table, which is what a signature signs.

mod read;
mod write;

pub use read::{Archive, Member};
pub use write::Writer;

/// The words by which errors name it.
const FORMAT: &str = "xar archive";
const MAGIC: &[u8; 4] = b"xar!";
/// Bytes of the header.
const HEADER: usize = 28;
const VERSION: u16 = 1;
/// What the header calls the checksum SHA-1, and its length.
const SHA1: u32 = 1;
const SHA1_SIZE: usize = 20;

/// How a file is stored in the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Plain,
    /// In the form of zlib, whatever the name of its style, `application/x-gzip`, says.
    Zlib,
}

impl Encoding {
    const ALL: [Encoding; 2] = [Encoding::Plain, Encoding::Zlib];

    fn style(self) -> &'static str {
        match self {
            Encoding::Plain => "application/octet-stream",
            Encoding::Zlib => "application/x-gzip",
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: [(&str, &[u8], Encoding); 5] = [
        ("Distribution", b"<x/>", Encoding::Zlib),
        ("Resources/a & b.txt", b"text", Encoding::Plain),
        ("it.pkg/Bom", &[0; 5000], Encoding::Zlib),
        ("it.pkg/deep/er/file", b"", Encoding::Plain),
        ("it.pkg/last", b"last", Encoding::Plain),
    ];

    fn written(files: &[(&str, &[u8], Encoding)]) -> Result<Vec<u8>, crate::Error> {
        let mut writer = Writer::new(1_767_312_000);
        for (path, bytes, encoding) in files {
            writer.add(path, bytes, *encoding)?;
        }
        let mut out = Vec::new();
        writer.write(&mut out)?;
        Ok(out)
    }

    /// Fails if: what is written is not what is read, or a file is stored in another way than it was to be.
    #[test]
    fn reads_what_it_writes() {
        let bytes = written(&FILES).unwrap();
        let archive = Archive::open(&bytes).unwrap();
        let found: Vec<_> = archive.members().iter().map(|member| (&*member.path, member.encoding)).collect();
        assert_eq!(found, FILES.map(|(path, _, encoding)| (path, encoding)));
        for (path, content, _) in FILES {
            assert_eq!(archive.read(path).unwrap(), content, "{path}");
        }
        assert!(archive.read("Resources").unwrap_err().to_string().contains("\"Resources\""));
        assert!(archive.table().contains("<creation-time>2026-01-02T00:00:00</creation-time>"));
    }

    /// Fails if: a path that cannot be unpacked is accepted.
    #[test]
    fn refuses_what_cannot_be_unpacked() {
        for (first, second) in [("a", "a"), ("a", "a/b"), ("a/b", "a"), ("b", "../a"), ("b", "/a"), ("b", "")]
        {
            let files = [(first, &b""[..], Encoding::Plain), (second, b"", Encoding::Plain)];
            let error = written(&files).unwrap_err().to_string();
            assert!(error.contains(&format!("{second:?}")), "{error}");
        }
    }

    /// Fails if: an archive that was cut off anywhere is opened, or a changed byte of table or files is not noticed.
    #[test]
    fn damage_is_an_error() {
        let bytes = written(&FILES).unwrap();
        let read_all = |bytes: &[u8]| -> Result<(), crate::Error> {
            let archive = Archive::open(bytes)?;
            archive.members().iter().try_for_each(|member| archive.read(&member.path).map(drop))
        };
        read_all(&bytes).unwrap();
        for length in 0..bytes.len() {
            assert!(read_all(&bytes[..length]).is_err(), "cut off at byte {length}");
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            assert!(read_all(&damaged).is_err(), "byte {at}");
        }
    }

    /// Fails if: a table that lies is believed: it may come from anybody.
    #[test]
    fn tables_that_lie_are_refused() {
        let bytes = written(&FILES).unwrap();
        let table = Archive::open(&bytes).unwrap().table().to_owned();
        for (from, to, complaint) in [
            ("<size>5000</size>", "<size>4999</size>", "4999"),
            ("<size>5000</size>", "<size>99999999999999</size>", "it.pkg/Bom"),
            ("<length>4</length>", "<length>99999</length>", "behind its end"),
            ("application/octet-stream", "application/x-bzip2", "application/x-bzip2"),
            ("<name>last</name>", "<name>../last</name>", "../last"),
            ("<name>last</name>", "<name>Bom</name>", "it.pkg/Bom"),
            ("<name>last</name>", "", "has no name"),
            ("<size>20</size>", "<size>0</size>", "checksum"),
            ("</xar>", "", "table of contents"),
        ] {
            let lying = table.replacen(from, to, 1);
            assert_ne!(lying, table, "{from}");
            let bytes = write::assemble(&lying, &bytes[bytes.len() - heap_size(&bytes)..]).unwrap();
            let archive = Archive::open(&bytes);
            let error = archive.and_then(|archive| {
                archive.members().iter().try_for_each(|member| archive.read(&member.path).map(drop))
            });
            let error = error.unwrap_err().to_string();
            assert!(error.contains(complaint), "{to}: {error}");
        }
    }

    fn heap_size(bytes: &[u8]) -> usize {
        let compressed = u64::from_be_bytes(bytes[8..16].try_into().unwrap());
        bytes.len() - HEADER - usize::try_from(compressed).unwrap()
    }
}
