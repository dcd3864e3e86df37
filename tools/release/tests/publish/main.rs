//! `release-tools publish` against the stand-in of GitHub: whole publications, broken off anywhere, and what is refused.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod bench;
mod broken_off;
mod image;
mod refused;
mod registry;
mod releases;
#[path = "../../examples/github-stand-in/stand_in/mod.rs"]
#[allow(dead_code, reason = "the rest is for the program")]
mod stand_in;
