//! The verbs about the configuration file and about report files, which need no running service.

use super::ConfigArgs;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What is judged.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Print JSON, for programs.
    #[arg(long)]
    pub json: bool,
    /// Reports to judge, in place of the configuration.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Show every setting in force and where it comes from.
    Show(ShowArgs),
    /// Show the value of one setting.
    Get(GetArgs),
    /// Change one setting in the file.
    ///
    /// The file keeps its rights, the order of its keys and what this program does not know. Nothing is written that the
    /// service could not use. The running service follows by itself.
    Set(SetArgs),
    /// Make the file, where none exists.
    Init(InitArgs),
    /// Take over what the Python client was configured with, and say what was taken and what was not.
    ///
    /// Its file is looked for at its usual places. A new configuration is written, or with --merge what is missing is
    /// added; what is set already stays. Nothing is written that the service could not use. Converters that take WSJF
    /// become folders; others are listed. The token is copied and never shown.
    Migrate(MigrateArgs),
    /// Show which file is used.
    Path(ShowArgs),
    /// Show which configuration the service would use and what is wrong with it; the same as check.
    Check(ShowArgs),
}

/// How to show it.
#[derive(Args, Debug)]
pub struct ShowArgs {
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Print JSON, for programs.
    #[arg(long)]
    pub json: bool,
}

/// Which setting.
#[derive(Args, Debug)]
pub struct GetArgs {
    /// How to show it.
    #[command(flatten)]
    pub show: ShowArgs,
    /// The setting, as server.url.
    #[arg(value_name = "KEY")]
    pub key: String,
}

/// What to change.
#[derive(Args, Debug)]
pub struct SetArgs {
    /// How to show it.
    #[command(flatten)]
    pub show: ShowArgs,
    /// The setting, as server.url.
    #[arg(value_name = "KEY")]
    pub key: String,
    /// The value; - reads it from standard input, which is how secrets are given.
    #[arg(value_name = "VALUE", required_unless_present = "unset", conflicts_with = "unset")]
    pub value: Option<String>,
    /// Remove the setting from the file.
    #[arg(long)]
    pub unset: bool,
}

/// What a new file says.
#[derive(Args, Debug)]
pub struct InitArgs {
    /// How to show it.
    #[command(flatten)]
    pub show: ShowArgs,
    /// The address of the WATS server.
    #[arg(long, value_name = "URL")]
    pub server_url: Option<String>,
    /// The file that holds the token, which the service must be able to read; - reads the token from standard input
    /// into the configuration.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<String>,
    /// The name of the station.
    #[arg(long, value_name = "NAME")]
    pub station_name: Option<String>,
    /// Where the station is.
    #[arg(long, value_name = "TEXT")]
    pub location: Option<String>,
    /// What the station is used for.
    #[arg(long, value_name = "TEXT")]
    pub purpose: Option<String>,
}

/// What to take over, and into what.
#[derive(Args, Debug)]
pub struct MigrateArgs {
    /// How to show it.
    #[command(flatten)]
    pub show: ShowArgs,
    /// The configuration of the Python client [default: the one that is found].
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Add to a configuration that exists; what is set in it stays.
    #[arg(long)]
    pub merge: bool,
    /// Only print what would be done.
    #[arg(long)]
    pub dry_run: bool,
}
