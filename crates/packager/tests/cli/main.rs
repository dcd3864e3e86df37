//! The program `packager`, as other people's build scripts call it: what it writes, what it lists, and what
//! it says when it cannot.

#![cfg(unix)]

mod merge;
mod pack;
mod program;
#[path = "../sample/mod.rs"]
mod sample;
