//! Bills of materials ("BOMStore"): what a flat package installs, with modes, owners, sizes and checksums. Installer
//! keeps one as the receipt of a package, and `lsbom(8)` lists it.
//!
//! Apple has not published the format. It is numbered blocks, a few of which have names, and a B-tree of paths whose
//! keys are the number of the parent and the last part of the path; numbers are big-endian. Independent descriptions:
//! [bomutils](https://github.com/hogliux/bomutils), [apple-bom](https://docs.rs/apple-bom). What Apple's `lsbom` insists
//! on is done here: keys in order, so paths are numbered breadth first; names of variables without a closing zero; the
//! tree points at its leaf where there is one only; a list of free blocks, even if it is empty.

mod read;
mod write;

pub use read::{Item, read};
pub use write::write;

/// The words by which errors name it.
const FORMAT: &str = "bill of materials";
const MAGIC: &[u8; 8] = b"BOMStore";
const VERSION: u32 = 1;
/// Bytes of the header, padding included.
const HEADER: usize = 512;
/// What a tree begins with.
const TREE: &[u8; 4] = b"tree";
/// Bytes of a node of the tree of paths, and those of its head.
const NODE: usize = 4096;
const NODE_HEAD: usize = 12;
/// The number of the root's parent.
const NO_PARENT: u32 = 0;

/// What a record is of.
const FILE: u8 = 1;
const FOLDER: u8 = 2;
const LINK: u8 = 3;

/// The checksum of `cksum(1)`:
/// [POSIX](https://pubs.opengroup.org/onlinepubs/9799919799/utilities/cksum.html).
pub fn cksum(bytes: &[u8]) -> u32 {
    let mut length = Vec::new();
    let mut rest = bytes.len();
    while rest != 0 {
        length.push(rest as u8);
        rest >>= 8;
    }
    let step = |sum: u32, byte: &u8| (sum << 8) ^ CKSUM[usize::from((sum >> 24) as u8 ^ byte)];
    !bytes.iter().chain(&length).fold(0, step)
}

const CKSUM: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut sum = (byte as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 0x8000_0000 != 0 { (sum << 1) ^ 0x04c1_1db7 } else { sum << 1 };
            bit += 1;
        }
        table[byte] = sum;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tests::{file, folder, sample};
    use crate::tree::{Content, Tree};

    fn written(tree: &Tree) -> Vec<u8> {
        write(tree, 1_767_312_000).unwrap()
    }

    /// Fails if: the checksum is another than that of `cksum`.
    #[test]
    fn sums_as_cksum_does() {
        for (bytes, sum) in [(&b""[..], 4_294_967_295), (b"1", 433_426_081), (b"123456789", 930_766_865)] {
            assert_eq!(cksum(bytes), sum);
        }
        assert_eq!(cksum(&vec![0; 70_000]), 1_774_371_287);
    }

    /// Fails if: a bill says something else of an entry than the tree it was made of, whether one leaf holds all paths
    /// or many do.
    #[test]
    fn reads_what_it_writes() {
        let mut many = vec![folder(""), folder("d")];
        many.extend((0..3000).map(|number| file(&format!("d/{number}"), number.to_string().as_bytes())));
        for tree in [sample(), Tree::new(many).unwrap()] {
            let mut items = read(&written(&tree)).unwrap();
            items.sort_by(|a, b| a.path.cmp(&b.path));
            let mut entries: Vec<_> = tree.entries().iter().collect();
            entries.sort_by(|a, b| a.path.cmp(&b.path));
            assert_eq!(items.len(), entries.len());
            for (item, entry) in items.iter().zip(entries) {
                assert_eq!((&item.path, item.mode), (&entry.path, entry.st_mode()));
                assert_eq!((item.user, item.group, item.time), (entry.user, entry.group, 1_767_312_000));
                assert_eq!(item.size as usize, entry.data().len());
                let is_summed = entry.content != Content::Folder;
                assert_eq!(item.checksum, if is_summed { cksum(entry.data()) } else { 0 }, "{}", entry.path);
                let target = if let Content::Link(target) = &entry.content { Some(target) } else { None };
                assert_eq!(item.link.as_ref(), target);
            }
        }
    }

    /// Fails if: paths do not come breadth first, in which order Apple's lsbom needs them.
    #[test]
    fn paths_are_numbered_breadth_first() {
        let paths: Vec<String> =
            read(&written(&sample())).unwrap().into_iter().map(|item| item.path).collect();
        let depths: Vec<usize> =
            paths.iter().map(|path| path.split('/').filter(|part| !part.is_empty()).count()).collect();
        assert!(depths.is_sorted(), "{paths:?}");
    }

    /// Fails if: reading what is damaged anywhere panics or does not end, or what was cut off is read without an error.
    #[test]
    fn damage_is_an_error() {
        let bytes = written(&sample());
        let end = bytes.len() - 20; // the list of free blocks, which nobody reads
        for length in 0..end {
            assert!(read(&bytes[..length]).is_err(), "cut off at byte {length}");
        }
        let mut noticed = 0;
        for at in 0..end {
            for change in [0x01, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] ^= change;
                noticed += usize::from(read(&damaged).is_err());
            }
        }
        assert!(noticed > 100, "{noticed}");
    }
}
