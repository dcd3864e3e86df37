//! `pywats-client diagnose`: everything that support asks first, in one report. Nothing is changed, and the
//! queue is not opened: only the service does that.
//!
//! Each part asks the system in one function and judges what it heard in another, which is tested without
//! the system.

pub mod folders;
pub mod health;
pub mod report;
#[cfg(target_os = "linux")]
pub mod sandbox;
#[cfg(target_os = "linux")]
mod service_view;
#[cfg(target_os = "linux")]
mod unit_files;
pub mod write_filter;

#[cfg(unix)]
#[path = "unix.rs"]
mod system;
#[cfg(windows)]
#[path = "windows.rs"]
mod system;

use crate::config::settings::SETTINGS;
use crate::config::{FileState, Loaded, Origin};
use crate::upload;
use report::{Report, Section};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Looks at everything.
pub fn diagnose(loaded: &Loaded) -> Report {
    let config = &loaded.config;
    let answer = health::ask(&config.health);
    let folders = [
        ("data_folder", config.client.data_dir.clone()),
        ("watch_folder", config.watch_folder()),
        ("done_folder", config.done_folder()),
        ("failed_folder", config.failed_folder()),
    ];
    let facts: Vec<_> = folders.iter().map(|(name, path)| folders::look(name, path)).collect();
    let mut report = Report::default();
    report.add(about());
    report.add(configuration(loaded));
    let mut section = folders::section(&facts, &std::env::temp_dir(), answer.is_ready());
    let hindrances = hindrances(loaded);
    hindrances.files.iter().for_each(|what| section.finding(what));
    if !answer.is_ready() {
        hindrances.folders.iter().for_each(|what| section.finding(what));
    }
    #[cfg(unix)]
    system::is_a_link(&config.client.data_dir).into_iter().for_each(|what| section.finding(what));
    report.add(section);
    report.add(queue(&config.client.data_dir, answer.pending()));
    report.add(service(&answer));
    report.add(server(loaded));
    let wanted = write_filter::Wanted {
        folders: folders.iter().map(|(_, path)| path.display().to_string()).collect(),
        policies: loaded.origins.contains(&Origin::Policy),
    };
    report.add(write_filter::section(&ask_write_filter(), &wanted));
    report
}

/// What hinders the account and the unit of the service where this command runs as root, who may do everything.
pub fn hindrances(loaded: &Loaded) -> Hindrances {
    #[cfg(target_os = "linux")]
    return service_view::hindrances(loaded);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = loaded;
        Hindrances::default()
    }
}

/// What the service needs for a folder, as far as this account can tell, if its unit had not got the lines that were
/// added for folders.
#[cfg(target_os = "linux")]
pub fn needs(path: &Path, added: &[String]) -> crate::allow::Needs {
    service_view::needs(path, added)
}

/// Why the account of the service cannot use a folder that is there.
#[cfg(target_os = "linux")]
pub fn forbidden(path: &Path) -> Option<String> {
    service_view::forbidden(path)
}

/// What hinders the service, in sentences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hindrances {
    /// Files that the configuration consists of and the service may not read.
    pub files: Vec<String>,
    /// Folders that it may not use.
    pub folders: Vec<String>,
}

/// Whether the account that runs this program may make files in a folder.
#[cfg(windows)]
pub(crate) fn can_write(folder: &Path) -> bool {
    system::can_write(folder)
}

fn about() -> Section {
    let mut section = Section::new("system");
    section.row("pywats_client", env!("CARGO_PKG_VERSION"));
    system::about(&mut section);
    section
}

/// Windows 11 still calls itself Windows 10 in the registry; the number of the build tells.
#[cfg(any(windows, test))]
fn windows_name(name: &str, build: Option<&str>) -> String {
    let eleven = build.and_then(|build| build.parse().ok()).is_some_and(|build: u32| build >= 22_000);
    if eleven { name.replace("Windows 10", "Windows 11") } else { name.to_owned() }
}

fn configuration(loaded: &Loaded) -> Section {
    let mut section = Section::new("configuration");
    let state = match loaded.file {
        FileState::Missing => "does not exist",
        FileState::Read => "in force",
        FileState::Broken => "cannot be used",
    };
    section.detailed("file", loaded.path.display().to_string(), vec![("state", state.into())]);
    for (setting, origin) in SETTINGS.iter().zip(loaded.origins) {
        section.detailed(
            setting.name(),
            (setting.show)(&loaded.config),
            vec![("from", origin.name().into())],
        );
    }
    let texts = loaded.errors.iter().chain(&loaded.missing).chain(&loaded.warnings);
    texts.for_each(|text| section.finding(text));
    #[cfg(unix)]
    secrets(loaded)
        .iter()
        .filter_map(|file| system::shown_to_everybody(file))
        .for_each(|what| section.finding(what));
    section
}

/// The files with the token of the server.
#[cfg(unix)]
fn secrets(loaded: &Loaded) -> Vec<&Path> {
    let server = &loaded.config.server;
    let named = server.token_file.as_deref();
    let origin_of = |name: &str| {
        let found = SETTINGS.iter().zip(loaded.origins).find(|(setting, _)| setting.name() == name);
        found.map(|(_, origin)| origin)
    };
    let within = named.is_none() && origin_of("server.token") == Some(Origin::File);
    named.into_iter().chain(within.then_some(&*loaded.path)).collect()
}

/// How much is queued. The size of the file says something even where the service does not answer.
fn queue(data: &Path, pending: Option<u64>) -> Section {
    let mut section = Section::new("queue");
    section.row("pending_reports", pending);
    for name in ["queue.db", "queue.db-wal"] {
        section.row(format!("{name}_bytes"), fs::metadata(data.join(name)).ok().map(|file| file.len()));
    }
    section
}

fn service(answer: &health::Answer) -> Section {
    #[cfg_attr(unix, expect(unused_mut))]
    let mut section = health::section(answer);
    #[cfg(windows)]
    system::service(&mut section);
    section
}

/// Asks the server, as `test-connection` does.
fn server(loaded: &Loaded) -> Section {
    let mut section = Section::new("server");
    match upload::client(&loaded.config) {
        // What is missing is said already.
        Ok(None) => section.row("answer", Value::Null),
        Ok(Some(client)) => match upload::ask_version(&client) {
            Ok(version) => {
                section.row("answer", format!("WATS {version}, the token is accepted"));
                upload::clock_warning(&client).into_iter().for_each(|warning| section.finding(warning));
            }
            Err(failure) => {
                section.row("answer", format!("none: {failure}"));
                section.finding(format!("{}: {failure}", client.url()));
            }
        },
        Err(failure) => {
            section.row("answer", Value::Null);
            section.finding(failure.to_string());
        }
    }
    section
}

fn ask_write_filter() -> write_filter::Filter {
    #[cfg(windows)]
    return system::write_filter();
    #[cfg(not(windows))]
    write_filter::Filter::NoneHere
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: Windows 11 is taken for Windows 10, or the other way round.
    #[test]
    fn windows_is_named() {
        for (name, build, expected) in [
            ("Windows 10 IoT Enterprise LTSC", Some("19044"), "Windows 10 IoT Enterprise LTSC"),
            ("Windows 10 Pro", Some("22631"), "Windows 11 Pro"),
            ("Windows Server 2025", Some("26100"), "Windows Server 2025"),
            ("Windows 10 Pro", None, "Windows 10 Pro"),
        ] {
            assert_eq!(windows_name(name, build), expected);
        }
    }
}
