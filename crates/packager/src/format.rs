//! What a package format is.

use crate::digest::Inputs;
use crate::payload::Part;
use crate::unfinished::Unfinished;
use crate::{Changelog, Payload, Platform, Product, Version};
use anyhow::{Context, Result};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

/// Everything a format may look at. Equal packages give equal bytes.
#[derive(Debug)]
pub struct Package<'a> {
    /// What the product says of itself.
    pub product: &'a Product,
    /// Its history.
    pub changelog: &'a Changelog,
    /// The version of this package.
    pub version: Version,
    /// What it is for.
    pub platform: Platform,
    /// What to pack.
    pub payload: Payload,
    /// The finished artifacts that it is made of.
    pub parts: Vec<Part>,
    /// The time of every file and header, in seconds since 1970 UTC (`SOURCE_DATE_EPOCH`).
    pub epoch: u32,
}

impl Package<'_> {
    /// A digest of everything that `format` may look at: SHA-256, hexadecimal.
    ///
    /// For one and the same packager, equal digests mean equal bits. Unequal ones need not mean different
    /// bits: all of the manifest counts, also what it says for other formats.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn inputs(&self, format: &dyn Format) -> Result<String> {
        let inputs = Inputs::default()
            .value("packager", env!("CARGO_PKG_VERSION"))
            .value("format", format.name())
            .value("version", &self.version.to_string())
            .value("target", &self.platform.to_string())
            .value("epoch", &self.epoch.to_string());
        let inputs = self.product.digest(format, inputs)?;
        let inputs = self.changelog.digest(inputs);
        let inputs = self.payload.digest(inputs)?;
        let inputs = self.parts.iter().try_fold(inputs, |inputs, part| part.digest(inputs))?;
        Ok(inputs.finish())
    }
}

/// Where a format writes to.
pub trait Output: Write + Seek {}
impl<T: Write + Seek> Output for T {}

/// One kind of artifact. Implementations are values without state, listed in [`crate::formats::ALL`].
pub trait Format: Sync {
    /// The name in manifests and on command lines: `deb`.
    fn name(&self) -> &'static str;

    /// The section of the manifest without which there is no such artifact of a product.
    fn section(&self) -> Option<&'static str> {
        None
    }

    /// The files that the manifest names for this format alone, relative to the manifest: what decides the bits
    /// besides the manifest itself, the changelog and the payload.
    fn files(&self, _product: &Product) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Whether it is made of other artifacts and nothing else: then the manifest has no payload for it.
    fn is_of_parts_alone(&self) -> bool {
        false
    }

    /// Whether artifacts of this format exist for a platform.
    fn supports(&self, platform: &Platform) -> bool;

    /// The conventional name of the file.
    fn file_name(&self, product: &Product, version: &Version, platform: &Platform) -> String;

    /// Writes the package.
    ///
    /// # Errors
    /// If the package says something the format cannot express, a source cannot be read, or `out`
    /// cannot be written.
    fn write(&self, package: &Package<'_>, out: &mut dyn Output) -> Result<()>;
}

/// Writes a package into `folder` under its conventional name and returns its path.
///
/// The file appears by rename: whatever happens, it is there whole or not at all.
///
/// # Errors
/// As [`Format::write`], and if the folder cannot be written.
pub fn write_into(folder: &Path, format: &dyn Format, package: &Package<'_>) -> Result<PathBuf> {
    package.product.require(format)?;
    let name = format.file_name(package.product, &package.version, &package.platform);
    let unfinished = Unfinished::begin(folder, &name)?;
    let mut out = std::io::BufWriter::with_capacity(1 << 16, unfinished.file());
    format.write(package, &mut out).with_context(|| unfinished.doing())?;
    out.flush().with_context(|| unfinished.doing())?;
    drop(out);
    unfinished.seal()?;
    unfinished.appear()
}
