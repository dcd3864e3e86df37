//! Results of tests, as `cargo xtask test` (`xtask/src/test/report.rs`) and `tests/record.py` write them.

use crate::test::report::Judged;
use crate::test::system::System;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

/// What became of a suite on one machine.
#[derive(Deserialize)]
pub(crate) struct Outcome {
    pub(crate) suite: String,
    #[serde(default)]
    pub(crate) passed: usize,
    #[serde(default)]
    pub(crate) failed: usize,
    #[serde(default)]
    pub(crate) not_run: usize,
    #[serde(default)]
    pub(crate) error: Option<String>,
    #[serde(default)]
    pub(crate) artifacts: Vec<Judged>,
    pub(crate) cases: Vec<Case>,
    #[serde(default)]
    pub(crate) commit: Option<String>,
    /// Whether every file was as in that commit.
    #[serde(default)]
    pub(crate) clean: Option<bool>,
    /// In UTC; it sorts by time.
    #[serde(default)]
    pub(crate) date: Option<String>,
    #[serde(default)]
    pub(crate) system: Option<System>,
}

/// One case.
#[derive(Deserialize)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) outcome: How,
}

/// How a case ended.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum How {
    Passed,
    Failed,
    NotRun,
}

/// The results in these folders and, as files of several machines are laid side by side, in their subfolders; in the
/// order of their paths.
///
/// # Errors
/// If a folder cannot be read, or a file is damaged.
pub(crate) fn load(folders: &[PathBuf]) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for folder in folders {
        for path in json_files(folder, true)? {
            outcomes.extend(read(&path)?);
        }
    }
    Ok(outcomes)
}

/// The result in a file; `None` if it is another kind of JSON, such as the sums of a run.
fn read(path: &Path) -> Result<Option<Outcome>> {
    let doing = || format!("{} is no result of a test: delete it, or run the suite again", path.display());
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    // PowerShell begins a file with a byte order mark.
    let value: serde_json::Value =
        serde_json::from_str(text.trim_start_matches('\u{feff}')).with_context(doing)?;
    if value.get("suite").is_none() || value.get("cases").is_none() {
        return Ok(None);
    }
    serde_json::from_value(value).with_context(doing).map(Some)
}

fn json_files(folder: &Path, deeper: bool) -> Result<Vec<PathBuf>> {
    let doing = || format!("reading the results in {}", folder.display());
    if !folder.is_dir() {
        bail!("there is no folder {}: `cargo xtask test` writes results to target/test", folder.display());
    }
    let mut files = Vec::new();
    let mut entries =
        fs::read_dir(folder).with_context(doing)?.collect::<Result<Vec<_>, _>>().with_context(doing)?;
    entries.sort_by_key(fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            if deeper {
                files.extend(json_files(&path, false)?);
            }
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    Ok(files)
}
