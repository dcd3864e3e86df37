//! Lists of files, and reads small ones: of folders that belong to the service or to users, of which root must not
//! believe that a name is what it seems.

use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The most files that are named; of more, only the number is said.
const NAMED: usize = 2000;
/// The most that are looked at.
const COUNTED: usize = 200_000;
/// The most reasons that are read, the newest first, and how long each may be.
const REASONS: usize = 300;
const REASON_BYTES: u64 = 32 << 10;
/// How deep folders in folders are looked into.
const DEPTH: usize = 16;

/// What lies in a folder, the newest first.
pub(super) struct Listing {
    problem: Option<String>,
    files: Vec<Found>,
}

struct Found {
    path: PathBuf,
    name: String,
    bytes: u64,
    modified: Option<SystemTime>,
}

/// Whether a folder is a link that somebody else than root has made: root sees more than they may.
fn is_link_of_others(folder: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        fs::symlink_metadata(folder).is_ok_and(|found| found.is_symlink() && found.uid() != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        false
    }
}

impl Listing {
    /// Looks into a folder, and into those in it if that is wanted; links are not followed.
    pub(super) fn of(folder: &Path, subfolders: bool) -> Listing {
        let mut listing = Listing { problem: None, files: Vec::new() };
        if is_link_of_others(folder) {
            listing.problem = Some(format!("{} is a link, and is not followed", folder.display()));
            return listing;
        }
        let mut folders = vec![(folder.to_path_buf(), 0)];
        while let Some((current, depth)) = folders.pop() {
            let entries = match fs::read_dir(&current) {
                Ok(entries) => entries,
                Err(error) => {
                    listing.problem = Some(format!("{} cannot be listed: {error}", current.display()));
                    continue;
                }
            };
            for entry in entries.flatten() {
                let Ok(metadata) = entry.metadata() else { continue };
                if metadata.is_dir() {
                    if subfolders && depth < DEPTH {
                        folders.push((entry.path(), depth + 1));
                    }
                    continue;
                }
                if listing.files.len() >= COUNTED {
                    listing.problem = Some(format!("more than {COUNTED} files"));
                    break;
                }
                let path = entry.path();
                let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
                let modified = metadata.modified().ok();
                listing.files.push(Found { path, name, bytes: metadata.len(), modified });
            }
        }
        listing.files.sort_by(|a, b| b.modified.cmp(&a.modified).then_with(|| a.name.cmp(&b.name)));
        listing
    }

    /// Counts and names; for each of the newest files also what `more` knows of it.
    pub(super) fn json(&self, more: Option<fn(&Path) -> Option<Value>>) -> Value {
        let mut asked = 0;
        let named: Vec<Value> = self
            .files
            .iter()
            .filter(|file| more.is_none() || !file.name.ends_with(REASON))
            .take(NAMED)
            .map(|file| {
                let modified = file.modified.and_then(|time| jiff::Timestamp::try_from(time).ok());
                let mut row = json!({
                    "file": file.name,
                    "bytes": file.bytes,
                    "modified": modified.map(crate::status::utc),
                });
                if let Some(more) = more.filter(|_| asked < REASONS) {
                    row["reason"] = more(&file.path).unwrap_or_default();
                    asked += 1;
                }
                row
            })
            .collect();
        json!({
            "problem": self.problem,
            "count": self.files.len(),
            "bytes": self.files.iter().map(|file| file.bytes).sum::<u64>(),
            "newest": named,
        })
    }
}

/// The end of the name of a file that says why another one was refused.
const REASON: &str = ".reason.json";

/// Why a file was refused, as the file beside it says.
pub(super) fn reason(file: &Path) -> Option<Value> {
    let mut name = file.as_os_str().to_owned();
    name.push(REASON);
    let bytes = read(Path::new(&name), REASON_BYTES).ok()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Some(serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// The content of a small regular file, which the name itself leads to, and no link.
pub(super) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opens a regular file to read it.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }
    #[cfg(windows)]
    {
        use std::os::windows::fs::OpenOptionsExt;
        options.custom_flags(windows_sys::Win32::Storage::FileSystem::FILE_FLAG_OPEN_REPARSE_POINT);
    }
    let file = options.open(path)?;
    // A link that was opened itself has no content.
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("is no regular file")) }
}
