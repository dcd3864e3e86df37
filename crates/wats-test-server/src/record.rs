//! Reports as files: `0001.json`, `0002.json`, … in the order of their arrival.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

/// A directory that reports are written to.
pub(crate) struct Recorder {
    directory: PathBuf,
    next: u32,
}

impl Recorder {
    /// Creates the directory. Files of an earlier run stay, and numbering goes on behind them.
    pub(crate) fn create(directory: PathBuf) -> io::Result<Recorder> {
        fs::create_dir_all(&directory)?;
        let mut last = 0;
        for entry in fs::read_dir(&directory)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".json")?.parse().ok());
            last = last.max(number.unwrap_or(0));
        }
        Ok(Recorder { directory, next: last + 1 })
    }

    /// Writes a report; its file appears complete or not at all.
    pub(crate) fn write(&mut self, report: &[u8]) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.directory)?;
        file.write_all(report)?;
        file.persist_noclobber(self.directory.join(format!("{:04}.json", self.next)))
            .map_err(|error| error.error)?;
        self.next += 1;
        Ok(())
    }
}
