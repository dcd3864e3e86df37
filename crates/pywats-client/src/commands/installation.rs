//! `service`, `health` and `support-bundle`, from the command line to the exit code.

use super::{complain, say};
use crate::cli::installation::{BundleArgs, HealthArgs, ServiceArgs, ServiceVerb};
use crate::config::{Config, FileState, Health, Loaded, Sources};
use crate::control::client;
use crate::diagnose::health as endpoints;
use crate::exit::Exit;
use crate::installation::{self, State};
use crate::support_bundle::{self, Written};
use hyper::Method;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long the service may take to say that it is alive. Containers give a probe little more by default.
const PATIENCE: Duration = Duration::from_secs(2);

/// Does what is asked with the service.
pub(super) fn service(args: &ServiceArgs) -> Exit {
    let said = RefCell::new(Vec::new());
    let tell = |line: &str| if args.json { said.borrow_mut().push(line.to_owned()) } else { say(line) };
    let done = match &args.verb {
        ServiceVerb::Install(args) => installation::install(args, &tell),
        ServiceVerb::Uninstall(args) => installation::uninstall(args, &tell),
        ServiceVerb::Start => installation::start(&tell),
        ServiceVerb::Stop => installation::stop(&tell),
        ServiceVerb::Restart => installation::restart(&tell),
        ServiceVerb::Status => return status(args.json),
    };
    if args.json {
        let error = done.as_ref().err().map(|refusal| &refusal.what);
        super::print_json(&json!({ "done": said.into_inner(), "error": error }));
    } else if let Err(refusal) = &done {
        complain(&refusal.what);
    }
    done.map_or_else(|refusal| refusal.exit, |()| Exit::Ok)
}

fn status(json: bool) -> Exit {
    let state = match installation::state() {
        Ok(state) => state,
        Err(refusal) => {
            if json {
                super::print_json(&json!({ "error": refusal.what }));
            } else {
                complain(&refusal.what);
            }
            return refusal.exit;
        }
    };
    if json {
        super::print_json(&state.json());
    } else {
        say(&state.text());
    }
    match state {
        State { installed_by: None, .. } => Exit::NotInstalled,
        State { running: false, .. } => Exit::NotRunning,
        _ => Exit::Ok,
    }
}

/// Asks the running service, in one line.
pub(super) fn health(args: HealthArgs) -> Exit {
    match ask(Sources::new(args.config.config).load(), args.ready) {
        answer if args.json => {
            let (is_well, said) = answer.map_or_else(|why| (false, why), |status| (true, status));
            super::print_json(&json!({ "healthy": is_well, "said": said }));
            if is_well { Exit::Ok } else { Exit::Error }
        }
        Ok(line) => {
            say(&line);
            Exit::Ok
        }
        Err(line) => {
            complain(&line);
            Exit::Error
        }
    }
}

/// What the service says: that it is well, or what is wrong.
fn ask(loaded: Loaded, ready: bool) -> Result<String, String> {
    let (sender, answer) = mpsc::channel();
    // A thread of its own: what is limited is the whole, not each part of it. It ends with the process.
    thread::spawn(move || {
        let Loaded { config, file, .. } = loaded;
        let by_the_door = || ask_by_the_door(&config, ready);
        sender.send(match config.health.port {
            0 => by_the_door().map_err(|why| {
                format!("the health endpoints are switched off (health.port is 0), and {why}")
            }),
            // The service goes on with the settings that it had, and may have another port than this file says.
            _ if file == FileState::Broken => {
                ask_by_the_port(&config.health, ready).or_else(|why| by_the_door().map_err(|_| why))
            }
            _ => ask_by_the_port(&config.health, ready),
        })
    });
    answer
        .recv_timeout(PATIENCE)
        .unwrap_or_else(|_| Err(format!("the service does not answer within {} s", PATIENCE.as_secs())))
}

fn ask_by_the_port(health: &Health, ready: bool) -> Result<String, String> {
    let address = endpoints::address(health);
    let text = endpoints::get(address, if ready { "/health/ready" } else { "/health/live" })
        .map_err(|error| format!("the service does not answer at {address}: {error}"))?;
    judge(&text).unwrap_or_else(|| Err(format!("something else than the service answers at {address}")))
}

/// Asks as `status` does, which not everybody may.
fn ask_by_the_door(config: &Config, ready: bool) -> Result<String, String> {
    let reply = client::ask(&config.client.data_dir, Method::GET, "/v1/status", Vec::new(), super::complain);
    let reply = reply.map_err(|error| error.to_string())?;
    let text = |key: &str| reply.body[key].as_str().unwrap_or_default().to_owned();
    match (ready, reply.body["healthy"] == true) {
        (false, _) => Ok("alive".to_owned()),
        (true, true) => Ok(text("status")),
        (true, false) => Err(format!("{}: {}", text("status"), text("reason"))),
    }
}

/// What an answer means; nothing if it is not one of this service.
fn judge(text: &str) -> Option<Result<String, String>> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let code = head.split(' ').nth(1)?;
    let body: Value = serde_json::from_str(body).ok()?;
    let status = body["status"].as_str()?.to_owned();
    match (code, body["reason"].as_str()) {
        ("200", _) => Some(Ok(status)),
        ("503", Some(reason)) => Some(Err(format!("{status}: {reason}"))),
        _ => None,
    }
}

/// Writes the bundle and says where.
pub(super) fn support_bundle(args: BundleArgs) -> Exit {
    let loaded = Sources::new(args.config.config).load();
    if args.output.as_deref() == Some("-".as_ref()) {
        return match bundle_to_output(&loaded, args.json) {
            Ok(()) => Exit::Ok,
            Err(error) => {
                complain(&error);
                Exit::Error
            }
        };
    }
    match support_bundle::write(&loaded, args.output.as_deref()) {
        written if args.json => {
            let (shown, exit) = match written {
                Ok(written) => {
                    let Written { file, bytes, incomplete } = written;
                    (json!({ "file": file, "bytes": bytes, "incomplete": incomplete }), Exit::Ok)
                }
                Err(error) => (json!({ "error": error }), Exit::Error),
            };
            super::print_json(&shown);
            exit
        }
        Ok(written) => {
            say(&written.to_string());
            Exit::Ok
        }
        Err(error) => {
            complain(&error);
            Exit::Error
        }
    }
}

/// Writes the bundle to standard output, as from a container in which no file can be made.
fn bundle_to_output(loaded: &Loaded, json: bool) -> Result<(), String> {
    let mut output = io::stdout().lock();
    if json || output.is_terminal() {
        let why = if json { "--json would stand in it" } else { "standard output is a terminal" };
        return Err(format!("{why}: write the bundle into a file, as in: support-bundle -o - > FILE"));
    }
    let (bundle, _) = support_bundle::packed(loaded)?;
    output
        .write_all(&bundle)
        .and_then(|()| output.flush())
        .map_err(|error| format!("standard output cannot be written: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: an answer of another program passes for one of the service, or a reason is lost.
    #[test]
    fn answers_are_judged() {
        let cases = [
            ("HTTP/1.0 200 OK\r\nA: b\r\n\r\n{\"status\":\"alive\"}", Some(Ok("alive"))),
            (
                "HTTP/1.1 503 X\r\n\r\n{\"status\":\"not ready\",\"reason\":\"no token\"}",
                Some(Err("not ready: no token")),
            ),
            ("HTTP/1.1 503 X\r\n\r\n{\"status\":\"not ready\"}", None),
            ("HTTP/1.1 404 X\r\n\r\n{\"status\":\"alive\"}", None),
            ("HTTP/1.1 200 OK\r\n\r\n<html>", None),
            ("HTTP/1.1 200 OK\r\n\r\n{}", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let expected = expected.map(|what| what.map(str::to_owned).map_err(str::to_owned));
            assert_eq!(judge(text), expected, "{text}");
        }
    }
}
