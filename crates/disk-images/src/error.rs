//! Why a disk could not be read, or an image of it not be written.

use std::io;
use std::path::{Path, PathBuf};

/// See the [module](self).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk cannot be read, or is not one.
    #[error("reading the disk {}: {what}", file.display())]
    Disk {
        /// The disk.
        file: PathBuf,
        /// What is wrong with it, and what to do.
        what: String,
    },
    /// What is to be written does not fit the format.
    #[error("a {format} cannot hold this: {what}")]
    Unfit {
        /// The format, in words.
        format: &'static str,
        /// What does not fit, and what would.
        what: String,
    },
    /// The image could not be written.
    #[error("writing the image: {0}")]
    Io(#[from] io::Error),
}

/// The result of everything that can be refused.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn disk(file: &Path, what: impl Into<String>) -> Error {
        Error::Disk { file: file.to_owned(), what: what.into() }
    }

    pub(crate) fn unfit(format: &'static str, what: impl Into<String>) -> Error {
        Error::Unfit { format, what: what.into() }
    }
}
