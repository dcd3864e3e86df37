//! What a package format is.

use crate::{Changelog, Payload, Product, Target, Version};
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
    /// What the program was compiled for.
    pub target: Target,
    /// What to pack.
    pub payload: Payload,
    /// The time of every file and header, in seconds since 1970 UTC (`SOURCE_DATE_EPOCH`).
    pub epoch: u32,
}

/// Where a format writes to.
pub trait Output: Write + Seek {}
impl<T: Write + Seek> Output for T {}

/// One kind of installer. Implementations are values without state, listed in [`crate::formats::ALL`].
pub trait Format: Sync {
    /// The name in manifests and on command lines: `deb`.
    fn name(&self) -> &'static str;

    /// Whether packages of this format exist for a target.
    fn supports(&self, target: Target) -> bool;

    /// The conventional name of the file.
    fn file_name(&self, product: &Product, version: &Version, target: Target) -> String;

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
    let path = folder.join(format.file_name(package.product, &package.version, package.target));
    let doing = || format!("writing {}", path.display());
    std::fs::create_dir_all(folder).with_context(doing)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".unfinished-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Set on the open file below as well: the umask must not show in the result.
        builder.permissions(std::fs::Permissions::from_mode(0o644));
    }
    let file = builder.tempfile_in(folder).with_context(doing)?;
    let mut out = std::io::BufWriter::with_capacity(1 << 16, file.as_file());
    format.write(package, &mut out).with_context(doing)?;
    out.flush().with_context(doing)?;
    drop(out);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644)).with_context(doing)?;
    }
    file.as_file().sync_all().with_context(doing)?;
    file.persist(&path).with_context(doing)?;
    Ok(path)
}
