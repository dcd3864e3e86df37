//! What container images have in common, however they are stored: layers, and what a container is to know and do.
//!
//! Specified in the [OCI image specification](https://github.com/opencontainers/image-spec/blob/main/config.md); the
//! health check is [Docker's](https://github.com/moby/docker-image-spec/blob/main/spec.md), which Podman reads as well
//! and everybody else passes over.
//!
//! There is no base image: a static program needs none. Two layers, so that an upgrade brings a new program and nothing
//! else. Everything that is written comes from structures with an order, since a digest is what an image is known by.

pub(super) mod saved;

use super::tar::{Accounts, Tar};
use crate::product::{HealthCheck, Image};
use crate::{Entry, Kind, Package, Payload, Product, Source, Version, digest};
use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where programs are looked for; images have no other folder with any.
const PATH: &str = "PATH=/usr/bin";
/// Health checks count in nanoseconds.
const NANOSECONDS: u64 = 1_000_000_000;

/// What a container of the image is to know and do, and which layers it has.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Configuration {
    created: String,
    pub(super) architecture: String,
    pub(super) os: String,
    config: Execution,
    pub(super) rootfs: RootFs,
    history: Vec<History>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Execution {
    user: String,
    #[serde(default)]
    exposed_ports: BTreeMap<String, Nothing>,
    env: Vec<String>,
    entrypoint: Vec<String>,
    cmd: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    healthcheck: Option<Health>,
    volumes: BTreeMap<String, Nothing>,
    working_dir: String,
    labels: BTreeMap<String, String>,
    stop_signal: String,
}

/// `{}`, which stands for a member of a set.
#[derive(Debug, Serialize, Deserialize)]
struct Nothing {}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Health {
    test: Vec<String>,
    interval: u64,
    timeout: u64,
    start_period: u64,
    retries: u32,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RootFs {
    #[serde(rename = "type")]
    kind: String,
    /// The digests of the layers, not compressed.
    pub(super) diff_ids: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct History {
    created: String,
    created_by: String,
}

/// The layers of an image, each a tar archive, the lowest first.
pub(super) struct Layers {
    pub(super) base: Vec<u8>,
    pub(super) program: Vec<u8>,
}

/// A digest as registries write it.
pub(super) fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", digest::sha256(bytes))
}

/// The name of an image with the tag of a version. A `+`, which no tag may have, becomes `_`, as Helm has it.
pub(super) fn reference(image: &Image, version: &Version) -> String {
    format!("{}:{}", image.repository, version.to_string().replace('+', "_"))
}

/// What an image says of itself: labels in Docker's words, annotations in those of OCI
/// ([the keys](https://github.com/opencontainers/image-spec/blob/main/annotations.md)).
pub(super) fn labels(package: &Package<'_>) -> Result<BTreeMap<String, String>> {
    let (product, image) = (package.product, package.product.image()?);
    let version = package.version.to_string();
    let created = time(package.epoch)?;
    let labels = [
        ("authors", &product.maintainer),
        ("created", &created),
        ("description", &product.summary),
        ("documentation", &image.documentation),
        ("licenses", &product.license),
        ("source", &image.source),
        ("title", &product.display_name),
        ("url", &product.homepage),
        ("vendor", &product.vendor),
        ("version", &version),
    ];
    Ok(labels
        .into_iter()
        .map(|(key, text)| (format!("org.opencontainers.image.{key}"), text.clone()))
        .collect())
}

/// A time as [RFC 3339](https://www.rfc-editor.org/rfc/rfc3339#section-5.6) has it.
fn time(epoch: u32) -> Result<String> {
    Ok(Timestamp::from_second(epoch.into())?.to_string())
}

/// The layers: everything but the program, and the program.
pub(super) fn layers(package: &Package<'_>) -> Result<Layers> {
    let image = package.product.image()?;
    let is_program = |entry: &&Entry| matches!(entry.kind, Kind::Program(_));
    package.payload.program()?;
    let (program, mut base): (Vec<Entry>, Vec<Entry>) =
        package.payload.entries().iter().cloned().partition(|entry| is_program(&entry));
    for (path, text) in [
        ("etc/passwd", passwd(package.product, image)),
        ("etc/group", format!("root:x:0:\n{0}:x:{1}:\n", image.account, image.id)),
    ] {
        base.push(Entry::root_file(path, Kind::File(Source::Bytes(text.into_bytes()))));
    }
    let volume = image.volume.trim_start_matches('/');
    ensure!(
        base.iter().any(|entry| entry.path == volume && matches!(entry.kind, Kind::Directory)),
        "[image] volume {:?}: the payload has no such folder",
        image.volume
    );
    Ok(Layers { base: layer(package, base)?, program: layer(package, program)? })
}

/// Nobody logs in: the accounts are there for programs that ask for a name.
fn passwd(product: &Product, image: &Image) -> String {
    let Image { account, id, volume, .. } = image;
    format!(
        "root:x:0:0:root:/:/sbin/nologin\n{account}:x:{id}:{id}:{}:{volume}:/sbin/nologin\n",
        product.display_name.replace(':', " ")
    )
}

fn layer(package: &Package<'_>, entries: Vec<Entry>) -> Result<Vec<u8>> {
    let image = package.product.image()?;
    let accounts = Accounts::from([("root".to_owned(), 0), (image.account.clone(), image.id)]);
    let mut tar = Tar::of_root(Vec::new(), accounts, package.epoch);
    for entry in Payload::new(entries)?.with_parents().entries() {
        tar.add(entry)?;
    }
    tar.finish()
}

/// The configuration of the image of one processor.
pub(super) fn configuration(package: &Package<'_>, layers: &Layers) -> Result<Configuration> {
    let (product, image) = (package.product, package.product.image()?);
    let program = format!("/{}", package.payload.program()?.path);
    let created = time(package.epoch)?;
    let history = |what: &str| History { created: created.clone(), created_by: format!("packager: {what}") };
    let ports = image.ports.iter().map(|port| (format!("{port}/tcp"), Nothing {}));
    let env = image.environment.iter().map(|(name, value)| format!("{name}={value}"));
    Ok(Configuration {
        architecture: package.platform.arch().debian().to_owned(),
        os: package.platform.os().name().to_owned(),
        config: Execution {
            user: format!("{0}:{0}", image.id),
            exposed_ports: ports.collect(),
            env: std::iter::once(PATH.to_owned()).chain(env).collect(),
            cmd: image.arguments.clone(),
            healthcheck: image.health.as_ref().map(|check| health(&program, check)),
            entrypoint: vec![program],
            volumes: BTreeMap::from([(image.volume.clone(), Nothing {})]),
            working_dir: image.volume.clone(),
            labels: labels(package)?,
            stop_signal: "SIGTERM".to_owned(),
        },
        rootfs: RootFs {
            kind: "layers".to_owned(),
            diff_ids: vec![digest_of(&layers.base), digest_of(&layers.program)],
        },
        history: vec![history("folders, accounts, certificate authorities"), history(&product.name)],
        created,
    })
}

fn health(program: &str, check: &HealthCheck) -> Health {
    let words = ["CMD", program].into_iter().map(str::to_owned);
    let nanoseconds = |seconds: u32| u64::from(seconds) * NANOSECONDS;
    Health {
        test: words.chain(check.arguments.iter().cloned()).collect(),
        interval: nanoseconds(check.interval_seconds),
        timeout: nanoseconds(check.timeout_seconds),
        start_period: nanoseconds(check.start_seconds),
        retries: check.retries,
    }
}

/// A structure as JSON. No detour by `serde_json::Value`: that has no order of its own.
pub(super) fn json(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).context("writing JSON")
}
