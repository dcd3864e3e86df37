//! A bill as SPDX 2.3 in JSON: <https://spdx.github.io/spdx-spec/v2.3/>.
//!
//! The document describes one program for one target, or the disk of an appliance. The digest is that of the file as it is
//! published; where it was signed, it descends from a package that stands for what the build made.

use super::Checkout;
use super::bill::{Bill, Component};
use super::release::{Release, Subject};
use anyhow::{Result, ensure};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

const DOCUMENT: &str = "SPDXRef-DOCUMENT";

/// The document.
///
/// # Errors
/// If two components would have one identifier.
pub(super) fn document(
    checkout: &Checkout,
    release: &Release,
    bill: &Bill,
    subject: &Subject,
) -> Result<Value> {
    let ids = ids(bill)?;
    let mut packages = Vec::new();
    let mut relations = Vec::new();
    for (purl, one) in &bill.components {
        let mut value = package(&ids[purl], one);
        if one.is_ours {
            let organization = json!(format!("Organization: {}", checkout.product.vendor));
            value.insert("supplier".into(), organization);
            let place = format!("git+{}@v{}", checkout.repository, release.version);
            value.insert("downloadLocation".into(), json!(place));
        }
        if subject.purl == *purl {
            value.insert("packageFileName".into(), json!(subject.files.join(", ")));
            value.insert("checksums".into(), checksums(&subject.published));
            value.insert("summary".into(), json!(subject.summary));
            relations.push(relation(DOCUMENT, "DESCRIBES", &ids[purl]));
            if !subject.unsigned.is_empty() {
                let id = format!("{}-unsigned", ids[purl]);
                let mut unsigned = value.clone();
                unsigned.insert("SPDXID".into(), json!(id));
                unsigned.insert("checksums".into(), checksums(&subject.unsigned));
                unsigned.insert("comment".into(), json!("Before it was signed"));
                packages.push(unsigned);
                relations.push(relation(&ids[purl], "DESCENDANT_OF", &id));
            }
        }
        packages.push(value);
        let uses = bill.uses.get(purl).into_iter().flatten();
        relations.extend(uses.map(|used| relation(&ids[purl], "DEPENDS_ON", &ids[used])));
    }
    let name = &subject.stem;
    let body = json!({ "packages": packages, "relationships": relations });
    let content = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{} {body}", checkout.repository).as_bytes());
    let mut document = Map::new();
    document.insert("spdxVersion".into(), json!("SPDX-2.3"));
    document.insert("dataLicense".into(), json!("CC0-1.0"));
    document.insert("SPDXID".into(), json!(DOCUMENT));
    document.insert("name".into(), json!(name));
    document
        .insert("documentNamespace".into(), json!(format!("{}/spdx/{name}-{content}", checkout.repository)));
    let creators = [
        format!("Organization: {}", checkout.product.vendor),
        format!("Tool: {}-{}", env!("CARGO_PKG_NAME"), release.version),
    ];
    document.insert("creationInfo".into(), json!({ "created": release.time(), "creators": creators }));
    if let Value::Object(body) = body {
        document.extend(body);
    }
    Ok(document.into())
}

/// An identifier for each component: letters, digits, `.` and `-`.
fn ids(bill: &Bill) -> Result<BTreeMap<String, String>> {
    let fits = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let id = |one: &Component| {
        format!("SPDXRef-{}-{}", one.name, one.version).chars().map(fits).collect::<String>()
    };
    let ids: BTreeMap<_, _> = bill.components.iter().map(|(purl, one)| (purl.clone(), id(one))).collect();
    let different: BTreeSet<_> = ids.values().collect();
    ensure!(
        different.len() == ids.len(),
        "two components have one name and version, and SPDX no names for both"
    );
    Ok(ids)
}

fn relation(from: &str, kind: &str, to: &str) -> Value {
    json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to })
}

fn checksums(digests: &BTreeSet<String>) -> Value {
    digests.iter().map(|sha256| json!({ "algorithm": "SHA256", "checksumValue": sha256 })).collect()
}

fn package(id: &str, one: &Component) -> Map<String, Value> {
    let mut value = Map::new();
    let mut set = |name: &str, field: Value| value.insert(name.to_owned(), field);
    set("SPDXID", json!(id));
    set("name", json!(one.name));
    set("versionInfo", json!(one.version));
    set("supplier", json!("NOASSERTION"));
    set("downloadLocation", json!("NOASSERTION"));
    set("filesAnalyzed", json!(false));
    if let Some(sha256) = &one.sha256 {
        set("checksums", json!([{ "algorithm": "SHA256", "checksumValue": sha256 }]));
    }
    if let Some(url) = &one.url {
        set("homepage", json!(url));
    }
    set("licenseConcluded", json!("NOASSERTION"));
    set("licenseDeclared", json!(one.license));
    set("copyrightText", json!("NOASSERTION"));
    if let Some(description) = &one.description {
        set("description", json!(description));
    }
    let mut references = vec![json!({
        "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": one.purl,
    })];
    if let Some(cpe) = &one.cpe {
        references.push(json!({
            "referenceCategory": "SECURITY", "referenceType": "cpe23Type", "referenceLocator": cpe,
        }));
    }
    set("externalRefs", references.into());
    value
}
