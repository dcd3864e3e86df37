//! How long finished files are kept: a decision without I/O, and the removal.
//!
//! Delivered files go when they are older than the limit, or the oldest of them when there are too many
//! bytes, or when the disk is full. In a folder that was not empty when the service first used it nothing is
//! removed for seven days. Nothing is removed from `failed/` unless an administrator has set a limit.
//!
//! Only what the service can prove that it wrote goes: in `done/` a file that the queue remembers with this
//! content, in the archive one with our comment in its header, in `failed/` one beside which our reason says that
//! it has this content. Nothing goes for its age while the clock is in doubt ([`clock`]).

mod archived;
pub mod clock;
mod done;
mod failed;

pub use archived::apply_to_archive;
pub use done::apply;
pub use failed::apply_to_failed;

use crate::config::Retention;
use crate::disk;
use crate::disposition;
use crate::folder::{Folder, Identity, Kind, OpenRefused};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

/// Seconds that files which were there before get.
pub const GRACE: i64 = 7 * DAY;
const DAY: i64 = 86_400;
const HOUR: i64 = 3600;
/// Notes and reasons are smaller.
const NOTE: u64 = 1 << 20;
/// Below this much free space, in bytes, the oldest files go.
const FULL: u64 = 24 << 20;
/// So much is made free then.
const ENOUGH: u64 = 64 << 20;

/// Files and bytes that come to an age, by hour.
#[derive(Clone, Debug, Default)]
pub struct Ages {
    hours: BTreeMap<i64, (u64, u64)>,
}

/// What was removed, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What may be kept of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For how many days; 0 is for ever.
    pub days: u32,
    /// How many bytes; 0 is all.
    pub bytes: u64,
    /// How many bytes must go because the disk is full.
    pub must_go: u64,
}

impl Limits {
    /// Of delivered files in a folder.
    pub fn of_delivered(retention: &Retention, folder: &Path) -> Self {
        Limits {
            days: retention.done_days,
            bytes: u64::from(retention.done_gigabytes) * 1_000_000_000,
            must_go: must_go(disk::free_space(folder).unwrap_or(u64::MAX)),
        }
    }

    /// Of refused files.
    pub fn of_refused(retention: &Retention) -> Self {
        Limits { days: retention.failed_days, bytes: 0, must_go: 0 }
    }

    /// Whether nothing can be due.
    pub fn are_none(&self) -> bool {
        *self == Limits { days: 0, bytes: 0, must_go: 0 }
    }
}

/// How many bytes must go where so many are free.
fn must_go(free: u64) -> u64 {
    if free < FULL { ENOUGH - free } else { 0 }
}

/// Whether the disk of a folder is so full that old files have to go.
pub fn is_pressing(folder: &Path) -> bool {
    disk::free_space(folder).is_ok_and(|free| must_go(free) > 0)
}

impl Ages {
    fn add(&mut self, arrival: i64, bytes: u64) {
        let (files, sum) = self.hours.entry(arrival.div_euclid(HOUR)).or_default();
        *files += 1;
        *sum += bytes;
    }

    /// Files that arrived before this time go; in seconds since 1970. Whole hours go together, and what came
    /// in this hour stays, whatever the limits say.
    fn cut(&self, limits: &Limits, now: i64) -> i64 {
        let this_hour = now.div_euclid(HOUR);
        let too_old = if limits.days == 0 { i64::MIN } else { now - i64::from(limits.days) * DAY };
        let all: u64 = self.hours.values().map(|(_, bytes)| bytes).sum();
        let too_many = if limits.bytes == 0 { 0 } else { all.saturating_sub(limits.bytes) };
        let mut missing = too_many.max(limits.must_go);
        let mut first = i64::MIN;
        for (&hour, &(_, bytes)) in self.hours.range(..this_hour) {
            if missing == 0 {
                break;
            }
            missing = missing.saturating_sub(bytes);
            first = hour + 1;
        }
        too_old.max(first.saturating_mul(HOUR)).min(this_hour * HOUR)
    }

    fn before(&self, cut: i64) -> Removed {
        let gone = self.hours.range(..cut.div_euclid(HOUR)).map(|(_, sums)| sums);
        gone.fold(Removed::default(), |all, (files, bytes)| Removed {
            files: all.files + files,
            bytes: all.bytes + bytes,
        })
    }
}

/// Which file a name stands for, if its content is this; `None` if it is another one, or none. The error means
/// that it cannot be told for now.
fn with_content(folder: &Folder, name: &OsStr, sha256: &[u8; 32]) -> Result<Option<Identity>, Unclear> {
    let mut open = match folder.open_file(name) {
        Ok(open) => open,
        Err(OpenRefused::Gone | OpenRefused::Foreign(_)) => return Ok(None),
        Err(_) => return Err(Unclear),
    };
    if disposition::hash(&mut open.file).map_err(|_| Unclear)? != *sha256 {
        return Ok(None);
    }
    match folder.look(name) {
        Ok(Some(Kind::Plain(identity))) if identity == open.identity => Ok(Some(identity)),
        _ => Err(Unclear),
    }
}

/// It cannot be told for now.
struct Unclear;

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: files go that are within the limits, or stay that are not; or what came just now goes.
    #[test]
    fn what_is_due() {
        let now = 1_800_000_000 / HOUR * HOUR;
        let mut ages = Ages::default();
        // Three files of 100 bytes: 100 days, 50 days and a minute old.
        for age in [100 * DAY, 50 * DAY, -60] {
            ages.add(now - age, 100);
        }
        // days, bytes, bytes that must go → files that go
        for (days, bytes, must_go, files) in [
            (90, 1000, 0, 1),
            (0, 1000, 0, 0),
            (0, 0, 0, 0),
            (40, 0, 0, 2),
            (0, 200, 0, 1),
            (0, 199, 0, 2),
            (0, 1, 0, 2),
            (90, 0, 101, 2),
            (90, 0, 5, 1),
            (0, 0, u64::MAX, 2),
            (1, 1, u64::MAX, 2),
        ] {
            let limits = Limits { days, bytes, must_go };
            let cut = ages.cut(&limits, now + 120);
            assert_eq!(ages.before(cut).files, files, "{limits:?}");
        }
        assert_eq!([must_go(0), must_go(FULL - 1), must_go(FULL)], [ENOUGH, ENOUGH - FULL + 1, 0]);
    }
}
