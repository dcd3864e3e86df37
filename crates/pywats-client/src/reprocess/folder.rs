//! Files of `done/` and `failed/`: what is known of each, and the way back.

use super::newest::{Found, When};
use super::wanted::{Meant, Wanted};
use super::{ReprocessError, at, drop_into, open};
use crate::disposition::{Beside, with_suffix};
use crate::folder::{Folder, Identity, Kind, OpenRefused};
use crate::intake::Names;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use uuid::Uuid;
use wats::{Report, Rules};

/// Notes and reasons are smaller.
const NOTE: u64 = 1 << 20;

/// One of the folders.
#[derive(Clone, Copy)]
pub(super) struct End<'a> {
    pub path: &'a Path,
    /// What lies beside its files.
    pub suffix: &'static str,
    /// Whether all its files were sent, each under an identifier.
    pub delivered: bool,
    /// Larger files are not read.
    pub limit: u64,
    /// Which files are reports.
    pub names: &'a Names,
}

/// What is in a file, and what is known of it.
struct Content {
    bytes: Vec<u8>,
    identity: Identity,
    /// Its note or reason; none of another file that had its name.
    beside: Option<Beside>,
    /// In the text of the file itself.
    own_id: Option<Uuid>,
}

impl Content {
    fn read(folder: &Folder, name: &OsStr, end: &End<'_>) -> io::Result<Self> {
        let (bytes, identity) = read(folder, name, end.limit)?;
        let beside = with_suffix(name, end.suffix);
        let beside = match folder.look(&beside)? {
            Some(Kind::Plain(note)) if note.size <= NOTE => {
                let blame = |error| io::Error::other(format!("{}: {error}", beside.to_string_lossy()));
                let (text, _) = read(folder, &beside, NOTE).map_err(blame)?;
                Beside::of(&text, &Sha256::digest(&bytes).into())
            }
            _ => None,
        };
        let own_id = Report::parse(&bytes, &Rules::default()).ok().and_then(|report| report.id());
        let content = Content { bytes, identity, beside, own_id };
        if end.delivered && content.id().is_none() {
            return Err(io::Error::other(format!(
                "it is not known under which identifier it was sent: it holds none, and there is no {} beside it that \
                 belongs to it; write the identifier that the server has into the file, or drop it into the watch \
                 folder as a new report",
                with_suffix(name, end.suffix).to_string_lossy()
            )));
        }
        Ok(content)
    }

    /// The identifier that it was sent under: another than in its text, where the note says so.
    fn id(&self) -> Option<Uuid> {
        self.beside.as_ref().and_then(|beside| beside.id).or(self.own_id)
    }
}

/// The files that are meant, and the later ones that could have their identifiers. What is meant and cannot be
/// read is told to `trouble`.
pub(super) fn find(
    end: &End<'_>,
    wanted: &Wanted,
    mut trouble: impl FnMut(PathBuf, io::Error),
) -> Result<Vec<Found>, ReprocessError> {
    let folder = open(end.path)?;
    let mut files = Vec::new();
    for (name, arrived) in arrivals(&folder, end.names).map_err(at(end.path))? {
        let time = Timestamp::from_second(arrived).unwrap_or(Timestamp::UNIX_EPOCH);
        let meant = wanted.means(&[&name.to_string_lossy()], time);
        files.push((name, arrived, meant));
    }
    let with_others = files.iter().filter(|(_, _, meant)| *meant == Meant::WithOthers);
    let oldest = with_others.map(|(_, arrived, _)| *arrived).min();
    let mut found = Vec::new();
    for (name, arrived, meant) in files {
        if meant == Meant::Not && oldest.is_none_or(|oldest| arrived < oldest) {
            continue;
        }
        match Content::read(&folder, &name, end) {
            Ok(content) => found.push(describe(end, name, arrived, meant, &content)),
            Err(error) if meant != Meant::Not => trouble(end.path.join(&name), error),
            Err(_) => {}
        }
    }
    Ok(found)
}

/// The files that came at this time or later and have one of these identifiers.
pub(super) fn later(end: &End<'_>, ids: &HashSet<Uuid>, since: i64) -> io::Result<Vec<Found>> {
    let folder = match Folder::open(end.path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        folder => folder?,
    };
    let mut found = Vec::new();
    for (name, arrived) in arrivals(&folder, end.names)? {
        if arrived < since {
            continue;
        }
        if let Ok(content) = Content::read(&folder, &name, end)
            && content.id().is_some_and(|id| ids.contains(&id))
        {
            found.push(describe(end, name, arrived, Meant::Not, &content));
        }
    }
    Ok(found)
}

/// The names of reports, and when they came.
fn arrivals(folder: &Folder, reports: &Names) -> io::Result<Vec<(OsString, i64)>> {
    let mut names = folder.names()?;
    names.retain(|name| reports.take(name));
    names.sort();
    let arrival = |name: OsString| folder.arrival(&name).ok().map(|time| (name, time));
    Ok(names.into_iter().filter_map(arrival).collect())
}

fn describe(end: &End<'_>, name: OsString, arrived: i64, meant: Meant, content: &Content) -> Found {
    let beside = content.beside.as_ref();
    let written = beside.and_then(|beside| beside.time);
    Found {
        folder: end.path.to_path_buf(),
        original: beside.and_then(|beside| original(beside, end.names)).unwrap_or_else(|| name.clone()),
        name,
        meant,
        when: When { written, arrived, modified: content.identity.modified_ns },
        id: content.id(),
        superseded: beside.is_some_and(|beside| beside.superseded),
    }
}

/// The name that a file was dropped with: here it may have got a number. One that cannot be relied on is none.
fn original(beside: &Beside, names: &Names) -> Option<OsString> {
    let name = beside.file.as_deref()?;
    let is_whole =
        Path::new(name).file_name() == Some(OsStr::new(name)) && !name.contains(char::REPLACEMENT_CHARACTER);
    (is_whole && names.take(OsStr::new(name))).then(|| name.into())
}

/// Moves a file with its note or reason. It leaves its folder when it is in the watch folder, so that nothing
/// is lost in between; under the same identifier a second copy does no harm.
pub(super) fn take_back(found: &Found, end: &End<'_>, watch: &Folder) -> io::Result<()> {
    let folder = Folder::open(&found.folder)?;
    let content = Content::read(&folder, &found.name, end)?;
    let id = content.beside.and_then(|beside| beside.id);
    drop_into(watch, &found.original, content.bytes, id)?;
    // One that was written to meanwhile stays.
    if folder.remove(&found.name, &content.identity)? {
        let beside = with_suffix(&found.name, end.suffix);
        if folder.exists(&beside)? {
            folder.discard(&beside);
        }
    }
    Ok(())
}

fn read(folder: &Folder, name: &OsStr, limit: u64) -> io::Result<(Vec<u8>, Identity)> {
    let mut open = folder.open_file(name).map_err(|refused| match refused {
        OpenRefused::Gone => io::ErrorKind::NotFound.into(),
        OpenRefused::InUse => io::ErrorKind::ResourceBusy.into(),
        OpenRefused::Foreign(what) => io::Error::other(format!("is {what}")),
        OpenRefused::Failed(error) => error,
    })?;
    if open.identity.size > limit {
        return Err(io::Error::other(format!("is larger than {limit} bytes; raise client.max_report_bytes")));
    }
    Ok((open.read(limit)?, open.identity))
}
