//! Nix: the one that is installed, or else Debian's, unpacked into the cache.

use super::debian::{self, Archive};
use super::rust::clean_command;
use crate::cache::Cache;
use crate::progress::Progress;
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;

/// The Debian release whose Nix is taken.
const SUITE: &str = "trixie";

/// Returns the program `nix`.
///
/// # Errors
/// If none is installed and Debian's cannot be had.
pub(crate) fn prepare(cache: &Cache, progress: &Progress) -> Result<PathBuf> {
    if clean_command("nix", &[]).arg("--version").output().is_ok_and(|output| output.status.success()) {
        return Ok(PathBuf::from("nix"));
    }
    let key = format!("nix-{SUITE}-{}", std::env::consts::ARCH);
    let folder = cache.entry(&key, |folder| {
        let step = progress.step(format!("Nix, of Debian {SUITE}"));
        let unpacked = folder.join("root");
        fs::create_dir(&unpacked)?;
        let archive = Archive::open(SUITE, &step)
            .context("there is no `nix` on PATH and no Debian archive to take it from; install Nix (Ubuntu: apt-get install nix-bin)")?;
        archive.unpack(&archive.with_dependencies("nix-bin")?, &unpacked)?;
        debian::write_launcher(folder, "usr/bin/nix")?;
        step.done();
        Ok(())
    })?;
    Ok(folder.join("nix"))
}
