//! The members of an archive that strangers may have made, where nothing else is in it: whoever unpacks it, and with
//! whatever, finds just these.
//!
//! Programs differ in what they make of an archive with bytes in front of it, behind it or in between, of a path that
//! stands in it twice, or of heads that contradict the list. Of such an archive nothing can be said, so it is refused.

mod tar;
mod zip;

use anyhow::{Result, ensure};
use std::collections::BTreeSet;

/// What is said of bytes that others may read, and nobody vouches for.
pub(crate) const STRAY: &str = "it has bytes that belong to none of its parts, so that nothing vouches for them: another file may be glued to it, or hidden in it";

/// The largest archive, unpacked, in bytes.
const LARGEST: u64 = 1 << 30;

/// A file in an archive.
pub(crate) struct Member {
    pub(crate) path: String,
    pub(crate) bytes: Vec<u8>,
}

/// The beginnings of a zip archive and of a gzip file.
const ZIP: &[u8] = b"PK\x03\x04";
const GZIP: &[u8] = b"\x1f\x8b";

/// Whether bytes begin as an archive does that [`members`] reads.
pub(crate) fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(ZIP) || bytes.starts_with(GZIP)
}

/// The files in a zip archive or a compressed tar archive; none if it begins as neither.
///
/// # Errors
/// If it is damaged, or not everything in it is a plain file or folder that everybody would unpack to the same place.
pub(crate) fn members(bytes: &[u8]) -> Result<Option<Vec<Member>>> {
    let members = if bytes.starts_with(ZIP) {
        zip::members(bytes)?
    } else if bytes.starts_with(GZIP) {
        tar::members(bytes)?
    } else {
        return Ok(None);
    };
    Ok(Some(members))
}

/// Refuses a zip archive with more in it than its members.
///
/// # Errors
/// If there is more.
pub(crate) fn check_zip(bytes: &[u8]) -> Result<()> {
    ensure!(zip::is_tight(bytes), STRAY);
    Ok(())
}

/// The paths of an archive, of which each may come once, on systems too to which capital letters are the same.
#[derive(Default)]
struct Paths(BTreeSet<String>);

impl Paths {
    /// One more, of a file or, with a slash at its end, of a folder.
    fn add(&mut self, path: &[u8]) -> Result<String> {
        let shown = String::from_utf8_lossy(path).into_owned();
        let is_letter = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'\\' | b':');
        let parts = shown.strip_suffix('/').unwrap_or(&shown).split('/');
        let is_plain =
            path.iter().all(is_letter) && parts.clone().all(|part| !matches!(part, "" | "." | ".."));
        ensure!(is_plain, "it has the path {shown:?}, which not every system takes for the same");
        let path = parts.collect::<Vec<_>>().join("/");
        ensure!(self.0.insert(path.to_ascii_lowercase()), "it has the path {path} twice");
        Ok(path)
    }
}
