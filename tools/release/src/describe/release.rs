//! The finished artifacts of a release, as their lists tell: `files/artifacts.json`, and of what they were before they
//! were signed `unsigned/artifacts.json`.

use super::Checkout;
use super::bill::Bill;
use anyhow::{Context, Result, ensure};
use packager::artifacts::LIST;
use packager::rows::ProgramKind;
use packager::{Artifact, Artifacts, Target, Version, changelog};
use std::collections::BTreeSet;
use std::path::Path;

/// What is published.
pub(super) const FILES: &str = "files";
/// What `cargo xtask dist` made.
const UNSIGNED: &str = "unsigned";

/// The release.
pub(super) struct Release {
    pub(super) version: Version,
    /// What the changelog says of it.
    pub(super) entry: changelog::Release,
    pub(super) artifacts: Artifacts,
    unsigned: Artifacts,
}

/// What a bill is about: a compiled program, or the disk of an appliance in all its formats.
pub(super) struct Subject {
    /// Its package URL in the bill.
    pub(super) purl: String,
    /// What the names of files about it begin with.
    pub(super) stem: String,
    /// What CycloneDX calls such a thing.
    pub(super) class: &'static str,
    /// What it is, in a line.
    pub(super) summary: String,
    /// The names of its files.
    pub(super) files: Vec<String>,
    /// What else is to be known: name and value.
    pub(super) properties: Vec<(&'static str, String)>,
    /// SHA-256 as it is published. A program for macOS could have several, and each format of a disk has its own.
    pub(super) published: BTreeSet<String>,
    /// SHA-256 of what was signed, where that is something else.
    pub(super) unsigned: BTreeSet<String>,
}

impl Release {
    /// Reads the lists of a release's folder.
    ///
    /// # Errors
    /// If there are none, or they are not of the checkout.
    pub(super) fn read(checkout: &Checkout, folder: &Path) -> Result<Release> {
        let files = folder.join(FILES);
        let artifacts = Artifacts::load(&files)?.with_context(|| {
            format!("{} has no {LIST}: build the artifacts of the release first", files.display())
        })?;
        ensure!(!artifacts.0.is_empty(), "{}: nothing is listed", files.join(LIST).display());
        let entry = checkout.product.changelog()?.latest().clone();
        let release = Release {
            version: entry.version,
            entry,
            unsigned: Artifacts::load(&folder.join(UNSIGNED))?.unwrap_or_else(|| artifacts.clone()),
            artifacts,
        };
        for (file, artifact) in &release.artifacts.0 {
            if let Some(row) = checkout.rows.appliance(&artifact.artifact) {
                let (begin, end) = (format!("{}-{}-", checkout.product.name, release.version), &row.format);
                let is_expected = file.starts_with(&begin) && file.ends_with(&format!(".{end}"));
                ensure!(is_expected, "{file} is no {end} of the version {}", release.version);
                continue;
            }
            let row = checkout.rows.row(&artifact.artifact)?;
            let expected = checkout.rows.file_name(row, &checkout.product, &release.version)?;
            ensure!(
                *file == expected,
                "{} lists {file}, and the checkout makes {expected}: take the checkout that the artifacts were made from",
                files.join(LIST).display()
            );
        }
        Ok(release)
    }

    /// What programs are compiled for.
    pub(super) fn triples(&self) -> BTreeSet<&str> {
        let programs = self.artifacts.0.values().flat_map(|artifact| &artifact.programs);
        programs.map(|program| program.target.as_str()).collect()
    }

    /// The programs for a target, whose bill it is, as far as an artifact has them.
    ///
    /// # Errors
    /// If the target is unknown.
    pub(super) fn programs(&self, checkout: &Checkout, bill: &Bill, triple: &str) -> Result<Vec<Subject>> {
        let rows = checkout.rows.programs(triple.parse::<Target>()?.os);
        let found = rows.zip(&bill.roots).filter_map(|(row, purl)| {
            let published = digests(&self.artifacts, &row.package, triple);
            let (file, _) = published.first().cloned()?;
            let published: BTreeSet<_> = published.into_iter().map(|(_, sha256)| sha256).collect();
            let unsigned =
                digests(&self.unsigned, &row.package, triple).into_iter().map(|(_, sha256)| sha256);
            let unsigned = unsigned.filter(|sha256| !published.contains(sha256)).collect();
            Some(Subject {
                purl: purl.clone(),
                stem: format!("{}-{}-{triple}", row.package, self.version),
                class: if row.kind == ProgramKind::Actions { "library" } else { "application" },
                summary: format!("Compiled for {triple}"),
                files: vec![file],
                properties: vec![("target", triple.to_owned())],
                published,
                unsigned,
            })
        });
        Ok(found.collect())
    }

    /// The time of everything in the release, as SBOMs write it.
    pub(super) fn time(&self) -> String {
        format!("{}T00:00:00Z", self.entry.date)
    }

    /// The artifacts in the order of the table, with the names of their files.
    pub(super) fn in_order<'a>(&'a self, checkout: &'a Checkout) -> Vec<(&'a str, &'a Artifact)> {
        let artifacts = checkout.rows.artifacts().iter().map(|row| &row.name);
        let names = artifacts.chain(checkout.rows.appliances().iter().map(|row| &row.name));
        names.filter_map(|name| self.artifacts.of_row(name)).collect()
    }
}

/// Name and digest of every program of a package that a list has for a target.
fn digests(artifacts: &Artifacts, package: &str, triple: &str) -> BTreeSet<(String, String)> {
    let programs = artifacts.0.values().flat_map(|artifact| &artifact.programs);
    let of_package = programs.filter(|program| {
        // Libraries are called by Rust's names, programs by cargo's.
        let stem =
            Path::new(&program.name).file_stem().unwrap_or_default().to_string_lossy().replace('_', "-");
        program.target == triple && stem == package
    });
    of_package.map(|program| (program.name.clone(), program.sha256.clone())).collect()
}
