//! Files that still lie in the watch folder when their reports are decided: those that the first schema of
//! the queue has left there.

use super::{Disposition, MoveError, REASON_SUFFIX, Whereabouts, choosing, move_to_free_name, with_suffix};
use crate::folder::{Folder, Identity, Kind, Moved, OpenRefused};
use crate::queue::step;
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

/// Bytes that are read at a time to compare contents.
const CHUNK: usize = 1 << 16;

/// A file in a watch folder, told by name and content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    /// The watch folder.
    pub folder: PathBuf,
    /// The name in it.
    pub name: OsString,
    /// The size in bytes.
    pub size: u64,
    /// What was in it.
    pub sha256: [u8; 32],
}

/// What stands where the original was.
enum Found {
    It(Folder, Identity),
    /// Nothing, or its folder cannot be seen.
    Nothing,
    Another,
}

impl Disposition {
    /// Moves a delivered original to `done/`, if it still has the content that was delivered. The answer is
    /// [`Whereabouts::Absent`] if it cannot be seen; its folder may be away.
    ///
    /// # Errors
    /// If it cannot be moved.
    pub fn original_delivered(&self, original: &Original) -> Result<Whereabouts, MoveError> {
        let blame = |error| MoveError { from: original.folder.clone(), to: self.done.clone(), error };
        let (watch, identity) = match find(original).map_err(blame)? {
            Found::It(watch, identity) => (watch, identity),
            Found::Nothing => return Ok(Whereabouts::Absent),
            Found::Another => return Ok(Whereabouts::Moved),
        };
        if self.delete {
            watch.remove(&original.name, &identity).map_err(blame)?;
            return Ok(Whereabouts::Moved);
        }
        let done = Folder::open(&self.done).map_err(blame)?;
        let _choosing = choosing(&self.choosing_done);
        let name = move_to_free_name(&watch, &original.name, &identity, &done, None).map_err(blame)?;
        // Such moves are synchronised: nothing else says that the file is not a new report.
        step("synchronised");
        Ok(name.map_or(Whereabouts::Moved, Whereabouts::Done))
    }

    /// Whether `done/` has this file under its own name.
    pub fn keeps(&self, original: &Original) -> bool {
        let there = Original { folder: self.done.clone(), ..original.clone() };
        matches!(find(&there), Ok(Found::It(..)))
    }

    /// Moves an original whose report the server refused to `failed/`. If it is gone, the report is written
    /// there from the queue.
    ///
    /// # Errors
    /// If it cannot be moved or written.
    pub fn original_refused(
        &self,
        original: &Original,
        reason: &str,
        body: impl FnOnce() -> io::Result<Vec<u8>>,
    ) -> Result<(), MoveError> {
        let refuse = || {
            let failed = Folder::open(&self.failed)?;
            let _choosing = choosing(&self.choosing_failed);
            if let Found::It(watch, identity) = find(original)? {
                let moved = move_to_free_name(&watch, &original.name, &identity, &failed, Some(reason))?;
                if moved.is_some() {
                    return Ok(());
                }
            }
            let body = body()?;
            loop {
                let name = failed.free_name(&original.name)?;
                failed.write(&with_suffix(&name, REASON_SUFFIX), reason.as_bytes(), true)?;
                if failed.write(&name, &body, false)? == Moved::Done {
                    return Ok(());
                }
            }
        };
        refuse().map_err(|error| MoveError {
            from: original.folder.clone(),
            to: self.failed.clone(),
            error,
        })?;
        self.counted().came(&original.name, reason);
        Ok(())
    }
}

/// Looks for the original. The number of its device does not count: it changes when a share comes back.
fn find(original: &Original) -> io::Result<Found> {
    let watch = match Folder::open(&original.folder) {
        Ok(watch) => watch,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(error),
    };
    let identity = match watch.look(&original.name)? {
        None => return Ok(Found::Nothing),
        Some(Kind::Plain(identity)) if identity.size == original.size => identity,
        Some(_) => return Ok(Found::Another),
    };
    match watch.open_file(&original.name) {
        Ok(mut open) => Ok(match hash(&mut open.file)? == original.sha256 {
            true => Found::It(watch, open.identity),
            false => Found::Another,
        }),
        Err(OpenRefused::Foreign(_)) => Ok(Found::Another),
        Err(OpenRefused::Gone) => Ok(Found::Nothing),
        Err(OpenRefused::InUse) => Err(io::Error::new(io::ErrorKind::ResourceBusy, "the file is in use")),
        // It was readable when it was taken; by name and size it is still the same.
        Err(OpenRefused::Failed(error)) if error.kind() == io::ErrorKind::PermissionDenied => {
            Ok(Found::It(watch, identity))
        }
        Err(OpenRefused::Failed(error)) => Err(error),
    }
}

/// The SHA-256 of what is read.
pub(crate) fn hash(file: &mut impl io::Read) -> io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(hasher.finalize().into()),
            read => hasher.update(&chunk[..read]),
        }
    }
}
