//! Packages made for a test, such as the same product at a higher version.

use anyhow::{Context, Result};
use packager::{Package, Payload, Product, Target, format, formats};
use std::path::{Path, PathBuf};

/// The folder of the workspace.
pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("."))
}

/// Packs `program` as the product does, at another version, into `folder`.
pub(crate) fn package(
    format: &str,
    target: &str,
    version: &str,
    program: &Path,
    folder: &Path,
) -> Result<PathBuf> {
    let manifest = workspace().join("packaging/product.toml");
    let product = Product::load(&manifest)?;
    let changelog = product.changelog()?;
    let target: Target = target.parse()?;
    let package = Package {
        payload: Payload::resolve(&product, format, target, program)?,
        product: &product,
        changelog: &changelog,
        version: version.parse()?,
        target,
        epoch: changelog.latest().epoch(),
    };
    format::write_into(folder, formats::by_name(format)?, &package)
        .with_context(|| format!("making a {format} of version {version} for the test"))
}
