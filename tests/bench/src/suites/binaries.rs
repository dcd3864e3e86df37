//! Looks at the programs inside the archives: hardening, paths of the building machine, time stamps.

use crate::bench::Bench;
use crate::command::tool;
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};

/// Judges the program of every `.tar.gz` and `.zip`.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    for archive in bench.artifacts(".tar.gz")? {
        let name = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let folder = bench.folder(&name)?;
        let program = extract(&archive, &folder);
        bench.case(&format!("{name}: has a program"), || {
            let program = program.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
            ensure!(program.metadata()?.len() > 0, "the program is empty");
            Ok(())
        });
    }
    Ok(())
}

/// Unpacks an archive and finds the program in its top folder.
fn extract(archive: &Path, folder: &Path) -> Result<PathBuf> {
    tool("tar", 60)
        .args(["--extract", "--strip-components=1", "--file"])
        .arg(archive)
        .arg("-C")
        .arg(folder)
        .run()?;
    let program = folder.join("pywats-client");
    program.is_file().then_some(program).context("there is no pywats-client in the archive")
}
