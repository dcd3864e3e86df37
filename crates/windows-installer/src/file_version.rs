//! The version of a program or library, as Windows Installer reads it from the file itself to tell whether
//! an installed file is older than its own.
//!
//! Specified in [`VS_VERSIONINFO`](https://learn.microsoft.com/en-us/windows/win32/menurc/vs-versioninfo);
//! what the installer makes of it, in
//! [File Versioning Rules](https://learn.microsoft.com/en-us/windows/win32/msi/file-versioning-rules).

use crate::pe::Image;
use crate::{Error, Result};
use editpe::VersionInfo;
use editpe::types::VersionU32;

/// Version and language of a file, as the table `File` holds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileVersion {
    /// Four numbers: `1.2.3.0`.
    pub version: String,
    /// Decimal language identifiers, separated by commas; `0` if there are none.
    pub language: String,
}

impl FileVersion {
    /// The version of a program or library. Other files have none, nor does a program without a version
    /// resource.
    ///
    /// `path` is for the error.
    ///
    /// # Errors
    /// If there is a version resource that cannot be read. Windows might read it, and find another
    /// version than the package says.
    pub fn read(path: &str, content: &[u8]) -> Result<Option<FileVersion>> {
        let Some(resource) = Image::parse(content).and_then(|image| image.version_resource()) else {
            return Ok(None);
        };
        let info = VersionInfo::parse(resource).map_err(|error| Error::Name {
            path: path.to_owned(),
            reason: format!("its version resource cannot be read ({error}); build it again"),
        })?;
        let VersionU32 { major, minor } = info.info.file_version;
        let numbers = [major >> 16, major & 0xffff, minor >> 16, minor & 0xffff];
        // A translation is a language and a code page.
        let languages: Vec<String> =
            info.vars.iter().map(|translation| translation.major.to_string()).collect();
        Ok(Some(FileVersion {
            version: numbers.map(|number| number.to_string()).join("."),
            language: if languages.is_empty() { "0".to_owned() } else { languages.join(",") },
        }))
    }
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
