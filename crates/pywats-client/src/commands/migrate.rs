//! `config migrate`: the Python client's configuration becomes one of this client, and what became of it is told.

use super::{complain, config, folders, say};
use crate::allow::Step;
use crate::cli::config::MigrateArgs;
use crate::config::edit::{Document, EditError};
use crate::config::migrate::{self, Report, places};
use crate::config::{Loaded, Sources};
use crate::exit::Exit;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Does what the verb says.
pub(super) fn migrate(args: &MigrateArgs) -> Exit {
    let sources = Sources::new(args.show.config.config.clone());
    let source = match source(args.file.as_deref(), sources.path()) {
        Ok(source) => source,
        Err((exit, why)) => {
            complain(&why);
            return exit;
        }
    };
    match migrate::read(&source) {
        Ok(items) => config::end(take(args, &source, &sources, items)),
        Err(_) if is_denied(&source) => config::end(Err(EditError::Denied(source))),
        Err(why) => {
            complain(&format!("configuration {}: {why}", source.display()));
            Exit::ConfigInvalid
        }
    }
}

/// Whether this account may not read a file.
fn is_denied(path: &Path) -> bool {
    fs::File::open(path).is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
}

/// The file of the Python client: the one that was named, or the only one there is.
fn source(named: Option<&Path>, own: &Path) -> Result<PathBuf, (Exit, String)> {
    if let Some(file) = named {
        let is_own =
            fs::canonicalize(file).is_ok_and(|file| fs::canonicalize(own).is_ok_and(|own| file == own));
        return match (is_own, file.exists()) {
            (true, _) => Err((
                Exit::Usage,
                format!(
                    "{}: is the configuration of this client; move it away first and name it",
                    file.display()
                ),
            )),
            (_, false) => Err((Exit::ConfigNotFound, format!("{}: does not exist", file.display()))),
            (false, true) => Ok(file.to_owned()),
        };
    }
    let found = places::files(own);
    match &found[..] {
        [file] => Ok(file.clone()),
        [] => Err((
            Exit::ConfigNotFound,
            "no configuration of the Python client is at its usual places; name the file: pywats-client config migrate \
             FILE"
            .to_owned(),
        )),
        several => {
            let names: Vec<String> = several.iter().map(|path| path.display().to_string()).collect();
            let why = "there are several configurations of the Python client; name the one that the station uses";
            Err((Exit::Usage, format!("{why}: {}", names.join(", "))))
        }
    }
}

fn take(
    args: &MigrateArgs,
    source: &Path,
    sources: &Sources,
    items: Vec<migrate::Item>,
) -> Result<(), EditError> {
    let mut document = Document::open(sources.path())?;
    if document.exists() && !args.merge {
        complain("with --merge what it does not say is added");
        return Err(EditError::Exists(document.path().to_owned()));
    }
    let report = migrate::apply(&mut document, items, sources)?;
    let writes = !args.dry_run && !report.taken.is_empty();
    let loaded = if writes { config::save(&document, sources)? } else { document.judge(sources)? };
    let commands = commands(&report, &loaded, &document);
    if args.show.json {
        super::print_json(&as_json(&report, source, &document, writes, &loaded, &commands));
    } else {
        say(&as_text(&report, source, &document, args.dry_run, &loaded, &commands).join("\n"));
    }
    Ok(())
}

/// What the system must allow the service, so that it can use the new folders.
fn commands(report: &Report, loaded: &Loaded, document: &Document) -> Vec<String> {
    let all = loaded.config.watch_folders();
    let new = all.iter().filter(|folder| report.folders.contains(&folder.name));
    new.flat_map(|folder| {
        let paths = [folder.path.clone(), folder.done.clone(), folder.failed.clone()];
        folders::needed(&folder.name, &paths, folder.subfolders, document).steps
    })
    .map(|step: Step| step.command())
    .collect()
}

fn as_json(
    report: &Report,
    source: &Path,
    document: &Document,
    written: bool,
    loaded: &Loaded,
    commands: &[String],
) -> Value {
    let taken = report
        .taken
        .iter()
        .map(|(from, name, value)| json!({ "from": from, "setting": name, "value": value }));
    let kept = report.kept.iter().map(|(from, name)| json!({ "from": from, "setting": name }));
    let left = report.left.iter().map(|(from, advice)| json!({ "from": from, "what_to_do": advice }));
    json!({
        "source": source,
        "path": document.path(),
        "written": written,
        "taken": taken.collect::<Value>(),
        "kept": kept.collect::<Value>(),
        "not_taken": left.collect::<Value>(),
        "commands": commands,
        "warnings": loaded.warnings,
        "missing": loaded.missing,
    })
}

fn as_text(
    report: &Report,
    source: &Path,
    document: &Document,
    dry_run: bool,
    loaded: &Loaded,
    commands: &[String],
) -> Vec<String> {
    let path = document.path().display();
    let what = match (report.taken.is_empty(), dry_run) {
        (true, _) => format!("{path}: nothing to write"),
        (false, true) => format!("{path}: would be written"),
        (false, false) => format!("{path}: written; a running service takes it over within seconds"),
    };
    let mut lines = vec![format!("from {}", source.display()), what];
    let mut part = |title: &str, rows: Vec<String>| {
        if !rows.is_empty() {
            lines.extend([String::new(), title.to_owned()]);
            lines.extend(rows.iter().map(|row| format!("  {row}")));
        }
    };
    let taken = report.taken.iter().map(|(from, name, value)| format!("{from:<30} {name:<22} {value}"));
    part("taken:", taken.collect());
    part(
        "set already, and kept:",
        report.kept.iter().map(|(from, name)| format!("{from:<30} {name}")).collect(),
    );
    part("not taken:", report.left.iter().map(|(from, advice)| format!("{from}: {advice}")).collect());
    part("what the system must allow:", commands.to_vec());
    part("still to do:", loaded.missing.iter().chain(&loaded.warnings).cloned().collect());
    lines
}
