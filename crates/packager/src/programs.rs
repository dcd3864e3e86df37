//! The compiled programs that go into one artifact: for each target the folder that a build left them in.
//!
//! A program is looked at when it enters an artifact, whoever asks for that: whether it is one for its target, and
//! whether it would start there. One for macOS gets an ad hoc signature, unless a key
//! signed it, and several of them become a universal one.

mod macos;
mod oldest_macos;
mod windows;

pub(crate) use oldest_macos::oldest_macos;
pub use windows::has_library as windows_has_library;

use crate::digest;
use crate::payload::Source;
use crate::{Arch, Os, Platform, Product, Target};
use anyhow::{Context, Result, ensure};
use object::FileKind;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// What was compiled for one target.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The Rust target triple, or any other text that names the target.
    pub triple: String,
    /// The folder.
    pub folder: PathBuf,
}

impl FromStr for Compiled {
    type Err = anyhow::Error;

    /// Reads `TRIPLE=FOLDER`, as command lines have it.
    fn from_str(text: &str) -> Result<Compiled> {
        let (triple, folder) = text.split_once('=').context("write TRIPLE=FOLDER")?;
        Ok(Compiled { triple: triple.to_owned(), folder: folder.into() })
    }
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Programs {
    platform: Platform,
    compiled: Vec<(Target, Compiled)>,
    /// What macOS is to call them.
    identifier: String,
}

/// A program as it is in an artifact, for the list of artifacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// The name of its file, where it was compiled.
    pub name: String,
    /// The Rust target triple.
    pub target: String,
    /// SHA-256, hexadecimal; of one slice of a universal program, that of the slice; of the program of a bundle, that
    /// before it was signed with the bundle.
    pub sha256: String,
}

impl Programs {
    /// The programs of an artifact, for all its targets.
    ///
    /// # Errors
    /// If a target is unknown, or no artifact can have these targets at once.
    pub fn new(product: &Product, compiled: Vec<Compiled>) -> Result<Programs> {
        let compiled: Vec<(Target, Compiled)> = compiled
            .into_iter()
            .map(|compiled| Ok((compiled.triple.parse()?, compiled)))
            .collect::<Result<_>>()?;
        let targets: Vec<Target> = compiled.iter().map(|(target, _)| *target).collect();
        let identifier = product.macos_identifier().to_owned();
        Ok(Programs { platform: Platform::new(&targets)?, compiled, identifier })
    }

    /// No programs: for those who only ask what else decides an artifact. Each counts as empty.
    pub fn none(platform: Platform) -> Programs {
        Programs { platform, compiled: Vec::new(), identifier: String::new() }
    }

    /// What they are for.
    pub fn platform(&self) -> &Platform {
        &self.platform
    }

    /// The folders.
    pub fn compiled(&self) -> impl Iterator<Item = &Compiled> {
        self.compiled.iter().map(|(_, compiled)| compiled)
    }

    /// The program of that file name, as it goes into the artifact.
    ///
    /// # Errors
    /// If it is not there, or is no program for its target.
    pub fn source(&self, name: &str) -> Result<Source> {
        let mut slices = self.slices(name)?;
        if slices.len() < 2 {
            return Ok(Source::Bytes(slices.pop().unwrap_or_default()));
        }
        let joined = apple_archives::mach_o::joined(slices);
        Ok(Source::Bytes(joined.with_context(|| format!("joining {name}"))?))
    }

    /// What the list of artifacts says of the programs of these file names.
    ///
    /// # Errors
    /// As [`Programs::source`].
    pub fn record(&self, names: &[String]) -> Result<Vec<Program>> {
        let mut records = Vec::new();
        for name in names {
            for (slice, compiled) in self.slices(name)?.iter().zip(self.compiled()) {
                let sha256 = digest::sha256(slice);
                records.push(Program { name: name.clone(), target: compiled.triple.clone(), sha256 });
            }
        }
        Ok(records)
    }

    /// The program for each target, as it is in the artifact.
    fn slices(&self, name: &str) -> Result<Vec<Vec<u8>>> {
        let slices = self.compiled.iter().map(|(target, compiled)| {
            let path = find(&compiled.folder, name)?;
            let bytes = std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
            self.enter(*target, bytes)
                .with_context(|| format!("{} cannot be packed for {target}", path.display()))
        });
        slices.collect()
    }

    /// Looks at a program, and makes of it what goes into artifacts.
    fn enter(&self, target: Target, bytes: Vec<u8>) -> Result<Vec<u8>> {
        match target.os {
            Os::Linux => check_elf(&bytes, target.arch)?,
            Os::Windows => windows::check(&bytes, target.arch)?,
            Os::MacOs => return macos::enter(bytes, target.arch, &self.identifier),
        }
        Ok(bytes)
    }
}

/// Refuses what is no program for Linux on this processor ([ELF](https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html)).
fn check_elf(bytes: &[u8], arch: Arch) -> Result<()> {
    use object::elf::{EM_AARCH64, EM_X86_64, FileHeader64};
    use object::read::elf::FileHeader as _;
    let is_elf = matches!(FileKind::parse(bytes), Ok(FileKind::Elf64));
    ensure!(is_elf, "it is no 64-bit program for Linux");
    let header = FileHeader64::<object::Endianness>::parse(bytes).context("it is no program for Linux")?;
    let machine = if arch == Arch::X86_64 { EM_X86_64 } else { EM_AARCH64 };
    let is_for = header.endian().is_ok_and(|endian| header.e_machine(endian) == machine);
    ensure!(is_for, "it is a program for another processor than {}", arch.name());
    Ok(())
}

fn find(folder: &Path, name: &str) -> Result<PathBuf> {
    ensure!(folder.is_dir(), "{} is not a folder with compiled programs", folder.display());
    let path = folder.join(name);
    ensure!(path.is_file(), "{} is not a file; a package needs it", path.display());
    Ok(path)
}
