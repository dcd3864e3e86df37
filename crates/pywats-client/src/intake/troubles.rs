//! Files that stay where they are, told as one problem: a list would be too long to read. The log has one file
//! of each kind of trouble, until that is over.

use crate::status::{About, Area, FolderStatus};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The file, quoted as Rust does: a name may hold anything, line breaks too.
    file: String,
    path: PathBuf,
    /// What is wrong, without its name.
    what: String,
}

impl Trouble {
    /// This is wrong with this file.
    pub fn new(file: &Path, what: impl Into<String>) -> Self {
        Trouble { file: format!("{file:?}"), path: file.to_path_buf(), what: what.into() }
    }

    fn about(&self) -> About<'_> {
        let (name, folder) = (self.path.file_name().unwrap_or_default(), self.path.parent());
        About::file_in(name, folder.unwrap_or(Path::new("")))
    }

    fn text(&self) -> String {
        format!("{}: {}", self.file, self.what)
    }
}

/// See the module.
#[derive(Debug)]
pub struct Troubles {
    /// By name of the file.
    files: BTreeMap<OsString, Trouble>,
    /// The kinds that the log has.
    told: BTreeSet<String>,
    changed: bool,
}

impl Troubles {
    /// None yet, which is to be told, too.
    pub fn new() -> Self {
        Troubles { files: BTreeMap::new(), told: BTreeSet::new(), changed: true }
    }

    /// This file stays, for this reason, or does not.
    pub fn set(&mut self, name: &OsStr, trouble: Option<Trouble>) {
        self.changed |= self.files.get(name) != trouble.as_ref();
        match trouble {
            Some(trouble) => drop(self.files.insert(name.to_owned(), trouble)),
            None => drop(self.files.remove(name)),
        }
    }

    /// Tells what has changed since it was told last.
    pub fn tell(&mut self, status: &FolderStatus) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        let before = std::mem::take(&mut self.told);
        for trouble in self.files.values() {
            if !self.told.contains(&trouble.what) {
                if !before.contains(&trouble.what) {
                    status.incident(trouble.text(), trouble.about());
                }
                self.told.insert(trouble.what.clone());
            }
        }
        match (self.files.values().next().map(Trouble::text), self.files.len()) {
            (None, _) => status.fine(Area::Files),
            (Some(first), 1) => status.revise(Area::Files, first),
            (Some(first), count) => {
                status.revise(Area::Files, format!("{first} (and {} more files)", count - 1));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::Status;
    use std::sync::Arc;

    /// Fails if: a trouble is logged for each file or each time that their number changes, a new kind is not, or
    /// the status does not name a file and count the others.
    #[test]
    fn one_word_for_each_kind() {
        let whole = Arc::new(Status::new());
        let (status, mut troubles) = (whole.of_folder("a"), Troubles::new());
        let trouble = |name: &str, what: &str| Some(Trouble::new(Path::new(name), what));
        for (name, what, logged, told) in [
            ("b", Some("denied"), r#""b": denied"#, Some(r#""b": denied"#)),
            ("c", Some("denied"), r#""b": denied"#, Some(r#""b": denied (and 1 more files)"#)),
            ("a", Some("denied"), r#""b": denied"#, Some(r#""a": denied (and 2 more files)"#)),
            ("d", Some("a pipe"), r#""d": a pipe"#, Some(r#""a": denied (and 3 more files)"#)),
            ("a", None, r#""d": a pipe"#, Some(r#""b": denied (and 2 more files)"#)),
            ("b", None, r#""d": a pipe"#, Some(r#""c": denied (and 1 more files)"#)),
            ("c", None, r#""d": a pipe"#, Some(r#""d": a pipe"#)),
            ("c", Some("denied"), r#""c": denied"#, Some(r#""c": denied (and 1 more files)"#)),
            ("c", None, r#""c": denied"#, Some(r#""d": a pipe"#)),
            ("d", None, r#""c": denied"#, None),
        ] {
            troubles.set(name.as_ref(), what.and_then(|what| trouble(name, what)));
            troubles.tell(&status);
            assert_eq!(whole.last_error().unwrap().1, logged, "{name} {what:?}");
            assert_eq!(whole.problems().get(&Area::Files).map(String::as_str), told, "{name} {what:?}");
        }
    }
}
