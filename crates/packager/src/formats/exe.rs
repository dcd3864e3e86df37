//! The program for Windows as a file of its own, to be run from wherever it lies: what package managers
//! call a portable application.

use crate::format::Output;
use crate::{Format, Os, Package, Platform, Product, Version};
use anyhow::{Context, Result, bail};

/// The format. See the [module](self).
#[derive(Debug)]
pub struct Exe;

impl Format for Exe {
    fn name(&self) -> &'static str {
        "exe"
    }

    fn supports(&self, platform: &Platform) -> bool {
        platform.is_single(Os::Windows)
    }

    fn file_name(&self, product: &Product, version: &Version, platform: &Platform) -> String {
        format!("{}-{version}-{}.exe", product.name, platform.arch().windows())
    }

    /// Bit for bit the program, with its signature if it has one.
    fn write(&self, package: &Package<'_>, out: &mut dyn Output) -> Result<()> {
        let program = package.payload.program()?;
        let other = package.payload.entries().iter().find(|entry| entry.path != program.path);
        if let Some(other) = other {
            bail!("{}: the format exe holds the program and nothing else", other.path);
        }
        let source = program.source().context("a program has a source")?;
        out.write_all(&source.read()?)?;
        Ok(())
    }
}
