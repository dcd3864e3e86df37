//! A second opinion on what zig links for Windows: the same sources, linked by Debian's mingw gcc, run in Wine and
//! deliver a report. What it makes is no artifact: its C runtime is Windows' old one, which the packager refuses.

use crate::bench::Bench;
use crate::client::drop_report;
use crate::command::tool;
use crate::products::workspace;
use crate::suites::wine::prefix::{DATA, Prefix};
use crate::suites::wine::reports::{Wats, report};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};

const TARGET: &str = "x86_64-pc-windows-gnu";
/// The gcc of Debian.
const COMPILER: &str = "x86_64-w64-mingw32-gcc";
/// Names the folder with the standard library for Windows, where the compiler has none of its own.
const SYSROOT: &str = "PYWATS_MINGW_SYSROOT";
const BUILD_SECONDS: u32 = 1500;

/// Builds and delivers.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    const DELIVERS: &str = "what gcc has linked delivers a report in Wine";
    let folder = bench.folder("linked by gcc")?;
    let mut program = None;
    bench.case("gcc links the program and the library of the installer", || {
        program = Some(build(&folder)?);
        Ok(())
    });
    match program {
        Some(program) => {
            let prefix = Prefix::create(&bench.folder("prefix")?).context("making a Wine prefix")?;
            bench.case(DELIVERS, || delivers(&prefix, &program));
        }
        None => bench.not_run(DELIVERS, "there is no program"),
    }
    Ok(())
}

/// Fails if: the program works with zig's C runtime only.
fn delivers(prefix: &Prefix, program: &Path) -> Result<()> {
    let wats = Wats::start()?;
    let data = prefix.path(DATA);
    fs::create_dir_all(data.join("watch"))?;
    fs::write(data.join("config.json"), wats.configuration())?;
    fs::copy(program, prefix.path(r"C:\pywats-client.exe")).context("copying the program")?;
    let mut service = prefix.command("wine");
    let mut service =
        service.args([r"C:\pywats-client.exe", "run"]).spawn().context("starting the program in Wine")?;
    let report = report(1)?;
    let delivered = drop_report(&data.join("watch"), "first.json", report.to_string().as_bytes())
        .and_then(|()| wats.expect(&report));
    service.kill().context("ending the program")?;
    service.wait()?;
    delivered
}

/// Fails if: the sources link with zig only. Returns the program.
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
    let released = folder.join(TARGET).join("release");
    ensure!(released.join("installer_actions.dll").is_file(), "gcc left no library");
    Ok(released.join("pywats-client.exe"))
}
