//! The suite `vm`: `cargo xtask vm`, in a process of its own, whose results are those of the suite.

use super::commands::Distribution;
use super::report::{Outcome, Report, Voice, first_line, folder};
use crate::process;
use crate::toolchain::rust::clean_command;
use crate::workspace;
use anyhow::{Result, bail};
use std::fs;

/// Runs the scenarios on `dist/`.
pub(super) fn run(run: &Distribution<'_>, voice: &Voice, report: &mut Report) -> Result<()> {
    let json = folder()?.join("vm.json");
    let _ = fs::remove_file(&json);
    let mut command = clean_command(run.xtask, &["PYWATS_", "CARGO_TARGET_DIR", "XDG_CACHE_HOME"]);
    command.arg("vm").current_dir(workspace::root());
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
            Ok(())
        }
        (Err(_), Err(error)) => Err(error),
        (Err(error), Ok(())) => bail!("{}: {error}", json.display()),
    }
}
