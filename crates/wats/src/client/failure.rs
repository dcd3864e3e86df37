//! What went wrong with a request, sorted by what the answer says.
//!
//! Status codes are those of [RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#section-15); what an answer means
//! for a report is decided by whoever sends it, since one answer alone does not tell.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, LOCATION, RETRY_AFTER};

use super::body::{Body, kept, one_line, short};
use super::secrets::Secrets;

/// The longest time that a server can ask for between two attempts: a mistaken header must not
/// silence a station for a week.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// What came instead of a proven success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// 2xx, shaped as WATS answers, with another id than the one that was sent.
    OtherId,
    /// 2xx and anything else: a page, nothing, `{"id":101}`.
    NotWats,
    /// 3xx, 401, 407, 421, 426, 511: something stands between, or the token is wrong.
    Gate,
    /// 4xx with words, no page, and none of the statuses of the other kinds.
    Refused,
    /// 4xx as a page or without words; 403, 404, 405, 410 and 413 in any form.
    RefusedBlank,
    /// 408, 425, 5xx, a time-out or a connection that broke: the request may or may not have been carried out.
    Trouble,
    /// 429, or 503 with `Retry-After`: the server is busy and asks to wait.
    Busy {
        /// The time that the server asked for, at most [`MAX_RETRY_AFTER`]; zero for a date in the past; `None`
        /// where it named no time.
        retry_after: Option<Duration>,
    },
    /// The name was not found, no connection was made, or TLS or a proxy failed: nothing was sent. The message
    /// names the hop.
    Unreachable,
    /// The settings cannot be used; nothing was tried.
    Settings,
}

/// A request that was not proven to have succeeded.
///
/// Neither `Debug` nor `Display` ever shows the token or the credentials of a proxy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What came.
    pub kind: FailureKind,
    /// One line for people: what failed, why, what to do.
    pub message: String,
    /// The server's whole explanation as it wrote it, in lines: at most 64 KB, without secrets.
    pub words: Option<String>,
    /// The status of the answer, where there was one.
    pub status: Option<u16>,
}

impl Failure {
    pub(super) fn new(kind: FailureKind, message: impl Into<String>) -> Failure {
        Failure { kind, message: message.into(), words: None, status: None }
    }

    pub(super) fn settings(message: impl Into<String>) -> Failure {
        Failure::new(FailureKind::Settings, message)
    }

    /// Judges an answer whose status is not 2xx.
    pub(super) fn from_status(
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
        secrets: &Secrets,
    ) -> Failure {
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let body = Body::read(content_type.unwrap_or_default(), body);
        // Hidden once more: in JSON and XML a secret can be written in other characters.
        let words = body.words().map(|words| secrets.hide(words));
        let kind = kind_of_status(status, headers, words.is_some(), now);
        let mut message = format!("the server answered {status}");
        if status.is_redirection() {
            message.push_str(&redirect_target(headers));
        } else if let Some(words) = &words {
            message.push_str(": ");
            message.push_str(&short(words));
        } else if let Body::Page(Some(title)) = &body {
            message.push_str(&format!(" (a page, {:?})", one_line(&secrets.hide(title.clone()))));
        }
        if let Some(hint) = hint_for_status(status) {
            message.push_str("; ");
            message.push_str(hint);
        }
        Failure { kind, message, words: words.map(|words| kept(&words)), status: Some(status.as_u16()) }
    }
}

fn kind_of_status(status: StatusCode, headers: &HeaderMap, has_words: bool, now: Timestamp) -> FailureKind {
    match status.as_u16() {
        // A redirect is never followed: it could carry the token to another host, and turn a POST into a GET
        // that succeeds without a report.
        300..=399 | 401 | 407 | 421 | 426 | 511 => FailureKind::Gate,
        429 => FailureKind::Busy { retry_after: retry_after(headers, now) },
        503 if headers.contains_key(RETRY_AFTER) => {
            FailureKind::Busy { retry_after: retry_after(headers, now) }
        }
        408 | 425 => FailureKind::Trouble,
        403 | 404 | 405 | 410 | 413 => FailureKind::RefusedBlank,
        400..=499 if has_words => FailureKind::Refused,
        400..=499 => FailureKind::RefusedBlank,
        _ => FailureKind::Trouble,
    }
}

fn hint_for_status(status: StatusCode) -> Option<&'static str> {
    Some(match status.as_u16() {
        300..=399 => {
            "redirects are not followed, set the server's address to where the WATS server really is"
        }
        401 => "check the API token",
        403 => {
            "the API token lacks the permission to do this, or something in front of the server forbids it"
        }
        404 | 405 | 410 => "check that the server's address is that of the WATS server, without /api",
        407 => {
            "the proxy asks for credentials, write them into the proxy's address, as in \
             http://user:password@proxy:8080"
        }
        413 => "the server, or a proxy before it, takes no requests of this size",
        421 => "check the name in the server's address: the server knows no site of that name",
        511 => "a network asks to log in: open a browser at this machine, or ask for an exception",
        _ => return None,
    })
}

/// Says where a redirect leads: scheme, host and path only, because the rest may hold a secret.
fn redirect_target(headers: &HeaderMap) -> String {
    let Some(location) = headers.get(LOCATION).and_then(|value| value.to_str().ok()) else {
        return String::new();
    };
    match url::Url::parse(location) {
        Ok(url) => format!(
            " (redirect to {})",
            one_line(&format!("{}{}", url.origin().ascii_serialization(), url.path()))
        ),
        Err(_) => {
            format!(" (redirect to {})", one_line(location.split(['?', '#']).next().unwrap_or_default()))
        }
    }
}

/// Reads `Retry-After`: seconds, or an HTTP date. A date is compared with the server's own `Date`
/// where there is one, because the clock of a test station may be wrong.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Only a number too large for 64 bits fails here.
        let seconds = text.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER));
    }
    let until = http_date(text)?;
    let since = date(headers).unwrap_or(now);
    let wait = Duration::try_from(until.duration_since(since)).unwrap_or(Duration::ZERO);
    Some(wait.min(MAX_RETRY_AFTER))
}

/// The server's clock.
pub(super) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(headers.get(DATE)?.to_str().ok()?)
}

fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FailureKind::OtherId => "other id",
            FailureKind::NotWats => "not WATS",
            FailureKind::Gate => "gate",
            FailureKind::Refused => "refused",
            FailureKind::RefusedBlank => "refused without words",
            FailureKind::Trouble => "trouble",
            FailureKind::Busy { .. } => "busy",
            FailureKind::Unreachable => "unreachable",
            FailureKind::Settings => "settings",
        })
    }
}
