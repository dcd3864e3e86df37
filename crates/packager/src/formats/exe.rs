//! The program as a file of its own, to be run from wherever it lies: what package managers call a portable application.
//!
//! Its name says version, processor and system, in the same way for all of them: `NAME-VERSION-x86_64-linux`,
//! `NAME-VERSION-universal-macos`, `NAME-VERSION-x86_64-windows.exe`.

use crate::format::Output;
use crate::{Format, Package, Platform, Product, Version};
use anyhow::{Context, Result, bail};

/// The format. See the [module](self).
#[derive(Debug)]
pub struct Exe;

impl Format for Exe {
    fn name(&self) -> &'static str {
        "exe"
    }

    fn supports(&self, platform: &Platform) -> bool {
        platform.has_one_program()
    }

    fn file_name(&self, product: &Product, version: &Version, platform: &Platform) -> String {
        format!("{}-{version}-{platform}{}", product.name, platform.os().exe_suffix())
    }

    /// Bit for bit the program, with its signature if it has one. Whether it may be executed is nothing that a download
    /// keeps.
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
