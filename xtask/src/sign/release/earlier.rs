//! What lies in the folder of artifacts from earlier runs: what this run replaces, and what has to stay.

use super::Order;
use crate::sign::signer::NodeKind;
use anyhow::{Result, ensure};
use packager::programs::Program;
use packager::{Artifact, Artifacts};

/// See the [module](self).
pub(super) struct Earlier {
    /// What is there.
    listed: Artifacts,
    /// The names that are listed, but deleted.
    pub(super) gone: Vec<String>,
}

/// What a program is called among the nodes.
pub(super) fn node_of(program: &Program) -> String {
    format!("{}/{}", program.target, program.name)
}

fn is_asked_for(order: &Order<'_>, artifact: &Artifact) -> bool {
    order.rows.iter().any(|row| row.name == artifact.artifact)
}

impl Earlier {
    /// Looks what is in the folder.
    ///
    /// # Errors
    /// If its list is damaged, an artifact that would stay is not what that says, or nothing in one is ever signed.
    pub(super) fn look(order: &Order<'_>) -> Result<Earlier> {
        let out = order.out;
        let rows = &order.recipe.rows;
        for (name, artifact) in &Artifacts::load(out)?.unwrap_or_default().0 {
            let row = rows.row(&artifact.artifact);
            ensure!(
                row.and_then(|row| NodeKind::inside(rows, row)).is_ok_and(|kinds| !kinds.is_empty()),
                "{} has {name}, in which nothing is signed: choose another folder with --out; `packager merge` puts folders together",
                out.display()
            );
        }
        let (listed, gone) = Artifacts::load_present(out, |_, artifact| is_asked_for(order, artifact))?;
        Ok(Earlier { listed, gone })
    }

    /// Refuses to put artifacts beside others that hold the same node with another signature: from the stored
    /// signatures only one of them could be made again. `signed` is the SHA-256 of the signed node, if it is known
    /// already.
    ///
    /// # Errors
    /// If there are such.
    pub(super) fn refuse_to_mix(&self, order: &Order<'_>, node: &str, signed: Option<&str>) -> Result<()> {
        let differs = |sha256: &str| signed != Some(sha256);
        let has_another = |artifact: &Artifact| {
            artifact.programs.iter().any(|other| node_of(other) == node && differs(&other.sha256))
                || artifact.made_from.iter().any(|part| part.file == node && differs(&part.sha256))
        };
        let others =
            self.listed.0.iter().filter(|(_, other)| !is_asked_for(order, other) && has_another(other));
        let others: Vec<_> = others.map(|(name, _)| name.as_str()).collect();
        ensure!(
            others.is_empty(),
            "{} has {}, with another signature of {node} than what is made now: sign all of them at once, or choose another folder with --out",
            order.out.display(),
            others.join(", ")
        );
        Ok(())
    }

    /// Everything that will be there with what was made, and the names of the files that are outdated then.
    pub(super) fn with(&self, made: &Artifacts) -> (Artifacts, Vec<String>) {
        let is_made = |other: &Artifact| made.0.values().any(|made| made.artifact == other.artifact);
        let mut all = self.listed.clone();
        all.0.retain(|_, artifact| !is_made(artifact));
        all.0.extend(made.0.clone());
        let outdated = self.listed.0.keys().filter(|name| !all.0.contains_key(*name));
        let outdated = outdated.cloned().collect();
        (all, outdated)
    }
}
