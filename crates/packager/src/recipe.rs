//! From a row of `artifacts.toml` and its inputs to a finished artifact: the one way, whoever asks for it.

use crate::artifacts::{Artifact, MadeFrom};
use crate::digest::{self, Inputs};
use crate::payload::Part;
use crate::programs::{Compiled, Programs};
use crate::rows::{Row, Rows};
use crate::{Changelog, Entry, Kind, Package, Payload, Product, Version, format};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What all artifacts of one release share.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// What the product says of itself.
    pub product: Product,
    /// Its history.
    pub changelog: Changelog,
    /// The version of the artifacts.
    pub version: Version,
    /// The time of every file and header, in seconds since 1970 UTC (`SOURCE_DATE_EPOCH`).
    pub epoch: u32,
    /// What is made.
    pub rows: Rows,
}

/// What is recorded of an artifact that the artifact does not say.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// Digest of everything that decides the bits.
    pub inputs: &'a str,
    /// Compiler, standard library and linker of the programs.
    pub toolchain: &'a str,
}

impl Recipe {
    /// The recipe of the changelog's top entry: of its version, and of the date of the newest release.
    ///
    /// # Errors
    /// If manifest, changelog or table cannot be read, or say what cannot be made.
    pub fn load(manifest: &Path, rows: &Path) -> Result<Recipe> {
        let product = Product::load(manifest)?;
        let changelog = product.changelog()?;
        let (version, epoch) = (changelog.latest().version, changelog.latest().epoch());
        let recipe = Recipe { product, changelog, version, epoch, rows: Rows::load(rows)? };
        recipe
            .refuse_same_files()
            .with_context(|| format!("in the table of artifacts {}", rows.display()))?;
        Ok(recipe)
    }

    /// Refuses two artifacts that would be the same file.
    fn refuse_same_files(&self) -> Result<()> {
        let mut files: BTreeMap<String, &str> = BTreeMap::new();
        for row in self.rows.artifacts() {
            let file = self.file_name(row)?;
            if let Some(other) = files.insert(file.clone(), &row.name) {
                anyhow::bail!(
                    "{other:?} and {:?} are the same file, {file}: leave one of them out",
                    row.name
                );
            }
        }
        Ok(())
    }

    /// What the file of an artifact is called.
    ///
    /// # Errors
    /// If the row's targets are none.
    pub fn file_name(&self, row: &Row) -> Result<String> {
        self.rows.file_name(row, &self.product, &self.version)
    }

    /// A digest of everything but programs and parts that decides an artifact's bits.
    ///
    /// # Errors
    /// If a file cannot be read, or the manifest says what cannot be packed.
    pub fn inputs(&self, row: &Row) -> Result<Inputs> {
        let programs = Programs::none(self.rows.platform(row)?);
        let package = self.package(row, &programs, Vec::new())?;
        Ok(Inputs::default().value("recipe", &package.inputs(row.format()?)?))
    }

    /// Makes an artifact in `folder`, where it appears whole or not at all. The folder's lists are left as they are.
    ///
    /// # Errors
    /// If programs or parts are not those of the row, a source cannot be read, the format cannot express what the
    /// manifest says, or the folder cannot be written.
    pub fn make(
        &self,
        row: &Row,
        programs: &Programs,
        parts: Vec<Part>,
        origin: Origin<'_>,
        folder: &Path,
    ) -> Result<(PathBuf, Artifact)> {
        self.check(row, programs, &parts)?;
        let format = row.format()?;
        let package = self
            .package(row, programs, parts)
            .with_context(|| format!("collecting what goes into the {}", format.name()))?;
        let path = format::write_into(folder, format, &package)?;
        let size = fs::metadata(&path).with_context(|| format!("reading {}", path.display()))?.len();
        let made_from = package.parts.iter().map(|part| {
            let (file, sha256) = (part.file_name.clone(), part.source.sha256()?);
            Ok(MadeFrom { artifact: part.name.clone(), file, sha256 })
        });
        let artifact = Artifact {
            artifact: row.name.clone(),
            format: format.name().to_owned(),
            version: self.version.to_string(),
            programs: programs.record(&program_names(&package))?,
            made_from: made_from.collect::<Result<_>>()?,
            size,
            sha256: digest::sha256_file(&path)?,
            inputs: origin.inputs.to_owned(),
            toolchain: origin.toolchain.to_owned(),
            source_date_epoch: self.epoch,
        };
        Ok((path, artifact))
    }

    /// The programs of an artifact, from the folders that they were compiled into; an artifact may have none but those
    /// inside its parts.
    ///
    /// # Errors
    /// If a target is unknown, or no artifact can have these targets at once.
    pub fn take(&self, row: &Row, compiled: Vec<Compiled>) -> Result<Programs> {
        if compiled.is_empty() {
            return Ok(Programs::none(self.rows.platform(row)?));
        }
        Programs::new(&self.product, compiled)
    }

    /// A digest for those who have none of the sources: of everything that is packed.
    ///
    /// # Errors
    /// As [`Recipe::make`].
    pub fn inputs_by_content(&self, row: &Row, programs: &Programs, parts: &[Part]) -> Result<String> {
        self.package(row, programs, parts.to_vec())?.inputs(row.format()?)
    }

    /// The file names of the programs that an artifact takes from each folder of compiled ones, without those inside its
    /// parts.
    ///
    /// # Errors
    /// If the manifest says what cannot be packed.
    pub fn programs(&self, row: &Row) -> Result<Vec<String>> {
        let programs = Programs::none(self.rows.platform(row)?);
        Ok(program_names(&self.package(row, &programs, Vec::new())?))
    }

    fn package(&self, row: &Row, programs: &Programs, parts: Vec<Part>) -> Result<Package<'_>> {
        let (format, platform) = (row.format()?, self.rows.platform(row)?);
        let product = row.product(&self.product)?;
        product.require(format)?;
        let payload = match format.is_of_parts_alone() {
            true => Payload::none(),
            false => Payload::resolve(product, format.name(), &platform, programs)?,
        };
        Ok(Package {
            product,
            changelog: &self.changelog,
            version: self.version,
            payload,
            platform,
            parts,
            epoch: self.epoch,
        })
    }

    fn check(&self, row: &Row, programs: &Programs, parts: &[Part]) -> Result<()> {
        let given: Vec<&str> = programs.compiled().map(|compiled| compiled.triple.as_str()).collect();
        let is_right =
            given.len() == row.targets.len() && row.targets.iter().all(|t| given.contains(&t.as_str()));
        let list =
            |targets: &[&str]| if targets.is_empty() { "no target".to_owned() } else { targets.join(", ") };
        let wanted: Vec<&str> = row.targets.iter().map(String::as_str).collect();
        ensure!(
            is_right,
            "the artifact {:?} takes programs for {}, and is given some for {}: name a folder for each target, and for no other",
            row.name,
            list(&wanted),
            list(&given)
        );
        let given: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
        ensure!(given == row.of, "{:?} is made of {:?}, and it is given {given:?}", row.name, row.of);
        Ok(())
    }
}

/// The parts of a row, from the folders of artifacts that have them.
///
/// # Errors
/// If a folder has no list, a part is in none of them, or it is not what its list says.
pub fn parts_from(row: &Row, folders: &[PathBuf]) -> Result<Vec<Part>> {
    row.of.iter().map(|name| part_from(name, folders)).collect()
}

fn part_from(name: &str, folders: &[PathBuf]) -> Result<Part> {
    for folder in folders {
        let list = crate::Artifacts::load(folder)?
            .with_context(|| format!("{} has no list of artifacts", folder.display()))?;
        if let Some((file_name, artifact)) = list.of_row(name) {
            let path = folder.join(file_name);
            artifact
                .verify_file(&path)
                .with_context(|| format!("{} is not what was packed", path.display()))?;
            return Ok(Part::new(name, path));
        }
    }
    anyhow::bail!("there is no artifact {name:?} to make it of: name its folder with --from")
}

/// The file names of the programs in a package, where they were compiled.
fn program_names(package: &Package<'_>) -> Vec<String> {
    let suffix = package.platform.os().exe_suffix();
    let name = |entry: &Entry| match &entry.kind {
        Kind::Program(_) => Some(format!("{}{suffix}", package.product.name)),
        Kind::Actions(_) | Kind::Runtime(_) => entry.path.rsplit('/').next().map(str::to_owned),
        _ => None,
    };
    package.payload.entries().iter().filter_map(name).collect()
}
