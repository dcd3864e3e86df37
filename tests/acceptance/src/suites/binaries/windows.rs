//! Programs and libraries for Windows: hardened, for their processor, and in need of nothing but Windows.

use super::llvm;
use crate::command::tool;
use anyhow::{Context, Result, ensure};
use goblin::pe::{PE, header};
use packager::Arch;
use packager::programs::windows_has_library;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Address space randomisation with 64 bits, with what it takes; no executable data, and no wall-clock time.
pub(super) fn judge(pe: &PE<'_>, arch: Arch) -> Result<()> {
    let machine = match arch {
        Arch::X86_64 => header::COFF_MACHINE_X86_64,
        Arch::Aarch64 => header::COFF_MACHINE_ARM64,
    };
    let found = pe.header.coff_header.machine;
    ensure!(found == machine, "it is for the processor {found:#x}");
    let optional = pe.header.optional_header.context("it has no optional header")?;
    let characteristics = optional.windows_fields.dll_characteristics;
    for (bit, what) in [(0x0020, "HIGH_ENTROPY_VA"), (0x0040, "DYNAMIC_BASE"), (0x0100, "NX_COMPAT")] {
        ensure!(characteristics & bit != 0, "{what} is not set");
    }
    let directories = &optional.data_directories;
    // Without the first it lies at one address, without the second no panic is caught.
    for (table, what) in [
        (directories.get_base_relocation_table(), "base relocations"),
        (directories.get_exception_table(), "unwind tables"),
    ] {
        ensure!(table.is_some_and(|table| table.size > 0), "it has no {what}");
    }
    // The linker puts a digest there. One that happens to look like the past week is one in 7000.
    let stamp = UNIX_EPOCH + Duration::from_secs(pe.header.coff_header.time_date_stamp.into());
    let week = Duration::from_secs(7 * 24 * 3600);
    let now = SystemTime::now();
    ensure!(stamp < now - week || stamp > now + week, "the header has the time of the build");
    Ok(())
}

/// Fails if: LLVM takes it for a program for another processor, or it asks for a library that not every Windows has.
pub(in crate::suites) fn read_by_llvm(file: &Path, arch: Arch) -> Result<()> {
    let machine = match arch {
        Arch::X86_64 => "Machine: IMAGE_FILE_MACHINE_AMD64 (0x8664)",
        Arch::Aarch64 => "Machine: IMAGE_FILE_MACHINE_ARM64 (0xAA64)",
    };
    let text = readobj(file, &["--file-headers", "--coff-imports"])?;
    ensure!(text.contains(machine), "it is for another processor:\n{}", &text[..text.len().min(400)]);
    let libraries: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("  Name: ")).collect();
    ensure!(libraries.len() > 2, "it asks for {libraries:?} only");
    let foreign: Vec<_> = libraries.into_iter().filter(|name| !windows_has_library(name)).collect();
    ensure!(foreign.is_empty(), "not every Windows has {foreign:?}");
    Ok(())
}

/// The names of the functions that a library offers.
pub(in crate::suites) fn exports(file: &Path) -> Result<Vec<String>> {
    let text = readobj(file, &["--coff-exports"])?;
    Ok(text.lines().filter_map(|line| line.strip_prefix("  Name: ")).map(str::to_owned).collect())
}

fn readobj(file: &Path, options: &[&str]) -> Result<String> {
    let program = llvm("llvm-readobj").context("llvm-readobj is not installed: apt-get install llvm")?;
    tool(program, 60).args(options).arg(file).read()
}
