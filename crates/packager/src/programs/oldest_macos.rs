//! The oldest macOS that a program says it runs on, in `LC_BUILD_VERSION` of `<mach-o/loader.h>`.

use anyhow::{Context, Result, ensure};
use object::macho::{BuildVersionCommand, LC_BUILD_VERSION, MachHeader64, PLATFORM_MACOS};
use object::read::macho::{FatArch as _, MachHeader as _, MachOFatFile32};
use object::{FileKind, LittleEndian as LE};

/// The oldest macOS that a program, or every slice of a universal one, runs on: `11.0`.
///
/// # Errors
/// If it is no program for macOS, or does not say.
pub(crate) fn oldest_macos(program: &[u8]) -> Result<String> {
    let mut slices = Vec::new();
    if matches!(FileKind::parse(program), Ok(FileKind::MachOFat32)) {
        let fat = MachOFatFile32::parse(program).context("it is no universal program")?;
        for arch in fat.arches() {
            slices.push(arch.data(program).context("a slice lies outside of it")?);
        }
    } else {
        slices.push(program);
    }
    let versions = slices.into_iter().map(of_slice).collect::<Result<Vec<u32>>>()?;
    let version = versions.into_iter().max().context("it has no slice")?;
    let [major, minor, patch] = [version >> 16, version >> 8 & 0xff, version & 0xff];
    Ok(if patch == 0 { format!("{major}.{minor}") } else { format!("{major}.{minor}.{patch}") })
}

fn of_slice(bytes: &[u8]) -> Result<u32> {
    let header = MachHeader64::<LE>::parse(bytes, 0).context("it is no 64-bit program for macOS")?;
    let endian = header.endian().context("it is no program for little-endian processors")?;
    let mut commands = header.load_commands(endian, bytes, 0)?;
    while let Some(command) = commands.next()? {
        if command.cmd() == LC_BUILD_VERSION {
            let version: &BuildVersionCommand<LE> = command.data()?;
            ensure!(version.platform.get(endian) == PLATFORM_MACOS, "it is for another system of Apple's");
            return Ok(version.minos.get(endian).0);
        }
    }
    anyhow::bail!("it does not say the oldest macOS that it runs on")
}
