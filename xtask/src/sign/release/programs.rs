//! The unsigned programs of a release: those that `dist` built for this version and lists, or others that were named.

use super::Order;
use super::earlier::node_of;
use crate::sign::signer::NodeKind;
use crate::{build, workspace};
use anyhow::{Context, Result, ensure};
use packager::{Artifacts, Compiled, Programs};
use std::path::PathBuf;

const ADVICE: &str = "run `cargo xtask dist` first, or name a folder with --program";

/// One of them.
#[derive(Clone)]
pub(super) struct Unsigned {
    pub(super) node: String,
    pub(super) triple: String,
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) kind: Option<NodeKind>,
    pub(super) toolchain: String,
}

/// Looks for everything that the artifacts take from folders of compiled programs.
///
/// # Errors
/// If one is not there, is not for its target, or lies where programs are built without being listed by `dist` for this
/// version: what lies there may be of any age.
pub(super) fn find(order: &Order<'_>) -> Result<Vec<Unsigned>> {
    let recipe = order.recipe;
    let dist = Artifacts::load(&workspace::dist())?.unwrap_or_default();
    let version = recipe.version.to_string();
    let mut found: Vec<Unsigned> = Vec::new();
    for row in order.rows.iter().filter(|row| !row.targets.is_empty()) {
        let folders = row.targets.iter().map(|triple| folder(order, triple));
        let programs = Programs::new(&recipe.product, folders.collect::<Result<_>>()?)?;
        let records = programs.record(&recipe.programs(row)?);
        for program in records.with_context(|| format!("looking for the unsigned programs: {ADVICE}"))? {
            let node = node_of(&program);
            if found.iter().any(|other| other.node == node) {
                continue;
            }
            let triple = program.target.clone();
            let mut folders = programs.compiled().filter(|compiled| compiled.triple == triple);
            let path = folders.next().context("a program has a folder")?.folder.join(&program.name);
            let with = dist.0.values().filter(|artifact| artifact.programs.contains(&program));
            let is_named = order.programs.iter().any(|compiled| compiled.triple == triple);
            ensure!(
                is_named || with.clone().any(|artifact| artifact.version == version),
                "{} is in none of the artifacts of version {version} that {} lists: {ADVICE}",
                path.display(),
                workspace::dist().display()
            );
            let toolchain =
                with.map(|artifact| artifact.toolchain.clone()).next().unwrap_or("unknown".into());
            let kind = NodeKind::of_program(&triple)?;
            found.push(Unsigned { node, triple, name: program.name, path, kind, toolchain });
        }
    }
    Ok(found)
}

fn folder(order: &Order<'_>, triple: &str) -> Result<Compiled> {
    match order.programs.iter().find(|compiled| compiled.triple == triple) {
        Some(compiled) => Ok(compiled.clone()),
        None => Ok(Compiled { triple: triple.to_owned(), folder: build::released(build::target(triple)?) }),
    }
}
