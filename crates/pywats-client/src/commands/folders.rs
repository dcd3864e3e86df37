//! The verbs of `folders`: they change the array `folders` of the configuration, and as root on Linux what the system
//! allows the service.

use super::{complain, say};
use crate::allow::{self, Plan, Step};
use crate::cli::config::ShowArgs;
use crate::cli::folders::{AddArgs, FoldersCommand, RemoveArgs};
use crate::config::Sources;
use crate::config::edit::{self, Document, EditError};
use crate::config::settings::Setting;
use crate::config::watch_folders::{self, WatchFolder};
use crate::exit::Exit;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
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
        FoldersCommand::Add(args) => add(args),
        FoldersCommand::Remove(args) => remove(&args),
    };
    match result {
        Ok(()) => Exit::Ok,
        Err(Failed::Edit(error)) => super::config::end(Err(error)),
        Err(Failed::Other(error)) => {
            complain(&error);
            Exit::Error
        }
    }
}

/// Why nothing was done.
enum Failed {
    /// It was about the configuration, or what was given for it.
    Edit(EditError),
    /// The system would not have it.
    Other(String),
}

impl From<EditError> for Failed {
    fn from(error: EditError) -> Failed {
        Failed::Edit(error)
    }
}

impl From<String> for Failed {
    fn from(error: String) -> Failed {
        Failed::Other(error)
    }
}

fn list(folders: &[WatchFolder], json: bool) {
    if json {
        return super::print_json(&folders.iter().map(as_row).collect());
    }
    for folder in folders {
        let patterns = folder.patterns.join(" ");
        say(&format!("{:<20} {:>2}  {}  {patterns}", folder.name, folder.priority, folder.path.display()));
    }
}

/// A folder with the keys of the file, so that it can be copied into it.
fn as_row(folder: &WatchFolder) -> Value {
    json!({
        "name": folder.name, "path": folder.path, "patterns": folder.patterns,
        "subfolders": folder.subfolders, "done_folder": folder.done, "failed_folder": folder.failed,
        "archive_folder": folder.archive, "after_delivery": folder.after_delivery.word(),
        "priority": folder.priority, "look": folder.look.word(),
    })
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

fn add(mut args: AddArgs) -> Result<(), Failed> {
    let setting = edit::setting("folders")?;
    let sources = Sources::new(args.show.config.config.clone());
    let mut document = Document::open(sources.path())?;
    let before = document.get(setting).cloned();
    let mut rows = before.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
    let given = [Some(&mut args.path), args.done.as_mut(), args.failed.as_mut()].into_iter().flatten();
    let paths: Vec<PathBuf> = given
        .map(|path| {
            can_be_written(path)?;
            *path = place(path, &document, &sources)?;
            Ok(path.clone())
        })
        .collect::<Result<_, String>>()
        .map_err(EditError::Value)?;
    let row = row(&args);
    watch_folders::check_row(&row).map_err(EditError::Value)?;
    let is_taken = |there: &Value| there.get("name") == row.get("name");
    if args.name == watch_folders::DEFAULT || rows.iter().any(is_taken) {
        let why = format!("the name {}: another folder has it; write another name", args.name);
        return Err(EditError::Value(why).into());
    }
    if args.path.exists() && !args.path.is_dir() {
        return Err(EditError::Value(format!("{}: is no folder", args.path.display())).into());
    }
    rows.push(row);
    document.set(setting, Some(rows.into()))?;
    document.judge(&sources)?;
    let plan = needed(&args.name, &paths, args.subfolders, &document);
    let applies = may_apply(&document);
    let told = |exposure: Option<&str>| {
        let notes = Notes { missing: plan.missing(), exposure };
        tell(&document, &args.show, args.dry_run, &plan.steps, Step::command, &notes);
    };
    if args.dry_run {
        told(None);
        return Ok(());
    }
    if !applies {
        document.save(&sources)?;
        told(None);
        return Ok(());
    }
    if let Some(missing) = paths.iter().find(|path| !path.is_dir()) {
        return Err(format!("{}: does not exist; make the folder first", missing.display()).into());
    }
    if let Some(missing) = plan.missing() {
        return Err(format!("{missing}; nothing was changed").into());
    }
    let stopped = stopped()?;
    // What an add has left that was killed, so that this one begins where that one did.
    half_done(&args.name)?;
    allow::all_or_none(&plan, &|| stopped.load(Ordering::Relaxed), || {
        paths.iter().try_for_each(|path| may_use(path))?;
        document.save(&sources).map_err(|error| error.to_string())?;
        let end = if plan.steps.is_empty() { Ok(()) } else { restart() };
        let end = end
            .and_then(|()| if stopped.load(Ordering::Relaxed) { Err("stopped".to_owned()) } else { Ok(()) });
        end.map_err(|why| match put_back(&document, setting, before) {
            Ok(()) => why,
            Err(error) => format!("{why}; {error}"),
        })
    })
    .inspect_err(|_| {
        // What is loaded must be what is there again.
        drop(restart());
    })?;
    told(allow::exposure().as_deref());
    Ok(())
}

/// Gives the configuration the folders that it had.
fn put_back(document: &Document, setting: &Setting, before: Option<Value>) -> Result<(), String> {
    let path = document.path();
    if !document.exists() {
        return std::fs::remove_file(path).map_err(|error| format!("{}: {error}", path.display()));
    }
    let mut document = document.clone();
    let back = document.set(setting, before).and_then(|()| document.write());
    back.map_err(|error| error.to_string())
}

/// Takes back what is left of an add that was killed before it was in the configuration.
fn half_done(name: &str) -> Result<(), String> {
    let failed = allow::done_for(name, allow::selinux::is_known(), &allow::records()).undo();
    if failed.is_empty() { Ok(()) } else { Err(format!("could not be undone: {}", failed.join("; "))) }
}

fn remove(args: &RemoveArgs) -> Result<(), Failed> {
    let setting = edit::setting("folders")?;
    let mut document = Document::open(Sources::new(args.show.config.config.clone()).path())?;
    let rows = document.get(setting).and_then(Value::as_array).cloned().unwrap_or_default();
    let (gone, stay): (Vec<Value>, Vec<Value>) =
        rows.into_iter().partition(|row| row.get("name").and_then(Value::as_str) == Some(&args.name));
    let applies = may_apply(&document);
    let done = || allow::done_for(&args.name, allow::selinux::is_known(), &allow::records());
    let plan = if applies { done() } else { allow::Plan::default() };
    // A remove that was killed has left what it allowed.
    if gone.is_empty() && plan.steps.is_empty() {
        return Err(format!(
            "{:?}: {} has no folder of that name; pywats-client folders list names them",
            args.name,
            document.path().display()
        )
        .into());
    }
    let steps: Vec<Step> = plan.steps.iter().rev().cloned().collect();
    let told = |document: &Document| {
        tell(document, &args.show, args.dry_run, &steps, Step::undo_command, &Notes::default());
    };
    if args.dry_run {
        told(&document);
        return Ok(());
    }
    // From here on it goes to its end: half of it would leave the service without a folder that it is to watch.
    let _not_stopped = if applies { Some(stopped()?) } else { None };
    if !gone.is_empty() {
        document.set(setting, (!stay.is_empty()).then(|| stay.into()))?;
        document.write()?;
    }
    let mut failed = plan.undo();
    if !plan.steps.is_empty() {
        failed.extend(restart().err());
    }
    if !failed.is_empty() {
        let path = document.path().display();
        return Err(format!("{path}: is changed; could not be undone: {}", failed.join("; ")).into());
    }
    told(&document);
    Ok(())
}

/// Refuses a path that a line of a unit, or of the configuration, cannot have.
fn can_be_written(path: &Path) -> Result<(), String> {
    let text = path.to_str().filter(|text| text.trim() == *text && !text.contains(char::is_control));
    text.map(drop).ok_or_else(|| {
        format!(
            "{path:?}: has control characters, is not UTF-8, or begins or ends with a space; give the folder another name"
        )
    })
}

/// The folder that a path leads to, into which the service may be let.
fn place(path: &Path, document: &Document, sources: &Sources) -> Result<PathBuf, String> {
    #[cfg(target_os = "linux")]
    if is_service(document) && path.is_absolute() {
        let said = |error: std::io::Error| format!("{}: {error}", path.display());
        let real = allow::place::real(path).map_err(said)?;
        let data = sources.load().config.client.data_dir;
        let config = document.path().parent().unwrap_or(document.path()).to_owned();
        allow::place::may_be_given(&real, &[("configuration", config), ("data folder", data)])?;
        return Ok(real);
    }
    let _ = (document, sources);
    Ok(path.to_owned())
}

/// Whether the account of the service may use a folder, now that it was let in.
fn may_use(path: &Path) -> Result<(), String> {
    #[cfg(target_os = "linux")]
    if let Some(why) = crate::diagnose::forbidden(path) {
        return Err(format!("{}: {why}, which has not helped", path.display()));
    }
    #[cfg(target_os = "linux")]
    if allow::selinux::is_known()
        && let Some(why) = allow::permitted::keeps_out(path)
    {
        return Err(format!("{}: {why}", path.display()));
    }
    let _ = path;
    Ok(())
}

/// Whether this account may change what the system allows the service, and the configuration is the service's.
fn may_apply(document: &Document) -> bool {
    #[cfg(target_os = "linux")]
    return rustix::process::geteuid().is_root() && is_service(document);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = document;
        false
    }
}

/// Whether the configuration is that of the service; it may be a link.
#[cfg(target_os = "linux")]
fn is_service(document: &Document) -> bool {
    let usual = crate::config::default_path();
    document.path() == std::fs::canonicalize(&usual).unwrap_or(usual)
}

/// What the system must allow the service for one folder, and for what is in it if sub-folders are watched.
pub(super) fn needed(name: &str, paths: &[PathBuf], subfolders: bool, document: &Document) -> Plan {
    #[cfg(target_os = "linux")]
    if is_service(document) {
        use crate::allow::Needs;
        let records = allow::records();
        let added: Vec<String> = records.iter().flat_map(|record| record.lines().to_vec()).collect();
        let needs = paths.iter().enumerate().map(|(at, path)| {
            let needs = crate::diagnose::needs(path, &added);
            (path.clone(), Needs { within: at == 0 && subfolders && needs.write, ..needs })
        });
        return allow::plan(name, &needs.collect::<Vec<_>>(), allow::selinux::is_known(), &records);
    }
    let _ = (name, paths, subfolders, document);
    Plan::default()
}

/// What is said besides what was done.
#[derive(Default)]
struct Notes<'a> {
    /// What has to be installed first.
    missing: Option<String>,
    /// How much the unit exposes now.
    exposure: Option<&'a str>,
}

fn tell(
    document: &Document,
    show: &ShowArgs,
    dry_run: bool,
    steps: &[Step],
    command: impl Fn(&Step) -> String,
    notes: &Notes<'_>,
) {
    let commands: Vec<String> = steps.iter().map(command).collect();
    if show.json {
        let path = document.path();
        let mut shown =
            json!({ "path": path, "written": !dry_run, "commands": commands, "missing": notes.missing });
        if let Some(exposure) = notes.exposure.and_then(|exposure| exposure.parse::<f64>().ok()) {
            shown["exposure"] = exposure.into();
        }
        return say(&shown.to_string());
    }
    let path = document.path().display();
    say(&if dry_run { format!("{path}: would be changed") } else { format!("{path}: is changed") });
    if !commands.is_empty() {
        say("what the system must allow:");
        commands.iter().for_each(|command| say(&format!("  {command}")));
    }
    notes.missing.iter().for_each(|missing| say(missing));
    if let Some(exposure) = notes.exposure {
        say(&format!("exposure of the service by systemd-analyze security, from 0 to 10: {exposure}"));
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

/// Whether somebody has asked this program to end, from now on: by Ctrl-C, `kill`, or a terminal that was closed.
fn stopped() -> Result<Arc<AtomicBool>, String> {
    let flag = Arc::new(AtomicBool::new(false));
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let cannot = |error: std::io::Error| format!("cannot listen for Ctrl-C: {error}");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(cannot)?;
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
            let asked = Arc::clone(&flag);
            // Heard from here on, not only once the task has begun.
            let mut heard = {
                let _context = runtime.enter();
                signal(kind).map_err(cannot)?
            };
            runtime.spawn(async move {
                while heard.recv().await.is_some() {
                    asked.store(true, Ordering::Relaxed);
                }
            });
        }
        // It listens until the program ends.
        std::mem::forget(runtime);
    }
    Ok(flag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    /// Fails if: what `folders list --json` prints is not what the file takes, or leaves a key of it out.
    #[test]
    fn what_is_listed_can_be_copied() {
        let path = if cfg!(windows) { r"C:\ict" } else { "/ict" };
        let mut config = Config::new();
        config.folders = watch_folders::read(&json!([{ "name": "ict", "path": path }])).unwrap();
        let listed = as_row(&config.watch_folders()[1]);
        let keys: Vec<&str> = listed.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, watch_folders::FIELDS.map(|field| field.key));
        let again = Config { folders: watch_folders::read(&json!([listed])).unwrap(), ..config.clone() };
        assert_eq!(again.watch_folders(), config.watch_folders());
    }
}
