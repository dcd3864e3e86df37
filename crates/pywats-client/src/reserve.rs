//! The space that is kept back, so that a full disk stops nothing that is under way.
//!
//! A file of some megabytes lies in the data folder, really allocated. Intake stops before it is touched
//! ([`Reserve::room_for`]). Where the database cannot be opened or written because the disk is full, the
//! file is cut shorter step by step ([`Reserve::release`]), so that verdicts are committed and reports go
//! on, one by one. When space comes back the file is filled up again, and intake goes on.

use crate::disk;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The file's name in the data folder.
pub const NAME: &str = "reserve";
/// Its size in bytes: more than a thousand commits.
const SIZE: u64 = 8 << 20;
/// What one commit that finds no space gets.
const STEP: u64 = 512 << 10;
/// A disk with less than this is full, whatever an error says.
const DRY: u64 = 256 << 10;
/// What stays free beside it for the commits of intake and for other programs, in bytes.
const MARGIN: u64 = 8 << 20;

/// The disk has not enough room to take in more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "only {} MiB are free on the disk of {}; files stay in the watch folder until {} MiB are free: make room",
    free >> 20, folder.display(), (needed >> 20) + 1
)]
pub struct NoRoom {
    /// The data folder.
    pub folder: PathBuf,
    /// What is free, in bytes.
    pub free: u64,
    /// What must be free, in bytes.
    pub needed: u64,
}

/// See the module.
#[derive(Debug)]
pub struct Reserve {
    folder: PathBuf,
    file: PathBuf,
    /// How many bytes are kept back now.
    held: Mutex<u64>,
}

impl Reserve {
    /// The reserve of a data folder, as it is. Without one the service runs as well, until the disk is full.
    pub fn of(data_dir: &Path) -> Self {
        let file = data_dir.join(NAME);
        let held = std::fs::metadata(&file).map_or(0, |file| file.len());
        Reserve { folder: data_dir.to_path_buf(), file, held: Mutex::new(held) }
    }

    /// Makes it whole if there is space for that; cheap if it is whole.
    pub fn fill_up(&self) {
        drop(self.room_for(0));
    }

    /// Whether the disk has no space worth speaking of: then that is why something fails, even where SQLite
    /// calls it an I/O error.
    pub fn is_dry(&self) -> bool {
        disk::free_space(&self.folder).is_ok_and(|free| free < DRY)
    }

    fn held(&self) -> MutexGuard<'_, u64> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether so many bytes can be written without touching the reserve. Fills it up first where it was
    /// used and space has come back.
    ///
    /// # Errors
    /// If they cannot.
    pub fn room_for(&self, bytes: u64) -> Result<(), NoRoom> {
        let mut held = self.held();
        // A file system that does not tell is not asked; a full one will say so.
        let Ok(free) = disk::free_space(&self.folder) else { return Ok(()) };
        let needed = (SIZE - (*held).min(SIZE)) + MARGIN + bytes;
        if free < needed {
            return Err(NoRoom { folder: self.folder.clone(), free, needed });
        }
        if *held < SIZE {
            match fill(&self.file) {
                Ok(()) => *held = SIZE,
                Err(error) => {
                    tracing::debug!("{}: {error}", self.file.display());
                    // As much as is there may be less than before.
                    *held = std::fs::metadata(&self.file).map_or(0, |file| file.len());
                }
            }
        }
        Ok(())
    }

    /// Gives a part of the reserve to a commit that finds no space; says whether there was any left.
    pub fn release(&self) -> bool {
        let mut held = self.held();
        if *held == 0 {
            return false;
        }
        let rest = held.saturating_sub(STEP);
        let cut = File::options().write(true).open(&self.file).and_then(|file| file.set_len(rest));
        match cut {
            Ok(()) => {
                if *held == SIZE {
                    tracing::warn!(
                        "the disk of {} is full: reports that are under way go on with the space kept back for them",
                        self.folder.display()
                    );
                }
                *held = rest;
                true
            }
            Err(error) => {
                tracing::debug!("{}: {error}", self.file.display());
                *held = 0;
                false
            }
        }
    }
}

/// Makes the file whole. Its bytes are written, and no two blocks are alike, so that no file system finds a
/// way to keep less than that.
fn fill(path: &Path) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let mut random = fastrand::Rng::new();
    let mut block = vec![0; 64 << 10];
    for _ in 0..SIZE / block.len() as u64 {
        random.fill(&mut block);
        if let Err(error) = file.write_all(&block) {
            drop(file.set_len(0));
            return Err(error);
        }
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: the reserve is not whole after opening, gives more or less than it has, or is not filled up
    /// when there is space again.
    #[test]
    fn gives_step_by_step_and_fills_up() {
        let dir = tempfile::tempdir().unwrap();
        let reserve = Reserve::of(dir.path());
        assert!(!reserve.release(), "nothing is there yet");
        reserve.fill_up();
        let size = || std::fs::metadata(dir.path().join(NAME)).unwrap().len();
        assert_eq!(size(), SIZE);
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let blocks = std::fs::metadata(dir.path().join(NAME)).unwrap().blocks();
            assert!(blocks * 512 >= SIZE, "really allocated");
        }
        for step in 1..=SIZE / STEP {
            assert!(reserve.release());
            assert_eq!(size(), SIZE - step * STEP);
        }
        assert!(!reserve.release(), "nothing is left");
        reserve.room_for(0).unwrap();
        assert_eq!(size(), SIZE);
        let missing = reserve.room_for(u64::MAX / 2).unwrap_err();
        assert!(missing.to_string().contains("make room"), "{missing}");
    }
}
