//! Nix: the one that is installed, or else Debian's, unpacked into the cache.

use super::debian::Archive;
use super::rust::clean_command;
use crate::cache::Cache;
use crate::progress::Progress;
use anyhow::{Context, Result};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

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
        write_launcher(folder)?;
        step.done();
        Ok(())
    })?;
    Ok(folder.join("nix"))
}

/// Debian's Nix is newer than the machine's C library may be, so it runs with the one it came with.
fn write_launcher(folder: &Path) -> Result<()> {
    let arch = std::env::consts::ARCH;
    let libraries = format!("usr/lib/{arch}-linux-gnu");
    let loader = if arch == "x86_64" { "ld-linux-x86-64.so.2" } else { "ld-linux-aarch64.so.1" };
    let script = format!(
        "#!/bin/sh\nroot=$(dirname \"$(readlink -f \"$0\")\")/root\n\
         exec \"$root/{libraries}/{loader}\" --argv0 nix --library-path \"$root/{libraries}\" \"$root/usr/bin/nix\" \"$@\"\n"
    );
    let path = folder.join("nix");
    fs::write(&path, script)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}
