//! `appliance VERB`: the steps of the library, one by one.
//!
//! ```text
//! appliance lock WANTED MOMENT INDEX          > packages.lock
//! appliance fetch LOCK FOLDER [SOURCE...]
//! appliance root LOCK FOLDER EPOCH TAR DEB...
//! appliance disk TAR FILES PROGRAMS EPOCH DISK
//! ```

use anyhow::{Context, Result, bail, ensure};
use appliance::lock::{self, Lock};
use appliance::root::{self, Ingredients};
use appliance::{disk, fetch};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const USAGE: &str = "one of:
    appliance lock WANTED MOMENT INDEX          the lock, of the output of `apt-cache show` in INDEX
    appliance fetch LOCK FOLDER [SOURCE...]     the files of the packages; a SOURCE has {archive}, {snapshot} and {path}
    appliance root LOCK FOLDER EPOCH TAR DEB... Debian and the client's DEB, installed into a tar
    appliance disk TAR FILES PROGRAMS EPOCH DISK    the disk, of that tar and the files that come besides";

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
    match arguments {
        ["lock", wanted, moment, index] => {
            let lock = Lock::of_index(moment, &read(index)?)?;
            lock.satisfies(&lock::wanted(&read(wanted)?))?;
            print!("{lock}");
        }
        ["fetch", lock, folder, sources @ ..] => {
            let sources: Vec<String> = sources.iter().map(|&source| source.to_owned()).collect();
            let fetched = fetch::fetch(&read_lock(lock)?, Path::new(folder), &sources, &run)?;
            println!("{fetched} packages fetched");
        }
        ["root", lock, folder, epoch, tar, client @ ..] => {
            let client: Vec<PathBuf> = client.iter().map(PathBuf::from).collect();
            let ingredients = Ingredients {
                lock: &read_lock(lock)?,
                packages: Path::new(folder),
                client: &client,
                epoch: self::epoch(epoch)?,
            };
            let work = Work::beside(tar)?;
            root::install(&ingredients, &work.0, Path::new(tar), &run)?;
        }
        ["disk", tar, files, programs, epoch, disk] => {
            let epoch = self::epoch(epoch)?;
            let work = Work::beside(disk)?;
            let (tar, finished) = (Path::new(tar), work.0.join("root.tar"));
            let identifiers = disk::Identifiers::of(&root::digest(tar, Path::new(files))?);
            root::finish(tar, Path::new(files), identifiers.root(), epoch, &finished)?;
            let programs = disk::Programs::new(Path::new(programs), epoch);
            disk::make(&finished, identifiers, &programs, &work.0, Path::new(disk), &run)?;
        }
        _ => bail!("{USAGE}"),
    }
    Ok(())
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("reading {path}"))
}

fn read_lock(path: &str) -> Result<Lock> {
    Lock::parse(&read(path)?).with_context(|| format!("reading {path}"))
}

fn epoch(text: &str) -> Result<u32> {
    text.parse().with_context(|| format!("{text:?} is no moment in seconds since 1970"))
}

fn run(mut command: Command) -> Result<()> {
    let status = command.status().with_context(|| format!("starting {command:?}"))?;
    ensure!(status.success(), "{command:?} failed: {status}");
    Ok(())
}

/// A folder for what is thrown away, on the same file system as the result.
struct Work(PathBuf);

impl Work {
    fn beside(result: &str) -> Result<Work> {
        let work = PathBuf::from(format!("{result}.work"));
        fs::create_dir(&work).with_context(|| format!("making the folder {}", work.display()))?;
        Ok(Work(work.canonicalize()?))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{} was left behind: {error}", self.0.display());
        }
    }
}
