//! How the artifacts were made: a statement of in-toto with a provenance of SLSA in it, not yet signed.
//!
//! - <https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>
//! - <https://slsa.dev/spec/v1.0/provenance>
//!
//! `docs/describing.md` documents the type of the build, as SLSA asks for. There are no times in it: whoever builds the
//! release again gets the same statement. Whoever signs it vouches for it.

use super::Checkout;
use super::release::Release;
use anyhow::{Context, Result};
use packager::digest;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Where the type of the build is documented, below the repository.
const TYPE: &str = "docs/describing.md#build-type-1";
/// Who built it, if nobody says.
const SOMEBODY: &str = "docs/describing.md#built-by-hand";

/// Files of the checkout that pin what a build takes from outside.
const PINS: [&str; 5] = [
    "Cargo.lock",
    "packaging/appliance/packages.lock",
    "packaging/appliance/programs.lock",
    "rust-toolchain.toml",
    "xtask/src/toolchain/requirements.txt",
];

/// The statement.
///
/// # Errors
/// If a file of the checkout cannot be read.
pub(super) fn statement(
    checkout: &Checkout,
    release: &Release,
    commit: &str,
    builder: Option<&str>,
) -> Result<Value> {
    let repository = &checkout.repository;
    let documented = |place: &str| format!("{repository}/blob/HEAD/{place}");
    let tag = format!("refs/tags/v{}", release.version);
    let subjects: Vec<_> = release
        .artifacts
        .0
        .iter()
        .map(|(name, artifact)| json!({ "name": name, "digest": { "sha256": artifact.sha256 } }))
        .collect();
    let toolchains: BTreeSet<_> =
        release.artifacts.0.values().map(|artifact| artifact.toolchain.as_str()).collect();
    let epochs: BTreeSet<_> =
        release.artifacts.0.values().map(|artifact| artifact.source_date_epoch).collect();
    let mut dependencies =
        vec![json!({ "uri": format!("git+{repository}@{tag}"), "digest": { "gitCommit": commit } })];
    for name in PINS {
        let path = checkout.root.join(name);
        let sha256 = digest::sha256_file(&path).with_context(|| format!("reading {}", path.display()))?;
        dependencies.push(json!({ "name": name, "digest": { "sha256": sha256 } }));
    }
    dependencies.extend(tools(&toolchains));
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects,
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": documented(TYPE),
                "externalParameters": { "repository": repository, "ref": tag, "commit": commit },
                "internalParameters": { "toolchain": toolchains, "sourceDateEpoch": epochs },
                "resolvedDependencies": dependencies,
            },
            "runDetails": { "builder": { "id": builder.map_or_else(|| documented(SOMEBODY), str::to_owned) } },
        },
    });
    Ok(statement)
}

/// The tools that toolchains name: `rustc 1.95.0, std as distributed with the compiler, zig 0.17.1`. What of it is no
/// tool with a version is told about the one before.
fn tools(toolchains: &BTreeSet<&str>) -> Vec<Value> {
    let mut tools: Vec<Map<String, Value>> = Vec::new();
    let parts: Vec<&str> = toolchains.iter().flat_map(|toolchain| toolchain.split(", ")).collect();
    for part in parts {
        let is_version =
            |version: &str| version.starts_with(|c: char| c.is_ascii_digit()) && !version.contains(' ');
        match part.split_once(' ').filter(|(_, version)| is_version(version)) {
            Some((name, version)) => {
                let uri = format!("pkg:generic/{name}@{version}");
                let tool = json!({ "name": name, "uri": uri });
                if let (Value::Object(tool), false) =
                    (tool, tools.iter().any(|other| other.get("uri") == Some(&json!(uri))))
                {
                    tools.push(tool);
                }
            }
            None => {
                if let Some(tool) = tools.last_mut() {
                    tool.insert("annotations".into(), json!({ "note": part }));
                }
            }
        }
    }
    tools.into_iter().map(Value::Object).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a tool is lost, is there twice, or what is said of one becomes a tool.
    #[test]
    fn names_tools() {
        let toolchains = ["rustc 1.95.0, std as distributed with the compiler, zig 0.17.1", "zig 0.17.1"];
        let tools = tools(&toolchains.into());
        let expected = json!([
            {
                "name": "rustc", "uri": "pkg:generic/rustc@1.95.0",
                "annotations": { "note": "std as distributed with the compiler" },
            },
            { "name": "zig", "uri": "pkg:generic/zig@0.17.1" },
        ]);
        assert_eq!(Value::from(tools), expected);
    }
}
