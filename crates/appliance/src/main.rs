//! `appliance VERB`: the steps of the library, one by one. Without a verb it says which there are.

use anyhow::{Context, Result, bail, ensure};
use appliance::images::{self, About, Format};
use appliance::lock::{self, Lock};
use appliance::root::{self, Ingredients};
use appliance::{archive, disk, fetch};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const USAGE: &str = "one of:
    appliance lock WANTED MOMENT SERVER             a new lock of what is wanted, as Debian's archive on a server has it
    appliance fetch LOCK FOLDER [SOURCE...]         the files of the packages; a SOURCE has {archive}, {snapshot}, {path}
    appliance programs LOCK FOLDER PROGRAMS         the programs that make disks, unpacked
    appliance root LOCK FOLDER EPOCH TAR DEB...     Debian and the client's DEB, installed into a tar
    appliance disk TAR FILES SERVER PROGRAMS EPOCH DISK
                                                    the disk, of that tar and the files that come besides; it gets
                                                    Debian's updates from the server
    appliance image FORMAT DISK PRODUCT VENDOR VERSION EPOCH FILE
                                                    the disk as qcow2, ova, vhd, vhdx or raw.zst";

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
        ["lock", wanted, moment, server] => {
            let wanted = read(wanted)?;
            let wanted = lock::wanted(&wanted);
            let work = Work::new(std::env::temp_dir().join(format!("appliance-{}", std::process::id())))?;
            let lock = Lock::of_index(moment, &archive::index(server, &wanted, &work.0)?)?;
            lock.satisfies(&wanted)?;
            print!("{lock}");
        }
        ["fetch", lock, folder, sources @ ..] => {
            let sources: Vec<String> = sources.iter().map(|&source| source.to_owned()).collect();
            let fetched = fetch::fetch(&read_lock(lock)?, Path::new(folder), &sources, &run)?;
            println!("{fetched} packages fetched");
        }
        ["programs", lock, folder, programs] => {
            archive::unpack(&read_lock(lock)?, Path::new(folder), Path::new(programs), &run)?;
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
        ["disk", tar, files, server, programs, epoch, disk] => {
            let epoch = self::epoch(epoch)?;
            let work = Work::beside(disk)?;
            let (tar, finished) = (Path::new(tar), work.0.join("root.tar"));
            let identifiers = disk::Identifiers::of(&root::digest(tar, Path::new(files), server)?);
            root::finish(tar, Path::new(files), server, identifiers.root(), epoch, &finished)?;
            let programs = disk::Programs::new(Path::new(programs), epoch);
            disk::make(&finished, identifiers, &programs, &work.0, Path::new(disk), &run)?;
        }
        ["image", format, disk, product, vendor, version, epoch, file] => {
            let format = Format::named(format)?;
            let name = Path::new(file).file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let name = name.strip_suffix(&format!(".{}", format.name())).unwrap_or(name);
            let about = About { name, product, vendor, version };
            images::write(Path::new(disk), format, &about, self::epoch(epoch)?, Path::new(file))?;
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

/// A folder for what is thrown away, as a rule on the same file system as the result.
struct Work(PathBuf);

impl Work {
    fn beside(result: &str) -> Result<Work> {
        Work::new(PathBuf::from(format!("{result}.work")))
    }

    fn new(folder: PathBuf) -> Result<Work> {
        fs::create_dir(&folder).with_context(|| format!("making the folder {}", folder.display()))?;
        Ok(Work(folder.canonicalize()?))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{} was left behind: {error}", self.0.display());
        }
    }
}
