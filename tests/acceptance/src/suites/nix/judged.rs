//! What Nix built goes through the scenarios of what is built without it.

use crate::bench::Bench;
use crate::suites::{binaries, delivery, install, msi, wine};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Lets the other suites judge the artifacts in `all`.
pub(super) fn run(bench: &mut Bench, all: &Path) -> Result<()> {
    let files: Vec<PathBuf> = fs::read_dir(all)
        .with_context(|| format!("reading {}", all.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    let ending = |suffix: &str| -> Vec<PathBuf> {
        files.iter().filter(|file| file.to_string_lossy().ends_with(suffix)).cloned().collect()
    };
    bench.judge("built by Nix", files.clone(), binaries::run);
    bench.judge("built by Nix", ending(".msi"), msi::run);
    if cfg!(target_arch = "x86_64") {
        bench.judge("built by Nix", ending(".msi"), wine::run_short);
    } else {
        println!("left out: the MSI that Nix built, in Wine, which runs programs for x86_64 on x86_64 only");
    }
    let deb = if cfg!(target_arch = "aarch64") { "_arm64.deb" } else { "_amd64.deb" };
    bench.judge("built by Nix", ending(deb), delivery::run);
    bench.judge("built by Nix", files, install::run);
    Ok(())
}
