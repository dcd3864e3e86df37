//! Programs that are crates, compiled once and kept in the cache.

use super::rust::clean_command;
use crate::cache::Cache;
use crate::process;
use crate::progress::Progress;
use crate::workspace;
use anyhow::Result;
use std::path::PathBuf;

/// Installs a crate's programs of exactly this version; returns the folder they are in.
///
/// # Errors
/// If it cannot be downloaded or does not compile.
pub(crate) fn prepare(cache: &Cache, name: &str, version: &str, progress: &Progress) -> Result<PathBuf> {
    let folder = cache.entry(&format!("{name}-{version}"), |folder| {
        let step = progress.step(format!("{name} {version}"));
        let target = tempfile::tempdir()?;
        let mut command = clean_command("cargo", &[]);
        command
            .args(["install", "--quiet", "--locked", "--debug", "--no-track", "--version", version, "--root"])
            .arg(folder)
            .arg(name)
            .current_dir(workspace::root())
            // Its build must not fill this workspace's target folder.
            .env("CARGO_TARGET_DIR", target.path());
        process::run(command, |line| step.note(line))?;
        step.done();
        Ok(())
    })?;
    Ok(folder.join("bin"))
}
