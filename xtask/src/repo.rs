//! `cargo xtask repo`: hands its arguments on to `release-tools`, which has OpenPGP in it.

use crate::{release_tools, workspace};
use anyhow::{Context, Result, ensure};
use std::ffi::OsString;

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
        let mut command = release_tools::command()?;
        command.arg("repo").args(&self.arguments);
        for (option, file) in [("--config", "repository.toml"), ("--product", "packaging/product.toml")] {
            let given = |word: &OsString| {
                word.to_str().is_some_and(|word| word == option || word.starts_with(&format!("{option}=")))
            };
            if !self.arguments.iter().any(given) {
                command.arg(option).arg(workspace::root().join(file));
            }
        }
        let status = command.status().context("starting release-tools")?;
        if status.code() == Some(release_tools::NOT_YET) {
            // It said who has not answered yet. Nothing is wrong, so nothing is to be said of an error.
            std::process::exit(release_tools::NOT_YET);
        }
        ensure!(status.success(), "the repository is not complete; what is wrong with it is above");
        Ok(())
    }
}
