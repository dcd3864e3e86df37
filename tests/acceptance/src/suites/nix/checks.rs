//! The flake's own checks, as far as they take seconds: `nix flake check` runs the same ones elsewhere.

use super::workshop::{Workshop, system};
use crate::bench::Bench;

pub(super) fn run(bench: &mut Bench, workshop: &Workshop) {
    for (check, name) in [
        ("nix-style", "Nix files are formatted, and say nothing that nothing uses"),
        ("toolchain", "the compiler is the one of rust-toolchain.toml, with every target"),
        ("nixos-unit", "the unit of the NixOS module is the packaged one, line by line"),
        ("nixos-module", "the NixOS module makes of each configuration what it must, or refuses it"),
        ("nixos-appliance", "the appliance of NixOS is closed until it is configured, and open to operators alone"),
        ("scenario-types", "scenarios ask the test driver for what it has"),
        ("fmt", "the check of Rust's format builds"),
        ("deny", "the check of licences and sources of dependencies builds"),
    ] {
        bench.case(name, || {
            workshop.build(&[workshop.output(&format!("checks.{}.{check}", system()))]).map(drop)
        });
    }
}
