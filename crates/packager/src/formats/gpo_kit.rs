//! What an administrator needs to roll the product out by group policy, in one zip: the Windows Installer package as
//! it is, signed if it is signed, with the policy templates and the checklist that the manifest's payload names.

use super::zip;
use crate::format::Output;
use crate::{Entry, Format, Kind, Os, Package, Payload, Platform, Product, Version};
use anyhow::{Result, ensure};

/// The format. See the [module](self).
#[derive(Debug)]
pub struct GpoKit;

/// The name of the archive without its suffix, and of its top folder.
fn stem(product: &Product, version: &Version) -> String {
    format!("{}-{version}-gpo-kit", product.name)
}

impl Format for GpoKit {
    fn name(&self) -> &'static str {
        "gpo-kit"
    }

    fn section(&self) -> Option<&'static str> {
        Some("msi")
    }

    fn supports(&self, platform: &Platform) -> bool {
        platform.os() == Os::Windows
    }

    fn file_name(&self, product: &Product, version: &Version, _platform: &Platform) -> String {
        format!("{}.zip", stem(product, version))
    }

    fn write(&self, package: &Package<'_>, out: &mut dyn Output) -> Result<()> {
        ensure!(!package.parts.is_empty(), "a kit for group policy is made of a Windows Installer package");
        let mut entries = package.payload.entries().to_vec();
        for part in &package.parts {
            entries.push(Entry::root_file(&part.file_name, Kind::File(part.source.clone())));
        }
        let top = stem(package.product, &package.version);
        zip::write(Some(&top), &Payload::new(entries)?, package.epoch, out)
    }
}
