//! Archives for Linux and macOS: one top folder in a gzipped tar, named and made as
//! [cargo-dist](https://axodotdev.github.io/cargo-dist/)'s installers expect it.

use super::compress::gzip_writer;
use super::tar::Tar;
use crate::format::Output;
use crate::{Format, Os, Package, Platform, Product, Version};
use anyhow::Result;

/// The gzipped tar format.
#[derive(Debug)]
pub struct TarGz;

/// The name of an archive without its suffix, and of its top folder: `pywats-client-x86_64-unknown-linux-musl`. The
/// address of a release has its version, and the name of an archive is the same in all of them.
pub(super) fn stem(product: &Product, platform: &Platform) -> String {
    format!("{}-{}", product.name, platform.triple())
}

impl Format for TarGz {
    fn name(&self) -> &'static str {
        "tar.gz"
    }

    fn supports(&self, platform: &Platform) -> bool {
        platform.os() != Os::Windows && platform.has_one_program()
    }

    fn file_name(&self, product: &Product, _version: &Version, platform: &Platform) -> String {
        format!("{}.tar.gz", stem(product, platform))
    }

    fn write(&self, package: &Package<'_>, out: &mut dyn Output) -> Result<()> {
        let top = stem(package.product, &package.platform) + "/";
        let mut tar = Tar::new(gzip_writer(out), &top, package.epoch)?;
        for entry in package.payload.with_parents().entries() {
            tar.add(entry)?;
        }
        tar.finish()?.finish()?;
        Ok(())
    }
}
