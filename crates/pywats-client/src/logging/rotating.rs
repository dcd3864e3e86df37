//! A log file that is renamed to `NAME.1` when it has grown large, `NAME.1` to `NAME.2`, and so on.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// See the module.
#[derive(Debug)]
pub struct RotatingFile {
    path: PathBuf,
    file: File,
    size: u64,
    max_size: u64,
    kept: u32,
}

impl RotatingFile {
    /// Appends to a file, making its folder if needed. It is at most `max_size` bytes long (and one
    /// line), and `kept` older ones are kept.
    ///
    /// # Errors
    /// If the folder cannot be made or the file not be opened.
    pub fn open(path: &Path, max_size: u64, kept: u32) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = append(path)?;
        let size = file.metadata()?.len();
        Ok(RotatingFile { path: path.to_path_buf(), file, size, max_size, kept })
    }

    /// From now on, these are the limits.
    pub fn limit(&mut self, max_size: u64, kept: u32) {
        (self.max_size, self.kept) = (max_size, kept);
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn numbered(&self, number: u32) -> PathBuf {
        let mut path = self.path.as_os_str().to_owned();
        if number > 0 {
            path.push(format!(".{number}"));
        }
        PathBuf::from(path)
    }

    fn rotate(&mut self) -> io::Result<()> {
        for number in (0..self.kept).rev() {
            match fs::rename(self.numbered(number), self.numbered(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.file = append(&self.path)?;
        self.size = self.file.metadata()?.len();
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<File> {
    File::options().create(true).append(true).open(path)
}

impl Write for RotatingFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // Where renaming fails the log grows on: better long than gone.
        if self.size >= self.max_size && self.rotate().is_err() {
            self.size = 0;
        }
        let written = self.file.write(line)?;
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a log grows without end, or older lines are lost before their time.
    #[test]
    fn rotates() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs").join("x.log");
        let mut log = RotatingFile::open(&path, 10, 2).unwrap();
        for line in ["first line\n", "second line\n", "third line\n", "fourth line\n"] {
            log.write_all(line.as_bytes()).unwrap();
        }
        let read = |name: &str| fs::read_to_string(path.with_file_name(name)).unwrap();
        assert_eq!(read("x.log"), "fourth line\n");
        assert_eq!(read("x.log.1"), "third line\n");
        assert_eq!(read("x.log.2"), "second line\n");
        assert!(!path.with_file_name("x.log.3").exists());
        drop(log);
        RotatingFile::open(&path, 100, 2).unwrap().write_all(b"more\n").unwrap();
        assert_eq!(read("x.log"), "fourth line\nmore\n", "appended after a restart");
    }
}
