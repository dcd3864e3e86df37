//! `pywats-client reprocess`: takes files from the archive, the done or the failed folder back into the watch
//! folder, where the service takes them as it takes any other. That is safe while it runs.
//!
//! A report that was sent before is sent under the same identifier again: where the file does not hold it, it
//! is written into it. It then replaces what the server has, so that of the files of one identifier only the
//! newest is taken, unless another is asked for by its name. Files of the archive are copied; the others are
//! moved, with what lies beside them.

mod archived;
mod folder;
mod newest;
mod wanted;

use crate::cli::{Origin, ReprocessArgs};
use crate::config::Config;
use crate::config::watch_folders::WatchFolder;
use crate::disposition::{REASON_SUFFIX, SENT_SUFFIX};
use crate::folder::{Folder, Moved};
use crate::intake::Names;
use crate::logging::printable;
use crate::queue;
use folder::End;
use newest::{Fate, Found};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use uuid::Uuid;
use wanted::{Meant, Wanted};

/// Why nothing, or not all, could be taken back.
#[derive(Debug, thiserror::Error)]
pub enum ReprocessError {
    /// What was written is no time.
    #[error("{0:?}: write a day, as 2026-11-28, or a time, as 2026-11-28T14:00:00Z")]
    Time(String),
    /// Nothing says which files.
    #[error("say which files: names, --since, --until, or --all")]
    Nothing,
    /// Some files could not be taken back; each was named.
    #[error("{left} files were left where they are, as said above; {taken} are back in the watch folder")]
    Left {
        /// How many were left.
        left: usize,
        /// How many were taken back.
        taken: usize,
    },
    /// A folder is not there.
    #[error(
        "{}: there is no such folder; it is made when the service runs, the archive when client.after_delivery is \
         archive; check client.data_dir, client.watch_folder, client.done_folder, client.failed_folder and \
         client.archive_folder, or take files --from another place",
        path.display()
    )]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// A folder or file cannot be used.
    #[error("{}: {error}", path.display())]
    Files {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Files that are back in the watch folder, or would be.
    pub taken: usize,
    /// Files that were left, because taking them would replace newer ones; each was named.
    pub older: usize,
}

/// Takes files back and says of each what became of it; changes nothing if `args.list` is set. Who calls this is the
/// service, or has become its account ([`crate::account`]).
///
/// # Errors
/// If the selection or a folder cannot be used, or if some files had to be left; the others are taken back.
pub fn reprocess(
    config: &Config,
    args: &ReprocessArgs,
    mut say: impl FnMut(&str),
) -> Result<Taken, ReprocessError> {
    let wanted = Wanted::read(args)?;
    let mut say = |line: &str| say(&printable(line));
    let mut left = 0;
    let way = Way::new(config);
    let found = find(&way, args.from, &wanted, &mut left, &mut say)?;
    let mut result = Taken::default();
    for (index, fate) in newest::decide(&found, &waiting(config)) {
        let (one, path) = (&found[index], found[index].path());
        let shown = one.original.to_string_lossy();
        if let Fate::Stay(why) = fate {
            result.older += 1;
            say(&format!("{}: left where it is: {why}", path.display()));
            continue;
        }
        if args.list {
            result.taken += 1;
            say(&format!("{shown}  ({})", path.display()));
            continue;
        }
        match take(&way, args.from, one) {
            Ok(()) => {
                result.taken += 1;
                say(&format!("{shown}: back in the watch folder"));
            }
            Err(error) => {
                left += 1;
                say(&format!("{}: {error}; left where it is", path.display()));
            }
        }
    }
    match left {
        0 => Ok(result),
        _ => Err(ReprocessError::Left { left, taken: if args.list { 0 } else { result.taken } }),
    }
}

/// Where files lie, and where each goes back to.
struct Way<'a> {
    config: &'a Config,
    folders: Vec<WatchFolder>,
    names: Names,
}

impl<'a> Way<'a> {
    fn new(config: &'a Config) -> Self {
        let folders = config.watch_folders();
        let patterns: Vec<String> = folders.iter().flat_map(|folder| folder.patterns.clone()).collect();
        Way { config, folders, names: Names::new(&patterns) }
    }

    /// The folders of this kind, each once.
    fn places(&self, from: Origin) -> Vec<&Path> {
        let mut places: Vec<&Path> = Vec::new();
        for path in self.folders.iter().map(|folder| place(folder, from)) {
            if !places.contains(&path) {
                places.push(path);
            }
        }
        places
    }

    /// The watch folder of which a file came that lies there: of several the first.
    fn back(&self, from: Origin, one: &Found) -> &Path {
        let is_of = |folder: &&WatchFolder| one.folder.starts_with(place(folder, from));
        self.folders.iter().find(is_of).map_or(&self.folders[0].path, |folder| &folder.path)
    }

    fn end<'b>(&'b self, from: Origin, path: &'b Path) -> End<'b> {
        let limit = self.config.client.max_report_bytes;
        let (suffix, delivered) = match from {
            Origin::Failed => (REASON_SUFFIX, false),
            Origin::Done | Origin::Archive => (SENT_SUFFIX, true),
        };
        End { path, suffix, delivered, limit, names: &self.names }
    }
}

fn place(folder: &WatchFolder, from: Origin) -> &Path {
    match from {
        Origin::Done => &folder.done,
        Origin::Failed => &folder.failed,
        Origin::Archive => &folder.archive,
    }
}

/// The files that are meant, and what could be newer than they are, wherever it lies.
fn find(
    way: &Way<'_>,
    from: Origin,
    wanted: &Wanted,
    left: &mut usize,
    say: &mut impl FnMut(&str),
) -> Result<Vec<Found>, ReprocessError> {
    let mut found = Vec::new();
    let places = way.places(from);
    for (at, path) in places.iter().enumerate() {
        let here = match from {
            Origin::Archive => archived::find(path, wanted, &mut *say),
            Origin::Done | Origin::Failed => folder::find(&way.end(from, path), wanted, |path, error| {
                *left += 1;
                say(&format!("{}: {error}; left where it is", path.display()));
            }),
        };
        match here {
            Ok(here) => found.extend(here),
            // The first is that of the default folder; another one is made when its first file comes.
            Err(ReprocessError::Missing { .. }) if at > 0 => {}
            Err(error) => return Err(error),
        }
    }
    let meant = || found.iter().filter(|one: &&Found| one.meant == Meant::WithOthers);
    let mut ids: HashSet<Uuid> = meant().filter_map(|one| one.id).collect();
    let since = meant().map(|one| one.when.arrived).min().unwrap_or_default();
    if from == Origin::Failed {
        // Most of what was refused was never delivered: then nothing needs to be searched for.
        queue::retain_delivered(&way.config.client.data_dir, &mut ids);
    }
    if ids.is_empty() {
        return Ok(found);
    }
    if from != Origin::Done {
        for done in way.places(Origin::Done) {
            found.extend(folder::later(&way.end(Origin::Done, done), &ids, since).map_err(self::at(done))?);
        }
    }
    if from != Origin::Archive {
        for archive in way.places(Origin::Archive) {
            found.extend(archived::of(archive, &ids).map_err(self::at(archive))?);
        }
    }
    Ok(found)
}

fn take(way: &Way<'_>, from: Origin, one: &Found) -> io::Result<()> {
    let watch = Folder::open(way.back(from, one))?;
    match from {
        Origin::Archive => archived::take_copy(one, &watch, way.config.client.max_report_bytes),
        Origin::Done | Origin::Failed => folder::take_back(one, &way.end(from, &one.folder), &watch),
    }
}

/// The identifiers of what is still to be sent.
fn waiting(config: &Config) -> HashSet<Uuid> {
    let spool = Folder::open(&config.client.data_dir.join(queue::spool::FOLDER));
    let names = spool.and_then(|spool| spool.names()).unwrap_or_default();
    names.iter().filter_map(|name| queue::spool::parts(name)).map(|parts| parts.id).collect()
}

fn open(path: &Path) -> Result<Folder, ReprocessError> {
    Folder::open(path).map_err(at(path))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> ReprocessError {
    move |error| match error.kind() {
        io::ErrorKind::NotFound => ReprocessError::Missing { path: path.to_path_buf() },
        _ => ReprocessError::Files { path: path.to_path_buf(), error },
    }
}

fn drop_into(watch: &Folder, name: &OsStr, bytes: Vec<u8>, id: Option<Uuid>) -> io::Result<()> {
    // A file that cannot be read as a report goes back as it is.
    let bytes = match id {
        Some(id) => queue::file_with_id(id, &bytes).unwrap_or(bytes),
        None => bytes,
    };
    loop {
        if watch.write(&watch.free_name(name)?, &bytes, false)? == Moved::Done {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests;
