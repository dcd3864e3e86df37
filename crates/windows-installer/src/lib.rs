//! Windows Installer databases (`.msi`) from checked tables, reproducible to the bit.
//!
//! A [`Database`] takes rows table by table and refuses values that their columns do not hold: unknown
//! columns, malformed identifiers and GUIDs, text that the code page does not have. [`Database::write`] then
//! gives the same bytes for the same rows, in whatever order they were added; nothing reads a clock or the
//! environment. Whether the rows make sense together is for the crate `windows-installer-lint`, which judges
//! finished files, whoever wrote them.
//!
//! The format is documented by Microsoft as
//! [Windows Installer](https://learn.microsoft.com/en-us/windows/win32/msi/windows-installer-portal): a
//! relational database in a compound file ([MS-CFB]), with the files to install in a cabinet ([MS-CAB])
//! in one of its streams. The crates `msi`, `cfb` and `cab` write these containers; this crate knows what
//! has to be in them.
//!
//! [MS-CFB]: https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-cfb/
//! [MS-CAB]: https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-cab/

#[doc(hidden)] // for the validator
pub mod bytes;
mod cabinet;
mod container;
mod database;
mod error;
mod file_version;
pub mod files;
pub mod guid;
mod identity;
pub mod names;
pub mod pe;
pub mod schema;
mod sequence;
pub mod standard_actions;
mod stray;
mod summary;

pub use cabinet::{Cabinet, CabinetFile};
pub use database::{Cell, Database};
pub use error::{Error, Result};
pub use file_version::FileVersion;
pub use files::FileSet;
pub use identity::Identity;
pub use sequence::{Ending, Place, Sequence};
pub use stray::has_stray_bytes;
pub use summary::{Platform, Summary};
