//! Where files go when there is nothing more to do with them: `done/` or the archive after delivery,
//! `failed/` with a reason beside it.
//!
//! The reason file is complete on the disk before its file is moved, so that nothing ever lies in `failed/`
//! without an explanation. A reason whose file never arrived is left by a crash in between and overwritten
//! by the next attempt. Beside a delivered file that was not sent as it was lies `NAME.sent.json`, which
//! says under which identifier it was sent and what was repaired. It, too, is complete on the disk before its
//! file is moved; those of a batch are synchronised together.

mod census;
mod ends;
mod found;
mod original;
mod reason;

pub use census::{Census, Newest};
pub use ends::{Ends, Routes};
pub use found::End;
pub use original::Original;
pub(crate) use original::hash;
pub use reason::{Beside, Reason, Sent, Stage, hex, id_for};

use crate::archive::Archive;
use crate::folder::{self, Folder, Identity, Kind, Moved};
use crate::queue::step;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// Names like this are ours alone: intake leaves them where they are.
pub const REASON_SUFFIX: &str = ".reason.json";
/// Names like this, too.
pub const SENT_SUFFIX: &str = ".sent.json";

/// Larger files that were not read otherwise are not read to find out what is in them.
const LARGEST: u64 = 64 << 20;

/// A file could not be moved; it is where it was.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}; let the service's account move files from {} to it, and check for free space", to.display(), from.display())]
pub struct MoveError {
    from: PathBuf,
    to: PathBuf,
    error: io::Error,
}

/// The folders for what is finished.
#[derive(Debug)]
pub struct Disposition {
    done: PathBuf,
    failed: PathBuf,
    /// Where delivered files go in place of `done`.
    archive: Option<Archive>,
    /// Delivered files are removed.
    delete: bool,
    census: Arc<Mutex<Census>>,
    /// Intake and upload choose free names in a folder one after the other.
    choosing_done: Arc<Mutex<()>>,
    choosing_failed: Arc<Mutex<()>>,
}

/// A decided report in the spool.
#[derive(Clone, Copy, Debug)]
pub struct Ending<'a> {
    /// Its name in the spool.
    pub spool: &'a OsStr,
    /// The name that it had in the watch folder, and gets again.
    pub name: &'a OsStr,
    /// The watch folder.
    pub folder: &'a Path,
    /// The identifier under which it was sent.
    pub id: Uuid,
    /// What was in the file when it was taken.
    pub sha256: [u8; 32],
    /// Whether it was not sent as it is.
    pub edited: bool,
    /// What was repaired, for people.
    pub notes: &'a [String],
    /// The reason file of a refused report; none of a delivered one.
    pub reason: Option<&'a str>,
}

/// Where a file was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// It was moved to its end.
    Moved,
    /// It was moved into the done folder, under this name.
    Done(OsString),
    /// It was not there.
    Absent,
}

impl Disposition {
    /// Files go to these folders.
    pub fn new(done: PathBuf, failed: PathBuf) -> Self {
        Disposition {
            done,
            failed,
            archive: None,
            delete: false,
            census: Arc::default(),
            choosing_done: Arc::default(),
            choosing_failed: Arc::default(),
        }
    }

    /// Delivered files go to this archive in place of `done/`.
    #[must_use]
    pub fn with_archive(self, archive: Option<Archive>) -> Self {
        Disposition { archive, ..self }
    }

    /// Where delivered files go without an archive.
    pub fn done_folder(&self) -> &Path {
        &self.done
    }

    /// Moves decided reports to their end; a result for each.
    pub fn end(&self, spool: &Folder, endings: &[Ending<'_>]) -> Vec<Result<Whereabouts, MoveError>> {
        let mut done = None;
        let mut failed = None;
        let mut beside = self.write_beside(endings);
        let mut results: Vec<_> = endings
            .iter()
            .map(|ending| match (ending.reason, &self.archive) {
                (None, Some(_)) => Ok(Whereabouts::Absent),
                (None, None) if self.delete => {
                    tracing::info!("{:?}: delivered as {}, and removed", ending.name, ending.id);
                    spool.discard(ending.spool);
                    Ok(Whereabouts::Moved)
                }
                (None, None) => {
                    let mut next = || beside.as_mut().map(Iterator::next).map_err(|error| copy_of(error));
                    let beside = if ending.edited { next() } else { Ok(None) };
                    beside
                        .map_err(|error| blame(spool, &self.done, error))
                        .and_then(|beside| self.done(spool, ending, beside, &mut done))
                }
                (Some(reason), _) => self.failed(spool, ending, reason, &mut failed),
            })
            .collect();
        if let Some(archive) = &self.archive {
            let delivered = |index: &usize| endings[*index].reason.is_none();
            let indexes: Vec<usize> = (0..endings.len()).filter(delivered).collect();
            let batch: Vec<_> = indexes.iter().map(|&index| endings[index]).collect();
            for (index, result) in indexes.into_iter().zip(archive.keep(spool, &batch)) {
                results[index] = result.map_err(|error| blame(spool, archive.folder(), error));
            }
        }
        results
    }

    /// Writes what is to lie beside delivered files that were not sent as they are; in their order.
    fn write_beside(&self, endings: &[Ending<'_>]) -> io::Result<std::vec::IntoIter<OsString>> {
        let edited = endings.iter().filter(|ending| ending.reason.is_none() && ending.edited);
        let texts: Vec<String> = edited.map(|ending| Sent::of(ending).to_json(ending.name)).collect();
        if texts.is_empty() || self.archive.is_some() || self.delete {
            return Ok(Vec::new().into_iter());
        }
        Ok(Folder::open(&self.done)?.write_temporaries(&texts)?.into_iter())
    }

    /// Moves a delivered file, and gives what lies beside it the name that goes with it.
    fn done(
        &self,
        spool: &Folder,
        ending: &Ending<'_>,
        mut beside: Option<OsString>,
        open: &mut Option<Folder>,
    ) -> Result<Whereabouts, MoveError> {
        let mut move_it = || {
            let done = opened(open, &self.done)?;
            let _choosing = choosing(&self.choosing_done);
            let mut name = None;
            discard_orphan(done, ending.name, SENT_SUFFIX, |json| Sent::of(ending).is_in(json))?;
            let moved = to_free_name(done, ending.name, |free| {
                if let Some(now) = &mut beside {
                    let name = with_suffix(free, SENT_SUFFIX);
                    done.rename_over(now, &name)?;
                    *now = name;
                }
                name = Some(free.to_owned());
                leave_spool(spool, ending.spool, done, free)
            });
            if let (Some(beside), Err(_) | Ok(Whereabouts::Absent)) = (&beside, &moved) {
                done.discard(beside);
            }
            Ok(match (moved?, name) {
                (Whereabouts::Moved, Some(name)) => Whereabouts::Done(name),
                (moved, _) => moved,
            })
        };
        move_it().map_err(|error| blame(spool, &self.done, error))
    }

    fn failed(
        &self,
        spool: &Folder,
        ending: &Ending<'_>,
        reason: &str,
        open: &mut Option<Folder>,
    ) -> Result<Whereabouts, MoveError> {
        let mut move_it = || {
            // Its reason must not lie beside nothing.
            if spool.look(ending.spool)?.is_none() {
                return Ok(Whereabouts::Absent);
            }
            let failed = opened(open, &self.failed)?;
            let _choosing = choosing(&self.choosing_failed);
            discard_orphan(failed, ending.name, REASON_SUFFIX, |json| json == reason.as_bytes())?;
            let moved = to_free_name(failed, ending.name, |free| {
                failed.write(&with_suffix(free, REASON_SUFFIX), reason.as_bytes(), true)?;
                leave_spool(spool, ending.spool, failed, free)
            })?;
            self.counted().came(ending.name, reason);
            Ok(moved)
        };
        move_it().map_err(|error| blame(spool, &self.failed, error))
    }

    /// Moves a file that never got into the queue to `failed/`; says under which name. `None` means that it is
    /// another file by now, or gone.
    ///
    /// # Errors
    /// If it cannot be moved.
    pub fn unusable(
        &self,
        watch: &Folder,
        name: &OsStr,
        identity: &Identity,
        reason: &Reason,
    ) -> Result<Option<OsString>, MoveError> {
        let text = Reason { sha256: sha256_of(watch, name, identity), ..reason.clone() }.to_json(name);
        let move_it = || {
            let failed = Folder::open(&self.failed)?;
            let _choosing = choosing(&self.choosing_failed);
            move_to_free_name(watch, name, identity, &failed, Some(&text))
        };
        let moved = move_it().map_err(|error| blame(watch, &self.failed, error))?;
        if moved.is_some() {
            self.counted().came(name, &text);
        }
        Ok(moved)
    }

    /// Whether what is delivered is removed: then nothing but the database says that it was.
    pub fn deletes(&self) -> bool {
        self.delete
    }

    fn counted(&self) -> MutexGuard<'_, Census> {
        self.census.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn choosing(lock: &Mutex<()>) -> MutexGuard<'_, ()> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

fn blame(from: &Folder, to: &Path, error: io::Error) -> MoveError {
    MoveError { from: from.path().to_path_buf(), to: to.to_path_buf(), error }
}

/// The same error once more; the system's own is not cloned.
pub(crate) fn copy_of(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), error.to_string())
}

/// What is in a file, unless it is too large to be read for that, cannot be read, or is another one by now.
fn sha256_of(folder: &Folder, name: &OsStr, identity: &Identity) -> Option<[u8; 32]> {
    if identity.size > LARGEST {
        return None;
    }
    let mut open = folder.open_file(name).ok().filter(|open| open.identity == *identity)?;
    hash(&mut open.file).ok()
}

/// Opens a folder when it is first needed.
fn opened<'a>(open: &'a mut Option<Folder>, path: &Path) -> io::Result<&'a Folder> {
    if open.is_none() {
        *open = Some(Folder::open(path)?);
    }
    open.as_ref().ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Moves under the first free name; `move_to` says [`Moved::NameTaken`] if somebody else took it meanwhile.
fn to_free_name(
    to: &Folder,
    name: &OsStr,
    mut move_to: impl FnMut(&OsStr) -> io::Result<Moved>,
) -> io::Result<Whereabouts> {
    loop {
        let moved = move_to(&to.free_name(name)?)?;
        step("moved");
        match moved {
            Moved::Done => return Ok(Whereabouts::Moved),
            Moved::Changed => return Ok(Whereabouts::Absent),
            Moved::NameTaken => {}
        }
    }
}

/// Removes what a crash has left beside a name before its file came, so that the name is free for it.
fn discard_orphan(
    to: &Folder,
    name: &OsStr,
    suffix: &str,
    is_ours: impl FnOnce(&[u8]) -> bool,
) -> io::Result<()> {
    let name = folder::shortened(name);
    let beside = with_suffix(&name, suffix);
    if to.exists(&name)? || !to.exists(&beside)? {
        return Ok(());
    }
    let content = to.open_file(&beside).ok().and_then(|mut open| open.read(1 << 20).ok());
    if content.is_some_and(|content| is_ours(&content)) {
        to.discard(&beside);
    }
    Ok(())
}

/// Renames a file out of the spool, or copies it where that is another file system.
fn leave_spool(spool: &Folder, name: &OsStr, to: &Folder, new: &OsStr) -> io::Result<Moved> {
    step("to be moved");
    match spool.rename_lazily(name, to, new) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => match spool.look(name)? {
            Some(Kind::Plain(identity)) => spool.move_file(name, &identity, to, new),
            Some(Kind::Foreign(what)) => Err(io::Error::other(format!("is {what}"))),
            None => Ok(Moved::Changed),
        },
        result => result,
    }
}

/// Moves a file under the first free name, with the reason already beside that name; says which name.
fn move_to_free_name(
    from: &Folder,
    name: &OsStr,
    identity: &Identity,
    to: &Folder,
    reason: Option<&str>,
) -> io::Result<Option<OsString>> {
    loop {
        let free = to.free_name(name)?;
        let beside = with_suffix(&free, REASON_SUFFIX);
        if let Some(text) = reason {
            to.write(&beside, text.as_bytes(), true)?;
        }
        let moved = from.move_file(name, identity, to, &free);
        if reason.is_some() && !matches!(moved, Ok(Moved::Done)) {
            to.discard(&beside);
        }
        // Somebody else may have taken the name since it was chosen: the next one then.
        match moved? {
            Moved::NameTaken => {}
            Moved::Done => return Ok(Some(free)),
            Moved::Changed => return Ok(None),
        }
    }
}

/// The name of what lies beside a file.
pub fn with_suffix(name: &OsStr, suffix: &str) -> OsString {
    let mut name = name.to_owned();
    name.push(suffix);
    name
}

#[cfg(test)]
mod tests;
