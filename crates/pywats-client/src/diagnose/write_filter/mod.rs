//! The Unified Write Filter of Windows IoT Enterprise, Enterprise and Education: on a protected drive, what
//! is not excluded is lost at the next restart, queued reports with it.
//!
//! Everyone may ask for its settings with `uwfmgr.exe get-config`
//! (<https://learn.microsoft.com/en-us/windows/iot/iot-enterprise/customize/uwfmgrexe>); what may be
//! excluded is at <https://learn.microsoft.com/en-us/windows/iot/iot-enterprise/customize/uwfexclusions>.

mod settings;
#[cfg(test)]
mod tests;

pub use settings::{Session, Settings, Volume, decode, parse};

use super::report::Section;
use crate::config::policy;
use serde_json::{Value, json};

/// What the system says about the filter.
#[derive(Debug)]
pub enum Filter {
    /// This system has none.
    NoneHere,
    /// It could not be asked, and why.
    Unknown(String),
    /// It was asked with this command, and answered this.
    Told {
        /// The command.
        command: String,
        /// Its output.
        output: String,
    },
}

/// What the client needs to survive a restart.
#[derive(Debug)]
pub struct Wanted {
    /// Folders that it writes to, as Windows writes them.
    pub folders: Vec<String>,
    /// Whether policies are in force.
    pub policies: bool,
}

/// What the filter means for the client.
pub fn section(filter: &Filter, wanted: &Wanted) -> Section {
    let mut section = Section::new("write filter");
    match filter {
        Filter::NoneHere => {}
        Filter::Unknown(why) => {
            section.row("settings", "unknown");
            section.finding(format!("there is a write filter, but its settings cannot be told: {why}"));
        }
        Filter::Told { command, output } => {
            section.row("command", command.as_str());
            match parse(output) {
                Some(settings) => judge(&mut section, &settings, wanted),
                None => not_understood(&mut section, command, output),
            }
        }
    }
    section
}

/// Other languages of Windows have other words: the answer is shown, and a person has to judge.
fn not_understood(section: &mut Section, command: &str, output: &str) {
    let lines = output.lines().map(str::trim_end).filter(|line| !line.is_empty());
    section.row("answer", lines.map(Value::from).collect::<Value>());
    section.finding(format!(
        "there is a write filter, and the answer of {command} was not understood: see there whether the drives of \
         the folders are protected and the folders excluded"
    ));
}

fn judge(section: &mut Section, settings: &Settings, wanted: &Wanted) {
    for (name, session) in [("now", &settings.current), ("after_restart", &settings.next)] {
        let drives: Vec<&str> = session
            .volumes
            .iter()
            .filter(|volume| volume.protected)
            .map(|volume| volume.drive.as_str())
            .collect();
        let state = if session.on { "on" } else { "off" };
        let drives = (!drives.is_empty()).then(|| drives.join(" "));
        section.detailed(name, state, vec![("protected_drives", drives.into())]);
    }
    let folders = outermost(&wanted.folders);
    let mut commands = Vec::new();
    for folder in &folders {
        let (lost_now, lost_next) = (settings.current.discards(folder), settings.next.discards(folder));
        if lost_next && is_root(folder) {
            section.finding(format!(
                "{folder} is a whole drive, which cannot be excluded from the write filter: choose a folder on a drive \
                 that is not protected"
            ));
        } else if lost_next {
            let command = format!("uwfmgr.exe file add-exclusion \"{folder}\"");
            section.finding(format!(
                "what is written to {folder} is lost at a restart, because the write filter protects its drive: run {command} \
                 as an administrator and restart the machine"
            ));
            commands.push(command);
        } else if lost_now {
            section.finding(format!(
                "what is written to {folder} is lost until the machine is restarted: what keeps it takes effect then"
            ));
        }
    }
    let key = format!(r"HKLM\{}", policy::KEY);
    // Advice, and no finding: group policies come again after each start, but until then those of the image hold.
    if settings.next.on && wanted.policies && !settings.next.keeps_key(&key) {
        commands.push(format!("uwfmgr.exe registry add-exclusion \"{key}\""));
    }
    if !commands.is_empty() {
        section.row("exclusions_to_add", json!(commands));
        section.row("then", "restart the machine: exclusions take effect after a restart");
    }
}

/// The folders that lie in no other one of them.
fn outermost(folders: &[String]) -> Vec<&String> {
    let mut found: Vec<&String> = Vec::new();
    for (at, folder) in folders.iter().enumerate() {
        let covered = |(other_at, other): (usize, &String)| {
            other_at != at
                && settings::is_in(folder, other)
                && (!settings::is_in(other, folder) || other_at < at)
        };
        if !folders.iter().enumerate().any(covered) {
            found.push(folder);
        }
    }
    found
}

/// Whether a path is a drive without any folder.
fn is_root(path: &str) -> bool {
    path.trim_end_matches('\\').ends_with(':')
}
