//! The workspace, compiled once for every suite that needs something of it.
//!
//! One build with every test and program: cargo unifies the features of what it builds at once, so that two builds
//! of different packages would compile many dependencies twice. The workspace's own crates go through clippy's
//! compiler, which is rustc with more to complain about: what the suite lint judges is then what the others run.

use super::report::Voice;
use super::suites::Suite;
use crate::process;
use crate::release_tools;
use crate::toolchain::rust::clean_command;
use crate::workspace;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the build left.
#[derive(Default)]
pub(crate) struct Compiled {
    /// What the compiler complains about, as it shows it, each complaint once.
    pub(crate) complaints: BTreeSet<String>,
    /// The programs of tests.
    pub(crate) tests: Vec<TestProgram>,
    programs: BTreeMap<String, PathBuf>,
    /// Whether what takes long is wanted as well.
    pub(crate) thorough: bool,
}

/// A program that runs tests.
pub(crate) struct TestProgram {
    /// Package and what of it is tested: `wats network`.
    pub(crate) name: String,
    /// The file.
    pub(crate) program: PathBuf,
    /// The folder of the package, where its tests expect to run.
    pub(crate) folder: PathBuf,
}

/// cargo in the workspace.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = clean_command("cargo", &["PYWATS_", "CARGO_TARGET_DIR", "XDG_CACHE_HOME"]);
    command.args(arguments).current_dir(workspace::root());
    command
}

/// cargo as everything for `lint` and `unit` is compiled with.
pub(crate) fn cargo_with_clippy(arguments: &[&str]) -> Command {
    with_clippy(cargo(arguments))
}

/// Lets a build go through clippy's compiler.
fn with_clippy(mut command: Command) -> Command {
    command.env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver");
    command
}

/// Adds rustfmt and clippy to a minimal toolchain.
pub(crate) fn add_components() -> Result<()> {
    let lacks =
        |tool: &str| !cargo(&[tool, "--version"]).output().is_ok_and(|output| output.status.success());
    let missing: Vec<&str> = [("fmt", "rustfmt"), ("clippy", "clippy")]
        .iter()
        .filter(|(tool, _)| lacks(tool))
        .map(|(_, c)| *c)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut rustup = clean_command("rustup", &[]);
    rustup.args(["component", "add"]).args(missing).current_dir(workspace::root());
    process::run(rustup, |_| {}).context("adding rustfmt and clippy to the toolchain")
}

impl Compiled {
    /// Compiles what these suites need: everything for `lint` and `unit`, or else the acceptance bench alone.
    ///
    /// # Errors
    /// If it does not compile; what the compiler said was shown.
    pub(crate) fn make(suites: &[&Suite], thorough: bool, voice: &Voice) -> Result<Compiled> {
        let everything = suites.iter().any(|suite| ["lint", "unit"].contains(&suite.name.as_str()));
        let mut compiled = Compiled { thorough, ..Compiled::default() };
        if everything {
            add_components()?;
            let arguments = ["build", "--workspace", "--all-targets", "--message-format=json"];
            compiled.build(cargo_with_clippy(&arguments), voice)?;
            compiled.build(with_clippy(release_tools::cargo(&arguments)), voice)?;
        } else {
            // All packages, so that their features are those of the whole workspace.
            let format = "--message-format=json-render-diagnostics";
            compiled.build(cargo(&["build", "--workspace", "--bin", "acceptance", format]), voice)?;
            if suites.iter().any(|suite| suite.tools) {
                let programs = ["build", "--locked", "--bins", "--examples", format];
                compiled.build(release_tools::cargo(&programs), voice)?;
            }
        }
        ensure!(compiled.programs.contains_key("acceptance"), "cargo built no acceptance bench");
        compiled.tests.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(compiled)
    }

    /// Runs a build, and keeps what it says.
    fn build(&mut self, command: Command, voice: &Voice) -> Result<()> {
        let shown = process::show(&command);
        voice.say(&format!("$ {shown}"));
        let outcome = process::run(command, |line| match serde_json::from_str::<Value>(line) {
            Ok(message) => {
                if let Some(complaint) = self.take(&message) {
                    voice.say(complaint.trim_end());
                }
            }
            Err(_) => voice.say(line),
        });
        if outcome.is_err() {
            process::stop_if_interrupted()?;
            anyhow::bail!("the sources do not compile, as said above after `{shown}`");
        }
        Ok(())
    }

    /// A program of the workspace.
    ///
    /// # Errors
    /// If it was not compiled.
    pub(crate) fn program(&self, name: &str) -> Result<&Path> {
        self.programs.get(name).map(PathBuf::as_path).with_context(|| format!("{name} was not compiled"))
    }

    /// Keeps what one message of cargo says; returns a complaint that is new.
    fn take(&mut self, message: &Value) -> Option<String> {
        match message["reason"].as_str()? {
            "compiler-message" => {
                let complaint = message["message"]["rendered"].as_str()?.to_owned();
                // The last message of a crate only counts the others.
                let counts =
                    message["message"]["message"].as_str().is_some_and(|text| text.ends_with(" emitted"));
                (!counts && self.complaints.insert(complaint.clone())).then_some(complaint)
            }
            "compiler-artifact" => {
                let program = PathBuf::from(message["executable"].as_str()?);
                let name = message["target"]["name"].as_str()?;
                if message["profile"]["test"] == true {
                    let folder = Path::new(message["manifest_path"].as_str()?).parent()?.to_owned();
                    let package = folder.file_name()?.to_string_lossy().into_owned();
                    let library = package.replace('-', "_") == name.replace('-', "_");
                    let name = if library { package } else { format!("{package} {name}") };
                    self.tests.push(TestProgram { name, program, folder });
                } else {
                    self.programs.insert(name.to_owned(), program);
                }
                None
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Fails if: a warning of clippy is not noticed, one that two builds of a crate give counts twice, or a program of
    /// tests is taken for another.
    #[test]
    fn understands_cargo() {
        let complaint = |text: &str| {
            let message = json!({ "rendered": format!("warning: {text}\n"), "message": text });
            json!({ "reason": "compiler-message", "message": message })
        };
        let artifact = |test: bool, name: &str, manifest: &str| {
            json!({
                "reason": "compiler-artifact", "manifest_path": manifest, "profile": { "test": test },
                "target": { "name": name }, "executable": format!("/target/{name}"),
            })
        };
        let mut compiled = Compiled::default();
        for message in [
            complaint("unused"),
            complaint("unused"),
            complaint("1 warning emitted"),
            artifact(true, "packager", "/w/crates/packager/Cargo.toml"),
            artifact(true, "formats", "/w/crates/packager/Cargo.toml"),
            artifact(false, "acceptance", "/w/tests/acceptance/Cargo.toml"),
            json!({ "reason": "compiler-artifact", "executable": null }),
            json!({ "reason": "build-finished" }),
        ] {
            compiled.take(&message);
        }
        assert_eq!(compiled.complaints.len(), 1);
        let tests: Vec<_> =
            compiled.tests.iter().map(|t| (t.name.as_str(), t.folder.to_str().unwrap())).collect();
        assert_eq!(tests, [("packager", "/w/crates/packager"), ("packager formats", "/w/crates/packager")]);
        assert_eq!(compiled.program("acceptance").unwrap(), Path::new("/target/acceptance"));
        assert!(compiled.program("formats").is_err());
    }
}
