//! Archive formats of macOS, read and written on any system: no tool of Apple, no root, no mount.
//!
//! Nothing here knows of a product. What is written depends on what is given alone: times are parameters, identifiers
//! are derived from content.

pub mod bom;
pub mod code_signature;
pub mod cpio;
pub mod ds_store;
mod error;
pub mod flat_package;
pub mod hfs_plus;
pub mod icns;
pub mod mach_o;
pub mod plist;
pub mod tree;
pub mod udif;
pub mod xar;
mod xml;

pub use error::Error;
