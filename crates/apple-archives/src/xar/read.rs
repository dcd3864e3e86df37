//! Reading an archive that may come from anybody.

use super::{Encoding, FORMAT, HEADER, MAGIC, SHA1, SHA1_SIZE, hexadecimal};
use crate::Error;
use flate2::read::ZlibDecoder;
use roxmltree::{Document, Node};
use sha1::{Digest, Sha1};
use std::io::Read;

/// The largest table of contents that is read: one of a few thousand files is a megabyte.
const LARGEST_TABLE: u64 = 64 << 20;

/// An archive, of which the table is read. See the [module](super).
#[derive(Debug)]
pub struct Archive<'a> {
    table: String,
    heap: &'a [u8],
    members: Vec<Member>,
}

/// A file of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its path, with `/` between parts.
    pub path: String,
    /// How it is stored.
    pub encoding: Encoding,
    /// Where it begins in the heap, and how many bytes it takes there.
    pub place: (u64, u64),
    /// Its bytes when it is unpacked.
    pub size: u64,
    /// The SHA-1 of what is stored and of what is unpacked, hexadecimal.
    checksums: [String; 2],
}

fn damaged(what: impl Into<String>) -> Error {
    Error::damaged(FORMAT, what)
}

impl<'a> Archive<'a> {
    /// Opens an archive whose checksums are SHA-1, as those of packages are.
    ///
    /// # Errors
    /// If it is damaged or cut off, or the table is not that of its checksum.
    pub fn open(bytes: &'a [u8]) -> Result<Archive<'a>, Error> {
        let header: &[u8; HEADER] = bytes.first_chunk().ok_or_else(|| damaged("its header is cut off"))?;
        let short = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let long = |at: usize| u64::from_be_bytes(std::array::from_fn(|byte| header[at + byte]));
        if &header[..4] != MAGIC || usize::from(short(4)) != HEADER || short(6) != super::VERSION {
            return Err(damaged("it does not begin with the header of one of version 1"));
        }
        let checksum = u32::from_be_bytes(std::array::from_fn(|byte| header[24 + byte]));
        if checksum != SHA1 {
            return Err(damaged(format!("the checksum of its table is not SHA-1 but number {checksum}")));
        }
        let (compressed, heap) = usize::try_from(long(8))
            .ok()
            .and_then(|size| bytes[HEADER..].split_at_checked(size))
            .ok_or_else(|| damaged("its table of contents is cut off"))?;
        if heap.get(..SHA1_SIZE) != Some(&Sha1::digest(compressed)[..]) {
            return Err(damaged("its table of contents is not that of the checksum"));
        }
        let table = unpack(compressed, long(16).min(LARGEST_TABLE))
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or_else(|| damaged("its table of contents cannot be unpacked"))?;
        let members = members(&table)?;
        Ok(Archive { table, heap, members })
    }

    /// The table of contents.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// The files, in the order of the table.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The content of a file, whose checksums are compared.
    ///
    /// # Errors
    /// If there is no such file, or it is damaged.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, Error> {
        let member = self.members.iter().find(|member| member.path == path);
        let member = member.ok_or_else(|| damaged(format!("there is no file {path:?} in it")))?;
        let (offset, length) = member.place;
        let stored = offset
            .checked_add(length)
            .and_then(|end| self.heap.get(usize::try_from(offset).ok()?..usize::try_from(end).ok()?));
        let stored = stored.ok_or_else(|| damaged(format!("{path:?} ends behind its end")))?;
        let content = match member.encoding {
            Encoding::Plain if length == member.size => Some(stored.to_vec()),
            Encoding::Plain => None,
            Encoding::Zlib => unpack(stored, member.size),
        };
        let size = member.size;
        let content = content.ok_or_else(|| damaged(format!("{path:?} is not unpacked to {size} bytes")))?;
        let found = [stored, &content].map(|bytes| hexadecimal(&Sha1::digest(bytes)));
        if found != member.checksums {
            return Err(damaged(format!("{path:?} has another checksum")));
        }
        Ok(content)
    }
}

/// Unpacks zlib, if that gives exactly this many bytes.
fn unpack(bytes: &[u8], size: u64) -> Option<Vec<u8>> {
    let mut unpacked = Vec::new();
    ZlibDecoder::new(bytes).take(size.checked_add(1)?).read_to_end(&mut unpacked).ok()?;
    (unpacked.len() as u64 == size).then_some(unpacked)
}

fn members(table: &str) -> Result<Vec<Member>, Error> {
    let document = Document::parse(table)
        .map_err(|error| damaged(format!("its table of contents is no XML: {error}")))?;
    let toc = child(document.root_element(), "toc")?;
    let checksum = child(toc, "checksum")?;
    if (number(checksum, "offset")?, number(checksum, "size")?) != (0, SHA1_SIZE as u64) {
        return Err(damaged("the checksum of its table is not at the start of its heap"));
    }
    let mut members: Vec<Member> = Vec::new();
    for file in toc.descendants().filter(|node| node.has_tag_name("file")) {
        let path = path(file)?;
        let Ok(data) = child(file, "data") else { continue };
        let style = child(data, "encoding")?.attribute("style").unwrap_or_default();
        let encoding = Encoding::ALL.into_iter().find(|encoding| encoding.style() == style);
        let encoding = encoding.ok_or_else(|| damaged(format!("{path:?} is encoded as {style:?}")))?;
        let checksum = |name: &str| child(data, name).map(|node| text(node).to_ascii_lowercase());
        if members.iter().any(|other| other.path == path) {
            return Err(damaged(format!("{path:?} is there twice")));
        }
        members.push(Member {
            path,
            encoding,
            place: (number(data, "offset")?, number(data, "length")?),
            size: number(data, "size")?,
            checksums: [checksum("archived-checksum")?, checksum("extracted-checksum")?],
        });
    }
    Ok(members)
}

/// The path of a file: its name and those of the files around it.
fn path(file: Node<'_, '_>) -> Result<String, Error> {
    let around = file.ancestors().filter(|node| node.has_tag_name("file"));
    let names = around.map(|file| child(file, "name").map(text).map_err(|_| damaged("a file has no name")));
    let mut names: Vec<&str> = names.collect::<Result<_, _>>()?;
    names.reverse();
    let is_clean = |name: &&str| !matches!(*name, "" | "." | "..") && !name.contains(['/', '\0']);
    match names.iter().find(|name| !is_clean(name)) {
        Some(name) => Err(damaged(format!("a file has the name {name:?}"))),
        None => Ok(names.join("/")),
    }
}

fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Result<Node<'a, 'input>, Error> {
    let found = node.children().find(|child| child.has_tag_name(name));
    found.ok_or_else(|| damaged(format!("its table of contents has no <{name}> where one belongs")))
}

fn text<'a>(node: Node<'a, '_>) -> &'a str {
    node.text().unwrap_or_default()
}

fn number(node: Node<'_, '_>, name: &str) -> Result<u64, Error> {
    let text = text(child(node, name)?);
    text.trim().parse().map_err(|_| damaged(format!("{text:?} is no number for <{name}>")))
}
