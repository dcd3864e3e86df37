//! The SELinux policy that guests have loaded before a scenario begins: that of the package in `dist/`, by the script
//! that users run (docs/linux.md). Loading it takes half a minute, so a guest is saved with it.

use super::handed;
use super::registry::Guest;
use crate::workspace;
use anyhow::{Context, Result};
use packager::digest::{self, Inputs};
use serde_json::{Map, Value};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What a package has of it, in one folder.
const FILES: &[&str] = &["install-selinux.sh", "pywats_client.cil"];

/// Where the package has them.
const PLACE: &str = "usr/share/pywats-client/selinux";

/// The policy of a package, in a folder of its own.
pub(crate) struct Policy {
    folder: TempDir,
}

impl Policy {
    /// The policy for a guest, if it enforces SELinux. RPM has it in a package of its own, which the scenarios install.
    ///
    /// # Errors
    /// If `dist` does not have the package, or the package no policy.
    pub(crate) fn of(guest: &Guest, dist: &Path) -> Result<Option<Policy>> {
        if !guest.selinux || guest.format == "rpm" {
            return Ok(None);
        }
        let package = handed::of_row(handed::artifact(guest)?, dist)?;
        let work = super::work()?;
        handed::unpack(&guest.format, &package, work.path())?;
        let folder = super::work()?;
        for name in FILES {
            let file = work.path().join(PLACE).join(name);
            fs::copy(&file, folder.path().join(name))
                .with_context(|| format!("taking {PLACE}/{name} out of {}", package.display()))?;
        }
        Ok(Some(Policy { folder }))
    }

    /// Everything that decides what a guest is like once the policy is loaded, but the guest.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub(crate) fn decides(&self, mut inputs: Inputs) -> Result<Inputs> {
        for name in FILES {
            inputs = inputs.value(name, &digest::sha256_file(&self.folder.path().join(name))?);
        }
        Ok(inputs.value("script", &digest::sha256_file(&Policy::script())?))
    }

    /// The script for the bench that loads it.
    pub(crate) fn script() -> PathBuf {
        workspace::root().join("tests/vm/policy.py")
    }

    /// What the script finds as global variables.
    pub(crate) fn constants(&self) -> Map<String, Value> {
        let folder = self.folder.path().to_string_lossy().into_owned();
        Map::from_iter([("POLICY".to_owned(), Value::String(folder))])
    }
}
