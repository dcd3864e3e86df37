//! `cargo xtask sign`: from unsigned programs to signed artifacts, or to the same bits again without a key.
//!
//! The plan is that of `cargo xtask dist`, with a signer for each kind of node: a node is signed after it is made and
//! before anything is made of it (exe, MSI, kit). A key makes signatures; what is released is always the unsigned file
//! with its signature attached to it, so that the same file comes of it when the signature was stored. (Adding a time
//! stamp to a signed installer puts its streams into another order than attaching the stamped signature does.)
//! `docs/signing.md` tells it to release managers.

mod command;
mod config;
mod key;
mod redact;
mod release;
mod secret;
mod signer;
mod store;
mod windows;

use crate::authenticode::{Osslsigncode, Roots, Trust};
use crate::{dist, plan, settings, workspace};
use anyhow::{Context, Result, ensure};
use config::Config;
use key::Key;
use packager::{Compiled, Product, Recipe, Row};
use release::{Order, Report};
use signer::{NodeKind, Signers};
use std::path::{Path, PathBuf};
pub(crate) use store::LIST as STORE;
use windows::Windows;

/// Signs artifacts, what they are made of and what is made of them, into dist-signed/
///
/// Takes the programs that `cargo xtask dist` built, or --program. What waits for somebody outside is asked for again
/// by the next run. Needs osslsigncode, and the configuration signing.toml, which docs/signing.md describes.
#[derive(clap::Args)]
pub(crate) struct Sign {
    /// The artifacts, by the names that --list shows, by default all of them; what they are made of comes along
    names: Vec<String>,
    /// Lists the artifacts in which something is signed and ends
    #[arg(long)]
    list: bool,
    /// The configuration, by default signing.toml in the workspace
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A target, and a folder with unsigned programs for it, instead of those that `cargo xtask dist` built
    #[arg(long = "program", value_name = "TRIPLE=FOLDER")]
    programs: Vec<Compiled>,
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
    /// Prints what was made, and what is waited for, as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    trust: Trust,
}

/// How the artifacts of a release are signed.
#[derive(clap::Args)]
pub(crate) struct Whole {
    /// The configuration for Windows, by default signing.toml in the workspace
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Attaches the signatures that are stored instead of signing; needs no key
    #[arg(long)]
    pub(crate) attach: bool,
    /// Signs without time stamps: the signatures are worthless once the certificate expires
    #[arg(long, conflicts_with = "attach")]
    no_timestamp: bool,
    #[command(flatten)]
    trust: Trust,
}

impl Whole {
    /// Signs every artifact in which something is signed, into a folder. Whether everything is there: a signer may wait
    /// for somebody.
    ///
    /// # Errors
    /// As `cargo xtask sign`.
    pub(crate) fn make(&self, out: &Path, signatures: &Path) -> Result<bool> {
        let signatures = Some(signatures.to_owned());
        let (stored, attach) = if self.attach { (None, signatures) } else { (signatures, None) };
        let sign = Sign {
            names: Vec::new(),
            list: false,
            config: self.config.clone(),
            programs: Vec::new(),
            out: Some(out.to_owned()),
            signatures: stored,
            attach,
            servers: Vec::new(),
            no_timestamp: self.no_timestamp,
            json: false,
            trust: self.trust.clone(),
        };
        let report = sign.make()?;
        println!("{}", report.text);
        Ok(report.is_complete())
    }

    /// From stored signatures alone, without a key.
    pub(crate) fn attaching(trust: &Trust) -> Whole {
        Whole { config: None, attach: true, no_timestamp: false, trust: trust.clone() }
    }
}

impl Sign {
    pub(crate) fn run(self) -> Result<()> {
        if self.list {
            let recipe = plan::recipe()?;
            return dist::list(&recipe, signable(&recipe)?);
        }
        let report = self.make()?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report.json)?);
        } else {
            println!("{}", report.text);
        }
        Ok(())
    }

    fn make(&self) -> Result<Report> {
        let recipe = plan::recipe()?;
        let rows = self.rows(&recipe)?;
        let signers = Signers { windows: self.windows(&recipe.product)? };
        let out = self.out.clone().unwrap_or_else(workspace::signed);
        let signatures = self.attach.as_ref().or(self.signatures.as_ref()).cloned();
        let order = Order {
            recipe: &recipe,
            rows,
            programs: &self.programs,
            out: &out,
            signatures: signatures.unwrap_or_else(|| out.join("signatures")).join(recipe.version.to_string()),
            is_keyless: self.attach.is_some(),
        };
        release::make(&order, &signers)
    }

    /// What is to be made, parts first.
    fn rows<'a>(&self, recipe: &'a Recipe) -> Result<Vec<&'a Row>> {
        let all: Vec<String> = signable(recipe)?.iter().map(|row| row.name.clone()).collect();
        for name in &self.names {
            ensure!(
                all.contains(&recipe.rows.row(name)?.name),
                "nothing in the artifact {name:?} is signed: use {}",
                all.join(", ")
            );
        }
        let rows = recipe.rows.chosen(if self.names.is_empty() { &all } else { &self.names })?;
        for Compiled { triple, .. } in &self.programs {
            ensure!(
                rows.iter().any(|row| row.targets.contains(triple)),
                "--program: none of these artifacts takes programs for {triple}"
            );
        }
        Ok(rows)
    }

    fn windows(&self, product: &Product) -> Result<Windows> {
        let mut trust = self.trust.clone();
        let mut opus = [product.display_name.clone(), product.homepage.clone()];
        let mut config = None;
        if self.attach.is_some() {
            trust.complete(settings::trust(self.config.as_deref())?);
        } else {
            let path = self.config.clone().unwrap_or_else(settings::default_path);
            let mut read = Config::load(&path)?;
            trust.complete(read.trust.clone());
            self.choose_servers(&mut read, &path)?;
            for (text, chosen) in opus.iter_mut().zip([&read.description, &read.url]) {
                if let Some(chosen) = chosen {
                    text.clone_from(chosen);
                }
            }
            config = Some(read);
        }
        trust.check()?;
        if let Some(config) = &config {
            check_roots(config, &trust, !self.no_timestamp)?;
        }
        let password = config.as_ref().and_then(|config| config.key.password());
        let tool = Osslsigncode::find(&secret::variables(password))?;
        Ok(Windows { tool, config, trust, needs_time_stamp: !self.no_timestamp, opus })
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

/// The artifacts in which something is signed.
fn signable(recipe: &Recipe) -> Result<Vec<&Row>> {
    let mut found = Vec::new();
    for row in recipe.rows.artifacts() {
        if !NodeKind::inside(&recipe.rows, row)?.is_empty() {
            found.push(row);
        }
    }
    Ok(found)
}
