//! `cargo xtask sign`: from unsigned programs to signed artifacts, or to the same bits again without a key.
//!
//! The plan is that of `cargo xtask dist`, with a signer for each kind of node: a node is signed after it is made and
//! before anything is made of it (exe, MSI, kit). A key makes signatures; what is released is always the unsigned file
//! with its signature attached to it, so that the same file comes of it when the signature was stored. (Adding a time
//! stamp to a signed installer puts its streams into another order than attaching the stamped signature does.)
//! `docs/signing.md` tells it to release managers.

mod apple;
mod command;
mod config;
mod key;
mod release;
mod secret;
mod signer;
mod store;
mod windows;

use crate::authenticode::{Osslsigncode, Roots, Timestamp, Trust};
use crate::{dist, plan, settings, workspace};
use anyhow::{Context, Result, ensure};
use apple::Apple;
use config::Config;
use key::Key;
use packager::{Compiled, Product, Recipe, Row};
use release::{LeftOut, Order, Report};
pub(crate) use secret::{Secret, VARIABLE};
use signer::{NodeKind, Signers};
use std::cell::OnceCell;
use std::path::{Path, PathBuf};
pub(crate) use store::LIST as STORE;
pub(crate) use store::{Store, is_for_mac};
use windows::Windows;

/// Signs artifacts, what they are made of and what is made of them, into dist-signed/
///
/// Takes the programs that `cargo xtask dist` built, or --program. What waits for somebody outside is asked for again
/// by the next run. Needs osslsigncode for Windows, openssl for macOS, and the configuration signing.toml, which
/// docs/signing.md describes.
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
    /// Lets Apple's notary judge what is for macOS, and staples its tickets
    #[arg(long, conflicts_with_all = ["attach", "no_timestamp"])]
    notarize: bool,
    /// Prints what was made, and what is waited for, as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    trust: Trust,
}

/// How the artifacts of a release are signed.
#[derive(clap::Args)]
pub(crate) struct Whole {
    /// The configuration for Windows and macOS, by default signing.toml in the workspace
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Attaches the signatures that are stored instead of signing; needs no key
    #[arg(long)]
    pub(crate) attach: bool,
    /// Signs without time stamps: the signatures are worthless once the certificate expires
    #[arg(long, conflicts_with = "attach")]
    no_timestamp: bool,
    /// Lets Apple's notary judge what is for macOS, and staples its tickets
    #[arg(long, conflicts_with_all = ["attach", "no_timestamp"])]
    notarize: bool,
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
            notarize: self.notarize,
            json: false,
            trust: self.trust.clone(),
        };
        let report = sign.make()?;
        println!("{}", report.text);
        Ok(report.is_complete())
    }

    /// From stored signatures alone, without a key.
    pub(crate) fn attaching(trust: &Trust) -> Whole {
        Whole { config: None, attach: true, no_timestamp: false, notarize: false, trust: trust.clone() }
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
        let out = self.out.clone().unwrap_or_else(workspace::signed);
        let signatures = self.attach.as_ref().or(self.signatures.as_ref()).cloned();
        let signatures =
            signatures.unwrap_or_else(|| out.join("signatures")).join(recipe.version.to_string());
        let signers = self.signers(&recipe.product, &signatures)?;
        let (rows, left) = self.rows(&recipe, &signers)?;
        let order = Order {
            recipe: &recipe,
            rows,
            programs: &self.programs,
            out: &out,
            signatures,
            is_keyless: self.attach.is_some(),
            notarise: self.notarize,
            left,
        };
        release::make(&order, &signers)
    }

    /// What is to be made, parts first; and what is not, because nobody here signs something in it, with the reason.
    fn rows<'a>(&self, recipe: &'a Recipe, signers: &Signers) -> Result<(Vec<&'a Row>, LeftOut)> {
        let mut all: Vec<String> = Vec::new();
        let mut left = LeftOut::new();
        for row in signable(recipe)? {
            match signers.require(recipe, row) {
                Ok(()) => all.push(row.name.clone()),
                Err(error) if self.names.is_empty() => {
                    left.entry(error.to_string()).or_default().push(row.name.clone());
                }
                Err(error) if self.names.contains(&row.name) => {
                    return Err(error.context(format!("signing {}", row.name)));
                }
                Err(_) => {}
            }
        }
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
        Ok((rows, left))
    }

    /// Who can sign: those whom the configuration knows, or of whom there are stored signatures.
    fn signers(&self, product: &Product, signatures: &Path) -> Result<Signers> {
        if self.attach.is_some() {
            let trusted = settings::trust(self.config.as_deref())?;
            // Where nothing can be read, that is said later.
            let store = Store::load(signatures).unwrap_or_default();
            let kinds: Vec<_> = store.nodes().filter_map(NodeKind::of_mac_node).collect();
            let windows = (kinds.is_empty() || store.nodes().any(|node| !is_for_mac(node)))
                .then(|| self.windows(product, trusted.windows, None));
            let apple = (!kinds.is_empty()).then(|| self.apple(product, trusted.apple, kinds, None));
            return Ok(Signers { windows: windows.transpose()?, apple: apple.transpose()? });
        }
        let path = self.config.clone().unwrap_or_else(settings::default_path);
        let mut read = Config::load(&path)?;
        let apple = read.apple.take();
        let apple = apple.map(|mut config| {
            self.choose_servers(&mut config.timestamp, false, &path)?;
            let mut kinds = vec![NodeKind::MacProgram, NodeKind::MacBundle, NodeKind::MacImage];
            kinds.extend(config.installer.is_some().then_some(NodeKind::MacPackage));
            self.apple(product, config.trust.clone(), kinds, Some(config))
        });
        let apple = apple.transpose()?;
        ensure!(
            !self.notarize || apple.is_some(),
            "--notarize: {} has no section [apple], so nothing is signed that a notary could judge",
            path.display()
        );
        let windows = read.key.take().map(|key| {
            let may_stamp_itself = matches!(key, Key::Command { .. });
            self.choose_servers(&mut read.timestamp, may_stamp_itself, &path)?;
            self.windows(product, read.trust.clone(), Some((key, read)))
        });
        Ok(Signers { windows: windows.transpose()?, apple })
    }

    fn windows(&self, product: &Product, from: Trust, config: Option<(Key, Config)>) -> Result<Windows> {
        let mut trust = self.trust.clone();
        trust.complete(from);
        let mut opus = [product.display_name.clone(), product.homepage.clone()];
        if let Some((_, config)) = &config {
            for (text, chosen) in opus.iter_mut().zip([&config.description, &config.url]) {
                if let Some(chosen) = chosen {
                    text.clone_from(chosen);
                }
            }
        }
        trust.check()?;
        if let Some((_, config)) = &config {
            check_roots(&config.timestamp, &trust, !self.no_timestamp)?;
        }
        let password = config.as_ref().and_then(|(key, _)| key.password());
        let tool = Osslsigncode::find(&secret::variables(password))?;
        Ok(Windows { tool, config, trust, needs_time_stamp: !self.no_timestamp, opus })
    }

    fn apple(
        &self,
        product: &Product,
        from: Trust,
        kinds: Vec<NodeKind>,
        config: Option<config::Apple>,
    ) -> Result<Apple> {
        let mut trust = self.trust.clone();
        trust.complete(from);
        trust.check()?;
        if let Some(config) = &config {
            check_roots(&config.timestamp, &trust, !self.no_timestamp)?;
            ensure!(
                !self.notarize || config.notary.is_some(),
                "--notarize: nothing says how to reach Apple's notary: give [apple.notary] in signing.toml, with a key of App Store Connect"
            );
        }
        let identifier = product.macos_identifier().to_owned();
        let needs_time_stamp = !self.no_timestamp;
        Ok(Apple { engine: OnceCell::new(), config, kinds, trust, needs_time_stamp, identifier })
    }

    /// Lets the command line have its way with the time stamp servers.
    fn choose_servers(&self, timestamp: &mut Timestamp, may_be_without: bool, path: &Path) -> Result<()> {
        if self.no_timestamp {
            timestamp.servers.clear();
        } else if !self.servers.is_empty() {
            timestamp.servers.clone_from(&self.servers);
            timestamp.check().context("in --timestamp-server")?;
        } else {
            ensure!(
                may_be_without || !timestamp.servers.is_empty(),
                "{} names no time stamp servers: without time stamps the signatures are worthless once the certificate expires. Give timestamp.servers, --timestamp-server or --no-timestamp",
                path.display()
            );
        }
        Ok(())
    }
}

/// Refuses to use a key whose signatures could not be verified afterwards: nobody would vouch for the time stamps.
fn check_roots(timestamp: &Timestamp, trust: &Trust, needs_time_stamp: bool) -> Result<()> {
    if needs_time_stamp {
        trust.file(Roots::TimeStamps)?;
    }
    if timestamp.servers.iter().any(|server| server.starts_with("https:")) {
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
