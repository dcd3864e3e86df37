//! cpio archives of the kind "odc", the old portable format: `Payload` and `Scripts` of a flat package are such.
//!
//! Specified by [POSIX](https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html) (*cpio Interchange Format*).
//! All numbers are octal digits. Installer refuses other kinds of cpio (`cpio read error: bad file format`).

use crate::Error;
use crate::tree::{Content, Entry, Tree};
use std::io::Write;

const FORMAT: &str = "cpio archive";
const MAGIC: &[u8] = b"070707";
/// The digits of the fields that follow the magic number.
const FIELDS: [usize; 10] = [6, 6, 6, 6, 6, 6, 6, 11, 6, 11];
const HEADER: usize = 76;
/// The name of what ends an archive.
const TRAILER: &str = "TRAILER!!!";
/// What the length of an archive is a multiple of.
const BLOCK: usize = 512;

/// One header and its name.
struct Header<'a> {
    name: &'a str,
    inode: u64,
    mode: u16,
    user: u32,
    group: u32,
    links: u64,
    time: u32,
    size: usize,
}

impl Header<'_> {
    fn write(&self, out: &mut dyn Write) -> Result<(), Error> {
        let (device, rdev) = (0, 0);
        let numbers = [
            device,
            self.inode,
            self.mode.into(),
            self.user.into(),
            self.group.into(),
            self.links,
            rdev,
            self.time.into(),
            self.name.len() as u64 + 1,
            self.size as u64,
        ];
        out.write_all(MAGIC)?;
        for (number, digits) in numbers.into_iter().zip(FIELDS) {
            let text = format!("{number:0digits$o}");
            if text.len() > digits {
                let what = format!("{}: the number {number} has more than {digits} octal digits", self.name);
                return Err(Error::unfit(FORMAT, what));
            }
            out.write_all(text.as_bytes())?;
        }
        out.write_all(self.name.as_bytes())?;
        out.write_all(&[0])?;
        Ok(())
    }
}

/// Writes a tree as `./path`, each file with the given time, in seconds since 1970.
///
/// # Errors
/// If a number is too large for the format, or `out` cannot be written.
pub fn write(tree: &Tree, time: u32, out: &mut dyn Write) -> Result<(), Error> {
    let mut out = Counted { out, written: 0 };
    for (entry, inode) in tree.entries().iter().zip(1..) {
        let name = if entry.is_root() { ".".to_owned() } else { format!("./{}", entry.path) };
        let links = match entry.content {
            Content::Folder => 2 + folders_in(tree, &entry.path),
            _ => 1,
        };
        let (user, group, size) = (entry.user, entry.group, entry.data().len());
        Header { name: &name, inode, mode: entry.st_mode(), user, group, links, time, size }
            .write(&mut out)?;
        out.write_all(entry.data())?;
    }
    Header { name: TRAILER, inode: 0, mode: 0, user: 0, group: 0, links: 1, time: 0, size: 0 }
        .write(&mut out)?;
    let rest = out.written.next_multiple_of(BLOCK) - out.written;
    out.write_all(&[0; BLOCK][..rest])?;
    Ok(())
}

/// The folders that lie in a folder: each has a link to it, `..`.
fn folders_in(tree: &Tree, path: &str) -> u64 {
    let is_in =
        |entry: &&Entry| !entry.is_root() && entry.parent() == path && entry.content == Content::Folder;
    tree.entries().iter().filter(is_in).count() as u64
}

struct Counted<'a> {
    out: &'a mut dyn Write,
    written: usize,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.written += count;
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

/// The tree in an archive.
///
/// # Errors
/// If the archive is damaged or cut off, or has what is neither folder, file nor symbolic link.
pub fn read(bytes: &[u8]) -> Result<Tree, Error> {
    let mut entries = Vec::new();
    let mut at = 0;
    loop {
        let (header, next) = read_header(bytes, at)?;
        if header.name == TRAILER {
            return Tree::new(entries);
        }
        let end = next.checked_add(header.size).filter(|end| *end <= bytes.len());
        let data = end.map(|end| &bytes[next..end]);
        let data =
            data.ok_or_else(|| damaged(at, &format!("{} ends behind the archive's end", header.name)))?;
        let content = match header.mode & 0o170_000 {
            0o040_000 => Content::Folder,
            0o100_000 => Content::File(data.to_vec()),
            0o120_000 => Content::Link(
                String::from_utf8(data.to_vec())
                    .map_err(|_| damaged(at, "a link leads to what is no UTF-8"))?,
            ),
            kind => return Err(damaged(at, &format!("{} is of the kind {kind:o}", header.name))),
        };
        let path = match header.name {
            "." => "",
            name => name.strip_prefix("./").unwrap_or(name),
        };
        let (mode, user, group) = (header.mode & 0o7777, header.user, header.group);
        entries.push(Entry { path: path.to_owned(), mode, user, group, content });
        at = next + header.size;
    }
}

fn damaged(at: usize, what: &str) -> Error {
    Error::damaged(FORMAT, format!("at byte {at}, {what}"))
}

/// The header at a place, and where what follows it begins.
fn read_header(bytes: &[u8], at: usize) -> Result<(Header<'_>, usize), Error> {
    let fixed = bytes.get(at..at + HEADER).ok_or_else(|| damaged(at, "there is no further header"))?;
    let (magic, mut rest) = fixed.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err(damaged(at, "no header begins"));
    }
    let mut numbers = [0_u64; FIELDS.len()];
    for (number, digits) in numbers.iter_mut().zip(FIELDS) {
        let (field, behind) = rest.split_at(digits);
        let is_octal = field.iter().all(|digit| (b'0'..=b'7').contains(digit));
        let text = std::str::from_utf8(field).ok().filter(|_| is_octal);
        *number = text
            .and_then(|text| u64::from_str_radix(text, 8).ok())
            .ok_or_else(|| damaged(at, "a header has something else than octal digits"))?;
        rest = behind;
    }
    let [_, inode, mode, user, group, links, _, time, name_length, size] = numbers;
    let start = at + HEADER;
    let next = start + name_length as usize;
    let name = bytes.get(start..next).and_then(|name| name.strip_suffix(&[0]));
    let name = name.and_then(|name| std::str::from_utf8(name).ok());
    let name = name.ok_or_else(|| damaged(at, "a name is cut off or no UTF-8"))?;
    let too_large = |_| damaged(at, "a number is too large");
    let header = Header {
        name,
        inode,
        // Six octal digits are 18 bits.
        mode: u16::try_from(mode).map_err(too_large)?,
        user: u32::try_from(user).map_err(too_large)?,
        group: u32::try_from(group).map_err(too_large)?,
        links,
        time: u32::try_from(time).map_err(too_large)?,
        size: usize::try_from(size).map_err(too_large)?,
    };
    Ok((header, next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tests::{file, folder, sample};

    fn written(tree: &Tree) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(tree, 1_767_312_000, &mut bytes).unwrap();
        bytes
    }

    /// Fails if: what is written is not what is read, or the archive is not made of whole blocks.
    #[test]
    fn reads_what_it_writes() {
        let bytes = written(&sample());
        assert_eq!(bytes.len() % BLOCK, 0);
        assert_eq!(read(&bytes).unwrap(), sample());
    }

    /// Fails if: a header differs from the format's, or the root counts other links than its folders have.
    #[test]
    fn headers_are_octal() {
        let bytes = written(&sample());
        let root = [
            "070707",
            "000000",
            "000001",
            "040755",
            "000000",
            "000000",
            "000003",
            "000000",
            "15125605200",
            "000002",
        ];
        let expected = root.concat() + "00000000000.\0";
        assert_eq!(std::str::from_utf8(&bytes[..78]).unwrap(), expected);
    }

    /// Fails if: an archive that was cut off anywhere, or in which a digit was changed, is read without an error.
    #[test]
    fn damage_is_an_error() {
        let bytes = written(&Tree::new(vec![folder(""), file("a", b"content")]).unwrap());
        let end = bytes.windows(10).position(|name| name == TRAILER.as_bytes()).unwrap() + 11;
        for length in 0..end {
            assert!(read(&bytes[..length]).is_err(), "cut off at byte {length}");
        }
        for at in 0..HEADER {
            let mut damaged = bytes.clone();
            damaged[at] = b'8';
            assert!(read(&damaged).is_err(), "byte {at}");
        }
    }

    /// Fails if: a number that has no room is cut off.
    #[test]
    fn refuses_large_numbers() {
        let mut entries = sample().entries().to_vec();
        entries[1].user = 0o1_000_000;
        let error = write(&Tree::new(entries).unwrap(), 0, &mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains("./Applications"), "{error}");
    }
}
