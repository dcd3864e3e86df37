//! `cargo xtask bench client`: builds the client as users get it, and the program `client-bench`, which measures it.

use crate::process;
use crate::toolchain::rust::clean_command;
use crate::workspace;
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::process::Command;

/// Measures what has been built
#[derive(clap::Args)]
pub(crate) struct Bench {
    #[command(subcommand)]
    what: What,
}

/// What is measured.
#[derive(clap::Subcommand)]
enum What {
    Client(Client),
}

/// Measures the client side by side with a plain loop in Python
///
/// Reports a second, processor time, syncs and bytes written a report, latency, memory, a queue of 50,000, and 100,000
/// files in ten folders. The table is for people; `target/bench/client.json` has every run. A machine that does other
/// work gives other figures.
#[derive(clap::Args)]
struct Client {
    /// Another client to measure, such as that of an earlier release, in place of the one of this checkout
    #[arg(long, value_name = "FILE")]
    client: Option<PathBuf>,
    /// What else `client-bench` is to be told, behind `--`: `-- --help` lists it
    #[arg(last = true)]
    arguments: Vec<String>,
}

impl Bench {
    pub(crate) fn run(self) -> Result<()> {
        let What::Client(client) = self.what;
        client.run()
    }
}

impl Client {
    fn run(self) -> Result<()> {
        let client = match self.client {
            Some(client) => std::path::absolute(client)?,
            // By itself: built together with others, it would get their features of its libraries.
            None => build("pywats-client")?,
        };
        let mut command = clean_command(build("client-bench")?, &[]);
        command.arg("--client").arg(client).arg("--out").arg(workspace::target("bench"));
        command.args(self.arguments).current_dir(workspace::root());
        process::run(command, |line| println!("{line}")).context("measuring the client")
    }
}

/// Builds a program for this machine, without debug information and optimised.
fn build(package: &str) -> Result<PathBuf> {
    let target = workspace::root().join("target");
    let mut command = Command::new("cargo");
    command.args(["build", "--release", "--package", package, "--target-dir"]).arg(&target);
    command.current_dir(workspace::root());
    println!("$ {}", process::show(&command));
    process::run(command, |line| println!("{line}")).with_context(|| format!("building {package}"))?;
    Ok(target.join("release").join(package))
}
