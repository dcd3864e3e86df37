//! Finding the end of a report that left the spool before a power cut took what was known of it.

use super::{Disposition, REASON_SUFFIX, SENT_SUFFIX, hash, id_for, with_suffix};
use crate::folder::{Folder, Kind, shortened};
use crate::queue::Entry;
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

/// As many files of the same name and size are read, the newest first: what is looked for came just before the cut.
const MOST: usize = 200;

/// Where the file of a report lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// In `done/` or the archive.
    Delivered,
    /// In `failed/`.
    Refused,
}

impl Disposition {
    /// Where a report lies that is not in the spool any more: a file with its content and name, and where that is
    /// not enough with its identifier beside it. `None`: nowhere, as far as can be seen.
    pub fn find(&self, entry: &Entry) -> Option<End> {
        let read = |folder: &Path, name: &OsStr, suffix: &str| {
            let mut open = Folder::open(folder).ok()?.open_file(&with_suffix(name, suffix)).ok()?;
            open.read(1 << 20).ok()
        };
        let sent_as = |name: &OsStr| {
            // The identifier of a report that was sent as it is stands in the file itself.
            entry.edits.is_empty()
                || read(&self.done, name, SENT_SUFFIX).and_then(|note| id_for(&note, &entry.sha256))
                    == Some(entry.id)
        };
        let refused_as = |name: &OsStr| {
            let reason = read(&self.failed, name, REASON_SUFFIX).unwrap_or_default();
            let reason: Value = serde_json::from_slice(&reason).unwrap_or_default();
            reason["id"].as_str().and_then(|id| id.parse().ok()) == Some(entry.id)
        };
        let archived = || {
            self.archive.as_ref().is_some_and(|archive| archive.holds(&entry.name, entry.id, &entry.sha256))
        };
        let lies_in = |folder: &Path, is_it: &dyn Fn(&OsStr) -> bool| {
            let same = same_files(folder, entry).unwrap_or_default();
            same.iter().any(|name| is_it(name))
        };
        if archived() || lies_in(&self.done, &sent_as) {
            Some(End::Delivered)
        } else if lies_in(&self.failed, &refused_as) {
            Some(End::Refused)
        } else {
            None
        }
    }
}

/// The files with this content whose name may have been given to it.
fn same_files(folder: &Path, entry: &Entry) -> io::Result<Vec<OsString>> {
    let folder = Folder::open(folder)?;
    let name = shortened(&entry.name);
    let path = Path::new(&name);
    let stem = path.file_stem().unwrap_or(&name).as_encoded_bytes();
    let mut candidates = Vec::new();
    for other in folder.names()? {
        let same_ending = Path::new(&other).extension() == path.extension();
        if !same_ending || !other.as_encoded_bytes().starts_with(stem) {
            continue;
        }
        if let Ok(Some(Kind::Plain(identity))) = folder.look(&other)
            && identity.size == entry.size
        {
            candidates.push((folder.arrival(&other).unwrap_or(i64::MIN), other));
        }
    }
    candidates.sort_unstable_by(|a, b| b.cmp(a));
    candidates.truncate(MOST);
    let same = |name: &OsString| {
        let open = folder.open_file(name).ok();
        open.and_then(|mut open| hash(&mut open.file).ok()) == Some(entry.sha256)
    };
    Ok(candidates.into_iter().map(|(_, name)| name).filter(same).collect())
}
