//! Compression that gives the same bytes everywhere: one thread, fixed levels, headers that say nothing.

use crate::{Kind, Payload, Source};
use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder, write::GzEncoder};
use liblzma::write::XzEncoder;
use std::io::Write;

/// What the gzip header calls Unix ([RFC 1952](https://www.rfc-editor.org/rfc/rfc1952), field OS).
const GZIP_OS_UNIX: u8 = 3;

/// A preset of xz: 8 MiB of dictionary, which a decoder on the smallest station can afford. Level 9 would
/// take 65 MiB there and gain nothing on programs of this size.
pub(super) const XZ_LEVEL: u32 = 6;

/// Compresses as `gzip -9n` does: no name, no time.
pub(super) fn gzip_writer<W: Write>(out: W) -> GzEncoder<W> {
    GzBuilder::new().mtime(0).operating_system(GZIP_OS_UNIX).write(out, Compression::best())
}

/// Compresses bytes as `gzip -9n` does.
pub(super) fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = gzip_writer(Vec::new());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

/// Compresses as `xz -6 -T1` does: several threads would cut the data into blocks and change the result.
pub(super) fn xz_writer<W: Write>(out: W) -> XzEncoder<W> {
    XzEncoder::new(out, XZ_LEVEL)
}

/// The payload as Linux distributions want it: manual pages compressed, and named `.gz`.
pub(super) fn with_compressed_manuals(payload: &Payload) -> Result<Payload> {
    let entries = payload.entries().iter().map(|entry| {
        let mut entry = entry.clone();
        if let Kind::Manual(source) = &entry.kind {
            let bytes = gzip(&source.read()?).with_context(|| format!("compressing {}", entry.path))?;
            entry.kind = Kind::Manual(Source::Bytes(bytes));
            entry.path += ".gz";
        }
        Ok(entry)
    });
    Payload::new(entries.collect::<Result<_>>()?)
}
