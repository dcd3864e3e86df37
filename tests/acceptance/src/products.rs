//! Packages made for a test, such as the same product at a higher version.

use crate::command::{Tool, tool};
use anyhow::{Context, Result, bail, ensure};
use packager::recipe::parts_from;
use packager::{Compiled, Origin, Programs, Recipe, Row, Target};
use sha2::{Digest, Sha256};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The folder of the workspace.
pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("."))
}

/// The environment variable by which xtask says where `release-tools` is, and takes one that is there.
pub(crate) const RELEASE_TOOLS: &str = "PYWATS_RELEASE_TOOLS";

/// The program `release-tools`: the one that xtask names, or the one that was compiled last.
pub(crate) fn release_tools_program() -> PathBuf {
    let compiled = || workspace().join("target/tools/debug/release-tools");
    std::env::var_os(RELEASE_TOOLS).map_or_else(compiled, PathBuf::from)
}

/// The same, to be started.
pub(crate) fn release_tools() -> Tool {
    tool(release_tools_program(), 60)
}

/// How the artifacts of this workspace are made.
pub(crate) fn recipe() -> Result<Recipe> {
    Recipe::load(&workspace().join("packaging/product.toml"), &workspace().join("artifacts.toml"))
}

/// Makes the artifact of that format for one target from the programs in the folder of `program`, at another version.
pub(crate) fn package(
    format: &str,
    target: &str,
    version: &str,
    program: &Path,
    folder: &Path,
) -> Result<PathBuf> {
    let mut recipe = recipe()?;
    recipe.version = version.parse()?;
    let target: Target = target.parse()?;
    let is_it = |row: &&Row| {
        let is_for = recipe.rows.platform(row).is_ok_and(|platform| platform == target.into());
        is_for && row.format().is_ok_and(|other| other.name() == format)
    };
    let row = recipe.rows.artifacts().iter().find(is_it);
    let row = row.with_context(|| format!("artifacts.toml has no {format} for {target}"))?;
    let in_folder = program.parent().unwrap_or(Path::new(".")).to_owned();
    let programs =
        Programs::new(&recipe.product, vec![Compiled { triple: row.targets[0].clone(), folder: in_folder }])?;
    let origin = Origin { inputs: "", toolchain: "" };
    let made = recipe.make(row, &programs, Vec::new(), origin, folder);
    Ok(made.with_context(|| format!("making a {format} of version {version} for the test"))?.0)
}

/// Makes an artifact as it is released: from folders of compiled programs, by target, and a folder with its parts.
pub(crate) fn as_released(
    name: &str,
    compiled: Vec<Compiled>,
    parts: &Path,
    folder: &Path,
) -> Result<PathBuf> {
    let recipe = recipe()?;
    let row = recipe.rows.row(name)?;
    let programs = recipe.take(row, compiled)?;
    let parts = if row.of.is_empty() { Vec::new() } else { parts_from(row, &[parts.to_owned()])? };
    let origin = Origin { inputs: "", toolchain: "" };
    Ok(recipe.make(row, &programs, parts, origin, folder)?.0)
}

/// Fails if: two files differ in a single bit, or one is missing.
pub(crate) fn compare(first: &Path, second: &Path) -> Result<()> {
    let [a, b] =
        [first, second].map(|path| fs::read(path).with_context(|| format!("reading {}", path.display())));
    let (a, b) = (a?, b?);
    if a != b {
        let at = a.iter().zip(&b).position(|(x, y)| x != y).unwrap_or(a.len().min(b.len()));
        let digest = |bytes: &[u8]| format!("{:x}", Sha256::digest(bytes));
        bail!(
            "{} bytes with SHA-256 {}, and {} bytes with {}; they differ from byte {at}",
            a.len(),
            digest(&a),
            b.len(),
            digest(&b)
        );
    }
    Ok(())
}

/// Fails if: two files differ in a single bit, or the second is missing or not readable for everyone.
pub(crate) fn compare_files(first: &Path, second: &Path) -> Result<()> {
    compare(first, second)?;
    let mode = fs::metadata(second)?.mode() & 0o777;
    ensure!(mode == 0o644, "the umask shows in the mode {mode:o} of {}", second.display());
    Ok(())
}

/// Copies what a fresh clone would have: everything but the history, and what git ignores at the top, which are results of
/// builds and the settings and keys of those who release.
pub(crate) fn copy_sources(from: &Path, to: &Path) -> Result<()> {
    // Folders that are no checkout have no such file.
    let ignored = fs::read_to_string(from.join(".gitignore")).unwrap_or_default();
    let ignored = ignored.lines().filter_map(|line| line.strip_prefix('/'));
    let ignored: Vec<&str> = ignored.map(|name| name.trim_end_matches('/')).collect();
    copy_but(from, to, &ignored)
}

fn copy_but(from: &Path, to: &Path, skipped: &[&str]) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        if skipped.iter().chain(&[".git", "__pycache__"]).any(|skipped| name == *skipped) {
            continue;
        }
        let (source, target) = (entry.path(), to.join(&name));
        if entry.file_type()?.is_dir() {
            copy_but(&source, &target, &[])?;
        } else {
            fs::copy(&source, &target).with_context(|| format!("copying {}", source.display()))?;
        }
    }
    Ok(())
}
