//! The disk itself, compressed (`.raw.zst`), for whatever is not listed elsewhere: `zstd -d` gives a sparse file back,
//! `zstdcat IMAGE | dd of=/dev/sdX` fills a real disk.
//!
//! One frame as in [RFC 8878], which says its size and has a checksum.
//!
//! [RFC 8878]: https://www.rfc-editor.org/rfc/rfc8878

use crate::{Disk, Result};
use std::io::{Read, Write};
use zstd::stream::write::Encoder;

/// How hard it tries. Levels beyond take several times as long, for a few percent.
const LEVEL: i32 = 9;

/// Bytes that are read at a time.
const PIECE: usize = 1024 * 1024;

/// Writes a disk, compressed.
///
/// # Errors
/// If the disk cannot be read, or `out` cannot be written.
pub fn write(disk: &mut Disk, out: &mut impl Write) -> Result<()> {
    let size = disk.size();
    let mut encoder = Encoder::new(out, LEVEL)?;
    encoder.include_checksum(true)?;
    encoder.include_contentsize(true)?;
    encoder.set_pledged_src_size(Some(size))?;
    let mut written = 0;
    for chunk in disk.chunks(PIECE) {
        let chunk = chunk?;
        let start = chunk.index * PIECE as u64;
        write_zeros(&mut encoder, start - written)?;
        let there = (size - start).min(PIECE as u64);
        encoder.write_all(&chunk.bytes[..there as usize])?;
        written = start + there;
    }
    write_zeros(&mut encoder, size - written)?;
    encoder.finish()?;
    Ok(())
}

fn write_zeros(out: &mut impl Write, length: u64) -> Result<()> {
    std::io::copy(&mut std::io::repeat(0).take(length), out)?;
    Ok(())
}
