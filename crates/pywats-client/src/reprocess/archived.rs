//! Files of the archive: what the header of each says, and a copy for the watch folder.

use super::newest::{Found, When};
use super::wanted::{Meant, Wanted};
use super::{ReprocessError, at, drop_into, open};
use crate::archive::{self, Record};
use crate::folder::Folder;
use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::Path;
use uuid::Uuid;

/// All files of the archive, which may have the identifiers of those that are meant; their headers are quickly
/// read. What the archive has not written is named, and passed over.
pub(super) fn find(
    path: &Path,
    wanted: &Wanted,
    mut say: impl FnMut(&str),
) -> Result<Vec<Found>, ReprocessError> {
    let mut found = Vec::new();
    for day in archive::days(&open(path)?).map_err(at(path))? {
        let folder = path.join(day);
        let mut names = match Folder::open(&folder).and_then(|open| open.names()) {
            Ok(names) => names,
            Err(error) => {
                say(&format!("{}: {error}; passed over", folder.display()));
                continue;
            }
        };
        names.sort();
        for name in names.into_iter().filter(|name| name.to_string_lossy().ends_with(archive::SUFFIX)) {
            match File::open(folder.join(&name)).and_then(archive::record) {
                Ok(record) => {
                    let meant = wanted.means(&[&record.name, &name.to_string_lossy()], record.delivered);
                    found.push(describe(&folder, name, meant, record));
                }
                Err(error) => say(&format!("{}: {error}; passed over", folder.join(&name).display())),
            }
        }
    }
    Ok(found)
}

/// The files of these identifiers: their names hold them.
pub(super) fn of(path: &Path, ids: &HashSet<Uuid>) -> io::Result<Vec<Found>> {
    let archive = match Folder::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        archive => archive?,
    };
    let mut found = Vec::new();
    for day in archive::days(&archive)? {
        let folder = path.join(day);
        let Ok(names) = Folder::open(&folder).and_then(|open| open.names()) else { continue };
        for name in names {
            if archive::id_in(&name).is_some_and(|id| ids.contains(&id))
                && let Ok(record) = File::open(folder.join(&name)).and_then(archive::record)
            {
                found.push(describe(&folder, name, Meant::Not, record));
            }
        }
    }
    Ok(found)
}

fn describe(folder: &Path, name: OsString, meant: Meant, record: Record) -> Found {
    let arrived = record.delivered.as_second();
    Found {
        folder: folder.to_path_buf(),
        name,
        original: OsString::from(record.name),
        meant,
        when: When { written: Some(record.delivered), arrived, modified: 0 },
        id: Some(record.id),
        superseded: false,
    }
}

/// Copies a file, with the identifier under which it was sent.
pub(super) fn take_copy(found: &Found, watch: &Folder, limit: u64) -> io::Result<()> {
    let (record, bytes) = archive::unpack(File::open(found.path())?, limit)?;
    drop_into(watch, &found.original, bytes, Some(record.id))
}
