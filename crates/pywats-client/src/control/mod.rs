//! How the command line talks to the running service, on this machine only: HTTP/1.1 with JSON over a local socket, or
//! a named pipe on Windows.
//!
//! There are two [`door`]s, and the system decides who may open which, by the rights of socket or pipe. What one may
//! ask depends on the door alone:
//!
//! | request | who | answer |
//! |---|---|---|
//! | `GET /v1/status` | operators | as `GET /health/details` |
//! | `GET /v1/queue?after=ROW&limit=N` | operators | `entries` of what waits, `next` for the next page, `counts` |
//! | `GET /v1/queue/ID` | operators | `entries` of this report; `ID` may be the beginning of an identifier |
//! | `GET /v1/failed?limit=N` | operators | `files` that were refused, newest first, and how many there are: `count` |
//! | `POST /v1/reports?name=NAME` | operators | 201: `id`, `file`, `changed_for_sending`; the body is the report |
//! | `POST /v1/queue/ID/retry` | administrators | `retried`: how many are tried at once |
//! | `POST /v1/queue/retry` | administrators | the same for all |
//! | `DELETE /v1/queue/ID` | administrators | `dropped`: what is moved to the failed folder |
//! | `POST /v1/failed/retry` | administrators | as `reprocess`; the body is `{"names": […]}` or `{"all": true}` |
//! | `POST /v1/reprocess` | administrators | `lines` for people, `taken`, `older`, `error`; the body is a [`back::Wanted`] |
//!
//! Whatever cannot be done is answered by `{"error": …, "what_to_do": …}` with a status that says the kind: 400 and
//! 405 a wrong request, 403 not by this door, 404 there is none, 409 not now, 411 and 413 the size, 422 the report is
//! refused, 500 and 507 the disk, 503 the service is starting.
//!
//! [`desk::Desk`] answers, [`server`] holds the doors open, [`client`] asks, and [`offline`] answers by the same desk
//! when the service is down.

pub mod back;
pub mod client;
pub mod desk;
pub mod door;
pub mod failed;
pub mod offline;
mod reply;
pub mod sending;
pub mod server;

pub use reply::Reply;

use hyper::Method;

/// Who asks, by the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// May look, and send reports.
    Operator,
    /// May do everything.
    Administrator,
}

impl Role {
    /// All of them; whoever asks tries the last one first.
    pub const ALL: [Role; 2] = [Role::Operator, Role::Administrator];
}

/// A request whose body was read.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path.
    pub path: String,
    /// What comes after the question mark.
    pub query: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A request without a body.
    pub fn new(method: Method, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Request { method, path: path.to_owned(), query: query.to_owned(), body: Vec::new() }
    }

    /// A value of the query.
    fn value(&self, key: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(name, _)| name == key).map(|(_, value)| value.into_owned())
    }
}
