//! What `docker save` writes and `docker load` reads: a tar archive with configuration, layers and a list of both.
//!
//! Described in [Docker's image specification](https://github.com/moby/docker-image-spec/blob/v1.2.0/v1.2.md#combined-image-json--filesystem-changeset-format).

use super::{Configuration, digest_of};
use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Read;

/// The name of the list.
pub(in crate::formats) const LIST: &str = "manifest.json";

/// One image in the list.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::formats) struct Listed {
    /// The member that is its configuration.
    pub(in crate::formats) config: String,
    /// Its names with tags.
    #[serde(default)]
    pub(in crate::formats) repo_tags: Vec<String>,
    /// The members that are its layers, the lowest first.
    pub(in crate::formats) layers: Vec<String>,
}

/// The image of such an archive.
#[derive(Debug)]
pub(in crate::formats) struct Saved {
    /// Its configuration, bit for bit.
    pub(in crate::formats) configuration: Vec<u8>,
    /// What that says.
    pub(in crate::formats) read: Configuration,
    /// Its layers, compressed as they are in the archive.
    pub(in crate::formats) layers: Vec<Vec<u8>>,
}

impl Saved {
    /// Reads an archive whose layers are gzipped.
    ///
    /// # Errors
    /// If it is damaged, has another number of images than one, or a layer is not what the configuration says.
    pub(in crate::formats) fn read(archive: &[u8]) -> Result<Saved> {
        let mut members = members(archive).context("it is no archive of `docker save`, or is damaged")?;
        let mut take =
            |name: &str| members.remove(name).with_context(|| format!("the archive has no member {name:?}"));
        let list: Vec<Listed> =
            serde_json::from_slice(&take(LIST)?).with_context(|| format!("reading {LIST}"))?;
        let [image] = &list[..] else { anyhow::bail!("{LIST} has {} images, not one", list.len()) };
        let configuration = take(&image.config)?;
        let read: Configuration =
            serde_json::from_slice(&configuration).with_context(|| format!("reading {}", image.config))?;
        let layers: Vec<Vec<u8>> = image.layers.iter().map(|name| take(name)).collect::<Result<_>>()?;
        let digests: Vec<String> =
            layers.iter().zip(&image.layers).map(digest_of_layer).collect::<Result<_>>()?;
        ensure!(
            digests == read.rootfs.diff_ids,
            "the layers are not those that {} names: the archive is damaged, make it again",
            image.config
        );
        Ok(Saved { configuration, read, layers })
    }
}

/// What a layer is known by, which is not what it is compressed to.
fn digest_of_layer((layer, name): (&Vec<u8>, &String)) -> Result<String> {
    let mut bytes = Vec::new();
    let read = GzDecoder::new(&layer[..]).read_to_end(&mut bytes);
    read.with_context(|| format!("the layer {name} is damaged: make the archive again"))?;
    Ok(digest_of(&bytes))
}

fn members(archive: &[u8]) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut members = BTreeMap::new();
    let mut archive = tar::Archive::new(archive);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        members.insert(name, bytes);
    }
    Ok(members)
}
