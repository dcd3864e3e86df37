//! zig and cargo-zigbuild at pinned versions and hashes, as Python wheels: that is how they can be had
//! without root on every Linux.

use super::rust::clean_command;
use crate::cache::Cache;
use crate::process;
use crate::progress::Progress;
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The pinned version of zig, as in `requirements.txt`.
pub(crate) const VERSION: &str = "0.17.1";
/// The pinned version of cargo-zigbuild, as in `requirements.txt`.
pub(crate) const ZIGBUILD_VERSION: &str = "0.24.0";

const REQUIREMENTS: &str = include_str!("requirements.txt");

/// An installed zig.
pub(crate) struct Zig {
    folder: PathBuf,
}

impl Zig {
    /// The program `zig`.
    pub(crate) fn program(&self) -> PathBuf {
        self.folder.join("ziglang/zig")
    }

    /// The program `cargo-zigbuild`.
    pub(crate) fn zigbuild(&self) -> PathBuf {
        self.folder.join("bin/cargo-zigbuild")
    }

    /// The search path for programs, preceded by those that rustc looks for by name, made in `folder`.
    ///
    /// rustc makes import libraries for Windows with a `dlltool`: zig's, because the one of GNU binutils
    /// fails in folders with a space in their names, and need not be installed.
    pub(crate) fn path_with_aliases(&self, folder: &Path) -> Result<OsString> {
        std::fs::create_dir_all(folder)?;
        let zig = self.program().to_string_lossy().replace('\'', r"'\''");
        for name in ["x86_64-w64-mingw32-dlltool", "aarch64-w64-mingw32-dlltool"] {
            let path = folder.join(name);
            std::fs::write(&path, format!("#!/bin/sh\nexec '{zig}' dlltool \"$@\"\n"))?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
        }
        let rest = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&rest));
        std::env::join_paths(folders).context("the search path has a folder with ':' in its name")
    }
}

/// Installs zig into the cache, unless it is there.
pub(crate) fn prepare(cache: &Cache, progress: &Progress) -> Result<Zig> {
    let key = format!("zig-{VERSION}-{ZIGBUILD_VERSION}-{}", std::env::consts::ARCH);
    let folder = cache.entry(&key, |folder| {
        let step = progress.step(format!("zig {VERSION} and cargo-zigbuild {ZIGBUILD_VERSION}"));
        install(folder, &step)?;
        step.done();
        Ok(())
    })?;
    Ok(Zig { folder })
}

fn install(folder: &Path, step: &crate::progress::Step) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let requirements = scratch.path().join("requirements.txt");
    std::fs::write(&requirements, REQUIREMENTS)?;
    let mut pip = python_with_pip(scratch.path())?;
    pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"])
        .args(["--no-deps", "--no-compile", "--only-binary=:all:", "--require-hashes", "--target"])
        .arg(folder)
        .arg("--requirement")
        .arg(&requirements)
        .env("PIP_ROOT_USER_ACTION", "ignore");
    process::run(pip, |line| step.note(line)).context(
        "zig could not be installed from the Python package index; the network, or PIP_INDEX_URL for a mirror, is needed once",
    )
}

/// `python3` if it has pip, else a virtual environment that has.
fn python_with_pip(scratch: &Path) -> Result<Command> {
    let python = || clean_command("python3", &["PIP_"]);
    let quiet = |mut command: Command| command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    let with_arguments = |arguments: &[&str]| {
        let mut command = python();
        command.args(arguments);
        command
    };
    match quiet(with_arguments(&["-m", "pip", "--version"])) {
        Ok(status) if status.success() => return Ok(python()),
        Ok(_) => {}
        Err(error) => {
            return Err(error).context(
                "Python 3 is needed once, to install zig: there is no `python3` on PATH (Debian: apt-get install python3 python3-venv)",
            );
        }
    }
    let environment = scratch.join("venv");
    let mut venv = with_arguments(&["-m", "venv"]);
    venv.arg(&environment);
    match quiet(venv) {
        Ok(status) if status.success() => Ok(clean_command(environment.join("bin/python3"), &["PIP_"])),
        _ => bail!("this python3 has neither pip nor venv (Debian: apt-get install python3-venv)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: the versions here and in requirements.txt differ, or one of the two processors has no hash.
    #[test]
    fn requirements_agree() {
        for (name, version) in [("ziglang", VERSION), ("cargo-zigbuild", ZIGBUILD_VERSION)] {
            assert!(REQUIREMENTS.contains(&format!("\n{name}=={version} \\")), "{name}");
        }
        assert_eq!(REQUIREMENTS.matches("--hash=sha256:").count(), 4);
    }
}
