//! An answer: a status and JSON.

use hyper::StatusCode;
use serde_json::{Value, json};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Whether it could be done, and if not, the kind of why.
    pub status: StatusCode,
    /// What there is to know.
    pub body: Value,
}

impl Reply {
    /// It is done.
    pub fn ok(body: Value) -> Self {
        Reply { status: StatusCode::OK, body }
    }

    /// It cannot be done: why, and what to do.
    pub fn error(status: StatusCode, error: impl Into<String>, what_to_do: impl Into<String>) -> Self {
        Reply { status, body: json!({ "error": error.into(), "what_to_do": what_to_do.into() }) }
    }

    /// The request is wrong.
    pub(super) fn bad(error: impl Into<String>) -> Self {
        Reply::error(StatusCode::BAD_REQUEST, error, "Ask as pywats-client of this version does.")
    }

    /// The disk or the database refuses; the error says what to do.
    pub(super) fn failed(error: impl std::fmt::Display) -> Self {
        let what_to_do = "Run pywats-client diagnose as an administrator, which looks for the reason.";
        Reply::error(StatusCode::INTERNAL_SERVER_ERROR, error.to_string(), what_to_do)
    }
}
