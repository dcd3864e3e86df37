//! The manifest by which [Scoop](https://scoop.sh) installs the program, specified in its
//! [wiki](https://github.com/ScoopInstaller/Scoop/wiki/App-Manifests) and by `schema.json` of its repository.

use super::Archive;
use crate::workspace::REPOSITORY;
use anyhow::{Context, Result};
use packager::Product;
use serde_json::{Map, Value, json};

/// What it calls the processors, and the targets that it is offered for.
const TARGETS: [(&str, &str); 2] =
    [("64bit", "x86_64-pc-windows-gnu"), ("arm64", "aarch64-pc-windows-gnullvm")];

/// The manifest, which also says how a newer release is found.
///
/// # Errors
/// If there is no archive for one of the targets.
pub(super) fn manifest(
    product: &Product,
    version: &str,
    address: &str,
    archives: &[Archive<'_>],
) -> Result<String> {
    let (mut offered, mut updated) = (Map::new(), Map::new());
    for (processor, triple) in TARGETS {
        let archive = archives.iter().find(|archive| archive.triple == triple);
        let Archive { name, artifact, .. } =
            archive.with_context(|| format!("the release has no archive for {triple}"))?;
        let latest = format!("{REPOSITORY}/releases/download/v$version/{name}");
        let there = json!({ "url": format!("{address}/{name}"), "hash": artifact.sha256 });
        offered.insert(processor.to_owned(), there);
        updated.insert(processor.to_owned(), json!({ "url": latest }));
    }
    let manifest = json!({
        "version": version,
        "description": product.summary,
        "homepage": product.homepage,
        "license": product.license,
        "notes": "This is the program alone. The service for a test station comes with the MSI.",
        "architecture": Value::Object(offered),
        "bin": format!("{}.exe", product.name),
        "checkver": { "github": REPOSITORY },
        "autoupdate": {
            "architecture": Value::Object(updated),
            "hash": { "url": format!("$baseurl/{}", packager::artifacts::SUMS) },
        },
    });
    // Four blanks, as in Scoop's own buckets.
    let mut text = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    serde::Serialize::serialize(
        &manifest,
        &mut serde_json::Serializer::with_formatter(&mut text, formatter),
    )?;
    Ok(String::from_utf8(text)? + "\n")
}
