//! Archive formats of macOS, read and written on any system: no tool of Apple, no root, no mount.
//!
//! Nothing here knows of a product. What is written depends on what is given alone: times are parameters, identifiers
//! are derived from content.

pub mod code_signature;
pub mod mach_o;
