//! Disk images for macOS (`.dmg`): a volume that Finder opens in a window of its own, with the package for Installer in
//! it, the payload, and a picture of what to do behind them.
//!
//! [`apple_archives`] knows the file system (`hfs_plus`), the image (`udif`) and the window (`ds_store`).
//! macOS names things by numbers of the file system; those are given in a fixed order, so the same package gives the same
//! bits.

use crate::format::Output;
use crate::product::DiskImage;
use crate::{Entry, Format, Kind, Os, Package, Platform, Product, Version};
use anyhow::{Context, Result, bail, ensure};
use apple_archives::ds_store::Window;
use apple_archives::hfs_plus::{Content, FinderInfo, Id, Volume};
use apple_archives::udif;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The format. See the [module](self).
#[derive(Debug)]
pub struct Dmg;

/// Where macOS looks for the icon of a volume, and the creator that it has there.
const VOLUME_ICON: &str = ".VolumeIcon.icns";
const ICON_CREATOR: [u8; 4] = *b"icnC";

/// Where Finder keeps how a window looks.
const WINDOW: &str = ".DS_Store";

/// What the picture behind the icons is called, before its own suffix.
const PICTURE: &str = ".background";

/// Where the window is on the screen, from its lower left.
const POSITION: (u32, u32) = (200, 200);

/// Height of a window's title.
const TITLE: u32 = 28;

impl Format for Dmg {
    fn name(&self) -> &'static str {
        "dmg"
    }

    fn section(&self) -> Option<&'static str> {
        Some("macos.disk_image")
    }

    fn files(&self, product: &Product) -> Vec<PathBuf> {
        let files = product.macos.disk_image.iter().flat_map(DiskImage::files);
        files.map(Path::to_owned).collect()
    }

    fn supports(&self, platform: &Platform) -> bool {
        platform.os() == Os::MacOs
    }

    fn file_name(&self, product: &Product, version: &Version, _platform: &Platform) -> String {
        format!("{}-{version}.dmg", product.name)
    }

    fn write(&self, package: &Package<'_>, out: &mut dyn Output) -> Result<()> {
        let facts = package.product.disk_image()?;
        let volume = volume(package, facts).context("laying out the volume")?;
        udif::write(&volume.to_bytes()?, out)?;
        Ok(())
    }
}

fn volume(package: &Package<'_>, facts: &DiskImage) -> Result<Volume> {
    let [part] = &*package.parts else {
        bail!("a disk image is made of one package for Installer, not of {}", package.parts.len());
    };
    let product = package.product;
    let mut volume = Volume::new(&product.display_name, package.epoch)?;
    let mut top = vec![facts.package.clone()];
    volume.add(Id::ROOT, &facts.package, Content::File(part.source.read()?), 0o644)?;
    let mut folders: HashMap<String, Id> = HashMap::new();
    for entry in package.payload.with_parents().entries() {
        let (folder, name) = match entry.path.rsplit_once('/') {
            None => (Id::ROOT, entry.path.as_str()),
            Some((folder, name)) => (*folders.get(folder).context("a folder is missing")?, name),
        };
        let added = volume.add(folder, name, content(entry)?, (entry.mode & 0o7777) as u16);
        folders.insert(entry.path.clone(), added.with_context(|| format!("packing {}", entry.path))?);
        if folder == Id::ROOT {
            top.push(name.to_owned());
        }
    }

    if let Some(icon) = &facts.icon {
        let icon = volume.add(Id::ROOT, VOLUME_ICON, Content::File(product.bytes(icon)?), 0o644)?;
        volume.set_finder_info(icon, FinderInfo { creator: ICON_CREATOR, ..FinderInfo::default() })?;
        let has_icon = FinderInfo { flags: FinderInfo::CUSTOM_ICON, ..FinderInfo::default() };
        volume.set_finder_info(Id::ROOT, has_icon)?;
    }

    let suffix = facts.background.extension().map(|suffix| format!(".{}", suffix.to_string_lossy()));
    let picture = format!("{PICTURE}{}", suffix.unwrap_or_default());
    let content = Content::File(product.bytes(&facts.background)?);
    let number = volume.add(Id::ROOT, &picture, content, 0o644)?;
    let window = window(facts, &top)?.to_bytes(&volume, Some((number, &picture)))?;
    volume.add(Id::ROOT, WINDOW, Content::File(window), 0o644)?;
    Ok(volume)
}

fn content(entry: &Entry) -> Result<Content> {
    Ok(match (&entry.kind, entry.source()) {
        (Kind::Link(target), _) => Content::Link(target.clone()),
        (_, Some(source)) => Content::File(source.read()?),
        (_, None) => Content::Folder,
    })
}

/// The window; every file that it shows has a place, and no other.
fn window(facts: &DiskImage, shown: &[String]) -> Result<Window> {
    for name in facts.places.keys() {
        ensure!(shown.contains(name), "macos.disk_image.places names {name:?}, which is not on the volume");
    }
    for name in shown {
        ensure!(
            name.starts_with('.') || facts.places.contains_key(name),
            "macos.disk_image.places does not say where {name:?} is in the window"
        );
    }
    let (width, height) = facts.window;
    let icons = facts.places.iter().map(|(name, place)| (name.clone(), *place)).collect();
    Ok(Window { position: POSITION, size: (width, height + TITLE), icon_size: facts.icon_size, icons })
}
