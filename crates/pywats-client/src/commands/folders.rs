//! The verbs of `folders`: they change the array `folders` of the configuration, and as root on Linux what the system
//! allows the service.

use super::{complain, say};
use crate::allow::{self, Step};
use crate::cli::folders::{AddArgs, FoldersCommand, RemoveArgs};
use crate::config::edit::{self, Document, EditError};
use crate::config::watch_folders::WatchFolder;
use crate::config::{Sources, default_path};
use crate::exit::Exit;
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Does what the verb says.
pub(super) fn folders(command: FoldersCommand) -> Exit {
    let result = match command {
        FoldersCommand::List(args) => {
            let loaded = Sources::new(args.config.config).load();
            list(&loaded.config.watch_folders(), args.json);
            return super::judge_errors(&loaded);
        }
        FoldersCommand::Add(args) => add(&args),
        FoldersCommand::Remove(args) => remove(&args),
    };
    result.map_or_else(
        |error| {
            complain(&error);
            Exit::Error
        },
        |()| Exit::Ok,
    )
}

fn list(folders: &[WatchFolder], json: bool) {
    if json {
        let rows = folders.iter().map(|folder| {
            json!({
                "name": folder.name, "path": folder.path, "patterns": folder.patterns,
                "subfolders": folder.subfolders, "done": folder.done, "failed": folder.failed,
                "after_delivery": folder.after_delivery.word(), "priority": folder.priority,
                "look": folder.look.word(),
            })
        });
        return say(&format!("{:#}", rows.collect::<Value>()));
    }
    for folder in folders {
        let patterns = folder.patterns.join(" ");
        say(&format!("{:<20} {:>2}  {}  {patterns}", folder.name, folder.priority, folder.path.display()));
    }
}

/// The row as it is written, with nothing that is not said.
fn row(args: &AddArgs) -> Value {
    let mut row = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            row.insert(key.to_owned(), value);
        }
    };
    let path = |path: &PathBuf| Value::from(path.display().to_string());
    put("name", Some(args.name.clone().into()));
    put("path", Some(path(&args.path)));
    put("patterns", (!args.patterns.is_empty()).then(|| args.patterns.clone().into()));
    put("subfolders", args.subfolders.then(|| true.into()));
    put("done_folder", args.done.as_ref().map(path));
    put("failed_folder", args.failed.as_ref().map(path));
    put("after_delivery", args.after_delivery.clone().map(Value::from));
    put("priority", args.priority.map(Value::from));
    put("look", args.look.clone().map(Value::from));
    Value::Object(row)
}

fn add(args: &AddArgs) -> Result<(), String> {
    let say_why = |error: EditError| error.to_string();
    let setting = edit::setting("folders").map_err(say_why)?;
    let mut document =
        Document::open(Sources::new(args.show.config.config.clone()).path()).map_err(say_why)?;
    let before = document.get(setting).cloned();
    let mut rows = before.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
    rows.push(row(args));
    document.set(setting, Some(rows.into())).map_err(say_why)?;
    document.judge().map_err(say_why)?;
    if args.path.exists() && !args.path.is_dir() {
        return Err(format!("{}: is no folder", args.path.display()));
    }
    let paths: Vec<PathBuf> =
        [Some(&args.path), args.done.as_ref(), args.failed.as_ref()].into_iter().flatten().cloned().collect();
    let steps = needed(&args.name, &paths, &document);
    let applies = may_apply(&document);
    tell(&document, &commands(steps.iter().map(Step::command)), args.dry_run, args.show.json);
    if args.dry_run {
        return Ok(());
    }
    if !applies {
        document.save().map_err(say_why)?;
        return Ok(());
    }
    if let Some(missing) = paths.iter().find(|path| !path.is_dir()) {
        return Err(format!("{}: does not exist; make the folder first", missing.display()));
    }
    let stopped = stopped()?;
    allow::all_or_none(&steps, &|| stopped.load(Ordering::Relaxed), || {
        document.save().map_err(say_why)?;
        let undo = |why: String| {
            let mut document = document.clone();
            let back = document.set(setting, before.clone()).and_then(|()| document.save());
            back.err().map_or(why.clone(), |error| format!("{why}; {error}"))
        };
        if stopped.load(Ordering::Relaxed) {
            return Err(undo("stopped".to_owned()));
        }
        if steps.is_empty() { Ok(()) } else { restart().map_err(undo) }
    })
    .inspect_err(|_| {
        // What is loaded must be what is there again.
        drop(restart());
    })
}

fn remove(args: &RemoveArgs) -> Result<(), String> {
    let say_why = |error: EditError| error.to_string();
    let setting = edit::setting("folders").map_err(say_why)?;
    let mut document =
        Document::open(Sources::new(args.show.config.config.clone()).path()).map_err(say_why)?;
    let rows = document.get(setting).and_then(Value::as_array).cloned().unwrap_or_default();
    let (gone, stay): (Vec<Value>, Vec<Value>) =
        rows.into_iter().partition(|row| row.get("name").and_then(Value::as_str) == Some(&args.name));
    if gone.is_empty() {
        return Err(format!(
            "{:?}: {} has no folder of that name; pywats-client folders list names them",
            args.name,
            document.path().display()
        ));
    }
    document.set(setting, (!stay.is_empty()).then(|| stay.into())).map_err(say_why)?;
    let steps = if may_apply(&document) { allow::done_for(&args.name) } else { Vec::new() };
    tell(&document, &commands(steps.iter().rev().map(Step::undo_command)), args.dry_run, args.show.json);
    if args.dry_run {
        return Ok(());
    }
    document.save().map_err(say_why)?;
    let failed: Vec<String> = steps.iter().rev().filter_map(|step| step.undo().err()).collect();
    if !steps.is_empty() {
        restart()?;
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("could not be undone: {}", failed.join("; "))) }
}

/// Whether this account may change what the system allows the service, and the configuration is the service's.
fn may_apply(document: &Document) -> bool {
    #[cfg(target_os = "linux")]
    return rustix::process::geteuid().is_root() && document.path() == default_path();
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (document, default_path);
        false
    }
}

/// What the system must allow the service for one folder.
pub(super) fn needed(name: &str, paths: &[PathBuf], document: &Document) -> Vec<Step> {
    #[cfg(target_os = "linux")]
    if document.path() == default_path() {
        let needs = paths.iter().map(|path| (path.clone(), crate::diagnose::needs(path)));
        return allow::steps(name, &needs.collect::<Vec<_>>(), allow::selinux_records(name, paths));
    }
    let _ = (name, paths, document);
    Vec::new()
}

/// Those that do anything.
fn commands(commands: impl Iterator<Item = String>) -> Vec<String> {
    commands.filter(|command| !command.is_empty()).collect()
}

fn tell(document: &Document, commands: &[String], dry_run: bool, json: bool) {
    if json {
        let path = document.path();
        return say(&json!({ "path": path, "written": !dry_run, "commands": commands }).to_string());
    }
    let path = document.path().display();
    say(&if dry_run { format!("{path}: would be changed") } else { format!("{path}: is changed") });
    if !commands.is_empty() {
        say("what the system must allow:");
        commands.iter().for_each(|command| say(&format!("  {command}")));
    }
    if cfg!(windows) {
        say(
            "let the account of the service read, write and delete in the folder: icacls PATH /grant \"NT SERVICE\\pywats-client:(OI)(CI)M\"",
        );
    }
}

/// Lets systemd read the drop-ins, and the service begin anew with them, if it runs.
fn restart() -> Result<(), String> {
    let systemctl = |words: &[&str]| {
        let words = ["systemctl"].iter().chain(words).map(|word| (*word).to_owned()).collect::<Vec<_>>();
        allow::run(&words)
    };
    if !std::path::Path::new("/run/systemd/system").exists() {
        return Ok(());
    }
    systemctl(&["daemon-reload"])?;
    systemctl(&["try-restart", "pywats-client.service"])
}

/// Whether somebody has pressed Ctrl-C, from now on.
fn stopped() -> Result<Arc<AtomicBool>, String> {
    let flag = Arc::new(AtomicBool::new(false));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| format!("cannot listen for Ctrl-C: {error}"))?;
    let pressed = Arc::clone(&flag);
    runtime.spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            pressed.store(true, Ordering::Relaxed);
        }
    });
    // It listens until the program ends.
    std::mem::forget(runtime);
    Ok(flag)
}
