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
use crate::disposition::{REASON_SUFFIX, SENT_SUFFIX};
use crate::folder::{Folder, Moved};
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
    let found = find(config, args.from, &wanted, &mut left, &mut say)?;
    let watch = open(&config.watch_folder())?;
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
        match take(config, args.from, one, &watch) {
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

/// The files that are meant, and what could be newer than they are, wherever it lies.
fn find(
    config: &Config,
    from: Origin,
    wanted: &Wanted,
    left: &mut usize,
    say: &mut impl FnMut(&str),
) -> Result<Vec<Found>, ReprocessError> {
    let done = config.done_folder();
    let failed = config.failed_folder();
    let archive = config.archive_folder();
    let mut trouble = |path: PathBuf, error: io::Error| {
        *left += 1;
        say(&format!("{}: {error}; left where it is", path.display()));
    };
    let mut found = match from {
        Origin::Done => folder::find(&done_end(config, &done), wanted, &mut trouble)?,
        Origin::Failed => folder::find(&failed_end(config, &failed), wanted, &mut trouble)?,
        Origin::Archive => archived::find(&archive, wanted, &mut *say)?,
    };
    let meant = || found.iter().filter(|one| one.meant == Meant::WithOthers);
    let mut ids: HashSet<Uuid> = meant().filter_map(|one| one.id).collect();
    let since = meant().map(|one| one.when.arrived).min().unwrap_or_default();
    if from == Origin::Failed {
        // Most of what was refused was never delivered: then nothing needs to be searched for.
        queue::retain_delivered(&config.client.data_dir, &mut ids);
    }
    if ids.is_empty() {
        return Ok(found);
    }
    if from != Origin::Done {
        found.extend(folder::later(&done_end(config, &done), &ids, since).map_err(at(&done))?);
    }
    if from != Origin::Archive {
        found.extend(archived::of(&archive, &ids).map_err(at(&archive))?);
    }
    Ok(found)
}

fn take(config: &Config, from: Origin, one: &Found, watch: &Folder) -> io::Result<()> {
    match from {
        Origin::Archive => archived::take_copy(one, watch, config.client.max_report_bytes),
        Origin::Done => folder::take_back(one, &done_end(config, &one.folder), watch),
        Origin::Failed => folder::take_back(one, &failed_end(config, &one.folder), watch),
    }
}

fn done_end<'a>(config: &Config, path: &'a Path) -> End<'a> {
    End { path, suffix: SENT_SUFFIX, delivered: true, limit: config.client.max_report_bytes }
}

fn failed_end<'a>(config: &Config, path: &'a Path) -> End<'a> {
    End { path, suffix: REASON_SUFFIX, delivered: false, limit: config.client.max_report_bytes }
}

/// The identifiers of what is still to be sent.
fn waiting(config: &Config) -> HashSet<Uuid> {
    let spool = Folder::open(&config.client.data_dir.join(queue::spool::FOLDER));
    let names = spool.and_then(|spool| spool.names()).unwrap_or_default();
    names.iter().filter_map(|name| queue::spool::parts(name)).map(|(id, _)| id).collect()
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
