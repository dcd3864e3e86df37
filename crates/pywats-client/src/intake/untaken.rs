//! Telling people what lies in the watch folder and is taken by nobody: by kind and count, once in the
//! log, always in the status.

use super::names::{Names, count_untaken, holds_report, listed, untaken_kind};
use crate::folder::{Folder, Item};
use crate::status::{FolderStatus, SHOWN, Topic};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};

/// As many files are read in one look to find out whether they are reports.
const READ_AT_ONCE: usize = 10;
/// As many files are remembered that were read so.
const MOST_READ: usize = 200;

/// The kind of those that wait for the rest of their text.
pub const INCOMPLETE: &str = "incomplete reports";

/// See the module.
#[derive(Debug, Default)]
pub struct Untaken {
    /// What was there at the last look: what is there twice is not just passing through.
    last: BTreeMap<String, u64>,
    told: BTreeSet<String>,
    names: Names,
    /// Reports that wait for the rest of their text.
    incomplete: BTreeSet<OsString>,
    /// Which files were read, and whether they are reports.
    read: HashMap<OsString, bool>,
}

impl Untaken {
    /// Of a folder in which these are taken.
    pub fn new(names: Names) -> Self {
        Untaken { names, ..Untaken::default() }
    }

    /// A report waits for the rest of its text, or does so no more.
    pub fn incomplete(&mut self, name: &OsStr, waits: bool, status: &FolderStatus) {
        let changed = match waits {
            true => self.incomplete.insert(name.to_owned()),
            false => self.incomplete.remove(name),
        };
        if changed {
            self.show(status);
        }
    }

    fn show(&self, status: &FolderStatus) {
        let mut shown = self.last.clone();
        if !self.incomplete.is_empty() {
            shown.insert(INCOMPLETE.to_owned(), self.incomplete.len() as u64);
        }
        status.count_not_taken(shown);
        let names = self.incomplete.iter().take(SHOWN);
        status.name_incomplete(names.map(|name| name.to_string_lossy().into_owned()).collect());
    }

    /// The folder was listed. `own` are names of folders in it that belong to the service.
    pub fn look(&mut self, folder: &Folder, items: &[Item], own: &[OsString], status: &FolderStatus) {
        let kinds = count_untaken(&self.names, items, own);
        let staying: BTreeMap<String, u64> = kinds
            .iter()
            .filter(|(kind, _)| self.last.contains_key(*kind))
            .map(|(k, c)| (k.clone(), *c))
            .collect();
        if staying.keys().any(|kind| !self.told.contains(kind)) {
            tracing::warn!(
                "watch folder {}: nobody takes what is not a file {}, or is named as the service's own notes are: {}",
                folder.path().display(),
                self.names,
                listed(&staying)
            );
            self.told.extend(staying.into_keys());
        }
        self.last = kinds;
        self.show(status);
        self.hint(folder, items, status);
    }

    /// A report under another ending is most likely a mistake.
    fn hint(&mut self, folder: &Folder, items: &[Item], status: &FolderStatus) {
        // Windows lets us open a file only alone, which its writer would notice.
        if cfg!(windows) {
            return;
        }
        let candidates: Vec<&Item> = items
            .iter()
            .filter(|item| !item.is_folder && untaken_kind(&self.names, item).is_some())
            .collect();
        self.read.retain(|name, _| candidates.iter().any(|item| item.name == *name));
        for item in &candidates {
            if self.read.len() >= MOST_READ {
                break;
            }
            if !self.read.contains_key(&item.name) {
                self.read.insert(item.name.clone(), holds_report(folder, &item.name));
                if self.read.len().is_multiple_of(READ_AT_ONCE) {
                    break;
                }
            }
        }
        match self.read.iter().filter(|(_, is_report)| **is_report).map(|(name, _)| name).min() {
            Some(name) => status.note(
                Topic::NotTaken,
                format!(
                    "{:?} is a report, but nobody takes it: its name {}",
                    folder.path().join(name),
                    self.names.why_not(name).unwrap_or_default()
                ),
            ),
            None => status.forget(Topic::NotTaken),
        }
    }
}
