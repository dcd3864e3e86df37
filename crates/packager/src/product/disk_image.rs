//! What only the disk image for macOS needs to know.

use anyhow::{Result, ensure};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Facts of the disk image, whose volume is named after the product.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiskImage {
    /// What the package for Installer is called on the volume.
    pub package: String,
    /// Icon of the volume (icns), if it is not the usual one of a disk.
    pub icon: Option<PathBuf>,
    /// Picture behind the icons: as large as the window, in a format that macOS shows.
    pub background: PathBuf,
    /// Width and height of the window, without its title.
    pub window: (u32, u32),
    /// Width and height of the icons in it.
    pub icon_size: u32,
    /// Where the middle of each file's icon is, from the upper left.
    pub places: BTreeMap<String, (u32, u32)>,
}

impl DiskImage {
    /// The files that go into the image besides the payload.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        self.icon.iter().chain([&self.background]).map(PathBuf::as_path)
    }

    /// Refuses what nobody could see.
    pub(super) fn check(&self) -> Result<()> {
        let (width, height) = self.window;
        for (name, (x, y)) in &self.places {
            let inside = *x < width && *y < height;
            ensure!(
                inside,
                "macos.disk_image.places: {name:?} is outside of the window, {width} by {height}"
            );
        }
        Ok(())
    }
}
