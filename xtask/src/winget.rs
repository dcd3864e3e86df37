//! `cargo xtask winget`: manifests for the Windows package manager, from finished installers.

use crate::authenticode::kind;
use crate::workspace;
use anyhow::Result;
use packager::{Product, winget};
use std::path::PathBuf;

/// Writes the manifests by which winget finds a release
///
/// They are written from the installers as they will be downloaded, signed if they are signed. In a copy of
/// github.com/microsoft/winget-pkgs they belong into the folder of package and version below `manifests`.
#[derive(clap::Args)]
pub(crate) struct Winget {
    /// Address of the folder that the installers are downloaded from
    #[arg(long, value_name = "ADDRESS")]
    url: String,
    /// Where the manifests go, by default the workspace's folder target/winget
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The Windows Installer packages, one for each processor
    #[arg(required = true, value_name = "MSI")]
    installers: Vec<PathBuf>,
}

impl Winget {
    pub(crate) fn run(self) -> Result<()> {
        let product = Product::load(&workspace::product_manifest())?;
        let folder = self.out.unwrap_or_else(|| workspace::target("winget"));
        let changelog = product.changelog()?;
        // Their digests are in the manifests, so that signing them later would make those wrong.
        for path in &self.installers {
            if !kind::look(path)?.is_signed {
                eprintln!("note: {} is not signed: sign first, then write the manifests", path.display());
            }
        }
        for path in winget::write(&folder, &product, &changelog, &self.installers, &self.url)? {
            println!("{}", path.display());
        }
        Ok(())
    }
}
