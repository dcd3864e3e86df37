//! `pywats-client reprocess`: takes files from the archive, the done or the failed folder back into the watch
//! folder, where the service takes them as it takes any other. That is safe while it runs.
//!
//! A report that was sent before is sent under the same identifier again: where the file does not hold it, it
//! is written into it. Files of the archive are copied; the others are moved, with what lies beside them.

use crate::archive;
use crate::cli::{Origin, ReprocessArgs};
use crate::config::Config;
use crate::disposition::{REASON_SUFFIX, SENT_SUFFIX, id_for};
use crate::folder::{Folder, Kind, Moved, OpenRefused};
use crate::intake::is_report_name;
use crate::queue;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Why nothing, or not all, could be taken back.
#[derive(Debug, thiserror::Error)]
pub enum ReprocessError {
    /// What was written is no time.
    #[error("{0:?}: write a day, as 2026-11-28, or a time, as 2026-11-28T14:00:00Z")]
    Time(String),
    /// Nothing says which files.
    #[error("say which files: names, --since, --until, or --all")]
    Nothing,
    /// Some files could not be taken back; each was named.
    #[error("{left} files were left where they are, as said above; {taken} are back in the watch folder")]
    Left {
        /// How many were left.
        left: usize,
        /// How many were taken back.
        taken: usize,
    },
    /// A folder or file cannot be used.
    #[error("{}: {error}", path.display())]
    Files {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

/// Which files are meant.
struct Wanted {
    names: Vec<String>,
    since: Timestamp,
    until: Timestamp,
}

/// A file that is meant, with what is known of it.
struct Candidate {
    folder: PathBuf,
    /// Its name there.
    name: OsString,
    /// The name that it gets in the watch folder.
    original: OsString,
}

/// Takes files back and says of each what became of it; changes nothing if `args.list` is set.
///
/// # Errors
/// If the selection or a folder cannot be used, or if some files had to be left; the others are taken back.
pub fn reprocess(
    config: &Config,
    args: &ReprocessArgs,
    mut say: impl FnMut(&str),
) -> Result<usize, ReprocessError> {
    let wanted = Wanted::read(args)?;
    become_owner(&config.client.data_dir).map_err(at(&config.client.data_dir))?;
    let found = match args.from {
        Origin::Done => in_folder(&config.done_folder(), &wanted),
        Origin::Failed => in_folder(&config.failed_folder(), &wanted),
        Origin::Archive => in_archive(&config.archive_folder(), &wanted, &mut say),
    }?;
    let watch = open(&config.watch_folder())?;
    let mut left = 0;
    for candidate in &found {
        let path = candidate.folder.join(&candidate.name);
        let shown = candidate.original.to_string_lossy();
        if args.list {
            say(&format!("{shown}  ({})", path.display()));
            continue;
        }
        let taken = match args.from {
            Origin::Archive => take_from_archive(candidate, &watch, config.client.max_report_bytes),
            Origin::Done => take_back(candidate, &watch, SENT_SUFFIX, config.client.max_report_bytes),
            Origin::Failed => take_back(candidate, &watch, REASON_SUFFIX, config.client.max_report_bytes),
        };
        match taken {
            Ok(()) => say(&format!("{shown}: back in the watch folder")),
            Err(error) => {
                left += 1;
                say(&format!("{}: {error}; left where it is", path.display()));
            }
        }
    }
    match left {
        0 => Ok(found.len()),
        _ => Err(ReprocessError::Left { left, taken: found.len() - left }),
    }
}

impl Wanted {
    fn read(args: &ReprocessArgs) -> Result<Self, ReprocessError> {
        if args.names.is_empty() && args.since.is_none() && args.until.is_none() && !args.all {
            return Err(ReprocessError::Nothing);
        }
        let since = args.since.as_deref().map_or(Ok(Timestamp::MIN), |text| time(text, false))?;
        let until = args.until.as_deref().map_or(Ok(Timestamp::MAX), |text| time(text, true))?;
        Ok(Wanted { names: args.names.clone(), since, until })
    }

    fn name(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|pattern| matches(pattern, name))
    }

    fn time(&self, time: Timestamp) -> bool {
        (self.since..=self.until).contains(&time)
    }
}

/// A time, or the begin or end of a day in UTC.
fn time(text: &str, end: bool) -> Result<Timestamp, ReprocessError> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let bad = || ReprocessError::Time(text.to_owned());
    let day: Date = text.parse().map_err(|_| bad())?;
    let day = if end { day.tomorrow().map_err(|_| bad())? } else { day };
    let start = day.to_zoned(TimeZone::UTC).map_err(|_| bad())?.timestamp();
    let last = start.as_nanosecond() - i128::from(end);
    Timestamp::from_nanosecond(last).map_err(|_| bad())
}

/// Whether a name is the pattern, in which `*` stands for anything.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

fn open(path: &Path) -> Result<Folder, ReprocessError> {
    Folder::open(path).map_err(|error| ReprocessError::Files { path: path.to_path_buf(), error })
}

fn in_folder(path: &Path, wanted: &Wanted) -> Result<Vec<Candidate>, ReprocessError> {
    let folder = open(path)?;
    let mut names = folder.names().map_err(at(path))?;
    names.retain(|name| is_report_name(name) && wanted.name(&name.to_string_lossy()));
    names.sort();
    names.retain(|name| {
        let arrival = folder.arrival(name).ok().and_then(|time| Timestamp::from_second(time).ok());
        arrival.is_some_and(|time| wanted.time(time))
    });
    let candidate = |name: OsString| Candidate { folder: path.to_path_buf(), original: name.clone(), name };
    Ok(names.into_iter().map(candidate).collect())
}

/// Names what the archive has not written, and goes on.
fn in_archive(
    path: &Path,
    wanted: &Wanted,
    say: &mut impl FnMut(&str),
) -> Result<Vec<Candidate>, ReprocessError> {
    let mut found = Vec::new();
    for day in archive::days(&open(path)?).map_err(at(path))? {
        let folder = path.join(day);
        let listed = Folder::open(&folder).and_then(|open| open.names());
        let mut names = match listed {
            Ok(names) => names,
            Err(error) => {
                say(&format!("{}: {error}; passed over", folder.display()));
                continue;
            }
        };
        names.sort();
        for name in names.into_iter().filter(|name| name.to_string_lossy().ends_with(archive::SUFFIX)) {
            let file = folder.join(&name);
            let record = match File::open(&file).and_then(archive::record) {
                Ok(record) => record,
                Err(error) => {
                    say(&format!("{}: {error}; passed over", file.display()));
                    continue;
                }
            };
            if wanted.name(&record.name) && wanted.time(record.delivered) {
                let original = OsString::from(record.name);
                found.push(Candidate { folder: folder.clone(), name, original });
            }
        }
    }
    Ok(found)
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> ReprocessError {
    move |error| ReprocessError::Files { path: path.to_path_buf(), error }
}

fn take_from_archive(candidate: &Candidate, watch: &Folder, limit: u64) -> io::Result<()> {
    let file = File::open(candidate.folder.join(&candidate.name))?;
    let (record, bytes) = archive::unpack(file, limit)?;
    drop_into(watch, &candidate.original, bytes, Some(record.id))
}

/// Moves a file with its note or reason. It leaves its folder when it is in the watch folder, so that nothing
/// is lost in between; under the same identifier a second copy does no harm.
fn take_back(candidate: &Candidate, watch: &Folder, suffix: &str, limit: u64) -> io::Result<()> {
    let folder = Folder::open(&candidate.folder)?;
    let mut beside = candidate.name.clone();
    beside.push(suffix);
    let bytes = read(&folder, &candidate.name, limit)?;
    let id = match folder.look(&beside)? {
        Some(Kind::Plain(_)) => {
            let text = read(&folder, &beside, 1 << 20)?;
            match suffix {
                // It may be the note of another file of this name, which somebody has removed.
                SENT_SUFFIX => id_for(&text, &Sha256::digest(&bytes).into()),
                _ => id_in(&text),
            }
        }
        _ => None,
    };
    drop_into(watch, &candidate.original, bytes, id)?;
    folder.discard(&candidate.name);
    if id.is_some() || folder.exists(&beside)? {
        folder.discard(&beside);
    }
    Ok(())
}

fn read(folder: &Folder, name: &OsStr, limit: u64) -> io::Result<Vec<u8>> {
    let mut open = folder.open_file(name).map_err(|refused| match refused {
        OpenRefused::Gone => io::ErrorKind::NotFound.into(),
        OpenRefused::InUse => io::ErrorKind::ResourceBusy.into(),
        OpenRefused::Foreign(what) => io::Error::other(format!("is {what}")),
        OpenRefused::Failed(error) => error,
    })?;
    if open.identity.size > limit {
        return Err(io::Error::other(format!("is larger than {limit} bytes; raise client.max_report_bytes")));
    }
    open.read(limit)
}

/// The identifier in a reason file. The file beside it may have been corrected since.
fn id_in(json: &[u8]) -> Option<Uuid> {
    let value: Value = serde_json::from_slice(json).ok()?;
    value["id"].as_str()?.parse().ok()
}

fn drop_into(watch: &Folder, name: &OsStr, bytes: Vec<u8>, id: Option<Uuid>) -> io::Result<()> {
    // A file that cannot be read as a report goes back as it is.
    let bytes = match id {
        Some(id) => queue::file_with_id(id, &bytes).unwrap_or(bytes),
        None => bytes,
    };
    loop {
        if watch.write(&watch.free_name(name)?, &bytes, false)? == Moved::Done {
            return Ok(());
        }
    }
}

/// Becomes the account that owns the data folder: what root puts into the watch folder the service could not
/// read.
#[cfg(unix)]
fn become_owner(data: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let folder = std::fs::metadata(data)?;
    if folder.uid() == 0 {
        return Ok(());
    }
    let done = |result: libc::c_int| if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) };
    // SAFETY: these calls take numbers, and no other thread runs yet.
    unsafe {
        done(libc::setgroups(0, std::ptr::null()))?;
        done(libc::setgid(folder.gid()))?;
        done(libc::setuid(folder.uid()))
    }
}

/// New files inherit the rights of the folder here.
#[cfg(windows)]
fn become_owner(_data: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Archive;
    use crate::disposition::{Disposition, Ending, Sent};
    use std::fs;

    /// Fails if: a pattern stands for other names than it says.
    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("a.json", "a.json", true),
            ("a.json", "aa.json", false),
            ("*.json", "a.json", true),
            ("*", "", true),
            ("a*b*c", "a--b--c", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    /// Fails if: a day is not the whole day, or nonsense is taken for a time.
    #[test]
    fn times() {
        for (text, end, expected) in [
            ("2026-11-28", false, Some("2026-11-28T00:00:00Z")),
            ("2026-11-28", true, Some("2026-11-28T23:59:59.999999999Z")),
            ("2026-11-28T14:00:00+01:00", true, Some("2026-11-28T13:00:00Z")),
            ("yesterday", false, None),
        ] {
            let expected = expected.map(|text| text.parse::<Timestamp>().unwrap());
            assert_eq!(time(text, end).ok(), expected, "{text}");
        }
    }

    fn report(id: Option<Uuid>) -> String {
        let id = id.map_or_else(String::new, |id| format!("\"id\":\"{id}\","));
        format!(
            r#"{{{id}"type":"T","pn":"P","sn":"S","rev":"1","processCode":10,"result":"P","machineName":"M","location":"L","purpose":"T","start":"2026-01-02T03:04:05+00:00","root":{{}},"uut":{{}}}}"#
        )
    }

    /// Fails if: a file does not come back under its name with the identifier under which it was sent, stays
    /// where it was (or leaves the archive), or others come too; or a list changes something.
    #[test]
    fn files_come_back_under_their_identifier() {
        for from in [Origin::Done, Origin::Archive, Origin::Failed] {
            let dir = tempfile::tempdir().unwrap();
            let path = |name: &str| dir.path().join(name);
            for name in ["watch", "done", "failed", "spool"] {
                fs::create_dir(path(name)).unwrap();
            }
            let mut config = Config::new();
            config.client.data_dir = dir.path().to_path_buf();
            let archive = (from == Origin::Archive).then(|| Archive::new(path("archive")));
            let ends = Disposition::new(path("done"), path("failed")).with_archive(archive);
            let spool = Folder::open(&path("spool")).unwrap();
            let id = Uuid::from_u128(5);
            let reason = format!("{{\"id\": \"{id}\"}}");
            for name in ["a.json", "b.json"] {
                fs::write(path("spool").join(name), report(None)).unwrap();
                let ending = Ending {
                    spool: name.as_ref(),
                    name: name.as_ref(),
                    folder: &path("watch"),
                    id,
                    sha256: Sha256::digest(report(None)).into(),
                    edited: true,
                    notes: &["Prüfling".to_owned()],
                    reason: (from == Origin::Failed).then_some(reason.as_str()),
                };
                assert!(ends.end(&spool, &[ending])[0].is_ok());
            }
            let args =
                |list| ReprocessArgs { from, names: vec!["a*".to_owned()], list, ..ReprocessArgs::default() };
            let mut said = Vec::new();
            assert_eq!(reprocess(&config, &args(true), |line| said.push(line.to_owned())).unwrap(), 1);
            assert!(said[0].contains("a.json"), "{said:?}");
            assert_eq!(fs::read_dir(path("watch")).unwrap().count(), 0, "{from:?}");
            assert_eq!(reprocess(&config, &args(false), |_| {}).unwrap(), 1);
            let back = fs::read(path("watch").join("a.json")).unwrap();
            assert_eq!(
                wats::Report::parse(&back, &wats::Rules::default()).unwrap().id(),
                Some(id),
                "{from:?}"
            );
            assert_eq!(fs::read_dir(path("watch")).unwrap().count(), 1, "{from:?}");
            let again = reprocess(&config, &args(true), |_| {}).unwrap();
            assert_eq!(again, usize::from(from == Origin::Archive), "{from:?}");
            let since =
                ReprocessArgs { from, since: Some("2999-01-01".to_owned()), ..ReprocessArgs::default() };
            assert_eq!(reprocess(&config, &since, |_| {}).unwrap(), 0, "{from:?}");
        }
        let nothing = ReprocessArgs::default();
        assert!(matches!(reprocess(&Config::new(), &nothing, |_| {}), Err(ReprocessError::Nothing)));
    }

    /// Fails if: a report gets the identifier in a note that is not about its file.
    #[test]
    fn a_stale_note_is_not_believed() {
        let id = Uuid::from_u128(5);
        let note = |content: &str| {
            let sha256 = Sha256::digest(content).into();
            Sent { id, sha256, notes: &[] }.to_json("a.json".as_ref())
        };
        for (note, expected) in [
            (note(&report(None)), Some(id)),
            (note("another"), None),
            (format!("{{\"file\": \"a.json\", \"id\": \"{id}\"}}"), None),
            ("x".to_owned(), None),
        ] {
            let dir = tempfile::tempdir().unwrap();
            for name in ["watch", "done"] {
                fs::create_dir(dir.path().join(name)).unwrap();
            }
            fs::write(dir.path().join("done/a.json"), report(None)).unwrap();
            fs::write(dir.path().join("done/a.json.sent.json"), &note).unwrap();
            let mut config = Config::new();
            config.client.data_dir = dir.path().to_path_buf();
            let args = ReprocessArgs { from: Origin::Done, all: true, ..ReprocessArgs::default() };
            assert_eq!(reprocess(&config, &args, |_| {}).unwrap(), 1);
            let back = fs::read(dir.path().join("watch/a.json")).unwrap();
            let back = wats::Report::parse(&back, &wats::Rules::default()).unwrap();
            assert_eq!(back.id(), expected, "{note}");
        }
    }

    /// Fails if: a foreign or broken file in the archive keeps the others, or is not named.
    #[test]
    fn a_foreign_file_in_the_archive_keeps_no_other() {
        // what stands in place of the first file, whether it counts as left
        for (what, fails) in [("foreign", false), ("empty", false), ("broken", true)] {
            let dir = tempfile::tempdir().unwrap();
            let path = |name: &str| dir.path().join(name);
            for name in ["watch", "spool"] {
                fs::create_dir(path(name)).unwrap();
            }
            let spool = Folder::open(&path("spool")).unwrap();
            let archive = Archive::new(path("archive"));
            for (number, name) in ["a.json", "b.json"].into_iter().enumerate() {
                fs::write(path("spool").join(name), report(None)).unwrap();
                let ending = Ending {
                    spool: name.as_ref(),
                    name: name.as_ref(),
                    folder: &path("watch"),
                    id: Uuid::from_u128(number as u128),
                    sha256: Sha256::digest(report(None)).into(),
                    edited: false,
                    notes: &[],
                    reason: None,
                };
                assert!(archive.keep(&spool, &[ending])[0].is_ok());
            }
            let day = archive::days(&Folder::open(&path("archive")).unwrap()).unwrap().remove(0);
            let day = path("archive").join(day);
            let mut names = Folder::open(&day).unwrap().names().unwrap();
            names.sort();
            let mut bytes = fs::read(day.join(&names[0])).unwrap();
            match what {
                "foreign" => bytes = b"x".to_vec(),
                "empty" => bytes.clear(),
                _ => bytes.truncate(bytes.len() - 12),
            }
            fs::write(day.join(&names[0]), bytes).unwrap();
            let mut config = Config::new();
            config.client.data_dir = dir.path().to_path_buf();
            let args = ReprocessArgs { from: Origin::Archive, all: true, ..ReprocessArgs::default() };
            let mut said = Vec::new();
            let result = reprocess(&config, &args, |line| said.push(line.to_owned()));
            assert_eq!(result.is_err(), fails, "{what}: {result:?}");
            assert!(path("watch").join("b.json").exists() && !path("watch").join("a.json").exists());
            let named = names[0].to_string_lossy().into_owned();
            assert!(said.iter().any(|line| line.contains(&named)), "{what}: {said:?}");
        }
    }
}
