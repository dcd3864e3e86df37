//! The formats, a module each.

mod msi;

use crate::Format;
use anyhow::{Result, bail};

/// Every format, in the order in which they are listed to people.
pub const ALL: &[&dyn Format] = &[&msi::Msi];

/// The format of that name.
///
/// # Errors
/// If there is none; the error lists those there are.
pub fn by_name(name: &str) -> Result<&'static dyn Format> {
    match ALL.iter().find(|format| format.name() == name) {
        Some(format) => Ok(*format),
        None => {
            let names: Vec<_> = ALL.iter().map(|format| format.name()).collect();
            bail!("unknown format {name:?}: use {}", names.join(", "))
        }
    }
}
