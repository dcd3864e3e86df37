//! What formatter and linter say of the Nix files.

use super::workshop::{Workshop, system};
use crate::bench::Bench;

/// Builds the flake's own checks of its files: the same ones that `nix flake check` runs elsewhere.
pub(super) fn run(bench: &mut Bench, workshop: &Workshop) {
    for (check, name) in [
        ("nix-style", "Nix files are formatted, and say nothing that nothing uses"),
        ("toolchain", "the compiler is the one of rust-toolchain.toml, with every target"),
        ("scenario-types", "scenarios ask the test driver for what it has"),
        ("fmt", "the check of Rust's format builds"),
        ("deny", "the check of licences and sources of dependencies builds"),
    ] {
        bench.case(name, || {
            workshop.build(&[workshop.output(&format!("checks.{}.{check}", system()))]).map(drop)
        });
    }
}
