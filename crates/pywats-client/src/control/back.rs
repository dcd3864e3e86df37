//! Files that are taken back to be uploaded again, through the door: `reprocess` and `failed retry`.
//!
//! The folders are those of each watch folder; where several have the same, its files go back to the first of them.

use super::Reply;
use crate::cli::{ConfigArgs, Origin, ReprocessArgs};
use crate::config::Config;
use crate::reprocess::{ReprocessError, Taken, reprocess};
use hyper::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Which files are wanted: a JSON object with `from` (`done`, `archive` or `failed`), `since`, `until`, `all`, `list`
/// and `names`, which mean the same as the options of the command.
#[derive(Debug)]
pub struct Wanted(ReprocessArgs);

impl Wanted {
    /// As the command line says.
    pub fn of(args: ReprocessArgs) -> Self {
        Wanted(args)
    }

    /// Reads a request.
    ///
    /// # Errors
    /// The answer, if it is none.
    pub fn read(body: &[u8]) -> Result<Self, Reply> {
        let value = object(body)?;
        let text = |key: &str| match &value[key] {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text.clone())),
            _ => Err(Reply::bad(format!("{key} must be text"))),
        };
        let from = match text("from")?.as_deref() {
            None | Some("done") => Origin::Done,
            Some("archive") => Origin::Archive,
            Some("failed") => Origin::Failed,
            Some(other) => return Err(Reply::bad(format!("from: {other:?} is not done, archive or failed"))),
        };
        Ok(Wanted(ReprocessArgs {
            config: ConfigArgs::default(),
            from,
            since: text("since")?,
            until: text("until")?,
            all: flag(&value, "all")?,
            list: flag(&value, "list")?,
            json: false,
            names: names(&value)?,
        }))
    }

    /// Reads a request about refused files: `names`, or `all`.
    ///
    /// # Errors
    /// The answer, if it is none.
    pub fn failed(body: &[u8]) -> Result<Self, Reply> {
        let value = object(body)?;
        let (names, all) = (names(&value)?, flag(&value, "all")?);
        Ok(Wanted(ReprocessArgs { from: Origin::Failed, all, names, ..ReprocessArgs::default() }))
    }

    /// The request that [`Wanted::read`] reads.
    pub fn to_json(&self) -> Value {
        let ReprocessArgs { config: _, json: _, from, since, until, all, list, names } = &self.0;
        let from = match from {
            Origin::Done => "done",
            Origin::Archive => "archive",
            Origin::Failed => "failed",
        };
        json!({ "from": from, "since": since, "until": until, "all": all, "list": list, "names": names })
    }
}

fn object(body: &[u8]) -> Result<Value, Reply> {
    match serde_json::from_slice(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(Reply::bad("the body must be a JSON object")),
        Err(error) => Err(Reply::bad(format!("the body is not JSON: {error}"))),
    }
}

fn flag(value: &Value, key: &str) -> Result<bool, Reply> {
    match &value[key] {
        Value::Null => Ok(false),
        Value::Bool(flag) => Ok(*flag),
        _ => Err(Reply::bad(format!("{key} must be true or false"))),
    }
}

fn names(value: &Value) -> Result<Vec<String>, Reply> {
    let wrong = || Reply::bad("names must be a list of texts");
    match &value["names"] {
        Value::Null => Ok(Vec::new()),
        Value::Array(names) => {
            names.iter().map(|name| name.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        _ => Err(wrong()),
    }
}

/// Takes the files back. The answer says of each what became of it, whether all could be taken or not.
///
/// # Errors
/// The answer, if the request cannot be carried out at all.
pub(super) fn take_back(config: &Config, Wanted(args): &Wanted) -> Result<Reply, Reply> {
    let mut lines = Vec::new();
    let mut all = Taken::default();
    let mut problems = Vec::new();
    let mut missing = Vec::new();
    let sources = sources(config, args.from);
    for source in &sources {
        match reprocess(source, args, |line| lines.push(line.to_owned())) {
            Ok(taken) => {
                all.taken += taken.taken;
                all.older += taken.older;
            }
            Err(error @ (ReprocessError::Time(_) | ReprocessError::Nothing)) => {
                return Err(Reply::bad(error.to_string()));
            }
            Err(error @ ReprocessError::Missing { .. }) => missing.push(error.to_string()),
            Err(error) => {
                if let ReprocessError::Left { taken, .. } = error {
                    all.taken += taken;
                }
                problems.push(error.to_string());
            }
        }
    }
    // A folder is made when the first file goes there.
    if missing.len() == sources.len() {
        problems.append(&mut missing);
    }
    let error = (!problems.is_empty()).then(|| problems.join("; "));
    let status = match (&error, all.taken, all.older) {
        (Some(_), 0, _) => StatusCode::INTERNAL_SERVER_ERROR,
        (None, 0, 0) => StatusCode::NOT_FOUND,
        _ => StatusCode::OK,
    };
    let error = error.or_else(|| (all == Taken::default()).then(|| "no such file".to_owned()));
    let mut body = json!({ "lines": lines, "taken": all.taken, "older": all.older, "error": error });
    if status == StatusCode::NOT_FOUND {
        body["what_to_do"] =
            "Look for the names with pywats-client reprocess --list --all, or pywats-client failed \
                              list."
                .into();
    }
    Ok(Reply { status, body })
}

/// A configuration for each watch folder whose files lie elsewhere than those of the ones before it.
fn sources(config: &Config, from: Origin) -> Vec<Config> {
    let mut seen: BTreeSet<PathBuf> = BTreeSet::new();
    let mut sources = Vec::new();
    for folder in config.watch_folders() {
        let place = match from {
            Origin::Done => &folder.done,
            Origin::Archive => &folder.archive,
            Origin::Failed => &folder.failed,
        };
        if seen.insert(place.clone()) {
            let mut source = config.clone();
            source.client.watch_folder = Some(folder.path);
            source.client.done_folder = Some(folder.done);
            source.client.failed_folder = Some(folder.failed);
            source.client.archive_folder = Some(folder.archive);
            sources.push(source);
        }
    }
    sources
}
