//! Whether a zip archive is nothing but its members and their list
//! ([APPNOTE.TXT](https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT), section 4.3).
//!
//! Whatever reads an archive begins at its end and passes over everything else: before and between the members,
//! behind the list, in comments. Another file may lie there.

/// The lengths of the fixed parts: of the record at the end, of an entry of the list, of the head of a member.
const END: usize = 22;
const ENTRY: usize = 46;
const HEAD: usize = 30;

/// The further fields that say what is known of a file anyway: sizes over 4 GiB, times, owners.
const FIELDS: &[usize] = &[0x0001, 0x000a, 0x5455, 0x5855, 0x7875];

/// Whether there are bytes in an archive that belong to none of its members. The large archives of ZIP64 count as
/// such.
pub(super) fn has_stray_bytes(archive: &[u8]) -> bool {
    is_tight(archive).is_none()
}

fn is_tight(archive: &[u8]) -> Option<()> {
    let end = archive.len().checked_sub(END)?;
    // One disk, and no comment.
    has(archive, end, b"PK\x05\x06\0\0\0\0")?;
    has(archive, end + 20, b"\0\0")?;
    let [count, list] = [u16_at(archive, end + 10)?, u32_at(archive, end + 16)?];
    let mut members = Vec::new();
    let mut at = list;
    for _ in 0..count {
        has(archive, at, b"PK\x01\x02")?;
        let [name, fields, comment] = [28, 30, 32].map(|field| u16_at(archive, at + field));
        let (name, fields) = (name?, fields?);
        only_known(archive.get(at + ENTRY + name..at + ENTRY + name + fields)?)?;
        let start = u32_at(archive, at + 42)?;
        members.push((start, end_of_member(archive, start, at)?));
        at += ENTRY + name + fields + comment.filter(|length| *length == 0)?;
    }
    members.sort_unstable();
    let last = members.into_iter().try_fold(0, |last, (start, end)| (start == last).then_some(end))?;
    (last == list && at == end).then_some(())
}

/// Where a member ends, whose entry of the list is `entry`.
fn end_of_member(archive: &[u8], start: usize, entry: usize) -> Option<usize> {
    has(archive, start, b"PK\x03\x04")?;
    let content = start + HEAD + u16_at(archive, start + 26)?;
    let fields = u16_at(archive, start + 28)?;
    only_known(archive.get(content..content + fields)?)?;
    let end = content + fields + u32_at(archive, entry + 20)?;
    // A description may follow the content: digest and sizes, with a signature or without.
    let is_described = u16_at(archive, entry + 8)? & 8 != 0;
    let has_signature = is_described && has(archive, end, b"PK\x07\x08").is_some();
    Some(end + 12 * usize::from(is_described) + 4 * usize::from(has_signature))
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
        for (what, bytes, stray) in [
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
            assert_eq!(has_stray_bytes(&bytes), stray, "{what}");
        }
    }
}
