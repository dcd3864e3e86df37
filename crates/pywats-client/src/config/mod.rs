//! The configuration: defaults in the code, overridden by a JSON file, overridden by the environment,
//! overridden by group policies where the system has them.
//!
//! No package owns the file, and every part of it is optional. What it may contain is one table in
//! [`settings`]; where it comes from is in [`source`] and [`policy`]; how a running service learns of
//! changes is in [`watch`].

#[cfg(target_os = "linux")]
mod credential;
mod duplicates;
pub mod edit;
pub mod folders;
pub mod loaded;
pub mod migrate;
pub mod policy;
pub mod settings;
pub mod source;
pub mod station;
#[cfg(test)]
mod tests;
pub mod verdict;
pub mod watch;
pub mod watch_folders;

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
    /// Folders that are watched beside the first one.
    pub folders: Vec<watch_folders::Row>,
    /// How reports are completed.
    pub reports: Reports,
    /// Which station this is.
    pub station: station::Station,
    /// How uploads are retried.
    pub upload: Upload,
    /// How long finished files are kept.
    pub retention: Retention,
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
    /// Whether the server is told how this station is.
    pub report_status: bool,
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
    /// What becomes of delivered files.
    pub after_delivery: AfterDelivery,
    /// Where they go if they are archived; by default `archive` in the data folder.
    pub archive_folder: Option<PathBuf>,
    /// The largest report that is read, in bytes: what bounds the memory of the service.
    pub max_report_bytes: u64,
    /// How long a text that ends too early may rest until it is set aside.
    pub incomplete: Duration,
}

/// How reports are completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reports {
    /// The zone of a start without UTC offset, as [`wats::Rules::in_time_zone`] takes it.
    pub time_zone: String,
    /// What becomes of a report whose identifier belongs to another one.
    pub same_id: SameId,
    /// Where a report without an identifier gets one from.
    pub missing_id: MissingId,
}

/// What becomes of a report with the identifier of another unit or another test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SameId {
    /// It is refused: the server would replace the other one.
    #[default]
    Refuse,
    /// It gets an identifier of its own.
    NewId,
}

/// Where a report without an identifier gets one from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingId {
    /// At random: each file is a report of its own.
    #[default]
    Random,
    /// From its content: two equal files are one report.
    Content,
}

/// What becomes of a file when its report was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterDelivery {
    /// It is moved to the done folder.
    Done,
    /// It is compressed into the archive.
    Archive,
    /// It is removed.
    Delete,
}

impl AfterDelivery {
    /// What can be written, as the end of the sentence "write …".
    pub const WANTED: &str = "\"done\" to move delivered files to the done folder, \"archive\" to compress them into \
                              the archive, or \"delete\" to remove them";

    /// Reads the word of the configuration.
    pub fn of_word(word: &str) -> Option<Self> {
        [AfterDelivery::Done, AfterDelivery::Archive, AfterDelivery::Delete]
            .into_iter()
            .find(|after| after.word() == word)
    }

    /// The word of the configuration.
    pub fn word(self) -> &'static str {
        match self {
            AfterDelivery::Done => "done",
            AfterDelivery::Archive => "archive",
            AfterDelivery::Delete => "delete",
        }
    }
}

/// How long finished files are kept; 0 is for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Days after the delivery, in the done folder or the archive.
    pub done_days: u32,
    /// As many of them, in gigabytes.
    pub done_gigabytes: u32,
    /// Days after the refusal, in the failed folder.
    pub failed_days: u32,
}

/// How uploads are retried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The wait after a first failure; it doubles with each further one.
    pub retry_initial: Duration,
    /// The longest wait, and the wait after the server has refused the token.
    pub retry_max: Duration,
    /// How many reports are sent at once.
    pub concurrency: usize,
    /// How many reports may be sent in a minute; by default as many as the server takes.
    pub max_per_minute: Option<u32>,
    /// What proves that the server has a report.
    pub proof: Proof,
}

/// What proves that the server has a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Its identifier in the answer, or that it can be read back.
    Id,
    /// An answer as WATS answers, with whatever identifier.
    Answer,
}

/// What is logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logging {
    /// The least important level that is written.
    pub level: tracing::Level,
    /// How a line looks.
    pub format: LogFormat,
    /// The file that lines go to, in place of the journal or standard error.
    pub file: Option<PathBuf>,
    /// How large a file becomes, until the next one begins.
    pub file_megabytes: u32,
    /// How many full ones are kept.
    pub files: u32,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// An object of JSON, for programs.
    Json,
}

/// Where the health endpoints listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// The address of the interface.
    pub address: std::net::IpAddr,
    /// The TCP port; 0 is off.
    pub port: u16,
    /// Who is shown names of files, serial numbers and reasons.
    pub show_reports: ShowReports,
    /// Names by which a browser may ask, beside `localhost` and the machine's own; in lower case.
    pub host_names: Vec<String>,
}

/// Who is shown names of files, serial numbers and reasons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ShowReports {
    /// Who asks on this machine.
    #[default]
    Local,
    /// Everybody who reaches the port.
    All,
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
                report_status: false,
            },
            client: Client {
                data_dir: default_data_dir(),
                watch_folder: None,
                done_folder: None,
                failed_folder: None,
                after_delivery: AfterDelivery::Done,
                archive_folder: None,
                max_report_bytes: 64 << 20,
                incomplete: Duration::from_mins(10),
            },
            folders: Vec::new(),
            reports: Reports {
                time_zone: "system".to_owned(),
                same_id: SameId::default(),
                missing_id: MissingId::default(),
            },
            station: station::Station::default(),
            upload: Upload {
                retry_initial: Duration::from_secs(1),
                retry_max: Duration::from_secs(300),
                concurrency: 8,
                max_per_minute: None,
                proof: Proof::Id,
            },
            retention: Retention { done_days: 90, done_gigabytes: 10, failed_days: 0 },
            logging: Logging {
                level: tracing::Level::INFO,
                format: LogFormat::default(),
                file: None,
                file_megabytes: 10,
                files: 5,
            },
            health: Health {
                address: std::net::Ipv4Addr::LOCALHOST.into(),
                port: 8080,
                show_reports: ShowReports::default(),
                host_names: Vec::new(),
            },
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

    /// Where delivered files go if they are archived.
    pub fn archive_folder(&self) -> PathBuf {
        self.folder(self.client.archive_folder.as_deref(), "archive")
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

    /// That there is one, and nothing of it: base64 begins with the user and ends with the password.
    pub fn masked(&self) -> &'static str {
        if self.0.is_empty() { "" } else { "****" }
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
