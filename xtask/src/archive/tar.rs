//! Compressed tar archives ([pax](https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html), "ustar
//! Interchange Format"; [RFC 1952](https://www.rfc-editor.org/rfc/rfc1952)).
//!
//! One member of gzip, and one tar archive in it: other programs go on where one of them ends.

use super::{LARGEST, Member, Paths, STRAY};
use anyhow::{Context, Result, bail, ensure};
use flate2::bufread::GzDecoder;
use std::io::Read;
use tar::{Archive, EntryType};

/// A tar archive is made of blocks of so many bytes, and ends with two that are empty.
const BLOCK: usize = 512;

pub(super) fn members(bytes: &[u8]) -> Result<Vec<Member>> {
    let mut decoder = GzDecoder::new(bytes);
    let mut archive = Vec::new();
    decoder.by_ref().take(LARGEST + 1).read_to_end(&mut archive).context("it is damaged")?;
    ensure!(archive.len() as u64 <= LARGEST, "it is larger than {LARGEST} bytes");
    ensure!(decoder.into_inner().is_empty(), STRAY);
    let (mut members, mut paths, mut end) = (Vec::new(), Paths::default(), 0);
    let mut reader = Archive::new(&archive[..]);
    // As they are: further fields may say another path or size.
    for entry in reader.entries()?.raw(true) {
        let mut entry = entry.context("it is damaged")?;
        let path = paths.add(&entry.path_bytes())?;
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        end = usize::try_from(entry.raw_file_position())? + content.len().next_multiple_of(BLOCK);
        match entry.header().entry_type() {
            EntryType::Regular => members.push(Member { path, bytes: content }),
            EntryType::Directory if content.is_empty() => {}
            _ => bail!("{path} in it is neither a file nor a folder"),
        }
    }
    let rest = archive.get(end..).unwrap_or_default();
    ensure!(rest.len() >= 2 * BLOCK && rest.iter().all(|byte| *byte == 0), STRAY);
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;
    use tar::{Builder, Header};

    fn packed(entries: &[(&str, EntryType)]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (path, kind) in entries {
            let mut header = Header::new_ustar();
            header.set_entry_type(*kind);
            header.set_size(if *kind == EntryType::Regular { 4 } else { 0 });
            // Not by `set_path`, which refuses some.
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_cksum();
            builder.append(&header, if *kind == EntryType::Regular { &b"text"[..] } else { b"" }).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Fails if: something is taken that other programs unpack to other files, or a plain archive is refused.
    #[test]
    fn only_what_everybody_unpacks_alike_is_taken() {
        use EntryType::{Directory, Regular, Symlink};
        let good = packed(&[("a/", Directory), ("a/program", Regular)]);
        let end = good.len() - 2 * BLOCK;
        let other = packed(&[("a/program", Regular)]);
        let mut damaged = gzip(&good);
        let digest = damaged.len() - 8;
        damaged[digest] ^= 1;
        for (what, bytes, refused) in [
            ("plain", gzip(&good), None),
            ("filled up", gzip(&[&good[..], &[0; 10 * BLOCK]].concat()), None),
            ("a second member of gzip", [gzip(&good[..end]), gzip(&other)].concat(), Some("hidden")),
            ("bytes behind it", [&gzip(&good)[..], b"#!/bin/sh"].concat(), Some("hidden")),
            ("another archive behind the end", gzip(&[&good[..], &other].concat()), Some("hidden")),
            ("without an end", gzip(&good[..end]), Some("hidden")),
            ("a wrong digest", damaged, Some("damaged")),
            ("a path twice", gzip(&packed(&[("p", Regular), ("p", Regular)])), Some("twice")),
            ("a path twice on Windows", gzip(&packed(&[("p", Regular), ("P", Regular)])), Some("twice")),
            ("the same path", gzip(&packed(&[("p", Regular), ("./p", Regular)])), Some("not every system")),
            ("a path upwards", gzip(&packed(&[("../p", Regular)])), Some("not every system")),
            ("a path from the root", gzip(&packed(&[("/p", Regular)])), Some("not every system")),
            ("a link", gzip(&packed(&[("p", Symlink)])), Some("neither")),
            ("further fields", gzip(&packed(&[("p", EntryType::XHeader)])), Some("neither")),
        ] {
            let found = archive::members(&bytes).err().map(|error| format!("{error:#}"));
            assert_eq!(found.is_some(), refused.is_some(), "{what}: {found:?}");
            assert!(found.unwrap_or_default().contains(refused.unwrap_or_default()), "{what}");
        }
    }
}
