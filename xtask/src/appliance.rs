//! The virtual appliance: a disk with Debian and the client on it, in the formats of the rows `appliance` in
//! `artifacts.toml`, for `cargo xtask dist`; and `cargo xtask appliance`, which renews the locks of Debian's packages.
//!
//! How it is made is in the crate `appliance`. Here is where its packages come from (`toolchain/debian.rs` says which
//! servers), what is kept of them, and what is made again. Root folder and disk are made once for all formats. Debian takes
//! longest, and is kept in `target/appliance` until its lock is renewed; so is what became of it with the client.

use crate::cache;
use crate::inputs::closure_digest;
use crate::plan::Facts;
use crate::process::{self, stop_if_interrupted};
use crate::progress::{Progress, Step};
use crate::room;
use crate::toolchain::{debian, qemu};
use crate::workspace;
use anyhow::{Context, Result, ensure};
use appliance::disk::Making;
use appliance::images::{self, About, Format};
use appliance::lock::{self, Lock};
use appliance::programs::Programs;
use appliance::root::{self, Finishing, Installation};
use appliance::system::{SYSTEMS, System};
use appliance::{archive, fetch};
use disk_images::Disk;
use packager::artifacts::MadeFrom;
use packager::digest::{self, Inputs};
use packager::unfinished::Unfinished;
use packager::{ApplianceRow, Artifact, Artifacts, Recipe};
use std::ffi::OsString;
use std::fs;
use std::io::BufWriter;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// Bytes of the disk that are needed beside the artifacts: the root folder four times, the disk, the packages.
const ROOM: u64 = 5 * room::GB;

/// Works on what the virtual appliance is made of
#[derive(clap::Args)]
pub(crate) struct Appliance {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Writes the locks of Debian's packages anew, as its archive has them now
    ///
    /// What is wanted is in packaging/appliance/*.txt. apt asks this machine's mirror, and checks the signatures.
    Lock,
}

impl Appliance {
    pub(crate) fn run(self) -> Result<()> {
        let Verb::Lock = self.verb;
        let progress = Progress::new();
        let moment = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
        let server = debian::servers().remove(0);
        // All of them or none: they are of one moment.
        let lists = SYSTEMS.iter().map(|system| (system, system.lock, system.wanted));
        let renewed: Vec<_> = lists
            .chain([(&SYSTEMS[0], "programs", &["programs"][..])])
            .map(|(system, name, wanted)| renew(system, name, wanted, &moment, &server, &progress))
            .collect::<Result<_>>()?;
        for (path, before, lock) in renewed {
            fs::write(&path, lock.to_string()).with_context(|| format!("writing {}", path.display()))?;
            println!("{}: {}", path.display(), difference(before.as_ref(), &lock));
        }
        Ok(())
    }
}

/// A new lock of what is wanted, its file, and what was in that before.
fn renew(
    system: &System,
    name: &str,
    lists: &[&str],
    moment: &str,
    server: &str,
    progress: &Progress,
) -> Result<(PathBuf, Option<Lock>, Lock)> {
    let step = progress.step(format!("{name} of Debian, as {server} has them"));
    let read = |list: &&str| {
        let file = folder().join(format!("{list}.txt"));
        fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))
    };
    let wanted: String = lists.iter().map(read).collect::<Result<_>>()?;
    let wanted = lock::wanted(&wanted);
    let work = tempfile::tempdir()?;
    let lock = Lock::of_index(moment, &archive::index(system, server, &wanted, work.path())?)?;
    lock.satisfies(&wanted)?;
    step.done();
    let file = folder().join(format!("{name}.lock"));
    // There is none of a system that is new.
    let before = file.is_file().then(|| read_lock(name)).transpose()?;
    Ok((file, before, lock))
}

/// What a new lock has that the one before had not, in words.
fn difference(before: Option<&Lock>, now: &Lock) -> String {
    let of = |lock: &Lock| -> Vec<String> {
        lock.packages.iter().map(|package| format!("{} {}", package.name, package.version)).collect()
    };
    let (old, new) = (before.map(of).unwrap_or_default(), of(now));
    let missing = |these: &[String], others: &[String]| -> Vec<String> {
        these.iter().filter(|package| !others.contains(package)).cloned().collect()
    };
    let (come, gone) = (missing(&new, &old), missing(&old, &new));
    if come.is_empty() && gone.is_empty() {
        return format!("the same {} packages", new.len());
    }
    format!("{} packages; new: {}; gone: {}", new.len(), come.join(", "), gone.join(", "))
}

/// Where the locks are, and the files that come besides the packages.
fn folder() -> PathBuf {
    workspace::root().join("packaging/appliance")
}

fn read_lock(name: &str) -> Result<Lock> {
    let path = folder().join(format!("{name}.lock"));
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    Lock::parse(&text).with_context(|| format!("reading {}", path.display()))
}

/// An appliance that is to be made.
pub(crate) struct Planned<'a> {
    /// Its row.
    pub(crate) row: &'a ApplianceRow,
    /// What its file is called.
    pub(crate) file_name: String,
    /// A digest of everything that decides its bits.
    pub(crate) inputs: String,
    system: &'static System,
    format: Format,
}

impl Planned<'_> {
    /// Whether a folder has it already, made from the same.
    pub(crate) fn is_current(&self, folder: &Path, list: &Artifacts) -> bool {
        list.is_current(folder, &self.file_name, &self.inputs)
    }
}

/// What is to be made of these rows.
///
/// # Errors
/// If a row names a format that there is not, or a file that decides the bits cannot be read.
pub(crate) fn plan<'a>(facts: &Facts, rows: &[&'a ApplianceRow]) -> Result<Vec<Planned<'a>>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let program = closure_digest(&facts.sources, &["appliance"])?;
    let planned = rows.iter().map(|row| {
        let (system, format) = kind(row)?;
        let parts = facts.plan(std::slice::from_ref(&row.of))?;
        let part = parts.nodes.last().context("an appliance is made of something")?;
        let inputs = installed(facts, &part.inputs)?
            .value("appliance", &program)
            .value("format", format.name())
            .value("server", debian::SERVER)
            .tree(&folder(), "")?;
        let file_name = file_name(&facts.recipe, system, format);
        Ok(Planned { row, file_name, inputs: inputs.finish(), system, format })
    });
    planned.collect()
}

/// What decides the root folder.
fn installed(facts: &Facts, part: &str) -> Result<Inputs> {
    let Recipe { product, version, epoch, .. } = &facts.recipe;
    Ok(Inputs::default()
        .value("product", &product.name)
        .value("display name", &product.display_name)
        .value("vendor", &product.vendor)
        .value("version", &version.to_string())
        .value("epoch", &epoch.to_string())
        .value("installed", part))
}

/// The system and the format of a row.
fn kind(row: &ApplianceRow) -> Result<(&'static System, Format)> {
    let found = System::named(&row.system).and_then(|system| Ok((system, system.format(&row.format)?)));
    found.with_context(|| format!("appliance {:?}", row.name))
}

/// What the file of an appliance is called.
///
/// # Errors
/// If its row names a format that there is not.
pub(crate) fn file_name_of(recipe: &Recipe, row: &ApplianceRow) -> Result<String> {
    let (system, format) = kind(row)?;
    Ok(file_name(recipe, system, format))
}

fn file_name(recipe: &Recipe, system: &System, format: Format) -> String {
    format!("{}-{}-{}.{}", recipe.product.name, recipe.version, system.file, format.name())
}

/// What `cargo xtask dist --list` says of an appliance: name, format, what it is made of, file.
///
/// # Errors
/// If its row names a format that there is not.
pub(crate) fn describe(recipe: &Recipe, row: &ApplianceRow) -> Result<[String; 4]> {
    let file = file_name_of(recipe, row)?;
    Ok([row.name.clone(), row.format.clone(), row.of.clone(), file])
}

/// What these names mean: appliances, and others. No name means everything but appliances.
pub(crate) fn split<'a>(recipe: &'a Recipe, names: &[String]) -> (Vec<&'a ApplianceRow>, Vec<String>) {
    let is_named = |row: &&ApplianceRow| names.contains(&row.name);
    let appliances: Vec<&ApplianceRow> = recipe.rows.appliances().iter().filter(is_named).collect();
    let is_appliance = |name: &String| appliances.iter().any(|row| row.name == *name);
    let others = names.iter().filter(|name| !is_appliance(name)).cloned();
    let others = others.chain(appliances.iter().map(|row| row.of.clone())).collect();
    (appliances, others)
}

/// Adds to a list the appliances of an earlier one that are still current.
///
/// # Errors
/// As [`plan`].
pub(crate) fn keep(facts: &Facts, earlier: &Artifacts, out: &Path, list: &mut Artifacts) -> Result<()> {
    let rows = facts.recipe.rows.appliances().iter();
    let rows: Vec<&ApplianceRow> = rows.filter(|row| earlier.of_row(&row.name).is_some()).collect();
    for planned in plan(facts, &rows)?.iter().filter(|planned| planned.is_current(out, earlier)) {
        list.0.insert(planned.file_name.clone(), earlier.0[&planned.file_name].clone());
    }
    Ok(())
}

/// An appliance that was made, and how long that took.
pub(crate) type Made = (String, Artifact, Duration);

/// Refuses to begin on a machine that cannot make appliances: what they are made of takes minutes.
///
/// # Errors
/// If that is so: with what to do.
pub(crate) fn is_possible_here() -> Result<()> {
    // The programs that make the disks are for this processor.
    ensure!(std::env::consts::ARCH == "x86_64", "appliances are made on machines with x86_64 only");
    root::is_possible_here(&|command| process::run(command, |_| {})).context("appliances cannot be made here")
}

/// Makes appliances in a folder, of artifacts that are in its list.
///
/// # Errors
/// If this machine cannot do it, for want of a program, of rights, of room or of the network; each with what to do.
pub(crate) fn make(
    facts: &Facts,
    outdated: &[&Planned<'_>],
    list: &Artifacts,
    out: &Path,
    progress: &Progress,
) -> Result<Vec<Made>> {
    if outdated.is_empty() {
        return Ok(Vec::new());
    }
    let place = crate::dist::open(&workspace::target("appliance"))?;
    let mut made = Vec::new();
    for system in &SYSTEMS {
        let of_it: Vec<_> = outdated.iter().filter(|planned| planned.system.name == system.name).collect();
        let Some(first) = of_it.first() else { continue };
        let part = list.of_row(&first.row.of);
        let (file, part) = part.with_context(|| format!("{} could not be made", first.row.of))?;
        let own =
            MadeFrom { artifact: part.artifact.clone(), file: file.to_owned(), sha256: part.sha256.clone() };
        let scratch = scratch(place.path())?;
        let workbench = Workbench { facts, system, place: place.path(), progress, scratch };
        let mut disk = workbench.disk(&out.join(file), &own.sha256)?;
        for planned in of_it {
            made.push(workbench.image(planned, &mut disk, &own, out)?);
        }
    }
    Ok(made)
}

/// An empty folder for what is thrown away. Accounts of namespaces must get there, which not every home allows.
fn scratch(place: &Path) -> Result<TempDir> {
    let open = root::may_be_entered(place)?;
    let place = if open { place } else { Path::new("/var/tmp") };
    room::require(place, ROOM, "making an appliance")?;
    let made = tempfile::Builder::new().prefix(packager::unfinished::PREFIX).tempdir_in(place);
    let made = made.with_context(|| format!("making a folder in {}", place.display()))?;
    fs::set_permissions(made.path(), fs::Permissions::from_mode(0o755))?;
    Ok(made)
}

/// Where an appliance is made.
struct Workbench<'a> {
    facts: &'a Facts,
    system: &'static System,
    /// What is kept.
    place: &'a Path,
    progress: &'a Progress,
    /// What is not.
    scratch: TempDir,
}

impl Workbench<'_> {
    fn epoch(&self) -> u32 {
        self.facts.recipe.epoch
    }

    fn run(step: &Step, command: Command) -> Result<()> {
        process::run(command, |line| step.note(line))
    }

    /// The disk, with the client's package of that digest installed.
    fn disk(&self, package: &Path, sha256: &str) -> Result<Disk> {
        let step = self.progress.step("programs that make the disk");
        let programs = programs(&step)?;
        step.done();
        let tar = self.root(package, sha256)?;
        let step = self.progress.step("disk of the appliance");
        let run = |command| Workbench::run(&step, command);
        let (files, system, epoch) = (folder(), self.system, self.epoch());
        let finishing = Finishing { system, installed: &tar, files: &files, server: debian::SERVER, epoch };
        let identifiers = root::identifiers(&finishing)?;
        let work = self.scratch.path();
        let (finished, raw) = (work.join("root.tar"), work.join("disk.raw"));
        root::finish(&finishing, identifiers, &finished)?;
        let programs = Programs::new(&programs, epoch);
        let (tar, programs, disk) = (&*finished, &programs, &*raw);
        system.make_disk(&Making { tar, identifiers, programs, work, disk, run: &run })?;
        fs::remove_file(&finished)?;
        step.done();
        Ok(Disk::open(&raw)?)
    }

    /// The root folder as a tar: Debian, and the client's package of that digest.
    fn root(&self, package: &Path, sha256: &str) -> Result<PathBuf> {
        let system = self.system;
        let lock = read_lock(system.lock)?;
        let debian = Inputs::default()
            .value("recipe", &root::recipe_of_debian(system))
            .value("lock", &lock.to_string())
            .finish();
        let client = installed(self.facts, sha256)?
            .value("recipe", &root::recipe_of_client(system))
            .value("debian", &debian)
            .finish();
        self.kept(system.name, &client, |tar| {
            let debian = self.kept(&format!("{}-debian", system.name), &debian, |tar| {
                let step = self.progress.step("packages of Debian");
                let packages = fetched(&lock, &step)?;
                step.done();
                self.install("Debian", |installation| installation.debian(&lock, &packages, tar))
            })?;
            let package = [package.to_owned()];
            self.install("the client", |installation| {
                installation.client(&package, self.epoch(), &debian, tar)
            })
        })
    }

    /// A tar of these inputs: the one of last time, or made now.
    fn kept(&self, name: &str, inputs: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let kept = |end: &str| self.place.join(format!("{name}.{end}"));
        let (tar, label) = (kept("tar"), kept("txt"));
        let labelled = |tar: &Path| Ok::<_, anyhow::Error>(format!("{inputs} {}", digest::sha256_file(tar)?));
        let kept = fs::read_to_string(&label).unwrap_or_default();
        if kept.starts_with(inputs) && labelled(&tar).is_ok_and(|label| label == kept) {
            return Ok(tar);
        }
        stop_if_interrupted()?;
        let made = self.scratch.path().join(format!("{name}.tar"));
        make(&made)?;
        let text = labelled(&made)?;
        // The label comes last: without it nobody takes the tar.
        let _ = fs::remove_file(&label);
        fs::rename(&made, &tar).or_else(|_| fs::copy(&made, &tar).map(|_| ()))?;
        fs::write(&label, text).with_context(|| format!("writing {}", label.display()))?;
        Ok(tar)
    }

    fn install(&self, what: &str, act: impl FnOnce(&Installation<'_>) -> Result<()>) -> Result<()> {
        stop_if_interrupted()?;
        let emulator = emulator(self.system, self.progress)?;
        let step = self.progress.step(format!("installing {what} for a {}", self.system.name));
        act(&Installation {
            system: self.system,
            emulator: &emulator,
            work: self.scratch.path(),
            run: &|command| Workbench::run(&step, command),
        })?;
        step.done();
        Ok(())
    }

    /// The disk in a format.
    fn image(&self, planned: &Planned<'_>, disk: &mut Disk, of: &MadeFrom, out: &Path) -> Result<Made> {
        stop_if_interrupted()?;
        let step = self.progress.step(&planned.file_name);
        let Recipe { product, version, epoch, .. } = &self.facts.recipe;
        let version = version.to_string();
        let name = planned.file_name.strip_suffix(&format!(".{}", planned.format.name()));
        // What stands between a version and what was built after it is in no name of a file in an OVA.
        let name = name.unwrap_or(&planned.file_name).replace('+', "_");
        let about =
            About { name: &name, product: &product.display_name, vendor: &product.vendor, version: &version };
        let unfinished = Unfinished::begin(out, &planned.file_name)?;
        let mut file = BufWriter::with_capacity(1 << 16, unfinished.file());
        images::write(disk, planned.format, &about, *epoch, self.scratch.path(), &mut file)
            .with_context(|| format!("writing {}", planned.file_name))?;
        drop(file);
        unfinished.seal()?;
        let path = unfinished.appear()?;
        let artifact = Artifact {
            artifact: planned.row.name.clone(),
            format: planned.format.name().to_owned(),
            version,
            programs: Vec::new(),
            made_from: vec![of.clone()],
            size: fs::metadata(&path).with_context(|| format!("reading {}", path.display()))?.len(),
            sha256: digest::sha256_file(&path)?,
            inputs: planned.inputs.clone(),
            toolchain: format!("packages of Debian of {}", read_lock(self.system.lock)?.snapshot),
            source_date_epoch: *epoch,
        };
        Ok((planned.file_name.clone(), artifact, step.done()))
    }
}

/// What runs programs of a system here, if this machine's processor does not: a command that runs another one.
fn emulator(system: &System, progress: &Progress) -> Result<Vec<OsString>> {
    if system.is_native() {
        return Ok(Vec::new());
    }
    let qemu = qemu::user(system.processor, progress)?;
    let mut command: Vec<OsString> = Vec::new();
    if !rustix::process::geteuid().is_root() {
        // In there it is root, of the accounts that it was given.
        command.extend(["unshare", "--user", "--map-root-user", "--map-auto"].map(OsString::from));
    }
    command.extend(["sh".into(), workspace::root().join("tests/vm/guest/foreign").into(), qemu.into()]);
    Ok(command)
}

/// The folder of the cache that packages are kept in.
fn packages() -> Result<PathBuf> {
    Ok(cache::root()?.join("debian-packages"))
}

/// The packages of a lock, in the cache: each by its digest, which is checked whenever it is used.
fn fetched(lock: &Lock, step: &Step) -> Result<PathBuf> {
    let folder = packages()?;
    let note = |text: &str| step.note(text);
    let run = |command| {
        stop_if_interrupted()?;
        process::run(command, |_| {})
    };
    fetch::fetch(lock, &folder, &debian::sources_by_digest(), &note, &run)?;
    Ok(folder)
}

/// What the suite appliance makes an appliance with by itself: packages of Debian, unpacked programs, and the server that
/// updates come from.
///
/// # Errors
/// If a package is to be had nowhere.
pub(crate) fn ingredients(progress: &Progress) -> Result<[(&'static str, OsString); 3]> {
    let step = progress.step("packages of Debian");
    fetched(&read_lock(SYSTEMS[0].lock)?, &step)?;
    let programs = programs(&step)?;
    step.done();
    Ok([
        ("PYWATS_DEBIAN_PACKAGES", packages()?.into()),
        ("PYWATS_DISK_PROGRAMS", programs.into()),
        ("PYWATS_DEBIAN_SERVER", debian::SERVER.into()),
    ])
}

/// The programs that make the disk, unpacked.
fn programs(step: &Step) -> Result<PathBuf> {
    let lock = read_lock("programs")?;
    let key = format!("appliance-programs-{}", &digest::sha256(lock.to_string().as_bytes())[..12]);
    cache::entry(&key, |folder| {
        let packages = fetched(&lock, step)?;
        archive::unpack(&lock, &packages, folder, &|command| Workbench::run(step, command))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Fails if: a row names a format that there is not, two appliances are one file or of two disks, or somebody who
    /// names an appliance gets everything else, too.
    #[test]
    fn rows_can_be_made() {
        let recipe = crate::plan::recipe().unwrap();
        let rows = recipe.rows.appliances();
        let files: BTreeSet<[String; 4]> = rows.iter().map(|row| describe(&recipe, row).unwrap()).collect();
        assert_eq!(files.iter().map(|[.., file]| file).collect::<BTreeSet<_>>().len(), rows.len());
        assert_eq!(rows.len(), SYSTEMS.iter().map(|system| system.formats.len()).sum::<usize>());
        let disks: BTreeSet<_> = rows.iter().map(|row| (&row.system, &row.of)).collect();
        assert_eq!(disks.len(), SYSTEMS.len(), "one disk is made for all formats of a system");
        let (appliances, others) = split(&recipe, &[rows[0].name.clone(), "msi".to_owned()]);
        assert_eq!(appliances.iter().map(|row| &row.name).collect::<Vec<_>>(), [&rows[0].name]);
        assert_eq!(others, ["msi", &rows[0].of]);
        assert!(split(&recipe, &[]).1.is_empty());
    }

    /// Fails if: whoever renews a lock is not told what changes by that.
    #[test]
    fn tells_what_is_new() {
        let lock = |packages: &[(&str, &str)]| Lock {
            snapshot: "20261129T180000Z".into(),
            packages: packages
                .iter()
                .map(|(name, version)| lock::Package {
                    name: (*name).into(),
                    version: (*version).into(),
                    sha256: String::new(),
                    path: String::new(),
                })
                .collect(),
        };
        let (a, b) = (lock(&[("x", "1"), ("y", "1")]), lock(&[("x", "2"), ("y", "1")]));
        assert_eq!(difference(Some(&a), &b), "2 packages; new: x 2; gone: x 1");
        assert_eq!(difference(Some(&a), &a), "the same 2 packages");
        assert_eq!(difference(None, &a), "2 packages; new: x 1, y 1; gone: ");
    }
}
