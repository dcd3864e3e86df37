//! Where packages come from: a folder as `cargo xtask dist` makes it, whose list says what each file has to be.

use anyhow::{Context, Result, ensure};
use packager::artifacts::LIST;
use packager::digest::sha256;
use packager::{Artifacts, Version};
use std::fs;
use std::path::{Path, PathBuf};

/// A package that is to be added.
#[derive(Clone)]
pub(crate) struct Package {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What it is.
    pub(crate) bytes: Vec<u8>,
    format: String,
    /// As the list says it; nothing where it does not.
    version: Option<Version>,
}

impl Package {
    /// Whether it is of a format: `deb` or `rpm`.
    pub(crate) fn is(&self, format: &str) -> bool {
        self.format == format
    }

    /// Whether it is no finished release.
    pub(crate) fn is_pre_release(&self) -> bool {
        self.version.is_some_and(|version| version.is_pre_release() || version.is_dev())
    }

    /// The name of its file.
    pub(crate) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// How errors about it begin.
    pub(crate) fn advice(&self) -> String {
        format!("{} cannot be added", self.path.display())
    }
}

/// The packages of a folder.
///
/// # Errors
/// If it has no list, or a package is not what that says.
pub(crate) fn read(folder: &Path) -> Result<Vec<Package>> {
    let artifacts = Artifacts::load(folder)?.with_context(|| {
        format!("{} has no {LIST}: give a folder that `cargo xtask dist` made", folder.display())
    })?;
    let wanted = artifacts.0.iter().filter(|(_, artifact)| ["deb", "rpm"].contains(&&*artifact.format));
    let packages = wanted.map(|(name, artifact)| {
        let path = folder.join(name);
        let bytes = fs::read(&path).with_context(|| format!("reading {}: make it again", path.display()))?;
        ensure!(
            sha256(&bytes) == artifact.sha256,
            "{} is damaged: it is not what {LIST} says; make it again",
            path.display()
        );
        Ok(Package { path, bytes, format: artifact.format.clone(), version: artifact.version.parse().ok() })
    });
    packages.collect()
}
