//! Whom to trust: roots in files that somebody names, or else the system's.
//!
//! osslsigncode looks for the system's by itself, in versions that differ in what they do when there are none. So it
//! is always told, and what is missing is said here.

use super::certificates;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where systems keep their roots: the places that osslsigncode knows.
const SYSTEM: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/usr/share/ssl/certs/ca-bundle.crt",
    "/usr/local/share/certs/ca-root-nss.crt",
    "/etc/ssl/cert.pem",
];

/// Whom to trust: options, and the section `trust` of a configuration.
#[derive(Clone, Debug, Default, clap::Args, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trust {
    /// Roots of code signing certificates in PEM, by default the system's
    #[arg(long, value_name = "FILE")]
    pub(super) ca_file: Option<PathBuf>,
    /// Roots of time stamp servers in PEM, by default the system's
    #[arg(long, value_name = "FILE")]
    pub(super) tsa_ca_file: Option<PathBuf>,
    /// Roots of what is reached by https in PEM, by default the system's
    #[arg(long, value_name = "FILE")]
    pub(super) https_ca_file: Option<PathBuf>,
    /// Fetches no revocation lists
    #[arg(long)]
    #[serde(skip)]
    pub(crate) offline: bool,
}

/// Whom roots vouch for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Roots {
    /// Those who sign.
    Signers,
    /// Those who stamp.
    TimeStamps,
    /// Servers that are reached by https.
    Servers,
}

impl Trust {
    /// The file with roots that somebody named.
    pub(crate) fn named(&self, roots: Roots) -> Option<&Path> {
        match roots {
            Roots::Signers => self.ca_file.as_deref(),
            Roots::TimeStamps => self.tsa_ca_file.as_deref(),
            Roots::Servers => self.https_ca_file.as_deref(),
        }
    }

    /// The file with roots, named or the system's.
    ///
    /// # Errors
    /// If there is none; the error says what to name or to install.
    pub(crate) fn file(&self, roots: Roots) -> Result<&Path> {
        let system = || SYSTEM.iter().map(Path::new).find(|path| path.is_file());
        self.named(roots).or_else(system).with_context(|| {
            let (whom, name) = match roots {
                Roots::Signers => ("code signing certificates", "ca_file"),
                Roots::TimeStamps => ("time stamp servers", "tsa_ca_file"),
                Roots::Servers => ("https servers", "https_ca_file"),
            };
            format!(
                "there are no roots for {whom}: give {name} in [trust] of signing.toml or --{}, or install those of the system (Debian: apt-get install ca-certificates)",
                name.replace('_', "-")
            )
        })
    }

    /// Takes what the command line does not say from a configuration.
    pub(crate) fn complete(&mut self, mut from: Trust) {
        for (file, other) in self.files_mut().into_iter().zip(from.files_mut()) {
            *file = file.take().or(other.take());
        }
    }

    /// The files that may be named.
    fn files_mut(&mut self) -> [&mut Option<PathBuf>; 3] {
        [&mut self.ca_file, &mut self.tsa_ca_file, &mut self.https_ca_file]
    }

    /// The same as options, for another run of these tools.
    pub(crate) fn options(&self) -> Vec<OsString> {
        let named = [
            ("--ca-file", &self.ca_file),
            ("--tsa-ca-file", &self.tsa_ca_file),
            ("--https-ca-file", &self.https_ca_file),
        ];
        let mut options: Vec<OsString> = Vec::new();
        for (option, file) in named {
            if let Some(file) = file {
                // The other run may start elsewhere.
                options.extend([option.into(), file.canonicalize().unwrap_or_else(|_| file.clone()).into()]);
            }
        }
        options.extend(self.offline.then(|| "--offline".into()));
        options
    }

    /// The paths that are named.
    pub(crate) fn paths_mut(&mut self) -> Vec<&mut PathBuf> {
        self.files_mut().into_iter().flatten().collect()
    }

    /// Refuses files without certificates, and nobody to trust: the program that looks for them would not say so.
    ///
    /// # Errors
    /// If a file is missing or is no such file, or there are no roots for those who sign.
    pub(crate) fn check(&mut self) -> Result<()> {
        for file in self.paths_mut() {
            certificates::read(file).context("looking for roots to trust")?;
        }
        self.file(Roots::Signers).map(|_| ())
    }
}
