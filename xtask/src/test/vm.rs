//! The suite `vm`: `cargo xtask vm`, in a process of its own, whose results are those of the suite; and that nothing is
//! left behind of a run that is broken off.

use super::commands::Distribution;
use super::report::{Outcome, Report, Voice, first_line, folder};
use crate::process::{self, stop_if_interrupted};
use crate::toolchain::rust::clean_command;
use crate::workspace;
use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a machine may take until it is there, or gone.
const PATIENCE: Duration = Duration::from_secs(600);

/// Runs the scenarios on `dist/`.
pub(super) fn run(run: &Distribution<'_>, voice: &Voice, report: &mut Report) -> Result<()> {
    let json = folder()?.join("vm.json");
    let _ = fs::remove_file(&json);
    let mut command = verb(run);
    if run.thorough {
        command.arg("--all");
    }
    voice.say(&format!("$ {}", process::show(&command)));
    let ended = process::run(command, |line| voice.say(line));
    process::stop_if_interrupted()?;
    let text = fs::read_to_string(&json).unwrap_or_default();
    match (serde_json::from_str(&text), ended) {
        (Ok(Outcome { artifacts, cases }), ended) => {
            let count = |outcome: &str| cases.iter().filter(|case| case["outcome"] == outcome).count();
            (report.passed, report.failed, report.not_run) =
                (count("passed"), count("failed"), count("not_run"));
            (report.artifacts, report.cases) = (artifacts, cases);
            report.error = ended.err().map(|error| first_line(&error));
            ends(run, voice, report)
        }
        (Err(_), Err(error)) => Err(error),
        (Err(error), Ok(())) => bail!("{}: {error}", json.display()),
    }
}

/// `cargo xtask vm`.
fn verb(run: &Distribution<'_>) -> Command {
    let mut command = clean_command(run.xtask, &["PYWATS_", "CARGO_TARGET_DIR", "XDG_CACHE_HOME"]);
    command.arg("vm").current_dir(workspace::root());
    command
}

/// Breaks runs off, as Ctrl-C does, and as the kernel does that is out of memory.
fn ends(run: &Distribution<'_>, voice: &Voice, report: &mut Report) -> Result<()> {
    for (signal, name) in [(Signal::INT, "interrupted"), (Signal::KILL, "killed")] {
        let name = format!("a run that is {name} leaves neither a machine nor a folder");
        if report.failed + report.not_run > 0 {
            // It would empty the folder with the console and the journal of what failed.
            report.skip(&name, "a scenario did not pass");
            continue;
        }
        let began = Instant::now();
        let ended = broken_off(run, signal);
        stop_if_interrupted()?;
        let error = ended.err().map(|error| format!("{error:#}"));
        voice.say(&format!("{:<8} {name}", if error.is_none() { "ok" } else { "FAILED" }));
        report.count(&name, began.elapsed().as_secs_f64(), error.as_deref());
        report.error = report.error.take().or(error);
    }
    Ok(())
}

/// Starts a run, breaks it off by a signal once it has a machine, and looks for what is left.
fn broken_off(run: &Distribution<'_>, signal: Signal) -> Result<()> {
    let mut command = verb(run);
    command.arg("package").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().context("starting cargo xtask vm")?;
    // The name of its folder begins so, and its machine has a disk in that.
    let mark = format!("work-{}-", child.id());
    let has_machine = || running(&mark).iter().any(|command| command.contains("root.qcow2"));
    let started = wait_until(|| has_machine() || matches!(child.try_wait(), Ok(Some(_))));
    let machine = has_machine();
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("a process without a number")?;
    let sent = kill_process(id, if started.is_ok() { signal } else { Signal::TERM });
    child.wait()?;
    started.context("waiting for a machine")?;
    ensure!(machine, "the run ended before it had a machine");
    sent.context("sending a signal to it")?;
    wait_until(|| running(&mark).is_empty() && folders(&mark).is_empty())
        .with_context(|| format!("left behind: {:?}, {:?}", running(&mark), folders(&mark)))
}

/// Waits until something is so.
fn wait_until(mut so: impl FnMut() -> bool) -> Result<()> {
    let began = Instant::now();
    while !so() {
        stop_if_interrupted()?;
        ensure!(began.elapsed() < PATIENCE, "in vain for {} s", PATIENCE.as_secs());
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// The command lines of processes that have a text in it.
fn running(text: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    lines
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(text))
        .collect()
}

/// The folders of the bench whose names begin with a text.
fn folders(text: &str) -> Vec<String> {
    let folders = fs::read_dir(workspace::target("vm")).into_iter().flatten().flatten();
    let names = folders.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with(text)).collect()
}
