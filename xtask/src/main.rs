//! `cargo xtask VERB`: builds, packages, signs and tests, on any Linux machine and without root.
//!
//! A module per verb, and modules that they share. The verbs only orchestrate: what a
//! package contains is decided by the crate `packager`, what a program does by its own crate.

mod apple;
mod appliance;
mod archive;
mod authenticode;
mod bench;
mod build;
mod cache;
mod dist;
mod evidence;
mod inputs;
mod judges;
mod lint;
mod plan;
mod process;
mod progress;
mod release;
mod release_tools;
mod repo;
mod room;
mod settings;
mod sign;
mod test;
mod toolchain;
mod untrusted;
mod verify;
mod vm;
mod winget;
mod workspace;

use clap::Parser;
use std::process::ExitCode;

/// Builds, packages, signs and tests the pyWATS client.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Verb {
    Dist(dist::Dist),
    Test(test::Test),
    Lint(lint::Lint),
    Bench(bench::Bench),
    Sign(sign::Sign),
    Verify(verify::Verify),
    Winget(winget::Winget),
    Release(release::Release),
    Repo(repo::Repo),
    Evidence(evidence::Evidence),
    Vm(vm::Vm),
    Appliance(appliance::Appliance),
}

fn main() -> ExitCode {
    process::catch_interrupts();
    let verb = Verb::parse();
    let result = workspace::find().and_then(|()| match verb {
        Verb::Dist(verb) => verb.run(),
        Verb::Test(verb) => verb.run(),
        Verb::Lint(verb) => verb.run(),
        Verb::Bench(verb) => verb.run(),
        Verb::Sign(verb) => verb.run(),
        Verb::Verify(verb) => verb.run(),
        Verb::Winget(verb) => verb.run(),
        Verb::Release(verb) => verb.run(),
        Verb::Repo(verb) => verb.run(),
        Verb::Evidence(verb) => verb.run(),
        Verb::Vm(verb) => verb.run(),
        Verb::Appliance(verb) => verb.run(),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) if process::interrupted() => {
            eprintln!("interrupted; nothing half-written was left behind");
            ExitCode::from(130)
        }
        Err(error) => {
            // The chain of causes, without the stack traces that RUST_BACKTRACE would add.
            eprintln!("error: {error}");
            for cause in error.chain().skip(1) {
                eprintln!("  because: {cause}");
            }
            ExitCode::FAILURE
        }
    }
}
