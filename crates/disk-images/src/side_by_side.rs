//! Compresses pieces of a disk on all processors, and hands the results on in the order of the disk, so that an image does
//! not depend on how many processors there are.

use crate::Result;
use crate::disk::Chunk;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::thread;

/// Does `work` on each piece, and then `then`, one after the other, with the piece and what came of it. A processor gets so
/// many pieces at a time that they are worth a thread, and this times the processors is what is in memory.
pub(crate) fn in_order<T: Send>(
    pieces: usize,
    mut chunks: impl Iterator<Item = Result<Chunk>>,
    work: impl Fn(&Chunk) -> Result<T> + Sync,
    mut then: impl FnMut(&Chunk, T) -> Result<()>,
) -> Result<()> {
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    loop {
        let batch = chunks.by_ref().take(workers * pieces).collect::<Result<Vec<Chunk>>>()?;
        if batch.is_empty() {
            return Ok(());
        }
        let parts = batch.chunks(batch.len().div_ceil(workers));
        let work = &work;
        let results = thread::scope(|scope| {
            let threads = parts.map(|part| scope.spawn(move || part.iter().map(work).collect::<Vec<_>>()));
            let threads: Vec<_> = threads.collect();
            let joined =
                threads.into_iter().map(|one| one.join().unwrap_or_else(|panic| resume_unwind(panic)));
            joined.flatten().collect::<Vec<_>>()
        });
        for (chunk, result) in batch.iter().zip(results) {
            then(chunk, result?)?;
        }
    }
}
