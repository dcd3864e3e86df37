//! `cargo xtask repo`: builds the program `release-tools`, which has OpenPGP in it, and hands the arguments on.

use crate::process;
use crate::workspace;
use anyhow::{Context, Result, ensure};
use std::ffi::OsString;
use std::process::Command;

/// Makes a signed apt and dnf repository of finished packages, or extends one
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Repo {
    /// What `release-tools repo` is to be told: `--help` lists it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Repo {
    pub(crate) fn run(self) -> Result<()> {
        let root = workspace::root();
        let target = root.join("target");
        let mut build = Command::new("cargo");
        // All packages, so that their features are those of the whole workspace: what the tests compiled serves here, too.
        build.args(["build", "--workspace", "--bin", "release-tools", "--target-dir"]).arg(&target);
        build.current_dir(root);
        eprintln!("$ {}", process::show(&build));
        process::run(build, |line| eprintln!("{line}")).context("building release-tools")?;
        // In the folder in which the paths were typed, and with the environment that a signing command may need.
        let mut command = Command::new(target.join("debug/release-tools"));
        command.arg("repo").args(&self.arguments);
        for (option, file) in [("--config", "repository.toml"), ("--product", "packaging/product.toml")] {
            let given = |word: &OsString| {
                word.to_str().is_some_and(|word| word == option || word.starts_with(&format!("{option}=")))
            };
            if !self.arguments.iter().any(given) {
                command.arg(option).arg(root.join(file));
            }
        }
        let status = command.status().context("starting release-tools")?;
        ensure!(status.success(), "the repository is not complete; what is wrong with it is above");
        Ok(())
    }
}
