//! The service with launchd, as a daemon of the system; see
//! [launchd.plist(5)](https://keith.github.io/xcode-man-pages/launchd.plist.5.html). Not tried on a Mac: nobody has run
//! this part. What it asks of the system, and how it takes the answers, is tested with stand-ins ([`launchd`],
//! [`accounts`]).

// What takes a borrowed `Launchd` of any lifetime does not take its methods by name.
#![allow(clippy::redundant_closure_for_method_calls)]

mod accounts;
mod daemon;
mod launchd;

use super::files::{copy, remove, remove_file, write};
use super::steps::{self, Step, undo};
use super::tools::{self, USUAL};
use super::{COPY_TO, Installer, NAME, Refusal, State, Tell, not_installed, this_program, trust};
use crate::cli::installation::{InstallArgs, UninstallArgs};
use crate::exit::Exit;
use launchd::{Launchd, PLIST};
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::thread;

/// Configuration and data.
const DATA: &str = "/Library/Application Support/pyWATS";
/// The folders, their groups and their rights, as the package has them. The service makes the others.
const FOLDERS: [(&str, &str, u32); 3] = [
    (DATA, accounts::ACCOUNT, 0o751),
    ("/Library/Application Support/pyWATS/watch", accounts::DROPPERS, 0o770),
    ("/Library/Application Support/pyWATS/logs", accounts::READERS, 0o750),
];
/// What removes the package.
const UNINSTALLER: &str = "/Applications/pyWATS Client.app/Contents/Resources/uninstall.sh";

/// Registers the service.
pub(super) fn install(args: &InstallArgs, tell: Tell<'_>) -> Result<(), Refusal> {
    let program = this_program()?;
    if !args.dry_run {
        needs_root()?;
    }
    if let Some((_, installer)) = installed() {
        return Err(Refusal::new(Exit::AlreadyInstalled, already(installer)));
    }
    let wanted = match &args.copy_to {
        None => program.clone(),
        Some(folder) if folder.is_absolute() => folder.join(NAME),
        Some(folder) => {
            let what = format!("--copy-to {}: write a full path, as {COPY_TO}", folder.display());
            return Err(Refusal::new(Exit::Usage, what));
        }
    };
    if let Some(why) = hindrance(&wanted) {
        let hint = if args.copy_to.is_some() {
            "choose another folder".to_owned()
        } else {
            format!("let the program be copied: {NAME} service install --copy-to {COPY_TO}")
        };
        let what = format!("the service cannot be run from {}: {why}; {hint}", wanted.display());
        return Err(Refusal::new(Exit::InstallFailed, what));
    }
    let copied = wanted != program;
    let mut todo = Vec::new();
    if copied {
        todo.push(copy(&program, program.clone(), wanted.clone()));
    }
    let dscl: accounts::Dscl = Rc::new(|arguments| run("/usr/bin/dscl", &[&["."], arguments].concat()));
    todo.push(accounts::step(Rc::clone(&dscl)));
    for (path, group, mode) in FOLDERS {
        todo.push(accounts::folder(path, group, mode, Rc::clone(&dscl)));
    }
    let text = daemon::text(&wanted, copied);
    todo.push(Step::new(format!("write {PLIST}"), move || {
        write(Path::new(PLIST), text.as_bytes(), 0o644)?;
        Ok(undo(|| remove(Path::new(PLIST))))
    }));
    if !args.no_start {
        let start = || {
            let end = || launchd(|launchd| launchd.stop());
            match launchd(|launchd| launchd.start()) {
                Ok(()) => Ok(undo(end)),
                Err(why) => {
                    // It would be tried again for ever.
                    drop(end());
                    Err(why)
                }
            }
        };
        todo.push(Step::new("start it (launchctl bootstrap system)", start).or_else(Exit::StartFailed));
    }
    steps::run(todo, args.dry_run, tell)?;
    if !args.dry_run {
        tell(&format!(
            "Installed. Write {DATA}/config.json, readable by the group {}; `{NAME} check` shows what is missing.",
            accounts::ACCOUNT
        ));
    }
    Ok(())
}

/// Removes the service.
pub(super) fn uninstall(args: &UninstallArgs, tell: Tell<'_>) -> Result<(), Refusal> {
    if !args.dry_run {
        needs_root()?;
    }
    let found = installed();
    match &found {
        Some((_, Installer::Package)) => {
            let purge = if args.purge { " --purge" } else { "" };
            let what = format!("a package has installed the service; run: sudo \"{UNINSTALLER}\"{purge}");
            return Err(Refusal::new(Exit::UninstallFailed, what));
        }
        None if !args.purge => return Err(not_installed()),
        _ => {}
    }
    let mut todo = Vec::new();
    if let Some((text, _)) = found {
        todo.push(Step::new("end it (launchctl bootout)", || {
            launchd(|launchd| launchd.stop()).map(|()| None)
        }));
        todo.push(remove_file(PathBuf::from(PLIST)));
        todo.extend(daemon::copied_program(&text).map(remove_file));
        todo.push(remove_file(PathBuf::from(daemon::STDERR)));
    }
    if args.purge {
        todo.push(Step::new(format!("delete {DATA}"), || match fs::remove_dir_all(DATA) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.to_string()),
            _ => Ok(None),
        }));
    }
    steps::run_all(todo, args.dry_run, tell)
}

/// Starts the service.
pub(super) fn start() -> Result<(), Refusal> {
    operate(Exit::StartFailed, |launchd| launchd.start())
}

/// Stops the service; it starts again with the machine.
pub(super) fn stop() -> Result<(), Refusal> {
    operate(Exit::StopFailed, |launchd| launchd.stop())
}

fn operate(exit: Exit, act: impl FnOnce(&Launchd<'_>) -> Result<(), String>) -> Result<(), Refusal> {
    needs_root()?;
    if installed().is_none() {
        return Err(not_installed());
    }
    launchd(act).map_err(|what| Refusal::new(exit, what))
}

/// How the service is registered.
pub(super) fn state() -> Result<State, Refusal> {
    let installer = installed().map(|(_, installer)| installer);
    let (job, disabled) = launchd(|launchd| (launchd.job(), launchd.is_disabled()));
    let is_loaded = job.is_some();
    let job = job.unwrap_or_default();
    Ok(State {
        installed_by: installer,
        running: job.process.is_some(),
        state: match (is_loaded, disabled) {
            (true, _) => job.state,
            (false, true) => "disabled".to_owned(),
            (false, false) => "not loaded".to_owned(),
        },
        starts_with_machine: installer.map(|_| !disabled),
        process: job.process,
        account: job.account,
        command: job.program,
        definition: installer.map(|_| PathBuf::from(PLIST)),
        says: job.last_exit.map(|code| format!("ended last with {code}")),
    })
}

/// The property list of the service, and who has installed it.
fn installed() -> Option<(String, Installer)> {
    fs::symlink_metadata(PLIST).ok()?;
    // One that cannot be read is not ours: what we write everybody can read.
    let text = fs::read_to_string(PLIST).unwrap_or_default();
    let installer = daemon::installer(&text, Path::new(daemon::RECEIPT).exists());
    Some((text, installer))
}

fn already(installer: Installer) -> String {
    match installer {
        Installer::Package => format!(
            "a package has installed the service already ({PLIST}); a newer package upgrades it, and `sudo {NAME} \
             service start` starts it"
        ),
        Installer::Here => format!(
            "the service is installed already: {PLIST}; to use a newer program, put it in the place of the old one and \
             run `sudo {NAME} service restart`, or run `sudo {NAME} service uninstall` first, which keeps configuration \
             and data"
        ),
    }
}

/// Why the service cannot be run from there, as the end of a sentence.
fn hindrance(program: &Path) -> Option<String> {
    let passing = ["/tmp", "/private/tmp", "/private/var/folders", "/Volumes"];
    if passing.iter().any(|folder| program.starts_with(folder)) {
        return Some("it does not stay there".to_owned());
    }
    if program.starts_with("/Users") {
        return Some("it is in the folder of a user".to_owned());
    }
    trust::untrusted_on_the_way(program)
}

/// Asks the launchd of this machine.
fn launchd<T>(act: impl FnOnce(&Launchd<'_>) -> T) -> T {
    act(&Launchd { run: &|arguments| run("/bin/launchctl", arguments), wait: &thread::sleep })
}

fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    tools::run(program, arguments, "", USUAL).map_err(|error| error.text(program))
}

fn needs_root() -> Result<(), Refusal> {
    if rustix::process::geteuid().is_root() {
        return Ok(());
    }
    Err(Refusal::new(Exit::NotAllowed, "only root may do this; run it with sudo"))
}
