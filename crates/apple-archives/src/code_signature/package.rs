//! The signature of a flat package: an [xar](https://github.com/mackyle/xar/wiki/xarformat) archive whose table of
//! contents names, beside the files, an RSA and a CMS signature. Both are at the start of the heap, behind the checksum of
//! the compressed table, which is what they sign.
//!
//! Signing makes the table anew, and moves the files in the heap behind the signatures. So what is stored is the start of
//! the signed package up to the files: header, table, checksum and signatures. A ticket is appended to the package.

use super::{Error, Result, ensure, fail, only_der, u32_at, u64_at};
use flate2::read::ZlibDecoder;
use roxmltree::{Document, Node};
use sha1::Digest as _;
use std::io::Read;
use std::ops::Range;

const MAGIC: &[u8] = b"xar!";
/// The largest table of contents, in bytes.
const LARGEST_TABLE: u64 = 1 << 24;
/// Bytes of a SHA-1, and its number in the header.
const SHA1_SIZE: usize = 20;
const SHA1: u32 = 1;
/// Each of the two records around a ticket: what it begins with, its size with version, type, length and four unused
/// bytes, in little endian; and the types of the first and of the last.
const RECORD: &[u8] = b"t8lr";
const RECORD_SIZE: usize = 16;
const RECORD_VERSION: u16 = 1;
const RECORD_FIRST: u16 = 1;
const RECORD_TICKET: u16 = 2;

/// Whether bytes begin as a package does.
pub fn is_package(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// What a signed package has besides its files.
#[derive(Clone, Debug)]
pub struct Signed<'a> {
    /// The checksum of the table of contents: what is signed, and the digest by which the notary knows the package.
    pub checksum: &'a [u8],
    /// The CMS signature over the checksum, in DER, if there is one.
    pub cms: Option<&'a [u8]>,
    /// The notary's ticket.
    pub ticket: Option<&'a [u8]>,
}

/// Where things are in a package.
struct Layout<'a> {
    bytes: &'a [u8],
    table: String,
    heap: usize,
    /// Where the package ends, and the ticket that is appended to it.
    end: usize,
    ticket: Option<&'a [u8]>,
}

/// Reads what a package says of its signature, and refuses it if something in it is not what that vouches for.
///
/// # Errors
/// If it is no package, is damaged, or has bytes that belong to nothing in its table of contents.
pub fn read(bytes: &[u8]) -> Result<Signed<'_>> {
    let layout = Layout::read(bytes)?;
    let document = layout.document()?;
    let toc = layout.toc(&document)?;
    let checksum = layout.heap(range_of(&toc, "checksum")?)?;
    let (rsa, cms) = (signature(&toc, "RSA")?, signature(&toc, "CMS")?);
    let mut parts = vec![range_of(&toc, "checksum")?];
    parts.extend(rsa);
    parts.extend(cms.clone());
    for data in toc.descendants().filter(|node| node.has_tag_name("data")) {
        parts.push(layout.check_file(&data)?);
    }
    layout.check_heap(parts)?;
    let cms = cms.map(|range| only_der(layout.heap(range)?)).transpose()?;
    Ok(Signed { checksum, cms, ticket: layout.ticket })
}

/// The start of a signed package, up to its files: what is stored of its signature.
///
/// # Errors
/// If the signed package is not the unsigned one with a signature.
pub fn detach<'a>(unsigned: &[u8], signed: &'a [u8]) -> Result<&'a [u8]> {
    let files = files_of(unsigned)?;
    let layout = Layout::read(signed)?;
    match signed[..layout.end].strip_suffix(files) {
        Some(start) if start.len() > layout.heap => Ok(start),
        _ => fail("the signed package has other files than the unsigned one"),
    }
}

/// A signed package.
///
/// # Errors
/// If the unsigned one is none, or the signature is for something else.
pub fn attach(unsigned: &[u8], signature: &[u8]) -> Result<Vec<u8>> {
    let signed = [signature, files_of(unsigned)?].concat();
    let found = read(&signed)?;
    ensure(found.cms.is_some() && found.ticket.is_none(), "what is to be attached is no signature of it")?;
    Ok(signed)
}

/// The CMS signature in the stored start of a package, if there is one.
///
/// # Errors
/// If it is none.
pub fn cms_of_start(start: &[u8]) -> Result<Option<&[u8]>> {
    let layout = Layout::read(start)?;
    let document = layout.document()?;
    let place = signature(&layout.toc(&document)?, "CMS")?;
    place.map(|place| only_der(layout.heap(place)?)).transpose()
}

/// What is behind a package with a ticket: what is stored of that.
///
/// # Errors
/// If the stapled package is not the other one with a ticket.
pub fn detach_ticket<'a>(signed: &[u8], stapled: &'a [u8]) -> Result<&'a [u8]> {
    let Some(ticket) = stapled.strip_prefix(signed) else {
        return fail("the package with the ticket is another one");
    };
    ensure(read(stapled)?.ticket.is_some(), "there is no ticket behind the package")?;
    Ok(ticket)
}

/// Everything behind the checksum of an unsigned package.
fn files_of(unsigned: &[u8]) -> Result<&[u8]> {
    let layout = Layout::read(unsigned)?;
    let has_signature = read(unsigned)?.cms.is_some();
    ensure(!has_signature, "the package is signed already")?;
    unsigned.get(layout.heap + SHA1_SIZE..layout.end).ok_or_else(|| Error("it is cut off".to_owned()))
}

impl<'a> Layout<'a> {
    fn read(bytes: &'a [u8]) -> Result<Layout<'a>> {
        ensure(is_package(bytes), "it is no flat package")?;
        let head = usize::from(u16::try_from(u32_at(bytes, 4)? >> 16).unwrap_or_default());
        let (compressed, size) = (u64_at(bytes, 8)?, u64_at(bytes, 16)?);
        ensure(u32_at(bytes, 24)? == SHA1, "its table of contents has a checksum that is not SHA-1")?;
        ensure(head == 28 && size <= LARGEST_TABLE, "its header is none of a flat package")?;
        let heap = usize::try_from(compressed).ok().and_then(|length| length.checked_add(head));
        let Some((heap, table)) = heap.and_then(|heap| Some((heap, bytes.get(head..heap)?))) else {
            return fail("its table of contents is cut off");
        };
        let mut text = String::new();
        let read = ZlibDecoder::new(table).take(LARGEST_TABLE + 1).read_to_string(&mut text);
        ensure(
            read.is_ok() && text.len() as u64 == size,
            "its table of contents cannot be unpacked, or has another length than it says",
        )?;
        let (end, ticket) = end_of(bytes)?;
        ensure(heap <= end, "its table of contents is cut off")?;
        let layout = Layout { bytes, table: text, heap, end, ticket };
        let digest = sha1::Sha1::digest(table);
        let document = layout.document()?;
        let said = layout.heap(range_of(&layout.toc(&document)?, "checksum")?)?;
        ensure(said == digest.as_slice(), "its table of contents was changed: its checksum is another")?;
        drop(document);
        Ok(layout)
    }

    fn document(&self) -> Result<Document<'_>> {
        Document::parse(&self.table)
            .map_err(|error| Error(format!("its table of contents is damaged: {error}")))
    }

    fn toc<'d>(&self, document: &'d Document<'d>) -> Result<Node<'d, 'd>> {
        let toc = document.root_element().children().find(|node| node.has_tag_name("toc"));
        toc.ok_or_else(|| Error("its table of contents is none".to_owned()))
    }

    /// Something in the heap.
    fn heap(&self, range: Range<usize>) -> Result<&'a [u8]> {
        let heap = &self.bytes[self.heap..self.end];
        heap.get(range).ok_or_else(|| Error("something in it is cut off".to_owned()))
    }

    /// Where the data of a file are, which have to be those of which the table has a checksum.
    fn check_file(&self, data: &Node<'_, '_>) -> Result<Range<usize>> {
        let place = place(data, "length")?;
        let archived = self.heap(place.clone())?;
        let checksum = data.children().find(|node| node.has_tag_name("archived-checksum"));
        let Some(checksum) = checksum else { return fail("a file in it has no checksum") };
        let (style, said) =
            (checksum.attribute("style").unwrap_or_default(), checksum.text().unwrap_or_default());
        let found = match style.to_ascii_lowercase().as_str() {
            "sha1" => hex(&sha1::Sha1::digest(archived)),
            "sha256" => hex(&sha2::Sha256::digest(archived)),
            other => return fail(format!("a file in it has a checksum of the unknown kind {other}")),
        };
        ensure(
            found == said.trim().to_ascii_lowercase(),
            "a file in it was changed: its checksum is another",
        )?;
        Ok(place)
    }

    /// Refuses bytes of the heap that belong to nothing.
    fn check_heap(&self, mut parts: Vec<Range<usize>>) -> Result<()> {
        parts.retain(|part| !part.is_empty());
        parts.sort_by_key(|part| part.start);
        // Two files with the same content may share it.
        parts.dedup();
        let mut end = 0;
        for part in parts {
            ensure(part.start == end, "it has bytes that belong to none of its files, or to two of them")?;
            end = part.end;
        }
        ensure(self.heap + end == self.end, "there is something behind its last file")
    }
}

/// Where a package ends, and the ticket behind it. A ticket is appended between two records; one reads from the end.
fn end_of(bytes: &[u8]) -> Result<(usize, Option<&[u8]>)> {
    let record = |end: usize| -> Option<(u16, usize)> {
        let record = bytes.get(end.checked_sub(RECORD_SIZE)?..end)?.strip_prefix(RECORD)?;
        let number = |at: usize| u16::from_le_bytes([record[at], record[at + 1]]);
        let length = u32::from_le_bytes([record[4], record[5], record[6], record[7]]);
        (number(0) == RECORD_VERSION).then_some((number(2), length as usize))
    };
    let Some((kind, length)) = record(bytes.len()) else { return Ok((bytes.len(), None)) };
    let ticket_end = bytes.len() - RECORD_SIZE;
    let ticket_start = ticket_end.checked_sub(length).filter(|_| kind == RECORD_TICKET);
    match ticket_start.map(|start| (start, record(start))) {
        Some((start, Some((RECORD_FIRST, 0)))) => Ok((start - RECORD_SIZE, Some(&bytes[start..ticket_end]))),
        _ => fail("what is behind it is no ticket"),
    }
}

/// Where the signature of a kind is in the heap.
fn signature(toc: &Node<'_, '_>, style: &str) -> Result<Option<Range<usize>>> {
    let mut signatures =
        toc.children().filter(|node| node.has_tag_name("signature") || node.has_tag_name("x-signature"));
    signatures.find(|node| node.attribute("style") == Some(style)).map(|node| range(&node)).transpose()
}

fn range_of(toc: &Node<'_, '_>, name: &str) -> Result<Range<usize>> {
    match toc.children().find(|node| node.has_tag_name(name)) {
        Some(node) => range(&node),
        None => fail(format!("its table of contents has no {name}")),
    }
}

fn range(node: &Node<'_, '_>) -> Result<Range<usize>> {
    place(node, "size")
}

fn place(node: &Node<'_, '_>, length: &str) -> Result<Range<usize>> {
    let number = |name: &str| {
        let child = node.children().find(|child| child.has_tag_name(name));
        child.and_then(|child| child.text()).and_then(|text| text.trim().parse::<usize>().ok())
    };
    let (start, length) = (number("offset"), number(length));
    let end = start.zip(length).and_then(|(start, length)| start.checked_add(length));
    match (start, end) {
        (Some(start), Some(end)) => Ok(start..end),
        _ => fail("its table of contents does not say where something is"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const FILE: &[u8] = b"what is in the package";
    const CMS: &[u8] = b"\x30\x0da signature..";

    /// A package with one file, and a signature if there is one.
    fn package(cms: Option<&[u8]>) -> Vec<u8> {
        let start = SHA1_SIZE + cms.map_or(0, <[u8]>::len);
        let signature = cms.map_or(String::new(), |cms| {
            format!(
                "<x-signature style=\"CMS\"><offset>{SHA1_SIZE}</offset><size>{}</size></x-signature>",
                cms.len()
            )
        });
        let table = format!(
            "<xar><toc><checksum style=\"sha1\"><offset>0</offset><size>20</size></checksum>{signature}\
            <file id=\"1\"><name>a</name><data><length>{}</length><offset>{start}</offset><size>{0}</size>\
            <archived-checksum style=\"sha1\">{}</archived-checksum></data></file></toc></xar>",
            FILE.len(),
            hex(&sha1::Sha1::digest(FILE)),
        );
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(table.as_bytes()).unwrap();
        let packed = packed.finish().unwrap();
        let mut out = MAGIC.to_vec();
        out.extend([0, 28, 0, 1]);
        out.extend([packed.len() as u64, table.len() as u64].map(u64::to_be_bytes).concat());
        out.extend(SHA1.to_be_bytes());
        out.extend(&packed);
        out.extend(sha1::Sha1::digest(&packed));
        out.extend(cms.unwrap_or_default());
        out.extend(FILE);
        out
    }

    fn with_ticket(signed: &[u8], ticket: &[u8]) -> Vec<u8> {
        let record = |kind: u16, length: usize| {
            let mut record = RECORD.to_vec();
            record.extend([RECORD_VERSION, kind].map(u16::to_le_bytes).concat());
            record.extend([length as u32, 0].map(u32::to_le_bytes).concat());
            record
        };
        [signed, &record(RECORD_FIRST, 0), ticket, &record(RECORD_TICKET, ticket.len())].concat()
    }

    /// Fails if: a signature or ticket is not taken off as it was put on, or is not what is read.
    #[test]
    fn attaches_what_it_detached() {
        let (unsigned, signed) = (package(None), package(Some(CMS)));
        let start = detach(&unsigned, &signed).unwrap();
        assert_eq!(attach(&unsigned, start).unwrap(), signed);
        assert_eq!(cms_of_start(start).unwrap(), Some(CMS));
        assert_eq!(read(&signed).unwrap().cms, Some(CMS));
        assert!(read(&unsigned).unwrap().cms.is_none());
        let stapled = with_ticket(&signed, b"a ticket");
        assert_eq!(read(&stapled).unwrap().ticket, Some(&b"a ticket"[..]));
        let ticket = detach_ticket(&signed, &stapled).unwrap();
        assert_eq!([&signed[..], ticket].concat(), stapled);
        assert!(detach_ticket(&signed, &signed).is_err());
        assert!(attach(&signed, start).unwrap_err().to_string().contains("signed already"));
        assert!(attach(&unsigned, &package(None)).is_err());
    }

    /// Fails if: a changed byte of a file or of the table is overlooked, something that is glued to a package, or a cut-off
    /// package makes the reader panic.
    #[test]
    fn finds_every_change() {
        let signed = package(Some(CMS));
        // The signature itself is for those to judge who know keys, and a version and length in the header say nothing.
        let cms = signed.len() - FILE.len() - CMS.len()..signed.len() - FILE.len();
        for at in (0..signed.len()).filter(|at| !cms.contains(at) && !(6..8).contains(at)) {
            let mut changed = signed.clone();
            changed[at] ^= 1;
            assert!(read(&changed).is_err(), "byte {at} of {}", signed.len());
        }
        for end in 0..signed.len() {
            assert!(read(&signed[..end]).is_err(), "cut off at {end}");
        }
        let filled_up = package(Some(&[CMS, &[0; 9]].concat()));
        assert_eq!(read(&filled_up).unwrap().cms, Some(CMS));
        assert!(read(&package(Some(&[CMS, b"#!/bin/sh"].concat()))).is_err());
        for more in [&b"x"[..], b"PK\x03\x04 and more", &[0; 16]] {
            assert!(read(&[&signed, more].concat()).is_err(), "{more:?}");
            assert!(read(&with_ticket(&[&signed, more].concat(), b"ticket")).is_err(), "{more:?}");
        }
        let stapled = with_ticket(&signed, b"a ticket");
        for end in signed.len() + 1..stapled.len() {
            assert!(read(&stapled[..end]).is_err(), "cut off at {end}");
        }
    }
}
