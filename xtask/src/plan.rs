//! What is to be made, in which order, and what decides the bits of each: the rows of `artifacts.toml` with everything
//! that goes into them.

use crate::build::{self, BuildTarget};
use crate::inputs::{Sources, closure_digest};
use crate::toolchain::rust::Rust;
use crate::workspace;
use anyhow::{Context, Result};
use packager::{Artifacts, Recipe, Row};
use std::collections::BTreeMap;
use std::path::Path;

/// What all artifacts share.
pub(crate) struct Facts {
    /// How artifacts are made, and which there are.
    pub(crate) recipe: Recipe,
    /// The compiler of their programs.
    pub(crate) rust: Rust,
    /// The sources of programs and packager.
    pub(crate) sources: Sources,
}

/// One artifact of a plan.
pub(crate) struct Node<'a> {
    /// Its row.
    pub(crate) row: &'a Row,
    /// What its programs are compiled for, without those of its parts.
    pub(crate) targets: Vec<&'static BuildTarget>,
    /// What its file is called.
    pub(crate) file_name: String,
    /// A digest of everything that decides its bits.
    pub(crate) inputs: String,
}

/// Artifacts, each after those that it is made of.
pub(crate) struct Plan<'a> {
    /// The artifacts.
    pub(crate) nodes: Vec<Node<'a>>,
}

impl Facts {
    /// Reads what this checkout says.
    ///
    /// # Errors
    /// If a file cannot be read or says what cannot be made, or the compiler is another than the pinned one.
    pub(crate) fn gather() -> Result<Facts> {
        Ok(Facts { recipe: recipe()?, rust: Rust::find()?, sources: Sources::read()? })
    }

    /// The artifacts of these names and what they are made of; all, if none is named.
    ///
    /// # Errors
    /// If there is no artifact of a name, or a file that decides its bits cannot be read.
    pub(crate) fn plan(&self, names: &[String]) -> Result<Plan<'_>> {
        let packager = closure_digest(&self.sources, &["packager"])?;
        let mut programs: BTreeMap<&str, String> = BTreeMap::new();
        let mut nodes: Vec<Node<'_>> = Vec::new();
        for row in self.recipe.rows.chosen(names)? {
            let targets: Vec<_> = row.targets.iter().map(|t| build::target(t)).collect::<Result<_>>()?;
            let mut inputs = self.recipe.inputs(row)?.value("packager", &packager);
            for target in &targets {
                if !programs.contains_key(&*target.triple) {
                    programs
                        .insert(&target.triple, target.inputs(&self.sources, &self.rust, self.recipe.epoch)?);
                }
                inputs = inputs.value(&target.triple, &programs[&*target.triple]);
            }
            for part in &row.of {
                let part = nodes.iter().find(|node| node.row.name == *part);
                inputs = inputs.value("part", &part.context("parts come first")?.inputs);
            }
            let file_name = self.recipe.file_name(row)?;
            nodes.push(Node { row, targets, file_name, inputs: inputs.finish() });
        }
        Ok(Plan { nodes })
    }

    /// What the programs of an artifact are made with, for the record.
    ///
    /// # Errors
    /// If its row names a target that there is not.
    pub(crate) fn toolchain(&self, row: &Row) -> Result<String> {
        let mut all: Vec<String> = Vec::new();
        for triple in self.recipe.rows.targets(row)? {
            let toolchain = build::target(triple)?.toolchain(&self.rust);
            if !all.contains(&toolchain) {
                all.push(toolchain);
            }
        }
        Ok(all.join("; "))
    }
}

/// How the artifacts of this checkout are made: `SOURCE_DATE_EPOCH` has its way with their time.
///
/// # Errors
/// If a file cannot be read or says what cannot be made.
pub(crate) fn recipe() -> Result<Recipe> {
    let mut recipe = Recipe::load(&workspace::product_manifest(), &workspace::root().join("artifacts.toml"))?;
    recipe.epoch = workspace::epoch(&recipe.changelog)?;
    Ok(recipe)
}

impl Node<'_> {
    /// Whether a folder has it already, made from the same.
    pub(crate) fn is_current(&self, folder: &Path, list: &Artifacts) -> bool {
        list.is_current(folder, &self.file_name, &self.inputs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;

    /// Fails if: the version that the programs say differs from the one that the packages say.
    #[test]
    fn one_version() {
        let packaged = recipe().unwrap().version.to_string();
        let compiled = env!("CARGO_PKG_VERSION");
        assert_eq!(
            compiled, packaged,
            "Cargo.toml and CHANGELOG.md: docs/building.md says which version is to be in Cargo.toml"
        );
    }

    /// Fails if: a wheel for macOS says that it runs where the program in it does not.
    #[test]
    fn one_oldest_macos() {
        let targets = fs::read_to_string(workspace::root().join("targets.toml")).unwrap();
        let built: toml::Table = toml::from_str(&targets).unwrap();
        let recipe = recipe().unwrap();
        assert_eq!(built["macos_version"].as_str().unwrap(), recipe.product.wheel().unwrap().macos_version);
    }

    /// Where the version is written down besides `CHANGELOG.md` and Cargo's files.
    const GENERATED: &str = "packaging/man/";
    /// What was tested once, whatever its version was.
    const RECORDS: [&str; 2] = ["docs/platforms.md:", "tests/evidence.json:"];

    /// Fails if: a file names a version of the product: somebody would have to think of it with every release. Manual
    /// pages are generated, and their test holds them to the version.
    #[test]
    fn no_other_file_names_a_version() {
        let name = recipe().unwrap().product.name;
        let mut found = Vec::new();
        for path in texts(workspace::root()) {
            let shown = path.strip_prefix(workspace::root()).unwrap().to_string_lossy().into_owned();
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let lines = text.lines().zip(1..).filter(|(line, _)| names_a_version(line, &name));
            found.extend(lines.map(|(line, number)| format!("{shown}:{number}: {line}")));
        }
        let (generated, others): (Vec<_>, Vec<_>) = found.iter().partition(|at| at.starts_with(GENERATED));
        assert!(!generated.is_empty(), "versions are not found where they are");
        let others: Vec<_> =
            others.into_iter().filter(|at| !RECORDS.iter().any(|file| at.starts_with(file))).collect();
        assert!(others.is_empty(), "write VERSION instead:\n{others:#?}");
    }

    /// All files of the repository that may be text.
    fn texts(folder: &Path) -> Vec<std::path::PathBuf> {
        let ignored = fs::read_to_string(workspace::root().join(".gitignore")).unwrap();
        let ignored: Vec<String> = ignored.lines().map(|line| line.trim_matches('/').to_owned()).collect();
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let is_made = folder == workspace::root() && (name == ".git" || ignored.contains(&name));
            match path.symlink_metadata().unwrap() {
                _ if is_made => {}
                metadata if metadata.is_dir() => found.extend(texts(&path)),
                metadata if metadata.is_file() => found.push(path),
                _ => {}
            }
        }
        found
    }

    /// Whether a line has a name as files of a version do, or the tag of one.
    fn names_a_version(line: &str, name: &str) -> bool {
        let begins = |rest: &str| {
            let fields: Vec<&str> = rest.splitn(3, '.').collect();
            let number = |field: &&str| !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_digit());
            fields.len() == 3
                && fields[..2].iter().all(number)
                && fields[2].starts_with(|c: char| c.is_ascii_digit())
        };
        let after_name = line.split(name).skip(1).filter_map(|rest| rest.strip_prefix(['-', '_', ' ']));
        let tag = line.split("git checkout v").skip(1);
        after_name.chain(tag).any(|rest| begins(rest.trim_start_matches('v')))
    }

    /// Fails if: two artifacts have one file name, one is for a target that nothing is built for, or a target has none.
    #[test]
    fn every_artifact_has_a_name_of_its_own() {
        let recipe = recipe().unwrap();
        let rows = recipe.rows.artifacts();
        let names: BTreeSet<_> = rows.iter().map(|row| recipe.file_name(row).unwrap()).collect();
        assert_eq!(names.len(), rows.len(), "{names:?}");
        let used: BTreeSet<&str> = rows.iter().flat_map(|row| recipe.rows.targets(row).unwrap()).collect();
        let built: BTreeSet<&str> = build::targets().unwrap().iter().map(|target| &*target.triple).collect();
        assert_eq!(used, built);
    }
}
