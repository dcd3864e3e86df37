//! Nix with a store of its own, a copy of the sources, and stand-ins for what the flake takes from elsewhere.

use crate::command::{Tool, tool};
use crate::products::{copy_sources, workspace};
use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Building everything on two slow cores.
const BUILD_SECONDS: u32 = 3600;

/// The inputs of the flake.
const INPUTS: [&str; 4] = ["crane", "nix-vm-test", "nixpkgs", "rust-overlay"];

/// What `cargo xtask test` brought.
#[derive(Deserialize)]
pub(super) struct Tools {
    /// The program `nix`.
    nix: PathBuf,
    /// The folder of store and state.
    root: PathBuf,
    /// Every program that some suite needs.
    pub(super) prerequisites: Vec<String>,
    /// What the stand-ins know of this machine.
    machine: Machine,
    /// Copies of public repositories, by name, where they are at hand.
    repositories: BTreeMap<String, PathBuf>,
}

#[derive(Deserialize, serde::Serialize)]
struct Machine {
    crates: PathBuf,
    wheels: PathBuf,
    programs: Vec<PathBuf>,
    mypy: PathBuf,
    rust: Value,
}

/// Where Nix works.
pub(super) struct Workshop {
    pub(super) tools: Tools,
    /// The copy of the sources.
    pub(super) flake: PathBuf,
    /// The copy of the stand-ins.
    pub(super) stand_ins: PathBuf,
    configuration: PathBuf,
}

/// `x86_64-linux` or `aarch64-linux`: this machine.
pub(super) fn system() -> String {
    format!("{}-linux", std::env::consts::ARCH)
}

impl Workshop {
    /// Copies the sources to `folder`, with stand-ins as the inputs of the flake.
    pub(super) fn open(tools: &Path, folder: &Path) -> Result<Workshop> {
        let workshop = Workshop::set_up(tools, folder)?;
        workshop.lock(&INPUTS.map(|name| (name, workshop.stand_ins.join(name))))?;
        Ok(workshop)
    }

    /// The same with the public repositories of which copies were given, and stand-ins for the others.
    pub(super) fn open_with_repositories(tools: &Path, folder: &Path) -> Result<Workshop> {
        let workshop = Workshop::set_up(tools, folder)?;
        if let Some(copy) = workshop.repository("nixpkgs-lib") {
            let library = workshop.stand_ins.join("nixpkgs/lib");
            fs::remove_dir_all(&library)?;
            copy_sources(&copy.join("lib"), &library).context("copying the library of nixpkgs")?;
        }
        let copy_or_stand_in =
            |name| workshop.repository(name).map_or(workshop.stand_ins.join(name), Path::to_owned);
        workshop.lock(&INPUTS.map(|name| (name, copy_or_stand_in(name))))?;
        Ok(workshop)
    }

    fn set_up(tools: &Path, folder: &Path) -> Result<Workshop> {
        let text = fs::read_to_string(tools).with_context(|| format!("reading {}", tools.display()))?;
        let tools: Tools =
            serde_json::from_str(&text).context("the list of tools is not what it should be")?;
        let flake = folder.join("checkout");
        copy_sources(workspace(), &flake)?;
        let stand_ins = folder.join("stand-ins");
        copy_sources(&workspace().join("tests/nix/stand-ins"), &stand_ins)?;
        fs::write(stand_ins.join("nixpkgs/machine.json"), serde_json::to_string(&tools.machine)?)?;
        let configuration = folder.join("configuration");
        fs::create_dir(&configuration)?;
        fs::write(configuration.join("nix.conf"), tools.configuration())?;
        Ok(Workshop { tools, flake, stand_ins, configuration })
    }

    /// Makes folders of this machine the inputs of the copied flake.
    fn lock(&self, inputs: &[(&str, PathBuf)]) -> Result<()> {
        let lock = self.nix(&["flake", "lock", &self.flake()]);
        let overrides = inputs.iter().fold(lock, |nix, (name, folder)| {
            nix.args(["--override-input", name]).arg(format!("path:{}", folder.display()))
        });
        overrides.run()
    }

    /// The flake as Nix names it.
    pub(super) fn flake(&self) -> String {
        format!("path:{}", self.flake.display())
    }

    /// The public repositories of which copies were given.
    pub(super) fn repositories(&self) -> Vec<&str> {
        self.tools.repositories.keys().map(String::as_str).collect()
    }

    /// A copy of a public repository, if one was given.
    pub(super) fn repository(&self, name: &str) -> Option<&Path> {
        self.tools.repositories.get(name).map(PathBuf::as_path)
    }

    /// The pinned wheel of a Python package.
    pub(super) fn wheel(&self, package: &str) -> Result<PathBuf> {
        let folder = &self.tools.machine.wheels;
        let mut files = fs::read_dir(folder)
            .with_context(|| format!("reading {}", folder.display()))?
            .filter_map(|entry| Some(entry.ok()?.path()));
        let prefix = format!("{package}-");
        files
            .find(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix)))
            .with_context(|| format!("there is no wheel of {package} in {}", folder.display()))
    }

    /// `nix` with a store of its own, and nothing of this machine's or user's configuration.
    pub(super) fn nix(&self, arguments: &[&str]) -> Tool {
        let root = &self.tools.root;
        let nix = tool(&self.tools.nix, BUILD_SECONDS)
            .env("NIX_STORE_DIR", root.join("store"))
            .env("NIX_STATE_DIR", root.join("state"))
            .env("NIX_LOG_DIR", root.join("log"))
            .env("NIX_CONF_DIR", &self.configuration)
            .env("XDG_CACHE_HOME", root.join("cache"))
            .env("XDG_CONFIG_HOME", &self.configuration)
            .env("HOME", root.join("home"));
        let foreign = ["NIX_REMOTE", "NIX_PATH", "NIX_CONFIG", "NIX_USER_CONF_FILES", "NIX_STORE"];
        // The hook that asks other machines to build cannot be started where Nix is only unpacked.
        foreign.iter().fold(nix, |nix, name| nix.env_remove(name)).args(arguments).args([
            "--option",
            "build-hook",
            "",
        ])
    }

    /// An output of the flake: `packages.x86_64-linux.msi`.
    pub(super) fn output(&self, name: &str) -> String {
        format!("{}#{name}", self.flake())
    }

    /// A package of this machine's system.
    pub(super) fn package(&self, name: &str) -> String {
        self.output(&format!("packages.{}.{name}", system()))
    }

    /// The value of an output, after `function`.
    pub(super) fn eval(&self, output: &str, function: &str) -> Result<Value> {
        let text = self.nix(&["eval", "--json", &self.output(output), "--apply", function]).read()?;
        serde_json::from_str(&text).context("Nix printed no JSON")
    }

    /// Builds outputs and returns where they are, in this order.
    pub(super) fn build(&self, outputs: &[String]) -> Result<Vec<PathBuf>> {
        let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
        let arguments = [&["build", "--no-link", "--print-out-paths"], &outputs[..]].concat();
        let text = self.nix(&arguments).aloud().read()?;
        Ok(text.lines().map(PathBuf::from).collect())
    }

    /// Builds outputs that are in the store a second time and compares.
    pub(super) fn rebuild(&self, outputs: &[String]) -> Result<()> {
        self.nix(&["build", "--no-link", "--rebuild"]).args(outputs).aloud().run()
    }

    /// Makes the store removable for people who are not root: Nix leaves folders without the right to write.
    pub(super) fn close(&self) -> Result<()> {
        tool("chmod", 600).args(["-R", "u+w"]).arg(self.tools.root.join("store")).run()
    }
}

impl Tools {
    /// The sandbox has the machine's programs and the toolchains, and nothing else.
    fn configuration(&self) -> String {
        let system = ["/bin", "/usr", "/lib", "/lib64", "/etc/alternatives"];
        let mut paths: Vec<String> =
            system.iter().filter(|path| Path::new(path).exists()).map(|path| (*path).to_owned()).collect();
        let machine = &self.machine;
        let std = machine.rust["std"].as_object().into_iter().flatten().map(|(_, folder)| folder);
        let rust = std.chain([&machine.rust["sysroot"]]).filter_map(Value::as_str).map(str::to_owned);
        paths.extend(rust);
        let folders = machine.programs.iter().chain([&machine.crates, &machine.wheels, &machine.mypy]);
        paths.extend(folders.map(|folder| folder.display().to_string()));
        format!(
            "experimental-features = nix-command flakes\n\
             build-users-group =\n\
             substituters =\n\
             flake-registry =\n\
             sandbox = true\n\
             sandbox-fallback = false\n\
             allow-import-from-derivation = false\n\
             max-jobs = auto\n\
             log-lines = 60\n\
             warn-dirty = false\n\
             sandbox-paths = {}\n",
            paths.join(" ")
        )
    }
}
