//! Which lines of each crate its tests reach: `cargo llvm-cov`, summed up.
//!
//! It needs LLVM's programs `llvm-cov` and `llvm-profdata` of the version that the compiler is made with: rustup has
//! them as the component `llvm-tools`, Debian as `llvm-VERSION`.

use crate::cache::Cache;
use crate::process;
use crate::progress::Progress;
use crate::test::report::Sources;
use crate::test::system::{self, System};
use crate::toolchain::rust::clean_command;
use crate::toolchain::wheels;
use crate::workspace;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// cargo-llvm-cov, which does not have to be compiled.
const PROGRAM: &str = include_str!("cargo-llvm-cov.txt");
/// The file of what was measured, which is no result of a test.
const FILE: &str = "coverage.json";

/// What was measured.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Coverage {
    pub(crate) crates: BTreeMap<String, Lines>,
    pub(crate) commit: Option<String>,
    pub(crate) date: String,
    pub(crate) machine: String,
}

/// The lines of a crate.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lines {
    pub(crate) covered: u64,
    pub(crate) count: u64,
}

impl Lines {
    /// In per cent; a crate without lines is covered.
    pub(crate) fn percent(self) -> u64 {
        (self.covered * 100).checked_div(self.count).unwrap_or(100)
    }
}

/// Where it is written.
pub(crate) fn folder() -> PathBuf {
    workspace::target("coverage")
}

/// What these folders have, the newest; nothing if it was not measured.
///
/// # Errors
/// If a file is damaged.
pub(crate) fn load(folders: &[PathBuf]) -> Result<Option<Coverage>> {
    let mut newest: Option<Coverage> = None;
    for folder in folders {
        let below = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        for path in
            below.chain([folder.clone()]).map(|folder| folder.join(FILE)).filter(|path| path.is_file())
        {
            let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            let measured: Coverage = serde_json::from_str(&text)
                .with_context(|| format!("{} is no measurement: delete it", path.display()))?;
            if newest.as_ref().is_none_or(|newest| newest.date < measured.date) {
                newest = Some(measured);
            }
        }
    }
    Ok(newest)
}

/// Runs the unit tests of these packages, or of all, and writes which lines they reach.
///
/// # Errors
/// If a program is missing, which the error names, or the tests do not compile or pass.
pub(crate) fn measure(packages: &[String]) -> Result<()> {
    let tools = llvm_tools()?;
    let program = wheels::prepare(&Cache::open()?, "cargo-llvm-cov", PROGRAM, &Progress::lines())?;
    let out = folder();
    fs::create_dir_all(&out).with_context(|| format!("creating {}", out.display()))?;
    let whole = tempfile::tempdir().context("making a folder for what is measured")?;
    let json = whole.path().join("llvm-cov.json");
    let mut command = clean_command(program.join("bin/cargo-llvm-cov"), &["PYWATS_", "CARGO_TARGET_DIR"]);
    // A test that fails ends it: of tests that did not run, the lines would be none.
    let wanted = ["--locked", "--json", "--summary-only", "--output-path"];
    command.arg("llvm-cov").args(wanted).arg(&json);
    if packages.is_empty() {
        command.arg("--workspace");
    }
    for package in packages {
        command.args(["--package", package]);
    }
    command.env("LLVM_COV", tools.join("llvm-cov")).env("LLVM_PROFDATA", tools.join("llvm-profdata"));
    command.current_dir(workspace::root());
    println!("$ {}", process::show(&command));
    process::run(command, |line| println!("{line}")).context("cargo-llvm-cov failed, as said above")?;
    let text = fs::read_to_string(&json).context("reading what cargo-llvm-cov wrote")?;
    let coverage = Coverage {
        crates: sum(
            &serde_json::from_str(&text).context("reading what cargo-llvm-cov wrote")?,
            workspace::root(),
        ),
        commit: Sources::of_the_workspace().commit,
        date: system::now(),
        machine: System::of_this_machine().shown(),
    };
    let text = serde_json::to_string_pretty(&coverage)? + "\n";
    let path = packager::unfinished::prepare(&out, FILE, text.as_bytes())?.appear()?;
    for (name, lines) in &coverage.crates {
        println!("{name:<22} {:>3} % of {} lines", lines.percent(), lines.count);
    }
    println!("{}", path.display());
    Ok(())
}

/// The lines of each crate: those of its files, as LLVM's export counts them.
fn sum(export: &Value, root: &Path) -> BTreeMap<String, Lines> {
    let mut crates: BTreeMap<String, Lines> = BTreeMap::new();
    let data = export["data"].as_array().into_iter().flatten();
    for file in data.flat_map(|data| data["files"].as_array().into_iter().flatten()) {
        let lines = &file["summary"]["lines"];
        let path = file["filename"].as_str().map(Path::new);
        let Some(name) = path.and_then(|path| crate_of(path.strip_prefix(root).ok()?)) else { continue };
        let sum = crates.entry(name).or_default();
        sum.covered += lines["covered"].as_u64().unwrap_or_default();
        sum.count += lines["count"].as_u64().unwrap_or_default();
    }
    crates
}

/// The crate that a file belongs to: the folder above `src`.
fn crate_of(path: &Path) -> Option<String> {
    let mut before = None;
    for part in path.iter() {
        if part == "src" {
            return before;
        }
        before = Some(part.to_string_lossy().into_owned());
    }
    None
}

/// The folder of LLVM's programs that fit the compiler.
fn llvm_tools() -> Result<PathBuf> {
    let ask = |arguments: &[&str]| -> Result<String> {
        let mut rustc = clean_command("rustc", &[]);
        let output = rustc.args(arguments).current_dir(workspace::root()).output().context("asking rustc")?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let says = ask(&["--version", "--verbose"])?;
    let value = |name: &str| says.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim();
    let major = value("LLVM version:").split('.').next().unwrap_or_default();
    let sysroot = PathBuf::from(ask(&["--print", "sysroot"])?.trim());
    let folders = [
        sysroot.join("lib/rustlib").join(value("host:")).join("bin"),
        PathBuf::from(format!("/usr/lib/llvm-{major}/bin")),
    ];
    let has_both =
        |folder: &&PathBuf| ["llvm-cov", "llvm-profdata"].iter().all(|name| folder.join(name).is_file());
    if let Some(folder) = folders.iter().find(has_both) {
        return Ok(folder.clone());
    }
    bail!(
        "not measured: there are no llvm-cov and llvm-profdata of LLVM {major}: \
         `rustup component add llvm-tools`, or, on Debian, `apt-get install llvm-{major}`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Fails if: a file is counted for another crate, or one of somebody else for ours.
    #[test]
    fn sums_up_by_crate() {
        let file = |path: &str, covered: u64, count: u64| {
            let lines = json!({ "covered": covered, "count": count });
            json!({ "filename": path, "summary": { "lines": lines } })
        };
        let files = [
            file("/w/crates/wats/src/lib.rs", 8, 10),
            file("/w/crates/wats/src/client/tls.rs", 1, 2),
            file("/w/xtask/src/main.rs", 0, 3),
            file("/elsewhere/serde/src/lib.rs", 5, 5),
        ];
        let export = json!({ "data": [{ "files": files }] });
        let sums = sum(&export, Path::new("/w"));
        let lines = |covered, count| Lines { covered, count };
        assert_eq!(
            sums.into_iter().collect::<Vec<_>>(),
            [("wats".to_owned(), lines(9, 12)), ("xtask".to_owned(), lines(0, 3))]
        );
        assert_eq!((lines(9, 12).percent(), lines(0, 0).percent()), (75, 100));
    }
}
