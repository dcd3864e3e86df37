//! The spool: the folder in the data folder where reports wait, each as the file that it was.
//!
//! A name in it is `ID~NAME`: the identifier, under which the report is sent whatever happens to the
//! database, and the name that the file had in the watch folder, cut if it is long. Where that is taken
//! (a corrected report came while the first waits) the name is `ID.1~NAME`, `ID.2~NAME`…
//! The folder belongs to the service alone.

use super::Error;
use crate::folder::{Folder, Identity, Kind};
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use uuid::Uuid;

/// The folder's name in the data folder.
pub const FOLDER: &str = "spool";
/// Between the identifier and the name. No name of a file ends an identifier otherwise.
const MARK: char = '~';
/// As many files are flushed at a time.
const FLUSHES: usize = 16;
/// As many bytes of a name are kept; the identifier and the number must fit beside it.
const LONGEST: usize = 200;

/// The name in the spool of a file that was `name` in the watch folder. `number` is 0, and one more each
/// time that the name is taken.
pub fn name(id: Uuid, name: &OsStr, number: u32) -> OsString {
    let mut spool = match number {
        0 => OsString::from(format!("{id}{MARK}")),
        _ => OsString::from(format!("{id}.{number}{MARK}")),
    };
    spool.push(cut(name));
    spool
}

/// The identifier and the name in a name of the spool; `None` if it is not one of ours. A file without a name is
/// called by its identifier.
pub fn parts(spool: &OsStr) -> Option<(Uuid, OsString)> {
    let bytes = spool.as_encoded_bytes();
    let mark = bytes.iter().position(|&byte| byte == MARK as u8)?;
    let head = std::str::from_utf8(&bytes[..mark]).ok()?;
    let (id, number) = head.split_at_checked(36)?;
    if !(number.is_empty() || number.strip_prefix('.').is_some_and(|n| n.parse::<u32>().is_ok())) {
        return None;
    }
    // SAFETY: the bytes come from an `OsStr` and are split right after an ASCII character.
    let name = unsafe { OsStr::from_encoded_bytes_unchecked(&bytes[mark + 1..]) };
    let id = Uuid::try_parse(id).ok()?;
    Some((id, if name.is_empty() { OsString::from(format!("{id}.json")) } else { name.to_owned() }))
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
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let text = name.to_string_lossy();
    let extension = text.rfind('.').map_or("", |at| &text[at..]);
    let extension = if extension.len() <= 16 { extension } else { "" };
    let mut end = (LONGEST - extension.len()).min(text.len());
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
    /// The name that it had in the watch folder, perhaps cut.
    pub name: OsString,
    /// Its size in bytes.
    pub size: u64,
    modified_ns: i64,
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
            (Some((id, name)), Ok(Some(Kind::Plain(identity)))) => {
                let Identity { size, modified_ns, .. } = identity;
                differences.orphans.push(Orphan { id, spool: file, name, size, modified_ns });
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
        for (given, number) in [("a.json", 0), ("a~b~c.json", 3), (".json", 0), (long.as_str(), 2)] {
            let spool = name(id, OsStr::new(given), number);
            assert_eq!(parts(&spool), Some((id, cut(OsStr::new(given)))), "{spool:?}");
            assert!(spool.len() < 250);
        }
        let nameless = OsString::from(format!("{id}~"));
        assert_eq!(parts(&nameless), Some((id, format!("{id}.json").into())));
        for foreign in ["a.json", "~a.json", "1234~a.json", &format!("{id}.x~a.json"), &format!("{id}a.json")]
        {
            assert_eq!(parts(OsStr::new(foreign)), None, "{foreign}");
        }
    }
}
