//! `release-tools open FILES --into DIR`: what a release has in archives and envelopes, for whoever builds it again: its
//! detached signatures, and its provenance.

use crate::dsse;
use crate::openpgp::PublicKey;
use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;
use packager::Product;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// More than any release has: an archive of somebody else may unpack to anything.
const LIMIT: u64 = 64 << 20;

/// Unpacks the signatures and the provenance of a release that `verify` has found to be right
#[derive(clap::Args)]
pub(crate) struct Open {
    /// The files of the release
    files: PathBuf,
    /// Where the folder `signatures` and the file `provenance.json` are put
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
    /// The description of the product
    #[arg(long, value_name = "FILE", default_value = "packaging/product.toml")]
    product: PathBuf,
}

impl Open {
    pub(crate) fn run(&self) -> Result<()> {
        let product = Product::load(&self.product)?;
        let key = PublicKey::read(&self.files.join(format!("{}.asc", product.name)))?;
        fs::create_dir_all(&self.into).with_context(|| format!("making {}", self.into.display()))?;
        if let Some(path) = find(&self.files, ".intoto.jsonl")? {
            let reading = || format!("reading {}", path.display());
            let (statement, _) =
                dsse::open(&fs::read_to_string(&path).with_context(reading)?, &key).with_context(reading)?;
            fs::write(self.into.join("provenance.json"), statement).context("writing the provenance")?;
        }
        if let Some(path) = find(&self.files, "-signatures.tar.gz")? {
            let unpacking = || format!("unpacking {}", path.display());
            let archive = GzDecoder::new(fs::File::open(&path).with_context(unpacking)?).take(LIMIT);
            // Refuses names that lead out of the folder.
            tar::Archive::new(archive).unpack(&self.into).with_context(unpacking)?;
        }
        Ok(())
    }
}

/// The one file whose name ends so.
fn find(folder: &Path, end: &str) -> Result<Option<PathBuf>> {
    let reading = || format!("reading {}", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(reading)? {
        let path = entry.with_context(reading)?.path();
        if path.to_string_lossy().ends_with(end) {
            found.push(path);
        }
    }
    ensure!(found.len() < 2, "{} has {} files *{end}: a release has one", folder.display(), found.len());
    Ok(found.pop())
}
