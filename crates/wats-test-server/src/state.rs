//! What the server was told and what it has seen.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::AtomicUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use crate::VERSION;
use crate::answer::{Answer, Reply};
use crate::record::Recorder;

const VERSION_PATH: &str = "/api/App/Version";
const WSJF_PATH: &str = "/api/Report/WSJF";

/// A request as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
    /// All headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Received {
    fn is_submission(&self) -> bool {
        self.method == "POST" && self.path == WSJF_PATH
    }
}

/// Shared by the handle, which asks, and the connections, which act.
pub(crate) struct State {
    /// The header that requests must carry.
    authorization: Option<String>,
    inner: Mutex<Inner>,
    /// How many connections were opened.
    pub(crate) connections: AtomicUsize,
    /// The number of reports kept; tests wait for it.
    count: watch::Sender<usize>,
}

struct Inner {
    script: VecDeque<Answer>,
    default: Answer,
    received: Vec<Received>,
    reports: Vec<Vec<u8>>,
    stored: BTreeMap<String, Vec<u8>>,
    recorder: Option<Recorder>,
}

impl State {
    pub(crate) fn new(token: Option<String>, recorder: Option<Recorder>) -> State {
        State {
            authorization: token.map(|token| format!("Basic {token}")),
            inner: Mutex::new(Inner {
                script: VecDeque::new(),
                default: Answer::Accept,
                received: Vec::new(),
                reports: Vec::new(),
                stored: BTreeMap::new(),
                recorder,
            }),
            connections: AtomicUsize::new(0),
            count: watch::Sender::new(0),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // No invariant spans a panic here: each field is changed by one call.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        self.inner().script.extend(answers);
    }

    pub(crate) fn set_default(&self, answer: Answer) {
        self.inner().default = answer;
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.inner().received.clone()
    }

    pub(crate) fn reports(&self) -> Vec<Vec<u8>> {
        self.inner().reports.clone()
    }

    pub(crate) fn stored(&self) -> BTreeMap<String, Vec<u8>> {
        self.inner().stored.clone()
    }

    pub(crate) fn count(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    /// Notes a request and decides what happens to it.
    pub(crate) fn handle(&self, request: Received) -> Reply {
        let mut inner = self.inner();
        let scripted = if request.is_submission() { inner.script.pop_front() } else { None };
        let answer = scripted.unwrap_or_else(|| inner.default.clone());
        let reply = match answer {
            Answer::Accept => self.serve(&mut inner, &request),
            Answer::AcceptThenClose => match self.serve(&mut inner, &request) {
                Reply::Send(response) if response.status().is_success() => Reply::Close,
                refusal => refusal,
            },
            Answer::Status { code, headers, body } => Reply::scripted(code, &headers, &body),
            Answer::Html => Reply::html(),
            Answer::Empty => Reply::empty(),
            Answer::Garbage => Reply::garbage(),
            Answer::Close => Reply::Close,
            Answer::Hang => Reply::Hang,
        };
        inner.received.push(request);
        reply
    }

    /// Does what a WATS server does.
    fn serve(&self, inner: &mut Inner, request: &Received) -> Reply {
        if self.authorization.is_some() && request.authorization != self.authorization {
            return Reply::json(
                401,
                &json!({ "message": "Authorization has been denied for this request." }),
            );
        }
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", WSJF_PATH) => self.accept(inner, &request.body),
            ("GET", VERSION_PATH) => Reply::json(200, &json!(VERSION)),
            (_, WSJF_PATH | VERSION_PATH) => Reply::json(
                405,
                &json!({ "message": "The requested resource does not support this method." }),
            ),
            _ => Reply::json(
                404,
                &json!({ "message": "No HTTP resource was found that matches the request." }),
            ),
        }
    }

    fn accept(&self, inner: &mut Inner, body: &[u8]) -> Reply {
        let report = match serde_json::from_slice(body) {
            Ok(Value::Object(report)) => report,
            Ok(_) => return Reply::json(400, &json!({ "message": "The report is not a JSON object." })),
            Err(error) => return Reply::json(400, &json!({ "message": format!("Invalid JSON: {error}") })),
        };
        let id = match report.get("id").and_then(Value::as_str).map(Uuid::try_parse) {
            Some(Ok(id)) => id,
            Some(Err(_)) => return Reply::json(400, &json!({ "message": "The report's id is not a UUID." })),
            None => Uuid::new_v4(),
        };
        if let Some(Err(error)) = inner.recorder.as_mut().map(|recorder| recorder.write(body)) {
            return Reply::json(
                500,
                &json!({ "message": format!("The report cannot be recorded: {error}") }),
            );
        }
        inner.reports.push(body.to_vec());
        inner.stored.insert(id.to_string(), body.to_vec());
        self.count.send_replace(inner.reports.len());
        Reply::json(200, &json!([{ "ID": id.to_string() }]))
    }
}
