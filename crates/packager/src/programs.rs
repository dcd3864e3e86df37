//! The compiled programs that go into one artifact: for each target the folder that a build left them in.
//!
//! A program is looked at when it enters an artifact, whoever asks for that.

use crate::digest;
use crate::payload::Source;
use crate::{Platform, Target};
use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What was compiled for one target.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The Rust target triple, or any other text that names the target.
    pub triple: String,
    /// The folder.
    pub folder: PathBuf,
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Programs {
    platform: Platform,
    compiled: Vec<(Target, Compiled)>,
}

/// A program as it is in an artifact, for the list of artifacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// The name of its file, where it was compiled.
    pub name: String,
    /// The Rust target triple.
    pub target: String,
    /// SHA-256, hexadecimal; of one slice of a universal program, that of the slice.
    pub sha256: String,
}

impl Programs {
    /// The programs of an artifact, for all its targets.
    ///
    /// # Errors
    /// If a target is unknown, or no artifact can have these targets at once.
    pub fn new(compiled: Vec<Compiled>) -> Result<Programs> {
        let compiled: Vec<(Target, Compiled)> = compiled
            .into_iter()
            .map(|compiled| Ok((compiled.triple.parse()?, compiled)))
            .collect::<Result<_>>()?;
        let targets: Vec<Target> = compiled.iter().map(|(target, _)| *target).collect();
        Ok(Programs { platform: Platform::new(&targets)?, compiled })
    }

    /// No programs: for those who only ask what else decides an artifact. Each counts as empty.
    pub fn none(platform: Platform) -> Programs {
        Programs { platform, compiled: Vec::new() }
    }

    /// What they are for.
    pub fn platform(&self) -> &Platform {
        &self.platform
    }

    /// The folders.
    pub fn compiled(&self) -> impl Iterator<Item = &Compiled> {
        self.compiled.iter().map(|(_, compiled)| compiled)
    }

    /// The program of that file name, as it goes into the artifact.
    ///
    /// # Errors
    /// If it is not there, or is no program for its target.
    pub fn source(&self, name: &str) -> Result<Source> {
        match self.compiled.as_slice() {
            [] => Ok(Source::Bytes(Vec::new())),
            [(_, one)] => Ok(Source::Path(find(&one.folder, name)?)),
            _ => bail!("no format takes programs for more than one target yet"),
        }
    }

    /// What the list of artifacts says of the programs of these file names.
    ///
    /// # Errors
    /// If one cannot be read.
    pub fn record(&self, names: &[String]) -> Result<Vec<Program>> {
        let mut records = Vec::new();
        for compiled in self.compiled() {
            for name in names {
                let sha256 = digest::sha256_file(&find(&compiled.folder, name)?)?;
                records.push(Program { name: name.clone(), target: compiled.triple.clone(), sha256 });
            }
        }
        Ok(records)
    }
}

fn find(folder: &Path, name: &str) -> Result<PathBuf> {
    ensure!(folder.is_dir(), "{} is not a folder with compiled programs", folder.display());
    let path = folder.join(name);
    ensure!(path.is_file(), "{} is not a file; a package needs it", path.display());
    Ok(path)
}
