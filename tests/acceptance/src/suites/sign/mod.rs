//! `cargo xtask sign` and `cargo xtask verify`: keys of every kind, time stamp servers that fail, stored signatures,
//! and whatever somebody could do to a signed file.
//!
//! The keys, the authority and the time stamp servers are made for the run and thrown away. The program that is
//! signed is the one in the MSI: nothing is built.

pub(super) mod authority;
mod detached;
mod glued;
mod keys;
mod plan;
mod release;
mod roots;
mod secrets;
pub(super) mod server;
mod stamps;
mod verdicts;
mod workshop;

use crate::bench::Bench;
use anyhow::Result;
use std::path::Path;
use workshop::Workshop;

type Case = fn(&Workshop, &Path) -> Result<()>;

/// Runs every case.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let installers = (bench.artifact("-x64.msi")?, bench.artifact("-arm64.msi")?);
    let workshop = Workshop::open(&bench.folder("workshop")?, installers)?;
    let cases = [
        keys::CASES,
        stamps::CASES,
        roots::CASES,
        detached::CASES,
        verdicts::CASES,
        glued::CASES,
        plan::CASES,
        release::CASES,
        secrets::CASES,
    ];
    for (name, case) in cases.into_iter().flatten() {
        let folder = bench.folder(name)?;
        bench.case(name, || case(&workshop, &folder));
    }
    Ok(())
}
