//! `cargo xtask vm`: scenarios in virtual machines.
//!
//! `tests/vm/bench.toml` names guests and scenarios. Here guests are made ([`image`]), booted once and kept as they are
//! then ([`job`]), handed the packages of `dist/` ([`handed`]), and the results summed up. What happens in a guest is
//! Python in `tests/vm`, because scenarios are written for the NixOS test driver: `tests/vm/bench` speaks its
//! interface.

#[cfg(test)]
mod denied;
mod handed;
mod image;
mod job;
mod policy;
mod registry;
mod repository;
mod table;

use crate::process::{self, stop_if_interrupted};
use crate::progress::Progress;
use crate::test::prerequisites;
use crate::test::report::{Judged, Report, Sources, first_line};
use crate::toolchain::qemu::{self, Qemu};
use crate::toolchain::rust::clean_command;
use crate::workspace;
use anyhow::{Context, Error, Result, anyhow, bail};
use image::Image;
use job::{Accelerator, Job, Startable, keep};
use policy::Policy;
use registry::{Guest, Scenario};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;
use table::{Figures, Results, Table};
use tempfile::TempDir;

/// Installs, upgrades and removes the packages in virtual machines
///
/// Without arguments: every scenario but the long ones, each in one guest. Guests are made of Debian's packages, booted
/// once, and kept in the cache as they are then. `target/vm` has the console and the journal of what failed.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Vm {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    scenarios: Scenarios,
}

#[derive(clap::Subcommand)]
enum Verb {
    Shell(Shell),
}

#[derive(clap::Args)]
struct Scenarios {
    /// The scenarios to run; by default all but the long ones
    scenarios: Vec<String>,
    /// Runs every scenario, the long ones too, in every guest that it is for
    #[arg(long)]
    all: bool,
    /// Runs in this guest instead of the first of a scenario's; may be repeated
    #[arg(long = "guest", value_name = "GUEST")]
    guests: Vec<String>,
    #[command(flatten)]
    bench: Bench,
    /// Lists guests and scenarios, and ends
    #[arg(long)]
    list: bool,
}

/// Gives a root shell in a machine with the package installed
#[derive(clap::Args)]
struct Shell {
    /// The guest, such as debian-13
    guest: String,
    /// Does not install the package
    #[arg(long)]
    bare: bool,
    #[command(flatten)]
    bench: Bench,
}

/// What all guests have in common.
#[derive(clap::Args)]
struct Bench {
    /// The folder with the packages, instead of dist/
    #[arg(long, value_name = "DIR")]
    dist: Option<PathBuf>,
    /// How the guests' processors are had; the machine's own are not tried unless asked for
    #[arg(long, value_enum, default_value_t = Accelerator::Tcg)]
    accelerator: Accelerator,
    /// Boots each guest instead of taking it as it was once it had booted
    #[arg(long)]
    boot: bool,
}

/// Where the test server listens. A scenario has a network of its own, so nobody else does.
const PORT: u16 = 80;

impl Vm {
    pub(crate) fn run(self) -> Result<()> {
        match self.verb {
            Some(Verb::Shell(shell)) => shell.run(),
            None => self.scenarios.run(),
        }
    }
}

/// Why there is no guest.
enum Missing {
    /// It could not be made here.
    NotMade(Error),
    /// It did not boot, or did not take the policy.
    Failed(Error),
}

impl Bench {
    fn dist(&self) -> PathBuf {
        self.dist.clone().unwrap_or_else(workspace::dist)
    }

    /// A guest that can be started.
    fn guest(&self, guest: &Guest, progress: &Progress) -> Result<Startable, Missing> {
        // Without root, or an archive of Debian, there is no guest, which says nothing of the package.
        let made = || {
            let qemu = qemu::prepare(&guest.architecture, progress)?;
            Ok((image::prepare(guest, &qemu, progress)?, qemu))
        };
        let (image, qemu) = made().map_err(Missing::NotMade)?;
        self.started(guest, &image, &qemu, progress).map_err(Missing::Failed)
    }

    /// The same, once there is an image.
    fn started(&self, guest: &Guest, image: &Image, qemu: &Qemu, progress: &Progress) -> Result<Startable> {
        let startable = Startable::booted(guest, image, qemu, self.accelerator);
        // The machine for ARM takes no further disk once it runs, and so cannot be saved before it is handed one.
        if self.boot || guest.architecture == "aarch64" {
            return Ok(startable);
        }
        let policy = Policy::of(guest, &self.dist())?;
        startable.restored(guest, image, qemu, self.accelerator, policy.as_ref(), progress)
    }

    /// The policy that a guest has yet to load.
    fn policy(&self, guest: &Guest) -> Result<Option<Policy>> {
        if self.boot { Policy::of(guest, &self.dist()) } else { Ok(None) }
    }
}

impl Scenarios {
    fn run(self) -> Result<()> {
        if self.list {
            print!("{}", registry::list());
            return Ok(());
        }
        let started = Instant::now();
        let chosen = registry::choose(&self.scenarios, &self.guests, self.all)?;
        prerequisites::provide_for("vm")?;
        let sources = Sources::of_the_workspace();
        let progress = Progress::lines();
        let server = test_server(&progress)?;
        let mut guests: BTreeMap<&str, Result<Startable, Missing>> = BTreeMap::new();
        let (mut report, mut table) = (Report::new("vm"), Table::default());
        for (scenario, guest) in &chosen {
            stop_if_interrupted()?;
            // A guest that cannot be had leaves the others alone.
            let startable = guests.entry(&guest.name).or_insert_with(|| self.bench.guest(guest, &progress));
            stop_if_interrupted()?;
            let (began, before) = (Instant::now(), report.cases.len());
            let ended = match startable {
                Ok(startable) => self.scenario(scenario, guest, startable.clone(), &server, &mut report),
                Err(Missing::Failed(error)) => Err(anyhow!("{error:#}")),
                Err(Missing::NotMade(error)) => {
                    let (name, error) = (name(scenario, guest), format!("{error:#}"));
                    println!("not run  {name}: {error}");
                    report.skip(&name, &error);
                    Ok(Figures::default())
                }
            };
            stop_if_interrupted()?;
            let seconds = began.elapsed().as_secs_f64();
            let figures = ended.unwrap_or_else(|error| {
                let name = name(scenario, guest);
                println!("FAILED   {name}: {error:#}");
                report.count(&name, seconds, Some(&format!("{error:#}")));
                Figures::default()
            });
            table.add(scenario, guest, seconds, &report.cases[before..], figures);
        }
        report.seconds = started.elapsed().as_secs_f64();
        sources.write(&report)?;
        table.write()?;
        summarise(&report, &table)
    }

    /// Runs one scenario in one guest, and adds its cases; returns what it counted.
    fn scenario(
        &self,
        scenario: &Scenario,
        guest: &Guest,
        startable: Startable,
        server: &Path,
        report: &mut Report,
    ) -> Result<Figures> {
        let name = name(scenario, guest);
        println!("== {name}");
        let keep = keep(&name)?;
        let work = work()?;
        let handed = handed::make(guest, &self.bench.dist(), work.path())?;
        let records = work.path().join("records");
        fs::create_dir(&records)?;
        let policy = self.bench.policy(guest)?;
        let mut constants = handed::constants(guest, server, PORT, &records);
        constants.insert("THOROUGH".to_owned(), self.all.into());
        constants.extend(policy.as_ref().map(Policy::constants).unwrap_or_default());
        if scenario.repository {
            constants.extend(repository::make(&handed, work.path())?);
        }
        if scenario.appimage {
            let row = format!("appimage-{}", guest.architecture);
            constants.insert("APPIMAGE".to_owned(), json!(handed::of_row(&row, &self.bench.dist())?));
        }
        let names =
            ["steps"].into_iter().chain(scenario.with.iter().map(String::as_str)).chain([&*scenario.name]);
        let scripts = names.map(|name| workspace::root().join(format!("tests/vm/{name}.py")));
        let job = Job {
            name: name.clone(),
            guest: startable,
            handed: Some(handed.disk),
            work: work.path().join("run"),
            constants,
            scripts: policy.iter().map(|_| Policy::script()).chain(scripts).collect(),
            keep,
        };
        let results = work.path().join("results.json");
        let ended =
            process::run(job.command("run", &[&results.to_string_lossy()])?, |line| println!("{line}"));
        stop_if_interrupted()?;
        let text = fs::read_to_string(&results).unwrap_or_default();
        let Results { cases, figures } = serde_json::from_str(&text).unwrap_or_default();
        if cases.is_empty() {
            ended?;
            bail!("the bench ran no case");
        }
        for case in cases {
            match case["outcome"].as_str() {
                Some("passed") => report.passed += 1,
                Some("failed") => report.failed += 1,
                _ => report.not_run += 1,
            }
            report.cases.push(case);
        }
        if let Err(error) = ended {
            report.error = Some(first_line(&error));
        }
        handed.packages.iter().try_for_each(|package| judge(report, package))?;
        Ok(figures)
    }
}

impl Shell {
    fn run(self) -> Result<()> {
        let guest = registry::guest(&self.guest)?;
        prerequisites::provide_for("vm")?;
        let startable = self.bench.guest(guest, &Progress::new());
        let startable = startable.map_err(|(Missing::NotMade(error) | Missing::Failed(error))| error)?;
        let work = work()?;
        let name = format!("shell-{}", guest.name);
        let policy = self.bench.policy(guest)?;
        let mut constants = handed::constants(guest, Path::new(""), PORT, work.path());
        constants.extend(policy.as_ref().map(Policy::constants).unwrap_or_default());
        let mut scripts: Vec<_> = policy.iter().map(|_| Policy::script()).collect();
        let handed = if self.bare {
            None
        } else {
            scripts.push(workspace::root().join("tests/vm/installed.py"));
            Some(handed::make(guest, &self.bench.dist(), work.path())?.disk)
        };
        let job = Job {
            name: name.clone(),
            guest: startable,
            handed,
            work: work.path().join("run"),
            keep: keep(&name)?,
            constants,
            scripts,
        };
        let mut command = job.command("shell", &[])?;
        command.stdin(Stdio::inherit());
        let ended = command.status().context("starting the bench")?;
        if !ended.success() {
            bail!("the bench failed ({ended}); {} has the console", job.keep.display());
        }
        Ok(())
    }
}

/// The name of a scenario in a guest, as `nix/vm` has it: the evidence names machines so.
fn name(scenario: &Scenario, guest: &Guest) -> String {
    let base = format!("vm-{}-{}", guest.format, guest.name);
    if scenario.name == "package" { base } else { format!("{base}-{}", scenario.name) }
}

/// Notes that an artifact was judged.
fn judge(report: &mut Report, package: &Path) -> Result<()> {
    let name = package.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if report.artifacts.iter().all(|judged| judged.name != name) {
        report.artifacts.push(Judged { name, sha256: packager::digest::sha256_file(package)? });
    }
    Ok(())
}

/// A folder for what is thrown away. Those of earlier runs that were killed go first.
fn work() -> Result<TempDir> {
    let folder = workspace::target("vm");
    let making = || format!("making a folder in {}", folder.display());
    fs::create_dir_all(&folder).with_context(making)?;
    for entry in fs::read_dir(&folder).with_context(making)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let process = name.strip_prefix("work-").and_then(|rest| rest.split('-').next());
        if process.is_some_and(|id| !Path::new("/proc").join(id).exists()) {
            fs::remove_dir_all(entry.path())
                .with_context(|| format!("removing {}", entry.path().display()))?;
        }
    }
    let prefix = format!("work-{}-", std::process::id());
    tempfile::Builder::new().prefix(&prefix).tempdir_in(&folder).with_context(making)
}

/// The test server, compiled for this machine.
fn test_server(progress: &Progress) -> Result<PathBuf> {
    let step = progress.step("test server");
    let mut command = clean_command("cargo", &["PYWATS_", "CARGO_TARGET_DIR"]);
    // All packages, so that their features are those of the whole workspace.
    command
        .args(["build", "--quiet", "--workspace", "--bin", "wats-test-server"])
        .current_dir(workspace::root());
    process::run(command, |line| step.note(line)).context("compiling the test server")?;
    step.done();
    Ok(workspace::target("debug").join("wats-test-server"))
}

/// Says what became of everything, and fails unless it has passed.
fn summarise(report: &Report, table: &Table) -> Result<()> {
    println!();
    for case in &report.cases {
        let text = |field: &str| case[field].as_str().unwrap_or_default().replace('_', " ");
        println!(
            "{:<8} {:>6.1} s  {}",
            text("outcome"),
            case["seconds"].as_f64().unwrap_or_default(),
            text("name")
        );
    }
    print!("\n{}", table.shown());
    let Report { passed, failed, not_run, seconds, .. } = report;
    println!("{passed} passed, {failed} failed, {not_run} skipped ({seconds:.0} s)");
    if failed + not_run > 0 {
        bail!("{failed} cases failed, and {not_run} could not run; target/vm has consoles and journals");
    }
    Ok(())
}
