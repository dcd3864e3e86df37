//! `cargo xtask release`: where the release of this checkout stands, and its steps.
//!
//! What git and the changelog know is read from there, so that it cannot differ; what was done on this machine stands
//! in the state file of the release's folder. Every step can be run again, and goes on where it was broken off.

mod build;
mod describe;
mod git;
mod installers;
mod judged;
mod place;
mod prepare;
mod publish;
mod sign;
mod state;
mod verify;

use crate::workspace;
use anyhow::{Context, Result};
use git::Git;
use packager::{Changelog, Version};
use place::Place;
use state::{Name, Standing, State};
use std::path::{Path, PathBuf};

/// Shows where the release stands and what comes next, or takes a step
#[derive(clap::Args)]
pub(crate) struct Release {
    #[command(subcommand)]
    step: Option<Step>,
    /// Only says what would be done
    #[arg(long, global = true)]
    dry_run: bool,
    /// The release's folder, by default releases/VERSION in the workspace
    #[arg(long, value_name = "DIR", global = true)]
    folder: Option<PathBuf>,
}

#[derive(clap::Subcommand)]
enum Step {
    Prepare(prepare::Prepare),
    Build(build::Build),
    Sign(sign::Sign),
    Describe(describe::Describe),
    Verify(verify::Verify),
    Publish(publish::Publish),
    Installers(installers::Installers),
}

impl Release {
    pub(crate) fn run(self) -> Result<()> {
        let (root, dry_run, folder) = (workspace::root(), self.dry_run, self.folder.as_deref());
        let place = || Place::find(root, folder);
        match self.step {
            None => println!("{}", stand(root, folder)?),
            Some(Step::Prepare(step)) => step.run(root, dry_run)?,
            Some(Step::Verify(step)) => step.run(root, folder, dry_run)?,
            Some(Step::Build(step)) => step.run(&place()?, dry_run)?,
            Some(Step::Sign(step)) => step.run(&place()?, dry_run)?,
            Some(Step::Describe(step)) => step.run(&place()?, dry_run)?,
            Some(Step::Publish(step)) => step.run(&place()?, dry_run)?,
            Some(Step::Installers(step)) => step.run(root, folder)?,
        }
        Ok(())
    }
}

/// The name of the tag of a version.
fn tag(version: Version) -> String {
    format!("v{version}")
}

/// The changelog of a checkout, as text and as it is read.
fn changelog(root: &Path) -> Result<(String, Changelog)> {
    let path = root.join("CHANGELOG.md");
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let changelog = Changelog::parse(&text)?;
    Ok((text, changelog))
}

/// The folder of the release that the changelog names.
fn current_folder(root: &Path) -> Result<PathBuf> {
    Ok(place::folder_of(root, changelog(root)?.1.latest().version.released()))
}

/// Where the release stands, and what is next, for people.
fn stand(root: &Path, folder: Option<&Path>) -> Result<String> {
    let (_, changelog) = changelog(root)?;
    let latest = changelog.latest();
    if latest.version.is_dev() {
        let last = latest.version.released();
        return Ok(format!(
            "Since {last} of {}, {} changes are not released.\nnext: cargo xtask release prepare VERSION",
            latest.date,
            latest.changes.len()
        ));
    }
    let (git, version, tag) = (Git::of(root)?, latest.version, tag(latest.version));
    match git.commit_of_tag(&tag)? {
        None => Ok(format!("{version} has no tag {tag}.\nnext: cargo xtask release prepare {version}")),
        Some(commit) if commit == git.head()? => steps(&Place::find(root, folder)?, folder),
        Some(commit) => Ok(format!(
            "{version} is {tag}, commit {commit}; nothing was added to the changelog since.\nto go on with it: git checkout {tag}"
        )),
    }
}

/// The steps of the release that is checked out.
fn steps(place: &Place, folder: Option<&Path>) -> Result<String> {
    let option = folder.map(|folder| format!(" --folder {}", folder.display())).unwrap_or_default();
    let state = State::load(place)?;
    let mut lines = vec![format!(
        "{} is prepared: {} is this commit, {}. Its folder is {}",
        place.version,
        tag(place.version),
        place.commit,
        place.folder().display()
    )];
    let mut next = None;
    for step in state::ALL {
        let standing = match state.standing(step, place)? {
            Standing::Open => "open".to_owned(),
            Standing::Outdated => {
                "outdated: what it was taken on or what came of it is another now".to_owned()
            }
            Standing::Done(done) => done.to_string(),
        };
        if !standing.starts_with("done") {
            next = next.or(Some(step));
        }
        lines.push(format!("  {:<9} {standing}", step.to_string()));
    }
    lines.push(match next {
        None => "next: nothing; cargo xtask release publish repeats what can be repeated".to_owned(),
        Some(Name::Publish) => format!(
            "next: cargo xtask release verify{option}; git push --atomic with the branch and {}; cargo xtask release publish{option}",
            tag(place.version)
        ),
        Some(Name::Test) => format!("next: cargo xtask release build{option}, which tests what is built"),
        Some(step) => format!("next: cargo xtask release {step}{option}"),
    });
    Ok(lines.join("\n"))
}
