//! The archive: delivered files, compressed, each with what was made of it.
//!
//! A file in it is a gzip file ([RFC 1952](https://www.rfc-editor.org/rfc/rfc1952)) in a folder of its day:
//! `2026-11-28/NAME~ID.json.gz`, or `NAME~ID.1.json.gz` where another file has that name. What is in the archive
//! is never overwritten with something else. Unpacked it is the file that was dropped into the watch folder, byte for
//! byte. The comment in its header is a JSON object in ASCII: name, watch folder, identifier, SHA-256, time
//! of the delivery, and what was changed for sending. Any program that knows gzip reads both.

use crate::disposition::{Ending, Whereabouts, copy_of, hex};
use crate::folder::{Folder, OpenFile, OpenRefused};
use crate::queue::step;
use flate2::bufread::GzDecoder;
use flate2::{Compression, GzBuilder};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

/// The ending of names in the archive.
pub const SUFFIX: &str = ".gz";
/// Bytes that are compressed at a time.
const CHUNK: usize = 1 << 16;

/// See the module.
#[derive(Clone, Debug)]
pub struct Archive {
    folder: PathBuf,
}

/// What stands in the comment of an archived file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The name that the file had in the watch folder.
    pub name: String,
    /// The identifier under which it was delivered.
    pub id: uuid::Uuid,
    /// What is in it, in hexadecimal digits.
    pub sha256: String,
    /// When it was delivered.
    pub delivered: Timestamp,
    /// Whether it was not sent as it is.
    pub edited: bool,
    /// What was changed for sending.
    pub notes: Vec<String>,
}

impl Archive {
    /// The archive in a folder, which is made when the first file comes.
    pub fn new(folder: PathBuf) -> Self {
        Archive { folder }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Compresses files of the spool into the archive; a result for each. They leave the spool when all of
    /// that is on the disk.
    pub fn keep(&self, spool: &Folder, endings: &[Ending<'_>]) -> Vec<io::Result<Whereabouts>> {
        if endings.is_empty() {
            return Vec::new();
        }
        let day = match self.day(Timestamp::now()) {
            Ok(day) => day,
            Err(error) => return endings.iter().map(|_| Err(copy_of(&error))).collect(),
        };
        let mut kept: Vec<_> = endings.iter().map(|ending| keep_one(spool, ending, &day)).collect();
        step("packed");
        if let Err(error) = day.sync() {
            kept = endings.iter().map(|_| Err(copy_of(&error))).collect();
        }
        step("synchronised");
        for (ending, result) in endings.iter().zip(&kept) {
            if result.is_ok() {
                spool.discard(ending.spool);
                step("left the spool");
            }
        }
        kept
    }

    /// Whether a file lies in it, on whatever day it was delivered.
    pub fn holds(&self, name: &OsStr, id: uuid::Uuid, sha256: &[u8; 32]) -> bool {
        let is_it = |record: Record| record.id == id && record.sha256 == hex(sha256);
        let look = || {
            let folder = Folder::open(&self.folder)?;
            for day in days(&folder)?.iter().rev() {
                let day = Folder::open(&self.folder.join(day))?;
                for number in 0.. {
                    let name = name_of(name, id, number);
                    if !day.exists(&name)? {
                        break;
                    }
                    if day
                        .open_file(&name)
                        .ok()
                        .and_then(|open| self::record(open.file).ok())
                        .is_some_and(is_it)
                    {
                        return Ok(true);
                    }
                }
            }
            Ok::<bool, io::Error>(false)
        };
        look().unwrap_or(false)
    }

    fn day(&self, now: Timestamp) -> io::Result<Folder> {
        let path = self.folder.join(now.strftime("%Y-%m-%d").to_string());
        if !path.exists() {
            Folder::create_all(&path)?;
            Folder::open(&self.folder)?.sync()?;
        }
        Folder::open(&path)
    }
}

fn keep_one(spool: &Folder, ending: &Ending<'_>, day: &Folder) -> io::Result<Whereabouts> {
    let file = match spool.open_file(ending.spool) {
        Ok(OpenFile { file, .. }) => file,
        Err(OpenRefused::Gone) => return Ok(Whereabouts::Absent),
        Err(OpenRefused::InUse) => return Err(io::ErrorKind::ResourceBusy.into()),
        Err(OpenRefused::Foreign(what)) => return Err(io::Error::other(format!("is {what}"))),
        Err(OpenRefused::Failed(error)) => return Err(error),
    };
    let record = Record::of(ending, Timestamp::now());
    let name = free_name(ending, &record, day)?;
    day.replace(&name, |target| compress(file, &ending.sha256, record.to_comment(), target))?;
    Ok(Whereabouts::Moved)
}

/// The first name that is free, or that the same file has since an attempt that was not finished.
fn free_name(ending: &Ending<'_>, record: &Record, day: &Folder) -> io::Result<OsString> {
    let mut number = 0;
    loop {
        let name = name_of(ending.name, ending.id, number);
        if !day.exists(&name)? {
            return Ok(name);
        }
        let there = day.open_file(&name).ok().and_then(|open| self::record(open.file).ok());
        if there.is_some_and(|there| there.is_of_same_file(record)) {
            return Ok(name);
        }
        number += 1;
    }
}

/// The name says which file it was.
fn name_of(name: &OsStr, id: uuid::Uuid, number: u32) -> OsString {
    let short = crate::queue::spool::cut(name);
    let path = Path::new(&short);
    let mut name = path.file_stem().unwrap_or(&short).to_owned();
    name.push(format!("~{id}"));
    if number > 0 {
        name.push(format!(".{number}"));
    }
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    name.push(SUFFIX);
    name
}

fn compress(mut from: impl Read, expected: &[u8; 32], comment: Vec<u8>, target: &mut File) -> io::Result<()> {
    let mut packed = GzBuilder::new().comment(comment).write(target, Compression::new(6));
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = from.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        hasher.update(&chunk[..read]);
        packed.write_all(&chunk[..read])?;
    }
    packed.finish()?;
    if hasher.finalize()[..] != expected[..] {
        // Written to after it was delivered: it is kept, but not as what was delivered.
        tracing::warn!("a file was changed after its report was delivered; the archive has it as it is now");
    }
    Ok(())
}

impl Record {
    fn of(ending: &Ending<'_>, now: Timestamp) -> Self {
        Record {
            name: ending.name.to_string_lossy().into_owned(),
            id: ending.id,
            sha256: ending.sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
            delivered: now,
            edited: ending.edited,
            notes: ending.notes.to_vec(),
        }
    }

    fn is_of_same_file(&self, other: &Record) -> bool {
        (&self.name, self.id, &self.sha256) == (&other.name, other.id, &other.sha256)
    }

    /// The time is finer than people need: of two files that are archived together it says which was first.
    fn to_comment(&self) -> Vec<u8> {
        let value = json!({
            "name": self.name,
            "id": self.id.to_string(),
            "sha256": self.sha256,
            "delivered": self.delivered.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
            "edited": self.edited,
            "changed_for_sending": self.notes,
        });
        ascii(&value.to_string()).into_bytes()
    }

    fn from_comment(comment: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(comment).ok()?;
        let text = |key: &str| value[key].as_str();
        Some(Record {
            name: text("name")?.to_owned(),
            id: text("id")?.parse().ok()?,
            sha256: text("sha256")?.to_owned(),
            delivered: text("delivered")?.parse().ok()?,
            edited: value["edited"].as_bool()?,
            notes: value["changed_for_sending"]
                .as_array()?
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
        })
    }
}

/// JSON in ASCII: the comment of a gzip file is Latin-1.
fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for letter in json.chars() {
        if letter.is_ascii() {
            text.push(letter);
        } else {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}

/// Reads what stands in the header of an archived file, without unpacking it.
///
/// # Errors
/// If it is not a file of the archive.
pub fn record(file: File) -> io::Result<Record> {
    let decoder = GzDecoder::new(BufReader::new(file));
    let comment = decoder.header().and_then(flate2::GzHeader::comment);
    comment.and_then(Record::from_comment).ok_or_else(not_ours)
}

/// Unpacks an archived file, but not more than `limit` bytes, and checks that it is what was delivered.
///
/// # Errors
/// If it is damaged, larger, or not a file of the archive.
pub fn unpack(file: File, limit: u64) -> io::Result<(Record, Vec<u8>)> {
    let mut decoder = GzDecoder::new(BufReader::new(file));
    let comment = decoder.header().and_then(flate2::GzHeader::comment);
    let record = comment.and_then(Record::from_comment).ok_or_else(not_ours)?;
    let mut bytes = Vec::new();
    (&mut decoder).take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::other(format!("is larger than {limit} bytes")));
    }
    let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    if digest != record.sha256 {
        return Err(io::Error::other("its content is not the one that its SHA-256 says"));
    }
    Ok((record, bytes))
}

fn not_ours() -> io::Error {
    io::Error::other("is not a file that the archive has written")
}

/// The names of days in the archive.
///
/// # Errors
/// If its folder cannot be read.
pub fn days(folder: &Folder) -> io::Result<Vec<OsString>> {
    let mut days = folder.names()?;
    days.retain(|name| is_day(name));
    days.sort();
    Ok(days)
}

/// The identifier in a name that has the form of those in the archive: `STEM~ID.EXTENSION.gz`, or
/// `STEM~ID.NUMBER.EXTENSION.gz`.
pub fn id_in(name: &OsStr) -> Option<uuid::Uuid> {
    let text = name.to_string_lossy();
    let (_, rest) = text.strip_suffix(SUFFIX)?.rsplit_once('~')?;
    rest.split('.').next()?.parse().ok()
}

fn is_day(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.parse::<jiff::civil::Date>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::fs;

    /// Fails if: a file in the archive is overwritten with another one, or the same file comes twice into it, as
    /// after a crash; or of two that come together the times do not say which was first.
    #[test]
    fn nothing_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let spool = dir.path().join("spool");
        fs::create_dir(&spool).unwrap();
        let archive = Archive::new(dir.path().join("archive"));
        let id = uuid::Uuid::from_u128(5);
        let contents = ["one", "two", "three"];
        let files: Vec<OsString> = (0..3).map(|number| OsString::from(number.to_string())).collect();
        for _ in 0..2 {
            for (file, content) in files.iter().zip(contents) {
                fs::write(spool.join(file), content).unwrap();
            }
            let endings: Vec<Ending<'_>> = files
                .iter()
                .zip(contents)
                .map(|(file, content)| Ending {
                    spool: file,
                    name: "unit.json".as_ref(),
                    folder: dir.path(),
                    id,
                    sha256: Sha256::digest(content).into(),
                    edited: false,
                    notes: &[],
                    reason: None,
                })
                .collect();
            let results = archive.keep(&Folder::open(&spool).unwrap(), &endings);
            assert!(results.iter().all(Result::is_ok), "{results:?}");
        }
        let mut found = BTreeMap::new();
        for day in days(&Folder::open(archive.folder()).unwrap()).unwrap() {
            for entry in fs::read_dir(archive.folder().join(day)).unwrap() {
                let entry = entry.unwrap();
                assert_eq!(id_in(&entry.file_name()), Some(id));
                let (record, bytes) = unpack(File::open(entry.path()).unwrap(), 1 << 20).unwrap();
                assert_eq!(record.name, "unit.json");
                found.insert(record.delivered, String::from_utf8(bytes).unwrap());
            }
        }
        // Where midnight came between the rounds there are both.
        let found: Vec<_> = found.into_values().collect();
        assert!(found.ends_with(&contents.map(str::to_owned)) && [3, 6].contains(&found.len()), "{found:?}");
    }
}
