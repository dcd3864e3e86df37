//! Turns one program into installers: a [`Product`] and a [`Payload`] in, one file out.
//!
//! The crate knows nothing of pyWATS, cargo or Nix. A product describes itself in a manifest ([`Product::load`]) and
//! names its artifacts in a table ([`Rows`]); a [`Recipe`] makes one of them; a [`Format`] writes one kind. What a
//! format writes depends on its arguments alone: no clock, environment, umask, locale, user or network. A folder of
//! artifacts has a list ([`artifacts`]); folders can be put together ([`merge()`](merge::merge)).

pub mod artifacts;
mod authorities;
pub mod changelog;
pub mod digest;
pub mod folder;
pub mod format;
pub mod formats;
pub mod merge;
pub mod payload;
pub mod product;
pub mod programs;
pub mod recipe;
pub mod rows;
pub mod target;
pub mod unfinished;
pub mod winget;

pub use artifacts::{Artifact, Artifacts};
pub use changelog::Changelog;
pub use folder::Folder;
pub use format::{Format, Package};
pub use merge::lay_over;
pub use payload::{Entry, Kind, Owner, Part, Payload, Source};
pub use product::Product;
pub use product_version::Version;
pub use programs::{Compiled, Programs};
pub use recipe::{Origin, Recipe};
pub use rows::{ApplianceRow, Row, Rows};
pub use target::{Arch, Os, Platform, Target};
