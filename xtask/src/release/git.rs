//! What the release asks of git.

use crate::process;
use anyhow::{Context, Result, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The repository of a checkout.
pub(super) struct Git {
    root: PathBuf,
}

impl Git {
    /// The repository whose top folder this is.
    ///
    /// # Errors
    /// If it is none, such as an unpacked archive of the sources.
    pub(super) fn of(root: &Path) -> Result<Git> {
        let git = Git { root: root.canonicalize()? };
        let top =
            git.read(&["rev-parse", "--show-toplevel"]).context("a release is made in a git checkout")?;
        ensure!(Path::new(&top) == git.root, "{} is a folder of the repository {top}", root.display());
        Ok(git)
    }

    fn output(&self, arguments: &[&str]) -> Result<(Output, String)> {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(&self.root).env("LC_ALL", "C");
        let shown = process::show(&command);
        let output = command.output().with_context(|| format!("cannot start `{shown}`"))?;
        Ok((output, shown))
    }

    /// Runs git; what it prints.
    ///
    /// # Errors
    /// If it fails: with the command and what it says.
    pub(super) fn read(&self, arguments: &[&str]) -> Result<String> {
        let (output, shown) = self.output(arguments)?;
        if !output.status.success() {
            let said = [&output.stdout[..], &output.stderr[..]].concat();
            bail!("`{shown}` failed ({}): {}", output.status, String::from_utf8_lossy(&said).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// What git prints where it says by its exit code that there is something.
    fn find(&self, arguments: &[&str]) -> Result<Option<String>> {
        let (output, _) = self.output(arguments)?;
        let found = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
        Ok(Some(found).filter(|_| output.status.success()))
    }

    /// The commit that is checked out.
    pub(super) fn head(&self) -> Result<String> {
        self.read(&["rev-parse", "HEAD"])
    }

    /// The branch that is checked out, if it is one.
    pub(super) fn branch(&self) -> Result<Option<String>> {
        self.find(&["symbolic-ref", "--quiet", "--short", "HEAD"])
    }

    /// The commit of a tag, if there is that tag.
    pub(super) fn commit_of_tag(&self, tag: &str) -> Result<Option<String>> {
        self.find(&["rev-parse", "--quiet", "--verify", &format!("refs/tags/{tag}^{{commit}}")])
    }

    /// How many commits the branch's upstream has, as last fetched, that this one has not.
    pub(super) fn behind(&self) -> Result<u32> {
        let count = self.find(&["rev-list", "--count", "HEAD..@{upstream}"])?;
        Ok(count.and_then(|count| count.parse().ok()).unwrap_or_default())
    }

    /// Files that are changed or not known to git, a line each.
    pub(super) fn changes(&self) -> Result<Vec<String>> {
        Ok(self.read(&["status", "--porcelain"])?.lines().map(str::to_owned).collect())
    }

    /// Makes the files what they were at the last commit.
    pub(super) fn restore(&self) -> Result<()> {
        self.read(&["restore", "--staged", "--worktree", "--", "."]).map(drop)
    }

    /// Which remote repository has this tag or commit, as far as can be known.
    ///
    /// # Errors
    /// If one cannot be asked.
    pub(super) fn published(&self, tag: &str, commit: &str) -> Result<Option<String>> {
        let branches = self.read(&["branch", "--remotes", "--contains", commit])?;
        if let Some(branch) = branches.lines().next() {
            return Ok(Some(branch.trim().to_owned()));
        }
        for remote in self.read(&["remote"])?.lines() {
            let found = self.read(&["ls-remote", "--tags", remote, &format!("refs/tags/{tag}")]);
            if !found.with_context(|| format!("asking {remote} whether it has {tag}"))?.is_empty() {
                return Ok(Some(remote.to_owned()));
            }
        }
        Ok(None)
    }
}
