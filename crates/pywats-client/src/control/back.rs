//! Files that are taken back to be uploaded again, through the door: `reprocess` and `failed retry`.

use super::Reply;
use crate::cli::{ConfigArgs, Origin, ReprocessArgs};
use crate::config::Config;
use crate::reprocess::{ReprocessError, Taken, reprocess};
use hyper::StatusCode;
use serde_json::{Value, json};

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
    let (taken, error) = match reprocess(config, args, |line| lines.push(line.to_owned())) {
        Ok(taken) => (taken, None),
        Err(error @ (ReprocessError::Time(_) | ReprocessError::Nothing)) => {
            let what_to_do = "Write, for example: pywats-client reprocess --from done report.json, or pywats-client \
                              reprocess --from failed --since 2026-11-28. Days are those of UTC.";
            return Err(Reply::error(StatusCode::BAD_REQUEST, error.to_string(), what_to_do));
        }
        Err(error) => {
            let taken = if let ReprocessError::Left { taken, .. } = error { taken } else { 0 };
            (Taken { taken, older: 0 }, Some(error.to_string()))
        }
    };
    let mut reply = Reply::ok(json!({
        "lines": lines, "taken": taken.taken, "older": taken.older, "error": error,
    }));
    if error.is_some() && taken.taken == 0 {
        reply.status = StatusCode::INTERNAL_SERVER_ERROR;
    } else if error.is_none() && taken == Taken::default() {
        reply.status = StatusCode::NOT_FOUND;
        reply.body["error"] = "no such file".into();
        reply.body["what_to_do"] =
            "Look for the names with pywats-client failed list, or pywats-client reprocess --list --all."
                .into();
    }
    Ok(reply)
}
