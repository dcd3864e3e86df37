//! Builds artifacts in the sandbox, again, and compares them with what is built without Nix.

use super::workshop::{Workshop, system};
use crate::bench::Bench;
use crate::products::{self, compare};
use anyhow::{Context, Result, ensure};
use packager::{Artifacts, Compiled};
use std::fs;
use std::path::{Path, PathBuf};

/// What is built, each as a user would ask for it. The first brings the others along, so that as much as possible
/// is built side by side.
const ASKED_FOR: &[&str] = &[
    "all",
    "client-x86_64-unknown-linux-musl",
    "client-x86_64-pc-windows-gnu",
    "deb-amd64",
    "rpm-x86_64",
    "msi",
];

/// What is built a second time.
const REBUILT: &[&str] = &[
    "packager",
    "client-x86_64-unknown-linux-musl",
    "client-x86_64-pc-windows-gnu",
    "deb-amd64",
    "rpm-x86_64",
    "msi",
    "all",
];

/// What the flake checks of packages, built for real.
const CHECKS: &[&str] =
    &["lint-deb-amd64", "lint-deb-arm64", "lint-rpm-x86_64", "lint-rpm-aarch64", "lint-msi"];

/// Builds everything; returns the folder with all artifacts, if there is one.
pub(super) fn run(bench: &mut Bench, workshop: &Workshop) -> Result<Option<PathBuf>> {
    let ours = bench.all_artifacts();
    let mut all = None;
    for name in ASKED_FOR {
        bench.case(&format!("nix build .#{name}"), || {
            let built = workshop.build(&[workshop.package(name)])?;
            if *name == "all" {
                all = built.into_iter().next();
            }
            Ok(())
        });
    }
    let Some(all) = all else {
        bench.not_run("what is built", "not everything was built");
        return Ok(None);
    };
    bench.case(&format!("nix build --rebuild gives the same bits: {}", REBUILT.join(", ")), || {
        workshop.rebuild(&REBUILT.iter().map(|name| workshop.package(name)).collect::<Vec<_>>())
    });
    for name in CHECKS {
        bench.case(&format!("nix build .#checks.{name}"), || {
            workshop.build(&[workshop.output(&format!("checks.{}.{name}", system()))]).map(drop)
        });
    }
    let folder = bench.folder("packed outside")?;
    bench.case("what Nix packs, the packager packs outside to the same bits", || {
        packed_outside(workshop, &all, &folder)
    });
    bench.case("the folder of all artifacts is as cargo xtask dist leaves it", || same_folder(&all, &ours));
    bench.case("Nix and cargo xtask dist list the same, but for what decides when to build again", || {
        same_list(&all, &ours)
    });
    for file in ours {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        bench.case(&format!("{name}: Nix and cargo xtask dist give the same bits"), || {
            compare(&file, &all.join(&name))
        });
    }
    Ok(Some(all))
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
    for (name, artifact) in &cargo.0 {
        let other = nix.0.get(name).with_context(|| format!("Nix does not list {name}"))?;
        ensure!(artifact == other, "cargo xtask dist lists {name} with {artifact:?}, Nix with {other:?}");
    }
    ensure!(nix.0.len() == cargo.0.len(), "Nix lists {} artifacts, cargo {}", nix.0.len(), cargo.0.len());
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
        for said in [artifact.toolchain, artifact.inputs] {
            ensure!(said.len() > 16 && !said.contains("/nix/"), "{name} is listed with {said:?}");
        }
    }
    Ok(())
}
