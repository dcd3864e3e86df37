//! Asking the running service, or the queue itself when the service is down, and telling why there is no answer.

use super::complain;
use crate::config::{Loaded, Sources};
use crate::control::client::{self, NoAnswer};
use crate::control::door::OPERATORS;
use crate::control::offline::{self, OfflineError};
use crate::control::{Reply, Request};
use crate::exit::Exit;
use crate::support_bundle;
use hyper::{Method, StatusCode};
use serde_json::Value;
use std::path::PathBuf;

/// How to start the service here.
const START: &str = if cfg!(windows) {
    "net start pywats-client"
} else if cfg!(target_os = "macos") {
    "sudo pywats-client service start"
} else {
    "sudo systemctl start pywats-client"
};

/// Who asks, and what for.
pub(super) struct Asking {
    loaded: Loaded,
    json: bool,
}

impl Asking {
    /// Reads the configuration, which says where the service is.
    pub(super) fn new(config: Option<PathBuf>, json: bool) -> Self {
        Asking { loaded: Sources::new(config).load(), json }
    }

    pub(super) fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    /// Asks the service, or when it is down the queue.
    ///
    /// # Errors
    /// What the command ends with; why is told.
    pub(super) fn ask(&self, method: Method, target: &str, body: Vec<u8>) -> Result<Reply, Exit> {
        self.ask_or(method, target, body, |asking, request| {
            offline::answer(&asking.loaded, request, complain)
        })
    }

    /// Asks the service; when it is down, this answers.
    ///
    /// # Errors
    /// What the command ends with; why is told.
    pub(super) fn ask_or(
        &self,
        method: Method,
        target: &str,
        body: Vec<u8>,
        otherwise: impl FnOnce(&Self, &Request) -> Result<Reply, OfflineError>,
    ) -> Result<Reply, Exit> {
        let data_dir = &self.loaded.config.client.data_dir;
        let request = Request { body, ..Request::new(method, target) };
        let ask = || client::ask(data_dir, request.method.clone(), target, request.body.clone(), complain);
        let reply = match ask() {
            Err(NoAnswer::NotRunning(_)) if !self.loaded.errors.is_empty() => {
                self.loaded.errors.iter().for_each(|error| complain(error));
                complain(&not_known_where(support_bundle::is_administrator()));
                return Err(Exit::NotRunning);
            }
            Err(NoAnswer::NotRunning(_)) => match otherwise(self, &request) {
                // It was starting.
                Err(error @ OfflineError::Runs(_)) => ask().map_err(|no_answer| {
                    complain(&no_answer.to_string());
                    tell_of_offline(&error)
                })?,
                answered => answered.map_err(|error| tell_of_offline(&error))?,
            },
            asked => asked.map_err(|error| tell_of_no_answer(&error))?,
        };
        if let Some(exit) = exit_of(reply.status) {
            self.tell_of_error(&reply.body);
            return Err(exit);
        }
        Ok(reply)
    }

    fn tell_of_error(&self, body: &Value) {
        if self.json {
            return super::print_json(body);
        }
        for line in body["lines"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            super::say(line);
        }
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        complain(text("error").trim());
        if !text("what_to_do").is_empty() {
            complain(&text("what_to_do"));
        }
    }

    /// Prints the answer as JSON if that is wanted, else as this says.
    pub(super) fn show(&self, reply: &Reply, text: impl FnOnce(&Value) -> String) {
        if self.json {
            super::print_json(&reply.body);
        } else {
            super::say(&text(&reply.body));
        }
    }
}

/// Nobody answers, and the configuration does not say where the queue is.
fn not_known_where(administrator: bool) -> String {
    let what_to_do = if administrator {
        format!("correct the configuration, then start the service: {START}")
    } else {
        format!("run this as an administrator, or start the service: {START}")
    };
    format!(
        "the service does not answer, and without the configuration it is not known where else to look; {what_to_do}"
    )
}

/// What a command ends with whose request could not be carried out.
fn exit_of(status: StatusCode) -> Option<Exit> {
    Some(match status {
        StatusCode::FORBIDDEN => Exit::NotAllowed,
        StatusCode::NOT_FOUND => Exit::NotFound,
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => Exit::Refused,
        StatusCode::BAD_REQUEST | StatusCode::METHOD_NOT_ALLOWED => Exit::Usage,
        StatusCode::SERVICE_UNAVAILABLE => Exit::NotRunning,
        status if status.is_success() => return None,
        _ => Exit::Error,
    })
}

/// What to do for who may not.
fn who_may() -> String {
    if cfg!(windows) {
        format!(
            "run it from a prompt that was opened with \"Run as administrator\"; members of the local group \
             {OPERATORS} may look and send reports"
        )
    } else {
        format!(
            "run it with sudo, or become an operator, who may look and send reports: sudo usermod -a -G {OPERATORS} \
             NAME, then log in again"
        )
    }
}

fn tell_of_no_answer(error: &NoAnswer) -> Exit {
    complain(&error.to_string());
    match error {
        NoAnswer::NotRunning(_) => Exit::NotRunning,
        NoAnswer::NotAllowed(_) => {
            complain(&who_may());
            Exit::NotAllowed
        }
        NoAnswer::Squatter(_) | NoAnswer::Failed(_) | NoAnswer::Late { .. } => Exit::Error,
    }
}

fn tell_of_offline(error: &OfflineError) -> Exit {
    complain(&error.to_string());
    match error {
        OfflineError::NoData(_) => {
            complain(&format!("start it: {START}"));
            Exit::NotRunning
        }
        OfflineError::NotAllowed(_) => {
            complain(&format!("start it: {START}; or {}", who_may()));
            Exit::NotRunning
        }
        OfflineError::Runs(_) => {
            complain(
                "give this command the configuration and the environment that the service has; if it has them, the \
                 notes of the service say why its sockets or pipes are not open",
            );
            Exit::Error
        }
        OfflineError::Queue(_) | OfflineError::Account { .. } => Exit::Error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: an administrator is told to become one, or nobody is told how to start the service.
    #[test]
    fn administrators_need_not_become_one() {
        for administrator in [true, false] {
            let told = not_known_where(administrator);
            assert!(told.contains("as an administrator") != administrator && told.contains(START), "{told}");
        }
    }
}
