//! What can be wrong with a database, said with table, row and column.

/// The result of everything that can be refused.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a database cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// One value is not what its column holds.
    #[error("table {table}, row {row}, column {column}: {reason}")]
    Value {
        /// Name of the table.
        table: String,
        /// Primary key of the row, its columns joined with `/`.
        row: String,
        /// Name of the column.
        column: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// A row cannot be in its table, whatever its values.
    #[error("table {table}, row {row}: {reason}")]
    Row {
        /// Name of the table.
        table: String,
        /// Primary key of the row, its columns joined with `/`.
        row: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// A file name or folder that Windows could not make.
    #[error("{path:?} cannot be installed on Windows: {reason}")]
    Name {
        /// The name or path.
        path: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// A table, the summary information, the cabinet or a stream is wrong.
    #[error("{part}: {reason}")]
    Part {
        /// What is wrong: `table NAME`, `summary information`, `cabinet`, or `stream NAME`.
        part: String,
        /// Why, and what would be right.
        reason: String,
    },
    /// The container could not be written.
    #[error("writing the Windows Installer database: {0}")]
    Io(#[from] std::io::Error),
}

impl Error {
    pub(crate) fn part(part: impl Into<String>, reason: impl Into<String>) -> Error {
        Error::Part { part: part.into(), reason: reason.into() }
    }

    pub(crate) fn row(table: &str, row: &str, reason: impl Into<String>) -> Error {
        Error::Row { table: table.to_owned(), row: row.to_owned(), reason: reason.into() }
    }

    pub(crate) fn value(table: &str, row: &str, column: &str, reason: impl Into<String>) -> Error {
        Error::Value {
            table: table.to_owned(),
            row: row.to_owned(),
            column: column.to_owned(),
            reason: reason.into(),
        }
    }
}
