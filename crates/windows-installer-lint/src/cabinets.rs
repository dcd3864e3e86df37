//! Media, their cabinets, and the streams of the file.
//!
//! Cabinets are specified by [MS-CAB](https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-cab/).
//! Cabinets that lie beside the package are not looked at.

mod unpack;

pub(super) use unpack::{Packed, Unpacked, Version};

use super::read::{Cell, Msi, Row, Table, summary_property};
use super::report::{Report, rules};
use std::collections::{BTreeMap, BTreeSet};

rules! {
    MEDIA "media-sequence"
        "Media are numbered from 1, and each ends at a higher sequence number than the one before."
        "msi/ice71";
    SEQUENCE "file-sequence"
        "Every file has a sequence number of its own, on a medium."
        "msi/ice04";
    STREAM "stream-missing"
        "Every cabinet and every content that a table names is in the file."
        "msi/ice03";
    UNUSED "stream-unused"
        "Every stream belongs to a row."
        "msi/-streams-table";
    LENGTH "stream-name"
        "The name of a stream, table and key, is no longer than 62 characters."
        "msi/ice29";
    READABLE "cabinet-readable"
        "A cabinet can be unpacked, and all of them together have no more than 2 GiB then."
        "msi/cabinet-files";
    FILES "cabinet-files"
        "The cabinet holds the files of its medium, and no others."
        "msi/cabinet-files";
    ORDER "cabinet-order"
        "Files in a cabinet are in the order of their sequence numbers."
        "msi/file-table";
}

/// Bits of `File.Attributes`.
const NOT_COMPRESSED: i32 = 0x2000;
const COMPRESSED: i32 = 0x4000;
/// Bit of the word count: files are compressed unless they say otherwise.
const ALL_COMPRESSED: i32 = 2;

/// Whether a file is in a cabinet, and not beside the package.
pub(super) fn is_compressed(msi: &Msi, file: Row<'_>) -> bool {
    let word_count = msi.summary.as_ref().and_then(|summary| summary.number(summary_property::WORD_COUNT));
    match file.bits("Attributes") {
        bits if bits & COMPRESSED != 0 => true,
        bits if bits & NOT_COMPRESSED != 0 => false,
        _ => word_count.is_none_or(|bits| bits & ALL_COMPRESSED != 0),
    }
}

/// What a medium holds.
pub(super) struct Medium<'a> {
    row: Row<'a>,
    /// Compressed files, in the order of their sequence numbers.
    files: Vec<Row<'a>>,
    /// Its cabinet, if it is a stream of the file.
    pub(super) cabinet: Option<&'a Unpacked>,
}

/// Every medium in the order of its number.
pub(super) fn media(msi: &Msi) -> Vec<Medium<'_>> {
    let cabinets = msi.cabinets.get_or_init(|| unpack_all(msi));
    let mut rows: Vec<Row<'_>> = msi.rows("Media").collect();
    rows.sort_by_key(|row| row.number("DiskId"));
    let mut files: Vec<Row<'_>> = msi.rows("File").collect();
    files.sort_by_key(|row| row.number("Sequence"));
    let mut first = i32::MIN;
    let mut media = Vec::new();
    for row in rows {
        let last = row.bits("LastSequence");
        let on_it =
            |file: &&Row<'_>| (first..=last).contains(&file.bits("Sequence")) && is_compressed(msi, **file);
        let cabinet = row.text("Cabinet").strip_prefix('#').and_then(|stream| cabinets.get(stream));
        media.push(Medium { row, files: files.iter().filter(on_it).copied().collect(), cabinet });
        first = first.max(last.saturating_add(1));
    }
    media
}

/// Every cabinet once, however many media name it.
fn unpack_all(msi: &Msi) -> BTreeMap<String, Unpacked> {
    let names: BTreeSet<&str> =
        msi.rows("Media").filter_map(|row| row.text("Cabinet").strip_prefix('#')).collect();
    let mut left = unpack::MOST;
    let mut unpack = |name: &str| Some((name.to_owned(), unpack::unpack(msi.streams.get(name)?, &mut left)));
    names.into_iter().filter_map(&mut unpack).collect()
}

pub(super) fn check(msi: &Msi, report: &mut Report) {
    sequences(msi, report);
    streams(msi, report);
    for medium in media(msi) {
        match medium.cabinet {
            Some(Ok(cabinet)) => contents(&medium, cabinet, report),
            Some(Err(reason)) => report.value(READABLE, medium.row, "Cabinet", reason),
            None => {}
        }
    }
}

fn sequences(msi: &Msi, report: &mut Report) {
    let media = media(msi);
    if msi.has_rows("File") && media.first().is_none_or(|medium| medium.row.number("DiskId") != Some(1)) {
        report.table(MEDIA, "Media", "there are files, but no medium 1: number media from 1");
    }
    let mut before = 0;
    for medium in &media {
        let last = medium.row.bits("LastSequence");
        // A medium without files may say 0.
        if (1..before).contains(&last) {
            let message = format!(
                "{last} is less than that of a medium before, {before}: number files in the order of media"
            );
            report.value(MEDIA, medium.row, "LastSequence", message);
        }
        before = before.max(last);
    }
    let last = media.iter().map(|medium| medium.row.bits("LastSequence")).max().unwrap_or(0);
    let mut taken: BTreeMap<i32, String> = BTreeMap::new();
    for row in msi.rows("File") {
        let number = row.bits("Sequence");
        if number > last {
            let message = format!("{number} is on no medium: the last one ends at {last}");
            report.value(SEQUENCE, row, "Sequence", message);
        }
        // Files beside the package may share a number; those in a cabinet are found by it.
        if is_compressed(msi, row)
            && let Some(other) = taken.insert(number, row.key())
        {
            report.value(
                SEQUENCE,
                row,
                "Sequence",
                format!("{number} is the number of {other} too: give it another"),
            );
        }
    }
}

fn streams(msi: &Msi, report: &mut Report) {
    let mut named: BTreeSet<String> = BTreeSet::new();
    for row in msi.rows("Media") {
        let Some(name) = row.text("Cabinet").strip_prefix('#') else { continue };
        if !msi.streams.contains_key(name) {
            report.value(STREAM, row, "Cabinet", format!("there is no stream {name:?}: add it"));
        }
        named.insert(name.to_owned());
    }
    for row in msi.tables().flat_map(Table::rows) {
        for (column, cell) in row.table.columns.iter().zip(row.cells) {
            if *cell != Cell::Binary {
                continue;
            }
            let name = format!("{}.{}", row.table.name, row.key().replace('/', "."));
            if name.chars().count() > 62 {
                report.value(
                    LENGTH,
                    row,
                    &column.name,
                    format!("the stream's name {name:?} is too long: shorten the key"),
                );
            } else if !msi.streams.contains_key(&name) {
                report.value(STREAM, row, &column.name, format!("there is no stream {name:?}: add it"));
            }
            named.insert(name);
        }
    }
    // Names that begin with U+0005 are property sets and signatures.
    let others = msi.streams.keys().filter(|name| !name.starts_with('\u{5}'));
    for name in others.filter(|name| !named.contains(*name)) {
        report.file(UNUSED, format!("the stream {name:?} belongs to no row: remove it, or add its row"));
    }
}

fn contents(medium: &Medium<'_>, cabinet: &[Packed], report: &mut Report) {
    let packed: BTreeSet<&str> = cabinet.iter().map(|file| file.name.as_str()).collect();
    let sorted: Vec<&str> = medium.files.iter().map(|row| row.text("File")).collect();
    let wanted: BTreeSet<&str> = sorted.iter().copied().collect();
    for row in medium.files.iter().filter(|row| !packed.contains(row.text("File"))) {
        report.row(FILES, *row, format!("is not in the cabinet {}: pack it", medium.row.text("Cabinet")));
    }
    for name in packed.iter().filter(|name| !wanted.contains(*name)) {
        let message = format!("{name:?} is in the cabinet, but has no row in File on this medium: remove it");
        report.value(FILES, medium.row, "Cabinet", message);
    }
    let order: Vec<&str> =
        cabinet.iter().map(|file| file.name.as_str()).filter(|name| wanted.contains(name)).collect();
    let sorted = sorted.iter().filter(|name| packed.contains(*name));
    if let Some((name, _)) = order.iter().zip(sorted).find(|(in_cabinet, in_table)| in_cabinet != in_table) {
        let message = format!("{name:?} is not where its sequence number says: pack files in that order");
        report.value(ORDER, medium.row, "Cabinet", message);
    }
}
