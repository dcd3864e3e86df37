//! The manifest by which [Scoop](https://scoop.sh) installs the program, specified in its
//! [wiki](https://github.com/ScoopInstaller/Scoop/wiki/App-Manifests) and by `schema.json` of its repository.

use super::Archive;
use crate::workspace::REPOSITORY;
use anyhow::Result;
use packager::Product;
use serde_json::json;

/// The one target that it is offered for.
pub(super) const TRIPLE: &str = "x86_64-pc-windows-gnu";

/// The manifest, which also says how a newer release is found.
pub(super) fn manifest(
    product: &Product,
    version: &str,
    address: &str,
    archive: &Archive<'_>,
) -> Result<String> {
    let name = &archive.name;
    let manifest = json!({
        "version": version,
        "description": product.summary,
        "homepage": product.homepage,
        "license": product.license,
        "notes": "This is the program alone. The service for a test station comes with the MSI.",
        "architecture": {
            "64bit": { "url": format!("{address}/{name}"), "hash": archive.artifact.sha256 },
        },
        "bin": format!("{}.exe", product.name),
        "checkver": { "github": REPOSITORY },
        "autoupdate": {
            "architecture": {
                "64bit": { "url": format!("{REPOSITORY}/releases/download/v$version/{name}") },
            },
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
