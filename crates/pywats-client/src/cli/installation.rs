//! The command line of installations: `service`, `health` and `support-bundle`.

use super::ConfigArgs;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What is done with the service.
#[derive(Args, Debug)]
pub struct ServiceArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: ServiceVerb,
    /// Print JSON, for programs.
    #[arg(long, global = true)]
    pub json: bool,
}

/// What can be done with the service.
#[derive(Debug, Subcommand)]
pub enum ServiceVerb {
    /// Register the service with the system, let it start with the machine, and start it.
    ///
    /// For programs that were unpacked from an archive: a package or the MSI does this by itself. Account and folders
    /// are made where they are missing. What was done is undone if it cannot be completed.
    Install(InstallArgs),
    /// Stop the service and remove its registration, as install made it.
    ///
    /// Configuration, reports, the account and its group stay, unless --purge is given.
    Uninstall(UninstallArgs),
    /// Start the service, and wait until it runs.
    Start,
    /// Stop the service, and wait until it has ended.
    Stop,
    /// Stop the service if it runs, and start it.
    Restart,
    /// Show whether the service is registered, by whom, and whether it runs.
    Status,
}

/// How to register.
#[derive(Args, Debug, Default)]
pub struct InstallArgs {
    /// Only print what would be done.
    #[arg(long)]
    pub dry_run: bool,
    /// Copy the program into FOLDER first, and run it from there; as /usr/local/bin, which is made if it is missing.
    #[arg(long, value_name = "FOLDER")]
    pub copy_to: Option<PathBuf>,
    /// Do not start the service now; it starts with the machine.
    #[arg(long)]
    pub no_start: bool,
}

/// How to remove.
#[derive(Args, Debug, Default)]
pub struct UninstallArgs {
    /// Only print what would be done.
    #[arg(long)]
    pub dry_run: bool,
    /// Delete the configuration and the data folder too, with the reports that have not been delivered.
    #[arg(long)]
    pub purge: bool,
}

/// What to ask.
#[derive(Args, Debug, Default)]
pub struct HealthArgs {
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Ask whether reports are taken and uploaded, not only whether the service is alive.
    #[arg(long)]
    pub ready: bool,
    /// Print JSON, for programs.
    #[arg(long)]
    pub json: bool,
}

/// Where the bundle goes.
#[derive(Args, Debug, Default)]
pub struct BundleArgs {
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Write FILE [default: pywats-support-HOST-TIME.zip in the current folder], or - for standard output.
    /// A file that exists is not overwritten.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Print JSON, for programs.
    #[arg(long)]
    pub json: bool,
}
