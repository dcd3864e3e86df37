//! Whether green tests stand behind artifacts: results say which commit was judged, and of each artifact which bits.

use crate::test::suites;
use anyhow::{Context, Result, ensure};
use packager::Artifacts;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The sums of a run.
const SUMMARY: &str = "summary.json";

/// A result of the tests, as far as it counts here.
#[derive(Deserialize)]
struct Outcome {
    commit: Option<String>,
    clean: Option<bool>,
    #[serde(flatten)]
    sums: Sums,
}

/// What became of a suite.
#[derive(Deserialize)]
struct Sums {
    #[serde(default)]
    suite: String,
    #[serde(default)]
    passed: usize,
    #[serde(default)]
    failed: usize,
    #[serde(default)]
    not_run: usize,
    #[serde(default)]
    artifacts: Vec<Judged>,
    /// In the summary: all suites of the run.
    #[serde(default)]
    suites: Vec<Sums>,
}

/// An artifact that was judged.
#[derive(Deserialize)]
struct Judged {
    name: String,
    sha256: String,
}

impl Sums {
    fn is_green(&self) -> bool {
        self.passed > 0 && self.failed == 0 && self.not_run == 0
    }
}

/// Refuses artifacts behind which no green result of the commit stands, that a result says to be something else, or a
/// run in which a suite is missing that belongs to every run. The results are those of some folders and of the folders
/// in them, one for each machine.
///
/// # Errors
/// If that is so: with what to do.
pub(super) fn check(list: &Artifacts, folders: &[PathBuf], commit: &str) -> Result<()> {
    let mut judged: BTreeSet<String> = BTreeSet::new();
    let mut green: BTreeSet<String> = BTreeSet::new();
    for path in files(folders)? {
        let Some(outcome) = read(&path)? else { continue };
        let Some(of) = &outcome.commit else { continue };
        ensure!(
            of == commit && outcome.clean == Some(true),
            "{} is of {}, and not of the commit {commit} that is released: run the tests again on a clean checkout of that",
            path.display(),
            if of == commit { "changed files".to_owned() } else { format!("the commit {of}") }
        );
        let sums = outcome.sums;
        for sums in sums.suites.iter().chain([&sums]).filter(|sums| !sums.suite.is_empty()) {
            ensure!(
                sums.is_green(),
                "in {} the suite {} did not pass ({} failed, {} not run): mend it, and run the tests again",
                path.display(),
                sums.suite,
                sums.failed,
                sums.not_run
            );
            green.insert(sums.suite.clone());
            for Judged { name, sha256 } in &sums.artifacts {
                ensure!(
                    list.0.get(name).is_none_or(|artifact| artifact.sha256 == *sha256),
                    "{name} is not what the suite {} judged ({}): it was changed after the tests; build and test again",
                    sums.suite,
                    path.display()
                );
                judged.insert(name.clone());
            }
        }
    }
    let missing: Vec<&str> = suites::choose(&[], &[], false)?
        .iter()
        .map(|suite| suite.name.as_str())
        .filter(|suite| !green.contains(*suite))
        .collect();
    ensure!(
        missing.is_empty(),
        "no result in {} is of {}: run `cargo xtask test` without leaving a suite out",
        shown(folders),
        missing.join(", ")
    );
    for name in list.0.keys() {
        ensure!(judged.contains(name), "no test in {} judged {name}: run `cargo xtask test`", shown(folders));
    }
    Ok(())
}

fn shown(folders: &[PathBuf]) -> String {
    folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// A result, if the file is one.
fn read(path: &Path) -> Result<Option<Outcome>> {
    let reading = || format!("reading the results of the tests in {}", path.display());
    let text = fs::read_to_string(path).with_context(reading)?;
    let value: Value = serde_json::from_str(&text)
        .with_context(|| format!("{} is damaged: get it again, or run the tests again", path.display()))?;
    Ok(serde_json::from_value(value).ok())
}

/// Whether a result is of the run that the summary beside it sums up; where there is none, every result is.
///
/// # Errors
/// If the summary cannot be read.
fn is_of_the_last_run(result: &Path) -> Result<bool> {
    let summary = result.with_file_name(SUMMARY);
    if !summary.is_file() || result == summary {
        return Ok(true);
    }
    let reading = || format!("reading {}", summary.display());
    let text = fs::read_to_string(&summary).with_context(reading)?;
    let outcome: Outcome = serde_json::from_str(&text).with_context(reading)?;
    let name = result.file_stem().unwrap_or_default().to_string_lossy();
    Ok(outcome.sums.suites.iter().any(|suite| suite.suite == name))
}

/// The results in some folders, and in the folders in them.
fn files(folders: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for folder in folders {
        let mut found = Vec::new();
        packager::digest::collect_files(folder, &mut found)
            .with_context(|| format!("reading results of tests from {}", folder.display()))?;
        for path in found {
            if is_result(folder, &path)? {
                all.push(path);
            }
        }
    }
    all.sort();
    Ok(all)
}

/// Whether a file in a folder of results is one of the last run. Suites leave other things there, too.
///
/// # Errors
/// If the summary beside it cannot be read.
pub(super) fn is_result(folder: &Path, path: &Path) -> Result<bool> {
    let depth = path.strip_prefix(folder).map_or(0, |name| name.components().count());
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    Ok(is_json && depth <= 3 && is_of_the_last_run(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use packager::Artifact;
    use serde_json::json;

    const COMMIT: &str = "c0ffee";

    fn list(sha256: &str) -> Artifacts {
        let artifact: Artifact = serde_json::from_value(json!({
            "artifact": "deb", "format": "deb", "programs": [], "made_from": [], "size": 1, "sha256": sha256, "version": "1",
            "inputs": "i", "toolchain": "t", "source_date_epoch": 1,
        }))
        .unwrap();
        Artifacts([("a.deb".to_owned(), artifact)].into())
    }

    /// Results of a whole run, with one of them as it is given.
    fn results(change: impl Fn(&mut Value)) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for suite in suites::choose(&[], &[], false).unwrap() {
            let judges =
                if suite.name == "formats" { json!([{"name": "a.deb", "sha256": "1"}]) } else { json!([]) };
            let mut value = json!({
                "suite": suite.name, "passed": 2, "failed": 0, "not_run": 0, "artifacts": judges,
                "commit": COMMIT, "clean": true, "cases": [],
            });
            change(&mut value);
            let name = format!("{}.json", suite.name);
            fs::write(folder.path().join(name), value.to_string()).unwrap();
        }
        // Other things lie there, too.
        fs::write(folder.path().join("tools.json"), "[]").unwrap();
        folder
    }

    /// Fails if: a release could be published of what no green test of its commit judged, or it is not said what to do.
    #[test]
    fn refuses_what_was_not_judged() {
        let of_formats = |key: &'static str, value: Value| {
            move |result: &mut Value| {
                if result["suite"] == "formats" {
                    result[key] = value.clone();
                }
            }
        };
        let check =
            |results: &tempfile::TempDir, sha256| check(&list(sha256), &[results.path().to_owned()], COMMIT);
        check(&results(|_| {}), "1").unwrap();
        for (results, sha256, words) in [
            (results(|_| {}), "2", "was changed after the tests"),
            (results(of_formats("artifacts", json!([]))), "1", "no test in"),
            (results(of_formats("failed", json!(1))), "1", "did not pass"),
            (results(of_formats("not_run", json!(1))), "1", "did not pass"),
            (results(of_formats("passed", json!(0))), "1", "did not pass"),
            (results(of_formats("commit", json!("other"))), "1", "of the commit other"),
            (results(of_formats("clean", json!(false))), "1", "of changed files"),
            (results(of_formats("suite", json!("unit"))), "1", "is of formats"),
        ] {
            let error = format!("{:#}", check(&results, sha256).unwrap_err());
            assert!(error.contains(words), "{words}: {error}");
        }
    }
}
