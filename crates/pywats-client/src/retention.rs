//! How long finished files are kept: a decision without I/O, and the removal.
//!
//! Delivered files go when they are older than the limit, or the oldest of them when there are too many
//! bytes, or when the disk is full. Files that were there before the service knew of limits get seven more
//! days, with a warning. Nothing is removed from `failed/` unless an administrator has set a limit. Only plain
//! files with names that the service itself puts there are touched, never folders in a folder.

use crate::archive;
use crate::config::Retention;
use crate::disk;
use crate::disposition::{REASON_SUFFIX, SENT_SUFFIX};
use crate::folder::{Folder, Kind, is_temporary};
use crate::intake::is_report_name;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

/// Seconds that files which were there before get.
pub const GRACE: i64 = 7 * DAY;
const DAY: i64 = 86_400;
const HOUR: i64 = 3600;
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

/// What of a folder is over the limits. Removes it if `remove` is set; `go_on` is asked between files.
///
/// # Errors
/// If the folder cannot be read.
pub fn apply(
    folder: &Folder,
    limits: &Limits,
    now: i64,
    remove: bool,
    mut go_on: impl FnMut() -> bool,
) -> io::Result<Removed> {
    if limits.are_none() {
        return Ok(Removed::default());
    }
    let mut ages = Ages::default();
    each(folder, |_, arrival, size| {
        ages.add(arrival, size);
        true
    })?;
    let cut = ages.cut(limits, now);
    if !remove {
        return Ok(ages.before(cut));
    }
    let mut removed = Removed::default();
    each(folder, |name, arrival, size| {
        if arrival < cut {
            folder.discard(name);
            for suffix in [REASON_SUFFIX, SENT_SUFFIX] {
                let mut beside = name.to_owned();
                beside.push(suffix);
                if folder.exists(&beside).unwrap_or(false) {
                    folder.discard(&beside);
                }
            }
            removed.files += 1;
            removed.bytes += size;
        }
        go_on()
    })?;
    Ok(removed)
}

/// Goes through the files that the service has put into a folder, without a list of them all in memory.
fn each(folder: &Folder, mut see: impl FnMut(&OsStr, i64, u64) -> bool) -> io::Result<()> {
    for entry in std::fs::read_dir(folder.path())? {
        let name = entry?.file_name();
        if !is_report_name(&name) {
            continue;
        }
        // What cannot be looked at, or went meanwhile, stays.
        let Ok(Some(Kind::Plain(identity))) = folder.look(&name) else { continue };
        let Ok(arrival) = folder.arrival(&name) else { continue };
        if !see(&name, arrival, identity.size) {
            break;
        }
    }
    Ok(())
}

/// The same for an archive, which has a folder a day: whole days go.
///
/// # Errors
/// If the archive cannot be read.
pub fn apply_to_archive(
    archive: &Folder,
    limits: &Limits,
    now: i64,
    remove: bool,
    mut go_on: impl FnMut() -> bool,
) -> io::Result<Removed> {
    if limits.are_none() {
        return Ok(Removed::default());
    }
    let mut ages = Ages::default();
    let mut days: Vec<(OsString, i64, Removed)> = Vec::new();
    for day in archive::days(archive)? {
        let Some(end) = end_of_day(&day) else { continue };
        let sum = contents(&archive.path().join(&day))?;
        // Its last second counts for all of it.
        ages.hours.insert((end - 1).div_euclid(HOUR), (sum.files, sum.bytes));
        days.push((day, end, sum));
    }
    let cut = ages.cut(limits, now);
    let mut removed = Removed::default();
    for (day, end, sum) in days {
        if end > cut || !go_on() {
            break;
        }
        if remove {
            remove_day(&archive.path().join(&day))?;
        }
        removed.files += sum.files;
        removed.bytes += sum.bytes;
    }
    Ok(removed)
}

fn end_of_day(name: &OsStr) -> Option<i64> {
    let day: jiff::civil::Date = name.to_str()?.parse().ok()?;
    let start = day.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(start.timestamp().as_second() + DAY)
}

/// What the service has put into the folder of a day.
fn contents(folder: &Path) -> io::Result<Removed> {
    let mut sum = Removed::default();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if is_archived(&entry)? {
            sum.files += 1;
            sum.bytes += entry.metadata()?.len();
        }
    }
    Ok(sum)
}

/// Removes that, and the folder if nothing of somebody else lies there.
fn remove_day(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if is_archived(&entry)? {
            std::fs::remove_file(entry.path())?;
        }
    }
    match std::fs::remove_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
        result => result,
    }
}

/// A crash may have left one half-written: that goes with the others of its day.
fn is_archived(entry: &std::fs::DirEntry) -> io::Result<bool> {
    let name = entry.file_name();
    let ours = name.to_string_lossy().ends_with(archive::SUFFIX) || is_temporary(&name);
    Ok(ours && entry.file_type()?.is_file())
}

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

    /// Fails if: something is removed that the service did not put there, a reason or note stays behind, or
    /// files are removed where that was not ordered.
    #[test]
    fn only_own_files_go() {
        let dir = tempfile::tempdir().unwrap();
        let names = ["a.json", "a.json.sent.json", "b.json", "b.json.reason.json", "notes.txt", "sub"];
        for name in names {
            match name {
                "sub" => std::fs::create_dir(dir.path().join(name)).unwrap(),
                _ => std::fs::write(dir.path().join(name), name).unwrap(),
            }
        }
        let folder = Folder::open(dir.path()).unwrap();
        let left = || {
            let mut names = folder.names().unwrap();
            names.sort();
            names
        };
        let limits = Limits { days: 1, bytes: 0, must_go: 0 };
        let later = folder.arrival("a.json".as_ref()).unwrap() + 3 * DAY;
        let due = Removed { files: 2, bytes: 12 };
        assert_eq!(apply(&folder, &limits, later, false, || true).unwrap(), due);
        assert_eq!(left(), names);
        assert_eq!(apply(&folder, &limits, later, true, || true).unwrap(), due);
        assert_eq!(left(), ["notes.txt", "sub"]);
    }

    /// Fails if: days of the archive go that are within the limits, or foreign folders go.
    #[test]
    fn whole_days_of_the_archive_go() {
        let dir = tempfile::tempdir().unwrap();
        for day in ["2026-01-01", "2026-01-02", "2026-01-03", "mine"] {
            std::fs::create_dir(dir.path().join(day)).unwrap();
            std::fs::write(dir.path().join(day).join("a.json.gz"), [0; 100]).unwrap();
        }
        let archive = Folder::open(dir.path()).unwrap();
        let now = end_of_day("2026-01-03".as_ref()).unwrap() + 10 * HOUR;
        for (days, bytes, left) in [(10, 300, 3), (2, 0, 2), (0, 100, 1), (0, 1, 0)] {
            let limits = Limits { days, bytes, must_go: 0 };
            let due = apply_to_archive(&archive, &limits, now, false, || true).unwrap();
            assert_eq!(apply_to_archive(&archive, &limits, now, true, || true).unwrap(), due);
            assert_eq!(archive::days(&archive).unwrap().len(), left, "{limits:?}");
        }
        assert!(dir.path().join("mine").exists());
        let mine = dir.path().join("2026-01-03").join("mine.json");
        std::fs::create_dir(mine.parent().unwrap()).unwrap();
        std::fs::write(&mine, "x").unwrap();
        std::fs::write(dir.path().join("2026-01-03").join("b.json.gz"), "x").unwrap();
        let limits = Limits { days: 1, bytes: 0, must_go: 0 };
        let due = Removed { files: 1, bytes: 1 };
        assert_eq!(apply_to_archive(&archive, &limits, now + 9 * DAY, true, || true).unwrap(), due);
        assert!(mine.exists() && !dir.path().join("2026-01-03").join("b.json.gz").exists());
    }
}
