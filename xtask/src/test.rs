//! `cargo xtask test`: every test, in suites.
//!
//! A suite is a row of `tests/suites.toml`: a suite of the acceptance bench on finished artifacts, or one of
//! `commands.rs` on sources. What a suite needs from the machine is checked before anything runs. Suites that wait
//! run beside those that compute. What could not run is listed as not run and fails the run, unless it was left out
//! by name.

mod commands;
mod compiled;
mod nix;
pub(crate) mod prerequisites;
pub(crate) mod report;
mod schedule;
pub(crate) mod suites;
pub(crate) mod system;
mod targets;
mod unit;
mod vm;
mod workflows;

use crate::apple::Engine;
use crate::appliance;
use crate::build;
use crate::cache::Cache;
use crate::inputs;
use crate::process::{self, stop_if_interrupted};
use crate::progress::Progress;
use crate::release_tools;
use crate::room;
use crate::toolchain::Toolchain;
use crate::toolchain::rust::clean_command;
use crate::toolchain::{qemu, wheels, zig};
use crate::workspace;
use anyhow::{Context, Result, anyhow, ensure};
use commands::{Distribution, Own};
use compiled::Compiled;
pub(crate) use report::folder;
use report::{Outcome, Report, Sources, Voice, first_line, reason};
use schedule::{Job, Lanes};
use serde_json::json;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};
use std::time::Instant;
use suites::Suite;

/// Prometheus' Python library, for the suite page.
const PROMETHEUS: &str = include_str!("../../tests/page/requirements.txt");
/// The vendor's Python library, for the suite models.
const MODELS: &str = include_str!("../../tests/models/requirements.txt");

/// What judges the artifacts for macOS, for the suite apple.
const APPLE: &str = include_str!("../../tests/apple/requirements.txt");
/// What its client needs besides, for the suite wheels.
const NEIGHBOURS: &str = include_str!("../../tests/wheels/client-headless.txt");
/// What judges wheels, for the suite wheels.
const WHEEL_JUDGES: &str = include_str!("../../tests/wheels/requirements.txt");
/// The schemas that judge Compose file and manifests, for the suite image.
const SCHEMAS: &str = include_str!("../../tests/image/requirements.txt");

/// What judges bills of materials, for the suite describe.
const JUDGES: &str = include_str!("../../tests/describe/requirements.txt");

/// Tests the sources, builds every artifact, and installs and runs them
///
/// Without arguments: every suite but the long ones. `cargo xtask test --list` says what each proves.
#[derive(clap::Args)]
pub(crate) struct Test {
    /// The suites to run; by default all but those of the long mode
    suites: Vec<String>,
    /// Runs every suite, the long ones too, and each of them to its end
    #[arg(long)]
    all: bool,
    /// Leaves this suite out; may be repeated
    #[arg(long, value_name = "SUITE", value_delimiter = ',')]
    without: Vec<String>,
    /// An artifact to test instead of those in dist/; may be repeated
    #[arg(long = "artifact", value_name = "FILE")]
    artifacts: Vec<PathBuf>,
    /// Runs each suite so many times
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
    /// Runs only those cases of the acceptance bench whose name contains this text
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    #[command(flatten)]
    repositories: nix::Repositories,
    /// Installs missing Debian packages (needs root; as root they are installed without being asked for)
    #[arg(long)]
    install: bool,
    /// Lists the suites and ends
    #[arg(long)]
    list: bool,
}

/// Runs every suite but the long ones.
///
/// # Errors
/// As `cargo xtask test`.
pub(crate) fn everything() -> Result<()> {
    #[derive(clap::Parser)]
    struct Alone {
        #[command(flatten)]
        test: Test,
    }
    <Alone as clap::Parser>::parse_from(["test"]).test.run()
}

/// What is made once for every suite that needs it.
#[derive(Default)]
struct Made {
    compiled: Step<Compiled>,
    distribution: Step<()>,
}

/// The outcome of a step, or why there is none, and the seconds it took.
struct Step<T>(OnceLock<(Result<T, String>, f64)>);

impl<T> Default for Step<T> {
    fn default() -> Step<T> {
        Step(OnceLock::new())
    }
}

impl<T> Step<T> {
    /// Does it. Nobody waits for this: the schedule lets those who need it begin afterwards.
    fn make(&self, make: impl FnOnce() -> Result<T>) {
        let started = Instant::now();
        let made = make().map_err(|error| format!("{error:#}"));
        // It is done once.
        let _ = self.0.set((made, started.elapsed().as_secs_f64()));
    }

    fn get(&self) -> Result<&T> {
        match self.0.get() {
            Some((Ok(made), _)) => Ok(made),
            Some((Err(error), _)) => Err(anyhow!("{error}")),
            None => Err(anyhow!("it was not made")),
        }
    }
}

impl Test {
    pub(crate) fn run(self) -> Result<()> {
        if self.list {
            print!("{}", suites::list());
            return Ok(());
        }
        let started = Instant::now();
        let chosen = suites::choose(&self.suites, &self.without, self.all)?;
        if self.suites.is_empty() {
            room_for_everything()?;
        }
        let missing = prerequisites::provide(&chosen, self.install)?;
        // Before the compiler puts another one in its place.
        let xtask = std::env::current_exe().context("asking for the path of this program")?;
        let (made, reports) = (Made::default(), Mutex::new(Vec::new()));
        let run = Run { test: &self, xtask: &xtask, sources: &Sources::of_the_workspace(), made: &made };
        schedule::run(run.jobs(&chosen, &missing, &reports), &Lanes::of_this_machine());
        stop_if_interrupted()?;
        let mut reports = reports.into_inner().map_err(|_| anyhow!("a suite crashed"))?;
        reports.sort_by_key(|(place, _)| *place);
        let reports: Vec<Report> = reports.into_iter().map(|(_, report)| report).collect();
        let seconds = |name, took: Option<f64>| took.map(|seconds| (name, seconds));
        let steps = [
            seconds("compile", made.compiled.0.get().map(|(_, seconds)| *seconds)),
            seconds("dist", made.distribution.0.get().map(|(_, seconds)| *seconds)),
        ];
        let steps: Vec<_> = steps.into_iter().flatten().collect();
        report::summarise(&reports, &steps, started.elapsed().as_secs_f64(), run.sources)
    }
}

/// The room that every suite together takes: what is compiled and built stays for the next run.
fn room_for_everything() -> Result<()> {
    let first = !folder()?.join(report::SUMMARY).exists();
    room::require(&workspace::target(""), if first { 20 } else { 4 } * room::GB, "`cargo xtask test`")?;
    room::require(&std::env::temp_dir(), 4 * room::GB, "`cargo xtask test`")
}

/// What every job of a run knows.
#[derive(Clone, Copy)]
struct Run<'a> {
    test: &'a Test,
    xtask: &'a Path,
    sources: &'a Sources,
    made: &'a Made,
}

/// Reports with their places in the summary.
type Reports = Mutex<Vec<(usize, Report)>>;

impl<'a> Run<'a> {
    /// What is compiled, what is built, and every suite after what it needs.
    fn jobs(
        self,
        chosen: &[&'static Suite],
        missing: &[(&'static str, String)],
        reports: &'a Reports,
    ) -> Vec<Job<'a>> {
        let alone = chosen.len() == 1 && self.test.repeat == 1;
        let compiles = |suite: &Suite| {
            !matches!(commands::own(&suite.name), Some(Own::Commands(_) | Own::Distribution(_)))
        };
        let judges = |suite: &Suite| self.judges_the_distribution(suite);
        let mut jobs = Vec::new();
        let compiling: Vec<&Suite> = chosen.iter().copied().filter(|suite| compiles(suite)).collect();
        let compile = (!compiling.is_empty()).then(|| {
            let voice = Voice::new("compile", alone);
            let run = move || self.made.compiled.make(|| Compiled::make(&compiling, self.test.all, &voice));
            push(&mut jobs, Job { name: "compile".into(), waits: false, after: vec![], run: Box::new(run) })
        });
        // At once: most suites wait for it, and run beside what computes afterwards.
        let dist = chosen.iter().any(|suite| judges(suite)).then(|| {
            let voice = Voice::new("dist", alone);
            let run = move || self.made.distribution.make(|| self.build(&voice));
            push(&mut jobs, Job { name: "(dist)".into(), waits: false, after: vec![], run: Box::new(run) })
        });
        for _ in 0..self.test.repeat {
            for suite in chosen.iter().copied() {
                let after =
                    compile.filter(|_| compiles(suite)).into_iter().chain(dist.filter(|_| judges(suite)));
                let lacking: Vec<_> = missing
                    .iter()
                    .filter(|(name, _)| *name == suite.name)
                    .map(|(_, what)| what.clone())
                    .collect();
                let place = jobs.len();
                let run = move || {
                    let report = if lacking.is_empty() {
                        self.suite(suite, &Voice::new(&suite.name, alone))
                    } else {
                        Ok(Report::not_run(&suite.name, format!("missing: {}", lacking.join(", "))))
                    };
                    // An error means that the run was interrupted.
                    if let (Ok(report), Ok(mut reports)) = (report, reports.lock()) {
                        reports.push((place, report));
                    }
                };
                let after = after.collect();
                jobs.push(Job { name: suite.name.clone(), waits: suite.waits, after, run: Box::new(run) });
            }
        }
        jobs
    }

    /// Whether a suite is about what `cargo xtask dist` makes.
    fn judges_the_distribution(self, suite: &Suite) -> bool {
        let on_artifacts = matches!(commands::own(&suite.name), None | Some(Own::Distribution(_)));
        on_artifacts && !suite.asked && self.test.artifacts.is_empty()
    }

    /// Builds the distribution, in a process of its own: its progress is then lines like those of the others.
    fn build(self, voice: &Voice) -> Result<()> {
        let mut command = Command::new(self.xtask);
        command.arg("dist").current_dir(workspace::root());
        voice.say("$ cargo xtask dist");
        process::run(command, |line| voice.say(line)).context("`cargo xtask dist` failed")
    }

    /// Runs a suite, and writes what became of it.
    fn suite(self, suite: &Suite, voice: &Voice) -> Result<Report> {
        voice.say(&format!("== {} — {}", suite.name, suite.proves));
        let started = Instant::now();
        let mut report = match self.run_suite(suite, voice) {
            Ok(report) => report,
            // A tool that cannot be brought, for want of a network say, leaves the other suites alone.
            Err(error) => Report::not_run(&suite.name, reason(&error)?),
        };
        report.seconds = started.elapsed().as_secs_f64();
        let Report { passed, failed, not_run, seconds, .. } = report;
        voice.say(&format!(
            "== {}: {passed} passed, {failed} failed, {not_run} not run ({seconds:.0} s)",
            suite.name
        ));
        self.sources.write(&report)?;
        Ok(report)
    }

    fn run_suite(self, suite: &Suite, voice: &Voice) -> Result<Report> {
        let mut report = Report::new(&suite.name);
        match commands::own(&suite.name) {
            Some(Own::Compiled(run)) => run(self.made.compiled.get()?, voice, &mut report)?,
            Some(Own::Commands(list)) => commands::run(list()?, voice, &mut report)?,
            Some(Own::Distribution(run)) => {
                if self.judges_the_distribution(suite) {
                    self.made.distribution.get()?;
                }
                let distribution = Distribution { xtask: self.xtask, thorough: self.test.all };
                run(&distribution, voice, &mut report)?;
            }
            None => {
                if self.judges_the_distribution(suite) {
                    self.made.distribution.get()?;
                }
                let program = self.made.compiled.get()?.program("acceptance")?;
                self.acceptance(program, voice, &mut report)?;
            }
        }
        Ok(report)
    }

    /// Runs a suite of the acceptance bench, in a process of its own: it may drop privileges or crash.
    fn acceptance(self, program: &Path, voice: &Voice, report: &mut Report) -> Result<()> {
        let json = report::folder()?.join(format!("{}.json", report.suite));
        let _ = fs::remove_file(&json);
        let mut command = clean_command(program, &["PYWATS_", "CARGO_TARGET_DIR", "XDG_CACHE_HOME"]);
        command.arg(&report.suite).arg("--json").arg(&json).arg("--dist").arg(workspace::dist());
        command.args(self.further_arguments(&report.suite)?);
        if report.suite == "mingw" {
            command.envs(mingw_environment()?);
        }
        if report.suite == "models" {
            command.env("PYWATS_MODELS", models()?);
        }
        if report.suite == "apple" {
            let name = format!("apple-judges-{}", wheels::version_of_python()?);
            command.env("PYWATS_APPLE_JUDGES", wheels::ready(&name, APPLE, &Progress::lines())?);
        }
        if ["apple", "apple-signing"].contains(&report.suite.as_str()) {
            command.env("PYWATS_APPLE_ENGINE", Engine::modules()?);
        }
        if report.suite == "appliance" {
            command.env("PYWATS_QEMU", qemu("x86_64")?).envs(appliance::ingredients(&Progress::lines())?);
            if self.test.all {
                command.env("PYWATS_QEMU_ARM", qemu("aarch64")?);
            }
        }
        if report.suite == "page" {
            command.env(
                "PYWATS_PROMETHEUS",
                wheels::ready("prometheus-client", PROMETHEUS, &Progress::lines())?,
            );
        }
        if report.suite == "wheels" {
            command.envs(wheels_environment()?);
        }
        if suites::all().iter().any(|suite| suite.name == report.suite && suite.tools) {
            command.env(release_tools::PROGRAM, self.made.compiled.get()?.program("release-tools")?);
        }
        if report.suite == "installers" {
            command.env("PYWATS_POWERSHELL", workflows::powershell()?);
        }
        if report.suite == "image" {
            command.env("PYWATS_SCHEMAS", schemas()?);
        }
        if report.suite == "describe" {
            command.envs(describe_environment()?);
        }
        command.current_dir(workspace::root()).env("XTASK", self.xtask);
        voice.say(&format!("$ {}", process::show(&command)));
        let outcome = process::run(command, |line| voice.say(line));
        stop_if_interrupted()?;
        let text = fs::read_to_string(&json).unwrap_or_default();
        if let Ok(Outcome { artifacts, cases }) = serde_json::from_str(&text) {
            let count = |outcome: &str| cases.iter().filter(|case| case["outcome"] == outcome).count();
            (report.passed, report.failed, report.not_run) =
                (count("passed"), count("failed"), count("not_run"));
            (report.artifacts, report.cases) = (artifacts, cases);
        }
        if let Err(error) = outcome {
            report.error = Some(first_line(&error));
            report.failed += usize::from(report.failed + report.not_run == 0);
        } else if report.passed == 0 {
            report.not_run = 1;
            report.error = Some("the acceptance bench ran no case".to_owned());
        }
        Ok(())
    }

    /// What the command line says of this suite, and what it needs besides installed programs.
    fn further_arguments(self, suite: &str) -> Result<Vec<OsString>> {
        let mut arguments: Vec<OsString> = Vec::new();
        if self.test.all {
            arguments.push("--all".into());
        }
        if let Some(only) = &self.test.only {
            arguments.extend(["--only".into(), only.into()]);
        }
        for artifact in &self.test.artifacts {
            ensure!(artifact.exists(), "there is no artifact {}", artifact.display());
            arguments.extend(["--artifact".into(), artifact.into()]);
        }
        if suite == "nix" {
            arguments.extend(nix::arguments(self.test)?);
        }
        Ok(arguments)
    }
}

/// Where the suite models finds the vendor's Python library. A part of it is compiled for one version of Python.
fn models() -> Result<PathBuf> {
    let name = format!("pywats-api-{}", wheels::version_of_python()?);
    wheels::ready(&name, MODELS, &Progress::lines())
}

/// Where the suite image finds the wheels that have schemas. A part of them is for one version of Python.
fn schemas() -> Result<PathBuf> {
    let name = format!("schemas-{}", wheels::version_of_python()?);
    wheels::download(&Cache::open()?, &name, SCHEMAS, &Progress::lines())
}

/// Where the suite describe finds its judges, and zig. A part of the judges is compiled for one version of Python.
fn describe_environment() -> Result<[(&'static str, PathBuf); 2]> {
    let progress = Progress::lines();
    let judges = wheels::ready(&format!("judges-{}", wheels::version_of_python()?), JUDGES, &progress)?;
    let zig = zig::prepare(&Cache::open()?, &progress)?.program();
    let zig = zig.parent().context("zig has no folder")?.to_owned();
    Ok([("PYWATS_JUDGES", judges), ("PYWATS_ZIG", zig)])
}

/// Where the suite wheels finds pip, its judges, and the wheels of the vendor's library with what its client needs. Parts of
/// both are compiled for one version of Python.
fn wheels_environment() -> Result<[(&'static str, PathBuf); 3]> {
    let (progress, python) = (Progress::lines(), wheels::version_of_python()?);
    let pip = wheels::ready("pip", &wheels::only(WHEEL_JUDGES, &["pip"]), &progress)?;
    let judges = wheels::ready(&format!("wheel-judges-{python}"), WHEEL_JUDGES, &progress)?;
    let neighbours = format!("{MODELS}{NEIGHBOURS}");
    let neighbours = wheels::ready_files(&format!("pywats-api-headless-{python}"), &neighbours, &progress)?;
    Ok([("PYWATS_WHEEL_PIP", pip), ("PYWATS_WHEEL_JUDGES", judges), ("PYWATS_WHEEL_NEIGHBOURS", neighbours)])
}

/// What the suite appliance starts machines with: QEMU, and firmware.
fn qemu(architecture: &str) -> Result<String> {
    let progress = Progress::lines();
    let qemu::Qemu { system, environment, img, .. } = qemu::prepare(architecture, &progress)?;
    let firmware = qemu::secure_boot(&progress)?;
    let said = json!({ "system": system, "environment": environment, "img": img, "firmware": firmware });
    Ok(said.to_string())
}

/// Where the suite mingw finds the standard library for Windows, if the compiler has none of its own.
fn mingw_environment() -> Result<Option<(&'static str, PathBuf)>> {
    let windows: Vec<_> = build::targets()?.iter().filter(|t| t.triple == "x86_64-pc-windows-gnu").collect();
    let progress = Progress::lines();
    inputs::fetch(&progress)?;
    let sysroots = Toolchain::prepare(&windows, &progress)?.sysroots;
    Ok(sysroots.into_iter().next().map(|(_, sysroot)| ("PYWATS_MINGW_SYSROOT", sysroot)))
}

fn push<'a>(jobs: &mut Vec<Job<'a>>, job: Job<'a>) -> usize {
    jobs.push(job);
    jobs.len() - 1
}
