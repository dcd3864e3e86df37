//! `release-tools describe`: what a release says of itself, made of the finished artifacts and of the checkout.
//!
//! It writes into the folder of a release: an SBOM for each program and for the disk of the appliance, in both forms, the licence texts and a page into
//! `files/`, and beside it the release notes and the provenance. `docs/describing.md` tells what each is for. The same
//! release gives the same bits anywhere: no clock, no folder's name; times are the date of the changelog.

mod appliance;
mod bill;
mod cyclonedx;
mod install;
mod licenses;
mod notes;
mod page;
mod provenance;
mod release;
mod spdx;
mod unlisted;

use anyhow::{Context, Result, ensure};
use bill::{Bill, Checksums, Sources};
use licenses::{Folders, Texts};
use packager::{Folder, Os, Product, Rows, Target, unfinished};
use release::Release;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use unlisted::Unlisted;

/// Writes bills of materials, licence texts, notes, page and provenance of a release
#[derive(clap::Args)]
pub(crate) struct Describe {
    /// The folder of the release, with the finished artifacts in `files`
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// The checkout that it was made from
    #[arg(long, value_name = "DIR", default_value = ".")]
    root: PathBuf,
    /// The commit that it was made from
    #[arg(long, value_name = "SHA")]
    commit: String,
    /// Where it was built: an address that says it, such as that of a workflow
    #[arg(long, value_name = "TEXT")]
    builder: Option<String>,
}

impl Describe {
    /// Writes everything; each file appears whole or not at all.
    ///
    /// # Errors
    /// If the artifacts are not those of the checkout, or something cannot be read or written.
    pub(crate) fn run(self) -> Result<()> {
        let is_commit = self.commit.len() >= 40 && self.commit.chars().all(|c| c.is_ascii_hexdigit());
        ensure!(is_commit, "--commit {:?} is no commit: give all of its 40 digits", self.commit);
        let checkout = Checkout::open(&self.root)?;
        let release = Release::read(&checkout, &self.folder)?;
        let stem = format!("{}-{}", checkout.product.name, release.version);
        let mut bills = Vec::new();
        for triple in release.triples() {
            let all = checkout.bill(triple)?;
            for program in release.programs(&checkout, &all, triple)? {
                bills.push((all.of(&program.purl), program));
            }
        }
        bills.extend(appliance::bills(&checkout, &release, &bills)?);
        let mut files = Vec::new();
        for (bill, subject) in &bills {
            for (ending, document) in [
                ("cdx", cyclonedx::document(&checkout, &release, bill, subject)),
                ("spdx", spdx::document(&checkout, &release, bill, subject)?),
            ] {
                let text = serde_json::to_string_pretty(&document)? + "\n";
                files.push((format!("{}.{ending}.json", subject.stem), text));
            }
        }
        files.push((format!("{stem}-licenses.txt"), checkout.licenses()?));
        files.push(("install.html".to_owned(), page::page(&checkout, &release)?));
        let beside = [
            ("notes.md".to_owned(), notes::notes(&checkout, &release)?),
            ("provenance.json".to_owned(), {
                let builder = self.builder.as_deref();
                let statement = provenance::statement(&checkout, &release, &self.commit, builder)?;
                serde_json::to_string_pretty(&statement)? + "\n"
            }),
        ];
        let folder = Folder::open(&self.folder.join(release::FILES))?;
        let prepare = |(name, text): &(String, String), folder: &Path| {
            unfinished::prepare(folder, name, text.as_bytes())
        };
        let mut all = files.iter().map(|file| prepare(file, folder.path())).collect::<Result<Vec<_>>>()?;
        all.extend(beside.iter().map(|file| prepare(file, &self.folder)).collect::<Result<Vec<_>>>()?);
        for file in all {
            println!("{}", file.appear()?.display());
        }
        Ok(())
    }
}

/// What a checkout says.
struct Checkout {
    root: PathBuf,
    product: Product,
    rows: Rows,
    unlisted: Unlisted,
    checksums: Checksums,
    /// The address of the repository, without `/` at its end.
    repository: String,
}

/// The part of `Cargo.toml` that says where the repository is.
#[derive(Deserialize)]
struct Manifest {
    workspace: Workspace,
}

#[derive(Deserialize)]
struct Workspace {
    package: WorkspacePackage,
}

#[derive(Deserialize)]
struct WorkspacePackage {
    repository: Option<String>,
}

impl Checkout {
    fn open(root: &Path) -> Result<Checkout> {
        let root =
            root.canonicalize().with_context(|| format!("looking for the checkout {}", root.display()))?;
        let path = root.join("Cargo.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let manifest: Manifest =
            toml::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
        let repository = manifest.workspace.package.repository;
        let repository = repository.with_context(|| {
            format!(
                "{} does not say where the repository is: set `repository` in [workspace.package]",
                path.display()
            )
        })?;
        Ok(Checkout {
            product: Product::load(&root.join("packaging/product.toml"))?,
            rows: Rows::load(&root.join("artifacts.toml"))?,
            unlisted: Unlisted::read()?,
            checksums: Checksums::read(&root)?,
            repository: repository.trim_end_matches('/').to_owned(),
            root,
        })
    }

    /// Every target of the table of artifacts.
    fn triples(&self) -> Result<BTreeSet<String>> {
        let rows = self.rows.artifacts().iter();
        let triples = rows.map(|row| self.rows.targets(row)).collect::<Result<Vec<_>>>()?;
        Ok(triples.into_iter().flatten().map(str::to_owned).collect())
    }

    /// What is compiled for a system: packages of the workspace.
    fn packages(&self, os: Os) -> Vec<&str> {
        self.rows.programs(os).map(|row| row.package.as_str()).collect()
    }

    /// What all that is compiled for a target is made of.
    fn bill(&self, triple: &str) -> Result<Bill> {
        let version = self.product.changelog()?.latest().version.to_string();
        let sources = Sources {
            root: &self.root,
            checksums: &self.checksums,
            unlisted: &self.unlisted,
            ours: &|folder| self.purl(&version, folder),
        };
        sources.bill(&self.packages(triple.parse::<Target>()?.os), triple)
    }

    /// The package URL of a folder of the repository.
    fn purl(&self, version: &str, folder: &str) -> String {
        match self.repository.strip_prefix("https://github.com/") {
            Some(name) => format!("pkg:github/{}@v{version}#{folder}", name.to_lowercase()),
            None => format!("pkg:generic/{}@{version}#{folder}", self.product.name),
        }
    }

    /// The licence texts that packages carry.
    ///
    /// # Errors
    /// If they are no longer those of what is in the programs.
    fn licenses(&self) -> Result<String> {
        let path = self.root.join(licenses::FILE);
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        ensure!(
            text == self.current_licenses()?,
            "{} is not of what is in the programs: take the checkout that the release was made from; to write the file \
             anew, {}",
            path.display(),
            licenses::UPDATE
        );
        Ok(text)
    }

    /// The licence texts of what is in the programs now.
    fn current_licenses(&self) -> Result<String> {
        let triples = self.triples()?;
        let triples: Vec<&str> = triples.iter().map(String::as_str).collect();
        let folders = Folders::read(&self.root, &triples)?;
        let mut texts = Texts::default();
        for triple in triples {
            texts.add(&self.bill(triple)?, &self.unlisted, &folders)?;
        }
        Ok(texts.render(&self.product.display_name))
    }
}

/// A text as it may stand in HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
