//! What became of the suites: shown as it comes, summed up at the end, and written as data.
//!
//! `target/test/SUITE.json` has every case of a suite, `target/test/summary.json` the sums of the run. Both say which
//! commit was judged, on which machine and when, and of each artifact which bits. `cargo xtask evidence` reads them.

use super::system::{self, System};
use crate::process;
use crate::toolchain::rust::clean_command;
use crate::workspace;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;

/// What became of one suite.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) suite: String,
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) not_run: usize,
    pub(crate) seconds: f64,
    /// Why the suite did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// The artifacts that it judged.
    pub(crate) artifacts: Vec<Judged>,
    /// Each case, where the suite says more of it than that it passed.
    #[serde(skip)]
    pub(crate) cases: Vec<Value>,
}

/// An artifact that was judged.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Judged {
    pub(crate) name: String,
    pub(crate) sha256: String,
}

/// What the acceptance bench writes of a suite.
#[derive(Deserialize)]
pub(crate) struct Outcome {
    pub(crate) artifacts: Vec<Judged>,
    pub(crate) cases: Vec<Value>,
}

impl Report {
    /// Of a suite that nothing is known of yet.
    pub(crate) fn new(suite: &str) -> Report {
        Report {
            suite: suite.to_owned(),
            passed: 0,
            failed: 0,
            not_run: 0,
            seconds: 0.0,
            error: None,
            artifacts: Vec::new(),
            cases: Vec::new(),
        }
    }

    /// Of a suite that could not be run, and why.
    pub(crate) fn not_run(suite: &str, reason: String) -> Report {
        Report { not_run: 1, error: Some(reason), ..Report::new(suite) }
    }

    /// Counts one more case.
    pub(crate) fn count(&mut self, name: &str, seconds: f64, error: Option<&str>) {
        let (outcome, count) =
            if error.is_none() { ("passed", &mut self.passed) } else { ("failed", &mut self.failed) };
        *count += 1;
        self.cases.push(json!({ "name": name, "seconds": seconds, "outcome": outcome, "error": error }));
    }

    /// Counts a case that could not be tried.
    pub(crate) fn skip(&mut self, name: &str, reason: &str) {
        self.not_run += 1;
        self.cases.push(json!({ "name": name, "seconds": 0.0, "outcome": "not_run", "reason": reason }));
    }
}

/// Shows what suites print. With several at once each line says whose it is.
#[derive(Clone)]
pub(crate) struct Voice {
    prefix: String,
}

impl Voice {
    /// Of one suite, alone or among others.
    pub(crate) fn new(name: &str, alone: bool) -> Voice {
        Voice { prefix: if alone { String::new() } else { format!("{name:>12} | ") } }
    }

    pub(crate) fn say(&self, text: &str) {
        let mut shown = String::new();
        for line in text.lines() {
            shown += &format!("{}{line}\n", self.prefix);
        }
        // At once, so that no other's lines come between.
        print!("{shown}");
    }
}

/// Which sources are judged.
pub(crate) struct Sources {
    pub(crate) commit: Option<String>,
    /// Whether every file is as in that commit.
    clean: Option<bool>,
}

impl Sources {
    /// Asks git; nothing is known where there is no git, or no history.
    pub(crate) fn of_the_workspace() -> Sources {
        let git = |arguments: &[&str]| {
            let mut git = clean_command("git", &[]);
            let output = git.args(arguments).current_dir(workspace::root()).output().ok()?;
            let text = String::from_utf8(output.stdout).ok()?;
            output.status.success().then(|| text.trim().to_owned())
        };
        Sources {
            commit: git(&["rev-parse", "HEAD"]),
            clean: git(&["status", "--porcelain"]).map(|text| text.is_empty()),
        }
    }

    /// Writes what became of a suite.
    pub(crate) fn write(&self, report: &Report) -> Result<()> {
        let mut value = self.describe(serde_json::to_value(report)?);
        value["cases"] = json!(report.cases);
        write(&format!("{}.json", report.suite), &value).map(drop)
    }

    fn describe(&self, mut value: Value) -> Value {
        value["commit"] = json!(self.commit);
        value["clean"] = json!(self.clean);
        value["date"] = json!(system::now());
        value["system"] = json!(System::of_this_machine());
        value
    }
}

/// The sums of the last run, in [`folder`].
pub(crate) const SUMMARY: &str = "summary.json";

/// Where a suite's results are written.
pub(crate) fn folder() -> Result<PathBuf> {
    let folder = workspace::target("test");
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    Ok(folder)
}

fn write(name: &str, value: &Value) -> Result<PathBuf> {
    let path = folder()?.join(name);
    fs::write(&path, serde_json::to_string_pretty(value)? + "\n")
        .with_context(|| format!("writing {}", path.display()))?;
    Ok(path)
}

/// Prints the summary, writes it as JSON, and fails unless everything passed. `steps` are what was done for several
/// suites, with the seconds it took.
pub(crate) fn summarise(
    reports: &[Report],
    steps: &[(&str, f64)],
    seconds: f64,
    sources: &Sources,
) -> Result<()> {
    let json =
        write(SUMMARY, &sources.describe(json!({ "seconds": seconds, "steps": steps, "suites": reports })))?;
    println!("\n{:<14} {:>7} {:>7} {:>8} {:>8}", "suite", "passed", "failed", "not run", "time");
    for (name, seconds) in steps {
        println!("{:<14} {:>7} {:>7} {:>8} {seconds:>6.0} s", format!("({name})"), "", "", "");
    }
    for r in reports {
        println!("{:<14} {:>7} {:>7} {:>8} {:>6.0} s", r.suite, r.passed, r.failed, r.not_run, r.seconds);
        if let Some(error) = &r.error {
            println!("    {error}");
        }
    }
    let sum = |field: fn(&Report) -> usize| reports.iter().map(field).sum::<usize>();
    let (passed, failed, not_run) = (sum(|r| r.passed), sum(|r| r.failed), sum(|r| r.not_run));
    for line in reports.iter().flat_map(not_passed) {
        println!("{line}");
    }
    println!("{seconds:.0} s in all, suites beside each other (as JSON in {})", json.display());
    println!("{passed} passed, {failed} failed, {not_run} skipped");
    if failed > 0 {
        bail!("{failed} tests failed");
    }
    if not_run > 0 {
        bail!(
            "{not_run} tests or suites could not run; leave a suite out with --without SUITE if that is meant"
        );
    }
    Ok(())
}

/// How much of an error the summary repeats; all of it was shown when the case ended.
const LINES: usize = 12;

/// The cases that did not pass, and why. What they printed may be far above, among the lines of other suites.
fn not_passed(report: &Report) -> Vec<String> {
    let lines = report.cases.iter().filter_map(|case| {
        let outcome = case["outcome"].as_str().filter(|outcome| *outcome != "passed")?;
        let why = case["error"].as_str().or(case["reason"].as_str()).unwrap_or_default();
        let why = why.lines().take(LINES).collect::<Vec<_>>().join("\n    ");
        let name = case["name"].as_str().unwrap_or_default();
        Some(format!("{} | {} | {name}\n    {why}", report.suite, outcome.replace('_', " ")))
    });
    lines.collect()
}

/// An error of a command as one line: what it printed was shown as it came.
pub(crate) fn first_line(error: &anyhow::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// Ends the run of a suite that was interrupted; otherwise gives the error as a reason.
pub(crate) fn reason(error: &anyhow::Error) -> Result<String> {
    process::stop_if_interrupted()?;
    Ok(format!("{error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: the summary leaves out a case that did not pass, or why, or names one that did.
    #[test]
    fn the_summary_names_what_did_not_pass() {
        let mut report = Report::new("wine");
        report.count("installs", 1.0, None);
        report.count("removes", 1.0, Some("queue.db is gone\nthe log: …"));
        report
            .cases
            .push(json!({ "name": "returns", "outcome": "not_run", "reason": "an earlier step failed" }));
        let told = not_passed(&report);
        let expected = [
            "wine | failed | removes\n    queue.db is gone\n    the log: …",
            "wine | not run | returns\n    an earlier step failed",
        ];
        assert_eq!(told, expected);
    }
}
