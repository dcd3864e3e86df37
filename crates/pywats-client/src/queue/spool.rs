//! The spool: the folder in the data folder where reports wait, each as the file that it was.
//!
//! A name in it is `ID~NAME`: the identifier, under which the report is sent whatever happens to the
//! database, and the name that the file had in the watch folder, cut if it is long. Where that is taken
//! (a corrected report came while the first waits) the name is `ID.1~NAME`, `ID.2~NAME`…
//! A file of another watch folder than the default one names that, as `ID@FOLDER~NAME`: its report ends where those of
//! that folder do, also if a crash came before its row. A `+` before the `~` says that the file was copied, and that its
//! original may still lie in the watch folder: it is not another report.
//! The folder belongs to the service alone.

use super::{Error, Leftover};
use crate::config::watch_folders::{self, WatchFolder};
use crate::disposition;
use crate::folder::{Folder, Identity, Kind};
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use uuid::Uuid;

/// The folder's name in the data folder.
pub const FOLDER: &str = "spool";
/// Between the identifier and the name. No name of a file ends an identifier otherwise.
const MARK: char = '~';
/// Before the watch folder's name.
const FOLDER_MARK: char = '@';
/// Says that the file is a copy.
const COPY_MARK: char = '+';
/// As many files are flushed at a time.
const FLUSHES: usize = 16;
/// As many bytes of a name are kept; the identifier and the number must fit beside it.
const LONGEST: usize = 200;

/// Where a file of the spool came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The name of its watch folder; empty for the default one.
    pub folder: String,
    /// Whether it was copied, so that the original may still lie there.
    pub copied: bool,
}

impl Origin {
    /// Of files that are moved out of a watch folder.
    pub fn of(folder: &WatchFolder) -> Self {
        let folder = if folder.is_default() { String::new() } else { folder.name.clone() };
        Origin { folder, copied: false }
    }

    /// Of copies of the same files.
    #[must_use]
    pub fn copied(&self) -> Self {
        Origin { copied: true, ..self.clone() }
    }

    /// The name in the spool of a file that was `name` in the watch folder. `number` is 0, and one more each
    /// time that the name is taken.
    pub fn name(&self, id: Uuid, name: &OsStr, number: u32) -> OsString {
        let number = if number == 0 { String::new() } else { format!(".{number}") };
        let mut spool = OsString::from(format!("{id}{number}{}{MARK}", self.marks()));
        spool.push(self.cut(name));
        spool
    }

    /// What is kept of a name.
    pub fn cut(&self, name: &OsStr) -> OsString {
        cut_to(name, LONGEST - self.marks().len())
    }

    fn marks(&self) -> String {
        let copied = if self.copied { COPY_MARK.to_string() } else { String::new() };
        if self.folder.is_empty() { copied } else { format!("{FOLDER_MARK}{}{copied}", self.folder) }
    }

    /// What stands between identifier and name, but for the number.
    fn read(marks: &str) -> Option<Self> {
        let (folder, copied) = match marks.strip_suffix(COPY_MARK) {
            Some(folder) => (folder, true),
            None => (marks, false),
        };
        let folder = match folder.strip_prefix(FOLDER_MARK) {
            Some(folder) => watch_folders::is_name(folder).then_some(folder)?,
            None => folder.is_empty().then_some("")?,
        };
        Some(Origin { folder: folder.to_owned(), copied })
    }
}

/// The name of a file that was moved out of the default watch folder, or comes from none: see [`Origin::name`].
pub fn name(id: Uuid, name: &OsStr, number: u32) -> OsString {
    Origin::default().name(id, name, number)
}

/// What a name of the spool says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The identifier.
    pub id: Uuid,
    /// Where the file came from.
    pub origin: Origin,
    /// The name that it had there, perhaps cut. One without a name is called by its identifier.
    pub name: OsString,
}

/// What a name of the spool says; `None` if it is not one of ours.
pub fn parts(spool: &OsStr) -> Option<Parts> {
    let bytes = spool.as_encoded_bytes();
    let mark = bytes.iter().position(|&byte| byte == MARK as u8)?;
    let head = std::str::from_utf8(&bytes[..mark]).ok()?;
    let (id, rest) = head.split_at_checked(36)?;
    let (number, marks) = rest.split_at(rest.find([FOLDER_MARK, COPY_MARK]).unwrap_or(rest.len()));
    if !(number.is_empty() || number.strip_prefix('.').is_some_and(|n| n.parse::<u32>().is_ok())) {
        return None;
    }
    let origin = Origin::read(marks)?;
    // SAFETY: the bytes come from an `OsStr` and are split right after an ASCII character.
    let name = unsafe { OsStr::from_encoded_bytes_unchecked(&bytes[mark + 1..]) };
    let id = Uuid::try_parse(id).ok()?;
    let name = if name.is_empty() { OsString::from(format!("{id}.json")) } else { name.to_owned() };
    Some(Parts { id, origin, name })
}

/// Makes claimed files, and that they are in the spool, survive a power cut; a result for each, `NotFound` for
/// one that is not there any more. A file that is open still is flushed as that: its rights may have changed.
/// Several flushes at a time share one commit of the file system's journal: far quicker than one after the other.
///
/// # Errors
/// If the folder cannot be synchronised: then no file counts.
pub fn synchronise(spool: &Folder, files: &[(&OsStr, Option<&File>)]) -> io::Result<Vec<io::Result<()>>> {
    let next = AtomicUsize::new(0);
    let results: Vec<OnceLock<io::Result<()>>> = files.iter().map(|_| OnceLock::new()).collect();
    let work = || {
        while let Some(((name, file), result)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            files.get(index).zip(results.get(index))
        } {
            drop(result.set(flush(spool, name, *file)));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..files.len().min(FLUSHES) {
            // Without another thread it takes longer, no more.
            drop(std::thread::Builder::new().spawn_scoped(scope, work));
        }
        work();
    });
    spool.sync()?;
    let unknown = || Err(io::Error::other("it was not synchronised"));
    Ok(results.into_iter().map(|result| result.into_inner().unwrap_or_else(unknown)).collect())
}

fn flush(spool: &Folder, name: &OsStr, file: Option<&File>) -> io::Result<()> {
    let Some(file) = file else { return spool.sync_file(name) };
    file.sync_all()?;
    if spool.exists(name)? { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
}

/// A long name without the end of its stem.
pub(crate) fn cut(name: &OsStr) -> OsString {
    cut_to(name, LONGEST)
}

fn cut_to(name: &OsStr, longest: usize) -> OsString {
    if name.len() <= longest {
        return name.to_owned();
    }
    let text = name.to_string_lossy();
    let extension = text.rfind('.').map_or("", |at| &text[at..]);
    let extension = if extension.len() <= 16 { extension } else { "" };
    let mut end = (longest - extension.len()).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    OsString::from(format!("{}{extension}", &text[..end]))
}

/// Opens the spool of a data folder, for this account alone; makes it if it is missing.
pub(super) fn open(data: &Path) -> io::Result<Folder> {
    let path = data.join(FOLDER);
    if !path.exists() {
        Folder::create_all(&path)?;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700))?;
    }
    Folder::open(&path)
}

/// Fails if the folder was renamed or replaced: then nothing is said by what is not in it.
pub(super) fn still_there(spool: &Folder) -> Result<(), Error> {
    let blame = |error| Error::Spool { path: spool.path().to_path_buf(), error };
    let now = Folder::open(spool.path()).map_err(blame)?;
    if now.same_as(spool) { Ok(()) } else { Err(blame(io::Error::other("was replaced by another folder"))) }
}

/// A file in the spool that has no row: a crash came between the claim and the commit, or the database was
/// damaged.
#[derive(Clone, Debug)]
pub(super) struct Orphan {
    /// The identifier in its name.
    pub id: Uuid,
    /// Its name in the spool.
    pub spool: OsString,
    /// Where it came from.
    pub origin: Origin,
    /// The name that it had in the watch folder, perhaps cut.
    pub name: OsString,
    /// Its size in bytes.
    pub size: u64,
    modified_ns: i64,
}

impl Orphan {
    /// The original in the watch folder, if this is a copy. Of its folder only the name of the watch folder is known.
    pub(super) fn original(&self, spool: &Folder) -> Option<Leftover> {
        let mut open = spool.open_own(&self.spool).ok().filter(|_| self.origin.copied)?;
        Some(Leftover {
            folder: PathBuf::from(&self.origin.folder),
            name: self.name.clone(),
            size: self.size,
            sha256: disposition::hash(&mut open.file).ok()?,
            id: self.id,
        })
    }
}

/// What the files and the rows do not have in common.
#[derive(Debug, Default)]
pub(super) struct Differences {
    /// Files without a row.
    pub orphans: Vec<Orphan>,
    /// Rows without a file.
    pub gone: Vec<i64>,
    /// Names that the service does not give, and what is no file.
    pub foreign: Vec<OsString>,
}

/// Compares the files of the spool with the rows.
pub(super) fn compare(
    spool: &Folder,
    rows: impl Iterator<Item = rusqlite::Result<(i64, OsString)>>,
) -> Result<Differences, Error> {
    let blame = |error| Error::Spool { path: spool.path().to_path_buf(), error };
    let mut files: HashSet<OsString> = spool.names().map_err(blame)?.into_iter().collect();
    let mut differences = Differences::default();
    for row in rows {
        let (seq, name) = row?;
        if !files.remove(&name) {
            differences.gone.push(seq);
        }
    }
    for file in files {
        match (parts(&file), spool.look(&file)) {
            (Some(Parts { id, origin, name }), Ok(Some(Kind::Plain(identity)))) => {
                let Identity { size, modified_ns, .. } = identity;
                differences.orphans.push(Orphan { id, spool: file, origin, name, size, modified_ns });
            }
            (_, Ok(None)) => {}
            _ => differences.foreign.push(file),
        }
    }
    differences.foreign.sort();
    differences.orphans.sort_by(|a, b| (a.modified_ns, &a.spool).cmp(&(b.modified_ns, &b.spool)));
    Ok(differences)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a name does not lead back to its parts, or something foreign is taken for ours.
    #[test]
    fn names_lead_back() {
        let id = Uuid::from_u128(0x1234);
        let long = format!("{}.json", "ä".repeat(150));
        let folder = "f".repeat(32);
        for (given, number) in [("a.json", 0), ("a~b~c@d+e.json", 3), (".json", 0), (long.as_str(), 2)] {
            for (folder, copied) in [("", false), ("", true), ("ict-1_a", false), (folder.as_str(), true)] {
                let origin = Origin { folder: folder.to_owned(), copied };
                let spool = origin.name(id, OsStr::new(given), number);
                let name = origin.cut(OsStr::new(given));
                assert_eq!(parts(&spool), Some(Parts { id, origin, name }), "{spool:?}");
                assert!(spool.len() < 250);
            }
        }
        for (spool, folder, copied) in [
            (format!("{id}~"), "", false),
            (format!("{id}+~"), "", true),
            (format!("{id}.1@ict~"), "ict", false),
            (format!("{id}@ict+~"), "ict", true),
        ] {
            let origin = Origin { folder: folder.to_owned(), copied };
            let name = format!("{id}.json").into();
            assert_eq!(parts(OsStr::new(&spool)), Some(Parts { id, origin, name }), "{spool}");
        }
        assert_eq!(name(id, OsStr::new("a.json"), 0), *format!("{id}~a.json"));
        let wrong =
            ["", "1234", &format!("{id}.x"), &format!("{id}@"), &format!("{id}@A"), &format!("{id}+@a")];
        for foreign in wrong.map(|head| format!("{head}~a.json")).into_iter().chain([format!("{id}a.json")]) {
            assert_eq!(parts(OsStr::new(&foreign)), None, "{foreign}");
        }
    }
}
