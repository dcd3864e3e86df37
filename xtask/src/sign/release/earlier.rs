//! What lies in the folder of artifacts from earlier runs: what this run supersedes, and what has to stay.

use super::Order;
use crate::sign::store::{self, Store};
use anyhow::{Context, Result, bail, ensure};
use packager::{Artifact, Artifacts, Os, Target, Version};
use std::collections::BTreeMap;
use std::path::Path;

/// An artifact that is to be made.
pub(super) struct Planned {
    target: Target,
    format: &'static str,
    name: String,
}

/// See the [module](self).
pub(super) struct Earlier {
    /// Artifacts that this run does not make.
    pub(super) kept: Artifacts,
    /// The names of those of another version that it makes anew.
    pub(super) superseded: Vec<String>,
    /// The names that are listed, but deleted.
    pub(super) gone: Vec<String>,
    planned: Vec<Planned>,
}

impl Earlier {
    /// Looks what is in the folder.
    ///
    /// # Errors
    /// If its list is damaged, an artifact that would stay is not what that says, or it has those for other systems.
    pub(super) fn look(order: &Order<'_>, version: &Version) -> Result<Earlier> {
        let planned = plan(order, version)?;
        let out = order.out;
        for (name, artifact) in &Artifacts::load(out)?.unwrap_or_default().0 {
            let is_windows = targets_of(artifact).any(|target| target.os == Os::Windows);
            ensure!(
                is_windows,
                "{} has {name}, which is not for Windows: choose another folder with --out; `packager merge` puts folders together",
                out.display()
            );
        }
        let is_made = |name: &str| planned.iter().any(|planned| planned.name == name);
        let is_replaced = |name: &str, artifact: &Artifact| {
            let is_same = |p: &Planned| is_for(artifact, p.target) && p.format == artifact.format;
            is_made(name) || planned.iter().any(is_same)
        };
        let (list, gone) = Artifacts::load_present(out, is_replaced)?;
        let (replaced, kept): (BTreeMap<_, _>, BTreeMap<_, _>) =
            list.0.into_iter().partition(|(name, artifact)| is_replaced(name, artifact));
        let superseded = replaced.into_keys().filter(|name| !is_made(name)).collect();
        let kept = Artifacts(kept);
        Ok(Earlier { kept, superseded, gone, planned })
    }

    /// Refuses to put artifacts beside others that have the same program with another signature: from the stored
    /// signatures only one of them could be made again. `program` is the SHA-256 of the signed program, if it is
    /// known already.
    ///
    /// # Errors
    /// If there are such.
    pub(super) fn refuse_to_mix(&self, out: &Path, target: Target, program: Option<&str>) -> Result<()> {
        let of_target = self.kept.0.iter().filter(|(_, artifact)| is_for(artifact, target));
        let others: Vec<_> = of_target
            .filter(|(_, artifact)| !artifact.programs.iter().any(|other| program == Some(&*other.sha256)))
            .map(|(name, _)| name.as_str())
            .collect();
        ensure!(
            others.is_empty(),
            "{} has {}, whose program would have another signature than that of what is made now: sign every format at once, or choose another folder with --out",
            out.display(),
            others.join(", ")
        );
        Ok(())
    }

    /// The signatures stored in a folder before. Refuses to replace some of those that were made together: the others
    /// would be of no use any more.
    ///
    /// # Errors
    /// If that would happen, or the list of the signatures is damaged.
    pub(super) fn stored(&self, folder: &Path, programs: &[String]) -> Result<Store> {
        if !folder.join(store::LIST).exists() {
            return Ok(Store::default());
        }
        let stored = Store::load(folder).with_context(|| {
            format!("looking at the signatures that {} has already: move it away", folder.display())
        })?;
        let is_replaced = |name: &String| {
            programs.contains(name)
                || self.superseded.contains(name)
                || self.planned.iter().any(|planned| planned.name == *name)
        };
        let lost: Vec<_> =
            stored.files.keys().filter(|name| !is_replaced(name)).map(String::as_str).collect();
        if !lost.is_empty() {
            bail!(
                "{} has signatures of files that are not signed now ({}) and would be lost: choose another folder with --signatures, or move it away",
                folder.display(),
                lost.join(", ")
            );
        }
        Ok(stored)
    }
}

/// Whether an artifact is for a target, however its list names that.
fn is_for(artifact: &Artifact, target: Target) -> bool {
    targets_of(artifact).any(|other| other == target)
}

fn targets_of(artifact: &Artifact) -> impl Iterator<Item = Target> {
    artifact.programs.iter().filter_map(|program| program.target.parse().ok())
}

fn plan(order: &Order<'_>, version: &Version) -> Result<Vec<Planned>> {
    let mut planned = Vec::new();
    for target in order.targets {
        let packaged = target.packaged()?;
        for format in order.formats.iter().filter(|format| format.supports(&packaged.into())) {
            planned.push(Planned {
                target: packaged,
                format: format.name(),
                name: format.file_name(order.product, version, &packaged.into()),
            });
        }
    }
    Ok(planned)
}
