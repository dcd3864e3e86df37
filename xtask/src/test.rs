//! `cargo xtask test`: every test, in layers.
//!
//! A suite is a cargo command or a suite of the acceptance bench. What a suite needs from the machine is checked
//! before anything runs. What could not run is listed as not run and fails the run, unless it was left out
//! by name.

mod nix;
mod prerequisites;
mod suites;
mod targets;
mod workflows;

use crate::dist::Dist;
use crate::process::{self, stop_if_interrupted};
use crate::workspace;
use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;
use suites::{ALL, Run, Suite};

/// Tests the sources, builds every artifact, and installs and runs them
///
/// Without arguments: every suite. `cargo xtask test --list` says what each proves.
#[derive(clap::Args)]
pub(crate) struct Test {
    /// The suites to run; by default all but those of the long mode
    suites: Vec<String>,
    /// Leaves this suite out; may be repeated
    #[arg(long, value_name = "SUITE", value_delimiter = ',')]
    without: Vec<String>,
    /// An artifact to test instead of those in dist/; may be repeated
    #[arg(long = "artifact", value_name = "FILE")]
    artifacts: Vec<PathBuf>,
    #[command(flatten)]
    repositories: nix::Repositories,
    /// Installs missing Debian packages (needs root; as root they are installed without being asked for)
    #[arg(long)]
    install: bool,
    /// Lists the suites and ends
    #[arg(long)]
    list: bool,
}

/// What became of one suite.
#[derive(Serialize)]
struct Report {
    suite: &'static str,
    passed: usize,
    failed: usize,
    not_run: usize,
    seconds: f64,
    /// Why the suite did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Test {
    pub(crate) fn run(self) -> Result<()> {
        if self.list {
            for suite in ALL {
                println!("{:<14} {}", suite.name, suite.about);
            }
            return Ok(());
        }
        let chosen = self.chosen()?;
        let missing = prerequisites::provide(&chosen, self.install)?;
        // Built when the first suite needs it: what fails fastest comes first.
        let mut dist = None;
        let mut reports = Vec::new();
        for suite in chosen {
            stop_if_interrupted()?;
            println!("\n== {} — {}", suite.name, suite.about);
            let lacking =
                missing.iter().filter(|(name, _)| *name == suite.name).map(|(_, what)| what.as_str());
            let lacking: Vec<_> = lacking.collect();
            let report = if !lacking.is_empty() {
                Report::not_run(suite, format!("missing: {}", lacking.join(", ")))
            } else if suite.needs_artifacts() && self.artifacts.is_empty() {
                match dist.get_or_insert_with(|| Dist::everything().run()) {
                    Ok(()) => self.run_suite(suite)?,
                    Err(error) => Report::not_run(suite, format!("`cargo xtask dist` failed: {error:#}")),
                }
            } else {
                self.run_suite(suite)?
            };
            reports.push(report);
        }
        summarise(&reports)
    }

    fn chosen(&self) -> Result<Vec<&'static Suite>> {
        for name in self.suites.iter().chain(&self.without) {
            let names = || ALL.iter().map(|suite| suite.name).collect::<Vec<_>>().join(", ");
            ensure!(ALL.iter().any(|suite| suite.name == name), "no suite {name:?}: use {}", names());
        }
        let chosen = |suite: &&Suite| {
            let asked = if self.suites.is_empty() {
                !suite.long
            } else {
                self.suites.iter().any(|n| n == suite.name)
            };
            asked && !self.without.iter().any(|name| name == suite.name)
        };
        Ok(ALL.iter().filter(chosen).collect())
    }

    fn run_suite(&self, suite: &'static Suite) -> Result<Report> {
        let started = Instant::now();
        let mut report =
            Report { suite: suite.name, passed: 0, failed: 0, not_run: 0, seconds: 0.0, error: None };
        match suite.run {
            Run::Commands(commands) => run_commands(commands, &mut report)?,
            Run::Bench(arguments) => match arguments(self) {
                Ok(arguments) => run_bench(suite.name, &self.artifacts, &arguments, &mut report)?,
                Err(_) if process::interrupted() => bail!("interrupted"),
                Err(error) => return Ok(Report::not_run(suite, format!("{error:#}"))),
            },
        }
        report.seconds = started.elapsed().as_secs_f64();
        Ok(report)
    }
}

impl Report {
    fn not_run(suite: &'static Suite, reason: String) -> Report {
        Report { suite: suite.name, passed: 0, failed: 0, not_run: 1, seconds: 0.0, error: Some(reason) }
    }
}

/// Runs commands one after the other. A command that runs Rust tests counts each of them, another counts
/// as one test.
fn run_commands(commands: fn() -> Result<Vec<std::process::Command>>, report: &mut Report) -> Result<()> {
    let commands = match commands() {
        Ok(commands) => commands,
        Err(_) if process::interrupted() => bail!("interrupted"),
        // A tool that cannot be brought, for want of a network say, leaves the other suites alone.
        Err(error) => {
            report.not_run = 1;
            report.error = Some(format!("{error:#}"));
            return Ok(());
        }
    };
    for command in commands {
        stop_if_interrupted()?;
        println!("$ {}", process::show(&command));
        let (mut passed, mut failed) = (0, 0);
        let outcome = process::run(command, |line| {
            println!("{line}");
            let (p, f) = counts(line).unwrap_or_default();
            passed += p;
            failed += f;
        });
        report.passed += passed;
        report.failed += failed;
        match outcome {
            Ok(()) if passed == 0 => report.passed += 1,
            Ok(()) => {}
            Err(_) if process::interrupted() => bail!("interrupted"),
            Err(error) => {
                report.failed += usize::from(failed == 0);
                // The output was shown as it came.
                let line = error.to_string();
                report.error = Some(line.lines().next().unwrap_or_default().to_owned());
            }
        }
    }
    Ok(())
}

/// `test result: ok. 12 passed; 0 failed; …` as two numbers.
fn counts(line: &str) -> Option<(usize, usize)> {
    let rest = line.strip_prefix("test result: ")?;
    let number = |word: &str| {
        let before = rest.split(word).next()?;
        before.split_whitespace().next_back()?.parse().ok()
    };
    Some((number(" passed")?, number(" failed")?))
}

/// Runs a suite of the acceptance bench in a process of its own: a bench may drop privileges or crash.
fn run_bench(name: &str, artifacts: &[PathBuf], arguments: &[OsString], report: &mut Report) -> Result<()> {
    let folder = workspace::target("test");
    fs::create_dir_all(&folder)?;
    let json = folder.join(format!("{name}.json"));
    let _ = fs::remove_file(&json);
    let mut command = suites::cargo(&["run", "--quiet", "--package", "acceptance", "--"]);
    command.arg(name).arg("--json").arg(&json).arg("--dist").arg(workspace::dist());
    command.args(arguments).env("XTASK", std::env::current_exe()?);
    for artifact in artifacts {
        command.arg("--artifact").arg(artifact);
    }
    println!("$ {}", process::show(&command));
    let outcome = process::run(command, |line| println!("{line}"));
    if process::interrupted() {
        bail!("interrupted");
    }
    let text = fs::read_to_string(&json).unwrap_or_default();
    let cases: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap_or_default();
    let count = |outcome: &str| cases.iter().filter(|case| case["outcome"] == outcome).count();
    (report.passed, report.failed, report.not_run) = (count("passed"), count("failed"), count("not_run"));
    if let Err(error) = outcome {
        report.error = Some(error.to_string().lines().next().unwrap_or_default().to_owned());
        report.failed += usize::from(report.failed + report.not_run == 0);
    } else if report.passed == 0 {
        report.not_run = 1;
        report.error = Some("the bench ran no case".to_owned());
    }
    Ok(())
}

/// Prints the summary, writes it as JSON, and fails unless everything passed.
fn summarise(reports: &[Report]) -> Result<()> {
    let json = workspace::target("test").join("summary.json");
    fs::create_dir_all(workspace::target("test"))?;
    fs::write(&json, serde_json::to_string_pretty(reports)? + "\n")
        .with_context(|| format!("writing {}", json.display()))?;
    println!("\n{:<14} {:>7} {:>7} {:>8} {:>8}", "suite", "passed", "failed", "not run", "time");
    for r in reports {
        println!("{:<14} {:>7} {:>7} {:>8} {:>6.0} s", r.suite, r.passed, r.failed, r.not_run, r.seconds);
        if let Some(error) = &r.error {
            println!("    {error}");
        }
    }
    let sum = |field: fn(&Report) -> usize| reports.iter().map(field).sum::<usize>();
    let (passed, failed, not_run) = (sum(|r| r.passed), sum(|r| r.failed), sum(|r| r.not_run));
    println!("(as JSON in {})", json.display());
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: the numbers of cargo's summary line are misread.
    #[test]
    fn reads_cargo_summaries() {
        let line = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(counts(line), Some((12, 3)));
        assert_eq!(counts("running 3 tests"), None);
    }

    /// Fails if: two suites have one name, or it is not known which package has a program that one needs.
    #[test]
    fn suites_are_well_formed() {
        let names: std::collections::BTreeSet<_> = ALL.iter().map(|suite| suite.name).collect();
        assert_eq!(names.len(), ALL.len());
        for program in ALL.iter().flat_map(|suite| suite.needs) {
            assert!(prerequisites::package_of(program).is_some(), "no package is known for {program}");
        }
    }

    /// Fails if: the documentation's table of suites and the suites themselves differ.
    #[test]
    fn suites_are_documented() {
        let text = include_str!("../../docs/testing.md");
        let documented: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name))
            .collect();
        assert_eq!(documented, ALL.iter().map(|suite| suite.name).collect::<Vec<_>>());
    }
}
