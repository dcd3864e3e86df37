//! The flake: read, evaluated, and built for real in Nix's sandbox, over stand-ins (`tests/nix/stand-ins`) for
//! nixpkgs, crane, rust-overlay and nix-vm-test. What that proves, and what only a machine with internet can
//! prove, is said in `docs/nix.md`.

mod builds;
mod checks;
mod inputs;
mod outputs;
mod workshop;

use crate::bench::Bench;
use anyhow::{Context, Result};
use workshop::Workshop;

/// Judges the flake of this checkout, then what it makes: what has the bits of `cargo xtask dist` was judged by the other
/// suites.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let tools = bench.tools.clone().context("run this suite with `cargo xtask test nix`")?;
    let workshop = Workshop::open(&tools, &bench.folder("nix")?)?;
    checks::run(bench, &workshop);
    inputs::run(bench, &workshop)?;
    outputs::run(bench, &workshop)?;
    builds::run(bench, &workshop)?;
    outputs::run_with_repositories(bench, &tools)?;
    workshop.close()
}
