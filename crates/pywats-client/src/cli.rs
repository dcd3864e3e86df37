//! The command line. Man pages and shell completions are generated from it
//! (`tests/generated.rs`), so it knows nothing of the rest of the program.

pub mod config;
mod control;
pub mod folders;
pub mod installation;

pub use control::{
    FailedArgs, FailedCommand, FailedRetryArgs, ListArgs, QueueArgs, QueueCommand, QueueListArgs,
    QueueRetryArgs, ReportArgs, SendArgs, StatusArgs,
};

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// The end of the help: where things are on this system.
#[cfg(windows)]
const FILES: &str = r"Files:
  %ProgramData%\pyWATS\config.json  The configuration; another one by --config or PYWATS_CONFIG
  %ProgramData%\pyWATS              The data: queue.db, spool, watch, done, failed; see client.data_dir
  %ProgramData%\pyWATS\logs         The log of the service; warnings are in the event log, too";
#[cfg(target_os = "macos")]
const FILES: &str = "Files:
  /Library/Application Support/pyWATS/config.json  The configuration; another one by --config or PYWATS_CONFIG
  /Library/Application Support/pyWATS              The data: queue.db, spool, watch, done, failed; see client.data_dir
  /Library/Application Support/pyWATS/logs         The log of the service; run writes to standard error";
#[cfg(not(any(windows, target_os = "macos")))]
const FILES: &str = "Files:
  /etc/pywats/config.json  The configuration; another one by --config or PYWATS_CONFIG
  /var/lib/pywats          The data: queue.db, spool, watch, done, failed; see client.data_dir
  the journal              The log of the service: journalctl -u pywats-client; run writes to standard error";

/// Uploads manufacturing test reports to a WATS server.
///
/// At a test station the service watches a folder, keeps the reports it finds in a durable queue and
/// uploads them to a WATS server. It survives restarts, power cuts and an unreachable server without
/// losing a report. Without a configuration it runs and says what is missing.
#[derive(Debug, Parser)]
#[command(name = "pywats-client", version, after_help = FILES, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the service in the foreground until it is told to stop.
    ///
    /// Reports that are dropped into the watch folder (*.json, *.wsjf) are queued as soon as their
    /// writer has closed them, and uploaded. Delivered files move to the done folder, refused ones to
    /// the failed folder with a reason file beside them. SIGTERM, SIGINT or the service manager stop
    /// the service. SIGHUP (systemctl reload pywats-client; on Windows sc control pywats-client
    /// paramchange) makes it read its configuration again and try at once what waits, parked reports
    /// too. It reads the configuration by itself when the file changes.
    Run(RunArgs),
    /// Show which configuration the service would use and what is wrong with it, or whether reports would pass.
    ///
    /// Without FILE the configuration is shown. With FILE each report is judged as the service judges it when it takes
    /// it in, and by the rules that the server has published; no service and no server is asked. Nothing is started or
    /// changed. Tokens and passwords are masked.
    Check(config::CheckArgs),
    /// Show and change the configuration file.
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Show and change the folders that are watched beside the first one.
    #[command(subcommand)]
    Folders(folders::FoldersCommand),
    /// Ask the server for its version, with the configured address, token and proxy.
    ///
    /// What is wrong with the configuration is shown first, as check shows it.
    TestConnection(TestArgs),
    /// Print a report for support: versions, configuration, folders, service, server, and what to do.
    ///
    /// Nothing is changed, and tokens and passwords are masked. It says which settings are in force and
    /// where they come from, whether the folders exist, can be written to and have space, how the running
    /// service is, and whether the server answers. On Windows also how the service is registered, and
    /// whether the Unified Write Filter would discard reports at a restart, with the commands that prevent
    /// it; the settings of the filter are read with uwfmgr.exe get-config.
    Diagnose(DiagnoseArgs),
    /// Take delivered or refused files back into the watch folder, to be uploaded again.
    ///
    /// Safe while the service runs. A report that was sent before is sent under the same identifier again, which
    /// replaces it on the server. Of the files of one identifier only the newest is taken, unless another one is asked
    /// for by its name. Files of the archive are copied; files of the done and failed folders are moved.
    Reprocess(ReprocessArgs),
    /// Register, remove, start or stop the service, for those who unpacked an archive.
    ///
    /// On Linux with systemd, on Windows with the service manager, on macOS with launchd. start, stop, restart and
    /// status work for a service that a package has installed, too.
    Service(installation::ServiceArgs),
    /// Ask the running service whether it is alive: exit code 0 if so, else 1 and why not. For containers.
    ///
    /// The health endpoints are asked at the port of the configuration, for two seconds at most; if they are switched
    /// off, the service is asked as status does.
    Health(installation::HealthArgs),
    /// Write one zip file with all that support needs: diagnosis, configuration, logs, the state of the queue.
    ///
    /// Tokens and passwords are left out. The names of report files, which may hold serial numbers, and the reasons
    /// why files were refused are in it, the reports are not; the README.txt in it says what else. Run as root or
    /// administrator it holds everything.
    SupportBundle(installation::BundleArgs),
    /// Show how the service is: its server, what waits, what was delivered and refused, and what to do.
    ///
    /// Ends with 0 if the service is ready, with 50 if it is not, and with 32 if it is not running.
    Status(StatusArgs),
    /// Show the reports that wait, try them again, or give one up.
    ///
    /// While the service runs it answers; when it is down the queue is read as its account. Administrators may do all
    /// of it, members of the group pywats-operators may look.
    Queue(QueueArgs),
    /// Show what was refused, and why; take it back to be uploaded again.
    ///
    /// Administrators may do all of it, members of the group pywats-operators may look.
    Failed(FailedArgs),
    /// Send a report to the service, which queues it or says at once what is wrong with it.
    ///
    /// The service gets the content of the file, and never touches the file itself. When the command ends with 0 the
    /// report is queued and survives a power cut. If the service is down, the report is put into the watch folder.
    /// For administrators and members of the group pywats-operators.
    Send(SendArgs),
}

/// Where the configuration is.
#[derive(Args, Debug, Default)]
pub struct ConfigArgs {
    /// Read the configuration from FILE [default: PYWATS_CONFIG, else the system's place; pywats-client help names it].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// How to show whether the server answers.
#[derive(Args, Debug)]
pub struct TestArgs {
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Print JSON, for programs.
    #[arg(long)]
    pub json: bool,
}

/// How to report.
#[derive(Args, Debug)]
pub struct DiagnoseArgs {
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Print JSON, for programs.
    #[arg(long)]
    pub json: bool,
}

/// What to take back.
#[derive(Args, Debug, Default)]
pub struct ReprocessArgs {
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Where the files are now.
    #[arg(long, value_enum)]
    pub from: Origin,
    /// Files that came there at this time or later: a day (in UTC), as 2026-11-28, or a time, as
    /// 2026-11-28T14:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Files that came there at this time or earlier.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// All files.
    #[arg(long)]
    pub all: bool,
    /// Only show which files are meant.
    #[arg(long)]
    pub list: bool,
    /// Print JSON, for programs.
    #[arg(long)]
    pub json: bool,
    /// Names of the files: in the archive those that they had in the watch folder, or those that they have now; *
    /// stands for anything.
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
}

/// Where files are that are taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Origin {
    /// The done folder.
    #[default]
    Done,
    /// The archive.
    Archive,
    /// The failed folder.
    Failed,
}

/// How to run the service.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Run under the service manager of Windows or under launchd of macOS, which start the service this way: the log
    /// goes to a file.
    #[arg(long)]
    pub service: bool,
}

/// The definition of the whole command line.
pub fn command() -> clap::Command {
    Cli::command()
}

/// A part of the man page that the command line cannot say: a title and its entries.
pub type Section = (&'static str, &'static [(&'static str, &'static str)]);

/// The sections FILES, ENVIRONMENT and EXAMPLES of the man page. EXIT STATUS is [`crate::exit::TABLE`].
pub const SECTIONS: &[Section] = &[
    (
        "FILES",
        &[
            (
                "/etc/pywats/config.json",
                "The configuration: JSON with the optional sections server, client, reports, station, upload, \
                 retention, logging and health, and the list folders. \
                 On Windows %ProgramData%\\pyWATS\\config.json, on macOS /Library/Application \
                 Support/pyWATS/config.json. A change is noticed and applied by the running service.",
            ),
            (
                "HKLM\\SOFTWARE\\Policies\\Virinco\\pyWATS Client",
                "On Windows the group policies, which override environment and file. Their templates lie in \
                 the folder PolicyDefinitions beside the program.",
            ),
            (
                "/Library/Managed Preferences/com.virinco.pywats-client.plist",
                "On macOS what device management has set for this machine, which overrides environment and file.",
            ),
            (
                "/var/lib/pywats",
                "The data folder. On Windows %ProgramData%\\pyWATS, on macOS /Library/Application Support/pyWATS. \
                 In it, unless configured otherwise:",
            ),
            ("watch/", "Where reports are dropped. Subfolders and names starting with a dot are left alone."),
            (
                "done/",
                "Files whose reports the server has accepted, each that was not sent as it is with a file NAME.sent.json \
                 that says under which identifier and what was changed.",
            ),
            (
                "failed/",
                "Files that cannot be uploaded, each with a file NAME.reason.json that says why and what to do.",
            ),
            (
                "archive/",
                "In place of done/ if client.after_delivery is \"archive\": a folder a day with compressed files \
                 (gzip). The comment of each says what became of it.",
            ),
            ("spool/", "Files whose reports the server has not yet accepted, under their identifiers."),
            ("queue.db", "What is known of these reports. If it is lost it is made again from spool/."),
            ("reserve", "Space that is kept back for a full disk."),
        ],
    ),
    (
        "ENVIRONMENT",
        &[
            ("PYWATS_CONFIG", "The configuration file, where --config does not name one."),
            (
                "PYWATS_SECTION_KEY",
                "Overrides the setting section.key of the configuration: PYWATS_SERVER_URL is server.url, \
                 PYWATS_STATION_NAME station.name. CONFIGURATION names the variable of each setting.",
            ),
            ("PYWATS_API_TOKEN", "The token; overrides server.token and server.token_file."),
            ("PYWATS_DATA_DIR", "The data folder; overrides client.data_dir."),
            ("PYWATS_LOG", "error, warn, info, debug or trace; overrides logging.level."),
            (
                "CREDENTIALS_DIRECTORY",
                "Set by systemd: its file token is used where no other token is given.",
            ),
            (
                "HTTPS_PROXY, HTTP_PROXY, NO_PROXY",
                "The proxy, while server.proxy is \"system\". On Windows, where they say nothing, the settings of \
                 account and machine.",
            ),
        ],
    ),
    (
        "EXAMPLES",
        &[
            ("pywats-client check", "Show the configuration in force and its problems."),
            (
                "pywats-client config set station.location Asker",
                "Name the place in reports that do not say it.",
            ),
            (
                "pywats-client config set server.token - < token",
                "Take the token from a file, so that no other user sees it.",
            ),
            ("pywats-client check report.json", "Would the server take this report?"),
            ("pywats-client test-connection && echo ready", "Prove address, token and proxy."),
            (
                "pywats-client reprocess --from failed --since 2026-11-28",
                "Upload again what was refused since that day, after its cause is gone.",
            ),
            (
                "systemctl reload pywats-client",
                "Try now what waits for the server, parked reports too. On Windows sc control pywats-client paramchange.",
            ),
            ("pywats-client diagnose > report.txt", "Write down what support asks first."),
            ("pywats-client support-bundle -o support.zip", "The same with logs and more, in one file."),
            (
                "pywats-client service install --copy-to /usr/local/bin",
                "Install the service from an unpacked archive.",
            ),
            ("pywats-client health --ready", "Whether the service can upload, as an exit code."),
            (
                "PYWATS_DATA_DIR=/tmp/pywats PYWATS_HEALTH_PORT=0 pywats-client run",
                "Try the service without installing it.",
            ),
            (
                "curl http://127.0.0.1:8080/health/ready",
                "Ask a running service whether it can upload, and if not, why.",
            ),
        ],
    ),
];
