//! `pywats-client send`: a report for the service, as bytes. The service never sees where the file is.

use super::ask::Asking;
use super::complain;
use crate::cli::SendArgs;
use crate::control::offline;
use crate::exit::Exit;
use hyper::Method;
use serde_json::Value;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

pub(super) fn send(args: SendArgs) -> Exit {
    let is_stdin = args.file == Path::new("-");
    let asking = Asking::new(args.config.config, args.json);
    let bytes = match read(&args.file, is_stdin, asking.loaded().config.client.max_report_bytes) {
        Ok(bytes) => bytes,
        Err(error) => {
            complain(&format!("{}: {error}", args.file.display()));
            return if error.kind() == io::ErrorKind::NotFound { Exit::NotFound } else { Exit::Error };
        }
    };
    let own = args.file.file_name().filter(|_| !is_stdin).map(|name| name.to_string_lossy().into_owned());
    let name = args.name.or(own).unwrap_or_default();
    let encoded: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
    let put = |asking: &Asking, request: &crate::control::Request| {
        offline::send(&asking.loaded().config, &name, &request.body)
    };
    match asking.ask_or(Method::POST, &format!("/v1/reports?name={encoded}"), bytes, put) {
        Ok(reply) => {
            asking.show(&reply, told);
            Exit::Ok
        }
        Err(exit) => exit,
    }
}

/// Reads one byte more than may be sent at most: the service refuses it then.
fn read(file: &Path, is_stdin: bool, limit: u64) -> io::Result<Vec<u8>> {
    // What the service allows may be more than what this account's view of the configuration says.
    let limit = limit.max(512 << 20) + 1;
    let mut bytes = Vec::new();
    if is_stdin {
        io::stdin().take(limit).read_to_end(&mut bytes)?;
    } else {
        File::open(file)?.take(limit).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

fn told(body: &Value) -> String {
    let text = |key: &str| body[key].as_str().unwrap_or("-");
    let mut lines = vec![match body["waits_in"].as_str() {
        Some(folder) => {
            format!(
                "{}: the service does not answer; the report waits in {folder} until it takes it",
                text("file")
            )
        }
        None => format!("{}: queued as report {}", text("file"), text("id")),
    }];
    let notes = body["changed_for_sending"].as_array().into_iter().flatten().filter_map(Value::as_str);
    lines.extend(notes.map(|note| format!("  changed for sending: {note}")));
    lines.join("\n")
}
