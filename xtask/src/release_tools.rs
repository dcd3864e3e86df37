//! The program `release-tools`, which has OpenPGP and HTTP in it: a workspace of its own in `tools/release`, compiled
//! when a verb needs it.

use crate::process;
use crate::toolchain::rust::clean_command;
use crate::workspace;
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

/// By this exit code it says that a signing command has to be asked again later, and that nothing is wrong.
pub(crate) const NOT_YET: i32 = 75;

/// Where its workspace is, in the checkout.
pub(crate) const FOLDER: &str = "tools/release";

/// Where cargo puts what it compiles there, so that `target` remains the only folder of such things.
pub(crate) fn target() -> PathBuf {
    workspace::target("tools")
}

/// cargo in that workspace.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = clean_command("cargo", &["PYWATS_", "CARGO_TARGET_DIR", "XDG_CACHE_HOME"]);
    command.args(arguments).current_dir(workspace::root().join(FOLDER)).env("CARGO_TARGET_DIR", target());
    command
}

/// Environment variable: the program, where it is compiled already.
pub(crate) const PROGRAM: &str = "PYWATS_RELEASE_TOOLS";

/// Compiles the program. The command that comes of it runs in the folder in which the paths were typed, and with the
/// environment that a signing command may need.
///
/// # Errors
/// If it does not compile; what the compiler said was shown.
pub(crate) fn command() -> Result<Command> {
    if let Some(program) = std::env::var_os(PROGRAM) {
        return Ok(Command::new(program));
    }
    let build = cargo(&["build", "--locked", "--quiet"]);
    eprintln!("$ {}", process::show(&build));
    process::run(build, |line| eprintln!("{line}")).context("compiling release-tools")?;
    Ok(Command::new(target().join("debug/release-tools")))
}

/// The same for a verb that reads the product's description.
///
/// # Errors
/// As [`command`].
pub(crate) fn with_product(verb: &str) -> Result<Command> {
    let mut command = command()?;
    command.arg(verb).arg("--product").arg(workspace::product_manifest());
    Ok(command)
}

/// Tells where the OpenPGP key is, or that stored signatures are attached without one.
///
/// # Errors
/// If there are no settings.
pub(crate) fn add_key(command: &mut Command, config: Option<&Path>, attach: bool) -> Result<()> {
    if attach {
        command.arg("--attach");
        return Ok(());
    }
    let default = workspace::root().join("repository.toml");
    let path = config.unwrap_or(&default);
    ensure!(
        path.is_file(),
        "there is no {}, which says where the OpenPGP key is: docs/repositories.md says how to write it, --openpgp names another file",
        path.display()
    );
    command.arg("--config").arg(path);
    Ok(())
}

/// Whether it ended because a signing command waits for somebody.
pub(crate) fn is_waiting(status: ExitStatus) -> bool {
    status.code() == Some(NOT_YET)
}
