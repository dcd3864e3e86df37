//! `appliance VERB`: two steps of the library by themselves, for tests that compare what two users of a machine make. Without
//! a verb it says how they are called.

use anyhow::{Context, Result, bail, ensure};
use appliance::disk::{self, Identifiers, Programs};
use appliance::lock::Lock;
use appliance::root::{self, Ingredients};
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

const USAGE: &str = "one of:
    appliance root LOCK PACKAGES EPOCH WORK TAR DEB            Debian and the client's DEB, installed into a tar
    appliance disk TAR FILES SERVER PROGRAMS EPOCH WORK DISK   the disk, of that tar and the files that come besides
WORK is an empty folder that everybody may enter.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match act(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn act(arguments: &[&str]) -> Result<()> {
    let epoch =
        |text: &str| text.parse().with_context(|| format!("{text:?} is no moment in seconds since 1970"));
    match *arguments {
        ["root", lock, packages, moment, work, tar, client] => {
            let text = fs::read_to_string(lock).with_context(|| format!("reading {lock}"))?;
            let lock = Lock::parse(&text).with_context(|| format!("reading {lock}"))?;
            root::is_possible_here(&run)?;
            let ingredients = Ingredients {
                lock: &lock,
                packages: Path::new(packages),
                client: &[client.into()],
                epoch: epoch(moment)?,
            };
            root::install(&ingredients, Path::new(work), Path::new(tar), &run)
        }
        ["disk", tar, files, server, programs, moment, work, disk] => {
            let (tar, files, work, moment) =
                (Path::new(tar), Path::new(files), Path::new(work), epoch(moment)?);
            let identifiers = Identifiers::of(&root::digest(tar, files, server, moment)?);
            let finished = work.join("root.tar");
            root::finish(tar, files, server, identifiers.root(), moment, &finished)?;
            let programs = Programs::new(Path::new(programs), moment);
            disk::make(&finished, identifiers, &programs, work, Path::new(disk), &run)
        }
        _ => bail!("{USAGE}"),
    }
}

fn run(mut command: Command) -> Result<()> {
    let status = command.status().with_context(|| format!("starting {command:?}"))?;
    ensure!(status.success(), "{command:?} failed: {status}");
    Ok(())
}
