//! Builds everything again where as much as possible is different, and compares every bit.

use crate::bench::Bench;
use crate::command::tool;
use crate::products::{self, copy_sources, workspace};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// A whole build, with toolchains, on two slow cores.
const BUILD_SECONDS: u32 = 3000;

/// Builds every target a second time, and compares.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let artifacts = bench.all_artifacts();
    let folder = bench.folder("second build")?;
    let mut second = PathBuf::new();
    let built = bench.case("it builds in another place, by another user", || {
        second = build(&folder)?;
        Ok(())
    });
    for first in &artifacts {
        let name = first.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let case = format!("{name}: both builds are the same bits");
        if built {
            bench.case(&case, || products::compare_files(first, &second.join(&name)));
        } else {
            bench.not_run(&case, "there is no second build");
        }
    }
    Ok(())
}

/// Fails if: the build needs anything of this user's home, caches or settings.
///
/// Another folder with a space in its name, another home, cargo home, toolchain cache, user, umask, time
/// zone, language and number of jobs. Returns the folder of artifacts.
fn build(folder: &Path) -> Result<PathBuf> {
    let checkout = folder.join("another check-out");
    copy_sources(workspace(), &checkout)?;
    let home = folder.join("home");
    fs::create_dir(&home)?;
    // A user namespace: another user without needing root, to whom our files still belong.
    let unshare = ["unshare", "--user", "--map-user=12345", "--map-group=12345"];
    let script = "umask 077 && test \"$(id -u)\" = 12345 && exec cargo xtask dist --jobs 3";
    let rustup =
        std::env::var("RUSTUP_HOME").or_else(|_| std::env::var("HOME").map(|home| home + "/.rustup"));
    tool(unshare[0], BUILD_SECONDS)
        .args(&unshare[1..])
        .args(["sh", "-c", script])
        .current_dir(&checkout)
        .env("RUSTUP_HOME", rustup.context("neither RUSTUP_HOME nor HOME is set")?)
        .env("HOME", &home)
        .env("USER", "somebody")
        .env("CARGO_HOME", folder.join("cargo home"))
        .env("PYWATS_BUILD_CACHE", folder.join("tool chains"))
        .env("CARGO_TARGET_DIR", folder.join("ignored by dist"))
        .env("TZ", "Pacific/Kiritimati")
        .env("LANG", "tr_TR.UTF-8")
        .env("LC_ALL", "tr_TR.UTF-8")
        .env("TMPDIR", folder)
        .run()?;
    Ok(checkout.join("dist"))
}
