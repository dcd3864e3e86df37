//! Builds artifacts in the sandbox, and compares them with what is built without Nix. By default one target, and every
//! artifact of it; else everything, and everything again.

use super::workshop::{Workshop, system};
use crate::bench::Bench;
use crate::products::{self, compare};
use anyhow::{Context, Result, ensure};
use packager::{Artifacts, Compiled, merge};
use std::fs;
use std::path::{Path, PathBuf};

/// The target that is built by default, with the most steps of all: resources, a library of Windows Installer, and the
/// MSI, of which another artifact is made.
const BY_DEFAULT: &str = "x86_64-pc-windows-gnu";

/// The names of the artifacts to build: of all, or of those whose programs are of [`BY_DEFAULT`].
fn chosen(everything: bool) -> Result<Vec<String>> {
    let rows = products::recipe()?.rows;
    let mut names = Vec::new();
    for row in rows.artifacts() {
        let targets = rows.targets(row)?;
        if everything || (!targets.is_empty() && targets.iter().all(|target| *target == BY_DEFAULT)) {
            names.push(row.name.clone());
        }
    }
    ensure!(!names.is_empty(), "artifacts.toml has no artifact to build");
    Ok(names)
}

/// What is built a second time with everything; the artifacts are compared with those of `cargo xtask dist` anyway.
const REBUILT: &[&str] =
    &["packager", "client-x86_64-unknown-linux-musl", "client-x86_64-pc-windows-gnu", "all"];

/// Artifacts that the flake has a check of.
const CHECKED: &[&str] = &["deb-amd64", "deb-arm64", "rpm-x86_64", "rpm-aarch64", "msi", "msi-arm64"];

/// Builds, checks and compares.
pub(super) fn run(bench: &mut Bench, workshop: &Workshop) -> Result<()> {
    let ours = bench.all_artifacts();
    let names = chosen(bench.thorough)?;
    let folder = bench.folder("built by Nix")?;
    let mut built = false;
    let passed = bench.case("every artifact of the chosen targets builds", || {
        let packages: Vec<String> = names.iter().map(|name| workshop.package(name)).collect();
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
    for name in names.iter().filter(|name| CHECKED.contains(&name.as_str())) {
        let name = format!("lint-{name}");
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
        let files = list(&folder)?.0;
        let is_built = |path: &&PathBuf| files.keys().any(|name| path.ends_with(name));
        let chosen: Vec<PathBuf> = ours.iter().filter(is_built).cloned().collect();
        ensure!(chosen.len() == names.len(), "{:?} are not {names:?}", files.keys());
        same_folder(&folder, &chosen)
    });
    bench.case("Nix and cargo xtask dist list the same, but for what decides when to build again", || {
        same_list(&folder, &ours)
    });
    for name in list(&folder)?.0.into_keys() {
        let Some(file) = ours.iter().find(|path| path.ends_with(&name)) else { continue };
        bench.case(&format!("{name}: Nix and cargo xtask dist give the same bits"), || {
            compare(file, &folder.join(&name))
        });
    }
    if thorough {
        bench.case(&format!("nix build --rebuild gives the same bits: {}", REBUILT.join(", ")), || {
            let again = names.iter().map(String::as_str).chain(REBUILT.iter().copied());
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
        let mut compiled: Vec<Compiled> = Vec::new();
        for triple in artifact.programs.iter().map(|program| &program.target) {
            if !compiled.iter().any(|other| other.triple == *triple) {
                let client = workshop.build(&[workshop.package(&format!("client-{triple}"))])?;
                let folder = client.first().context("Nix built no client")?.join("bin");
                compiled.push(Compiled { triple: triple.clone(), folder });
            }
        }
        let outside = products::as_released(&artifact.artifact, compiled, all, folder)?;
        compare(&all.join(name), &outside)?;
    }
    Ok(())
}

/// Fails if: the lists of the two builders differ in anything but `inputs`.
fn same_list(all: &Path, ours: &[PathBuf]) -> Result<()> {
    let dist = ours.first().and_then(|file| file.parent()).context("there are no artifacts")?;
    let without_inputs = |folder: &Path| -> Result<Artifacts> {
        let mut artifacts = list(folder)?;
        artifacts.0.values_mut().for_each(|artifact| artifact.inputs.clear());
        Ok(artifacts)
    };
    let (nix, cargo) = (without_inputs(all)?, without_inputs(dist)?);
    for (name, other) in &nix.0 {
        let artifact = cargo.0.get(name).with_context(|| format!("cargo xtask dist does not list {name}"))?;
        ensure!(artifact == other, "cargo xtask dist lists {name} with {artifact:?}, Nix with {other:?}");
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
        // What has no program in it was compiled by nobody.
        let compiled = !(artifact.programs.is_empty() && artifact.made_from.is_empty());
        for said in compiled.then_some(artifact.toolchain).into_iter().chain([artifact.inputs]) {
            ensure!(said.len() > 16 && !said.contains("/nix/"), "{name} is listed with {said:?}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: by default nothing or another target is built, or with everything a row is left out.
    #[test]
    fn chooses_artifacts() {
        let (few, all) = (chosen(false).unwrap(), chosen(true).unwrap());
        let rows = products::recipe().unwrap().rows;
        assert_eq!(all.len(), rows.artifacts().len());
        assert!(few.iter().any(|name| name == "msi") && few.len() < all.len(), "{few:?}");
        for name in &few {
            assert_eq!(rows.targets(rows.row(name).unwrap()).unwrap(), [BY_DEFAULT], "{name}");
        }
    }
}
