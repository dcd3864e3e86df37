//! `cargo xtask sign` and `cargo xtask verify` for macOS: keys, stored signatures, whatever somebody could do to a signed
//! file, and a stand-in of Apple's notary.
//!
//! Keys, authority and servers are made for the run and thrown away. The programs that are signed are those of the
//! archives: nothing is built. Most cases sign them alone; the application, the package and the disk image are made of the
//! same once, and once more for each thing that is theirs alone.

mod keys;
mod nested;
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
    let app = bench.artifact("-macos-app.zip");
    let workshop = Workshop::open(&bench.folder("workshop")?, archives, app?)?;
    let long = if bench.thorough { [nested::LONG_CASES, notary::LONG_CASES] } else { [&[][..]; 2] };
    let usual = [keys::CASES, nested::CASES, verdicts::CASES, notary::CASES];
    for (name, case) in usual.into_iter().chain(long).flatten() {
        let folder = bench.folder(name)?;
        bench.case(name, || case(&workshop, &folder));
    }
    Ok(())
}
