//! Room on a disk, asked for before long work begins rather than missed in its middle.

use anyhow::{Context, Result, ensure};
use std::path::Path;

pub(crate) const GB: u64 = 1_000_000_000;

/// That so many bytes are free for everybody where `place` is, or will be; `work` is what takes them.
///
/// # Errors
/// When there are fewer, or the disk cannot be asked.
pub(crate) fn require(place: &Path, bytes: u64, work: &str) -> Result<()> {
    let there = place.ancestors().find(|folder| folder.exists()).unwrap_or(place);
    let disk =
        rustix::fs::statvfs(there).with_context(|| format!("asking how full {} is", there.display()))?;
    let free = disk.f_bavail * disk.f_frsize;
    ensure!(
        free >= bytes,
        "{:.1} GB are free in {}; {work} takes {} GB there: free some, or use another disk",
        free as f64 / GB as f64,
        place.display(),
        bytes / GB
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let later = folder.path().join("made/later");
        require(&later, 1, "nothing").unwrap();
        let error = require(&later, u64::MAX, "everything").unwrap_err().to_string();
        assert!(error.contains(&format!("free in {}; everything takes", later.display())), "{error}");
    }
}
