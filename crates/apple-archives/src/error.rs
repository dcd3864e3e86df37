//! Why something could not be written or read.

/// See the [module](self).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What is read is not what its format asks for.
    #[error("the {format} is damaged or cut off: {what}")]
    Damaged {
        /// The format, in words.
        format: &'static str,
        /// What is wrong, and where.
        what: String,
    },
    /// What is to be written does not fit the format.
    #[error("a {format} cannot hold this: {what}")]
    Unfit {
        /// The format, in words.
        format: &'static str,
        /// What does not fit.
        what: String,
    },
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Error {
    pub(crate) fn damaged(format: &'static str, what: impl Into<String>) -> Error {
        Error::Damaged { format, what: what.into() }
    }

    pub(crate) fn unfit(format: &'static str, what: impl Into<String>) -> Error {
        Error::Unfit { format, what: what.into() }
    }
}
