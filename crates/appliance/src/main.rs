//! `appliance VERB`: two steps of the library by themselves, for tests that compare what two users of a machine make. Without
//! a verb it says how they are called.

use anyhow::{Context, Result, bail, ensure};
use appliance::disk::Making;
use appliance::lock::Lock;
use appliance::programs::Programs;
use appliance::root::{self, Finishing, Installation};
use appliance::system::System;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

const USAGE: &str = "one of:
    appliance root SYSTEM LOCK PACKAGES EPOCH WORK TAR DEB [EMULATOR...]
        Debian and the client's DEB, installed into a tar; EMULATOR is a command that runs another one where programs of
        the system's processor can be run
    appliance disk SYSTEM TAR FILES SERVER PROGRAMS EPOCH WORK DISK
        the disk, of that tar and the files that come besides
SYSTEM is virtual-machine or raspberry-pi, WORK an empty folder that everybody may enter, FILES packaging/appliance.";

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
        ["root", system, lock, packages, moment, work, tar, client, ref emulator @ ..] => {
            let text = fs::read_to_string(lock).with_context(|| format!("reading {lock}"))?;
            let lock = Lock::parse(&text).with_context(|| format!("reading {lock}"))?;
            root::is_possible_here(&run)?;
            let work = Path::new(work);
            let installation = Installation {
                system: System::named(system)?,
                emulator: &emulator.iter().map(OsString::from).collect::<Vec<_>>(),
                work,
                run: &run,
            };
            let debian = work.join("installed.tar");
            installation.debian(&lock, Path::new(packages), &debian)?;
            installation.client(&[client.into()], epoch(moment)?, &debian, Path::new(tar))
        }
        ["disk", system, tar, files, server, programs, moment, work, disk] => {
            let (system, moment, work) = (System::named(system)?, epoch(moment)?, Path::new(work));
            let finishing = Finishing {
                system,
                installed: Path::new(tar),
                files: Path::new(files),
                server,
                epoch: moment,
            };
            let identifiers = root::identifiers(&finishing)?;
            let finished = work.join("root.tar");
            root::finish(&finishing, identifiers, &finished)?;
            let programs = Programs::new(Path::new(programs), moment);
            let disk = Path::new(disk);
            system.make_disk(&Making {
                tar: &finished,
                identifiers,
                programs: &programs,
                work,
                disk,
                run: &run,
            })
        }
        _ => bail!("{USAGE}"),
    }
}

fn run(mut command: Command) -> Result<()> {
    let status = command.status().with_context(|| format!("starting {command:?}"))?;
    ensure!(status.success(), "{command:?} failed: {status}");
    Ok(())
}
