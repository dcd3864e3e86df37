//! How the server answers a request.

use std::time::Duration;

use bytes::Bytes;
use hyper::Response;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE};

use crate::body::Body;

/// An answer to a request, well-behaved or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// As a WATS server does: checks the token and the report, keeps it, answers with its id.
    Accept,
    /// This status, with these headers and this body. The report is not kept, whatever the status.
    Status {
        /// The status code.
        code: u16,
        /// Names and values of headers.
        headers: Vec<(String, String)>,
        /// The body.
        body: String,
    },
    /// 200 with a login page, as a guest network or a proxy does.
    Html,
    /// 200 without a body.
    Empty,
    /// 200 with a body that is no text.
    Garbage,
    /// The connection ends without an answer, and the report is not kept.
    Close,
    /// The report is kept as with [`Answer::Accept`], but the connection ends before the answer, so
    /// that the client cannot know.
    AcceptThenClose,
    /// As [`Answer::Close`], but by a reset (RST), as firewalls and crashed servers do.
    Reset,
    /// As [`Answer::AcceptThenClose`], but by a reset (RST).
    AcceptThenReset,
    /// No answer, ever, on an open connection; the report is not kept.
    Hang,
    /// The report is kept, and no answer comes, ever.
    AcceptThenHang,
    /// The report is kept, and the answer ends in its middle: fewer bytes than `Content-Length` says.
    AcceptThenCutOff,
    /// The report is kept under the id that was sent, and 200 names another one: reading it back finds it.
    OtherId,
    /// The report is kept under an id of the server's, which 200 names: reading back the sent id finds nothing.
    KeptUnderOtherId,
    /// The report is kept, and the answer is 200 with this body (and this type of content).
    AcceptThenSay {
        /// The `Content-Type`.
        content_type: String,
        /// The body; `{id}` in it becomes the id that was sent.
        body: String,
    },
    /// Waits so long before it does anything, then as said.
    After(Duration, Box<Answer>),
    /// Keeps the report at once, and answers only so much later.
    AcceptThenAfter(Duration),
}

impl Answer {
    /// A status with neither headers nor body.
    pub fn status(code: u16) -> Answer {
        Answer::Status { code, headers: Vec::new(), body: String::new() }
    }

    /// A status with one header.
    pub fn status_with_header(code: u16, name: &str, value: &str) -> Answer {
        Answer::Status { code, headers: vec![(name.to_owned(), value.to_owned())], body: String::new() }
    }

    /// A status with a JSON body.
    pub fn status_with_json(code: u16, json: &str) -> Answer {
        Answer::status_with_body(code, "application/json", json)
    }

    /// A status with a body of this type.
    pub fn status_with_body(code: u16, content_type: &str, body: &str) -> Answer {
        Answer::Status {
            code,
            headers: vec![("Content-Type".to_owned(), content_type.to_owned())],
            body: body.to_owned(),
        }
    }

    /// 429 with this `Retry-After`: seconds, or a date in the past or the future.
    pub fn busy(retry_after: &str) -> Answer {
        Answer::status_with_header(429, "Retry-After", retry_after)
    }

    /// As said, but only after so long.
    pub fn after(delay: Duration, answer: Answer) -> Answer {
        Answer::After(delay, Box::new(answer))
    }
}

/// What a connection does with a request.
#[derive(Debug)]
pub(crate) enum Reply {
    Send(Response<Body>),
    SendLater(Response<Body>, Duration),
    Close,
    Reset,
    Hang,
}

impl Reply {
    pub(crate) fn json(code: u16, value: &serde_json::Value) -> Reply {
        Reply::new(code, "application/json; charset=utf-8", value.to_string())
    }

    pub(crate) fn html() -> Reply {
        Reply::new(200, "text/html", "<!DOCTYPE html><title>Welcome</title><form>Please log in</form>")
    }

    pub(crate) fn empty() -> Reply {
        Reply::scripted(200, &[], "")
    }

    pub(crate) fn garbage() -> Reply {
        Reply::new(200, "application/octet-stream", &b"\x00\xff\xfe{\x01"[..])
    }

    pub(crate) fn new(code: u16, content_type: &str, body: impl Into<Bytes>) -> Reply {
        let builder = Response::builder().status(code).header(CONTENT_TYPE, content_type);
        Reply::build(builder, Body::whole(body.into()))
    }

    pub(crate) fn scripted(code: u16, headers: &[(String, String)], body: &str) -> Reply {
        let builder = headers
            .iter()
            .fold(Response::builder().status(code), |builder, (name, value)| builder.header(name, value));
        Reply::build(builder, Body::whole(Bytes::copy_from_slice(body.as_bytes())))
    }

    /// The same answer, of which only the first half arrives.
    pub(crate) fn cut_off(self) -> Reply {
        let Reply::Send(response) = self else { return self };
        let (mut head, body) = response.into_parts();
        let (half, length) = body.cut_in_half();
        head.headers.insert(CONTENT_LENGTH, length.into());
        Reply::Send(Response::from_parts(head, half))
    }

    /// Whether it is an answer of success.
    pub(crate) fn is_success(&self) -> bool {
        matches!(self, Reply::Send(response) if response.status().is_success())
    }

    /// A script with an impossible status or header is a mistake in the test: the client gets it
    /// said, instead of a server that died.
    fn build(builder: hyper::http::response::Builder, body: Body) -> Reply {
        Reply::Send(builder.body(body).unwrap_or_else(|error| {
            let mut response = Response::new(Body::whole(Bytes::from(format!("impossible answer: {error}"))));
            *response.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR;
            response
        }))
    }
}
