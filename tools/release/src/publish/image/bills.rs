//! The bills of materials of an image (SBOM), as registries keep what is said about an image: a manifest whose `subject`
//! is the image of one processor
//! ([the guidance](https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md#guidelines-for-artifact-usage)).
//!
//! Registries that keep no list of such manifests get one by a tag that is made of the image's digest
//! ([the schema](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema)).

use super::layout::{Layout, Single};
use super::{INDEX, MANIFEST};
use crate::publish::sealed::Upload;
use anyhow::{Context, Result, bail, ensure};
use packager::artifacts::LIST;
use packager::digest::sha256;
use packager::{Artifacts, Target};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The blob that says nothing: an artifact has no configuration.
pub(super) const EMPTY: &[u8] = b"{}";
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";

/// How the names of bills end, and what they are, by their names at [IANA](https://www.iana.org/assignments/media-types).
const KINDS: &[(&str, &str)] =
    &[("cdx.json", "application/vnd.cyclonedx+json"), ("spdx.json", "application/spdx+json")];

/// A bill, as a registry has it.
pub(super) struct Bill {
    /// The digest of the image that it is about.
    pub(super) subject: String,
    /// What it is.
    media_type: &'static str,
    /// The name of its file.
    pub(super) file: String,
    pub(super) bytes: Vec<u8>,
    pub(super) manifest: Vec<u8>,
    annotations: BTreeMap<String, String>,
}

/// What points to a blob. The order of the fields decides the digest of what it is in.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor<'a> {
    media_type: &'a str,
    digest: String,
    size: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    schema_version: u8,
    media_type: &'a str,
    artifact_type: &'a str,
    config: Descriptor<'a>,
    layers: [Descriptor<'a>; 1],
    subject: Descriptor<'a>,
    annotations: BTreeMap<String, String>,
}

impl Bill {
    /// The digest by which the registry knows it.
    pub(super) fn digest(&self) -> String {
        digest_of(&self.manifest)
    }

    /// The list of what is about an image, with this in it; nothing if it is there already.
    ///
    /// # Errors
    /// If what is there is no such list.
    pub(super) fn listed(&self, list: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
        let mut list: Value = match list {
            Some(list) => serde_json::from_slice(list).unwrap_or_default(),
            None => json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [] }),
        };
        let is_index = list["mediaType"] == INDEX;
        let manifests = list.get_mut("manifests").and_then(Value::as_array_mut);
        let Some(manifests) = manifests.filter(|_| is_index) else {
            bail!("what it has there is no list: remove the tag, then run this again")
        };
        if manifests.iter().any(|one| one["digest"] == self.digest().as_str()) {
            return Ok(None);
        }
        manifests.push(json!({
            "mediaType": MANIFEST,
            "digest": self.digest(),
            "size": self.manifest.len(),
            "annotations": self.annotations,
            "artifactType": self.media_type,
        }));
        Ok(Some(serde_json::to_vec(&list)?))
    }
}

/// The tag of the list of what is about an image.
pub(super) fn tag_of(subject: &str) -> String {
    subject.replace(':', "-")
}

/// A digest as registries write it.
pub(super) fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", sha256(bytes))
}

/// The bills of everything in an image that is listed as an artifact of this name.
///
/// # Errors
/// If the list or a bill is not there.
pub(super) fn of_image(
    folder: &Path,
    files: &BTreeMap<String, Upload>,
    layout: &Layout,
    name: &str,
) -> Result<Vec<Bill>> {
    let list = Artifacts::load(folder)?.with_context(|| format!("{} has no {LIST}", folder.display()))?;
    let (_, image) = list.of_row(name).with_context(|| format!("{LIST} has no artifact {name}"))?;
    let parts = image.made_from.iter().filter_map(|part| list.of_row(&part.artifact));
    let programs: Vec<_> = parts.flat_map(|(_, part)| &part.programs).collect();
    let mut bills = Vec::new();
    for single in &layout.singles {
        let of_single = |triple: &str| {
            triple.parse::<Target>().is_ok_and(|target| target.arch.debian() == single.architecture)
        };
        let before = bills.len();
        for program in programs.iter().filter(|program| of_single(&program.target)) {
            for (end, media_type) in KINDS {
                let file = format!("{}-{}-{}.{end}", program.name, image.version, program.target);
                let upload = files.get(&file).with_context(|| {
                    format!("{file} is missing, which says what is in the image: describe the release again")
                })?;
                let bytes =
                    fs::read(&upload.path).with_context(|| format!("reading {}", upload.path.display()))?;
                bills.push(bill(layout, single, file, media_type, bytes)?);
            }
        }
        ensure!(bills.len() > before, "{LIST} names no program in the image for {}", single.architecture);
    }
    Ok(bills)
}

fn bill(
    layout: &Layout,
    single: &Single,
    file: String,
    media_type: &'static str,
    bytes: Vec<u8>,
) -> Result<Bill> {
    let annotation = |key: &str, text: &str| (format!("org.opencontainers.image.{key}"), text.to_owned());
    let annotations: BTreeMap<_, _> =
        layout.created.iter().map(|created| annotation("created", created)).collect();
    let subject = &single.manifest;
    let plain =
        |media_type, digest, size| Descriptor { media_type, digest, size, annotations: BTreeMap::new() };
    let layer = Descriptor {
        annotations: BTreeMap::from([annotation("title", &file)]),
        ..plain(media_type, digest_of(&bytes), bytes.len() as u64)
    };
    let manifest = Manifest {
        schema_version: 2,
        media_type: MANIFEST,
        artifact_type: media_type,
        config: plain(EMPTY_TYPE, digest_of(EMPTY), EMPTY.len() as u64),
        layers: [layer],
        subject: plain(&subject.media_type, subject.digest.clone(), subject.size),
        annotations: annotations.clone(),
    };
    let (subject, manifest) = (subject.digest.clone(), serde_json::to_vec(&manifest)?);
    Ok(Bill { subject, media_type, file, bytes, manifest, annotations })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: what others have put on the list is lost, something is there twice, or another manifest is taken for
    /// the list.
    #[test]
    fn keeps_the_list_of_others() {
        let bill = |manifest: &[u8]| Bill {
            subject: "sha256:1".to_owned(),
            media_type: KINDS[0].1,
            file: String::new(),
            bytes: Vec::new(),
            manifest: manifest.to_vec(),
            annotations: BTreeMap::new(),
        };
        let theirs =
            json!({ "mediaType": MANIFEST, "digest": "sha256:2", "size": 1, "more": { "b": 1, "a": 2 } });
        let list = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [theirs] }).to_string();
        let first = bill(b"1").listed(Some(list.as_bytes())).unwrap().unwrap();
        let text = String::from_utf8(first.clone()).unwrap();
        assert!(text.contains(&theirs.to_string()), "{text}");
        assert!(bill(b"1").listed(Some(&first)).unwrap().is_none());
        let second = bill(b"2").listed(Some(&first)).unwrap().unwrap();
        let second: Value = serde_json::from_slice(&second).unwrap();
        assert_eq!(second["manifests"].as_array().unwrap().len(), 3);
        assert_eq!(second["manifests"][2]["artifactType"], KINDS[0].1);
        assert!(bill(b"1").listed(None).unwrap().is_some());
        for wrong in ["", "{}", "[]", &format!("{{\"mediaType\":\"{MANIFEST}\",\"manifests\":[]}}")] {
            assert!(bill(b"1").listed(Some(wrong.as_bytes())).is_err(), "{wrong}");
        }
    }
}
