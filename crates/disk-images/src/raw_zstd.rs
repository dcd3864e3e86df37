//! The disk itself, compressed (`.raw.zst`), for whatever is not listed elsewhere: `zstd -d` gives a sparse file back,
//! `zstdcat IMAGE | dd of=/dev/sdX` fills a real disk.
//!
//! Specified in [RFC 8878]. It is written in frames of 4 MiB, which say their size and have a checksum: holes then cost
//! nothing, and all processors compress. Decompressors read frames one behind the other as one stream, which the
//! specification asks of them.
//!
//! [RFC 8878]: https://www.rfc-editor.org/rfc/rfc8878

use crate::disk::Chunk;
use crate::side_by_side::in_order;
use crate::{Disk, Result};
use std::io::Write;
use zstd::bulk::Compressor;

/// How hard it tries. Levels beyond take several times as long, for a few percent.
const LEVEL: i32 = 9;

/// Bytes in a frame.
const FRAME: u64 = 4 * 1024 * 1024;

/// Writes a disk, compressed.
///
/// # Errors
/// If the disk cannot be read, or `out` cannot be written.
pub fn write(disk: &mut Disk, out: &mut impl Write) -> Result<()> {
    let size = disk.size();
    let length = |index: u64| (size - index * FRAME).min(FRAME) as usize;
    let hole = frame(&vec![0; FRAME as usize])?;
    let mut written = 0;
    let pack = |chunk: &Chunk| frame(&chunk.bytes[..length(chunk.index)]);
    in_order(1, disk.chunks(FRAME as usize), pack, |chunk, packed| {
        for _ in written..chunk.index {
            out.write_all(&hole)?;
        }
        written = chunk.index + 1;
        Ok(out.write_all(&packed)?)
    })?;
    for _ in written..size / FRAME {
        out.write_all(&hole)?;
    }
    if written * FRAME < size && !size.is_multiple_of(FRAME) {
        out.write_all(&frame(&vec![0; length(size / FRAME)])?)?;
    }
    Ok(())
}

fn frame(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut compressor = Compressor::new(LEVEL)?;
    compressor.include_checksum(true)?;
    compressor.include_contentsize(true)?;
    Ok(compressor.compress(bytes)?)
}
