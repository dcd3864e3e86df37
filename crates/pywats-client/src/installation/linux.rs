//! The service with [systemd](https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html): the very
//! unit, accounts and folders that the packages ship, with another path of the program.

mod accounts;
mod folders;
mod place;
mod unit;

use super::files::{copy, remove, remove_file, write};
use super::steps::{self, Step, undo};
use super::tools::{self, ToolError, USUAL};
use super::{Installer, NAME, Refusal, State, Tell, not_installed, this_program};
use crate::allow::{DROP_INS, selinux};
use crate::cli::installation::{InstallArgs, UninstallArgs};
use crate::diagnose::sandbox::Unit;
use crate::exit::Exit;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where units of this machine are.
const UNIT_FILE: &str = "/etc/systemd/system/pywats-client.service";
/// What runs, also if it has no name.
const RUNNING: &str = "/proc/self/exe";
/// Where packages put theirs.
const PACKAGED: [&str; 2] =
    ["/usr/lib/systemd/system/pywats-client.service", "/lib/systemd/system/pywats-client.service"];
/// What a purge deletes.
const DATA: [&str; 2] = ["/etc/pywats", "/var/lib/pywats"];
/// More than the unit lets a start take.
const STARTING: Duration = Duration::from_secs(330);
/// More than the unit lets a stop take.
const STOPPING: Duration = Duration::from_secs(60);
/// What is asked for the state.
const PROPERTIES: &str = "--property=LoadState,ActiveState,SubState,UnitFileState,MainPID,User,StatusText";

/// Registers the service.
pub(super) fn install(args: &InstallArgs, tell: Tell<'_>) -> Result<(), Refusal> {
    let program = this_program()?;
    if !args.dry_run {
        needs_root()?;
    }
    needs_systemd()?;
    if let Some(installer) = installed() {
        return Err(Refusal::new(Exit::AlreadyInstalled, already(installer)));
    }
    let wanted = match &args.copy_to {
        None => program.clone(),
        Some(folder) if folder.is_absolute() => folder.join(NAME),
        Some(folder) => {
            let what = format!("--copy-to {}: write a full path, as /usr/local/bin", folder.display());
            return Err(Refusal::new(Exit::Usage, what));
        }
    };
    if let Some(why) = place::hindrance(&wanted) {
        let hint = if args.copy_to.is_some() {
            "choose another folder"
        } else {
            "put the program elsewhere, or let it be copied: pywats-client service install --copy-to /usr/local/bin"
        };
        return Err(Refusal::new(
            Exit::InstallFailed,
            format!("the service cannot be run from {}: {why}; {hint}", wanted.display()),
        ));
    }
    let copied = wanted != program;
    let mut todo = Vec::new();
    if copied {
        // Of an AppImage, that is the program in it.
        todo.push(copy(&program, PathBuf::from(RUNNING), wanted.clone()));
    }
    todo.push(accounts::step());
    todo.extend(folders::steps());
    let systemd = systemctl(&["--version"], USUAL).map(|said| unit::version_of(&said)).unwrap_or(0);
    todo.push(write_unit(unit::text(&wanted, copied, systemd)));
    if selinux::is_known() {
        todo.push(labels(&wanted));
    }
    todo.push(Step::new(format!("let {NAME} start with the machine (systemctl enable)"), || {
        systemctl(&["enable", NAME], USUAL).map_err(|error| error.text("systemctl"))?;
        Ok(undo(|| systemctl(&["disable", NAME], USUAL).map(drop).map_err(|error| error.text("systemctl"))))
    }));
    if !args.no_start {
        todo.push(begin().or_else(Exit::StartFailed));
    }
    steps::run(todo, args.dry_run, tell)?;
    if args.dry_run {
        return Ok(());
    }
    if selinux::is_known() && !selinux::confines(&wanted) {
        tell(&format!(
            "SELinux does not confine the service: its policy knows the program as /usr/local/bin/{NAME}, and not as \
             {}. If it should, run `{NAME} service uninstall`, and `{NAME} service install --copy-to /usr/local/bin`.",
            wanted.display()
        ));
    }
    tell(&format!(
        "Installed. Write /etc/pywats/config.json, readable by the group pywats; \
         `{NAME} check` shows what is missing. Users who drop reports or ask the service need the group \
         pywats-operators: usermod -a -G pywats-operators NAME"
    ));
    Ok(())
}

/// Removes the service.
pub(super) fn uninstall(args: &UninstallArgs, tell: Tell<'_>) -> Result<(), Refusal> {
    if !args.dry_run {
        needs_root()?;
    }
    needs_systemd()?;
    match installed() {
        Some(Installer::Here) => {}
        Some(Installer::Package) => {
            return Err(Refusal::new(
                Exit::UninstallFailed,
                "a package has installed the service, or another program looks after it: remove it with that \
                 (apt remove pywats-client, dnf remove pywats-client)",
            ));
        }
        None if args.purge => {} // what an earlier uninstall has left
        None => return Err(not_installed()),
    }
    let mut todo = Vec::new();
    if Path::new(UNIT_FILE).exists() {
        let program = fs::read_to_string(UNIT_FILE).ok().as_deref().and_then(unit::copied_program);
        todo.push(Step::new(format!("stop and disable {NAME} (systemctl disable --now)"), || {
            systemctl(&["disable", "--now", NAME], STOPPING).map_err(|error| error.text("systemctl"))?;
            Ok(None)
        }));
        todo.push(remove_file(PathBuf::from(UNIT_FILE)));
        todo.push(Step::new("tell systemd (systemctl daemon-reload)", || {
            reload()?;
            // Nothing is left of a service that failed, which systemd would remember.
            drop(systemctl(&["reset-failed", NAME], USUAL));
            Ok(None)
        }));
        todo.extend(program.map(remove_file));
    }
    todo.push(remove_file(PathBuf::from(folders::FILE)));
    todo.push(remove_tree(folders::SOCKETS));
    if args.purge {
        todo.extend(DATA.into_iter().chain([DROP_INS]).map(remove_tree));
    }
    steps::run_all(todo, args.dry_run, tell)?;
    if !args.dry_run {
        let kept =
            if args.purge { "" } else { " Configuration and data stay in /etc/pywats and /var/lib/pywats." };
        tell(&format!("Removed.{kept} The account pywats and the group pywats-operators stay."));
    }
    Ok(())
}

/// Starts the service.
pub(super) fn start() -> Result<(), Refusal> {
    operate("start", Exit::StartFailed, STARTING)
}

/// Stops the service.
pub(super) fn stop() -> Result<(), Refusal> {
    operate("stop", Exit::StopFailed, STOPPING)
}

fn operate(verb: &str, exit: Exit, limit: Duration) -> Result<(), Refusal> {
    needs_root()?;
    needs_systemd()?;
    if state()?.installed_by.is_none() {
        return Err(not_installed());
    }
    systemctl(&[verb, NAME], limit).map(drop).map_err(|error| {
        let exit = if matches!(error, ToolError::TooLong) { Exit::Timeout } else { exit };
        let what = error.text("systemctl");
        Refusal::new(exit, format!("{what}; read why: journalctl -u {NAME}"))
    })
}

/// How the service is registered.
pub(super) fn state() -> Result<State, Refusal> {
    needs_systemd()?;
    let unit = format!("{NAME}.service");
    let text = systemctl(&["show", &unit, PROPERTIES, "--property=FragmentPath,ExecStart"], USUAL)
        .map_err(|error| Refusal::new(Exit::Error, error.text("systemctl")))?;
    let Some(unit) = Unit::read(&text) else { return Ok(State::default()) };
    let get = |name: &str| Some(unit.get(name)).filter(|value| !value.is_empty()).map(str::to_owned);
    let active = unit.get("ActiveState");
    Ok(State {
        installed_by: Some(installed().unwrap_or(Installer::Package)),
        running: matches!(active, "active" | "reloading"),
        state: format!("{active} ({})", unit.get("SubState")),
        starts_with_machine: get("UnitFileState").map(|state| state.starts_with("enabled")),
        process: unit.get("MainPID").parse().ok().filter(|pid| *pid != 0),
        account: get("User"),
        command: get("ExecStart").and_then(|text| unit::command_of(&text)),
        definition: get("FragmentPath").map(PathBuf::from),
        says: get("StatusText"),
    })
}

fn systemctl(arguments: &[&str], limit: Duration) -> Result<String, ToolError> {
    tools::run("systemctl", arguments, "", limit)
}

fn reload() -> Result<(), String> {
    systemctl(&["daemon-reload"], USUAL).map(drop).map_err(|error| error.text("systemctl"))
}

fn needs_root() -> Result<(), Refusal> {
    if rustix::process::geteuid().is_root() {
        return Ok(());
    }
    Err(Refusal::new(Exit::NotAllowed, "only root may do this; run it with sudo or as root"))
}

/// As sd_booted(3) tells.
fn needs_systemd() -> Result<(), Refusal> {
    if Path::new("/run/systemd/system").is_dir() {
        return Ok(());
    }
    Err(Refusal::new(
        Exit::Usage,
        "systemd does not run this system, and no other service manager is known here; let what runs it (a \
         container's entry point, OpenRC, runit) start `pywats-client run` under an account of its own, and start it \
         again when it ends; `pywats-client health` says whether it is alive",
    ))
}

/// Who has installed the service. A unit of ours stands above that of a package, which came later.
fn installed() -> Option<Installer> {
    let exists = |path: &str| Path::new(path).symlink_metadata().is_ok();
    match Path::new(UNIT_FILE).symlink_metadata() {
        // A link to nowhere is a mask, one to somewhere is somebody else's.
        Ok(unit) if unit.is_symlink() => Some(Installer::Package),
        Ok(_) => Some(Installer::Here),
        Err(_) => PACKAGED.into_iter().any(exists).then_some(Installer::Package),
    }
}

fn already(installer: Installer) -> String {
    match installer {
        Installer::Package => {
            "a package has installed the service already, or another program looks after it; \
                               it is upgraded by a newer package"
                .to_owned()
        }
        Installer::Here => format!(
            "the service is installed already: {UNIT_FILE}; to use a newer program, put it in the place of the old \
             one and run `{NAME} service restart`, or run `{NAME} service uninstall` first, which keeps \
             configuration and data"
        ),
    }
}

fn write_unit(text: String) -> Step {
    Step::new(format!("write the unit {UNIT_FILE}"), move || {
        write(Path::new(UNIT_FILE), text.as_bytes(), 0o644)?;
        let back = || remove(Path::new(UNIT_FILE)).and_then(|()| reload());
        if let Err(error) = reload() {
            return Err(back().err().map_or(error.clone(), |more| format!("{error}; {more}")));
        }
        Ok(undo(back))
    })
}

/// The labels that the loaded policy has for what was made. New files have those of the folders that they are in: with
/// that of `/usr/local/bin`, the program would start in no domain of its own.
fn labels(program: &Path) -> Step {
    let mut made = vec![program.display().to_string(), UNIT_FILE.to_owned()];
    made.extend(DATA.into_iter().chain([folders::SOCKETS]).map(str::to_owned));
    Step::new(format!("let SELinux label {} (restorecon)", made.join(", ")), move || {
        // `-i`: what is not there needs none.
        let arguments: Vec<&str> = ["-R", "-i"].into_iter().chain(made.iter().map(String::as_str)).collect();
        tools::run("restorecon", &arguments, "", STARTING)
            .map(|_| None)
            .map_err(|error| error.text("restorecon"))
    })
}

fn begin() -> Step {
    Step::new(format!("start {NAME} (systemctl start)"), || {
        let stop = || systemctl(&["stop", NAME], STOPPING).map(drop).map_err(|error| error.text("systemctl"));
        match systemctl(&["start", NAME], STARTING) {
            Ok(_) => Ok(undo(stop)),
            Err(error) => {
                // It would be tried again for ever.
                drop(stop());
                Err(format!("{}; read why: journalctl -u {NAME}", error.text("systemctl")))
            }
        }
    })
}

/// Whether something is mounted in a folder, by proc_pid_mountinfo(5).
fn has_mounts(folder: &str, mounts: &str) -> bool {
    let mut places = mounts.lines().filter_map(|line| line.split(' ').nth(4));
    places.any(|place| place.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
}

/// Removes a folder with everything in it, but nothing that is mounted there. One in which something is mounted stays: `rm`
/// would go into a folder of the same disk.
fn remove_tree(path: &'static str) -> Step {
    Step::new(format!("delete {path}"), move || {
        if has_mounts(path, &fs::read_to_string("/proc/self/mountinfo").unwrap_or_default()) {
            return Err(format!("something is mounted in {path}: unmount that, then run this again"));
        }
        tools::run("rm", &["-rf", "--one-file-system", "--", path], "", STARTING)
            .map(|_| None)
            .map_err(|error| error.text("rm"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a purge goes into what is mounted in a folder, or spares a folder for what is mounted elsewhere, or for the
    /// disk that it is itself.
    #[test]
    fn mounts_in_a_folder() {
        let line =
            |place: &str| format!("36 35 8:1 /srv/archive {place} rw,noatime shared:1 - ext4 /dev/sda1 rw\n");
        for (place, expected) in [
            ("/var/lib/pywats/done", true),
            ("/var/lib/pywats/a/b", true),
            ("/var/lib/pywats", false),
            ("/var/lib/pywats2", false),
            ("/srv/var/lib/pywats/done", false),
        ] {
            assert_eq!(has_mounts("/var/lib/pywats", &(line("/") + &line(place))), expected, "{place}");
        }
    }
}
