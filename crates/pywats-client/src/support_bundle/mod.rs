//! `pywats-client support-bundle`: one zip file with what support asks for. It is bounded in size, and no token and no
//! password is in it: what holds secrets goes through [`secrets`] before it goes in.
//!
//! Nothing is changed, and no file is made but the bundle: as root that would be one in the data folder which the
//! service cannot read.

mod configuration;
mod files;
mod logs;
mod output;
mod secrets;

use crate::config::{Config, Loaded};
use crate::control::client;
use crate::control::desk::MOST;
use crate::diagnose;
use crate::diagnose::health::{self, Answer};
use crate::installation;
use files::Listing;
use hyper::Method;
use secrets::Secrets;
use serde_json::{Value, json};
use std::fmt;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// What begins the bundle, for whoever opens it.
const README: &str = "\
pyWATS Client: support bundle
=============================

Written by `pywats-client support-bundle`. Look through it before you pass it on.

    versions.json          program, system, package
    diagnose.txt, .json    what `pywats-client diagnose` says: settings, folders, service, server
    configuration.txt      every setting in force and where it comes from
    configuration.json     the configuration file
    environment.txt        the variables of pywats-client and the proxy, as this command saw them
    service.json, .txt     how the service is registered; on Linux its unit and drop-ins
    health.json            what the running service says of itself
    queue.json             reports that wait: what the running service says, and names and sizes of their files
    failed.json            files that were refused: names, sizes, and the reasons
    logs/                  the log of the last 7 days

In place of tokens and passwords stands ****. The reports themselves are not in it. The names of their files, the
reasons and the log are, and may hold serial numbers.

";

/// The most that one file of the bundle holds, in bytes: of logs the end.
const LARGEST: usize = 8 << 20;
/// The most that all of them hold.
const ALL: usize = 48 << 20;

/// What goes into the bundle.
#[derive(Default)]
struct Bundle {
    entries: Vec<(String, Vec<u8>)>,
    size: usize,
    /// What is missing or cut, for the README.
    notes: Vec<String>,
}

impl Bundle {
    /// Adds a text, without the secrets; of what is too long the end.
    fn add(&mut self, name: &str, text: &str, secrets: &Secrets) {
        let mut text = secrets.removed_from(text);
        let room = LARGEST.min(ALL.saturating_sub(self.size));
        if text.len() > room {
            let cut = (text.len() - room..=text.len()).find(|at| text.is_char_boundary(*at));
            text.drain(..cut.unwrap_or(text.len()));
            self.notes.push(format!("{name}: only its last {} bytes", text.len()));
        }
        self.size += text.len();
        self.entries.push((name.to_owned(), text.into_bytes()));
    }

    fn add_json(&mut self, name: &str, value: &Value, secrets: &Secrets) {
        self.add(name, &format!("{:#}\n", secrets.removed_from_json(value)), secrets);
    }

    fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// The zip file.
    fn packed(mut self, secrets: &Secrets) -> Result<Vec<u8>, zip::result::ZipError> {
        let mut readme = README.to_owned();
        if !self.notes.is_empty() {
            readme += "What is missing:\n\n";
            readme.extend(self.notes.iter().map(|note| format!("  - {note}\n")));
        }
        self.entries.insert(0, ("README.txt".to_owned(), secrets.removed_from(&readme).into_bytes()));
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .unix_permissions(0o600);
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in &self.entries {
            zip.start_file(name.as_str(), options)?;
            zip.write_all(content)?;
        }
        Ok(zip.finish()?.into_inner())
    }
}

/// A bundle that was written.
#[derive(Debug)]
pub struct Written {
    /// Where it is.
    pub file: PathBuf,
    /// How large it is.
    pub bytes: usize,
    /// Whether something could not be read; its README.txt says what.
    pub incomplete: bool,
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hint = if self.incomplete { " What is missing in it its README.txt says." } else { "" };
        write!(
            f,
            "{}: {} KiB. It holds no reports, tokens or passwords, but names of files and the log; look through it before \
             you pass it on.{hint}",
            self.file.display(),
            self.bytes.div_ceil(1024)
        )
    }
}

/// Writes the bundle, and gives a sentence that says where it is.
///
/// # Errors
/// Why it cannot be written.
pub fn write(loaded: &Loaded, output: Option<&Path>) -> Result<Written, String> {
    let place = output::place(output, loaded)?;
    let (packed, incomplete) = packed(loaded)?;
    output::write(&place, &packed)?;
    Ok(Written { file: place, bytes: packed.len(), incomplete })
}

/// The bundle itself, and whether something could not be read; its README.txt says what.
///
/// # Errors
/// Why it cannot be made.
pub fn packed(loaded: &Loaded) -> Result<(Vec<u8>, bool), String> {
    let secrets = Secrets::of(loaded, |name| std::env::var_os(name));
    let bundle = collect(loaded, &secrets);
    let incomplete = !bundle.notes.is_empty();
    let packed = bundle.packed(&secrets).map_err(|error| format!("the bundle cannot be made: {error}"))?;
    Ok((packed, incomplete))
}

fn collect(loaded: &Loaded, secrets: &Secrets) -> Bundle {
    let mut bundle = Bundle::default();
    let config = &loaded.config;
    if !is_administrator() {
        bundle.note("what only root or an administrator may read: the command was not run as one");
    }
    bundle.add_json("versions.json", &versions(), secrets);
    let report = diagnose::diagnose(loaded);
    bundle.add("diagnose.txt", &(report.text() + "\n"), secrets);
    bundle.add_json("diagnose.json", &report.json(), secrets);
    configuration::add(&mut bundle, loaded, secrets);
    service(&mut bundle, secrets);
    running(&mut bundle, config, secrets);
    queue(&mut bundle, config, secrets);
    failed(&mut bundle, config, secrets);
    logs::add(&mut bundle, config, secrets);
    bundle
}

/// The program and what it was installed by.
fn versions() -> Value {
    let package = if cfg!(target_os = "linux") {
        first_answer(&[
            &[
                "dpkg-query",
                "--show",
                "--showformat",
                "${Package} ${Version} ${db:Status-Abbrev}",
                "pywats-client",
            ],
            &["rpm", "--query", "pywats-client"],
        ])
    } else {
        None
    };
    json!({
        "pywats_client": env!("CARGO_PKG_VERSION"),
        "system": std::env::consts::OS,
        "architecture": std::env::consts::ARCH,
        "program": std::env::current_exe().ok().map(|path| path.display().to_string()),
        "package": package,
        "kernel": if cfg!(unix) { first_answer(&[&["uname", "-a"]]) } else { None },
        "written": crate::status::utc(jiff::Timestamp::now()),
    })
}

/// What the first of several programs says that is there and succeeds.
fn first_answer(commands: &[&[&str]]) -> Option<String> {
    commands.iter().find_map(|command| {
        let (program, arguments) = command.split_first()?;
        let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        (output.status.success() && !text.is_empty()).then_some(text)
    })
}

fn service(bundle: &mut Bundle, secrets: &Secrets) {
    match installation::state() {
        Ok(state) => bundle.add_json("service.json", &state.json(), secrets),
        Err(refusal) => bundle.note(format!("how the service is registered: {}", refusal.what)),
    }
    if cfg!(target_os = "linux")
        && let Some(unit) = first_answer(&[&["systemctl", "cat", "pywats-client.service"]])
    {
        bundle.add("service.txt", &secrets::without_assigned(&unit), secrets);
    }
}

/// What the running service answers at its socket or pipe, if this account may ask there.
fn told(config: &Config, target: &str) -> Option<Value> {
    let reply = client::ask(&config.client.data_dir, Method::GET, target, Vec::new(), |_| {}).ok()?;
    let mut body = reply.status.is_success().then_some(reply.body)?;
    without_serial_numbers(&mut body);
    Some(body)
}

/// They concern who made the units, not who helps with the client.
fn without_serial_numbers(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.remove("serial_number");
            object.values_mut().for_each(without_serial_numbers);
        }
        Value::Array(array) => array.iter_mut().for_each(without_serial_numbers),
        _ => {}
    }
}

fn running(bundle: &mut Bundle, config: &Config, secrets: &Secrets) {
    if let Some(body) = told(config, "/v1/status") {
        return bundle.add_json("health.json", &body, secrets);
    }
    match health::ask(&config.health) {
        Answer::Details(_, body) => bundle.add_json("health.json", &body, secrets),
        Answer::Off => bundle.note("what the running service says: the health endpoints are switched off"),
        Answer::Silent(address, error) => {
            bundle.note(format!("what the running service says: nobody answers at {address}: {error}"));
        }
        Answer::Foreign(address) => {
            bundle.note(format!("what the running service says: another program answers at {address}"));
        }
    }
}

fn queue(bundle: &mut Bundle, config: &Config, secrets: &Secrets) {
    let data = &config.client.data_dir;
    let spool = Listing::of(&data.join("spool"), false);
    let watched: Vec<Value> = config
        .watch_folders()
        .iter()
        .map(|folder| {
            let listing = Listing::of(&folder.path, folder.subfolders);
            json!({ "name": folder.name, "folder": folder.path.display().to_string(), "files": listing.json(None) })
        })
        .collect();
    let size = |name: &str| std::fs::symlink_metadata(data.join(name)).ok().map(|file| file.len());
    let body = json!({
        "queue.db_bytes": size("queue.db"),
        "queue.db-wal_bytes": size("queue.db-wal"),
        "reports": told(config, &format!("/v1/queue?limit={MOST}")),
        "spool": spool.json(None),
        "watched": watched,
    });
    bundle.add_json("queue.json", &body, secrets);
}

/// The folders of refused files, each once.
fn failed(bundle: &mut Bundle, config: &Config, secrets: &Secrets) {
    let folders: Vec<_> = config.watch_folders().into_iter().map(|folder| folder.failed).collect();
    let mut seen = Vec::new();
    let mut listed: Vec<Value> = Vec::new();
    for folder in folders {
        if !seen.contains(&folder) {
            let listing = Listing::of(&folder, false);
            let files = listing.json(Some(files::reason));
            listed.push(json!({ "folder": folder.display().to_string(), "files": files }));
            seen.push(folder);
        }
    }
    bundle.add_json("failed.json", &Value::from(listed), secrets);
}

/// Whether this account may do everything here.
#[cfg(unix)]
pub(crate) fn is_administrator() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whoever may write to the folder of the system.
#[cfg(windows)]
pub(crate) fn is_administrator() -> bool {
    let system = std::env::var_os("SystemRoot").map(std::path::PathBuf::from);
    system.is_some_and(|folder| diagnose::can_write(&folder))
}
