//! What lies in `failed/`: how many files, and of the newest which one and why. Counted once by a look at the
//! folder, then with each file that comes.

use super::{REASON_SUFFIX, SENT_SUFFIX};
use crate::folder::{Folder, Kind};
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::io;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Files that lie there, without the reason files.
    pub files: u64,
    /// The one that came last.
    pub newest: Option<Newest>,
}

/// A refused file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newest {
    /// Its name.
    pub file: String,
    /// When it was refused, as in RFC 3339.
    pub time: String,
    /// Why, in one line.
    pub reason: String,
    /// What a person can do.
    pub what_to_do: String,
}

impl Census {
    /// Looks at a folder.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn of(failed: &Folder) -> io::Result<Self> {
        let mut census = Census::default();
        let mut newest: Option<(i64, OsString)> = None;
        for name in failed.names()? {
            let Some(Kind::Plain(identity)) = failed.look(&name)? else { continue };
            let text = name.to_string_lossy();
            if !text.ends_with(REASON_SUFFIX) {
                census.files += u64::from(!text.starts_with('.') && !text.ends_with(SENT_SUFFIX));
            } else if newest.as_ref().is_none_or(|(time, _)| identity.modified_ns > *time) {
                newest = Some((identity.modified_ns, name));
            }
        }
        if census.files > 0
            && let Some((_, name)) = newest
            && let Ok(mut open) = failed.open_file(&name)
            && let Ok(text) = open.read(1 << 20)
        {
            let file = name.to_string_lossy().trim_end_matches(REASON_SUFFIX).to_owned();
            census.newest = Newest::read(file, &String::from_utf8_lossy(&text));
        }
        Ok(census)
    }

    /// Adds what lies in another folder.
    pub(super) fn add(&mut self, other: Census) {
        self.files += other.files;
        // Times of this form are in the order of their texts.
        let is_newer = |newest: &Newest| self.newest.as_ref().is_none_or(|known| known.time < newest.time);
        if let Some(newest) = other.newest.filter(is_newer) {
            self.newest = Some(newest);
        }
    }

    /// A file came, with this reason file.
    pub(super) fn came(&mut self, name: &OsStr, reason: &str) {
        self.files += 1;
        self.newest = Newest::read(name.to_string_lossy().into_owned(), reason);
    }
}

impl Newest {
    fn read(file: String, reason: &str) -> Option<Self> {
        let reason: Value = serde_json::from_str(reason).ok()?;
        let text = |key: &str| reason[key].as_str().unwrap_or_default().to_owned();
        Some(Newest { file, time: text("time"), reason: text("reason"), what_to_do: text("what_to_do") })
    }
}
