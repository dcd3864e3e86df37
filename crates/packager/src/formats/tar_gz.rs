//! Archives for Linux and macOS: one top folder in a gzipped tar.

use super::compress::gzip_writer;
use super::tar::Tar;
use crate::format::Output;
use crate::{Format, Os, Package, Platform, Product, Version};
use anyhow::Result;

/// The gzipped tar format.
#[derive(Debug)]
pub struct TarGz;

/// The name of an archive without its suffix, and of its top folder: `pywats-client-VERSION-x86_64-linux`.
pub(super) fn stem(product: &Product, version: &Version, platform: &Platform) -> String {
    format!("{}-{version}-{platform}", product.name)
}

impl Format for TarGz {
    fn name(&self) -> &'static str {
        "tar.gz"
    }

    fn supports(&self, platform: &Platform) -> bool {
        platform.os() == Os::MacOs || platform.is_single(Os::Linux)
    }

    fn file_name(&self, product: &Product, version: &Version, platform: &Platform) -> String {
        format!("{}.tar.gz", stem(product, version, platform))
    }

    fn write(&self, package: &Package<'_>, out: &mut dyn Output) -> Result<()> {
        let top = stem(package.product, &package.version, &package.platform) + "/";
        let mut tar = Tar::new(gzip_writer(out), &top, package.epoch)?;
        for entry in package.payload.with_parents().entries() {
            tar.add(entry)?;
        }
        tar.finish()?.finish()?;
        Ok(())
    }
}
