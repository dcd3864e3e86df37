//! `release-tools VERB`: what a release needs and the build does not. `cargo xtask repo` and `release` start it.
//!
//! It is a program of its own because OpenPGP is large, and `cargo xtask` is what everybody compiles first.

mod address;
mod compare;
mod describe;
mod dsse;
mod fetch;
mod http;
mod open;
mod openpgp;
mod publish;
mod repository;
mod rpm_header;
mod rpm_signature;
mod seal;
mod settings;
mod shown;
mod sign;
mod signatures;
mod signer;
mod ssh;
mod sums;
mod verify;
mod wire;

use clap::Parser;
use std::process::ExitCode;

/// What a release needs and the build does not.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Verb {
    Compare(compare::Compare),
    Describe(describe::Describe),
    Open(open::Open),
    Publish(Box<publish::Publish>),
    Repo(repository::Repo),
    Sign(sign::Sign),
    Seal(seal::Seal),
    Verify(verify::Verify),
}

fn main() -> ExitCode {
    let result = match Verb::parse() {
        Verb::Compare(verb) => verb.run(),
        Verb::Describe(verb) => verb.run(),
        Verb::Open(verb) => verb.run(),
        Verb::Publish(verb) => verb.run(),
        Verb::Repo(verb) => verb.run(),
        Verb::Sign(verb) => verb.run(),
        Verb::Seal(verb) => verb.run(),
        Verb::Verify(verb) => verb.run(),
    };
    let Err(error) = result else { return ExitCode::SUCCESS };
    if let Some(waiting) = error.chain().find_map(|cause| cause.downcast_ref::<signatures::Waiting>()) {
        eprintln!("{waiting}\nto go on from here, run the same command again later");
        return ExitCode::from(signer::NOT_YET);
    }
    // The chain of causes, without the stack traces that RUST_BACKTRACE would add.
    eprintln!("error: {}", shown::shown(&error.to_string()));
    for cause in error.chain().skip(1) {
        eprintln!("  because: {}", shown::shown(&cause.to_string()));
    }
    ExitCode::FAILURE
}
