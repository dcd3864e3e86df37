//! What an entry of the log is about. Logs are searched by these fields: the journal has them as `PYWATS_REPORT`,
//! `PYWATS_FILE` and `PYWATS_FOLDER`, lines of JSON as `report`, `file` and `folder`.

use crate::queue::Entry;
use std::ffi::OsStr;
use std::path::Path;
use tracing::field::{DisplayValue, display};
use uuid::Uuid;

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    report: Option<Uuid>,
    file: Option<&'a OsStr>,
    folder: Option<&'a Path>,
}

impl<'a> About<'a> {
    /// A report that waits, or has waited, in the queue.
    pub fn entry(entry: &'a Entry) -> Self {
        About::report_of(entry.id, &entry.name, &entry.folder)
    }

    /// A report, by its identifier, and the name that its file has in a watch folder.
    pub fn report_of(id: Uuid, file: &'a OsStr, folder: &'a Path) -> Self {
        About { report: Some(id), ..About::file_in(file, folder) }
    }

    /// A file in a watch folder.
    pub fn file_in(file: &'a OsStr, folder: &'a Path) -> Self {
        let folder = Some(folder).filter(|folder| !folder.as_os_str().is_empty());
        About { report: None, file: Some(file), folder }
    }

    /// The identifier of the report, as a field.
    pub fn report(&self) -> Option<DisplayValue<Uuid>> {
        self.report.map(display)
    }

    /// The name of the file, as a field.
    pub fn file(&self) -> Option<DisplayValue<std::ffi::os_str::Display<'a>>> {
        self.file.map(|file| display(file.display()))
    }

    /// The watch folder, as a field.
    pub fn folder(&self) -> Option<DisplayValue<std::path::Display<'a>>> {
        self.folder.map(|folder| display(folder.display()))
    }
}
