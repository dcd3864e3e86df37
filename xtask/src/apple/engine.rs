//! The engine that signs, notarises and staples: that of [rcodesign](https://github.com/indygreg/apple-platform-rs), out of
//! a pinned wheel.
//!
//! It runs in a process of its own, is told what to do on its standard input, and answers with its last line. Keys reach
//! it through that pipe: they are in no argument, no environment and no file.

use crate::process;
use crate::progress::Progress;
use crate::toolchain::wheels;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is run: it knows the wheel's modules.
const SCRIPT: &str = include_str!("engine.py");
/// The wheel, pinned.
const REQUIREMENTS: &str = include_str!("requirements.txt");
const PACKAGE: &str = "apple-platform-py==";
/// More than a pipe holds: a request would wait for somebody to read it.
const LONGEST: usize = 60_000;

/// See the [module](self).
pub(crate) struct Engine {
    set: PathBuf,
    /// Roots of the servers that it reaches by https, if not the system's.
    roots: Option<PathBuf>,
}

impl Engine {
    /// Brings it, unless it is there.
    ///
    /// # Errors
    /// If it cannot be had; the error says what to do.
    pub(crate) fn find(roots: Option<&Path>) -> Result<Engine> {
        Ok(Engine { set: Engine::modules()?, roots: roots.map(Path::to_owned) })
    }

    /// The folder with its modules for Python.
    ///
    /// # Errors
    /// As [`Engine::find`].
    pub(crate) fn modules() -> Result<PathBuf> {
        wheels::ready("apple-signer", REQUIREMENTS, &Progress::lines())
            .context("bringing what signs for macOS")
    }

    /// What it is, with its version.
    pub(crate) fn name() -> String {
        let pin = REQUIREMENTS.lines().find_map(|line| line.strip_prefix(PACKAGE));
        let version = pin.unwrap_or_default().split_whitespace().next().unwrap_or_default();
        format!("{} {version}", PACKAGE.trim_end_matches('='))
    }

    /// Lets it do what the request says.
    ///
    /// # Errors
    /// If it cannot, or does not within `limit`; the error has what it says.
    pub(crate) fn call(&self, request: &Value, limit: Duration) -> Result<Value> {
        let folder = tempfile::tempdir().context("making a folder for unfinished files")?;
        let script = folder.path().join("engine.py");
        fs::write(&script, SCRIPT).with_context(|| format!("writing {}", script.display()))?;
        let mut python = wheels::python(&self.set);
        python.arg(&script);
        if let Some(roots) = &self.roots {
            python.env("SSL_CERT_FILE", roots);
        }
        let text = request.to_string();
        anyhow::ensure!(
            text.len() <= LONGEST,
            "the key, with its certificates, is longer than {LONGEST} bytes"
        );
        let (reader, mut writer) = std::io::pipe().context("making a pipe")?;
        writer.write_all(text.as_bytes()).context("writing into a pipe")?;
        drop(writer);
        python.stdin(reader);
        let mut answer = None;
        process::run_within(python, Some(limit), |line| match serde_json::from_str::<Value>(line) {
            Ok(value) if value.is_object() => answer = Some(value),
            _ => eprintln!("  {}", line.rsplit("apple_codesign::").next().unwrap_or(line)),
        })?;
        let mut answer = answer.context("what signs for macOS gave no answer")?;
        match answer["error"].as_str() {
            Some(error) => bail!("{error}"),
            None => Ok(answer["answer"].take()),
        }
    }
}
