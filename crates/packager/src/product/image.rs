//! What only container images need to know.

use anyhow::{Result, ensure};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Facts of container images.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Where it is published, without a tag: `registry.example.org/vendor/product`.
    pub repository: String,
    /// Address of the sources.
    pub source: String,
    /// Address of what people read about it.
    pub documentation: String,
    /// The account that the program runs as.
    pub account: String,
    /// Number of that account and of its group; it never changes, since volumes keep it.
    pub id: u32,
    /// Arguments with which the program starts.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Environment variables besides `PATH`.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// TCP ports at which it listens.
    #[serde(default)]
    pub ports: Vec<u16>,
    /// The folder that outlives a container: the program starts in it.
    pub volume: String,
    /// How to ask whether it is well.
    pub health: Option<HealthCheck>,
}

/// A health check, as the program makes it by itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthCheck {
    /// Arguments of the program; it ends with 0 if all is well.
    pub arguments: Vec<String>,
    /// Seconds between two checks.
    pub interval_seconds: u32,
    /// Seconds after which a check has failed.
    pub timeout_seconds: u32,
    /// Seconds from the start in which failures do not count.
    pub start_seconds: u32,
    /// How many checks in a row must fail.
    pub retries: u32,
}

impl Image {
    pub(super) fn check(&self) -> Result<()> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_./".contains(c);
        ensure!(
            self.repository.contains('/') && self.repository.chars().all(plain),
            "[image] repository {:?}: write REGISTRY/PATH in lower case, without a tag",
            self.repository
        );
        ensure!(
            self.volume.starts_with('/') && !self.volume.ends_with('/'),
            "[image] volume {:?}: write a full path without / at its end",
            self.volume
        );
        ensure!(self.id != 0, "[image] id: a container does not run as root");
        ensure!(
            self.environment.keys().all(|name| !name.is_empty() && !name.contains('=')),
            "[image.environment]: a variable has a name without ="
        );
        Ok(())
    }
}
