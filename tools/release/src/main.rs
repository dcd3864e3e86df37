//! `release-tools VERB`: what a release needs and the build does not. `cargo xtask repo` starts it.
//!
//! It is a program of its own because OpenPGP is large, and `cargo xtask` is what everybody compiles first.

mod describe;
mod openpgp;
mod repository;
mod rpm_header;
mod settings;
mod signer;

use clap::Parser;
use std::process::ExitCode;

/// What a release needs and the build does not.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Verb {
    Describe(describe::Describe),
    Repo(repository::Repo),
}

fn main() -> ExitCode {
    let result = match Verb::parse() {
        Verb::Describe(verb) => verb.run(),
        Verb::Repo(verb) => verb.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
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
