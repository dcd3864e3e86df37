//! How long finished files are kept: a decision without I/O, and the removal.
//!
//! Delivered files go when they are older than the limit, or the oldest of them when there are too many
//! bytes, or when the disk is full. In a folder that was not empty when the service first used it nothing is
//! removed for seven days. Nothing is removed from `failed/` unless an administrator has set a limit.
//!
//! Only what the service can prove that it wrote goes: in `done/` a file that the queue remembers with this
//! content, in the archive one with our comment in its header, in `failed/` one with our reason beside it.

use crate::archive;
use crate::config::Retention;
use crate::disk;
use crate::disposition::{self, REASON_SUFFIX, SENT_SUFFIX, with_suffix};
use crate::folder::{Folder, Kind, OpenRefused};
use crate::intake::is_report_name;
use crate::queue::{Kept, Queue};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
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

/// What of the done folder is over the limits. Removes it if `remove` is set; `go_on` is asked between files.
/// Only files that the queue knows, and that are still the same, count.
///
/// # Errors
/// If the database cannot be used.
pub fn apply(
    queue: &Queue,
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
    let mut gone = Vec::new();
    let mut present = false;
    let same_size = |kept: &Kept| match folder.look(&kept.name) {
        Ok(Some(Kind::Plain(identity))) if identity.size == kept.size => Some(true),
        Ok(_) => Some(false),
        // What cannot be looked at stays.
        Err(_) => None,
    };
    queue
        .each_kept(folder.path(), |kept| {
            match same_size(&kept) {
                Some(true) => {
                    present = true;
                    ages.add(kept.time, kept.size);
                }
                Some(false) => gone.push(kept.name),
                None => {}
            }
            true
        })
        .map_err(io::Error::other)?;
    // Where all have gone, the folder itself may be another for a while: a share that is away.
    if present {
        queue.forget_kept(folder.path(), &gone).map_err(io::Error::other)?;
    }
    let cut = ages.cut(limits, now);
    if !remove {
        return Ok(ages.before(cut));
    }
    let mut removed = Removed::default();
    let mut forget = Vec::new();
    queue
        .each_kept(folder.path(), |kept| {
            if kept.time < cut {
                match remove_kept(folder, &kept) {
                    Some(true) => {
                        removed.files += 1;
                        removed.bytes += kept.size;
                        forget.push(kept.name);
                    }
                    Some(false) if present => forget.push(kept.name),
                    _ => {}
                }
            }
            go_on()
        })
        .map_err(io::Error::other)?;
    queue.forget_kept(folder.path(), &forget).map_err(io::Error::other)?;
    Ok(removed)
}

/// Removes a file with its note if it still has the content that was put there; says whether it had. `None`
/// if that cannot be told for now.
fn remove_kept(folder: &Folder, kept: &Kept) -> Option<bool> {
    let mut open = match folder.open_file(&kept.name) {
        Ok(open) => open,
        Err(OpenRefused::Gone | OpenRefused::Foreign(_)) => return Some(false),
        Err(_) => return None,
    };
    if open.identity.size != kept.size {
        return Some(false);
    }
    if disposition::hash(&mut open.file).ok()? != kept.sha256 {
        return Some(false);
    }
    if folder.look(&kept.name).ok()? != Some(Kind::Plain(open.identity)) {
        return None;
    }
    drop(open);
    folder.discard(&kept.name);
    let beside = with_suffix(&kept.name, SENT_SUFFIX);
    let note = folder.open_file(&beside).ok().and_then(|mut note| note.read(NOTE).ok());
    if note.is_some_and(|note| disposition::id_for(&note, &kept.sha256).is_some()) {
        folder.discard(&beside);
    }
    Some(!folder.exists(&kept.name).unwrap_or(true))
}

/// The same for the failed folder. A file is ours if our reason lies beside it; one that was corrected
/// there has the time of its correction.
///
/// # Errors
/// If the folder cannot be read.
pub fn apply_to_failed(
    folder: &Folder,
    limits: &Limits,
    now: i64,
    remove: bool,
    mut go_on: impl FnMut() -> bool,
) -> io::Result<Removed> {
    if limits.are_none() {
        return Ok(Removed::default());
    }
    let cut = Ages::default().cut(limits, now);
    let mut due = Removed::default();
    for entry in std::fs::read_dir(folder.path())? {
        let name = entry?.file_name();
        let Ok(Some(Kind::Plain(identity))) = folder.look(&name) else { continue };
        let Ok(arrival) = folder.arrival(&name) else { continue };
        let beside = with_suffix(&name, REASON_SUFFIX);
        if !is_report_name(&name) || arrival >= cut || !is_reason(folder, &beside) {
            continue;
        }
        if remove {
            folder.discard(&name);
            folder.discard(&beside);
        }
        due.files += 1;
        due.bytes += identity.size;
        if !go_on() {
            break;
        }
    }
    Ok(due)
}

fn is_reason(folder: &Folder, name: &OsStr) -> bool {
    let content = folder.open_file(name).ok().and_then(|mut open| open.read(NOTE).ok());
    let reason: Option<serde_json::Value> = content.and_then(|content| serde_json::from_slice(&content).ok());
    reason.is_some_and(|reason| ["reason", "what_to_do", "stage"].iter().all(|key| reason[key].is_string()))
}

/// The same for an archive, which has a folder a day: the files of whole days go, then the folder if it is
/// empty. A file is ours if its header says so.
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
    let mut days: Vec<(Folder, i64)> = Vec::new();
    for day in archive::days(archive)? {
        let Some(end) = end_of_day(&day) else { continue };
        // A file or a link with such a name is not ours.
        let Ok(day) = Folder::open(&archive.path().join(&day)) else { continue };
        // Its last second counts for all of it.
        let sums = ages.hours.entry((end - 1).div_euclid(HOUR)).or_default();
        each_archived(&day, |_, size| {
            sums.0 += 1;
            sums.1 += size;
            true
        })?;
        days.push((day, end));
    }
    let cut = ages.cut(limits, now);
    let mut removed = Removed::default();
    for (day, _) in days.into_iter().filter(|(_, end)| *end <= cut) {
        let before = removed.files;
        each_archived(&day, |name, size| {
            let ours = day.open_file(name).is_ok_and(|open| archive::record(open.file).is_ok());
            if ours {
                if remove {
                    day.discard(name);
                }
                removed.files += 1;
                removed.bytes += size;
            }
            go_on()
        })?;
        if remove && removed.files > before {
            let path = day.path().to_path_buf();
            drop(day);
            // Refused while something is in it.
            let _ = std::fs::remove_dir(path);
        }
        if !go_on() {
            break;
        }
    }
    Ok(removed)
}

/// Goes through the files of a day that have a name as the archive gives it.
fn each_archived(day: &Folder, mut see: impl FnMut(&OsStr, u64) -> bool) -> io::Result<()> {
    for entry in std::fs::read_dir(day.path())? {
        let name = entry?.file_name();
        if archive::id_in(&name).is_none() {
            continue;
        }
        let Ok(Some(Kind::Plain(identity))) = day.look(&name) else { continue };
        if !see(&name, identity.size) {
            break;
        }
    }
    Ok(())
}

fn end_of_day(name: &OsStr) -> Option<i64> {
    let day: jiff::civil::Date = name.to_str()?.parse().ok()?;
    let start = day.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(start.timestamp().as_second() + DAY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

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

    const LATER: i64 = 3 * DAY;

    /// Fails if: something in the done folder is removed that the service did not put there, or that is not what
    /// it put there any more; or its own stays, or its note.
    #[test]
    fn only_own_files_go() {
        // name, content, what the queue remembers of it, whether it goes
        let cases: [(&str, &str, Option<&str>, bool); 6] = [
            ("a.json", "ours", Some("ours"), true),
            ("b.json", "ours too", Some("ours too"), true),
            ("recipe.json", "theirs", None, false),
            ("changed.json", "edited by them", Some("edited by us!!"), false),
            ("longer.json", "longer than ours", Some("ours"), false),
            ("notes.txt", "theirs", None, false),
        ];
        let dir = tempfile::tempdir().unwrap();
        let data = tempfile::tempdir().unwrap();
        let queue = crate::queue::open(data.path()).unwrap().queue;
        let now = jiff::Timestamp::now().as_second();
        for (name, content, known, _) in cases {
            std::fs::write(dir.path().join(name), content).unwrap();
            if let Some(known) = known {
                let sha256 = Sha256::digest(known).into();
                let kept = Kept { name: name.into(), size: known.len() as u64, sha256, time: now };
                queue.keep_in_mind(dir.path(), &kept).unwrap();
            }
        }
        let sent = |content: &str| {
            let sha256 = Sha256::digest(content).into();
            disposition::Sent { id: uuid::Uuid::nil(), sha256, notes: &[] }.to_json("x".as_ref())
        };
        std::fs::write(dir.path().join("a.json.sent.json"), sent("ours")).unwrap();
        std::fs::write(dir.path().join("b.json.sent.json"), sent("of another")).unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        let limits = Limits { days: 1, bytes: 0, must_go: 0 };
        let run = |remove| apply(&queue, &folder, &limits, now + LATER, remove, || true).unwrap();
        run(false);
        assert_eq!(folder.names().unwrap().len(), cases.len() + 2);
        assert_eq!(run(true), Removed { files: 2, bytes: 12 });
        for (name, _, _, goes) in cases {
            assert_eq!(folder.exists(name.as_ref()).unwrap(), !goes, "{name}");
        }
        assert!(!folder.exists("a.json.sent.json".as_ref()).unwrap());
        assert!(folder.exists("b.json.sent.json".as_ref()).unwrap());
        assert_eq!(run(true), Removed::default());
    }

    /// Fails if: a refused file goes whose reason is not ours, or one with ours stays.
    #[test]
    fn refused_files_go_with_their_reason() {
        let reason = r#"{"reason": "r", "what_to_do": "w", "stage": "intake"}"#;
        for (reason, goes) in [(Some(reason), true), (Some("{}"), false), (Some("x"), false), (None, false)] {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join("a.json"), "x").unwrap();
            if let Some(reason) = reason {
                std::fs::write(dir.path().join("a.json.reason.json"), reason).unwrap();
            }
            let folder = Folder::open(dir.path()).unwrap();
            let limits = Limits { days: 1, bytes: 0, must_go: 0 };
            let later = folder.arrival("a.json".as_ref()).unwrap() + LATER;
            apply_to_failed(&folder, &limits, later, true, || true).unwrap();
            let left = usize::from(!goes) * (1 + usize::from(reason.is_some()));
            assert_eq!(folder.names().unwrap().len(), left, "{reason:?}");
        }
    }

    /// Fails if: days of the archive go that are within the limits, or anything goes that the archive has not
    /// written, or a folder that was not emptied.
    #[test]
    fn own_files_of_whole_days_go() {
        const OURS: &str = "a~00000000-0000-0000-0000-000000000005.json.gz";
        let dir = tempfile::tempdir().unwrap();
        let file = |day: &str, name: &str| dir.path().join(day).join(name);
        let comment = r#"{"name":"a.json","id":"00000000-0000-0000-0000-000000000005","sha256":"","delivered":"2026-01-01T00:00:00Z","edited":false,"changed_for_sending":[]}"#;
        let mut packed =
            flate2::GzBuilder::new().comment(comment).write(Vec::new(), flate2::Compression::none());
        std::io::Write::write_all(&mut packed, &[0; 100]).unwrap();
        let packed = packed.finish().unwrap();
        for day in ["2026-01-01", "2026-01-02", "2026-01-03", "mine"] {
            std::fs::create_dir(dir.path().join(day)).unwrap();
            std::fs::write(file(day, OURS), &packed).unwrap();
        }
        let theirs = ["results.xlsx", "b.json.gz", "b~00000000-0000-0000-0000-000000000006.json.gz"];
        std::fs::create_dir_all(file("2025-01-01", "plots")).unwrap();
        for day in ["2026-01-02", "2025-01-01"] {
            for name in theirs {
                std::fs::write(file(day, name), "x").unwrap();
            }
        }
        std::fs::create_dir(dir.path().join("2025-01-02")).unwrap();
        std::fs::write(dir.path().join("2025-01-03"), "a file").unwrap();
        let archive = Folder::open(dir.path()).unwrap();
        let now = end_of_day("2026-01-03".as_ref()).unwrap() + 10 * HOUR;
        let size = packed.len() as u64;
        for (days, bytes, left) in [(10, 5 * size, 3), (2, 0, 2), (0, size, 1), (0, 1, 0)] {
            let limits = Limits { days, bytes, must_go: 0 };
            let due = apply_to_archive(&archive, &limits, now, false, || true).unwrap();
            assert_eq!(apply_to_archive(&archive, &limits, now, true, || true).unwrap(), due);
            let days = ["2026-01-01", "2026-01-02", "2026-01-03"];
            let there = days.iter().filter(|day| file(day, OURS).exists()).count();
            assert_eq!(there, left, "{limits:?}");
        }
        assert!(file("mine", OURS).exists() && file("2025-01-01", "plots").exists());
        assert!(dir.path().join("2025-01-02").exists() && dir.path().join("2025-01-03").exists());
        assert!(!dir.path().join("2026-01-01").exists() && !dir.path().join("2026-01-03").exists());
        for name in theirs {
            assert!(file("2026-01-02", name).exists() && file("2025-01-01", name).exists(), "{name}");
        }
    }
}
