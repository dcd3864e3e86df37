//! Moving sources to their last place: `done/` after delivery, `failed/` with a reason beside it.
//!
//! The reason file is complete on disk before its file is moved, so that nothing ever lies in
//! `failed/` without an explanation. A reason whose file never arrived is left by a crash in between
//! and overwritten by the next attempt.

use crate::folder::{Folder, Identity, Kind, Moved, OpenRefused};
use crate::queue::Source;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// Bytes that are read at a time to compare contents.
const CHUNK: usize = 1 << 16;

/// A source could not be moved; it is where it was.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}; let the service's account move files from {} to it, and check for free space", to.display(), from.display())]
pub struct MoveError {
    from: PathBuf,
    to: PathBuf,
    error: io::Error,
}

/// Where something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Here, while it was read.
    Intake,
    /// By the server.
    Upload,
}

/// Why a file lies in `failed/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Where it was refused.
    pub stage: Stage,
    /// What is wrong with it.
    pub reason: String,
    /// What a person can do.
    pub what_to_do: &'static str,
    /// The status of the server's answer.
    pub server_status: Option<u16>,
    /// How often the server was tried.
    pub attempts: u64,
    /// The identifier of the report, if it got one.
    pub id: Option<uuid::Uuid>,
}

/// The folders for what is finished.
#[derive(Debug)]
pub struct Disposition {
    done: PathBuf,
    failed: PathBuf,
    /// Intake and upload choose free names one after the other.
    choosing: Mutex<()>,
}

impl Reason {
    /// The content of the reason file.
    pub fn to_json(&self, file: &OsStr) -> String {
        let stage = match self.stage {
            Stage::Intake => "intake",
            Stage::Upload => "upload",
        };
        let value: Value = json!({
            "time": Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "file": file.to_string_lossy(),
            "stage": stage,
            "reason": self.reason,
            "what_to_do": self.what_to_do,
            "server_status": self.server_status,
            "attempts": self.attempts,
            "id": self.id.map(|id| id.to_string()),
        });
        format!("{value:#}\n")
    }
}

impl Disposition {
    /// Sources go to these folders.
    pub fn new(done: PathBuf, failed: PathBuf) -> Self {
        Disposition { done, failed, choosing: Mutex::new(()) }
    }

    /// Moves a delivered source to `done/`, if it is still the file whose report was delivered.
    ///
    /// # Errors
    /// If it cannot be moved.
    pub fn delivered(&self, source: &Source) -> Result<(), MoveError> {
        let blame = |error| MoveError { from: source.folder.clone(), to: self.done.clone(), error };
        let Some(watch) = still_there(source).map_err(blame)? else { return Ok(()) };
        let done = Folder::open(&self.done).map_err(blame)?;
        let _choosing = self.choosing.lock().unwrap_or_else(PoisonError::into_inner);
        move_to_free_name(&watch, &source.name, &source.identity, &done, None).map_err(blame)?;
        Ok(())
    }

    /// Moves a source whose report the server refused to `failed/`. If the source is gone, the report
    /// is written there from the queue.
    ///
    /// # Errors
    /// If it cannot be moved or written.
    pub fn rejected(
        &self,
        source: &Source,
        reason: &str,
        body: impl FnOnce() -> io::Result<Vec<u8>>,
    ) -> Result<(), MoveError> {
        let blame = |error| MoveError { from: source.folder.clone(), to: self.failed.clone(), error };
        let failed = Folder::open(&self.failed).map_err(blame)?;
        let _choosing = self.choosing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watch) = still_there(source).map_err(blame)? {
            let moved = move_to_free_name(&watch, &source.name, &source.identity, &failed, Some(reason));
            if moved.map_err(blame)? == Moved::Done {
                return Ok(());
            }
        }
        let body = body().map_err(blame)?;
        loop {
            let name = failed.free_name(&source.name).map_err(blame)?;
            failed.write(&reason_name(&name), reason.as_bytes(), true).map_err(blame)?;
            if failed.write(&name, &body, false).map_err(blame)? == Moved::Done {
                return Ok(());
            }
        }
    }

    /// Moves a file that never got into the queue to `failed/`.
    ///
    /// # Errors
    /// If it cannot be moved.
    pub fn unusable(
        &self,
        watch: &Folder,
        name: &OsStr,
        identity: &Identity,
        reason: &Reason,
    ) -> Result<Moved, MoveError> {
        let blame = |error| MoveError { from: watch.path().to_path_buf(), to: self.failed.clone(), error };
        let failed = Folder::open(&self.failed).map_err(blame)?;
        let _choosing = self.choosing.lock().unwrap_or_else(PoisonError::into_inner);
        let text = reason.to_json(name);
        move_to_free_name(watch, name, identity, &failed, Some(&text)).map_err(blame)
    }
}

/// The watch folder, if the source in it is still the same file with the same content.
fn still_there(source: &Source) -> io::Result<Option<Folder>> {
    let watch = match Folder::open(&source.folder) {
        Ok(watch) => watch,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if watch.look(&source.name)? != Some(Kind::Plain(source.identity)) {
        return Ok(None);
    }
    match watch.open_file(&source.name) {
        Ok(mut open) => Ok((hash(&mut open.file)? == source.sha256).then_some(watch)),
        Err(OpenRefused::Gone | OpenRefused::Foreign(_)) => Ok(None),
        Err(OpenRefused::InUse) => Err(io::Error::new(io::ErrorKind::ResourceBusy, "the file is in use")),
        // It was readable when it was taken; by its identity it is still the same.
        Err(OpenRefused::Failed(error)) if error.kind() == io::ErrorKind::PermissionDenied => Ok(Some(watch)),
        Err(OpenRefused::Failed(error)) => Err(error),
    }
}

fn hash(file: &mut impl io::Read) -> io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(hasher.finalize().into()),
            read => hasher.update(&chunk[..read]),
        }
    }
}

/// Moves a file under the first free name, with the reason already beside that name.
fn move_to_free_name(
    from: &Folder,
    name: &OsStr,
    identity: &Identity,
    to: &Folder,
    reason: Option<&str>,
) -> io::Result<Moved> {
    loop {
        let free = to.free_name(name)?;
        if let Some(text) = reason {
            to.write(&reason_name(&free), text.as_bytes(), true)?;
        }
        let moved = from.move_file(name, identity, to, &free)?;
        if moved != Moved::Done && reason.is_some() {
            to.discard(&reason_name(&free));
        }
        // Somebody else may have taken the name since it was chosen: the next one then.
        if moved != Moved::NameTaken {
            return Ok(moved);
        }
    }
}

/// Names like this are ours alone: intake leaves them where they are.
pub const REASON_SUFFIX: &str = ".reason.json";

fn reason_name(name: &OsStr) -> OsString {
    let mut reason = name.to_owned();
    reason.push(REASON_SUFFIX);
    reason
}
