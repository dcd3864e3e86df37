//! The artifacts for macOS, read by programs that others wrote, and the package's scripts, run where launchd and the
//! directory of accounts are stood in for. No Mac takes part.
//!
//! `PYWATS_APPLE_JUDGES` names the folder with the judges written in Python: `cargo xtask test apple` sets it.

mod app;
mod image;
mod package;
mod scripts;

use crate::bench::Bench;
use crate::command::{Tool, tool};
use crate::products::compare;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What the bundle is called.
const BUNDLE: &str = "pyWATS Client.app";

/// Judges the application, the package and the disk image.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let (zip, pkg) = (bench.artifact("-macos-app.zip")?, bench.artifact(".pkg")?);
    let app = app::judge(bench, &zip)?;
    let package = package::judge(bench, &pkg, &app)?;
    image::judge(bench, &bench.artifact(".dmg")?, &pkg)?;
    scripts::judge(bench, &package, &app)
}

/// Python with the judges.
fn python() -> Result<Tool> {
    let judges = env::var_os("PYWATS_APPLE_JUDGES")
        .context("PYWATS_APPLE_JUDGES is not set: run `cargo xtask test apple`, which brings the judges")?;
    // Compiled modules beside their sources would count as damage to the set in the cache.
    Ok(tool("python3", 60).env("PYTHONPATH", judges).env("PYTHONDONTWRITEBYTECODE", "1").arg("-s"))
}

/// A property list, as Python reads it.
fn property_list(file: &Path) -> Result<Value> {
    let script = "import json, plistlib, sys; print(json.dumps(plistlib.load(open(sys.argv[1], 'rb'))))";
    let text = tool("python3", 60).args(["-s", "-c", script]).arg(file).read()?;
    serde_json::from_str(&text).with_context(|| format!("what Python read of {}", file.display()))
}

/// Everything below a folder by its path; of a file its mode.
fn listing(folder: &Path) -> Result<BTreeMap<PathBuf, Option<u32>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inside) = folders.pop() {
        for entry in fs::read_dir(&inside).with_context(|| format!("reading {}", inside.display()))? {
            let path = entry?.path();
            let facts = fs::symlink_metadata(&path)?;
            let mode = facts.is_file().then(|| facts.permissions().mode() & 0o7777);
            found.insert(path.strip_prefix(folder)?.to_owned(), mode);
            if facts.is_dir() {
                folders.push(path);
            }
        }
    }
    Ok(found)
}

/// Fails if: two folders have other files, or one differs in a bit, or, where `modes` count, in its mode.
fn same_folders(one: &Path, other: &Path, modes: bool) -> Result<()> {
    let (mut first, mut second) = (listing(one)?, listing(other)?);
    ensure!(!first.is_empty(), "{} is empty", one.display());
    if !modes {
        first.values_mut().chain(second.values_mut()).flatten().for_each(|mode| *mode = 0);
    }
    ensure!(first == second, "{} has {first:#?}, and {} {second:#?}", one.display(), other.display());
    for (path, _) in first.iter().filter(|(_, mode)| mode.is_some()) {
        compare(&one.join(path), &other.join(path)).with_context(|| path.display().to_string())?;
    }
    Ok(())
}
