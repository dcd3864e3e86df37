//! What lies in the folders for refused files, newest first, with the reasons beside the files.

use crate::config::Config;
use crate::disposition::{REASON_SUFFIX, Routes, SENT_SUFFIX, with_suffix};
use crate::folder::{Folder, Kind};
use crate::status::utc;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

/// A reason is smaller.
const REASON: u64 = 1 << 20;

/// A refused file.
struct Refused<'a> {
    folder: &'a Path,
    name: OsString,
    size: u64,
    arrived: i64,
}

/// The files, at most `limit`, and how many there are.
pub(super) fn list(config: &Config, limit: usize) -> Value {
    let routes = Routes::new(config);
    let mut files = Vec::new();
    let mut problems = Vec::new();
    for path in routes.failed_folders() {
        match look(path) {
            Ok(found) => files.extend(found),
            // Nothing was refused yet.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => problems.push(format!("{}: {error}", path.display())),
        }
    }
    files.sort_by(|a, b| b.arrived.cmp(&a.arrived).then_with(|| a.name.cmp(&b.name)));
    let count = files.len();
    let files: Vec<Value> = files.iter().take(limit).map(shown).collect();
    json!({ "files": files, "count": count, "problems": problems })
}

fn look(path: &Path) -> io::Result<Vec<Refused<'_>>> {
    let folder = Folder::open(path)?;
    let mut files = Vec::new();
    for name in folder.names()? {
        let text = name.to_string_lossy();
        if text.starts_with('.') || text.ends_with(REASON_SUFFIX) || text.ends_with(SENT_SUFFIX) {
            continue;
        }
        if let Ok(Some(Kind::Plain(identity))) = folder.look(&name) {
            let arrived = folder.arrival(&name).unwrap_or(identity.modified_ns / 1_000_000_000);
            files.push(Refused { folder: path, size: identity.size, arrived, name });
        }
    }
    Ok(files)
}

fn shown(file: &Refused<'_>) -> Value {
    let reason = reason(file.folder, &file.name).unwrap_or_default();
    json!({
        "file": file.name.to_string_lossy(),
        "folder": file.folder.to_string_lossy(),
        "size": file.size,
        "time": Timestamp::from_second(file.arrived).ok().map(utc),
        "id": reason["id"],
        "reason": reason["reason"],
        "server_says": reason["server_says"],
        "what_to_do": reason["what_to_do"],
    })
}

/// What lies beside a file; `Null` if it cannot be understood.
fn reason(folder: &Path, name: &OsStr) -> Option<Value> {
    let folder = Folder::open(folder).ok()?;
    let mut open = folder.open_file(&with_suffix(name, REASON_SUFFIX)).ok()?;
    if open.identity.size > REASON {
        return None;
    }
    serde_json::from_slice(&open.read(REASON).ok()?).ok()
}
