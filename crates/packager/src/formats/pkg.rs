//! The package for Apple's Installer: the application as it is, signed if it is signed, with what the manifest's payload
//! names, and scripts.
//!
//! The format is that of [`apple_archives::flat_package`].

use super::app::{self, Described, INFO};
use crate::format::Output;
use crate::product::InstallerPackage;
use crate::{Arch, Entry, Format, Kind, Os, Package, Part, Platform, Product, Version};
use anyhow::{Context, Result, bail, ensure};
use apple_archives::flat_package::{self, Bundle, Page, PageKind};
use apple_archives::tree::{self, Content, Tree};
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use zip::ZipArchive;

/// The package for Installer. See the [module](self).
#[derive(Debug)]
pub struct Pkg;

/// Where applications lie.
const APPLICATIONS: &str = "Applications";
/// The accounts that every macOS has under these numbers.
const USERS: &[(&str, u32)] = &[("root", 0)];
const GROUPS: &[(&str, u32)] = &[("root", 0), ("wheel", 0), ("admin", 80)];

impl Format for Pkg {
    fn name(&self) -> &'static str {
        "pkg"
    }

    fn section(&self) -> Option<&'static str> {
        Some("macos.package")
    }

    fn files(&self, product: &Product) -> Vec<PathBuf> {
        product.macos.package.iter().flat_map(InstallerPackage::files).map(Path::to_owned).collect()
    }

    fn supports(&self, platform: &Platform) -> bool {
        platform.os() == Os::MacOs
    }

    fn file_name(&self, product: &Product, version: &Version, _platform: &Platform) -> String {
        format!("{}-{version}.pkg", product.name)
    }

    fn write(&self, package: &Package<'_>, out: &mut dyn Output) -> Result<()> {
        let product = package.product;
        let section = product.installer_package()?;
        let [part] = &package.parts[..] else {
            bail!("a package for Installer is made of one application, and {} are given", package.parts.len())
        };
        let bundle_path = format!("{APPLICATIONS}/{}", app::bundle(product));
        let mut entries = bundle(part, &app::bundle(product))
            .with_context(|| format!("taking the application out of {}", part.file_name))?;
        for entry in package.payload.with_parents().entries() {
            entries.push(laid_down(entry).with_context(|| format!("packing {}", entry.path))?);
        }
        entries.push(folder(""));
        if !entries.iter().any(|entry| entry.path == APPLICATIONS) {
            bail!("the payload does not say whose {APPLICATIONS} is, which Installer lays down, too");
        }
        let payload = Tree::new(entries)?;
        let described = payload.entry(&format!("{bundle_path}/{INFO}"));
        let described = described.with_context(|| format!("{} has no {INFO}", part.file_name))?;
        let described = Described::read(&String::from_utf8_lossy(described.data()))
            .with_context(|| format!("{INFO} in {}", part.file_name))?;

        let pages = pages(product, section)?;
        let pages: Vec<Page<'_>> =
            pages.iter().map(|(kind, file, content)| Page { kind: *kind, file, content }).collect();
        let scripts =
            section.scripts.iter().map(|(name, script)| Ok((&**name, script.text(product)?.into_bytes())));
        let scripts: Vec<(&str, Vec<u8>)> = scripts.collect::<Result<_>>()?;
        let scripts: Vec<(&str, &[u8])> = scripts.iter().map(|(name, bytes)| (*name, &**bytes)).collect();
        let architectures: Vec<&str> =
            package.platform.arches().iter().map(|arch| Arch::apple(*arch)).collect();
        let written = flat_package::Package {
            identifier: product.macos_identifier(),
            version: &app::numbers(&package.version),
            title: &product.display_name,
            name: &product.name,
            minimum_system: &described.oldest_macos,
            architectures: &architectures,
            pages: &pages,
            scripts: &scripts,
            payload: &payload,
            bundles: &[Bundle {
                path: &bundle_path,
                identifier: &described.identifier,
                short_version: &described.short_version,
                version: &described.version,
            }],
            time: package.epoch,
        };
        flat_package::write(&written, &mut &mut *out)?;
        Ok(())
    }
}

/// What Installer shows: which page, the name of its file, and the text.
fn pages(product: &Product, section: &InstallerPackage) -> Result<Vec<(PageKind, String, Vec<u8>)>> {
    let pages = [
        (PageKind::Welcome, "welcome", &section.welcome),
        (PageKind::License, "license", &section.license),
        (PageKind::Conclusion, "conclusion", &section.conclusion),
    ];
    let pages = pages.into_iter().map(|(kind, name, file)| {
        let suffix = file.extension().map_or("txt".into(), |suffix| suffix.to_string_lossy());
        Ok((kind, format!("{name}.{suffix}"), product.bytes(file)?))
    });
    pages.collect()
}

/// The application of an archive, in its place.
fn bundle(part: &Part, name: &str) -> Result<Vec<tree::Entry>> {
    let mut archive = ZipArchive::new(Cursor::new(part.source.read()?)).context("it is no zip archive")?;
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index)?;
        let path = file.name()?.trim_end_matches('/').to_owned();
        let is_inside = path == name || path.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'));
        ensure!(is_inside, "{path} lies outside of {name}");
        let mode = file.unix_mode().with_context(|| format!("{path} has no mode of Unix"))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).with_context(|| format!("unpacking {path}"))?;
        let content = if file.is_dir() {
            Content::Folder
        } else if file.is_symlink() {
            Content::Link(
                String::from_utf8(bytes).with_context(|| format!("{path} leads to what is no UTF-8"))?,
            )
        } else {
            Content::File(bytes)
        };
        entries.push(tree::Entry {
            mode: mode as u16 & 0o7777,
            content,
            ..folder(&format!("{APPLICATIONS}/{path}"))
        });
    }
    Ok(entries)
}

fn folder(path: &str) -> tree::Entry {
    tree::Entry { path: path.to_owned(), mode: 0o755, user: 0, group: 0, content: Content::Folder }
}

/// An entry of the payload, with the numbers of its owners.
fn laid_down(entry: &Entry) -> Result<tree::Entry> {
    let number = |known: &[(&str, u32)], name: &str| {
        let found = known.iter().find(|(known, _)| *known == name).map(|(_, number)| *number);
        found.with_context(|| {
            let known: Vec<&str> = known.iter().map(|(known, _)| *known).collect();
            format!(
                "it belongs to {name}, which not every macOS knows by a number; known are {}",
                known.join(", ")
            )
        })
    };
    let content = match (&entry.kind, entry.source()) {
        (Kind::Directory, _) => Content::Folder,
        (Kind::Link(target), _) => Content::Link(target.clone()),
        (_, source) => Content::File(source.context("a file without content")?.read()?),
    };
    Ok(tree::Entry {
        path: entry.path.clone(),
        mode: entry.mode as u16,
        user: number(USERS, &entry.owner.user)?,
        group: number(GROUPS, &entry.owner.group)?,
        content,
    })
}
