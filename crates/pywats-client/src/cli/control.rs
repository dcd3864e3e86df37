//! The verbs that ask the running service.

use super::ConfigArgs;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// How to show the state of the service.
#[derive(Args, Debug)]
pub struct StatusArgs {
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Print JSON, for programs.
    #[arg(long)]
    pub json: bool,
}

/// What to do with the queue.
#[derive(Args, Debug)]
pub struct QueueArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: QueueCommand,
}

/// What can be done with the queue.
#[derive(Debug, Subcommand)]
pub enum QueueCommand {
    /// Show the reports that wait, oldest first.
    List(QueueListArgs),
    /// Show one report that waits: how, since when, and what it met.
    Show(ReportArgs),
    /// Try a report at once, or with --all everything, parked reports too.
    ///
    /// What was noted of it counts as over, and no pause waits any longer.
    Retry(QueueRetryArgs),
    /// Give a report up: its file is moved to the failed folder, with a reason that says so. Nothing is lost.
    Drop(ReportArgs),
}

/// How much of the queue to show.
#[derive(Args, Debug)]
pub struct QueueListArgs {
    /// Where and how.
    #[command(flatten)]
    pub list: ListArgs,
    /// Go on after the report in this row, as the last line of a list says.
    #[arg(long, value_name = "ROW", default_value_t = 0)]
    pub after: i64,
}

/// How much to show.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Print JSON, for programs.
    #[arg(long)]
    pub json: bool,
    /// Show so many at most, up to 1000.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    pub limit: u32,
}

/// Which report is meant.
#[derive(Args, Debug)]
pub struct ReportArgs {
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Print JSON, for programs.
    #[arg(long)]
    pub json: bool,
    /// The identifier of the report, or its beginning: at least 4 characters that no other one begins with.
    #[arg(value_name = "ID")]
    pub id: String,
}

/// Which reports are tried again.
#[derive(Args, Debug)]
pub struct QueueRetryArgs {
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Print JSON, for programs.
    #[arg(long)]
    pub json: bool,
    /// All reports.
    #[arg(long, conflicts_with = "id")]
    pub all: bool,
    /// The identifier of the report, or its beginning: at least 4 characters that no other one begins with.
    #[arg(value_name = "ID")]
    pub id: Option<String>,
}

/// What to do with refused files.
#[derive(Args, Debug)]
pub struct FailedArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: FailedCommand,
}

/// What can be done with refused files.
#[derive(Debug, Subcommand)]
pub enum FailedCommand {
    /// Show the refused files, newest first, with the reasons and what to do.
    List(ListArgs),
    /// Take refused files back into the watch folder, to be uploaded again.
    Retry(FailedRetryArgs),
}

/// Which refused files are taken back.
#[derive(Args, Debug)]
pub struct FailedRetryArgs {
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Print JSON, for programs.
    #[arg(long)]
    pub json: bool,
    /// All files.
    #[arg(long, conflicts_with = "names")]
    pub all: bool,
    /// Names of the files, as failed list shows them; * stands for anything.
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
}

/// What to send.
#[derive(Args, Debug)]
pub struct SendArgs {
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Print JSON, for programs.
    #[arg(long)]
    pub json: bool,
    /// What the file is called when it is delivered [default: its name, or report.json].
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The report; - reads it from standard input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}
