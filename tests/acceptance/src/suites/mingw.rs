//! A second opinion on what zig links for Windows: the same sources, linked by Debian's mingw gcc with its C runtime,
//! become an MSI that is installed in Wine and delivers a report. What it makes is no artifact, and has other bits.

use crate::bench::Bench;
use crate::command::tool;
use crate::products::{self, workspace};
use crate::suites::{msi, wine};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

const TARGET: &str = "x86_64-pc-windows-gnu";
/// The gcc of Debian.
const COMPILER: &str = "x86_64-w64-mingw32-gcc";
/// Names the folder with the standard library for Windows, where the compiler has none of its own.
const SYSROOT: &str = "PYWATS_MINGW_SYSROOT";
const BUILD_SECONDS: u32 = 1500;

/// Builds, packs, installs.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let first = bench.artifact("-x64.msi")?;
    let folder = bench.folder("linked by gcc")?;
    let mut package = PathBuf::new();
    let built = bench.case("gcc links the program and the library of the installer", || {
        let program = build(&folder)?;
        package = products::package("msi", "x86_64-windows", &msi::version(&first)?, &program, &folder)?;
        Ok(())
    });
    if built {
        bench.judge("linked by gcc", vec![package], wine::run_life);
    } else {
        bench.not_run("linked by gcc: its MSI installs and delivers", "there is no program");
    }
    Ok(())
}

/// Fails if: the sources link with zig only. Returns the program; the library lies beside it.
fn build(folder: &Path) -> Result<PathBuf> {
    let mut flags = vec!["-Clink-self-contained=no".to_owned()];
    if let Some(sysroot) = std::env::var_os(SYSROOT) {
        flags.push(format!("--sysroot={}", Path::new(&sysroot).display()));
    }
    tool("cargo", BUILD_SECONDS)
        .args(["build", "--release", "--locked", "--target", TARGET])
        .args(["--package", "pywats-client", "--bin", "pywats-client"])
        .args(["--package", "installer-actions", "--lib"])
        .current_dir(workspace())
        .env("CARGO_TARGET_DIR", folder)
        // Encoded, because folder names may contain spaces.
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
        .env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER", COMPILER)
        .env("CC_x86_64_pc_windows_gnu", COMPILER)
        .env("AR_x86_64_pc_windows_gnu", "x86_64-w64-mingw32-ar")
        .run()
        .context("building for Windows by gcc")?;
    Ok(folder.join(TARGET).join("release/pywats-client.exe"))
}
