//! The disk of the appliance, for a virtual machine and for a Raspberry Pi: Debian with the client on it, the same bits each
//! time. [`system`] is the table of what differs between the two.
//!
//! Four steps, each of which takes what the one before has left:
//!
//! 1. [`lock`]: which packages there are on it, by version and digest. A file in `packaging/appliance` says so, and is
//!    written anew only when somebody asks for it; then the [`archive`] is.
//! 2. [`fetch`]: these files, from Debian's archive, or from that of its past when it has moved on.
//! 3. [`root`]: the root folder, as a tar. mmdebstrap installs the packages without a network, so that their own
//!    scripts run, ours included; then the tar is edited ([`edit`]): what only this machine or this build would have
//!    goes, and what is in folders of `packaging/appliance` comes.
//! 4. [`disk`] or [`card`]: partitions and file systems, and what starts, in a sparse file, which [`images`] are made of.
//!
//! Programs of others do the work, and none of them needs root, a loop device or a mount outside a namespace. They are
//! started by whoever calls: [`Run`]. What is written depends on the lock, the files and the packages of the client alone.

pub mod archive;
pub mod boot;
pub mod card;
pub mod disk;
pub mod edit;
pub mod fetch;
pub mod images;
pub mod lock;
pub mod programs;
pub mod root;
pub mod system;

use anyhow::Result;
use std::process::Command;

/// Runs a program to its end, and fails if it does.
pub type Run<'a> = &'a dyn Fn(Command) -> Result<()>;

/// Where programs are. sbin: mkfs.fat and mke2fs are there, and not everyone has it on the path.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// A program that sees nothing of this machine's settings: only where programs are, and what a step says besides.
fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    command.env("PATH", PATH);
    command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
    command
}
