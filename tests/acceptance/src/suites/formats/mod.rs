//! Judges packages and archives as files: by the programs that will read them, and by those that
//! distributions check packages with; and versions by those who compare them. Nothing is installed.

pub(super) mod archive;
mod deb;
mod rpm;
mod second;
mod shipped;
mod versions;

use crate::bench::Bench;
use crate::products::workspace;
use anyhow::{Result, ensure};
use std::collections::BTreeSet;
use std::path::Path;

/// Judges every `.deb`, `.rpm`, `.tar.gz`, `.zip`, and programs alone.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    versions::judge(bench)?;
    for path in bench.artifacts(".deb")? {
        deb::judge(bench, &path)?;
    }
    shipped::judge(bench)?;
    for path in bench.artifacts(".rpm")? {
        rpm::judge(bench, &path, &workspace().join("packaging/rpm/rpmlint.toml"))?;
    }
    for path in bench.artifacts(".tar.gz")? {
        archive::judge_tar(bench, &path)?;
    }
    for path in bench.artifacts(".zip")? {
        archive::judge_zip(bench, &path)?;
    }
    for (program, archive) in archive::PROGRAMS {
        let (program, archive) = (bench.artifact(program)?, bench.artifact(archive)?);
        archive::judge_exe(bench, &program, &archive);
    }
    second::judge(bench)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The names in a listing, in a form that does not depend on who lists: without `./` and closing `/`.
fn names(listing: &str) -> BTreeSet<String> {
    let bare = |line: &str| line.trim_start_matches("./").trim_matches('/').to_owned();
    listing.lines().map(bare).filter(|name| !name.is_empty() && name != ".").collect()
}

/// Two programs must see the same names.
fn same_names(one: &str, other: &str) -> Result<()> {
    let (one, other) = (names(one), names(other));
    ensure!(!one.is_empty(), "no names at all");
    let differing: Vec<_> = one.symmetric_difference(&other).collect();
    ensure!(differing.is_empty(), "seen by one program only: {differing:?}");
    Ok(())
}

/// The lines must all be the same one.
fn one_value(what: &str, lines: &str) -> Result<String> {
    let values: BTreeSet<_> = lines.lines().collect();
    ensure!(values.len() == 1, "{what} should have one value, not {values:?}");
    Ok(lines.lines().next().unwrap_or_default().to_owned())
}
