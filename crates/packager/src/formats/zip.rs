//! Archives for Windows: a zip as Explorer, `Expand-Archive` and 7-Zip unpack it, without a top folder, as
//! [cargo-dist](https://axodotdev.github.io/cargo-dist/)'s installers expect it. Explorer and 7-Zip offer a folder named
//! like the archive.
//!
//! Specified in PKWARE's [APPNOTE](https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT). Texts keep
//! the line ends they have in the source: every supported Windows shows both kinds.

use super::tar_gz::stem;
use crate::format::Output;
use crate::{Format, Kind, Os, Package, Payload, Platform, Product, Version};
use anyhow::{Context, Result, bail};
use jiff::{Timestamp, tz::TimeZone};
use std::io::Write;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipWriter};

/// The zip format.
#[derive(Debug)]
pub struct Zip;

impl Format for Zip {
    fn name(&self) -> &'static str {
        "zip"
    }

    fn supports(&self, platform: &Platform) -> bool {
        platform.is_single(Os::Windows)
    }

    fn file_name(&self, product: &Product, _version: &Version, platform: &Platform) -> String {
        format!("{}.zip", stem(product, platform))
    }

    fn write(&self, package: &Package<'_>, out: &mut dyn Output) -> Result<()> {
        write(None, &package.payload, package.epoch, out)
    }
}

/// Writes an archive of a payload, all of it in the folder `top` if there is one.
pub(super) fn write(top: Option<&str>, payload: &Payload, epoch: u32, out: &mut dyn Output) -> Result<()> {
    let mut archive = Archive::new(out, epoch)?;
    if let Some(top) = top {
        archive.folder(top, 0o755)?;
    }
    for entry in payload.with_parents().entries() {
        let path = top.map_or(entry.path.clone(), |top| format!("{top}/{}", entry.path));
        match (&entry.kind, entry.source()) {
            (_, Some(source)) => archive.file(&path, entry.mode, &source.read()?)?,
            (Kind::Directory, None) => archive.folder(&path, entry.mode)?,
            (_, None) => bail!("{}: archives for Windows hold no links", entry.path),
        }
    }
    archive.finish()
}

/// A zip archive under way, whose members have one time and say that they come from Unix.
pub(super) struct Archive<'a> {
    zip: ZipWriter<&'a mut dyn Output>,
    options: SimpleFileOptions,
}

impl<'a> Archive<'a> {
    /// Begins one.
    ///
    /// # Errors
    /// If zip archives have no such time.
    pub(super) fn new(out: &'a mut dyn Output, epoch: u32) -> Result<Archive<'a>> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(9))
            .last_modified_time(dos_time(epoch)?)
            // Or else it would be the system that builds.
            .system(System::Unix);
        Ok(Archive { zip: ZipWriter::new(out), options })
    }

    /// Adds a file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn file(&mut self, path: &str, mode: u32, content: &[u8]) -> Result<()> {
        let doing = || format!("packing {path}");
        self.zip.start_file(path, self.options.unix_permissions(mode)).with_context(doing)?;
        self.zip.write_all(content).with_context(doing)
    }

    /// Adds a folder.
    ///
    /// # Errors
    /// As [`Archive::file`].
    pub(super) fn folder(&mut self, path: &str, mode: u32) -> Result<()> {
        let options = self.options.unix_permissions(mode);
        self.zip.add_directory(path, options).with_context(|| format!("packing {path}"))
    }

    /// Ends it with the list of its members.
    ///
    /// # Errors
    /// If that cannot be written.
    pub(super) fn finish(self) -> Result<()> {
        self.zip.finish()?;
        Ok(())
    }
}

/// The time in the form of zip archives, which know no time zone and begin in 1980: that of UTC.
fn dos_time(epoch: u32) -> Result<DateTime> {
    let time = Timestamp::from_second(epoch.into())?.to_zoned(TimeZone::UTC).datetime();
    let part = |value: i8| value.unsigned_abs();
    let year = time.year().unsigned_abs();
    DateTime::from_date_and_time(
        year,
        part(time.month()),
        part(time.day()),
        part(time.hour()),
        part(time.minute()),
        part(time.second()),
    )
    .with_context(|| format!("zip archives hold times from 1980 on, not {epoch} seconds since 1970"))
}
