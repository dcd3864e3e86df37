//! The subcommands, from the command line to the exit code.

mod ask;
mod config;
mod failed;
mod folders;
mod installation;
mod migrate;
mod queue;
mod reports;
mod send;
mod status;
mod words;

use crate::cli::{Cli, Command, DiagnoseArgs, RunArgs};
use crate::config::settings::SETTINGS;
use crate::config::{FileState, Loaded, Sources};
use crate::exit::Exit;
use crate::{diagnose, keeper, logging, run, upload};
use clap::Parser;
use serde_json::Value;
use std::io::{self, Write};
use wats::{Failure, FailureKind};

/// Does what the command line says.
pub fn main() -> Exit {
    #[cfg(target_os = "macos")]
    if let Some(exit) = crate::opened::as_app() {
        return exit;
    }
    match Cli::parse().command {
        Command::Run(args) => run_service(args),
        Command::Check(args) => {
            let sources = Sources::of_the_service(args.config.config);
            if args.files.is_empty() {
                check(&sources.load(), args.json)
            } else {
                reports::check(&sources.load(), &args.files, args.json)
            }
        }
        Command::Config(command) => config::config(command),
        Command::Folders(command) => folders::folders(command),
        Command::TestConnection(args) => {
            test_connection(&Sources::of_the_service(args.config.config).load(), args.json)
        }
        Command::Diagnose(args) => diagnose(args),
        Command::Reprocess(args) => failed::reprocess(args),
        Command::Status(args) => status::status(args),
        Command::Queue(args) => queue::queue(args.command),
        Command::Failed(args) => failed::failed(args.command),
        Command::Send(args) => send::send(args),
        Command::Service(args) => installation::service(&args),
        Command::Health(args) => installation::health(args),
        Command::SupportBundle(args) => installation::support_bundle(args),
    }
}

#[cfg(not(any(windows, target_os = "macos")))]
fn run_service(args: RunArgs) -> Exit {
    if args.service {
        complain(
            "--service is for Windows and macOS; leave it away: here systemd runs the service in the foreground",
        );
        return Exit::Usage;
    }
    crate::account::keep_others_out();
    run_in_foreground(args)
}

#[cfg(target_os = "macos")]
fn run_service(args: RunArgs) -> Exit {
    crate::account::keep_others_out();
    if !args.service {
        return run_in_foreground(args);
    }
    let sources = Sources::new(args.config.config);
    let config = sources.load().config;
    let levels = logging::of_daemon(config.logging.level, &logging::file_of_service(&config));
    run::run(sources, levels)
}

#[cfg(windows)]
fn run_service(args: RunArgs) -> Exit {
    if !args.service {
        return run_in_foreground(args);
    }
    match crate::service::windows::run_service(args.config.config) {
        Ok(()) => Exit::Ok,
        Err(error) => {
            complain(&format!(
                "--service works only when the service manager starts the program (net start {}): {error}",
                crate::service::windows::NAME
            ));
            Exit::StartFailed
        }
    }
}

fn run_in_foreground(args: RunArgs) -> Exit {
    let sources = Sources::new(args.config.config);
    let levels = logging::to_stderr(sources.load().config.logging.level);
    run::run(sources, levels)
}

/// The file, and every setting in force with its origin.
fn settings_in_force(loaded: &Loaded) -> Vec<String> {
    let state = match loaded.file {
        FileState::Missing => "does not exist; the other sources apply",
        FileState::Read => "in force",
        FileState::Broken => "cannot be used; the other sources apply",
    };
    let mut lines = vec![format!("{}: {state}", loaded.path.display()), String::new()];
    for (setting, origin) in SETTINGS.iter().zip(loaded.origins) {
        let value = (setting.show)(&loaded.config).unwrap_or_else(|| "-".to_owned());
        lines.push(format!("{:<30} {:<12} {value}", setting.name(), origin.name()));
    }
    lines
}

fn check(loaded: &Loaded, json: bool) -> Exit {
    let mut lines = settings_in_force(loaded);
    let unusable = upload::client(&loaded.config).err().map(|failure| failure.to_string());
    let hindrances = diagnose::hindrances(loaded);
    let of_service = || hindrances.files.iter().chain(&hindrances.folders);
    let problems = loaded.errors.iter().chain(&loaded.missing).chain(&unusable).chain(of_service());
    let marks = || loaded.warnings.iter().cloned().chain(keeper::foreign_folders(&loaded.config));
    if json {
        let mut shown = config::as_json(loaded);
        shown["warnings"] = marks().collect();
        shown["problems"] = problems.cloned().collect();
        say(&format!("{shown:#}"));
        return match judge(loaded) {
            Exit::Ok if unusable.is_some() || of_service().next().is_some() => Exit::Config,
            exit => exit,
        };
    }
    let marked = |mark: &str, text: &String| format!("{mark}: {text}");
    let notes: Vec<String> = marks()
        .map(|text| marked("warning", &text))
        .chain(problems.map(|text| marked("problem", text)))
        .collect();
    if !notes.is_empty() {
        lines.push(String::new());
        lines.extend(notes);
    }
    say(&lines.join("\n"));
    match judge(loaded) {
        Exit::Ok if unusable.is_some() || of_service().next().is_some() => Exit::Config,
        exit => exit,
    }
}

/// Whether a configuration can be understood; its problems are told.
fn judge_errors(loaded: &Loaded) -> Exit {
    loaded.errors.iter().for_each(|error| complain(error));
    if loaded.errors.is_empty() { Exit::Ok } else { Exit::ConfigInvalid }
}

/// What a configuration alone is worth.
fn judge(loaded: &Loaded) -> Exit {
    if !loaded.errors.is_empty() {
        Exit::ConfigInvalid
    } else if loaded.missing.is_empty() {
        Exit::Ok
    } else if loaded.file == FileState::Missing {
        Exit::ConfigNotFound
    } else {
        Exit::Config
    }
}

fn test_connection(loaded: &Loaded, json: bool) -> Exit {
    let tested = test(loaded);
    let warnings: Vec<&String> = loaded.warnings.iter().chain(&tested.warning).collect();
    if json {
        print_json(&serde_json::json!({
            "url": tested.url, "version": tested.version, "warnings": warnings, "problems": tested.problems,
        }));
        return tested.exit;
    }
    for warning in warnings {
        complain(&format!("warning: {warning}"));
    }
    if let (Some(url), Some(version)) = (&tested.url, &tested.version) {
        say(&format!("{url}: WATS {version}, the token is accepted"));
    }
    let asked = tested.url.map_or_else(String::new, |url| format!("{url}: "));
    for problem in &tested.problems {
        complain(&format!("{asked}{problem}"));
    }
    tested.exit
}

/// What came of asking the server.
struct Tested {
    exit: Exit,
    /// Who was asked.
    url: Option<String>,
    version: Option<String>,
    warning: Option<String>,
    problems: Vec<String>,
}

fn test(loaded: &Loaded) -> Tested {
    let not_asked = |exit, problems| Tested { exit, url: None, version: None, warning: None, problems };
    let exit = judge(loaded);
    if exit != Exit::Ok {
        return not_asked(exit, loaded.errors.iter().chain(&loaded.missing).cloned().collect());
    }
    let client = match upload::client(&loaded.config) {
        Ok(Some(client)) => client,
        Ok(None) => return not_asked(Exit::Config, Vec::new()),
        Err(failure) => return not_asked(Exit::Config, vec![failure.to_string()]),
    };
    let url = Some(client.url().to_string());
    match upload::ask_version(&client) {
        Ok(version) => {
            let warning = upload::clock_warning(&client);
            Tested { exit: Exit::Ok, url, version: Some(version), warning, problems: Vec::new() }
        }
        Err(failure) => Tested {
            exit: exit_of(&failure),
            url,
            version: None,
            warning: None,
            problems: vec![failure.to_string()],
        },
    }
}

fn diagnose(args: DiagnoseArgs) -> Exit {
    let report = diagnose::diagnose(&Sources::of_the_service(args.config.config).load());
    if args.json {
        print_json(&report.json());
    } else {
        say(&report.text());
    }
    if report.needs_attention() { Exit::Attention } else { Exit::Ok }
}

fn exit_of(failure: &Failure) -> Exit {
    match (failure.kind, failure.status) {
        (_, Some(401 | 403)) => Exit::Authentication,
        (FailureKind::Unreachable | FailureKind::Trouble, None) => Exit::Unreachable,
        _ => Exit::Network,
    }
}

/// Text for people. A closed pipe is no reason to fail.
fn say(text: &str) {
    let lines: Vec<String> = text.lines().map(logging::printable).collect();
    drop(writeln!(io::stdout(), "{}", lines.join("\n")));
}

/// JSON for machines, which a terminal can show as well.
fn print_json(value: &Value) {
    drop(writeln!(io::stdout(), "{}", logging::printable_json(value)));
}

fn complain(text: &str) {
    drop(writeln!(io::stderr(), "pywats-client: {}", logging::printable(text)));
}
