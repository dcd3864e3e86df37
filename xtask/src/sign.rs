//! `cargo xtask sign`: from unsigned programs to signed installers, or to the same bits again without a key.
//!
//! Programs are signed before they are packed, installers after that. A key makes signatures; what is released is
//! always the unsigned file with its signature attached to it, so that the same file comes of it when the signature
//! was stored. (Adding a time stamp to a signed installer puts its streams into another order than attaching the
//! stamped signature does.) `docs/signing.md` tells it to release managers.

mod algorithm;
pub(crate) mod certificates;
mod command;
pub(crate) mod config;
pub(crate) mod kind;
pub(crate) mod osslsigncode;
mod pe;
mod redact;
mod release;
mod secret;
pub(crate) mod signature;
mod store;
mod timestamp;

use crate::build::{self, BuildTarget};
use crate::process::stop_if_interrupted;
use crate::verify::{self, Trust};
use crate::workspace;
use anyhow::{Context, Result, bail, ensure};
use config::{Config, Key};
use kind::Kind;
use osslsigncode::Osslsigncode;
use packager::digest::sha256_file;
use packager::{Artifacts, Format, Os, Product, formats};
use signature::Signature;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use store::{Entry, Store};

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

/// Where signatures come from.
enum Means {
    /// A key makes them.
    Key(Box<Config>),
    /// They were stored in this folder.
    Stored(PathBuf),
}

/// Signs files, one after the other.
struct Signer {
    tool: Osslsigncode,
    means: Means,
    trust: Trust,
    needs_time_stamp: bool,
    /// Description and URL.
    opus: [String; 2],
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
        let all: Vec<_> = build::targets().iter().filter(is_windows).collect();
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
                trust.complete(config::Trust::load(self.config.as_deref())?);
                Means::Stored(folder.clone())
            }
            None => {
                let path = self.config.clone().unwrap_or_else(config::default_path);
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
        let tool = Osslsigncode::find(match &means {
            Means::Key(config) => config.key.password(),
            Means::Stored(_) => None,
        })?;
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
            let may_stamp_itself = matches!(config.key, Key::Command(_));
            ensure!(
                may_stamp_itself || !config.timestamp.servers.is_empty(),
                "{} names no time stamp servers: without time stamps the signatures are worthless once the certificate expires. Give timestamp.servers, --timestamp-server or --no-timestamp",
                path.display()
            );
        }
        Ok(())
    }
}

impl Signer {
    /// The stored signatures of a target, or an empty list for those that are to be made.
    fn store(&self, target: &str, program: &Path) -> Result<Store> {
        match &self.means {
            Means::Key(_) => Ok(Store {
                osslsigncode: self.tool.version.to_string(),
                toolchain: toolchain_of(program)?,
                ..Store::default()
            }),
            Means::Stored(folder) => Store::load(&folder.join(target)),
        }
    }

    /// Puts `unsigned` with its signature at `to`, and the signature into the folder `signatures`. What is there
    /// afterwards was verified.
    fn sign(
        &self,
        name: &str,
        target: &str,
        unsigned: &Path,
        to: &Path,
        signatures: &Path,
        store: &mut Store,
    ) -> Result<()> {
        stop_if_interrupted()?;
        let kind = self.check_unsigned(name, unsigned)?;
        let stored = match &self.means {
            Means::Stored(folder) => Some(store.signature(&folder.join(target), name, unsigned)?),
            Means::Key(_) => None,
        };
        if let Some((signature, entry)) = stored {
            let version = self.tool.version.to_string();
            self.tool
                .attach(&signature, entry.extended, [unsigned, to])
                .and_then(|()| store.check_signed(name, entry, to, &version))
                .with_context(|| format!("attaching {} to {name}", signature.display()))?;
        } else {
            let signature = signatures.join(store::file_name(name));
            let is_extended = self.make_signature(kind, unsigned, &signature)?;
            self.tool.attach(&signature, is_extended, [unsigned, to])?;
            let entry = Entry {
                unsigned_sha256: sha256_file(unsigned)?,
                signed_sha256: sha256_file(to)?,
                signature_sha256: sha256_file(&signature)?,
                extended: is_extended,
            };
            store.files.insert(name.to_owned(), entry);
        }
        seal(to)?;
        let verdicts = verify::judge(&self.tool, name, to, &self.trust)?;
        verify::require(&verdicts).context("what was signed does not stand up to verification")?;
        verdicts.iter().for_each(|verdict| println!("{verdict}"));
        Ok(())
    }

    fn check_unsigned(&self, name: &str, unsigned: &Path) -> Result<Kind> {
        let look = kind::look(unsigned)?;
        let Some(kind @ (Kind::Program | Kind::Installer)) = look.kind else {
            bail!("{} ({name}) is neither a program for Windows nor an installer", unsigned.display());
        };
        ensure!(
            !look.is_signed,
            "{} ({name}) is signed already; give the unsigned file, as it was built",
            unsigned.display()
        );
        Ok(kind)
    }

    /// Makes a signature with its time stamp. Returns whether it covers the names and properties of an installer's
    /// streams, too.
    fn make_signature(&self, kind: Kind, unsigned: &Path, signature: &Path) -> Result<bool> {
        let Means::Key(config) = &self.means else { bail!("there is no key") };
        let work = tempfile::tempdir().context("making a folder for unfinished files")?;
        // With the ending of the unsigned file: some signers go by it.
        let signed = work.path().join(unsigned.file_name().context("a file has a name")?);
        let is_extended = if let Key::Command(words) = &config.key {
            command::sign(&words.run, [unsigned, &signed])?;
            kind::look(&signed)?.is_extended
        } else {
            let [description, url] = &self.opus;
            self.tool.sign(config, [description, url], kind, [unsigned, &signed])?;
            kind == Kind::Installer
        };
        self.tool.extract(&signed, signature)?;
        if self.needs_time_stamp && Signature::read(signature)?.time_stamp.is_none() {
            ensure!(
                !config.timestamp.servers.is_empty(),
                "the signing command adds no time stamp, and the configuration names no servers for it: give timestamp.servers, --timestamp-server or --no-timestamp"
            );
            let stamped = timestamp::add(
                &self.tool,
                &config.timestamp,
                &self.trust,
                is_extended,
                &signed,
                work.path(),
            )?;
            fs::remove_file(signature).context("replacing the signature without time stamp")?;
            self.tool.extract(&stamped, signature)?;
        }
        Ok(is_extended)
    }
}

/// What the program was made with, if it is one that `dist` knows.
fn toolchain_of(program: &Path) -> Result<String> {
    let sha256 = sha256_file(program)?;
    let list = Artifacts::load(&workspace::dist())?.unwrap_or_default();
    let is_inside = |artifact: &packager::Artifact| artifact.programs.iter().any(|p| p.sha256 == sha256);
    let known = list.0.into_values().find(is_inside);
    Ok(known.map_or_else(|| "unknown".to_owned(), |artifact| artifact.toolchain))
}

/// Makes a file last, readable for everyone whatever the umask says.
fn seal(path: &Path) -> Result<()> {
    let doing = || format!("writing {}", path.display());
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).with_context(doing)?;
    File::open(path).and_then(|file| file.sync_all()).with_context(doing)
}
