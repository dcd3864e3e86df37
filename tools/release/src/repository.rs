//! `release-tools repo`: a folder that any web server or bucket can serve as a repository for apt and for dnf.
//!
//! ```text
//! DIR/
//!   repository.json            says that the folder is one of these, of which product, and by which key
//!   PRODUCT.asc                the public key
//!   PRODUCT.sources            for apt, with the key in it;  PRODUCT.repo  for dnf
//!   apt/pool/…                 packages;  apt/dists/SUITE/…  indexes, InRelease last
//!   rpm/SUITE/Packages/…       packages;  rpm/SUITE/repodata/…  lists, repomd.xml last
//!   signatures/                by which the same bits are made again without the key
//! ```
//!
//! What is published is what the signed indexes name: they are read, checked, and written anew with what is added.

mod apt;
mod dnf;
mod index;
mod publish;
mod source;

use crate::openpgp::PublicKey;
use crate::settings::{Settings, plain_url};
use crate::signatures::{self, Signatures, now};
use crate::signer::Signer;
use crate::{rpm_header, rpm_signature};
use anyhow::{Context, Result, bail, ensure};
use apt::Deb;
use dnf::Rpm;
use index::Listed;
pub(crate) use index::gz;
use packager::digest::collect_files;
use packager::{Folder, Product, unfinished};
use publish::Plan;
use serde::{Deserialize, Serialize};
use source::Package;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The file that says whose folder it is.
const MARKER: &str = "repository.json";
/// The suite that needs no name in file names.
pub(crate) const STABLE: &str = "stable";

/// Makes a signed apt and dnf repository of finished packages, or extends one
///
/// Only adds files, and moves the indexes that clients read first last, so that nobody finds half of it. Prints each file
/// as it appears: uploaded in this order, a bucket is never half, either. Run again after it was broken off, it goes on.
#[derive(clap::Args)]
pub(crate) struct Repo {
    /// The folder of the repository; made if it is not there
    dir: PathBuf,
    /// A folder with packages and their artifacts.json, as `cargo xtask dist` makes it; may be repeated
    #[arg(long = "add", value_name = "FOLDER", required = true)]
    add: Vec<PathBuf>,
    /// For whom: those who want what is finished, or, in a suite of its own, what is not yet
    /// [default: stable, which pre-releases do not get into by themselves]
    #[arg(long, value_name = "NAME")]
    suite: Option<String>,
    /// Signs RPMs that have no signature yet; otherwise they are refused
    #[arg(long, conflicts_with = "attach")]
    sign_rpms: bool,
    /// Where signatures are stored [default: the folder `signatures` of the repository]
    #[arg(long, value_name = "DIR", conflicts_with = "attach")]
    signatures: Option<PathBuf>,
    /// Attaches stored signatures instead of signing; needs no key
    #[arg(long, value_name = "DIR")]
    attach: Option<PathBuf>,
    /// The settings
    #[arg(long, value_name = "FILE", default_value = "repository.toml")]
    config: PathBuf,
    /// The address under which clients will find the folder, instead of that in the settings
    #[arg(long)]
    url: Option<String>,
    /// The description of the product
    #[arg(long, value_name = "FILE", default_value = "packaging/product.toml")]
    product: PathBuf,
}

/// What files and indexes are called, and what they say of themselves.
pub(crate) struct Names<'a> {
    product: &'a str,
    display_name: &'a str,
    vendor: &'a str,
    url: &'a str,
    suite: &'a str,
}

impl Names<'_> {
    /// The beginning of the names of files that tell clients of a suite.
    fn file(&self) -> String {
        if self.suite == STABLE {
            self.product.to_owned()
        } else {
            format!("{}-{}", self.product, self.suite)
        }
    }

    fn key_file(&self) -> String {
        format!("{}.asc", self.product)
    }
}

/// What the marker says.
#[derive(PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Marker {
    schema: u32,
    product: String,
    /// The fingerprint of the key.
    key: String,
}

impl Repo {
    /// What adds the signed packages of a release to a folder.
    pub(crate) fn of_release(
        dir: PathBuf,
        files: PathBuf,
        suite: &str,
        config: PathBuf,
        product: &Path,
    ) -> Repo {
        Repo {
            dir,
            add: vec![files],
            suite: Some(suite.to_owned()),
            sign_rpms: false,
            signatures: None,
            attach: None,
            config,
            url: None,
            product: product.to_owned(),
        }
    }

    /// Makes or extends the repository.
    ///
    /// # Errors
    /// If something is not as it has to be; what clients read is as it was then, or whole.
    pub(crate) fn run(self) -> Result<()> {
        let key = self.publish(&mut |path| {
            println!("{path}");
            Ok(())
        })?;
        eprintln!("{} is complete, signed by {key}", self.dir.display());
        Ok(())
    }

    /// The same; `appeared` is told each file that has appeared, and the fingerprint of the key is returned.
    pub(crate) fn publish(&self, appeared: &mut dyn FnMut(&str) -> Result<()>) -> Result<String> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let suite = self.suite.as_deref().unwrap_or(STABLE);
        ensure!(
            !suite.is_empty() && suite.chars().all(fits),
            "--suite {suite:?}: use small letters, digits and hyphens"
        );
        let product = Product::load(&self.product)?;
        let (url, key, signer) = self.key()?;
        if signer.is_some() {
            key.check_usable(now()?)?;
        }
        let marker = Marker { schema: 1, product: product.name.clone(), key: key.fingerprint() };
        check_folder(&self.dir, &marker)?;
        let packages =
            self.add.iter().map(|folder| source::read(folder)).collect::<Result<Vec<_>>>()?.concat();
        ensure!(
            !packages.is_empty(),
            "{} has no package for apt or dnf: make them by `cargo xtask dist`",
            self.add[0].display()
        );
        let unfinished = packages.iter().find(|package| package.is_pre_release());
        if let Some(package) = unfinished.filter(|_| self.suite.is_none()) {
            bail!(
                "{} is a pre-release, and every machine that has the suite {STABLE} would install it, which cannot be taken back: give --suite beta, or --suite {STABLE} if that is meant",
                package.path.display()
            );
        }
        let folder = Folder::open(&self.dir)?;
        let signatures = Signatures {
            folder: self
                .attach
                .clone()
                .or(self.signatures.clone())
                .unwrap_or_else(|| folder.path().join("signatures")),
            key: &key,
            signer: signer.as_ref(),
            now: now()?,
        };
        let names = Names {
            product: &product.name,
            display_name: &product.display_name,
            vendor: &product.vendor,
            url: &url,
            suite,
        };
        let mut plan = Plan::default();
        plan.until_next(MARKER, serde_json::to_string_pretty(&marker)? + "\n");
        plan.until_next(names.key_file(), key.armored()?);
        // From here on the folder is one of ours, even if it goes no further.
        plan.apply(folder.path(), &mut *appeared)?;
        // Nobody else stores here meanwhile, and what a run left that was killed is removed.
        let _store = match &self.attach {
            None => Some(Folder::open(&signatures.folder)?),
            Some(_) => None,
        };
        if self.attach.is_none() {
            signatures.store_key()?;
        }
        let publication =
            Publication { repository: folder.path(), names, signatures, sign_rpms: self.sign_rpms };
        publication.plan(&packages)?.apply(folder.path(), appeared)?;
        Ok(key.fingerprint())
    }

    /// The address, the key, and who signs.
    fn key(&self) -> Result<(String, PublicKey, Option<Signer>)> {
        let Some(stored) = &self.attach else {
            let settings = Settings::load(&self.config)?;
            let url = plain_url(self.url.as_ref().unwrap_or(&settings.url))?;
            let (key, signer) = settings.signer(&self.config)?;
            return Ok((url, key, Some(signer)));
        };
        let url = match &self.url {
            Some(url) => plain_url(url)?,
            None => Settings::load(&self.config)?.url,
        };
        Ok((url, signatures::stored_key(stored)?, None))
    }
}

/// Refuses a folder that is something else, or whose key is another one.
fn check_folder(dir: &Path, ours: &Marker) -> Result<()> {
    let path = dir.join(MARKER);
    let Ok(text) = fs::read_to_string(&path) else {
        let is_empty = fs::read_dir(dir).map_or(!dir.exists(), |mut entries| {
            entries.all(|entry| {
                // What a run left that was broken off before anything else.
                entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with(unfinished::PREFIX))
            })
        });
        ensure!(
            is_empty,
            "{} is no repository of ours, for it has no {MARKER}: choose another folder, or an empty one",
            dir.display()
        );
        return Ok(());
    };
    let theirs: Marker = serde_json::from_str(&text)
        .with_context(|| format!("{} is damaged: bring back the file that was published", path.display()))?;
    ensure!(
        theirs.schema == ours.schema && theirs.product == ours.product,
        "{} says that the folder is a repository of {}: choose another folder",
        path.display(),
        theirs.product
    );
    ensure!(
        theirs.key == ours.key,
        "{} says that the repository is signed by the key {}, and not by {}: sign with that one, or begin another repository, for clients trust no other",
        path.display(),
        theirs.key,
        ours.key
    );
    Ok(())
}

/// Refuses to sign an index without a package that lies there. The index before it was lost, or somebody put an older one
/// back, so that versions would vanish for those who use them; or a run with other packages was broken off.
fn refuse_to_forget(repository: &Path, below: &str, named: &BTreeSet<String>) -> Result<()> {
    let folder = repository.join(below);
    if !folder.is_dir() {
        return Ok(());
    }
    let mut files = Vec::new();
    collect_files(&folder, &mut files)?;
    let names = files.iter().filter_map(|file| file.strip_prefix(repository).ok()?.to_str());
    let forgotten: Vec<&str> = names.filter(|name| !named.contains(*name)).collect();
    ensure!(
        forgotten.is_empty(),
        "{} has packages that no signed index names: {}. Bring back the newest indexes that were published; if a run was broken off, run it again first; if a package was never published, move it away",
        folder.display(),
        forgotten.join(", ")
    );
    Ok(())
}

/// What is added to a suite.
struct Publication<'a> {
    repository: &'a Path,
    names: Names<'a>,
    signatures: Signatures<'a>,
    sign_rpms: bool,
}

impl Publication<'_> {
    /// Everything that is to be there afterwards, as far as it may be new.
    fn plan(&self, packages: &[Package]) -> Result<Plan> {
        let mut plan = self.apt(packages)?;
        plan.then(self.dnf(packages)?);
        Ok(plan)
    }

    fn apt(&self, packages: &[Package]) -> Result<Plan> {
        let mut plan = Plan::default();
        let debs = packages.iter().filter(|package| package.is("deb"));
        let debs: Vec<_> = debs.collect();
        if debs.is_empty() {
            return Ok(plan);
        }
        let Signatures { key, now, .. } = self.signatures;
        let published = apt::Published::read(self.repository, self.names.suite, key)?;
        self.check_clock(published.time, now)?;
        let mut all = Vec::new();
        for listed in &published.packages {
            let deb = Deb::read(&listed.read(self.repository)?);
            all.push(deb.with_context(|| format!("reading {}", listed.path))?);
        }
        for package in debs {
            let deb = Deb::read(&package.bytes).with_context(|| package.advice())?;
            if is_new(package, &deb.listed, all.iter().map(|deb| &deb.listed))? {
                plan.forever(deb.listed.path.clone(), package.bytes.clone());
                all.push(deb);
            }
        }
        let mut named: BTreeSet<String> = all.iter().map(|deb| deb.listed.path.clone()).collect();
        // The suites share the packages.
        for suite in apt::suites(self.repository)? {
            let published = apt::Published::read(self.repository, &suite, key)?;
            named.extend(published.packages.into_iter().map(|listed| listed.path));
        }
        refuse_to_forget(self.repository, apt::POOL, &named)?;
        plan.then(apt::indexes(&self.names, &all, &self.signatures)?);
        plan.until_next(format!("{}.sources", self.names.file()), apt::sources(&self.names, key)?);
        Ok(plan)
    }

    fn dnf(&self, packages: &[Package]) -> Result<Plan> {
        let mut plan = Plan::default();
        let rpms: Vec<_> = packages.iter().filter(|package| package.is("rpm")).collect();
        if rpms.is_empty() {
            return Ok(plan);
        }
        let Signatures { key, now, .. } = self.signatures;
        let suite = self.names.suite;
        let published = dnf::Published::read(self.repository, suite, key)?;
        self.check_clock(published.time, now)?;
        let mut all = Vec::new();
        for listed in &published.packages {
            let rpm = Rpm::read(suite, &listed.read(self.repository)?);
            all.push(rpm.with_context(|| format!("reading {}", listed.path))?);
        }
        for package in rpms {
            let bytes = self.signed_rpm(package, &published.packages).with_context(|| package.advice())?;
            let rpm = Rpm::read(suite, &bytes).with_context(|| package.advice())?;
            if is_new(package, &rpm.listed, all.iter().map(|rpm| &rpm.listed))? {
                plan.forever(rpm.listed.path.clone(), bytes);
                all.push(rpm);
            }
        }
        let named = all.iter().map(|rpm| rpm.listed.path.clone()).collect();
        refuse_to_forget(self.repository, &dnf::packages(suite), &named)?;
        plan.then(dnf::indexes(&self.names, &all, &self.signatures)?);
        plan.until_next(format!("{}.repo", self.names.file()), dnf::repo_file(&self.names));
        Ok(plan)
    }

    /// An RPM with its signature.
    fn signed_rpm(&self, package: &Package, published: &BTreeSet<Listed>) -> Result<Vec<u8>> {
        let name = package.name();
        let place = dnf::place(self.names.suite, &package.bytes)?;
        let unsigned =
            |bytes: &[u8]| Ok::<_, anyhow::Error>(bytes[rpm_header::header_start(bytes)?..].to_vec());
        // Signed again it would have other bits, and these are what clients know.
        if let Some(listed) = published.iter().find(|listed| listed.path == place) {
            let there = listed.read(self.repository)?;
            if unsigned(&there)? == unsigned(&package.bytes)? {
                return Ok(there);
            }
        }
        rpm_signature::signed(&name, package.bytes.clone(), &self.signatures, self.sign_rpms)
    }

    /// Clients take no index that is older than the one they have.
    fn check_clock(&self, published: u32, now: u32) -> Result<()> {
        ensure!(
            self.signatures.signer.is_none() || published <= now,
            "the index in {} was signed in the future: set this machine's clock",
            self.repository.display()
        );
        Ok(())
    }
}

/// Whether a package is not published yet.
fn is_new<'a>(
    package: &Package,
    listed: &Listed,
    mut there: impl Iterator<Item = &'a Listed>,
) -> Result<bool> {
    match there.find(|other| other.path == listed.path) {
        None => Ok(true),
        Some(other) => {
            ensure!(
                other.sha256 == listed.sha256,
                "{} has other bits than {}, which is published under the same version: give it another version",
                package.path.display(),
                other.path
            );
            Ok(false)
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
