//! The service with launchd, as a daemon of the system; see
//! [launchd.plist(5)](https://keith.github.io/xcode-man-pages/launchd.plist.5.html). Not tried on a Mac: nobody has run
//! this part.
//!
//! The daemon runs as root, as every daemon does that names no account: there is no package yet that makes one.

use super::steps::{self, Step, undo};
use super::tools::{self, ToolError, USUAL};
use super::{Installer, NAME, Refusal, State, Tell, not_installed, this_program};
use crate::cli::installation::{InstallArgs, UninstallArgs};
use crate::exit::Exit;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What launchd calls the service.
const LABEL: &str = "com.virinco.pywats-client";
/// Where daemons of this machine are described.
const PLIST: &str = "/Library/LaunchDaemons/com.virinco.pywats-client.plist";
/// Configuration and data.
const DATA: &str = "/Library/Application Support/pyWATS";
/// More than the service needs to end.
const STOPPING: Duration = Duration::from_secs(60);

/// Registers the service.
pub(super) fn install(args: &InstallArgs, tell: Tell<'_>) -> Result<(), Refusal> {
    if !args.dry_run {
        needs_root()?;
    }
    if Path::new(PLIST).exists() {
        let what = format!("the service is installed already: {PLIST}");
        return Err(Refusal::new(Exit::AlreadyInstalled, what));
    }
    let program = this_program()?;
    let wanted = args.copy_to.as_ref().map_or_else(|| program.clone(), |folder| folder.join(NAME));
    if !wanted.is_absolute()
        || ["/Users", "/tmp", "/private/tmp", "/Volumes"].iter().any(|at| wanted.starts_with(at))
    {
        let what = format!(
            "the service cannot be run from {}; let the program be copied: --copy-to /usr/local/bin",
            wanted.display()
        );
        return Err(Refusal::new(Exit::InstallFailed, what));
    }
    let mut todo = Vec::new();
    if wanted != program {
        todo.push(copy(program, wanted.clone()));
    }
    let text = plist(&wanted, !args.no_start);
    todo.push(Step::new(format!("write {PLIST}"), move || {
        fs::write(PLIST, text).map_err(|error| error.to_string())?;
        Ok(undo(|| fs::remove_file(PLIST).map_err(|error| error.to_string())))
    }));
    let bootstrap = || {
        launchctl(&["bootstrap", "system", PLIST])?;
        Ok(undo(|| launchctl(&["bootout", &target()]).map(drop)))
    };
    todo.push(Step::new("register it (launchctl bootstrap system)", bootstrap));
    steps::run(todo, args.dry_run, tell)
}

/// Removes the service.
pub(super) fn uninstall(args: &UninstallArgs, tell: Tell<'_>) -> Result<(), Refusal> {
    if !args.dry_run {
        needs_root()?;
    }
    if !Path::new(PLIST).exists() && !args.purge {
        return Err(not_installed());
    }
    let mut todo = Vec::new();
    if Path::new(PLIST).exists() {
        todo.push(Step::new("end it (launchctl bootout)", || {
            // One that was ended before is not known any more.
            if is_loaded() { launchctl(&["bootout", &target()]).map(|_| None) } else { Ok(None) }
        }));
        todo.push(Step::new(format!("remove {PLIST}"), || {
            fs::remove_file(PLIST).map(|()| None).map_err(|error| error.to_string())
        }));
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
    operate(Exit::StartFailed, || {
        if !is_loaded() {
            launchctl(&["bootstrap", "system", PLIST])?;
        }
        launchctl(&["kickstart", &target()]).map(drop)
    })
}

/// Stops the service; it starts again with the machine.
pub(super) fn stop() -> Result<(), Refusal> {
    operate(
        Exit::StopFailed,
        || if is_loaded() { launchctl(&["bootout", &target()]).map(drop) } else { Ok(()) },
    )
}

fn operate(exit: Exit, act: impl FnOnce() -> Result<(), String>) -> Result<(), Refusal> {
    needs_root()?;
    if !Path::new(PLIST).exists() {
        return Err(not_installed());
    }
    act().map_err(|what| Refusal::new(exit, what))
}

/// How the service is registered.
pub(super) fn state() -> Result<State, Refusal> {
    let definition = Path::new(PLIST).exists().then(|| PathBuf::from(PLIST));
    let text = launchctl(&["print", &target()]).unwrap_or_default();
    let line = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.trim().split_once(" = "));
        lines.find(|(found, _)| *found == name).map(|(_, value)| value.to_owned())
    };
    let process = line("pid").and_then(|pid| pid.parse().ok());
    Ok(State {
        installed_by: definition.as_ref().map(|_| Installer::Here),
        running: process.is_some(),
        state: line("state").unwrap_or_else(|| "not loaded".to_owned()),
        starts_with_machine: definition.as_ref().map(|_| true),
        process,
        account: line("username"),
        command: line("program"),
        definition,
        says: None,
    })
}

fn target() -> String {
    format!("system/{LABEL}")
}

fn is_loaded() -> bool {
    launchctl(&["print", &target()]).is_ok()
}

fn launchctl(arguments: &[&str]) -> Result<String, String> {
    tools::run("launchctl", arguments, "", STOPPING.max(USUAL))
        .map_err(|error: ToolError| error.text("launchctl"))
}

fn needs_root() -> Result<(), Refusal> {
    if rustix::process::geteuid().is_root() {
        return Ok(());
    }
    Err(Refusal::new(Exit::Permission, "only root may do this; run it with sudo"))
}

fn copy(from: PathBuf, to: PathBuf) -> Step {
    Step::new(format!("copy {} to {}", from.display(), to.display()), move || {
        let there = to.exists();
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        }
        fs::copy(&from, &to).map_err(|error| error.to_string())?;
        Ok(if there { None } else { undo(move || fs::remove_file(&to).map_err(|error| error.to_string())) })
    })
}

fn plist(program: &Path, start: bool) -> String {
    let program = program.display().to_string().replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n\
         \x20 <key>Label</key><string>{LABEL}</string>\n\
         \x20 <key>ProgramArguments</key><array><string>{program}</string><string>run</string></array>\n\
         \x20 <key>RunAtLoad</key><{start}/>\n\
         \x20 <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>\n\
         \x20 <key>ThrottleInterval</key><integer>10</integer>\n\
         \x20 <key>ExitTimeOut</key><integer>30</integer>\n\
         \x20 <key>Umask</key><integer>23</integer>\n\
         \x20 <key>StandardErrorPath</key><string>/Library/Logs/pywats-client.log</string>\n\
         </dict>\n</plist>\n"
    )
}
