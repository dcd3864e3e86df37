//! Turns one program into installers: a [`Product`] and a [`Payload`] in, one file out.
//!
//! The crate knows nothing of pyWATS, cargo or Nix. A product describes itself in a manifest
//! ([`Product::load`]); a [`Format`] writes one kind of installer. What a format writes depends on
//! its arguments alone: no clock, environment, umask, locale, user or network. A folder of installers has
//! a list ([`artifacts`]); folders can be put together ([`merge()`](merge::merge)).

pub mod artifacts;
pub mod changelog;
pub mod digest;
pub mod format;
pub mod formats;
pub mod merge;
pub mod payload;
pub mod product;
pub mod target;
pub mod unfinished;
pub mod winget;

pub use artifacts::{Artifact, Artifacts};
pub use changelog::Changelog;
pub use format::{Format, Package};
pub use payload::{Entry, Kind, Owner, Payload, Source};
pub use product::Product;
pub use product_version::Version;
pub use target::{Arch, Os, Target};
