//! Rows of the table `report` and how file names are kept in them without loss.

use crate::folder::Identity;
use rusqlite::{Row, types::Type};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use uuid::Uuid;

/// The columns that [`read`] wants: everything but the body.
pub(super) const COLUMNS: &str = "seq, id, folder, name, device, file, size, modified_ns, sha256, attempts";

/// Where a report was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The watch folder.
    pub folder: PathBuf,
    /// The name in it.
    pub name: OsString,
    /// Which file it was.
    pub identity: Identity,
    /// What was in it.
    pub sha256: [u8; 32],
}

/// A report to be queued.
#[derive(Clone, Copy, Debug)]
pub struct NewReport<'a> {
    /// Its identifier, which is also in the body.
    pub id: Uuid,
    /// The bytes to send.
    pub body: &'a [u8],
    /// Where it was read from.
    pub source: &'a Source,
}

/// A report in the queue, without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The order of arrival.
    pub seq: i64,
    /// The report's identifier.
    pub id: Uuid,
    /// Where it was read from.
    pub source: Source,
    /// How often the server has been tried.
    pub attempts: u64,
}

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let id: String = row.get("id")?;
    let id = Uuid::parse_str(&id)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(1, Type::Text, Box::new(error)))?;
    Ok(Entry {
        seq: row.get("seq")?,
        id,
        source: Source {
            folder: PathBuf::from(blob_to_text(row.get_ref("folder")?.as_blob()?)),
            name: blob_to_text(row.get_ref("name")?.as_blob()?),
            identity: Identity {
                device: row.get::<_, i64>("device")?.cast_unsigned(),
                file: row.get::<_, i64>("file")?.cast_unsigned(),
                size: row.get::<_, i64>("size")?.cast_unsigned(),
                modified_ns: row.get("modified_ns")?,
            },
            sha256: row.get("sha256")?,
        },
        attempts: row.get::<_, i64>("attempts")?.cast_unsigned(),
    })
}

/// Names are bytes on Unix.
#[cfg(unix)]
pub(super) fn text_to_blob(text: &OsStr) -> Vec<u8> {
    std::os::unix::ffi::OsStrExt::as_bytes(text).to_vec()
}

#[cfg(unix)]
fn blob_to_text(blob: &[u8]) -> OsString {
    <OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(blob).to_owned()
}

/// Names are UTF-16, perhaps with lone surrogates, on Windows.
#[cfg(windows)]
pub(super) fn text_to_blob(text: &OsStr) -> Vec<u8> {
    std::os::windows::ffi::OsStrExt::encode_wide(text).flat_map(u16::to_le_bytes).collect()
}

#[cfg(windows)]
fn blob_to_text(blob: &[u8]) -> OsString {
    let units: Vec<u16> = blob.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
    std::os::windows::ffi::OsStringExt::from_wide(&units)
}
