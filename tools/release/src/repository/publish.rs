//! Writing a repository so that whoever reads it meanwhile finds all that its index names.
//!
//! A plan has the files in the order in which they appear: what is named before what names it, so that the entries
//! (`InRelease`, `repomd.xml`) come last. Each is written under another name and renamed. What is there already stays, so
//! that a run that was broken off is gone on with by the next. Nothing is ever removed.

use anyhow::{Context, Result, bail, ensure};
use packager::digest::{sha256, sha256_file};
use packager::unfinished;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Whether a file may replace another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// It stays as it is for ever.
    Forever,
    /// The next publication replaces it.
    UntilNext,
}

/// A file to be published.
struct Step {
    path: String,
    content: Vec<u8>,
    life: Life,
}

/// What is to be published, in order.
#[derive(Default)]
pub(crate) struct Plan(Vec<Step>);

impl Plan {
    /// Adds a file that never changes.
    pub(crate) fn forever(&mut self, path: impl Into<String>, content: Vec<u8>) {
        self.0.push(Step { path: path.into(), content, life: Life::Forever });
    }

    /// Adds a file that the next publication may replace.
    pub(crate) fn until_next(&mut self, path: impl Into<String>, content: impl Into<Vec<u8>>) {
        self.0.push(Step { path: path.into(), content: content.into(), life: Life::UntilNext });
    }

    /// Appends another plan.
    pub(crate) fn then(&mut self, other: Plan) {
        self.0.extend(other.0);
    }

    /// Publishes into a folder that nobody else writes to; `appeared` is told each file that has appeared.
    ///
    /// # Errors
    /// If a file cannot be written, `appeared` fails, or a file that never changes is there with other bits: then
    /// nothing was written.
    pub(crate) fn apply(self, folder: &Path, mut appeared: impl FnMut(&str) -> Result<()>) -> Result<()> {
        let mut there = BTreeSet::new();
        for step in &self.0 {
            let path = folder.join(&step.path);
            if !path.try_exists().with_context(|| format!("looking for {}", path.display()))? {
                continue;
            }
            ensure!(path.is_file(), "{} is to be a file: move away what has this name", path.display());
            if sha256_file(&path)? == sha256(&step.content) {
                there.insert(step.path.clone());
            } else if step.life == Life::Forever {
                bail!(
                    "{} is there with other bits: what was published never changes; give what was changed another version",
                    path.display()
                );
            }
        }
        for step in self.0.iter().filter(|step| !there.contains(&step.path)) {
            let path = folder.join(&step.path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)
                    .with_context(|| format!("making the folder {}", parent.display()))?;
            }
            // Until it is whole it lies at the top, where the next run tidies up.
            unfinished::prepare(folder, &step.path, &step.content)?.appear()?;
            appeared(&step.path)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: files appear in another order, what is there is written again, or what never changes is replaced.
    #[test]
    fn adds_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let publish = |content: &[(&str, &str)]| {
            let mut plan = Plan::default();
            for (path, text) in content {
                match path.strip_prefix("entry") {
                    Some(_) => plan.until_next(*path, *text),
                    None => plan.forever(*path, text.as_bytes().to_vec()),
                }
            }
            let mut seen = Vec::new();
            let result = plan.apply(folder.path(), |path| {
                seen.push(path.to_owned());
                Ok(())
            });
            result.map(|()| seen)
        };
        assert_eq!(publish(&[("b/c", "1"), ("a", "2"), ("entry", "3")]).unwrap(), ["b/c", "a", "entry"]);
        assert_eq!(publish(&[("b/c", "1"), ("a", "2"), ("entry", "4")]).unwrap(), ["entry"]);
        let error = publish(&[("d", "1"), ("a", "other")]).unwrap_err().to_string();
        assert!(error.contains("a is there with other bits"), "{error}");
        assert!(!folder.path().join("d").exists());
    }
}
