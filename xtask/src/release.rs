//! `cargo xtask release`: where the release of this checkout stands, and its steps.
//!
//! What is known is read from the changelog and from git, so that it cannot differ from them. Every step can be run
//! again, and goes on where it was broken off.

mod git;
mod installers;
mod prepare;

use crate::workspace;
use anyhow::{Context, Result};
use git::Git;
use packager::{Changelog, Version};
use std::path::Path;

/// Shows where the release stands, or takes its next step
#[derive(clap::Args)]
pub(crate) struct Release {
    #[command(subcommand)]
    step: Option<Step>,
}

#[derive(clap::Subcommand)]
enum Step {
    Prepare(prepare::Prepare),
    Installers(installers::Installers),
}

impl Release {
    pub(crate) fn run(self) -> Result<()> {
        let root = workspace::root();
        match self.step {
            None => println!("{}", stand(root)?),
            Some(Step::Prepare(step)) => step.run(root)?,
            Some(Step::Installers(step)) => step.run()?,
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

/// Where the release stands, and what is next, for people.
fn stand(root: &Path) -> Result<String> {
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
    Ok(match git.commit_of_tag(&tag)? {
        None => format!("{version} has no tag {tag}.\nnext: cargo xtask release prepare {version}"),
        Some(commit) if commit == git.head()? => format!(
            "{version} is prepared: {tag} is this commit.\nnext: cargo xtask dist, cargo xtask test, cargo xtask sign; \
             then git push --atomic with the branch and {tag}"
        ),
        Some(commit) => {
            format!("{version} is {tag}, commit {commit}; nothing was added to the changelog since.")
        }
    })
}
