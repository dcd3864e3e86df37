//! The archive, which has a folder a day.

use super::{Ages, DAY, HOUR, Limits, Removed};
use crate::archive;
use crate::folder::{Folder, Kind};
use std::ffi::OsStr;
use std::io;

/// What of the archive is over the limits, as [`super::apply`] does: the files of whole days go, then the folder if it is
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
