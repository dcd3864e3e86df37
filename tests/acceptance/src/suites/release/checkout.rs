//! A checkout with a release of a version of its own, whose artifacts are packed from the programs of this one.
//!
//! Compiling them again would take ten minutes. So the programs inside name another version than the packages; nothing
//! that is tried here looks at that.

use crate::command::{Tool, tool};
use crate::products::{self, RELEASE_TOOLS, copy_sources, release_tools_program, workspace};
use crate::suites::dist::xtask;
use anyhow::{Context, Result, ensure};
use packager::changelog::with_release;
use packager::recipe::parts_from;
use packager::{ApplianceRow, Artifact, Artifacts, Compiled, Origin, Recipe, Row};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// The version that is released.
pub(super) const VERSION: &str = "200.1.0";

/// See the [module](self).
pub(super) struct Checkout {
    pub(super) root: PathBuf,
    pub(super) commit: String,
}

impl Checkout {
    /// Makes it, with its artifacts in `dist`.
    pub(super) fn make(root: &Path) -> Result<Checkout> {
        let checkout = Checkout::without_artifacts(root)?;
        checkout.pack()?;
        Ok(checkout)
    }

    /// Makes it; nothing is built.
    pub(super) fn without_artifacts(root: &Path) -> Result<Checkout> {
        copy_sources(workspace(), root)?;
        let checkout = Checkout { root: root.to_owned(), commit: String::new() };
        let changelog = root.join("CHANGELOG.md");
        let text = fs::read_to_string(&changelog)?;
        let marker = "\n## [Unreleased]\n";
        ensure!(text.matches(marker).count() == 1, "the changelog has one section for what is not released");
        // There is always something to release, also right after a release.
        let text = text.replace(marker, &format!("{marker}\n- Tried by the tests.\n"));
        let date = packager::Changelog::parse(&text)?.latest().date;
        let released = with_release(&text, VERSION.parse()?, date)?;
        fs::write(&changelog, released)?;
        let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
        let (before, after) = (format!("\"{}\"", products::recipe()?.version), format!("\"{VERSION}\""));
        ensure!(manifest.matches(&before).count() == 1, "Cargo.toml says once which version it is");
        fs::write(root.join("Cargo.toml"), manifest.replace(&before, &after))?;
        for folder in ["", "tools/release"] {
            // Writes the version into the lock file. It asks the network only for sources that are not here yet.
            let metadata = ["metadata", "--quiet", "--format-version", "1"];
            tool("cargo", 300).args(metadata).current_dir(root.join(folder)).run()?;
        }
        checkout.git(&["init", "--quiet", "--initial-branch", "main"])?;
        checkout.git(&["config", "user.name", "Test"])?;
        checkout.git(&["config", "user.email", "test@example.com"])?;
        checkout.git(&["add", "--all"])?;
        checkout.git(&["commit", "--quiet", "--message", &format!("Release {VERSION}")])?;
        checkout.git(&["tag", "--annotate", "--message", VERSION, &checkout.tag()])?;
        let commit = checkout.git(&["rev-parse", "HEAD"])?.trim().to_owned();
        Ok(Checkout { commit, ..checkout })
    }

    pub(super) fn tag(&self) -> String {
        format!("v{VERSION}")
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The folder of the release.
    pub(super) fn release(&self) -> PathBuf {
        self.path("releases").join(VERSION)
    }

    pub(super) fn git(&self, arguments: &[&str]) -> Result<String> {
        tool("git", 60).args(arguments).current_dir(&self.root).read()
    }

    /// `cargo xtask release STEP`, as it is started.
    pub(super) fn step(&self, arguments: &[impl AsRef<std::ffi::OsStr>]) -> Tool {
        tool(xtask(), 300)
            .arg("release")
            .args(arguments)
            .current_dir(&self.root)
            .env(RELEASE_TOOLS, release_tools_program())
    }

    /// Packs every artifact, and copies the programs to where those are that are compiled.
    fn pack(&self) -> Result<()> {
        let recipe = Recipe::load(&self.path("packaging/product.toml"), &self.path("artifacts.toml"))?;
        let ours = Artifacts::load(&workspace().join("dist"))?.unwrap_or_default();
        let programs = |triple: &str| Compiled {
            triple: triple.to_owned(),
            folder: self.path("target/programs").join(triple).join("release"),
        };
        let mut parts: Vec<&Row> = Vec::new();
        for row in recipe.rows.artifacts() {
            for triple in &row.targets {
                copy_programs(triple, &programs(triple).folder)?;
            }
            if row.of.is_empty() {
                parts.push(row);
            }
        }
        let dist = self.path("dist");
        let list = Mutex::new(Artifacts::default());
        let make = |row: &Row| -> Result<()> {
            let taken = recipe.take(row, row.targets.iter().map(|triple| programs(triple)).collect())?;
            let of = if row.of.is_empty() { Vec::new() } else { parts_from(row, std::slice::from_ref(&dist))? };
            let (_, built) = ours.of_row(&row.name).with_context(|| format!("dist has no {}", row.name))?;
            let origin = Origin { inputs: "of the test", toolchain: &built.toolchain };
            let (path, artifact) = recipe.make(row, &taken, of, origin, &dist)?;
            let name = path.file_name().context("an artifact has a name")?.to_string_lossy().into_owned();
            list.lock().map_err(|_| anyhow::anyhow!("packing crashed"))?.0.insert(name, artifact);
            Ok(())
        };
        let write = || list.lock().map_err(|_| anyhow::anyhow!("packing crashed"))?.write(&dist);
        in_parallel(&parts, &make)?;
        write()?;
        for row in recipe.rows.artifacts().iter().filter(|row| !row.of.is_empty()) {
            make(row)?;
            // Others may be made of it.
            write()?;
        }
        let appliances = recipe.rows.appliances();
        let names = appliances.iter().map(|row| &row.name);
        let listed = tool(xtask(), 60).args(["dist", "--list"]).args(names).current_dir(&self.root).read()?;
        for row in appliances {
            let line = listed.lines().find(|line| line.split_whitespace().next() == Some(&row.name));
            let file = line.and_then(|line| line.split_whitespace().last());
            let file = file.with_context(|| format!("{} is not listed:\n{listed}", row.name))?;
            let artifact = stand_in_for(row, &recipe, &dist.join(file))?;
            let mut list = list.lock().map_err(|_| anyhow::anyhow!("packing crashed"))?;
            list.0.insert(file.to_owned(), artifact);
        }
        write()
    }

    /// Writes results of a whole run of the tests, which judged what is in `dist`.
    pub(super) fn results(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        let list = Artifacts::load(&self.path("dist"))?.context("the artifacts are packed")?;
        let judged: Vec<Value> =
            list.0.iter().map(|(name, made)| json!({ "name": name, "sha256": made.sha256 })).collect();
        let registry: toml::Table = toml::from_str(&fs::read_to_string(self.path("tests/suites.toml"))?)?;
        for suite in registry["suite"].as_array().context("there are suites")? {
            if suite.get("long").is_some() || suite.get("asked").is_some() {
                continue;
            }
            let name = suite["name"].as_str().context("a suite has a name")?;
            let result = json!({
                "suite": name, "passed": 1, "failed": 0, "not_run": 0, "seconds": 1.0, "cases": [],
                "artifacts": judged, "commit": self.commit, "clean": true,
            });
            fs::write(folder.join(format!("{name}.json")), result.to_string())?;
        }
        Ok(())
    }
}


/// A small file that is called as the disk of an appliance: nothing here looks into one.
fn stand_in_for(row: &ApplianceRow, recipe: &Recipe, file: &Path) -> Result<Artifact> {
    let content = format!("the disk of {}", row.name);
    fs::write(file, &content).with_context(|| format!("writing {}", file.display()))?;
    Ok(Artifact {
        artifact: row.name.clone(),
        format: row.format.clone(),
        version: recipe.version.to_string(),
        programs: Vec::new(),
        made_from: Vec::new(),
        size: content.len() as u64,
        sha256: packager::digest::sha256(content.as_bytes()),
        inputs: "of the test".to_owned(),
        toolchain: "packages of Debian".to_owned(),
        source_date_epoch: recipe.epoch,
    })
}

/// Two at a time, which is what the machines have that run this.
fn in_parallel(rows: &[&Row], make: &(impl Fn(&Row) -> Result<()> + Sync)) -> Result<()> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let work = || {
        while let Some(row) = rows.get(next.fetch_add(1, std::sync::atomic::Ordering::SeqCst)) {
            make(row)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(work);
        let first = work();
        let second = other.join().map_err(|_| anyhow::anyhow!("packing crashed"))?;
        first.and(second)
    })
}

/// Copies what was compiled for a target.
fn copy_programs(triple: &str, to: &Path) -> Result<()> {
    let from = workspace().join("target/programs").join(triple).join("release");
    fs::create_dir_all(to)?;
    for name in ["pywats-client", "appimage-runtime", "pywats-client.exe", "installer_actions.dll"] {
        let program = from.join(name);
        if program.is_file() && !to.join(name).exists() {
            fs::copy(&program, to.join(name)).with_context(|| format!("copying {}", program.display()))?;
        }
    }
    Ok(())
}
