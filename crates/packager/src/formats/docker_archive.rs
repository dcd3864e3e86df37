//! Container images for one processor, as `docker load` and `podman load` take them: an archive of `docker save`.
//!
//! Its layers are compressed, one by one. An archive that is compressed as a whole is nothing to Podman 4 and skopeo 1.9.

use super::compress::gzip;
use super::image::saved::{LIST, Listed};
use super::image::{configuration, digest_of, json, layers, reference};
use super::tar::{Accounts, Tar};
use crate::format::Output;
use crate::{Entry, Format, Kind, Os, Package, Payload, Platform, Product, Source, Version};
use anyhow::Result;

/// The format. See the [module](self).
#[derive(Debug)]
pub struct DockerArchive;

impl Format for DockerArchive {
    fn name(&self) -> &'static str {
        "docker-archive"
    }

    fn section(&self) -> Option<&'static str> {
        Some("image")
    }

    fn supports(&self, platform: &Platform) -> bool {
        platform.is_single(Os::Linux)
    }

    fn file_name(&self, product: &Product, version: &Version, platform: &Platform) -> String {
        format!("{}-{version}-docker-{}.tar", product.name, platform.arch().debian())
    }

    fn write(&self, package: &Package<'_>, out: &mut dyn Output) -> Result<()> {
        let image = package.product.image()?;
        let layers = layers(package)?;
        let configuration = json(&configuration(package, &layers)?)?;
        let member = |bytes: &[u8], end: &str| digest_of(bytes).replace("sha256:", "") + end;
        let list = Listed {
            config: member(&configuration, ".json"),
            repo_tags: vec![reference(image, &package.version)],
            layers: [&layers.base, &layers.program].map(|layer| member(layer, ".tar.gz")).into(),
        };
        let names = [list.config.clone(), list.layers[0].clone(), list.layers[1].clone(), LIST.to_owned()];
        let list = json(&[list])?;
        let contents = [configuration, gzip(&layers.base)?, gzip(&layers.program)?, list];
        let entries = names.into_iter().zip(contents);
        let entries = entries.map(|(name, bytes)| Entry::root_file(name, Kind::File(Source::Bytes(bytes))));
        let accounts = Accounts::from([("root".to_owned(), 0)]);
        let mut tar = Tar::of_root(out, accounts, package.epoch);
        for entry in Payload::new(entries.collect())?.entries() {
            tar.add(entry)?;
        }
        tar.finish()?;
        Ok(())
    }
}
