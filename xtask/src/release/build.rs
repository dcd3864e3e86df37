//! `cargo xtask release build`: every artifact, the tests of exactly these bits, and other builders' opinions.

use super::judged;
use super::place::{Place, artifacts};
use super::state::{Name, Standing, State};
use crate::{appliance, dist, plan, process, release_tools, test, workspace};
use anyhow::{Context, Result, ensure};
use packager::{ApplianceRow, Artifact, Artifacts, Recipe, lay_over, unfinished};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What an artifact's record says of a standard library that was not distributed with the compiler.
const FROM_SOURCE: &str = "std built from source";

/// Builds every artifact, compares with other builders, and tests exactly these files
///
/// What is done already is not done again. Takes about half an hour for the tests.
#[derive(clap::Args)]
pub(crate) struct Build {
    /// Takes the artifacts from this folder, in which somebody else built them, instead of building here
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// A folder with what somebody else built of the same commit, to compare with; may be repeated
    #[arg(long, value_name = "DIR")]
    compare: Vec<PathBuf>,
    /// Results of tests that ran elsewhere on the same files, such as a folder for each machine, instead of testing
    /// here; may be repeated
    #[arg(long, value_name = "DIR")]
    results: Vec<PathBuf>,
    /// Leaves out the build by Nix, and says so in the state
    #[arg(long)]
    without_nix: bool,
    /// Leaves out the disks for virtual machines, which are made on x86_64 only, and says so in the state
    #[arg(long)]
    without_appliances: bool,
    /// Builds only; publishing waits for the tests
    #[arg(long, conflicts_with = "results")]
    without_tests: bool,
}

impl Build {
    pub(super) fn run(&self, place: &Place, dry_run: bool) -> Result<()> {
        let mut state = State::load(place)?;
        let nix = (!self.without_nix).then(find_nix).flatten();
        if dry_run {
            println!("{}", self.plan(place, &state, nix.is_some())?);
            return Ok(());
        }
        let _lock = place.lock()?;
        state = State::load(place)?;
        if !matches!(state.standing(Name::Build, place)?, Standing::Done(_)) || !self.compare.is_empty() {
            let notes = self.build(place, nix.as_deref())?;
            state.take(Name::Build, notes, place)?;
        }
        if self.without_tests {
            return Ok(());
        }
        if self.results.is_empty() && matches!(state.standing(Name::Test, place)?, Standing::Done(_)) {
            println!("everything is built and tested");
            return Ok(());
        }
        let notes = self.test(place)?;
        state.take(Name::Test, notes, place)
    }

    fn plan(&self, place: &Place, state: &State, nix: bool) -> Result<String> {
        let mut lines = Vec::new();
        if matches!(state.standing(Name::Build, place)?, Standing::Done(_)) {
            lines.push("would build nothing: it is done".to_owned());
        } else {
            let (how, into) = (if self.from.is_some() { "take" } else { "build" }, place.unsigned());
            lines.push(format!("would {how} every artifact into {}", into.display()));
            lines.push(if nix { "would build by Nix, and compare" } else { "Nix is not here" }.to_owned());
        }
        lines.extend(self.compare.iter().map(|other| format!("would compare with {}", other.display())));
        lines.push(match self.results.as_slice() {
            _ if self.without_tests => "would leave the tests out".to_owned(),
            [] if matches!(state.standing(Name::Test, place)?, Standing::Done(_)) => {
                "would test nothing: it is done".to_owned()
            }
            [] => format!("would run the tests, and keep their results in {}", place.tests().display()),
            some => format!("would take the results of the tests from {} folders", some.len()),
        });
        Ok(lines.join("\n"))
    }

    /// Builds and compares; says what is worth knowing.
    fn build(&self, place: &Place, nix: Option<&Path>) -> Result<Vec<String>> {
        let recipe = plan::recipe()?;
        let appliances = recipe.rows.appliances().iter();
        let appliances: Vec<_> = appliances.filter(|row| row.release && !self.without_appliances).collect();
        let from = match &self.from {
            Some(from) => from.clone(),
            None => {
                if !appliances.is_empty() {
                    appliance::is_possible_here().context("--without-appliances releases without them")?;
                }
                dist::everything(&recipe, &appliances)?;
                workspace::dist()
            }
        };
        let files = files(&recipe, &appliances, &artifacts(&from)?)
            .with_context(|| format!("looking at {}", from.display()))?;
        // The tests of this folder come later; what they judged is compared with the copy by its digests.
        let name = |name: &str| files.contains(name).then(|| name.to_owned());
        let list = lay_over(&from, None, name, &place.unsigned())?;
        let mut notes = vec![format!("{} artifacts", list.0.len())];
        if self.without_appliances {
            notes.push("without the disks for virtual machines".to_owned());
        }
        if self.from.is_some() {
            notes.push(format!("built elsewhere, taken from {}", from.display()));
        }
        if is_from_source(&list) {
            notes.push("the standard library was built from source: this cannot be published".to_owned());
        }
        match nix {
            Some(nix) => {
                let built = build_by_nix(nix, &place.root)?;
                compare_artifacts(&recipe, &place.unsigned(), &built)
                    .context("comparing with what Nix builds")?;
                notes.push("the same bits by Nix".to_owned());
            }
            None => notes.push("not compared with Nix".to_owned()),
        }
        for other in &self.compare {
            compare_artifacts(&recipe, &place.unsigned(), other)
                .with_context(|| format!("comparing with {}", other.display()))?;
            notes.push(format!("the same bits as in {}", other.display()));
        }
        Ok(notes)
    }

    /// Tests, or takes results; says what is worth knowing.
    fn test(&self, place: &Place) -> Result<Vec<String>> {
        let ran_here = vec![test::folder()?];
        let results = if self.results.is_empty() {
            test::everything().context("the tests of what was built")?;
            &ran_here
        } else {
            &self.results
        };
        judged::check(&artifacts(&place.unsigned())?, results, &place.commit)?;
        let into = tempfile::Builder::new().prefix(unfinished::PREFIX).tempdir_in(place.folder())?;
        for (folder, number) in results.iter().zip(1..) {
            copy_results(folder, &into.path().join(number.to_string()))?;
        }
        if place.tests().exists() {
            fs::remove_dir_all(place.tests()).context("removing earlier results")?;
        }
        fs::rename(into.keep(), place.tests()).context("keeping the results")?;
        Ok(vec![format!("every artifact was judged, by the results in {} folders", results.len())])
    }
}

/// The files of a release, out of a folder that has them. Refuses one in which an artifact of this version is missing, or in
/// which there are others, but for appliances that are not wanted.
fn files(recipe: &Recipe, appliances: &[&ApplianceRow], list: &Artifacts) -> Result<BTreeSet<String>> {
    let mut expected = BTreeSet::new();
    for row in recipe.rows.artifacts() {
        expected.insert(recipe.file_name(row)?);
    }
    for row in appliances {
        expected.insert(appliance::file_name_of(recipe, row)?);
    }
    let is_expected = |(name, artifact): &(&String, &Artifact)| {
        expected.contains(*name) || recipe.rows.appliance(&artifact.artifact).is_none()
    };
    let found = list.0.iter().filter(is_expected).map(|(name, _)| name.clone()).collect();
    let names = |set: &BTreeSet<String>, other| set.difference(other).cloned().collect::<Vec<_>>().join(", ");
    ensure!(
        found == expected,
        "it has not the artifacts of {}: missing: [{}]; not of this version: [{}]",
        recipe.version,
        names(&expected, &found),
        names(&found, &expected)
    );
    Ok(expected)
}

/// Whether a program in an artifact has a standard library that nobody else can have.
pub(super) fn is_from_source(list: &Artifacts) -> bool {
    list.0.values().any(|artifact| artifact.toolchain.contains(FROM_SOURCE))
}

/// Copies the results in a folder, and in the folders in it.
fn copy_results(from: &Path, to: &Path) -> Result<()> {
    let reading = || format!("reading results of tests from {}", from.display());
    let mut found = Vec::new();
    packager::digest::collect_files(from, &mut found).with_context(reading)?;
    for path in found {
        if judged::is_result(from, &path)? {
            let to = to.join(path.strip_prefix(from).unwrap_or(&path));
            fs::create_dir_all(to.parent().unwrap_or(&to)).with_context(reading)?;
            fs::copy(&path, &to).with_context(|| format!("copying {}", path.display()))?;
        }
    }
    Ok(())
}

/// Refuses differences between what was built here and elsewhere, but that one of both has an appliance: Nix makes none.
fn compare_artifacts(recipe: &Recipe, ours: &Path, theirs: &Path) -> Result<()> {
    let lists = [artifacts(ours)?, Artifacts::load(theirs)?.unwrap_or_default()];
    let all = lists.iter().flat_map(|list| &list.0);
    let appliances = all.filter(|(_, artifact)| recipe.rows.appliance(&artifact.artifact).is_some());
    let alone =
        appliances.filter(|(name, _)| ![ours, theirs].iter().all(|folder| folder.join(name).is_file()));
    compare_without(ours, theirs, alone.map(|(name, _)| name))
}

/// Refuses differences between two folders of artifacts; each is shown by file and place.
pub(super) fn compare(ours: &Path, theirs: &Path) -> Result<()> {
    compare_without(ours, theirs, [])
}

fn compare_without<'a>(
    ours: &Path,
    theirs: &Path,
    left_out: impl IntoIterator<Item = &'a String>,
) -> Result<()> {
    let mut command = release_tools::command()?;
    command.arg("compare").args([ours, theirs]);
    for name in left_out {
        command.args(["--without", name]);
    }
    let status = command.status().context("starting release-tools")?;
    process::stop_if_interrupted()?;
    ensure!(status.success(), "they differ, as said above: find out why before anything is released");
    Ok(())
}

/// Where Nix is, if it is there.
fn find_nix() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("nix")).find(|program| program.is_file())
}

/// Builds every artifact by Nix; the folder that they are in.
fn build_by_nix(nix: &Path, root: &Path) -> Result<PathBuf> {
    let out = workspace::target("by-nix");
    let mut command = Command::new(nix);
    command.args(["--extra-experimental-features", "nix-command flakes", "build", ".#all", "--out-link"]);
    command.arg(&out).current_dir(root);
    println!("$ {}", process::show(&command));
    process::run(command, |line| println!("{line}"))?;
    Ok(out)
}
