//! Files that stay where they are, told as one problem: a list would be too long to read.

use crate::status::{Area, Status};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;

/// See the module.
#[derive(Debug)]
pub struct Troubles {
    /// What to tell people, by name of the file.
    files: BTreeMap<OsString, String>,
    changed: bool,
}

impl Troubles {
    /// None yet, which is to be told, too.
    pub fn new() -> Self {
        Troubles { files: BTreeMap::new(), changed: true }
    }

    /// This file stays, for this reason, or does not.
    pub fn set(&mut self, name: &OsStr, trouble: Option<String>) {
        self.changed |= self.files.get(name) != trouble.as_ref();
        match trouble {
            Some(trouble) => drop(self.files.insert(name.to_owned(), trouble)),
            None => drop(self.files.remove(name)),
        }
    }

    /// Tells what has changed since it was told last.
    pub fn tell(&mut self, status: &Status) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        match (self.files.values().next(), self.files.len()) {
            (None, _) => status.fine(Area::Files),
            (Some(first), 1) => status.problem(Area::Files, first),
            (Some(first), count) => {
                status.problem(Area::Files, format!("{first} (and {} more files)", count - 1));
            }
        }
    }
}

impl Default for Troubles {
    fn default() -> Self {
        Troubles::new()
    }
}

/// What to do about a file that cannot be read.
pub fn let_in(error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::PermissionDenied {
        "let the service's account read it. A program that makes its files with mkstemp or a similar function lets \
         nobody else read them: it must set their mode (chmod 644) before it moves them here"
    } else {
        "check the disk or the share that it is on"
    }
}
