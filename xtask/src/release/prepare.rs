//! `cargo xtask release prepare`: the commit of a release, and its tag; nothing leaves the machine.

use super::git::Git;
use super::{changelog, tag};
use crate::toolchain::rust::clean_command;
use crate::{process, release_tools};
use anyhow::{Context, Result, ensure};
use jiff::civil::Date;
use packager::Version;
use packager::changelog::with_release;
use std::fs;
use std::path::Path;

/// Makes the commit and the tag of a release, here only; nothing is pushed
///
/// What the changelog has below [Unreleased] becomes the version, with today's date in UTC. Cargo.toml, Cargo.lock and
/// the manual pages get the version. git signs commit and tag if it is told to (commit.gpgSign, tag.gpgSign). If
/// something fails, every file is again as it was.
#[derive(clap::Args)]
pub(crate) struct Prepare {
    /// The version, such as 1.2.3 or 1.2.3-rc.1
    #[arg(required_unless_present = "abort")]
    version: Option<Version>,
    /// Remove the tag and the commit again; refused once they are public
    #[arg(long, conflicts_with = "version")]
    abort: bool,
}

impl Prepare {
    pub(super) fn run(self, root: &Path, dry_run: bool) -> Result<()> {
        let git = Git::of(root)?;
        let done = match self.version {
            Some(version) => {
                let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
                Release { git: &git, root, version, today, dry_run }.prepare(regenerate)?
            }
            None => abort(&git, root, dry_run)?,
        };
        println!("{done}");
        Ok(())
    }
}

/// Writes what is made from the version: the lock files, then the manual pages.
fn regenerate(root: &Path) -> Result<()> {
    for (folder, whose) in [("", "--workspace"), (release_tools::FOLDER, "--package=packager")] {
        let mut lock = clean_command("cargo", &[]);
        lock.args(["update", "--quiet", "--offline", whose]).current_dir(root.join(folder));
        process::run(lock, |_| {}).context("writing Cargo.lock")?;
    }
    println!("writing the manual pages; the client is compiled for that");
    let mut pages = clean_command("cargo", &[]);
    pages.args(["test", "--quiet", "--locked", "--package", "pywats-client", "--test", "generated"]);
    pages.env("UPDATE_GENERATED", "1").current_dir(root);
    process::run(pages, |_| {}).context("writing the manual pages")
}

/// A release that is to be prepared.
struct Release<'a> {
    git: &'a Git,
    root: &'a Path,
    version: Version,
    today: Date,
    dry_run: bool,
}

impl Release<'_> {
    /// Prepares it, or goes on with it; says what was done.
    fn prepare(&self, regenerate: impl FnOnce(&Path) -> Result<()>) -> Result<String> {
        let (version, tag) = (self.version, tag(self.version));
        self.may_be_made()?;
        let (text, changelog) = changelog(self.root)?;
        let latest = changelog.latest();
        let (is_committed, tagged) = (latest.version == version, self.git.commit_of_tag(&tag)?);
        if let Some(commit) = tagged {
            ensure!(
                is_committed && commit == self.git.head()?,
                "the tag {tag} is another commit, {commit}: choose another version, or check that one out"
            );
            return Ok(format!("{version} is prepared: {tag} is this commit."));
        }
        if !is_committed {
            ensure!(
                self.today >= latest.date,
                "today is {}, but {} was released on {}: set this machine's clock right",
                self.today,
                latest.version.released(),
                latest.date
            );
            let text = with_release(&text, version, self.today)?;
            if self.dry_run {
                return Ok(self.plan(latest.changes.len(), &tag));
            }
            self.edit(&text, latest.version, regenerate)?;
        }
        if self.dry_run {
            return Ok(format!("would tag this commit as {tag}"));
        }
        let message = format!("pyWATS Client {version}");
        let tagged = self.git.read(&["tag", "--annotate", "--message", &message, &tag]);
        tagged.with_context(|| format!("making the tag {tag}; the commit is made: run this again"))?;
        Ok(format!(
            "{version} is prepared: commit {}, tag {tag}. Nothing was pushed.\nundo: cargo xtask release prepare --abort",
            self.git.head()?
        ))
    }

    /// Whether a release can be made of what is checked out.
    fn may_be_made(&self) -> Result<()> {
        let changes = self.git.changes()?;
        ensure!(
            changes.is_empty(),
            "the checkout has changes that are not committed; commit or remove them:\n  {}",
            changes[..changes.len().min(10)].join("\n  ")
        );
        let branch = self.git.branch()?.context("no branch is checked out: git switch main")?;
        let [major, minor, ..] = self.version.windows_file();
        let line = format!("release/{major}.{minor}");
        ensure!(
            branch == "main" || branch == line,
            "{branch} is checked out; {} is released from main, or as a patch from {line}",
            self.version
        );
        let behind = self.git.behind()?;
        ensure!(behind == 0, "{behind} commits of the branch's upstream are missing here: git pull");
        Ok(())
    }

    fn plan(&self, changes: usize, tag: &str) -> String {
        format!(
            "would write into CHANGELOG.md: ## [{}] - {} ({changes} changes)\nwould write the version into Cargo.toml, \
             the lock files and packaging/man\nwould commit that as {:?}\nwould tag the commit as {tag}",
            self.version,
            self.today,
            subject(self.version)
        )
    }

    /// Changes every file that says the version, and commits that; changes none, if something fails.
    fn edit(
        &self,
        changelog: &str,
        before: Version,
        regenerate: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<()> {
        let edit = || {
            let write = |name: &str, text: &str| {
                let path = self.root.join(name);
                fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
            };
            write("CHANGELOG.md", changelog)?;
            let path = self.root.join("Cargo.toml");
            let manifest =
                fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            let line = format!("\nversion = \"{before}\"\n");
            ensure!(
                manifest.matches(&line).count() == 1,
                "Cargo.toml does not say once {:?}, as CHANGELOG.md lets expect",
                line.trim()
            );
            write("Cargo.toml", &manifest.replace(&line, &format!("\nversion = \"{}\"\n", self.version)))?;
            regenerate(self.root)?;
            process::stop_if_interrupted()?;
            self.git.read(&["commit", "--quiet", "--all", "--message", &subject(self.version)])
        };
        let Err(error) = edit() else { return Ok(()) };
        self.git.restore().context("making the files what they were: run git restore .")?;
        Err(error.context("every file is again as it was"))
    }
}

/// How the commit of a release is called.
fn subject(version: Version) -> String {
    format!("Release {version}")
}

/// Takes the commit and the tag of the release back; says what was done.
fn abort(git: &Git, root: &Path, dry_run: bool) -> Result<String> {
    let (_, changelog) = changelog(root)?;
    let (version, head) = (changelog.latest().version, git.head()?);
    let tag = tag(version);
    ensure!(
        git.read(&["show", "--no-patch", "--format=%s", "HEAD"])? == subject(version),
        "this commit is not that of a release, so nothing is taken back"
    );
    let changes = git.changes()?;
    ensure!(
        changes.is_empty(),
        "the checkout has changes that are not committed:\n  {}",
        changes.join("\n  ")
    );
    if let Some(place) = git.published(&tag, &head)? {
        anyhow::bail!(
            "{version} is public ({place} has it): it stays, and what is wrong with it is mended in a new version"
        );
    }
    let tagged = git.commit_of_tag(&tag)?;
    ensure!(
        tagged.is_none() || tagged.as_ref() == Some(&head),
        "the tag {tag} is another commit, {tagged:?}"
    );
    if dry_run {
        return Ok(format!("would remove the tag {tag} and the commit {head}"));
    }
    if tagged.is_some() {
        git.read(&["tag", "--delete", &tag])?;
    }
    git.read(&["reset", "--quiet", "--keep", "HEAD~1"])?;
    Ok(format!("{version} is taken back: the tag {tag} and the commit {head} are gone from this checkout"))
}

#[cfg(test)]
mod tests;
