//! `cargo xtask sign` and `cargo xtask verify` for macOS: keys, stored signatures, whatever somebody could do to a signed
//! file, and a stand-in of Apple's notary.
//!
//! Keys, authority and servers are made for the run and thrown away. The programs that are signed are those of the
//! archives: nothing is built.

mod keys;
mod notary;
mod verdicts;
mod workshop;

use crate::bench::Bench;
use anyhow::Result;
use std::path::Path;
use workshop::Workshop;

type Case = fn(&Workshop, &Path) -> Result<()>;

/// Runs every case.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let archives = ["-x86_64-apple-darwin.tar.gz", "-aarch64-apple-darwin.tar.gz"];
    let archives = archives.map(|ending| bench.artifact(ending));
    let workshop = Workshop::open(&bench.folder("workshop")?, archives)?;
    for (name, case) in [keys::CASES, verdicts::CASES, notary::CASES].into_iter().flatten() {
        let folder = bench.folder(name)?;
        bench.case(name, || case(&workshop, &folder));
    }
    Ok(())
}
