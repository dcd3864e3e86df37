//! The code of other systems, judged on this one: clippy for each of them, and the unit tests for Windows in
//! [Wine](https://www.winehq.org).

use super::compiled;
use crate::build::{self, BuildTarget};
use crate::process;
use crate::progress::Progress;
use crate::toolchain::Toolchain;
use crate::toolchain::rust::clean_command;
use crate::workspace;
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is compiled for every system.
const EVERYWHERE: &[&str] = &["pywats-client", "wats", "wats-settings"];
/// What is compiled for Windows besides.
const WINDOWS: &[&str] = &["installer-actions"];

/// Clippy for one target of every other system: what it says of Linux was said when everything was compiled, and no
/// code is for one processor alone.
pub(super) fn clippy() -> Result<Vec<Command>> {
    let targets = of_other_systems(build::targets()?);
    let toolchain = Toolchain::prepare(&targets, &Progress::new())?;
    let folder = workspace::target("clippy");
    let tools = Stand::make(&folder.join("tools"))?;
    let command = |target: &BuildTarget| {
        let mut command = compiled::cargo(&["clippy", "--quiet", "--locked", "--all-targets"]);
        command.args(judged(&target.triple)).env("CARGO_TARGET_DIR", &folder);
        command.args(["--target", &target.triple]).args(sysroot(&toolchain, &target.triple));
        tools.compile_for(&target.triple, &mut command);
        command.args(["--", "--deny", "warnings"]);
        command
    };
    Ok(targets.into_iter().map(command).collect())
}

/// The first target of each system but Linux.
fn of_other_systems(targets: &[BuildTarget]) -> Vec<&BuildTarget> {
    let mut seen = BTreeSet::from(["linux"]);
    targets.iter().filter(|target| seen.insert(system(&target.triple))).collect()
}

/// `darwin` of `aarch64-apple-darwin`.
fn system(triple: &str) -> &str {
    triple.split('-').nth(2).unwrap_or(triple)
}

/// The packages that are compiled for a target.
fn judged(triple: &str) -> Vec<&'static str> {
    let more = if system(triple) == "windows" { WINDOWS } else { &[] };
    EVERYWHERE.iter().chain(more).flat_map(|package| ["--package", package]).collect()
}

/// Where the standard library of a target is, if the compiler has none.
fn sysroot(toolchain: &Toolchain, triple: &str) -> Vec<String> {
    let own = toolchain.sysroots.iter().find(|(own, _)| *own == triple);
    let flag = own.map(|(_, folder)| format!("--sysroot={}", folder.display()));
    // An array, because the name of a folder may have spaces.
    flag.map(|flag| vec!["--config".to_owned(), format!("target.{triple}.rustflags=[{flag:?}]")])
        .unwrap_or_default()
}

/// Stands in for a C compiler and its archiver where nothing is linked, and so nobody needs what they make.
struct Stand(PathBuf);

impl Stand {
    fn make(folder: &Path) -> Result<Stand> {
        fs::create_dir_all(folder)?;
        let compiler = "while [ $# -gt 0 ]; do [ \"$1\" = -o ] && : >\"$2\"; shift; done\nexit 0";
        let archiver = "for file; do case $file in *.a) : >\"$file\" ;; esac; done";
        for (name, script) in [("cc", compiler), ("ar", archiver)] {
            write_program(&folder.join(name), script)?;
        }
        Ok(Stand(folder.to_owned()))
    }

    fn compile_for(&self, triple: &str, command: &mut Command) {
        let triple = triple.replace('-', "_");
        command.env(format!("CC_{triple}"), self.0.join("cc")).env(format!("AR_{triple}"), self.0.join("ar"));
        // Build scripts would ask Xcode for it.
        command.env("SDKROOT", "/");
    }
}

fn write_program(path: &Path, script: &str) -> Result<()> {
    // Not changed without need: what was built with it would be built again.
    let text = format!("#!/bin/sh\n{script}\n");
    if fs::read_to_string(path).is_ok_and(|found| found == text) {
        return Ok(());
    }
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// The target whose tests run in Wine.
const IN_WINE: &str = "x86_64-pc-windows-gnu";
/// The packages whose tests run in Wine.
const TESTED: &[&str] = &["installer-actions", "pywats-client", "wats", "wats-settings", "windows-resources"];
/// Tests that do not run in Wine, or modules of such, by name, each with its reason.
const NOT_IN_WINE: &[(&str, &str)] = &[
    (
        "control::door::windows::tests::the_first_is_the_only_one",
        "Wine does not heed FILE_FLAG_FIRST_PIPE_INSTANCE",
    ),
    ("upload::worker::tests::", "clock, queue and server are made up: nothing of the system takes part"),
];

/// The unit tests for Windows, in a Windows that Wine makes.
pub(super) fn unit_in_wine() -> Result<Vec<Command>> {
    let target: Vec<_> = build::targets()?.iter().filter(|target| target.triple == IN_WINE).collect();
    let toolchain = Toolchain::prepare(&target, &Progress::new())?;
    let folder = workspace::target("wine");
    let runner = folder.join("run");
    let prefix = folder.join("prefix");
    prepare_prefix(&prefix, &toolchain)?;
    sweep(&prefix)?;
    // Neither a display, .NET nor a browser.
    let quote = |path: &Path| path.to_string_lossy().replace('\'', r"'\''");
    let environment = format!(
        "export WINEPREFIX='{}' WINEDEBUG=-all WINEDLLOVERRIDES='mscoree=;mshtml=' DISPLAY=",
        quote(&prefix)
    );
    write_program(&runner, &format!("{environment}\nexec wine \"$@\""))?;
    for (test, reason) in NOT_IN_WINE {
        println!("not in Wine: {test}: {reason}");
    }
    let mut command = clean_command(toolchain.zig.zigbuild(), &["PYWATS_"]);
    command
        .args(["test", "--quiet", "--locked", "--no-fail-fast", "--target", IN_WINE])
        .args(TESTED.iter().flat_map(|package| ["--package", package]))
        .args(sysroot(&toolchain, IN_WINE))
        .args(["--lib", "--bins", "--tests", "--"])
        .args(NOT_IN_WINE.iter().flat_map(|(test, _)| ["--skip", test]))
        .current_dir(workspace::root())
        .env("CARGO_TARGET_DIR", &folder)
        .env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", &runner)
        .env("PATH", toolchain.zig.path_with_aliases(&folder.join("tools"))?)
        .env("CARGO_ZIGBUILD_ZIG_PATH", toolchain.zig.program())
        .env("CARGO_ZIGBUILD_CACHE_DIR", folder.join("zigbuild"))
        .env("ZIG_GLOBAL_CACHE_DIR", &toolchain.zig_cache)
        .env("LD_LIBRARY_PATH", toolchain.rust.sysroot.join("lib"));
    Ok(vec![command])
}

/// Deletes what earlier tests have left in this Windows: it does not delete folders with open files, and they grow to
/// gigabytes.
fn sweep(prefix: &Path) -> Result<()> {
    let users = prefix.join("drive_c/users");
    for user in fs::read_dir(&users).with_context(|| format!("listing {}", users.display()))? {
        let temporary = user?.path().join("Temp");
        if temporary.exists() {
            fs::remove_dir_all(&temporary).with_context(|| format!("emptying {}", temporary.display()))?;
            fs::create_dir(&temporary)?;
        }
    }
    Ok(())
}

/// Makes the Windows, unless it is there. It is kept: each takes half a minute.
fn prepare_prefix(prefix: &Path, toolchain: &Toolchain) -> Result<()> {
    let ready = prefix.join("ready");
    if ready.exists() {
        return Ok(());
    }
    if prefix.exists() {
        fs::remove_dir_all(prefix)?;
    }
    fs::create_dir_all(prefix)?;
    let wine = |program: &str, arguments: &[&str]| -> Result<()> {
        let mut command = clean_command(program, &[]);
        command.args(arguments).env("WINEPREFIX", prefix).env("WINEDEBUG", "-all");
        command.env("WINEDLLOVERRIDES", "mscoree=;mshtml=;winemenubuilder.exe=").env("DISPLAY", "");
        process::run(command, |_| {}).with_context(|| format!("making a Windows in {}", prefix.display()))
    };
    wine("wineboot", &["-i"])?;
    wine("wineserver", &["-w"])?;
    wine("wine", &["winecfg", "-v", "win10"])?;
    wine("wineserver", &["-w"])?;
    // Rust programs take random numbers from it; Wine has it since 8.5.
    let library = prefix.join("drive_c/windows/system32/bcryptprimitives.dll");
    if !library.exists() {
        let mut zig = clean_command(toolchain.zig.program(), &[]);
        zig.args(["cc", "-target", "x86_64-windows-gnu", "-O2", "-s", "-shared", "-o"]).arg(&library);
        zig.arg(workspace::root().join("tests/wine/bcryptprimitives.c")).arg("-ladvapi32");
        zig.env("ZIG_GLOBAL_CACHE_DIR", &toolchain.zig_cache);
        process::run(zig, |_| {}).context("compiling tests/wine/bcryptprimitives.c")?;
    }
    fs::write(&ready, "")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a system is not judged, one is twice, or the installer's actions are left out for Windows.
    #[test]
    fn judges_every_system() {
        let targets = build::targets().unwrap();
        let judged_ones: Vec<_> =
            of_other_systems(targets).iter().map(|target| system(&target.triple)).collect();
        let systems: BTreeSet<_> = targets.iter().map(|target| system(&target.triple)).collect();
        assert_eq!(judged_ones.len() + 1, systems.len(), "{judged_ones:?} of {systems:?}");
        for target in targets {
            let judged = judged(&target.triple);
            assert!(judged.contains(&"pywats-client"), "{}: {judged:?}", target.triple);
            let windows = target.triple.contains("windows");
            assert_eq!(judged.contains(&"installer-actions"), windows, "{}: {judged:?}", target.triple);
        }
        assert!(targets.iter().any(|target| target.triple == IN_WINE));
    }

    /// Fails if: a test that does not run in Wine is named without a reason.
    #[test]
    fn says_what_does_not_run() {
        assert!(NOT_IN_WINE.iter().all(|(test, reason)| !test.is_empty() && reason.len() > 10));
    }
}
