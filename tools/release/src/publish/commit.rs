//! These files, in one commit on a branch: by the objects of git itself,
//! <https://docs.github.com/en/rest/guides/using-the-rest-api-to-interact-with-your-git-database>.
//!
//! Only the last request changes what others see, and it changes nothing if somebody else was faster: then it is done
//! again on top of theirs. If all files are there already, nothing is done. The author is whose token it is.

use super::github::Repository;
use crate::http::is_interrupted;
use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use packager::digest::collect_files;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// How often somebody else may be faster.
const TRIES: usize = 5;

/// Files by their paths in the repository.
pub(crate) struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    /// The files of a folder.
    ///
    /// # Errors
    /// If there are none, or one cannot be read.
    pub(crate) fn read(folder: &Path) -> Result<Files> {
        let mut paths = Vec::new();
        collect_files(folder, &mut paths)?;
        let mut files = BTreeMap::new();
        for path in paths {
            let relative = path.strip_prefix(folder).unwrap_or(&path);
            let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
            let name = parts.join("/");
            let is_file = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file());
            ensure!(
                is_file && !parts.iter().any(|part| part.starts_with(".unfinished-") || part == ".git"),
                "{} does not belong into a commit: move it away",
                path.display()
            );
            files.insert(name, fs::read(&path).with_context(|| format!("reading {}", path.display()))?);
        }
        ensure!(!files.is_empty(), "{} has no files", folder.display());
        Ok(Files(files))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Where a branch begins that is not there.
pub(crate) enum Start<'a> {
    /// At this commit.
    At(&'a str),
    /// With nothing before it.
    Empty,
}

/// What is to be on a branch.
pub(crate) struct Change<'a> {
    /// The repository.
    pub(crate) repository: &'a Repository<'a>,
    /// The branch.
    pub(crate) branch: &'a str,
    /// Where it begins.
    pub(crate) start: Start<'a>,
    /// The files.
    pub(crate) files: &'a Files,
    /// What the commit says.
    pub(crate) message: &'a str,
}

/// What was done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// A commit.
    Committed,
    /// Nothing: the branch has the files.
    WasThere,
    /// Nothing: the commit at which the branch would begin has the files.
    WasAtStart,
}

impl Change<'_> {
    /// Brings the files onto the branch.
    ///
    /// # Errors
    /// If that fails; the branch is as it was then.
    pub(crate) fn make(&self) -> Result<Done> {
        self.attempt_often()
            .with_context(|| format!("writing to the branch {} of {}", self.branch, self.repository))
    }

    fn attempt_often(&self) -> Result<Done> {
        let entries = self.entries()?;
        for _ in 0..TRIES {
            if let Some(done) = self.attempt(&entries)? {
                return Ok(done);
            }
        }
        bail!("it changes faster than we do: run this again when the others are done")
    }

    /// What the files are, for a tree: text in it, everything else as an object beside it.
    fn entries(&self) -> Result<Vec<Value>> {
        let entries = self.files.0.iter().map(|(path, content)| {
            let mut entry = json!({"path": path, "mode": "100644", "type": "blob"});
            match std::str::from_utf8(content) {
                Ok(text) => entry["content"] = json!(text),
                Err(_) => {
                    let body = json!({"content": STANDARD.encode(content), "encoding": "base64"});
                    let blob: Value = self.repository.store("/git/blobs", &body)?;
                    entry["sha"] = json!(sha(&blob)?);
                }
            }
            Ok(entry)
        });
        entries.collect()
    }

    /// One attempt; nothing if somebody else was faster, or nobody knows.
    fn attempt(&self, entries: &[Value]) -> Result<Option<Done>> {
        let head = self.repository.head(self.branch)?;
        let base = head.as_deref().or(match self.start {
            Start::At(commit) => Some(commit),
            Start::Empty => None,
        });
        let mut tree = json!({"tree": entries});
        let before = match base {
            Some(base) => {
                let commit: Value = self.repository.get(&format!("/git/commits/{base}"))?;
                Some(sha(&commit["tree"])?)
            }
            None => None,
        };
        if let Some(before) = &before {
            tree["base_tree"] = json!(before);
        }
        let tree = sha(&self.repository.store("/git/trees", &tree)?)?;
        if before.as_ref() == Some(&tree) {
            return Ok(Some(if head.is_some() { Done::WasThere } else { Done::WasAtStart }));
        }
        let parents: Vec<_> = base.iter().collect();
        let commit = json!({"message": self.message, "tree": tree, "parents": parents});
        let commit = sha(&self.repository.store("/git/commits", &commit)?)?;
        let moved = match head {
            Some(_) => {
                let path = format!("/git/refs/heads/{}", self.branch);
                self.repository.change(&path, &json!({"sha": commit, "force": false}))
            }
            None => {
                let name = format!("refs/heads/{}", self.branch);
                self.repository.create("/git/refs", &json!({"ref": name, "sha": commit}))
            }
        };
        match moved {
            // Not what it was any more, or there by now.
            Ok(answer) if answer.status() == 422 && self.has_moved(base)? => Ok(None),
            Ok(answer) => answer.ok::<Value>().map(|_| Some(Done::Committed)),
            Err(error) if is_interrupted(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the branch is elsewhere than a commit was made for.
    fn has_moved(&self, base: Option<&str>) -> Result<bool> {
        Ok(self.repository.head(self.branch)?.is_some_and(|head| Some(&*head) != base))
    }
}

fn sha(object: &Value) -> Result<String> {
    let sha = object["sha"].as_str().context("GitHub tells no SHA of an object of git")?;
    Ok(sha.to_owned())
}
