//! The configuration: defaults in the code, overridden by a JSON file, overridden by the environment,
//! overridden by group policies where the system has them.
//!
//! No package owns the file, and every part of it is optional. What it may contain is one table in
//! [`settings`]; where it comes from is in [`source`] and [`policy`]; how a running service learns of
//! changes is in [`watch`].

pub mod loaded;
pub mod policy;
pub mod settings;
pub mod source;
#[cfg(test)]
mod tests;
pub mod watch;

pub use loaded::{FileState, Loaded, Origin};
pub use source::Sources;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Everything that can be configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The WATS server.
    pub server: Server,
    /// Folders and limits at this station.
    pub client: Client,
    /// How uploads are retried.
    pub upload: Upload,
    /// What is logged.
    pub logging: Logging,
    /// Where the health endpoints listen.
    pub health: Health,
}

/// The WATS server and the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Address of the site, as `https://company.wats.com`.
    pub url: Option<String>,
    /// The token: base64 of `user:password`.
    pub token: Option<Secret>,
    /// A file that holds the token.
    pub token_file: Option<PathBuf>,
    /// A PEM file with certificates to trust beside the system's.
    pub ca_file: Option<PathBuf>,
    /// `system`, `none` or the address of a proxy, which may hold a password.
    pub proxy: Secret,
    /// How long one request may take.
    pub timeout: Duration,
}

/// Folders and limits at this station.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Where queue and folders are.
    pub data_dir: PathBuf,
    /// Where reports are dropped; by default `watch` in the data folder.
    pub watch_folder: Option<PathBuf>,
    /// Where delivered files go; by default `done` in the data folder.
    pub done_folder: Option<PathBuf>,
    /// Where refused files go; by default `failed` in the data folder.
    pub failed_folder: Option<PathBuf>,
    /// The largest report that is read, in bytes: what bounds the memory of the service.
    pub max_report_bytes: u64,
}

/// How uploads are retried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The wait after a first failure; it doubles with each further one.
    pub retry_initial: Duration,
    /// The longest wait, and the wait after the server has refused the token.
    pub retry_max: Duration,
}

/// What is logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logging {
    /// The least important level that is written.
    pub level: tracing::Level,
}

/// Where the health endpoints listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// The address of the interface.
    pub address: std::net::IpAddr,
    /// The TCP port; 0 is off.
    pub port: u16,
}

impl Config {
    /// The defaults of this system.
    pub fn new() -> Self {
        Config {
            server: Server {
                url: None,
                token: None,
                token_file: None,
                ca_file: None,
                proxy: Secret::new("system"),
                timeout: Duration::from_secs(30),
            },
            client: Client {
                data_dir: default_data_dir(),
                watch_folder: None,
                done_folder: None,
                failed_folder: None,
                max_report_bytes: 64 << 20,
            },
            upload: Upload { retry_initial: Duration::from_secs(1), retry_max: Duration::from_secs(300) },
            logging: Logging { level: tracing::Level::INFO },
            health: Health { address: std::net::Ipv4Addr::LOCALHOST.into(), port: 8080 },
        }
    }

    /// Where reports are dropped.
    pub fn watch_folder(&self) -> PathBuf {
        self.folder(self.client.watch_folder.as_deref(), "watch")
    }

    /// Where delivered files go.
    pub fn done_folder(&self) -> PathBuf {
        self.folder(self.client.done_folder.as_deref(), "done")
    }

    /// Where refused files go.
    pub fn failed_folder(&self) -> PathBuf {
        self.folder(self.client.failed_folder.as_deref(), "failed")
    }

    fn folder(&self, configured: Option<&Path>, default: &str) -> PathBuf {
        configured.map_or_else(|| self.client.data_dir.join(default), Path::to_path_buf)
    }
}

impl Default for Config {
    fn default() -> Self {
        Config::new()
    }
}

/// Text that must not appear in logs: a token, or an address that may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// The secret itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The first and the last four characters if what is hidden between them is long enough.
    pub fn masked(&self) -> String {
        let chars: Vec<char> = self.0.chars().collect();
        match chars.len() {
            0 => String::new(),
            1..=15 => "****".to_owned(),
            n => format!("{}****{}", String::from_iter(&chars[..4]), String::from_iter(&chars[n - 4..])),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// `%ProgramData%`, which Windows always sets.
#[cfg(windows)]
fn program_data() -> PathBuf {
    std::env::var_os("ProgramData").map_or_else(|| PathBuf::from(r"C:\ProgramData"), PathBuf::from)
}

/// Where the configuration is unless told otherwise.
pub fn default_path() -> PathBuf {
    #[cfg(windows)]
    return program_data().join("pyWATS").join("config.json");
    #[cfg(target_os = "macos")]
    return PathBuf::from("/Library/Application Support/pyWATS/config.json");
    #[cfg(not(any(windows, target_os = "macos")))]
    return PathBuf::from("/etc/pywats/config.json");
}

fn default_data_dir() -> PathBuf {
    #[cfg(windows)]
    return program_data().join("pyWATS");
    #[cfg(target_os = "macos")]
    return PathBuf::from("/Library/Application Support/pyWATS");
    #[cfg(not(any(windows, target_os = "macos")))]
    return PathBuf::from("/var/lib/pywats");
}
