//! The verbs about the folders that are watched beside the first one.

use super::config::ShowArgs;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What to do with the folders.
#[derive(Debug, Subcommand)]
pub enum FoldersCommand {
    /// Show the folders that are watched.
    List(ShowArgs),
    /// Watch another folder, and let the service use it.
    ///
    /// The folder is written into the configuration. What the system must allow is printed: an access list for the
    /// account of the service, a drop-in of its unit, a label where SELinux is enabled. As root on Linux it is done,
    /// and undone if a step fails or Ctrl-C is pressed. Links that others can change, and folders of the system, are
    /// refused.
    Add(AddArgs),
    /// Watch a folder no longer, and take back what add has allowed. Its files stay.
    Remove(RemoveArgs),
}

/// The folder.
#[derive(Args, Debug)]
pub struct AddArgs {
    /// How to show it.
    #[command(flatten)]
    pub show: ShowArgs,
    /// Where the folder is, as a full path.
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// What the folder is called: 1 to 32 of a-z, 0-9, - and _.
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// Which names are taken; can be given several times [default: *.json and *.wsjf].
    #[arg(long = "pattern", value_name = "PATTERN")]
    pub patterns: Vec<String>,
    /// Take files of folders in it, too.
    #[arg(long)]
    pub subfolders: bool,
    /// Where delivered files go [default: client.done_folder].
    #[arg(long, value_name = "PATH")]
    pub done: Option<PathBuf>,
    /// Where refused files go [default: client.failed_folder].
    #[arg(long, value_name = "PATH")]
    pub failed: Option<PathBuf>,
    /// What becomes of delivered files: done, archive or delete [default: client.after_delivery].
    #[arg(long, value_name = "WORD")]
    pub after_delivery: Option<String>,
    /// Whose reports are sent first: 1 before 10.
    #[arg(long, value_name = "NUMBER")]
    pub priority: Option<u8>,
    /// How the folder is looked at: auto, events or polling.
    #[arg(long, value_name = "WORD")]
    pub look: Option<String>,
    /// Only print what would be done.
    #[arg(long)]
    pub dry_run: bool,
}

/// Which folder.
#[derive(Args, Debug)]
pub struct RemoveArgs {
    /// How to show it.
    #[command(flatten)]
    pub show: ShowArgs,
    /// What the folder is called.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Only print what would be done.
    #[arg(long)]
    pub dry_run: bool,
}
