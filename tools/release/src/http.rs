//! The API of GitHub, with uploads and downloads.
//!
//! A request is repeated only if that is harmless. The token goes to the host that was asked and never along a redirect.
//! The rules are GitHub's:
//! <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api>.

pub(crate) use crate::wire::{Again, Token, is_interrupted};

use crate::shown::{hide, said};
use crate::wire::{
    Busy, DEFAULT_WAIT, Interrupted, LONGEST_WAIT, Wire, broken_off, read_body, text, time_for, without_query,
};
use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};
use ureq::http::{HeaderMap, Method, Request, Response, header};
use ureq::{AsSendBody, Body};

/// How many hosts a download may be sent on by.
const HOPS: usize = 5;

/// An answer: what was asked for, or a refusal that the caller may expect.
pub(crate) struct Answer {
    request: String,
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    /// The status.
    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// The body as JSON; null if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The body, if the answer is what was asked for.
    ///
    /// # Errors
    /// If it is not; the error has what the server said.
    pub(crate) fn ok<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        // GitHub does not tell those who may not see something from those who look for nothing.
        let advice = if self.status == 404 { ": it is not there, or the token may not do this" } else { "" };
        ensure!((200..300).contains(&self.status), "{}{advice}", self.refusal());
        let body: &[u8] = if self.body.is_empty() { b"null" } else { &self.body };
        // The error quotes what it found.
        serde_json::from_slice(body)
            .map_err(|error| anyhow!("{}", said(&error.to_string())))
            .with_context(|| {
                format!(
                    "{} answered something else than its documentation says: look whether a proxy, or the page by which a network wants one to log in, answers in its place",
                    self.request
                )
            })
    }

    /// Whether it refuses with an error of this code, such as `already_exists`.
    pub(crate) fn refuses_with(&self, code: &str) -> bool {
        let errors = self.json()["errors"].as_array().cloned().unwrap_or_default();
        self.status == 422 && errors.iter().any(|error| error["code"] == code)
    }

    /// Whether there is another page after this one.
    pub(crate) fn has_next_page(&self) -> bool {
        text(&self.headers, "link").is_some_and(|link| link.contains("rel=\"next\""))
    }

    /// The request, the status and what the server said, in one line.
    pub(crate) fn refusal(&self) -> String {
        let json = self.json();
        let mut words = match json["message"].as_str() {
            Some(message) => message.to_owned(),
            None => String::from_utf8_lossy(&self.body).into_owned(),
        };
        for error in json["errors"].as_array().into_iter().flatten() {
            let parts = ["resource", "field", "code", "message"].map(|key| error[key].as_str().unwrap_or(""));
            let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            words += &format!(" ({})", error.as_str().map_or_else(|| parts.join(" "), str::to_owned));
        }
        format!("{}: {} {}", self.request, self.status, said(&words))
    }
}

/// A client of one API.
pub(crate) struct Http {
    wire: Wire,
    api: String,
    token: Option<Token>,
}

impl Http {
    /// A client of the API at an address.
    ///
    /// # Errors
    /// If the address is neither https nor that of a loopback interface, or the token is none.
    pub(crate) fn new(api: &str, token: Option<Token>) -> Result<Http> {
        let api = api.trim_end_matches('/').to_owned();
        if let Some(token) = &token {
            token.check()?;
            hide(&token.secret);
        }
        Ok(Http { wire: Wire::new(&api)?, api, token })
    }

    /// The address of the API, without a slash at its end.
    pub(crate) fn api(&self) -> &str {
        &self.api
    }

    /// Asks.
    ///
    /// # Errors
    /// If there is no answer, or one that no caller can expect.
    pub(crate) fn get(&self, url: &str) -> Result<Answer> {
        self.ask(&Method::GET, url, Again::Harmless, Duration::from_secs(120), || Ok(()))
    }

    /// Sends a body as JSON; null stands for none.
    ///
    /// # Errors
    /// As [`Http::get`]; see [`is_interrupted`].
    pub(crate) fn send(&self, method: &Method, url: &str, body: &Value, again: Again) -> Result<Answer> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let limit = time_for(body.len() as u64);
        self.ask(method, url, again, limit, || Ok(body.as_str()))
    }

    /// Sends a file, once.
    ///
    /// # Errors
    /// As [`Http::get`]; see [`is_interrupted`].
    pub(crate) fn upload(&self, url: &str, path: &Path) -> Result<Answer> {
        self.wire.check_trusted(url)?;
        let open = || File::open(path).with_context(|| format!("reading {}", path.display()));
        let size = open()?.metadata().with_context(|| format!("reading {}", path.display()))?.len();
        self.ask(&Method::POST, url, Again::Never, time_for(size), open)
    }

    /// SHA-256 of what is downloaded, in hexadecimal digits; other hosts that it is sent to get no token.
    ///
    /// # Errors
    /// If there is nothing.
    pub(crate) fn sha256(&self, url: &str, size: u64) -> Result<String> {
        self.wire.patiently(Again::Harmless, || self.sha256_once(url, size))
    }

    fn sha256_once(&self, url: &str, size: u64) -> Result<String> {
        let mut at = url.to_owned();
        for hop in 0..HOPS {
            let request = format!("GET {}", without_query(&at));
            let response =
                self.exchange(&Method::GET, &at, hop == 0, "application/octet-stream", time_for(size), ())?;
            match response.status().as_u16() {
                200 => return self.hash(response, &request),
                301 | 302 | 303 | 307 | 308 => {
                    at = self.wire.place(&request, &at, response.headers())?;
                }
                _ => {
                    let answer = self.read(request, response)?;
                    self.expect(&answer)?;
                    bail!("{}", answer.refusal());
                }
            }
        }
        bail!("GET {}: it is sent from host to host without end", without_query(url))
    }

    fn hash(&self, response: Response<Body>, request: &str) -> Result<String> {
        let mut reader = response.into_body().into_reader();
        let mut hash = Sha256::new();
        io::copy(&mut reader, &mut hash).map_err(|error| broken_off(request, &error))?;
        Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Asks until there is an answer, as far as that is harmless.
    fn ask<B: AsSendBody>(
        &self,
        method: &Method,
        url: &str,
        again: Again,
        limit: Duration,
        body: impl Fn() -> Result<B>,
    ) -> Result<Answer> {
        let request = format!("{method} {}", without_query(url));
        self.wire.patiently(again, || {
            let response = self.exchange(method, url, true, "application/vnd.github+json", limit, body()?)?;
            let answer = self.read(request.clone(), response)?;
            self.expect(&answer)?;
            Ok(answer)
        })
    }

    /// One request and the beginning of its answer.
    fn exchange<B: AsSendBody>(
        &self,
        method: &Method,
        url: &str,
        with_token: bool,
        accept: &str,
        limit: Duration,
        body: B,
    ) -> Result<Response<Body>> {
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .header(header::ACCEPT, accept)
            .header("X-GitHub-Api-Version", "2022-11-28");
        if let Some(token) = self.token.as_ref().filter(|_| with_token) {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.secret));
        }
        if method != Method::GET {
            let kind = if url.contains("/assets?") { "application/octet-stream" } else { "application/json" };
            request = request.header(header::CONTENT_TYPE, kind);
        }
        let request =
            request.body(body).map_err(|error| anyhow!("{method} {}: {error}", without_query(url)))?;
        self.wire.exchange(request, limit)
    }

    fn read(&self, request: String, response: Response<Body>) -> Result<Answer> {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = read_body(&request, response)?;
        Ok(Answer { request, status, headers, body })
    }

    /// Turns answers that mean the same everywhere into errors.
    fn expect(&self, answer: &Answer) -> Result<()> {
        let refusal = || answer.refusal();
        match answer.status {
            401 => match &self.token {
                Some(token) => bail!(
                    "{}: GitHub does not take the token from {}; it may have expired: make a new one and put it there",
                    refusal(),
                    token.from
                ),
                None => bail!("{}: this needs a token; docs/publishing.md says where it belongs", refusal()),
            },
            403 | 429 => match rate_limit(&answer.headers, &refusal(), answer.status) {
                Some(wait) if wait <= LONGEST_WAIT => {
                    Err(Busy { who: "GitHub".to_owned(), said: refusal(), wait }.into())
                }
                Some(wait) => bail!(
                    "{}: this is GitHub's limit of requests, which lasts another {} minutes: run this again then, it goes on where it was",
                    refusal(),
                    wait.as_secs().div_ceil(60)
                ),
                None => bail!(
                    "{}: {} may not do this: give the token the permission to write contents (and pull requests for winget)",
                    refusal(),
                    self.token.as_ref().map_or("who has no token", |token| &token.from)
                ),
            },
            301 | 302 | 307 | 308 => bail!(
                "{}: it has moved, and the token does not follow: name the repository as it is called now",
                refusal()
            ),
            500.. => Err(Interrupted::new(format!(
                "{}: GitHub is in trouble; run this again later, it goes on",
                refusal()
            ))
            .into()),
            _ => Ok(()),
        }
    }
}

/// How long to wait, if a refusal is that of a rate limit.
fn rate_limit(headers: &HeaderMap, said: &str, status: u16) -> Option<Duration> {
    let number = |name| text(headers, name).and_then(|value| value.trim().parse::<u64>().ok());
    if let Some(seconds) = number("retry-after") {
        return Some(Duration::from_secs(seconds));
    }
    if number("x-ratelimit-remaining") == Some(0) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let until = Duration::from_secs(number("x-ratelimit-reset")? + 1);
        return Some(until.saturating_sub(now));
    }
    (status == 429 || said.contains("secondary rate limit")).then_some(DEFAULT_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a token or a release could go to somebody else in the clear.
    #[test]
    fn speaks_in_the_clear_only_to_this_machine() {
        for (url, fine) in [
            ("https://api.github.com", true),
            ("http://127.0.0.1:8080", true),
            ("http://[::1]:8080", true),
            ("http://api.github.com", false),
            ("http://127.0.0.1@evil.example", false),
            ("https://me@api.github.com", false),
            ("http://127.0.0.1.evil.example", false),
            ("ftp://127.0.0.1", false),
            ("127.0.0.1:80", false),
        ] {
            assert_eq!(Http::new(url, None).is_ok(), fine, "{url}");
        }
        let token = |secret: &str| Some(Token { secret: secret.to_owned(), from: "the file x".to_owned() });
        for bad in ["", "a b", "a\r\nX: y"] {
            let error = Http::new("https://a", token(bad)).err().unwrap().to_string();
            assert!(error.contains("the file x") && !error.contains("a b"), "{error}");
        }
        let real = Http::new("https://api.github.com", None).unwrap();
        assert!(real.wire.check_trusted("https://elsewhere.example/x").is_ok());
        assert!(real.wire.check_trusted("http://127.0.0.1/x").is_err());
        let rehearsal = Http::new("http://127.0.0.1:1", None).unwrap();
        assert!(rehearsal.wire.check_trusted("https://elsewhere.example/x").is_err());
    }

    /// Fails if: a rate limit is not told from a refusal, or the wait is another than GitHub asks for.
    #[test]
    fn knows_rate_limits() {
        let soon = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() + 30;
        let soon = soon.to_string();
        for (status, headers, said, least, most) in [
            (403, vec![], "Resource not accessible", None, 0),
            (403, vec![("retry-after", "7")], "", Some(7), 7),
            (429, vec![], "", Some(60), 60),
            (403, vec![], "You have exceeded a secondary rate limit", Some(60), 60),
            (403, vec![("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", &soon)], "", Some(25), 31),
            (403, vec![("x-ratelimit-remaining", "9"), ("x-ratelimit-reset", &soon)], "", None, 0),
            (403, vec![("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "5")], "", Some(0), 0),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.insert(header::HeaderName::from_static(name), value.parse().unwrap());
            }
            let wait = rate_limit(&map, said, status).map(|wait| wait.as_secs());
            assert_eq!(wait.is_some(), least.is_some(), "{status} {said}");
            assert!(wait >= least && wait.unwrap_or(0) <= most, "{status} {said} {wait:?}");
        }
    }
}
