//! The verbs of `config`: they read and write the file, not the running service, which follows the file by itself.

use super::{complain, say};
use crate::cli::config::{ConfigCommand, GetArgs, InitArgs, SetArgs, ShowArgs};
use crate::config::edit::{self, Document, EditError};
use crate::config::settings::SETTINGS;
use crate::config::{Loaded, Sources};
use crate::diagnose;
use crate::exit::Exit;
use serde_json::{Map, Value, json};
use std::io::{self, Read};
use std::path::Path;
use wats_settings::token;

/// More than any value needs.
const MOST_INPUT: u64 = 1 << 20;

/// Does what the verb says.
pub(super) fn config(command: ConfigCommand) -> Exit {
    match command {
        ConfigCommand::Show(args) => show(args),
        ConfigCommand::Get(args) => get(args),
        ConfigCommand::Set(args) => end(set(args)),
        ConfigCommand::Init(args) => end(init(args)),
        ConfigCommand::Migrate(args) => super::migrate::migrate(&args),
        ConfigCommand::Path(args) => path(args),
        ConfigCommand::Check(args) => {
            super::check(&Sources::of_the_service(args.config.config).load(), args.json)
        }
    }
}

pub(super) fn end(result: Result<(), EditError>) -> Exit {
    let Err(error) = result else { return Exit::Ok };
    complain(&error.to_string());
    match error {
        EditError::Denied(_) => Exit::NotAllowed,
        EditError::Write(_, error) if error.kind() == io::ErrorKind::PermissionDenied => Exit::NotAllowed,
        EditError::Unknown(..) | EditError::Value(_) | EditError::Secret(_) => Exit::Usage,
        EditError::Refused(_) | EditError::Broken(..) => Exit::ConfigInvalid,
        EditError::Exists(_) | EditError::Busy(_) | EditError::Write(..) => Exit::Error,
    }
}

fn show(args: ShowArgs) -> Exit {
    let loaded = Sources::new(args.config.config).load();
    if args.json {
        super::print_json(&as_json(&loaded));
    } else {
        say(&super::settings_in_force(&loaded).join("\n"));
    }
    super::judge(&loaded)
}

/// Every setting in force, secrets masked.
pub(super) fn as_json(loaded: &Loaded) -> Value {
    let rows = SETTINGS.iter().zip(loaded.origins).map(|(setting, origin)| {
        let row = json!({
            "value": (setting.show)(&loaded.config),
            "origin": origin.name(),
            "environment": setting.env_name(),
        });
        (setting.name(), row)
    });
    let file = format!("{:?}", loaded.file).to_ascii_lowercase();
    json!({
        "path": loaded.path,
        "file": file,
        "settings": rows.collect::<Map<_, _>>(),
        "errors": loaded.errors,
        "missing": loaded.missing,
        "warnings": loaded.warnings,
    })
}

fn get(args: GetArgs) -> Exit {
    let loaded = Sources::new(args.show.config.config).load();
    let setting = match edit::setting(&args.key) {
        Ok(setting) => setting,
        Err(error) => return end(Err(error)),
    };
    let value = (setting.show)(&loaded.config);
    let origin = SETTINGS.iter().zip(loaded.origins).find(|(row, _)| row.name() == setting.name());
    if args.show.json {
        let origin = origin.map(|(_, origin)| origin.name());
        say(&json!({ "setting": setting.name(), "value": value, "origin": origin }).to_string());
    } else if let Some(value) = &value {
        say(value);
    } else if loaded.errors.is_empty() {
        complain(&format!("{}: is not set, and has no default", setting.name()));
    }
    for error in &loaded.errors {
        complain(error);
    }
    match (loaded.errors.is_empty(), value) {
        (false, _) => Exit::ConfigInvalid,
        (true, Some(_)) => Exit::Ok,
        (true, None) => Exit::Error,
    }
}

fn path(args: ShowArgs) -> Exit {
    let sources = Sources::new(args.config.config);
    let path = sources.path();
    if args.json {
        say(&json!({ "path": path, "exists": path.exists() }).to_string());
    } else {
        say(&path.display().to_string());
    }
    Exit::Ok
}

fn set(args: SetArgs) -> Result<(), EditError> {
    let setting = edit::setting(&args.key)?;
    let value = match args.value.as_deref() {
        None => None,
        Some("-") => Some(edit::value_of(setting, &from_input(&args.key)?, false)?),
        Some(text) => Some(edit::value_of(setting, text, true)?),
    };
    let sources = Sources::new(args.show.config.config);
    let mut document = Document::open(sources.path())?;
    document.set(setting, value)?;
    written(&document, &sources, args.show.json)
}

fn init(args: InitArgs) -> Result<(), EditError> {
    let sources = Sources::new(args.show.config.config);
    let mut document = Document::open(sources.path())?;
    if document.exists() {
        return Err(EditError::Exists(document.path().to_owned()));
    }
    let token = edit::setting("server.token")?;
    let token_file = match args.token_file.as_deref() {
        Some("-") => {
            document.set(token, Some(edit::value_of(token, &from_input("server.token")?, false)?))?;
            None
        }
        Some(file) => {
            let path = std::path::absolute(file).unwrap_or_else(|_| file.into());
            is_token(&path)?;
            Some(path.display().to_string())
        }
        None => None,
    };
    for (key, value) in [
        ("server.url", args.server_url),
        ("server.token_file", token_file),
        ("station.name", args.station_name),
        ("station.location", args.location),
        ("station.purpose", args.purpose),
    ] {
        let Some(value) = value else { continue };
        let setting = edit::setting(key)?;
        document.set(setting, Some(edit::value_of(setting, &value, true)?))?;
    }
    written(&document, &sources, args.show.json)
}

/// Whether the service would find a token in a file, as far as this account can tell.
fn is_token(path: &Path) -> Result<(), EditError> {
    let wrong = |why: String| EditError::Value(format!("token file {}: {why}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    token::of_file(&bytes).map(drop).map_err(wrong)
}

/// Writes the file, and tells of it.
fn written(document: &Document, sources: &Sources, json: bool) -> Result<(), EditError> {
    let loaded = save(document, sources)?;
    // What hindered the service before has not ended with this.
    let mut warnings = diagnose::hindrances(&loaded).files;
    let taken = if warnings.is_empty() {
        "a running service takes it over within seconds"
    } else {
        "the service cannot take it over yet"
    };
    warnings.extend(loaded.warnings);
    if json {
        say(&json!({ "path": document.path(), "warnings": warnings, "missing": loaded.missing }).to_string());
        return Ok(());
    }
    say(&format!("{}: written; {taken}", document.path().display()));
    for text in warnings {
        complain(&format!("warning: {text}"));
    }
    Ok(())
}

/// Writes the file, if the service would be able to read it and what it names.
pub(super) fn save(document: &Document, sources: &Sources) -> Result<Loaded, EditError> {
    let judged = document.judge(sources)?;
    let mut unreadable = diagnose::hindrances(&judged).files;
    if !unreadable.is_empty() {
        let before = diagnose::hindrances(&document.before(sources)).files;
        unreadable.retain(|what| !before.contains(what));
    }
    // What is not there yet is made in a way that the service can read.
    if !unreadable.is_empty() {
        return Err(EditError::Refused(unreadable));
    }
    document.write()?;
    Ok(judged)
}

/// The value that standard input gives, without the line's end.
fn from_input(name: &str) -> Result<String, EditError> {
    let mut text = String::new();
    let read = io::stdin().lock().take(MOST_INPUT).read_to_string(&mut text);
    read.map_err(|error| EditError::Value(format!("{name}: standard input cannot be read: {error}")))?;
    if text.trim().is_empty() {
        return Err(EditError::Value(format!("{name}: standard input is empty")));
    }
    Ok(text.trim().to_owned())
}
