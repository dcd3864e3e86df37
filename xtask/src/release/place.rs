//! The folder of a release, `releases/VERSION`: what is in it, and which release it is of.
//!
//! One step writes to it at a time, by whomever. What is uploaded lies in `files`, and nowhere else.

use super::git::Git;
use super::{changelog, tag};
use crate::dist;
use anyhow::{Context, Result, bail, ensure};
use packager::{Artifacts, Folder, Version};
use std::path::{Path, PathBuf};

/// Where releases are made, unless the command line names another folder. Its signatures cannot be made again, so that
/// it lies outside of `target`, which people delete.
const RELEASES: &str = "releases";

/// The release that is checked out, and its folder.
pub(super) struct Place {
    /// The checkout.
    pub(super) root: PathBuf,
    /// The version that is released.
    pub(super) version: Version,
    /// The commit of its tag, which is checked out.
    pub(super) commit: String,
    folder: PathBuf,
}

impl Place {
    /// The release that is checked out: the version at the top of the changelog, if this commit has its tag.
    ///
    /// # Errors
    /// If no release is checked out, or files are changed.
    pub(super) fn find(root: &Path, folder: Option<&Path>) -> Result<Place> {
        let git = Git::of(root)?;
        let version = changelog(root)?.1.latest().version;
        ensure!(
            !version.is_dev(),
            "no release is checked out, but what comes after {}: `cargo xtask release prepare VERSION` makes one, `git checkout {}` goes back to that one",
            version.released(),
            tag(version.released())
        );
        let (tag, head) = (tag(version), git.head()?);
        match git.commit_of_tag(&tag)? {
            Some(commit) if commit == head => {}
            Some(commit) => {
                bail!("the tag {tag} is another commit ({commit}) than this one ({head}): git checkout {tag}")
            }
            None => bail!(
                "{version} has no tag {tag}: `cargo xtask release prepare {version}` makes it, or git fetch --tags"
            ),
        }
        let changes = git.changes()?;
        ensure!(
            changes.is_empty(),
            "files are changed, so that what is built would not be {version}; commit or remove them:\n  {}",
            changes[..changes.len().min(10)].join("\n  ")
        );
        let folder = match folder {
            Some(folder) => folder.to_owned(),
            None => folder_of(root, version),
        };
        Ok(Place { root: root.to_owned(), version, commit: head, folder })
    }

    /// A release that needs no checkout.
    #[cfg(test)]
    pub(super) fn at(folder: &Path, version: &str, commit: &str) -> Place {
        let (folder, version) = (folder.to_owned(), version.parse().unwrap());
        Place { root: folder.clone(), version, commit: commit.to_owned(), folder }
    }

    /// The folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps other runs out of the folder, which is made if need be.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn lock(&self) -> Result<Folder> {
        dist::open(&self.folder)
    }

    /// What `dist` made.
    pub(super) fn unsigned(&self) -> PathBuf {
        self.folder.join("unsigned")
    }

    /// What the tests of these files said.
    pub(super) fn tests(&self) -> PathBuf {
        self.folder.join("tests")
    }

    /// Every detached signature.
    pub(super) fn signatures(&self) -> PathBuf {
        self.folder.join("signatures")
    }

    /// What is signed on its way into the files.
    pub(super) fn signed(&self) -> PathBuf {
        self.folder.join("signed")
    }

    /// What is uploaded.
    pub(super) fn files(&self) -> PathBuf {
        self.folder.join("files")
    }

    /// Whatever else a step leaves for another one.
    pub(super) fn work(&self, name: &str) -> PathBuf {
        self.folder.join("work").join(name)
    }
}

/// The folder of a version, unless the command line names another.
pub(super) fn folder_of(root: &Path, version: Version) -> PathBuf {
    root.join(RELEASES).join(version.to_string())
}

/// The list of a folder of artifacts.
///
/// # Errors
/// If it has none.
pub(super) fn artifacts(folder: &Path) -> Result<Artifacts> {
    Artifacts::load(folder)?.with_context(|| format!("{} has no list of artifacts", folder.display()))
}

/// What a file is called where everybody downloads it. The versions of DEB and RPM have a `~`, which GitHub would replace
/// by a dot: then nobody would find what the lists name.
pub(super) fn name_on_the_web(name: &str) -> String {
    name.replace('~', ".")
}
