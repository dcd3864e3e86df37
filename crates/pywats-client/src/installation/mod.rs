//! Registers the service where no package does: for those who unpack an archive. What is registered is what the
//! packages register: the same unit, accounts and folders on Linux, the same account, start, recovery and rights on
//! Windows ([`registered`]), the same account, folders and daemon on macOS.
//!
//! Everything is a list of [`steps`], each of which can be undone, so that nothing is left half-done.

#[cfg(unix)]
mod files;
pub mod registered;
mod steps;
#[cfg(unix)]
mod tools;
#[cfg(unix)]
mod trust;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;
// Compiled with the tests of other systems, too: what it asks of the system is tested with stand-ins.
#[cfg(any(target_os = "macos", all(test, unix)))]
#[cfg_attr(not(target_os = "macos"), allow(dead_code))]
mod macos;
#[cfg(target_os = "macos")]
use macos as system;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;

use crate::cli::installation::{InstallArgs, UninstallArgs};
use crate::exit::Exit;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The name of the service, whoever installs it.
pub const NAME: &str = "pywats-client";

/// Where a program can be copied to on macOS: `/usr/local/bin` may belong to a user, who has Homebrew there.
#[cfg(any(target_os = "macos", all(test, unix)))]
pub(crate) const COPY_TO: &str = "/usr/local/libexec/pywats";

/// Tells people what is done.
pub type Tell<'a> = &'a dyn Fn(&str);

/// Why something is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The exit code.
    pub exit: Exit,
    /// What is wrong, and what to do.
    pub what: String,
}

impl Refusal {
    fn new(exit: Exit, what: impl Into<String>) -> Refusal {
        Refusal { exit, what: what.into() }
    }
}

/// Who has installed the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Installer {
    /// A package, the MSI or another program that looks after it.
    Package,
    /// `service install`, or a person by hand in the same place.
    Here,
}

impl Installer {
    fn name(self) -> &'static str {
        match self {
            Installer::Package => "package",
            Installer::Here => "service install",
        }
    }
}

/// How the service is registered, and whether it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Who has installed it; nobody if it is not installed.
    pub installed_by: Option<Installer>,
    /// Whether it runs.
    pub running: bool,
    /// What the service manager calls its state, in words.
    pub state: String,
    /// Whether it starts with the machine, where that is known.
    pub starts_with_machine: Option<bool>,
    /// Its process.
    pub process: Option<u64>,
    /// The account that it runs under.
    pub account: Option<String>,
    /// What is run.
    pub command: Option<String>,
    /// Where it is registered.
    pub definition: Option<PathBuf>,
    /// What it says of itself.
    pub says: Option<String>,
}

impl State {
    /// For programs.
    pub fn json(&self) -> Value {
        json!({
            "installed": self.installed_by.is_some(),
            "installed_by": self.installed_by.map(Installer::name),
            "running": self.running,
            "state": self.state,
            "starts_with_machine": self.starts_with_machine,
            "process": self.process,
            "account": self.account,
            "command": self.command,
            "definition": self.definition.as_ref().map(|path| path.display().to_string()),
            "says": self.says,
        })
    }

    /// For people.
    pub fn text(&self) -> String {
        if self.installed_by.is_none() {
            return "The service is not installed.".to_owned();
        }
        let shown = |value: &Value| match value {
            Value::Null => "-".to_owned(),
            Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let json = self.json();
        let rows = json.as_object().into_iter().flatten().filter(|(name, _)| *name != "installed");
        let lines: Vec<String> =
            rows.map(|(name, value)| format!("{:<20} {}", name.replace('_', " "), shown(value))).collect();
        lines.join("\n")
    }
}

/// Registers the service.
///
/// # Errors
/// Why not; what was begun is undone.
pub fn install(args: &InstallArgs, tell: Tell<'_>) -> Result<(), Refusal> {
    system::install(args, tell)
}

/// Removes the service.
///
/// # Errors
/// Why not, or what is left.
pub fn uninstall(args: &UninstallArgs, tell: Tell<'_>) -> Result<(), Refusal> {
    system::uninstall(args, tell)
}

/// Starts the service.
///
/// # Errors
/// Why not.
pub fn start(tell: Tell<'_>) -> Result<(), Refusal> {
    system::start()?;
    tell("The service runs.");
    Ok(())
}

/// Stops the service.
///
/// # Errors
/// Why not.
pub fn stop(tell: Tell<'_>) -> Result<(), Refusal> {
    system::stop()?;
    tell("The service has ended.");
    Ok(())
}

/// Stops the service if it runs, and starts it.
///
/// # Errors
/// Why not.
pub fn restart(tell: Tell<'_>) -> Result<(), Refusal> {
    if system::state()?.running {
        system::stop()?;
    }
    start(tell)
}

/// How the service is registered.
///
/// # Errors
/// If there is no service manager that could be asked.
pub fn state() -> Result<State, Refusal> {
    system::state()
}

/// This program, as it is, and not by a link; or the AppImage that it was unpacked from into memory.
fn this_program() -> Result<PathBuf, Refusal> {
    let unpacked = std::env::current_exe().ok().is_some_and(|path| has_no_name(&path));
    let appimage = std::env::var_os("APPIMAGE").filter(|_| unpacked).map(PathBuf::from);
    appimage.map_or_else(std::env::current_exe, Ok).and_then(std::fs::canonicalize).map_err(|error| {
        Refusal::new(Exit::InstallFailed, format!("it is not known where this program is: {error}"))
    })
}

/// Whether what runs has no name, or none any more: programs in memory, and those whose file was deleted. A program that
/// was only started by an AppImage has one, and the variables of that AppImage are not about it.
fn has_no_name(running: &Path) -> bool {
    cfg!(target_os = "linux") && running.to_string_lossy().ends_with(" (deleted)")
}

fn not_installed() -> Refusal {
    Refusal::new(
        Exit::NotInstalled,
        "the service is not installed; `pywats-client service install` installs it",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a program in memory, or in a file that is gone, is taken for one with a name, or the other way round.
    #[test]
    fn knows_programs_without_a_name() {
        for (running, expected) in [
            ("/memfd:appimage (deleted)", cfg!(target_os = "linux")),
            ("/tmp/appimage-12-0 (deleted)", cfg!(target_os = "linux")),
            ("/usr/local/bin/pywats-client", false),
            ("/opt/pywats-client-x86_64.AppImage", false),
        ] {
            assert_eq!(has_no_name(Path::new(running)), expected, "{running}");
        }
        assert_eq!(this_program().unwrap(), std::env::current_exe().unwrap().canonicalize().unwrap());
    }

    /// Fails if: text or JSON of the state lose something, or a service that is not installed has a table.
    #[test]
    fn shows_the_state() {
        let state = State {
            installed_by: Some(Installer::Here),
            running: true,
            state: "active (running)".to_owned(),
            starts_with_machine: Some(true),
            process: Some(12),
            account: Some("pywats".to_owned()),
            command: Some("/usr/local/bin/pywats-client run".to_owned()),
            definition: Some(PathBuf::from("/etc/unit")),
            says: None,
        };
        let text = state.text();
        for line in
            ["installed by         service install", "running              yes", "says                 -"]
        {
            assert!(text.lines().any(|other| other == line), "{line:?} is not in {text}");
        }
        assert_eq!((&state.json()["installed"], &state.json()["process"]), (&json!(true), &json!(12)));
        assert_eq!(State::default().text(), "The service is not installed.");
    }
}
