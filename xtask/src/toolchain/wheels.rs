//! Pinned sets of Python wheels in the cache: a way to bring programs without root to every Linux.
//!
//! A set is a `requirements.txt` with a version and hashes for everything, so the same files arrive
//! everywhere or none do. Two kinds of things come out of a set's folder:
//! - programs in machine code, mostly in `bin/`, run as they are;
//! - Python modules, run with [`python`]. The scripts in `bin/` are not: each names the interpreter that
//!   installed it, which may have been a virtual environment that is gone.

use super::rust::clean_command;
use crate::cache::{self, Cache};
use crate::process;
use crate::progress::{Progress, Step};
use anyhow::{Context, Result, bail};
use packager::digest::Inputs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Says where Python comes from when there is none.
const NO_PYTHON: &str =
    "Python 3 is needed: there is no `python3` on PATH (Debian: apt-get install python3 python3-venv)";

/// The programs that users of this workspace need, pinned; Nix takes the same wheels.
pub(crate) const REQUIREMENTS: &str = include_str!("requirements.txt");

/// The pins of these packages: whoever needs one of them brings no other.
pub(crate) fn only(requirements: &str, packages: &[&str]) -> String {
    let mut chosen = String::new();
    let mut is_chosen = false;
    for line in requirements.lines().filter(|line| !line.starts_with('#')) {
        if let Some((package, _)) = line.split_once("==") {
            is_chosen = packages.contains(&package);
        }
        if is_chosen {
            chosen += line;
            chosen.push('\n');
        }
    }
    chosen
}

/// Installs a set into the cache, unless it is there; returns its folder.
///
/// `name` is for people: what decides whether a cached set is the right one is `requirements`. A wheel that
/// works with one version of Python only belongs into a set with [`version_of_python`] in its name.
///
/// # Errors
/// If there is no Python with pip or venv, or the wheels cannot be had; the error says what to do.
pub(crate) fn prepare(cache: &Cache, name: &str, requirements: &str, progress: &Progress) -> Result<PathBuf> {
    cache.entry(&key(name, requirements), |folder| {
        let step = progress.step(describe(requirements).unwrap_or_else(|| name.to_owned()));
        install(folder, requirements, &step)
            .with_context(|| format!("{name} could not be installed from the Python package index"))?;
        step.done();
        Ok(())
    })
}

/// The folder of a set that may be there already: then nobody waits for a build that uses the cache.
///
/// # Errors
/// As [`prepare`].
pub(crate) fn ready(name: &str, requirements: &str, progress: &Progress) -> Result<PathBuf> {
    match cache::whole(&key(name, requirements)) {
        Some(folder) => Ok(folder),
        None => prepare(&Cache::open()?, name, requirements, progress),
    }
}

/// The folder of a set's wheels as they are, which may be there already: then nobody waits for a build that uses the
/// cache.
///
/// # Errors
/// As [`prepare`].
pub(crate) fn ready_files(name: &str, requirements: &str, progress: &Progress) -> Result<PathBuf> {
    match cache::whole(&key_of_files(name, requirements)) {
        Some(folder) => Ok(folder),
        None => download(&Cache::open()?, name, requirements, progress),
    }
}

/// Downloads the wheels of a set as they are; returns the folder they are in.
///
/// # Errors
/// As [`prepare`].
pub(crate) fn download(
    cache: &Cache,
    name: &str,
    requirements: &str,
    progress: &Progress,
) -> Result<PathBuf> {
    cache.entry(&key_of_files(name, requirements), |folder| {
        let step = progress.step(format!("wheels of {}", describe(requirements).unwrap_or(name.to_owned())));
        pip(&["download", "--dest"], folder, requirements, &step)
            .with_context(|| format!("{name} could not be downloaded from the Python package index"))?;
        step.done();
        Ok(())
    })
}

/// `python3` with a set's modules.
pub(crate) fn python(set: &Path) -> Command {
    let mut command = clean_command("python3", &[]);
    // Compiled modules beside their sources would count as damage to the cached set.
    command.env("PYTHONPATH", set).env("PYTHONDONTWRITEBYTECODE", "1").arg("-s");
    command
}

/// The version of `python3`, as `3.11`.
pub(crate) fn version_of_python() -> Result<String> {
    let mut python = clean_command("python3", &[]);
    python.args(["-c", "import sys; print('%d.%d' % sys.version_info[:2])"]);
    let output = python.output().context(NO_PYTHON)?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if version.is_empty() {
        bail!("`python3` does not say its version: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(version)
}

/// The cache's key of a set: another list of wheels, or another processor, is another entry.
fn key(name: &str, requirements: &str) -> String {
    let digest = Inputs::default().value("requirements", requirements).finish();
    format!("{name}-{}-{}", &digest[..12], std::env::consts::ARCH)
}

/// The cache's key of the wheels of a set as they are.
fn key_of_files(name: &str, requirements: &str) -> String {
    format!("{}-wheels", key(name, requirements))
}

/// The set as a person reads it: `ziglang 0.17.1, cargo-zigbuild 0.24.0`.
fn describe(requirements: &str) -> Option<String> {
    let pins = requirements.lines().filter(|line| !line.starts_with('#'));
    let pins = pins.filter_map(|line| line.trim_end_matches(['\\', ' ']).split_once("=="));
    let words: Vec<String> = pins.map(|(name, version)| format!("{name} {version}")).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

fn install(folder: &Path, requirements: &str, step: &Step) -> Result<()> {
    pip(&["install", "--no-compile", "--target"], folder, requirements, step)
}

/// pip, doing what `words` say with a set's wheels and nothing else; the last of them takes `folder`.
fn pip(words: &[&str], folder: &Path, requirements: &str, step: &Step) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let list = scratch.path().join("requirements.txt");
    std::fs::write(&list, requirements)?;
    let mut pip = python_with_pip(scratch.path())?;
    pip.args(["-m", "pip"])
        .args(words)
        .arg(folder)
        .args(["--quiet", "--no-input", "--disable-pip-version-check"])
        .args(["--no-deps", "--only-binary=:all:", "--require-hashes"])
        .arg("--requirement")
        .arg(&list)
        .env("PIP_ROOT_USER_ACTION", "ignore");
    process::run(pip, |line| step.note(line))
        .context("the network, or PIP_INDEX_URL for a mirror, is needed once")
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
        Err(error) => return Err(error).context(NO_PYTHON),
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

    /// Fails if: a change of the list leaves the old wheels in use, or the key does not say what it is of.
    #[test]
    fn another_list_is_another_entry() {
        let key_of = |requirements| key("linters", requirements);
        assert_eq!(key_of("a==1"), key_of("a==1"));
        assert_ne!(key_of("a==1"), key_of("a==2"));
        assert!(key_of("a==1").starts_with("linters-"));
    }

    /// Fails if: a package that is not needed is brought, or one that is needed comes without all of its hashes.
    #[test]
    fn takes_what_is_needed() {
        let list = "# Why.\na==1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\n# Why.\nb==2 \\\n    --hash=sha256:22\n";
        assert_eq!(only(list, &["a"]), "a==1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\n");
        assert_eq!(only(list, &["b"]), "b==2 \\\n    --hash=sha256:22\n");
        assert_eq!(only(list, &["c"]), "");
    }

    /// Fails if: progress names something else than what is installed.
    #[test]
    fn describes_what_is_installed() {
        let list = "# Why it is here; not a pin: x==0\na==1.2 \\\n    --hash=sha256:00\nb-c==3 \\\n    --hash=sha256:11\n";
        assert_eq!(describe(list).as_deref(), Some("a 1.2, b-c 3"));
        assert_eq!(describe("# nothing\n"), None);
    }
}
