//! Builds artifacts in the sandbox, and compares them with what is built without Nix. By default one target of each
//! system, and every artifact of these; else everything, and everything again.

use super::workshop::{Workshop, system};
use crate::bench::Bench;
use crate::products::{self, compare, workspace};
use anyhow::{Context, Result, ensure};
use packager::{Artifacts, merge};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

/// One target of each system: the others are built by the same steps.
const ONE_OF_EACH: &[&str] = &["x86_64-unknown-linux-musl", "x86_64-pc-windows-gnu", "aarch64-apple-darwin"];

/// A row of `artifacts.toml`, as far as it matters here.
#[derive(Clone, Deserialize)]
struct Row {
    name: String,
    #[serde(default)]
    targets: Vec<String>,
    #[serde(default)]
    of: Vec<String>,
}

#[derive(Deserialize)]
struct Rows {
    artifact: Vec<Row>,
}

/// The artifacts to build: all, or those that need no other program than one of [`ONE_OF_EACH`].
fn rows(everything: bool) -> Result<Vec<Row>> {
    let path = workspace().join("artifacts.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let Rows { artifact: all } =
        toml::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
    let has_programs = |row: &Row| row.targets.iter().all(|target| ONE_OF_EACH.contains(&target.as_str()));
    let mut rows: Vec<Row> = all.iter().filter(|row| everything || has_programs(row)).cloned().collect();
    // What is made of an artifact that is left out is left out, too.
    loop {
        let names: Vec<String> = rows.iter().map(|row| row.name.clone()).collect();
        let before = rows.len();
        rows.retain(|row| row.of.iter().all(|name| names.contains(name)));
        if rows.len() == before {
            break;
        }
    }
    ensure!(!rows.is_empty(), "{} has no artifact to build", path.display());
    Ok(rows)
}

/// What is built a second time with everything; the artifacts are compared with those of `cargo xtask dist` anyway.
const REBUILT: &[&str] =
    &["packager", "client-x86_64-unknown-linux-musl", "client-x86_64-pc-windows-gnu", "all"];

/// Artifacts that the flake has a check of.
const CHECKED: &[&str] = &["deb-amd64", "deb-arm64", "rpm-x86_64", "rpm-aarch64", "msi"];

/// Builds, checks and compares.
pub(super) fn run(bench: &mut Bench, workshop: &Workshop) -> Result<()> {
    let ours = bench.all_artifacts();
    let rows = rows(bench.thorough)?;
    let folder = bench.folder("built by Nix")?;
    let mut built = false;
    let passed = bench.case("every artifact of the chosen targets builds", || {
        let packages: Vec<String> = rows.iter().map(|row| workshop.package(&row.name)).collect();
        merge::merge(&workshop.build(&packages)?, &folder)?;
        built = true;
        Ok(())
    });
    if !passed {
        bench.not_run("what is built", "not everything was built");
    }
    if !built {
        return Ok(());
    }
    for row in rows.iter().filter(|row| CHECKED.contains(&row.name.as_str())) {
        let name = format!("lint-{}", row.name);
        bench.case(&format!("nix build .#checks.{name}"), || {
            workshop.build(&[workshop.output(&format!("checks.{}.{name}", system()))]).map(drop)
        });
    }
    let outside = bench.folder("packed outside")?;
    bench.case("what Nix packs, the packager packs outside to the same bits", || {
        packed_outside(workshop, &folder, &outside)
    });
    let thorough = bench.thorough;
    bench.case("the folder of artifacts is as cargo xtask dist leaves it", || {
        if thorough {
            let all = workshop.build(&[workshop.package("all")])?;
            return same_folder(all.first().context("Nix built no folder of all")?, &ours);
        }
        let names: Vec<String> = list(&folder)?.0.into_keys().collect();
        let chosen: Vec<PathBuf> =
            ours.iter().filter(|path| names.iter().any(|name| path.ends_with(name))).cloned().collect();
        ensure!(chosen.len() == rows.len(), "{names:?} are {} artifacts, not {}", chosen.len(), rows.len());
        same_folder(&folder, &chosen)
    });
    for name in list(&folder)?.0.into_keys() {
        let Some(file) = ours.iter().find(|path| path.ends_with(&name)) else { continue };
        bench.case(&format!("{name}: Nix and cargo xtask dist give the same bits"), || {
            compare(file, &folder.join(&name))
        });
    }
    if thorough {
        bench.case(&format!("nix build --rebuild gives the same bits: {}", REBUILT.join(", ")), || {
            let again = rows.iter().map(|row| row.name.as_str()).chain(REBUILT.iter().copied());
            workshop.rebuild(&again.map(|name| workshop.package(name)).collect::<Vec<_>>())
        });
    }
    Ok(())
}

fn list(folder: &Path) -> Result<Artifacts> {
    Artifacts::load(folder)?.with_context(|| format!("{} has no list of artifacts", folder.display()))
}

/// Fails if: the sandbox, its user, its time or its environment shows in an artifact.
fn packed_outside(workshop: &Workshop, all: &Path, folder: &Path) -> Result<()> {
    let artifacts = list(all)?;
    ensure!(!artifacts.0.is_empty(), "there are no artifacts");
    for (name, artifact) in &artifacts.0 {
        let client = workshop.build(&[workshop.package(&format!("client-{}", artifact.target))])?;
        let client = client.first().context("Nix built no client")?.join("bin");
        let mut programs = fs::read_dir(&client)?.filter_map(|entry| Some(entry.ok()?.path()));
        // Beside the one for Windows lies the library of the installer's actions.
        let program = programs.find(|path| path.file_stem().is_some_and(|stem| stem == "pywats-client"));
        let program = program.context("there is no program")?;
        let outside = products::package_as_released(&artifact.format, &artifact.target, &program, folder)?;
        compare(&all.join(name), &outside)?;
    }
    Ok(())
}

/// Fails if: an artifact is missing or has another name, or the lists do not fit what lies there.
fn same_folder(all: &Path, ours: &[PathBuf]) -> Result<()> {
    let mut expected: Vec<String> = ours
        .iter()
        .filter_map(|path| path.file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .chain(["SHA256SUMS", "artifacts.json"].map(str::to_owned))
        .collect();
    expected.sort();
    let mut found: Vec<String> = fs::read_dir(all)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_>>()?;
    found.sort();
    ensure!(found == expected, "there are {found:?}, not {expected:?}");
    crate::command::tool("sha256sum", 60)
        .args(["--check", "--quiet", "SHA256SUMS"])
        .current_dir(all)
        .run()?;
    for (name, artifact) in list(all)?.0 {
        for said in [artifact.toolchain, artifact.inputs, artifact.program_sha256] {
            ensure!(said.len() > 16 && !said.contains("/nix/"), "{name} is listed with {said:?}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: by default a system has no artifact, a target beyond the chosen is built, or everything is not.
    #[test]
    fn chooses_artifacts() {
        let (few, all) = (rows(false).unwrap(), rows(true).unwrap());
        assert!(few.len() < all.len());
        for target in ONE_OF_EACH {
            assert!(few.iter().any(|row| row.targets.iter().any(|other| other == target)), "{target}");
        }
        for row in &few {
            assert!(row.targets.iter().all(|target| ONE_OF_EACH.contains(&target.as_str())), "{}", row.name);
        }
    }
}
