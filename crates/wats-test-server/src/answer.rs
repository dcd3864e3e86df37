//! How the server answers a request.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::header::CONTENT_TYPE;

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
    /// No answer, ever, on an open connection; the report is not kept.
    Hang,
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
        Answer::Status {
            code,
            headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
            body: json.to_owned(),
        }
    }
}

/// What a connection does with a request.
pub(crate) enum Reply {
    Send(Response<Full<Bytes>>),
    Close,
    Hang,
}

impl Reply {
    pub(crate) fn json(code: u16, value: &serde_json::Value) -> Reply {
        Reply::new(code, "application/json", value.to_string())
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

    fn new(code: u16, content_type: &str, body: impl Into<Bytes>) -> Reply {
        Reply::build(Response::builder().status(code).header(CONTENT_TYPE, content_type), body.into())
    }

    pub(crate) fn scripted(code: u16, headers: &[(String, String)], body: &str) -> Reply {
        let builder = headers
            .iter()
            .fold(Response::builder().status(code), |builder, (name, value)| builder.header(name, value));
        Reply::build(builder, Bytes::copy_from_slice(body.as_bytes()))
    }

    /// A script with an impossible status or header is a mistake in the test: the client gets it
    /// said, instead of a server that died.
    fn build(builder: hyper::http::response::Builder, body: Bytes) -> Reply {
        Reply::Send(builder.body(Full::new(body)).unwrap_or_else(|error| {
            let mut response = Response::new(Full::new(Bytes::from(format!("impossible answer: {error}"))));
            *response.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR;
            response
        }))
    }
}
