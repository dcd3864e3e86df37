//! A bill as CycloneDX 1.6 in JSON: <https://cyclonedx.org/docs/1.6/json/> (ECMA-424).
//!
//! The document describes one program for one target, or the disk of an appliance. The digest is that of the file as it is
//! published; where it was signed, its ancestor (`pedigree`) is what the build made. The serial number comes of the content.

use super::Checkout;
use super::bill::{Bill, Component, NO_LICENSE};
use super::release::{Release, Subject};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// The document.
pub(super) fn document(checkout: &Checkout, release: &Release, bill: &Bill, subject: &Subject) -> Value {
    let others = bill.components.iter().filter(|(purl, _)| **purl != subject.purl);
    let components: Vec<_> = others.map(|(_, one)| component(one, "library")).collect();
    let dependencies: Vec<_> = bill
        .components
        .keys()
        .map(|purl| match bill.uses.get(purl) {
            Some(uses) => json!({ "ref": purl, "dependsOn": uses }),
            None => json!({ "ref": purl }),
        })
        .collect();
    let body = json!({
        "metadata": {
            "timestamp": release.time(),
            "lifecycles": [{ "phase": "build" }],
            "tools": { "components": [{ "type": "application", "name": env!("CARGO_PKG_NAME") }] },
            "component": described(checkout, release, bill, subject),
            "supplier": supplier(checkout),
        },
        "components": components,
        "dependencies": dependencies,
    });
    let serial = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{} {body}", checkout.repository).as_bytes());
    let mut document = Map::new();
    document.insert("$schema".into(), json!("http://cyclonedx.org/schema/bom-1.6.schema.json"));
    document.insert("bomFormat".into(), json!("CycloneDX"));
    document.insert("specVersion".into(), json!("1.6"));
    document.insert("serialNumber".into(), json!(format!("urn:uuid:{serial}")));
    document.insert("version".into(), json!(1));
    if let Value::Object(body) = body {
        document.extend(body);
    }
    document.into()
}

/// What the document is about.
fn described(checkout: &Checkout, release: &Release, bill: &Bill, subject: &Subject) -> Map<String, Value> {
    let mut value = component(&bill.components[&subject.purl], subject.class);
    value.insert("supplier".into(), supplier(checkout));
    value.insert("hashes".into(), hashes(&subject.published));
    if !subject.unsigned.is_empty() {
        let mut ancestor = Map::new();
        ancestor.insert("type".into(), json!(subject.class));
        ancestor.insert("name".into(), json!(subject.files.join(", ")));
        ancestor.insert("version".into(), json!(release.version.to_string()));
        ancestor.insert("description".into(), json!("Before it was signed"));
        ancestor.insert("hashes".into(), hashes(&subject.unsigned));
        value.insert("pedigree".into(), json!({ "ancestors": [ancestor] }));
    }
    let files = subject.files.iter().map(|file| ("file", file));
    let properties = files.chain(subject.properties.iter().map(|(name, value)| (*name, value)));
    let property = |(name, value): (&str, &String)| {
        let name = format!("{}:{name}", checkout.product.name);
        json!({ "name": name, "value": value })
    };
    value.insert("properties".into(), properties.map(property).collect());
    value
}

fn supplier(checkout: &Checkout) -> Value {
    json!({ "name": checkout.product.vendor, "url": [checkout.product.homepage] })
}

fn hashes(digests: &BTreeSet<String>) -> Value {
    digests.iter().map(|sha256| json!({ "alg": "SHA-256", "content": sha256 })).collect()
}

fn component(one: &Component, kind: &str) -> Map<String, Value> {
    let mut value = Map::new();
    let mut set = |name: &str, field: Value| value.insert(name.to_owned(), field);
    set("type", json!(kind));
    set("bom-ref", json!(one.purl));
    set("name", json!(one.name));
    set("version", json!(one.version));
    if let Some(description) = &one.description {
        set("description", json!(description));
    }
    if let Some(sha256) = &one.sha256 {
        set("hashes", json!([{ "alg": "SHA-256", "content": sha256 }]));
    }
    // An identifier by itself says more to programs than an expression of one.
    if one.license != NO_LICENSE {
        set(
            "licenses",
            match one.license.contains(' ') {
                false => json!([{ "license": { "id": one.license } }]),
                true => json!([{ "expression": one.license }]),
            },
        );
    }
    if let Some(cpe) = &one.cpe {
        set("cpe", json!(cpe));
    }
    set("purl", json!(one.purl));
    if let Some(url) = &one.url {
        let kind = if one.sha256.is_some() { "vcs" } else { "website" };
        set("externalReferences", json!([{ "type": kind, "url": url }]));
    }
    value
}
