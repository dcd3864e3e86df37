//! Zip archives that are nothing but their members and the list of them
//! ([APPNOTE.TXT](https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT), section 4.3).
//!
//! Most programs begin at the end and pass over everything else: before and between the members, behind the list, in
//! comments. Another file may lie there. Others, which read a stream, believe the head before each member and never see
//! the list. So the heads must say the same.

use super::{LARGEST, Member, Paths, check_zip};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeSet;
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// The lengths of the fixed parts: of the record at the end, of an entry of the list, of the head of a member.
const END: usize = 22;
const ENTRY: usize = 46;
const HEAD: usize = 30;

/// The further fields that say what is known of a file anyway: sizes over 4 GiB, times, owners.
const FIELDS: &[usize] = &[0x0001, 0x000a, 0x5455, 0x5855, 0x7875];

pub(super) fn members(bytes: &[u8]) -> Result<Vec<Member>> {
    check_zip(bytes)?;
    let mut archive = ZipArchive::new(Cursor::new(bytes)).context("it is damaged")?;
    let (mut members, mut paths, mut size) = (Vec::new(), Paths::default(), 0);
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).context("it is damaged")?;
        let path = paths.add(entry.name_raw())?;
        if entry.is_dir() {
            continue;
        }
        ensure!(entry.is_file(), "{path} in it is neither a file nor a folder");
        let mut bytes = Vec::new();
        let doing = || format!("unpacking {path}");
        entry.by_ref().take(LARGEST + 1).read_to_end(&mut bytes).with_context(doing)?;
        size += bytes.len() as u64;
        ensure!(size <= LARGEST, "it is larger than {LARGEST} bytes");
        members.push(Member { path, bytes });
    }
    Ok(members)
}

/// Whether every byte of an archive belongs to a member, and heads and list say the same. The large archives of ZIP64
/// are not looked through.
pub(super) fn is_tight(archive: &[u8]) -> bool {
    has_only_members(archive).is_some()
}

fn has_only_members(archive: &[u8]) -> Option<()> {
    let end = archive.len().checked_sub(END)?;
    // One disk, and no comment.
    has(archive, end, b"PK\x05\x06\0\0\0\0")?;
    has(archive, end + 20, b"\0\0")?;
    let [count, list] = [u16_at(archive, end + 10)?, u32_at(archive, end + 16)?];
    let (mut members, mut names) = (Vec::new(), BTreeSet::new());
    let mut at = list;
    for _ in 0..count {
        has(archive, at, b"PK\x01\x02")?;
        let [name, fields, comment] = [28, 30, 32].map(|field| u16_at(archive, at + field));
        let (name, fields) = (name?, fields?);
        only_known(archive.get(at + ENTRY + name..at + ENTRY + name + fields)?)?;
        let start = u32_at(archive, at + 42)?;
        let named = archive.get(at + ENTRY..at + ENTRY + name)?;
        // Of a path that stands twice, the library shows one, and others unpack the other.
        names.insert(named.to_ascii_lowercase()).then_some(())?;
        members.push((start, end_of_member(archive, start, at, named)?));
        at += ENTRY + name + fields + comment.filter(|length| *length == 0)?;
    }
    members.sort_unstable();
    let last = members.into_iter().try_fold(0, |last, (start, end)| (start == last).then_some(end))?;
    (last == list && at == end).then_some(())
}

/// Where a member ends, whose entry of the list is `entry`.
fn end_of_member(archive: &[u8], start: usize, entry: usize, named: &[u8]) -> Option<usize> {
    has(archive, start, b"PK\x03\x04")?;
    let (name, fields) = (u16_at(archive, start + 26)?, u16_at(archive, start + 28)?);
    has(archive, start + HEAD, named).filter(|()| name == named.len())?;
    let content = start + HEAD + name;
    only_known(archive.get(content..content + fields)?)?;
    let end = content + fields + u32_at(archive, entry + 20)?;
    // How it is packed; the digest and both sizes.
    let how = archive.get(entry + 8..entry + 12)?;
    let described = archive.get(entry + 16..entry + 28)?;
    has(archive, start + 6, how)?;
    // These may follow the content instead, with a signature or without.
    if u16_at(archive, entry + 8)? & 8 == 0 {
        has(archive, start + 14, described)?;
        return Some(end);
    }
    has(archive, start + 14, &[0; 12]).or_else(|| has(archive, start + 14, described))?;
    let after = end + if has(archive, end, b"PK\x07\x08").is_some() { 4 } else { 0 };
    has(archive, after, described)?;
    Some(after + 12)
}

/// Refuses further fields that might hold anything.
fn only_known(mut fields: &[u8]) -> Option<()> {
    while !fields.is_empty() {
        let [id, length] = [u16_at(fields, 0)?, u16_at(fields, 2)?];
        fields = fields.get(4 + length..)?;
        (FIELDS.contains(&id) && length <= 32).then_some(())?;
    }
    Some(())
}

fn has(bytes: &[u8], at: usize, expected: &[u8]) -> Option<()> {
    bytes.get(at..)?.starts_with(expected).then_some(())
}

fn u16_at(bytes: &[u8], at: usize) -> Option<usize> {
    let two = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(two.try_into().ok()?).into())
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    usize::try_from(u32::from_le_bytes(four.try_into().ok()?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write};
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    fn archive(members: &[&str], change: impl FnOnce(&mut ZipWriter<Cursor<Vec<u8>>>)) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for name in members {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(name.repeat(100).as_bytes()).unwrap();
        }
        change(&mut writer);
        writer.finish().unwrap().into_inner()
    }

    /// Puts bytes into an archive, whose offsets stay as they are but for that of the list.
    fn insert(archive: &[u8], at: usize, more: &[u8]) -> Vec<u8> {
        let end = archive.len() - END;
        let list = u32_at(archive, end + 16).unwrap() + more.len();
        let mut bytes = [&archive[..at], more, &archive[at..]].concat();
        let field = end + more.len() + 16;
        bytes[field..field + 4].copy_from_slice(&u32::try_from(list).unwrap().to_le_bytes());
        bytes
    }

    /// Fails if: bytes are overlooked that no member has, or a plain archive is suspected.
    #[test]
    fn finds_what_no_member_has() {
        let good = archive(&["a.exe", "LICENSE"], |_| ());
        let other = archive(&["Main.class"], |_| ());
        let list = u32_at(&good, good.len() - END + 16).unwrap();
        // The fields of the only member: times of five bytes, in head and list.
        let times = archive(&[], |writer| {
            let mut options = zip::write::FullFileOptions::default();
            options.add_extra_field(0x5455, vec![0; 5], false).unwrap();
            writer.start_file("a.exe", options).unwrap();
        });
        let others: Vec<u8> = times.iter().map(|byte| if *byte == b'U' { b'V' } else { *byte }).collect();
        // "LICENSE" in its head, where the list has the same; and its digest there.
        let head = good.windows(7).position(|seven| seven == b"LICENSE").unwrap();
        // The second of two members, under another name of the same length.
        let twice = |name: &[u8; 5]| {
            let mut bytes = archive(&["b.exe", "c.exe"], |_| ());
            for at in 0..bytes.len() - 5 {
                if bytes[at..at + 5] == *b"c.exe" {
                    bytes[at..at + 5].copy_from_slice(name);
                }
            }
            bytes
        };
        let changed = |at: usize| {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            bytes
        };
        for (what, bytes, stray) in [
            ("a path twice", twice(b"b.exe"), true),
            ("a path twice on Windows", twice(b"B.exe"), true),
            ("two paths", twice(b"a.dll"), false),
            ("another name in a head", changed(head), true),
            ("another digest in a head", changed(head - HEAD + 14), true),
            ("another size in a head", changed(head - HEAD + 22), true),
            ("another way of packing in a head", changed(head - HEAD + 8), true),
            ("nothing", good.clone(), false),
            ("no members", archive(&[], |_| ()), false),
            (
                "a folder",
                archive(&["a.exe"], |w| w.add_directory("b", SimpleFileOptions::default()).unwrap()),
                false,
            ),
            ("another archive behind it", [&good[..], &other].concat(), true),
            ("another archive before it", [&other[..], &good].concat(), true),
            ("one byte behind it", [&good[..], b"x"].concat(), true),
            ("between the members and the list", insert(&good, list, b"PK\x03\x04 and more"), true),
            ("a comment", archive(&["a.exe"], |writer| writer.set_comment("#!/bin/sh").unwrap()), true),
            ("times", times, false),
            ("a field of anything", others, true),
            ("cut off", good[..good.len() - 1].to_vec(), true),
        ] {
            assert_eq!(is_tight(&bytes), !stray, "{what}");
        }
    }
}
