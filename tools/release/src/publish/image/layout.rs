//! The image as it was built: an [OCI image layout](https://github.com/opencontainers/image-spec/blob/main/image-layout.md)
//! in a tar archive, whose blobs are what their digests say.

use super::{INDEX, MANIFEST};
use anyhow::{Context, Result, bail, ensure};
use packager::digest::sha256;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::io::Read;

/// What points to a blob.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    pub(super) media_type: String,
    pub(super) digest: String,
    pub(super) size: u64,
    platform: Option<Processor>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Processor {
    architecture: String,
}

#[derive(Deserialize)]
struct Index {
    manifests: Vec<Descriptor>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Manifest {
    config: Descriptor,
    layers: Vec<Descriptor>,
}

/// The image of one processor.
pub(super) struct Single {
    /// The processor, in the words of Go.
    pub(super) architecture: String,
    pub(super) manifest: Descriptor,
    /// Its configuration and layers.
    pub(super) blobs: Vec<Descriptor>,
}

/// The image.
pub(super) struct Layout {
    /// What it is called, with a tag.
    pub(super) name: String,
    /// When it was created, as it says itself.
    pub(super) created: Option<String>,
    pub(super) index: Descriptor,
    pub(super) singles: Vec<Single>,
    blobs: BTreeMap<String, Vec<u8>>,
}

impl Layout {
    /// Reads an archive.
    ///
    /// # Errors
    /// If it is damaged, or no image for several processors.
    pub(super) fn read(archive: &[u8]) -> Result<Layout> {
        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(archive).entries()? {
            let mut entry = entry?;
            if entry.header().entry_type().is_file() {
                let path = entry.path()?.to_string_lossy().trim_start_matches("./").to_owned();
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes)?;
                files.insert(path, bytes);
            }
        }
        let root: Index = parse(files.get("index.json").context("it has no index.json")?)?;
        let mut blobs = BTreeMap::new();
        for (path, bytes) in files {
            if let Some(hexadecimal) = path.strip_prefix("blobs/sha256/") {
                ensure!(sha256(&bytes) == hexadecimal, "{path} is not what its name says");
                blobs.insert(format!("sha256:{hexadecimal}"), bytes);
            }
        }
        let [index] = &root.manifests[..] else {
            bail!("it has {} images, and is to have one", root.manifests.len())
        };
        ensure!(index.media_type == INDEX, "its image is {}, and is to be {INDEX}", index.media_type);
        let name = index.annotations.get("org.opencontainers.image.ref.name");
        let mut layout = Layout {
            name: name.context("its image has no name")?.clone(),
            created: None,
            index: index.clone(),
            singles: Vec::new(),
            blobs,
        };
        let Index { manifests, annotations } = parse(layout.blob(index)?)?;
        layout.created = annotations.get("org.opencontainers.image.created").cloned();
        ensure!(!manifests.is_empty(), "its image is for no processor");
        for manifest in manifests {
            ensure!(manifest.media_type == MANIFEST, "an image in it is {}", manifest.media_type);
            let architecture = manifest.platform.as_ref().context("an image in it is for no processor")?;
            let architecture = architecture.architecture.clone();
            let Manifest { config, mut layers } = parse(layout.blob(&manifest)?)?;
            layers.insert(0, config);
            layers.iter().try_for_each(|blob| layout.blob(blob).map(drop))?;
            layout.singles.push(Single { architecture, manifest, blobs: layers });
        }
        Ok(layout)
    }

    /// What a descriptor points to.
    ///
    /// # Errors
    /// If it is not there, or has another size.
    pub(super) fn blob(&self, descriptor: &Descriptor) -> Result<&[u8]> {
        let bytes = self.blobs.get(&descriptor.digest);
        let bytes = bytes.with_context(|| format!("it lacks the blob {}", descriptor.digest))?;
        let size = bytes.len() as u64;
        ensure!(
            size == descriptor.size,
            "the blob {} has {size} bytes, and is to have {}",
            descriptor.digest,
            descriptor.size
        );
        Ok(bytes)
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).context("what describes the image is damaged")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// An archive of these files.
    fn archive(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, bytes) in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, path, &bytes[..]).unwrap();
        }
        tar.into_inner().unwrap()
    }

    /// The files of a small image for two processors.
    fn files() -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut add = |media_type: &str, bytes: Vec<u8>| -> Value {
            let (digest, size) = (sha256(&bytes), bytes.len());
            files.insert(format!("blobs/sha256/{digest}"), bytes);
            json!({ "mediaType": media_type, "digest": format!("sha256:{digest}"), "size": size })
        };
        let mut manifests = Vec::new();
        for architecture in ["amd64", "arm64"] {
            let config = add("application/vnd.oci.image.config.v1+json", b"{}".to_vec());
            let layer = add("application/vnd.oci.image.layer.v1.tar+gzip", architecture.into());
            let manifest = json!({ "schemaVersion": 2, "config": config, "layers": [layer] });
            let mut descriptor = add(MANIFEST, manifest.to_string().into());
            descriptor["platform"] = json!({ "architecture": architecture, "os": "linux" });
            manifests.push(descriptor);
        }
        let mut index = add(INDEX, json!({ "schemaVersion": 2, "manifests": manifests }).to_string().into());
        index["annotations"] = json!({ "org.opencontainers.image.ref.name": "example.com/a/b:1.0.0" });
        files.insert("index.json".to_owned(), json!({ "manifests": [index] }).to_string().into());
        files
    }

    /// Fails if: an image is not read as it is, or a damaged one is.
    #[test]
    fn reads_whole_images_only() {
        let whole = archive(&files());
        let layout = Layout::read(&whole).unwrap();
        assert_eq!(layout.name, "example.com/a/b:1.0.0");
        let processors: Vec<_> = layout.singles.iter().map(|single| &*single.architecture).collect();
        assert_eq!(processors, ["amd64", "arm64"]);
        assert_eq!(layout.blob(&layout.singles[1].blobs[1]).unwrap(), b"arm64");
        for name in files().keys() {
            for change in [None, Some(b"{}".to_vec())] {
                let mut files = files();
                files.remove(name);
                files.extend(change.clone().map(|bytes| (name.clone(), bytes)));
                // The one blob that is this anyway.
                if files != self::files() {
                    assert!(Layout::read(&archive(&files)).is_err(), "{name} {change:?}");
                }
            }
        }
        for length in (0..whole.len() - 1024).step_by(100) {
            assert!(Layout::read(&whole[..length]).is_err(), "{length}");
        }
    }
}
