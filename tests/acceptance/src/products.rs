//! Packages made for a test, such as the same product at a higher version.

use anyhow::{Context, Result, bail, ensure};
use packager::{Package, Payload, Product, Target, format, formats};
use sha2::{Digest, Sha256};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The folder of the workspace.
pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("."))
}

/// Packs `program` as it is released into `folder`.
pub(crate) fn package_as_released(
    format: &str,
    target: &str,
    program: &Path,
    folder: &Path,
) -> Result<PathBuf> {
    let product = Product::load(&workspace().join("packaging/product.toml"))?;
    let version = product.changelog()?.latest().version.to_string();
    package(format, target, &version, program, folder)
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

/// Fails if: two files differ in a single bit, or one is missing.
pub(crate) fn compare(first: &Path, second: &Path) -> Result<()> {
    let [a, b] =
        [first, second].map(|path| fs::read(path).with_context(|| format!("reading {}", path.display())));
    let (a, b) = (a?, b?);
    if a != b {
        let at = a.iter().zip(&b).position(|(x, y)| x != y).unwrap_or(a.len().min(b.len()));
        let digest = |bytes: &[u8]| format!("{:x}", Sha256::digest(bytes));
        bail!(
            "{} bytes with SHA-256 {}, and {} bytes with {}; they differ from byte {at}",
            a.len(),
            digest(&a),
            b.len(),
            digest(&b)
        );
    }
    Ok(())
}

/// Fails if: two files differ in a single bit, or the second is missing or not readable for everyone.
pub(crate) fn compare_files(first: &Path, second: &Path) -> Result<()> {
    compare(first, second)?;
    let mode = fs::metadata(second)?.mode() & 0o777;
    ensure!(mode == 0o644, "the umask shows in the mode {mode:o} of {}", second.display());
    Ok(())
}

/// Copies what a fresh clone would have: everything but results of builds and the history.
pub(crate) fn copy_sources(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        if ["target", "dist", ".git", "result", "__pycache__"].iter().any(|skipped| name == *skipped) {
            continue;
        }
        let (source, target) = (entry.path(), to.join(&name));
        if entry.file_type()?.is_dir() {
            copy_sources(&source, &target)?;
        } else {
            fs::copy(&source, &target).with_context(|| format!("copying {}", source.display()))?;
        }
    }
    Ok(())
}
