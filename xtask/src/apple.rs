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

/// Whether a key made a stored signature, whatever it is for: otherwise it is an ad hoc one.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn is_by_key(signature: &[u8]) -> Result<bool> {
    Ok(cms_of(signature)?.iter().all(Option::is_some))
}

/// Whether a stored signature has a time stamp, whatever it is for.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn has_time_stamp(signature: &[u8]) -> Result<bool> {
    for cms in cms_of(signature)? {
        if !cms.map_or(Ok(false), |cms| cms::has_time_stamp(&cms))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The CMS signatures in a stored signature: that of a bundle has one for each slice of the program.
fn cms_of(signature: &[u8]) -> Result<Vec<Option<Vec<u8>>>> {
    let embedded = |bytes: &[u8]| -> Result<_> { Ok(Embedded::parse(bytes)?.cms()?.map(<[u8]>::to_vec)) };
    if package::is_package(signature) {
        return Ok(vec![package::cms_of_start(signature)?.map(<[u8]>::to_vec)]);
    }
    if !signature.starts_with(b"PK") {
        return Ok(vec![embedded(signature)?]);
    }
    let mut parts = zip::ZipArchive::new(Cursor::new(signature)).context("it is damaged")?;
    let mut found = Vec::new();
    for index in 0..parts.len() {
        let mut part = parts.by_index(index)?;
        if part.name()? != bundle::LIST {
            let mut bytes = Vec::new();
            part.read_to_end(&mut bytes)?;
            found.push(embedded(&bytes)?);
        }
    }
    Ok(found)
}
