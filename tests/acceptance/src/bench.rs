//! Runs cases, tells their outcome as they end, and sums up.

use crate::command::missing;
use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Instant;
use tempfile::TempDir;

/// How a case ended.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// It did what it should.
    Passed,
    /// It did not, and why.
    Failed { error: String },
    /// It could not be run here, and why. Never counts as passed.
    NotRun { reason: String },
}

#[derive(Serialize)]
struct Case {
    name: String,
    seconds: f64,
    #[serde(flatten)]
    outcome: Outcome,
}

/// The artifacts to judge, a scratch folder, and the outcome of the cases so far.
pub(crate) struct Bench {
    artifacts: Vec<PathBuf>,
    /// Those that a suite asked for.
    judged: RefCell<BTreeSet<PathBuf>>,
    scratch: TempDir,
    only: Option<String>,
    /// Whether what takes long is wanted as well.
    pub(crate) thorough: bool,
    /// A file that says where a suite's tools are.
    pub(crate) tools: Option<PathBuf>,
    cases: Vec<Case>,
}

impl Bench {
    /// Takes the given artifacts, or else the files of the distribution folder.
    pub(crate) fn new(artifacts: &[PathBuf], dist: &Path, only: Option<String>) -> Result<Bench> {
        let mut artifacts = artifacts.to_vec();
        if artifacts.is_empty() {
            // Without the folder there is nothing to judge, and some suites judge something else.
            let found = std::fs::read_dir(dist).into_iter().flatten();
            artifacts = found.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
            artifacts.sort();
        }
        for artifact in &mut artifacts {
            *artifact =
                artifact.canonicalize().with_context(|| format!("no artifact {}", artifact.display()))?;
        }
        let scratch = tempfile::Builder::new().prefix("acceptance-").tempdir()?;
        Ok(Bench {
            artifacts,
            judged: RefCell::default(),
            scratch,
            only,
            thorough: false,
            tools: None,
            cases: Vec::new(),
        })
    }

    /// The artifacts whose file name ends with `suffix`.
    ///
    /// # Errors
    /// If there are none: a suite without anything to judge must not pass.
    pub(crate) fn artifacts(&self, suffix: &str) -> Result<Vec<PathBuf>> {
        let found: Vec<_> =
            self.artifacts.iter().filter(|path| path.to_string_lossy().ends_with(suffix)).cloned().collect();
        ensure!(!found.is_empty(), "there is no artifact *{suffix} to judge: run `cargo xtask dist` first");
        self.judged.borrow_mut().extend(found.iter().cloned());
        Ok(found)
    }

    /// Every artifact, without the lists that the distribution folder has beside them.
    pub(crate) fn all_artifacts(&self) -> Vec<PathBuf> {
        let is_list = |path: &PathBuf| path.ends_with("SHA256SUMS") || path.ends_with("artifacts.json");
        let found: Vec<_> = self.artifacts.iter().filter(|path| !is_list(path)).cloned().collect();
        self.judged.borrow_mut().extend(found.iter().cloned());
        found
    }

    /// The one artifact whose file name ends with `suffix`.
    pub(crate) fn artifact(&self, suffix: &str) -> Result<PathBuf> {
        let found = self.artifacts(suffix)?;
        ensure!(found.len() == 1, "there are {} artifacts *{suffix}; name one with --artifact", found.len());
        Ok(found[0].clone())
    }

    /// Counts artifacts among those that are judged which the suite has made itself.
    pub(crate) fn judge(&self, files: impl Iterator<Item = PathBuf>) {
        self.judged.borrow_mut().extend(files);
    }

    /// A new folder for one case, removed at the end.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let path =
            self.scratch.path().join(format!("{}-{}", self.cases.len(), name.replace(['/', ' '], "_")));
        std::fs::create_dir_all(&path).with_context(|| format!("creating {}", path.display()))?;
        Ok(path)
    }

    /// Runs a case. A panic fails the case, not the suite. Returns whether it passed, so that cases which
    /// need it can be reported as not run.
    pub(crate) fn case(&mut self, name: &str, run: impl FnOnce() -> Result<()>) -> bool {
        if self.only.as_deref().is_some_and(|only| !name.contains(only)) {
            return true;
        }
        self.case_for_others(name, run)
    }

    /// The same, whatever the cases are called that are wanted: it makes what they are about.
    pub(crate) fn case_for_others(&mut self, name: &str, run: impl FnOnce() -> Result<()>) -> bool {
        let started = Instant::now();
        let outcome = match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Ok(())) => Outcome::Passed,
            Ok(Err(error)) => Outcome::Failed { error: chain(&error) },
            Err(_) => Outcome::Failed { error: "panicked (see above)".to_owned() },
        };
        let passed = matches!(outcome, Outcome::Passed);
        self.record(name, started.elapsed().as_secs_f64(), outcome);
        passed
    }

    /// Runs a case that needs other people's programs; if one is not installed, the case is not run.
    pub(crate) fn case_needing(&mut self, programs: &[&str], name: &str, run: impl FnOnce() -> Result<()>) {
        match missing(programs) {
            Some(program) => self.not_run(name, &format!("{program} is not installed")),
            None => {
                self.case(name, run);
            }
        }
    }

    /// Runs cases about one thing, each of which stands on the one before: after a failure the others are
    /// not run.
    pub(crate) fn steps(&mut self, about: &str, steps: &[(&str, &dyn Fn() -> Result<()>)]) {
        let mut going = true;
        for (name, step) in steps {
            let name = format!("{about}: {name}");
            if going {
                going = self.case(&name, step);
            } else {
                self.not_run(&name, "a step before it failed");
            }
        }
    }

    /// Records a failure that is not a case of its own.
    pub(crate) fn fail(&mut self, name: &str, error: &anyhow::Error) {
        self.record(name, 0.0, Outcome::Failed { error: chain(error) });
    }

    /// Records that a case could not be run here. The suite then does not pass.
    pub(crate) fn not_run(&mut self, name: &str, reason: &str) {
        self.record(name, 0.0, Outcome::NotRun { reason: reason.to_owned() });
    }

    fn record(&mut self, name: &str, seconds: f64, outcome: Outcome) {
        match &outcome {
            Outcome::Passed => println!("ok       {name} ({seconds:.1} s)"),
            Outcome::Failed { error } => {
                println!("FAILED   {name} ({seconds:.1} s)\n         {}", error.replace('\n', "\n         "));
            }
            Outcome::NotRun { reason } => println!("not run  {name}: {reason}"),
        }
        self.cases.push(Case { name: name.to_owned(), seconds, outcome });
    }

    /// The name and digest of each artifact that was judged.
    fn judged(&self) -> Result<Vec<Value>> {
        let judged = self.judged.borrow();
        let describe = |path: &PathBuf| {
            let digest = packager::digest::sha256_file(path)?;
            Ok(json!({ "name": path.file_name().unwrap_or_default().to_string_lossy(), "sha256": digest }))
        };
        judged.iter().map(describe).collect()
    }

    /// Prints the summary, writes the JSON, and tells whether everything ran and passed.
    pub(crate) fn finish(self, suite: &str, json: Option<&Path>) -> Result<bool> {
        let count =
            |wanted: fn(&Outcome) -> bool| self.cases.iter().filter(|case| wanted(&case.outcome)).count();
        let passed = count(|outcome| matches!(outcome, Outcome::Passed));
        let failed = count(|outcome| matches!(outcome, Outcome::Failed { .. }));
        let not_run = self.cases.len() - passed - failed;
        println!("{suite}: {passed} passed, {failed} failed, {not_run} not run");
        if let Some(path) = json {
            let results = json!({ "artifacts": self.judged()?, "cases": self.cases });
            let text = serde_json::to_string_pretty(&results)?;
            std::fs::write(path, text + "\n").with_context(|| format!("writing {}", path.display()))?;
        }
        Ok(passed > 0 && failed == 0 && not_run == 0)
    }
}

/// An error and its causes, a line each, without the stack traces that RUST_BACKTRACE would add.
fn chain(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).collect::<Vec<_>>().join("\nbecause: ")
}
