//! Reading files that strangers may have made: only those that end.

use anyhow::{Context, Result, ensure};
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// The largest file that is read, in bytes: as large as a Windows Installer package can be.
const LARGEST: u64 = 1 << 31;

/// Reads a file.
///
/// # Errors
/// If it is no regular file, such as a pipe or a device, which may never end; is larger than 2 GiB; or cannot be read.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let reading = || format!("reading {}", path.display());
    let metadata = fs::metadata(path).with_context(reading)?;
    ensure!(metadata.is_file(), "{} is not a file: name one", path.display());
    ensure!(metadata.len() <= LARGEST, "{} is larger than 2 GiB, which nothing here can be", path.display());
    let mut bytes = Vec::new();
    // It may have become another one since.
    File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes)).with_context(reading)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: something without an end is read, or a folder is called unreadable for another reason.
    #[test]
    fn refuses_what_does_not_end() {
        let folder = tempfile::tempdir().unwrap();
        let sparse = folder.path().join("sparse");
        File::create(&sparse).unwrap().set_len(LARGEST + 1).unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for (path, complaint) in [
            (Path::new("/dev/zero"), "is not a file"),
            (folder.path(), "is not a file"),
            (&pipe, "is not a file"),
            (&sparse, "larger than 2 GiB"),
            (&folder.path().join("none"), "No such file"),
        ] {
            let error = format!("{:#}", read(path).unwrap_err());
            assert!(error.contains(complaint) && error.contains(&*path.to_string_lossy()), "{error}");
        }
        let file = folder.path().join("file");
        fs::write(&file, "text").unwrap();
        assert_eq!(read(&file).unwrap(), b"text");
    }
}
