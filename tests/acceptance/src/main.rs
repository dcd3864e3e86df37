//! `acceptance SUITE`: judges finished artifacts, by programs that other people wrote and by installing them.
//!
//! A suite takes the artifacts to judge as arguments (`--artifact`), by default those in `dist/`. It ends
//! with a line `N passed, N failed, N not run` and exits 0 only if nothing failed and everything ran.

mod bench;
mod browser;
mod client;
mod command;
mod edits;
mod products;
mod scratch;
mod suites;

use anyhow::Result;
use bench::Bench;
use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;

/// Judges finished artifacts.
#[derive(Parser)]
struct Arguments {
    /// What to run.
    suite: String,
    /// An artifact to judge instead of those in the distribution folder; may be repeated.
    #[arg(long = "artifact", value_name = "FILE")]
    artifacts: Vec<PathBuf>,
    /// The distribution folder.
    #[arg(long, value_name = "DIR", default_value = "dist")]
    dist: PathBuf,
    /// Also what takes long: more than the suite does by default.
    #[arg(long)]
    all: bool,
    /// For the suite nix: where its tools are, as `cargo xtask test` writes it.
    #[arg(long, value_name = "FILE")]
    tools: Option<PathBuf>,
    /// Runs only the cases whose name contains this text.
    #[arg(long)]
    only: Option<String>,
    /// Writes the outcome of every case to this file as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let run = suites::by_name(&arguments.suite)?;
    let mut bench = Bench::new(&arguments.artifacts, &arguments.dist, arguments.only)?;
    bench.thorough = arguments.all;
    bench.tools = arguments.tools;
    if let Err(error) = run(&mut bench) {
        bench.fail("the suite itself", &error);
    }
    let passed = bench.finish(&arguments.suite, arguments.json.as_deref())?;
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
