//! The outermost container: a compound file whose bytes depend on its streams alone.
//!
//! Specified by [MS-CFB](https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-cfb/). The
//! `msi` crate writes version 4, which tools that sign packages refuse, in the order in which streams
//! happened to be created and changed. So its streams are copied, sorted by name, into a fresh file of
//! version 3.

use crate::Result;
use std::io::{Cursor, Read, Write};
use std::path::PathBuf;

/// Copies a compound file, so that equal streams give equal bytes.
pub(crate) fn normalize(compound: Vec<u8>) -> Result<Vec<u8>> {
    let mut source = cfb::CompoundFile::open(Cursor::new(compound))?;
    let mut target = cfb::CompoundFile::create_with_version(cfb::Version::V3, Cursor::new(Vec::new()))?;
    target.set_storage_clsid("/", *source.root_entry().clsid())?;
    let mut streams: Vec<PathBuf> = source
        .walk()
        // A table without rows has no stream: Windows reads an empty one as damage.
        .filter(|entry| entry.is_stream() && !entry.is_empty())
        .map(|entry| entry.path().to_owned())
        .collect();
    streams.sort();
    for path in streams {
        let mut content = Vec::new();
        source.open_stream(&path)?.read_to_end(&mut content)?;
        target.create_new_stream(&path)?.write_all(&content)?;
    }
    target.flush()?;
    Ok(target.into_inner().into_inner())
}
