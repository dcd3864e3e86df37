//! What only macOS needs to know.

use super::{DiskImage, Script};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Facts of what runs on macOS.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MacOs {
    /// The name by which macOS knows the program, such as `org.example.program`; by default the product's name.
    pub identifier: Option<String>,
    /// Facts only the application needs.
    pub app: Option<App>,
    /// Facts only the package for Installer needs.
    pub package: Option<InstallerPackage>,
    /// Facts only the disk image needs.
    pub disk_image: Option<DiskImage>,
}

/// Facts of the application, a bundle with the program in it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// A property list with what the product does not say: the packager adds names, versions and systems to it.
    pub info: PathBuf,
    /// Its icon (icns).
    pub icon: PathBuf,
}

/// Facts of the package for Installer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstallerPackage {
    /// What Installer shows first: plain text, HTML or RTF by the file's suffix.
    pub welcome: PathBuf,
    /// What has to be agreed to.
    pub license: PathBuf,
    /// What Installer shows last.
    pub conclusion: PathBuf,
    /// What runs before and after the files are laid down: `preinstall`, `postinstall`.
    #[serde(default)]
    pub scripts: BTreeMap<String, Script>,
}

impl App {
    pub(crate) fn files(&self) -> [&Path; 2] {
        [&self.info, &self.icon].map(PathBuf::as_path)
    }
}

impl InstallerPackage {
    pub(crate) fn files(&self) -> Vec<&Path> {
        let pages = [&self.welcome, &self.license, &self.conclusion].into_iter();
        pages.chain(self.scripts.values().flat_map(Script::files)).map(PathBuf::as_path).collect()
    }
}
