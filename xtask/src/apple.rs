//! Signatures of what is for macOS: what can have one, who makes it, what it says, and whether it stands.
//!
//! [`crate::sign`] makes them and [`crate::verify`] judges files; both are verbs over this module, which knows of neither.
//! Where signatures are in files, `apple_archives` knows; the [`engine`] makes them; OpenSSL judges what a key signed.

pub(crate) mod bundle;
mod cms;
pub(crate) mod engine;
pub(crate) mod identity;
mod judge;

pub(crate) use bundle::Bundle;
pub(crate) use engine::Engine;
pub(crate) use identity::{Identity, Usage};
pub(crate) use judge::{Code, Kind, judge};

use anyhow::{Context, Result};
use apple_archives::code_signature::{Embedded, package};
use std::io::{Cursor, Read};

/// Whether a stored signature has a time stamp, whatever it is for.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn has_time_stamp(signature: &[u8]) -> Result<bool> {
    if package::is_package(signature) {
        let cms = package::cms_of_start(signature)?.context("it has no signature")?;
        return cms::has_time_stamp(cms);
    }
    if !signature.starts_with(b"PK") {
        return embedded_has_time_stamp(signature);
    }
    let mut slices = zip::ZipArchive::new(Cursor::new(signature)).context("it is damaged")?;
    for index in 0..slices.len() {
        let mut slice = slices.by_index(index)?;
        let mut bytes = Vec::new();
        if slice.name()? != bundle::LIST {
            slice.read_to_end(&mut bytes)?;
            if !embedded_has_time_stamp(&bytes)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

fn embedded_has_time_stamp(signature: &[u8]) -> Result<bool> {
    match Embedded::parse(signature)?.cms()? {
        Some(cms) => cms::has_time_stamp(cms),
        None => Ok(false),
    }
}
