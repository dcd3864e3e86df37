//! A configuration as it was put together from its sources, and what there is to say about it.

use super::Config;
use super::settings::SETTINGS;
use std::path::PathBuf;

/// What became of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileState {
    /// There is none.
    Missing,
    /// It was read, and every value in it is usable.
    Read,
    /// It cannot be used; [`Loaded::errors`] say why. Nothing of it was taken over; if only its folders cannot go
    /// together, all but these, so that what waits is sent.
    Broken,
}

/// Where the value of a setting comes from. A later one overrides the earlier ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// The program itself.
    #[default]
    Default,
    /// The configuration file.
    File,
    /// An environment variable, or the credentials that systemd hands over.
    Environment,
    /// A group policy.
    Policy,
}

impl Origin {
    /// The name that people see.
    pub fn name(self) -> &'static str {
        match self {
            Origin::Default => "default",
            Origin::File => "file",
            Origin::Environment => "environment",
            Origin::Policy => "policy",
        }
    }
}

/// The origin of every setting, in the order of [`SETTINGS`].
pub type Origins = [Origin; SETTINGS.len()];

/// Nobody has set anything.
pub(super) const NOTHING_SET: Origins = [Origin::Default; SETTINGS.len()];

/// A configuration and what there is to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The settings in force.
    pub config: Config,
    /// Where each of them comes from.
    pub origins: Origins,
    /// What they were before environment and policies.
    pub(super) from_file: (Config, Origins),
    /// The file that was looked for.
    pub path: PathBuf,
    /// What became of it.
    pub file: FileState,
    /// What makes file, environment or policies unusable.
    pub errors: Vec<String>,
    /// What uploading still needs.
    pub missing: Vec<String>,
    /// What was ignored.
    pub warnings: Vec<String>,
    /// The digest of the CA file, or why it cannot be read: whoever follows the configuration must see when only its
    /// content changes.
    pub ca_file: Option<Result<[u8; 32], String>>,
}

impl Loaded {
    /// The names of the settings that come from there.
    pub fn settings_of(&self, origin: Origin) -> Vec<String> {
        let settings = SETTINGS.iter().zip(self.origins).filter(|(_, found)| *found == origin);
        settings.map(|(setting, _)| setting.name()).collect()
    }
}
