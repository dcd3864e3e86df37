//! `cargo xtask sign`: from unsigned programs to signed installers, or to the same bits again without a key.
//!
//! Programs are signed before they are packed, installers after that. A key makes signatures; what is released is
//! always the unsigned file with its signature attached to it, so that the same file comes of it when the signature
//! was stored. (Adding a time stamp to a signed installer puts its streams into another order than attaching the
//! stamped signature does.) `docs/signing.md` tells it to release managers.

mod command;
mod config;
mod key;
mod redact;
mod release;
mod secret;
mod signer;
mod store;

use crate::authenticode::{Osslsigncode, Roots, Trust};
use crate::build::{self, BuildTarget};
use crate::{settings, workspace};
use anyhow::{Context, Result, ensure};
use config::Config;
use key::Key;
use packager::{Format, Os, Product, formats};
use signer::{Means, Signer, seal};
use std::path::{Path, PathBuf};

/// Signs the Windows programs and installers into dist-signed/
///
/// Takes the programs that `cargo xtask dist` built, or --program. Needs osslsigncode, and the configuration
/// signing.toml, which docs/signing.md describes.
#[derive(clap::Args)]
pub(crate) struct Sign {
    /// The configuration, by default signing.toml in the workspace
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Signs only for this target, by triple; by default for every Windows target
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
    /// The unsigned program, instead of the one that `cargo xtask dist` built
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Makes only this format (msi, zip, exe); may be repeated
    #[arg(long = "format")]
    formats: Vec<String>,
    /// Where the artifacts go, by default the workspace's folder dist-signed
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Where the signatures are stored, by default the folder signatures beside the artifacts
    #[arg(long, value_name = "DIR", conflicts_with = "attach")]
    signatures: Option<PathBuf>,
    /// Attaches the signatures stored in this folder instead of signing; needs no key
    #[arg(long, value_name = "DIR")]
    attach: Option<PathBuf>,
    /// A time stamp server, instead of those of the configuration; may be repeated
    #[arg(long = "timestamp-server", value_name = "URL", conflicts_with = "attach")]
    servers: Vec<String>,
    /// Signs without time stamps: the signatures are worthless once the certificate expires
    #[arg(long, conflicts_with_all = ["attach", "servers"])]
    no_timestamp: bool,
    #[command(flatten)]
    trust: Trust,
}

impl Sign {
    pub(crate) fn run(self) -> Result<()> {
        let product = Product::load(&workspace::product_manifest())?;
        let targets = self.targets()?;
        let formats = self.formats(&targets)?;
        let signer = self.signer(&product)?;
        let out = self.out.clone().unwrap_or_else(workspace::signed);
        let signatures = match &self.attach {
            Some(_) => None,
            None => Some(self.signatures.clone().unwrap_or_else(|| out.join("signatures"))),
        };
        let order = release::Order {
            product: &product,
            targets: &targets,
            program: self.program.as_deref(),
            formats: &formats,
            out: &out,
            signatures: signatures.as_deref(),
        };
        release::make(&order, &signer)
    }

    fn targets(&self) -> Result<Vec<&'static BuildTarget>> {
        let is_windows = |target: &&BuildTarget| target.packaged().is_ok_and(|t| t.os == Os::Windows);
        let all: Vec<_> = build::targets()?.iter().filter(is_windows).collect();
        let triples = || all.iter().map(|target| target.triple.as_str()).collect::<Vec<_>>().join(", ");
        let chosen: Vec<_> = all
            .iter()
            .copied()
            .filter(|t| self.target.as_ref().is_none_or(|triple| t.triple == *triple))
            .collect();
        ensure!(
            !chosen.is_empty(),
            "unknown target {:?}: what can be signed is for {}",
            self.target.as_deref().unwrap_or_default(),
            triples()
        );
        ensure!(
            self.program.is_none() || chosen.len() == 1,
            "--program is for one target: name it with --target ({})",
            triples()
        );
        Ok(chosen)
    }

    fn formats(&self, targets: &[&BuildTarget]) -> Result<Vec<&'static dyn Format>> {
        let mut formats = match self.formats.as_slice() {
            [] => formats::ALL.to_vec(),
            names => names.iter().map(|name| formats::by_name(name)).collect::<Result<_>>()?,
        };
        let targets: Vec<_> = targets.iter().map(|target| target.packaged()).collect::<Result<_>>()?;
        formats.retain(|format| targets.iter().any(|target| format.supports(&(*target).into())));
        ensure!(!formats.is_empty(), "none of these formats exists for Windows: {}", self.formats.join(", "));
        Ok(formats)
    }

    fn signer(&self, product: &Product) -> Result<Signer> {
        let mut trust = self.trust.clone();
        let mut opus = [product.display_name.clone(), product.homepage.clone()];
        let means = match &self.attach {
            Some(folder) => {
                trust.complete(settings::trust(self.config.as_deref())?);
                Means::Stored(folder.clone())
            }
            None => {
                let path = self.config.clone().unwrap_or_else(settings::default_path);
                let mut config = Config::load(&path)?;
                trust.complete(config.trust.clone());
                self.choose_servers(&mut config, &path)?;
                for (text, chosen) in opus.iter_mut().zip([&config.description, &config.url]) {
                    if let Some(chosen) = chosen {
                        text.clone_from(chosen);
                    }
                }
                Means::Key(Box::new(config))
            }
        };
        trust.check()?;
        let password = match &means {
            Means::Key(config) => {
                check_roots(config, &trust, !self.no_timestamp)?;
                config.key.password()
            }
            Means::Stored(_) => None,
        };
        let tool = Osslsigncode::find(&secret::variables(password))?;
        Ok(Signer { tool, means, trust, needs_time_stamp: !self.no_timestamp, opus })
    }

    /// Lets the command line have its way with the time stamp servers.
    fn choose_servers(&self, config: &mut Config, path: &Path) -> Result<()> {
        if self.no_timestamp {
            config.timestamp.servers.clear();
        } else if !self.servers.is_empty() {
            config.timestamp.servers.clone_from(&self.servers);
            config.timestamp.check().context("in --timestamp-server")?;
        } else {
            let may_stamp_itself = matches!(config.key, Key::Command { .. });
            ensure!(
                may_stamp_itself || !config.timestamp.servers.is_empty(),
                "{} names no time stamp servers: without time stamps the signatures are worthless once the certificate expires. Give timestamp.servers, --timestamp-server or --no-timestamp",
                path.display()
            );
        }
        Ok(())
    }
}

/// Refuses to use a key whose signatures could not be verified afterwards: nobody would vouch for the time stamps.
fn check_roots(config: &Config, trust: &Trust, needs_time_stamp: bool) -> Result<()> {
    if needs_time_stamp {
        trust.file(Roots::TimeStamps)?;
    }
    if config.timestamp.servers.iter().any(|server| server.starts_with("https:")) {
        trust.file(Roots::Servers)?;
    }
    Ok(())
}
