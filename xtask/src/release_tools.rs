//! The program `release-tools`, which has OpenPGP and HTTP in it: a workspace of its own in `tools/release`, compiled
//! when a verb needs it.

use crate::process;
use crate::toolchain::rust::clean_command;
use crate::workspace;
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::process::Command;

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

/// Compiles the program. The command that comes of it runs in the folder in which the paths were typed, and with the
/// environment that a signing command may need.
///
/// # Errors
/// If it does not compile; what the compiler said was shown.
pub(crate) fn command() -> Result<Command> {
    let build = cargo(&["build", "--locked", "--quiet"]);
    eprintln!("$ {}", process::show(&build));
    process::run(build, |line| eprintln!("{line}")).context("compiling release-tools")?;
    Ok(Command::new(target().join("debug/release-tools")))
}
