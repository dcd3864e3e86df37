//! What came of a run, for people and for machines.

use super::Run;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// See the [module](self).
#[derive(Serialize)]
pub(in crate::sign) struct Report {
    /// The folder of artifacts.
    out: PathBuf,
    /// The folder of signatures.
    signatures: PathBuf,
    /// The files that were made.
    artifacts: Vec<String>,
    /// Nodes whose signatures somebody outside has yet to give.
    waiting: Vec<Waits>,
    /// Artifacts that are therefore not there yet.
    missing: Vec<Missing>,
    /// Files of another version that were replaced.
    pub(super) removed: Vec<PathBuf>,
    /// Artifacts that were listed, but deleted by somebody.
    gone: Vec<String>,
}

#[derive(Serialize)]
struct Waits {
    node: String,
    #[serde(rename = "for")]
    whom: String,
}

#[derive(Serialize)]
struct Missing {
    artifact: String,
    waits_for: Vec<String>,
}

impl Report {
    pub(super) fn new(run: &Run<'_>) -> Report {
        let out = run.order.out.to_owned();
        let waiting = run.store.waiting.iter().filter(|(node, _)| run.tried.contains(*node));
        let missing = run.missing.iter().map(|(artifact, nodes)| Missing {
            artifact: artifact.clone(),
            waits_for: nodes.iter().cloned().collect(),
        });
        Report {
            signatures: run.order.signatures.clone(),
            artifacts: run.made.0.keys().cloned().collect(),
            waiting: waiting
                .map(|(node, waiting)| Waits { node: node.clone(), whom: waiting.whom.clone() })
                .collect(),
            missing: missing.collect(),
            removed: run.earlier.with(&run.made).1.iter().map(|name| out.join(name)).collect(),
            gone: run.earlier.gone.clone(),
            out,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let out = self.out.display();
        for path in &self.removed {
            writeln!(f, "removed {}, which is outdated", path.display())?;
        }
        for name in &self.gone {
            writeln!(f, "note: {name} was deleted from {out} and is listed no more")?;
        }
        for Waits { node, whom } in &self.waiting {
            writeln!(f, "waiting: {node} for {whom}")?;
        }
        for Missing { artifact, waits_for } in &self.missing {
            writeln!(f, "not there yet: {artifact}, until {} is signed", waits_for.join(" and "))?;
        }
        if !self.waiting.is_empty() {
            writeln!(f, "to go on from here, run the same command again later")?;
        }
        writeln!(f, "{} signed artifacts made in {out}:", self.artifacts.len())?;
        for name in &self.artifacts {
            writeln!(f, "  {name}")?;
        }
        write!(f, "their signatures are in {}", self.signatures.display())
    }
}
