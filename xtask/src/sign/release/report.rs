//! What came of a run, for people and for machines.

use super::Run;
use serde_json::{Value, json};
use std::path::PathBuf;

/// See the [module](self).
pub(in crate::sign) struct Report {
    /// Lines for people.
    pub(in crate::sign) text: String,
    pub(in crate::sign) json: Value,
    /// Files of another version, which are outdated now.
    pub(super) removed: Vec<PathBuf>,
}

impl Report {
    /// Whether nothing is waited for any more.
    pub(in crate::sign) fn is_complete(&self) -> bool {
        self.json["missing"].as_array().is_none_or(Vec::is_empty)
    }

    pub(super) fn new(run: &Run<'_>) -> Report {
        let (out, signatures) = (run.order.out, &run.order.signatures);
        let made: Vec<&String> = run.made.0.keys().collect();
        let removed: Vec<_> = run.earlier.with(&run.made).1.iter().map(|name| out.join(name)).collect();
        let waiting = || {
            let signers = run.store.waiting.iter().map(|(node, one)| (node, &one.whom));
            let notary = run.store.submitted.iter().map(|(node, one)| (node, &one.whom));
            signers.chain(notary).filter(|(node, _)| run.tried.contains(*node))
        };

        let mut lines: Vec<String> = Vec::new();
        lines.extend(removed.iter().map(|path| format!("removed {}, which is outdated", path.display())));
        lines.extend(
            run.earlier
                .gone
                .iter()
                .map(|name| format!("note: {name} was deleted from {} and is listed no more", out.display())),
        );
        lines.extend(waiting().map(|(node, whom)| format!("waiting: {node} for {whom}")));
        lines.extend(run.missing.iter().map(|(artifact, nodes)| {
            let is_signed = |node: &String| run.store.submitted.contains_key(node);
            let what = if nodes.iter().any(is_signed) { "notarised" } else { "signed" };
            let nodes: Vec<_> = nodes.iter().map(String::as_str).collect();
            format!("not there yet: {artifact}, until {} is {what}", nodes.join(" and "))
        }));
        if !run.missing.is_empty() {
            lines.push("to go on from here, run the same command again later".to_owned());
        }
        lines.extend(made.iter().map(|name| format!("signed: {name}")));
        lines.extend(
            run.order
                .left
                .iter()
                .map(|(why, artifacts)| format!("not signed: {}: {why}", artifacts.join(", "))),
        );
        lines.push(format!("artifacts are in {}, signatures in {}", out.display(), signatures.display()));

        let waiting = waiting().map(|(node, whom)| json!({ "node": node, "for": whom }));
        let missing = run.missing.iter();
        let missing = missing.map(|(artifact, nodes)| json!({ "artifact": artifact, "waits_for": nodes }));
        let json = json!({
            "out": out,
            "signatures": signatures,
            "artifacts": made,
            "waiting": waiting.collect::<Vec<_>>(),
            "missing": missing.collect::<Vec<_>>(),
            "removed": removed,
            "not_signed": run.order.left.values().flatten().collect::<Vec<_>>(),
        });
        Report { text: lines.join("\n"), json, removed }
    }
}
