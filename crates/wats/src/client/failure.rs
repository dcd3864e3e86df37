//! What went wrong with a request, sorted by what can be done about it.
//!
//! Status codes are those of [RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#section-15); the
//! messages in error bodies are found where a WATS server puts them.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, LOCATION, RETRY_AFTER};
use rustls::CertificateError;
use serde_json::Value;

/// The longest time that a server can ask for between two attempts: a mistaken header must not
/// silence a station for a week.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// Characters of a server's own explanation that are kept.
const MAX_DETAIL: usize = 500;

/// What the caller can do about a [`Failure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The server refuses this report; sending it again cannot help. Other reports may pass.
    Permanent,
    /// The token is missing, wrong or lacks the permission. No report can pass until it is changed.
    Authentication,
    /// Address, proxy, certificate or another setting does not work. No report can pass until
    /// somebody changes it, here or at the server.
    Configuration,
    /// The server is busy and asks to wait: at least `retry_after`, at most [`MAX_RETRY_AFTER`],
    /// or as long as the caller sees fit where the server names no time.
    RateLimited {
        /// The time that the server asked for.
        retry_after: Option<Duration>,
    },
    /// Network or server are out of order for now. The request may or may not have been carried
    /// out; sending the same report (same id) again overwrites it and is safe.
    Transient,
}

/// A request that was not proven to have succeeded.
///
/// Neither `Debug` nor `Display` ever shows the token or the credentials of a proxy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What can be done about it.
    pub kind: FailureKind,
    /// One line for people: what failed, why, what to do.
    pub message: String,
    /// The status of the server's answer, where there was one.
    pub status: Option<u16>,
}

impl Failure {
    pub(super) fn new(kind: FailureKind, message: impl Into<String>) -> Failure {
        Failure { kind, message: message.into(), status: None }
    }

    pub(super) fn configuration(message: impl Into<String>) -> Failure {
        Failure::new(FailureKind::Configuration, message)
    }

    /// Judges an answer whose status is not 2xx.
    pub(super) fn from_status(
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Failure {
        let kind = kind_of_status(status, headers, now);
        let mut message = format!("the server answered {status}");
        if status.is_redirection() {
            message.push_str(&redirect_target(headers));
        } else if let Some(detail) = explanation(body) {
            message.push_str(": ");
            message.push_str(&detail);
        }
        if let Some(hint) = hint_for_status(status) {
            message.push_str("; ");
            message.push_str(hint);
        }
        Failure { kind, message, status: Some(status.as_u16()) }
    }

    /// Judges a request that brought no complete answer.
    pub(super) fn from_transport(error: reqwest::Error) -> Failure {
        // The address is dropped: the caller knows it, and errors are printed in places where it
        // has no business.
        let error = error.without_url();
        if let Some(failure) = certificate_failure(&error) {
            return failure;
        }
        let chain = chain_text(&error);
        if chain.contains("proxy authorization required") {
            return Failure::configuration(
                "the proxy asks for credentials; write them into the proxy's address, as in \
                 http://user:password@proxy:8080",
            );
        }
        let what = if error.is_timeout() {
            "the server did not answer in time"
        } else if error.is_connect() {
            "no connection to the server"
        } else {
            "the connection to the server broke"
        };
        Failure::new(FailureKind::Transient, format!("{what}: {}", clean(&chain)))
    }
}

/// Statuses by the kind that they mean; see [`kind_of_status`] for those with a rule of their own.
fn kind_of_status(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> FailureKind {
    match status.as_u16() {
        401 | 403 => FailureKind::Authentication,
        // Answers about the address or the way to it, not about the report. A redirect is never
        // followed: it could carry the token to another host, and turn a POST into a GET that
        // succeeds without a report.
        300..=399 | 404 | 405 | 407 | 410 | 421 | 426 | 431 => FailureKind::Configuration,
        429 => FailureKind::RateLimited { retry_after: retry_after(headers, now) },
        503 if headers.contains_key(RETRY_AFTER) => {
            FailureKind::RateLimited { retry_after: retry_after(headers, now) }
        }
        408 | 425 => FailureKind::Transient,
        400..=499 => FailureKind::Permanent,
        _ => FailureKind::Transient,
    }
}

fn hint_for_status(status: StatusCode) -> Option<&'static str> {
    Some(match status.as_u16() {
        300..=399 => {
            "redirects are not followed, set the server's address to where the WATS server really is"
        }
        401 => "check the API token",
        403 => "the API token lacks the permission to do this",
        404 | 405 | 410 => "check that the server's address is that of the WATS server, without /api",
        407 => {
            "the proxy asks for credentials, write them into the proxy's address, as in \
             http://user:password@proxy:8080"
        }
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
            clean(&format!("{}{}", url.origin().ascii_serialization(), url.path()))
        ),
        Err(_) => format!(" (redirect to {})", clean(location.split(['?', '#']).next().unwrap_or_default())),
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
    let since = headers.get(DATE).and_then(|date| http_date(date.to_str().ok()?)).unwrap_or(now);
    let wait = Duration::try_from(until.duration_since(since)).unwrap_or(Duration::ZERO);
    Some(wait.min(MAX_RETRY_AFTER))
}

fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// Recognises trouble with certificates, which no retry can solve.
fn certificate_failure(error: &reqwest::Error) -> Option<Failure> {
    let tls = find_tls_error(error)?;
    let message = match tls {
        rustls::Error::InvalidCertificate(reason) => {
            let hint = match reason {
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    "renew it, or correct this machine's clock"
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    "correct this machine's clock"
                }
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    "use the name that the certificate was issued for"
                }
                _ => {
                    "if the server or a proxy uses a certificate authority of your own, name its \
                     certificate as the CA file (PEM)"
                }
            };
            format!("the server's certificate is not accepted: {tls}; {hint}")
        }
        rustls::Error::PeerIncompatible(_) => {
            format!("no common TLS version or cipher with the server: {tls}; it must offer TLS 1.2 or 1.3")
        }
        rustls::Error::InvalidMessage(_) => {
            format!("the server does not answer with TLS: {tls}; check scheme and port of its address")
        }
        _ => return None,
    };
    Some(Failure::configuration(clean(&message)))
}

/// Finds the TLS error in a chain. `io::Error` hides what it wraps from `source`, so it is opened.
fn find_tls_error<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}

/// All messages of a chain of errors, without repetitions.
fn chain_text(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let part = error.to_string();
        if !text.contains(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        next = error.source();
    }
    text
}

/// The explanation in the body of an error: a member where WATS servers put it, or plain text.
fn explanation(body: &[u8]) -> Option<String> {
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(json) => explanation_in_json(&json)?,
        Err(_) if looks_like_html(body) => return None,
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    };
    let text = clean(&text);
    (!text.is_empty()).then_some(text)
}

fn explanation_in_json(json: &Value) -> Option<String> {
    const MEMBERS: [&str; 6] = ["message", "Message", "error", "errors", "detail", "title"];
    match json {
        Value::String(text) => Some(text.clone()),
        Value::Object(members) => MEMBERS.iter().find_map(|name| match members.get(*name)? {
            Value::Null => None,
            Value::String(text) if text.trim().is_empty() => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}

/// Whether a body is a page for people, such as the login page of a proxy.
pub(super) fn looks_like_html(body: &[u8]) -> bool {
    let text = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    text.trim_ascii_start().starts_with(b"<")
}

/// One line without control characters, cut to [`MAX_DETAIL`] characters.
pub(super) fn clean(text: &str) -> String {
    let mut words = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control() || is_invisible(c)) {
        if word.is_empty() {
            continue;
        }
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
        if words.len() > 4 * MAX_DETAIL {
            break; // more cannot be kept, whatever the size of the characters
        }
    }
    match words.char_indices().nth(MAX_DETAIL) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words,
    }
}

/// Characters that reorder or hide the text around them in a terminal or a log viewer.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FailureKind::Permanent => "permanent",
            FailureKind::Authentication => "authentication",
            FailureKind::Configuration => "configuration",
            FailureKind::RateLimited { .. } => "rate limited",
            FailureKind::Transient => "transient",
        })
    }
}
