//! `service`, `health` and `support-bundle`, from the command line to the exit code.

use super::{complain, say};
use crate::cli::installation::{BundleArgs, HealthArgs, ServiceArgs, ServiceVerb};
use crate::config::{Health, Sources};
use crate::diagnose::health as endpoints;
use crate::exit::Exit;
use crate::installation::{self, Refusal, State};
use crate::support_bundle;
use serde_json::Value;
use std::io::{self, Write};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long the service may take to say that it is alive. Containers give a probe little more by default.
const PATIENCE: Duration = Duration::from_secs(2);

/// Does what is asked with the service.
pub(super) fn service(args: &ServiceArgs) -> Exit {
    let done = match &args.verb {
        ServiceVerb::Install(args) => installation::install(args, &say),
        ServiceVerb::Uninstall(args) => installation::uninstall(args, &say),
        ServiceVerb::Start => installation::start(&say),
        ServiceVerb::Stop => installation::stop(&say),
        ServiceVerb::Restart => installation::restart(&say),
        ServiceVerb::Status(args) => return status(args.json),
    };
    done.map_or_else(|refusal| refused(&refusal), |()| Exit::Ok)
}

fn status(json: bool) -> Exit {
    let state = match installation::state() {
        Ok(state) => state,
        Err(refusal) => return refused(&refusal),
    };
    if json {
        drop(writeln!(io::stdout(), "{:#}", state.json()));
    } else {
        say(&state.text());
    }
    match state {
        State { installed_by: None, .. } => Exit::NotInstalled,
        State { running: false, .. } => Exit::NotRunning,
        _ => Exit::Ok,
    }
}

fn refused(refusal: &Refusal) -> Exit {
    complain(&refusal.what);
    refusal.exit
}

/// Asks the running service, in one line.
pub(super) fn health(args: HealthArgs) -> Exit {
    let config = Sources::new(args.config.config).load().config;
    match ask(&config.health, args.ready) {
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
fn ask(health: &Health, ready: bool) -> Result<String, String> {
    if health.port == 0 {
        return Err(
            "the health endpoints are switched off (health.port is 0), so the service cannot be asked; \
                    give them a port"
                .to_owned(),
        );
    }
    let address = endpoints::address(health);
    let path = if ready { "/health/ready" } else { "/health/live" };
    let (sender, answer) = mpsc::channel();
    // A thread of its own: what is limited is the whole, not each part of it. It ends with the process.
    thread::spawn(move || sender.send(endpoints::get(address, path)));
    let text = match answer.recv_timeout(PATIENCE) {
        Ok(Ok(text)) => text,
        Ok(Err(error)) => return Err(format!("the service does not answer at {address}: {error}")),
        Err(_) => {
            return Err(format!("the service does not answer at {address} within {} s", PATIENCE.as_secs()));
        }
    };
    judge(&text).unwrap_or_else(|| Err(format!("something else than the service answers at {address}")))
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
    match support_bundle::write(&loaded, args.output.as_deref()) {
        Ok(written) => {
            say(&written);
            Exit::Ok
        }
        Err(error) => {
            complain(&error);
            Exit::Error
        }
    }
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
