//! Container images for several processors in one archive: an
//! [OCI image layout](https://github.com/opencontainers/image-spec/blob/main/image-layout.md) with one
//! [index](https://github.com/opencontainers/image-spec/blob/main/image-index.md), made of an archive of `docker save`
//! for each processor.
//!
//! What registries know the image by is the digest of the index. A layer that several processors have in common is there
//! once.

use super::image::saved::Saved;
use super::image::{digest_of, json, labels, reference};
use super::tar::{Accounts, Tar};
use crate::format::Output;
use crate::{Entry, Format, Kind, Os, Package, Payload, Platform, Product, Source, Version};
use anyhow::{Context, Result, ensure};
use serde::Serialize;
use std::collections::BTreeMap;

/// The format. See the [module](self).
#[derive(Debug)]
pub struct Oci;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIGURATION: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// What points to a blob.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: &'static str,
    digest: String,
    size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<Processor>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

/// What an image is for, in the words of Go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Processor {
    architecture: String,
    os: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u8,
    media_type: &'static str,
    manifests: Vec<Descriptor>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    schema_version: u8,
    media_type: &'static str,
    config: Descriptor,
    layers: Vec<Descriptor>,
    annotations: BTreeMap<String, String>,
}

/// The blobs by the paths they have in the layout.
#[derive(Debug, Default)]
struct Blobs(BTreeMap<String, Vec<u8>>);

impl Blobs {
    /// Adds a blob, and says how it is pointed to.
    fn add(&mut self, media_type: &'static str, bytes: Vec<u8>) -> Descriptor {
        let (digest, size) = (digest_of(&bytes), bytes.len());
        self.0.insert(format!("blobs/{}", digest.replace(':', "/")), bytes);
        Descriptor { media_type, digest, size, platform: None, annotations: BTreeMap::new() }
    }
}

impl Format for Oci {
    fn name(&self) -> &'static str {
        "oci"
    }

    fn section(&self) -> Option<&'static str> {
        Some("image")
    }

    fn is_of_parts_alone(&self) -> bool {
        true
    }

    fn supports(&self, platform: &Platform) -> bool {
        platform.os() == Os::Linux && !platform.is_any_processor(Os::Linux)
    }

    fn file_name(&self, product: &Product, version: &Version, _platform: &Platform) -> String {
        format!("{}-{version}-oci.tar", product.name)
    }

    fn write(&self, package: &Package<'_>, out: &mut dyn Output) -> Result<()> {
        let mut blobs = Blobs::default();
        let index = index(package, &mut blobs)?;
        let mut files = blobs.0;
        files.insert("index.json".to_owned(), json(&index)?);
        files.insert("oci-layout".to_owned(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec());
        let entries = files.into_iter();
        let entries = entries.map(|(path, bytes)| Entry::root_file(path, Kind::File(Source::Bytes(bytes))));
        let mut tar = Tar::of_root(out, Accounts::from([("root".to_owned(), 0)]), package.epoch);
        for entry in Payload::new(entries.collect())?.with_parents().entries() {
            tar.add(entry)?;
        }
        tar.finish()?;
        Ok(())
    }
}

/// What the layout begins with: the one image that it has, by its name.
fn index(package: &Package<'_>, blobs: &mut Blobs) -> Result<Index> {
    ensure!(!package.parts.is_empty(), "an image of several processors is made of one for each (of)");
    let annotations = labels(package)?;
    let mut manifests: Vec<Descriptor> = Vec::new();
    let mut layers = BTreeMap::new();
    for part in &package.parts {
        let doing = || format!("taking the image out of {}", part.file_name);
        let saved = Saved::read(&part.source.read()?).with_context(doing)?;
        let manifest = manifest(&saved, &annotations, blobs, &mut layers).with_context(doing)?;
        let is_twice = manifests.iter().any(|other| other.platform == manifest.platform);
        ensure!(!is_twice, "{} is for a processor that another one is for already", part.file_name);
        manifests.push(manifest);
    }
    let image = Index { schema_version: 2, media_type: INDEX, manifests, annotations };
    let mut image = blobs.add(INDEX, json(&image)?);
    // Podman takes the whole name from `ref.name`, containerd from its own.
    let name = reference(package.product.image()?, &package.version);
    for key in ["io.containerd.image.name", "org.opencontainers.image.ref.name"] {
        image.annotations.insert(key.to_owned(), name.clone());
    }
    Ok(Index { schema_version: 2, media_type: INDEX, manifests: vec![image], annotations: BTreeMap::new() })
}

/// The image of one processor.
fn manifest(
    saved: &Saved,
    annotations: &BTreeMap<String, String>,
    blobs: &mut Blobs,
    known: &mut BTreeMap<String, Descriptor>,
) -> Result<Descriptor> {
    let mut layers = Vec::new();
    for (layer, digest) in saved.layers.iter().zip(&saved.read.rootfs.diff_ids) {
        if !known.contains_key(digest) {
            known.insert(digest.clone(), blobs.add(LAYER, layer.clone()));
        }
        layers.push(known[digest].clone());
    }
    let manifest = Manifest {
        schema_version: 2,
        media_type: MANIFEST,
        config: blobs.add(CONFIGURATION, saved.configuration.clone()),
        layers,
        annotations: annotations.clone(),
    };
    let mut descriptor = blobs.add(MANIFEST, json(&manifest)?);
    descriptor.platform =
        Some(Processor { architecture: saved.read.architecture.clone(), os: saved.read.os.clone() });
    Ok(descriptor)
}
