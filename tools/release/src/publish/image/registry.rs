//! A repository of a registry, by the
//! [distribution specification](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md).
//!
//! What is there is asked before anything is sent, so that nothing is sent twice. Everything may be sent again: blobs and
//! manifests are known by their digests. Name and token go to the registry and to the service that it names for giving
//! tokens out, and to nobody else; what is sent on elsewhere goes without.
//!
//! Networks and proxies answer in the place of others. So nothing counts as there because of a status: a manifest has its
//! media type and digest, a blob its digest or size. What is in doubt is sent.

use super::answer::{Answer, Part};
use super::challenge::Challenge;
use super::{INDEX, MANIFEST, bills::digest_of};
use crate::address::is_same_server;
use crate::shown::{hide, hide_basic, said};
use crate::wire::{
    Again, Busy, DEFAULT_WAIT, Interrupted, LONGEST_WAIT, Token, Wire, is_interrupted, read_body, time_for,
    without_query,
};
use anyhow::{Context, Result, anyhow, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::cell::RefCell;
use std::time::{Duration, SystemTime};
use ureq::http::{Method, Request, header};

/// How often a blob is sent that does not arrive.
const TRIES: usize = 3;
/// How many servers may send us on to where a blob is stored.
const HOPS: usize = 5;

/// Who pushes.
pub(super) struct Account {
    pub(super) user: String,
    pub(super) token: Token,
}

/// See the [module](self).
pub(super) struct Registry {
    wire: Wire,
    /// The address of the registry, without a slash at its end.
    address: String,
    /// The name of the repository there.
    name: String,
    /// Nobody in particular may look at what is public.
    account: Option<Account>,
    authorization: RefCell<Option<String>>,
}

impl Registry {
    /// A repository at the address of a registry.
    ///
    /// # Errors
    /// If the address is neither https nor that of a loopback interface, or the token is none.
    pub(super) fn new(address: &str, name: &str, account: Option<Account>) -> Result<Registry> {
        let address = address.trim_end_matches('/').to_owned();
        if let Some(account) = &account {
            account.token.check()?;
            hide_basic(&account.user, &account.token.secret);
        }
        let (wire, authorization) = (Wire::new(&address)?, RefCell::default());
        Ok(Registry { wire, address, name: name.to_owned(), account, authorization })
    }

    fn url(&self, path: &str) -> String {
        format!("{}/v2/{}/{path}", self.address, self.name)
    }

    /// Whether there is a blob. Registries may send us on to where it is stored.
    pub(super) fn has_blob(&self, digest: &str, size: usize) -> Result<bool> {
        let mut url = self.url(&format!("blobs/{digest}"));
        for _ in 0..HOPS {
            let answer = self.ask(&Method::HEAD, &url, "*/*")?;
            match answer.status {
                200 => return Ok(answer.has_blob(digest, size)),
                404 => return Ok(false),
                _ if answer.is_redirect() => {
                    url = self.wire.place(&answer.request, &answer.url, &answer.headers)?;
                }
                // Storage may not let itself be asked like this.
                _ if answer.part == Part::Storage => return Ok(false),
                _ => return Err(self.refused(&answer)),
            }
        }
        Ok(false)
    }

    /// Sends a blob that is not there. If it gets lost on the way, the registry is asked whether it has arrived.
    pub(super) fn push_blob(&self, digest: &str, bytes: &[u8]) -> Result<()> {
        let mut last = None;
        for _ in 0..TRIES {
            if last.is_some() && self.has_blob(digest, bytes.len())? {
                return Ok(());
            }
            match self.send_blob(digest, bytes) {
                Ok(()) => return Ok(()),
                Err(error) if is_interrupted(&error) => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        let last = last.unwrap_or_else(|| anyhow!("it does not arrive"));
        Err(last.context(format!(
            "sending {digest}, {TRIES} times: run this again later, it goes on where it was"
        )))
    }

    /// [In two requests](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#post-then-put).
    fn send_blob(&self, digest: &str, bytes: &[u8]) -> Result<()> {
        let answer = self.ask(&Method::POST, &self.url("blobs/uploads/"), "*/*")?;
        ensure!(answer.status == 202, self.refused(&answer));
        let place = self.wire.place(&answer.request, &answer.url, &answer.headers)?;
        let mark = if place.contains('?') { '&' } else { '?' };
        let place = format!("{place}{mark}digest={digest}");
        let answer =
            self.send(&Method::PUT, &place, "*/*", Some("application/octet-stream"), bytes, Again::Never)?;
        match answer.status {
            201 => stored_as(&answer, digest),
            // The upload is forgotten: it is begun anew.
            404 => Err(Interrupted::new(answer.refusal()).into()),
            _ => Err(self.refused(&answer)),
        }
    }

    /// The digest of the manifest that a tag or a digest stands for, if there is one.
    pub(super) fn digest_of(&self, reference: &str) -> Result<Option<String>> {
        let url = self.url(&format!("manifests/{reference}"));
        let answer = self.ask(&Method::HEAD, &url, &format!("{INDEX}, {MANIFEST}"))?;
        match answer.status {
            200 => match answer.manifest_digest().filter(|_| answer.is_manifest()) {
                Some(digest) => {
                    is_what_was_asked_for(&answer, reference, &digest)?;
                    Ok(Some(digest))
                }
                None => Ok(self.manifest(reference)?.map(|bytes| digest_of(&bytes))),
            },
            404 => Ok(None),
            _ => Err(self.refused(&answer)),
        }
    }

    /// The manifest that a tag or a digest stands for, if there is one. That of a digest has this digest.
    pub(super) fn manifest(&self, reference: &str) -> Result<Option<Vec<u8>>> {
        let url = self.url(&format!("manifests/{reference}"));
        let answer = self.ask(&Method::GET, &url, &format!("{INDEX}, {MANIFEST}"))?;
        match answer.status {
            200 if answer.is_manifest() => {
                is_what_was_asked_for(&answer, reference, &digest_of(&answer.body))?;
                Ok(Some(answer.body))
            }
            404 => Ok(None),
            _ => Err(self.refused(&answer)),
        }
    }

    /// Stores a manifest by a tag or its digest; tells whether the registry took notice of what it is about (`subject`).
    pub(super) fn store(&self, reference: &str, media_type: &str, bytes: &[u8]) -> Result<bool> {
        let url = self.url(&format!("manifests/{reference}"));
        let answer = self.send(&Method::PUT, &url, "*/*", Some(media_type), bytes, Again::Harmless)?;
        ensure!(answer.status == 201, self.refused(&answer));
        stored_as(&answer, &digest_of(bytes))?;
        Ok(answer.header("oci-subject").is_some())
    }

    /// The digests of what is said to be about a manifest, as far as the registry keeps such a list.
    pub(super) fn referrers(&self, subject: &str) -> Result<Option<Vec<String>>> {
        let answer = self.ask(&Method::GET, &self.url(&format!("referrers/{subject}")), INDEX)?;
        // Who has no such list answers with all kinds of things.
        let list: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let Some(manifests) = list["manifests"].as_array().filter(|_| answer.status == 200) else {
            return Ok(None);
        };
        Ok(Some(manifests.iter().filter_map(|one| one["digest"].as_str()).map(str::to_owned).collect()))
    }

    fn ask(&self, method: &Method, url: &str, accept: &str) -> Result<Answer> {
        self.send(method, url, accept, None, &[], Again::Harmless)
    }

    /// Sends until there is an answer, as far as that is harmless, and says who we are if that is asked.
    fn send(
        &self,
        method: &Method,
        url: &str,
        accept: &str,
        media_type: Option<&str>,
        body: &[u8],
        again: Again,
    ) -> Result<Answer> {
        self.wire.patiently(again, || {
            let mut answer = self.once(method, url, accept, media_type, body)?;
            if answer.status == 401 && answer.part == Part::Registry {
                self.log_in(&answer)?;
                answer = self.once(method, url, accept, media_type, body)?;
                if answer.status == 401 {
                    return Err(self.unknown(&answer));
                }
            }
            self.expect(&answer)?;
            Ok(answer)
        })
    }

    fn once(
        &self,
        method: &Method,
        url: &str,
        accept: &str,
        media_type: Option<&str>,
        body: &[u8],
    ) -> Result<Answer> {
        let mut request = Request::builder().method(method).uri(url).header(header::ACCEPT, accept);
        if let Some(authorization) = self.authorization.borrow().as_ref().filter(|_| self.is_ours(url)) {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        if let Some(media_type) = media_type {
            request = request.header(header::CONTENT_TYPE, media_type);
        }
        self.finish(method, url, request, body)
    }

    fn finish(
        &self,
        method: &Method,
        url: &str,
        request: ureq::http::request::Builder,
        body: &[u8],
    ) -> Result<Answer> {
        let what = format!("{method} {}", without_query(url));
        let limit = time_for(body.len() as u64);
        let response = match *method {
            // A request that has no body is to say nothing of one.
            Method::GET | Method::HEAD => {
                self.wire.exchange(request.body(()).map_err(|error| anyhow!("{what}: {error}"))?, limit)?
            }
            _ => {
                self.wire.exchange(request.body(body).map_err(|error| anyhow!("{what}: {error}"))?, limit)?
            }
        };
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = read_body(&what, response)?;
        let part = if self.is_ours(url) { Part::Registry } else { Part::Storage };
        Ok(Answer { request: what, url: url.to_owned(), part, status, headers, body })
    }

    /// Whether an address is of the registry itself.
    fn is_ours(&self, url: &str) -> bool {
        is_same_server(url, &self.address)
    }

    /// Does what the registry wants before it believes who we are.
    fn log_in(&self, answer: &Answer) -> Result<()> {
        let asked =
            answer.headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        // The error quotes what it found.
        let challenge = Challenge::of(asked).map_err(|error| anyhow!("{}", said(&error.to_string())));
        let challenge = challenge.with_context(|| answer.refusal())?;
        let basic = self.account.as_ref().map(|account| {
            format!("Basic {}", STANDARD.encode(format!("{}:{}", account.user, account.token.secret)))
        });
        let authorization = match challenge {
            Challenge::Basic => basic.with_context(|| {
                format!("{}: this needs a token; docs/publishing.md says where it belongs", answer.refusal())
            })?,
            Challenge::Bearer { realm, service } => {
                format!("Bearer {}", self.token(&realm, service.as_deref(), basic)?)
            }
        };
        self.authorization.replace(Some(authorization));
        Ok(())
    }

    /// A token of the service that the registry names, for reading and, with an account, writing.
    fn token(&self, realm: &str, service: Option<&str>, basic: Option<String>) -> Result<String> {
        self.wire.check_trusted(realm).context("the registry names a service that gives tokens out")?;
        let rights = if basic.is_some() { "pull,push" } else { "pull" };
        let scope = format!("repository:{}:{rights}", self.name);
        let mark = if realm.contains('?') { '&' } else { '?' };
        let mut url = format!("{realm}{mark}scope={}", escaped(&scope));
        if let Some(service) = service {
            url += &format!("&service={}", escaped(service));
        }
        let mut request =
            Request::builder().method(Method::GET).uri(&url).header(header::ACCEPT, "application/json");
        if let Some(basic) = basic {
            request = request.header(header::AUTHORIZATION, basic);
        }
        let answer = self.finish(&Method::GET, &url, request, &[])?;
        let answer = Answer { part: Part::Tokens, ..answer };
        let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        for name in ["token", "access_token", "refresh_token"] {
            hide(json[name].as_str().unwrap_or_default());
        }
        if [400, 401, 403].contains(&answer.status) {
            return Err(self.unknown(&answer));
        }
        self.expect(&answer)?;
        ensure!(answer.status == 200, self.refused(&answer));
        let token = json["token"].as_str().or(json["access_token"].as_str()).unwrap_or_default();
        ensure!(
            !token.is_empty() && token.chars().all(|c| c.is_ascii_graphic()),
            "{}: it gives no token out, as its documentation says it does: {}",
            answer.request,
            self.who_else()
        );
        Ok(token.to_owned())
    }

    fn unknown(&self, answer: &Answer) -> anyhow::Error {
        match &self.account {
            Some(Account { user, token }) => anyhow!(
                "{}: the registry does not take the user {user} with the token from {}; it may have expired, or not be for this repository: make a new one and put it there",
                answer.refusal(),
                token.from
            ),
            None => {
                anyhow!("{}: this needs a token; docs/publishing.md says where it belongs", answer.refusal())
            }
        }
    }

    /// Turns answers that mean the same everywhere into errors.
    fn expect(&self, answer: &Answer) -> Result<()> {
        let refusal = || answer.refusal();
        let who = match answer.part {
            Part::Registry => "the registry",
            Part::Tokens => "the service for tokens",
            Part::Storage => "the server that the registry sends us to",
        };
        let wait = answer.header("retry-after").and_then(|value| seconds(value, SystemTime::now()));
        match (answer.status, wait) {
            (429, wait) | (503, wait @ Some(_)) => {
                let wait = wait.unwrap_or(DEFAULT_WAIT);
                ensure!(
                    wait <= LONGEST_WAIT,
                    "{}: this is a limit of {who}, which lasts another {} minutes: run this again then, it goes on where it was",
                    refusal(),
                    wait.as_secs().div_ceil(60)
                );
                Err(Busy { who: who.to_owned(), said: refusal(), wait }.into())
            }
            (500.., _) => Err(Interrupted::new(format!(
                "{}: {who} is in trouble; run this again later, it goes on",
                refusal()
            ))
            .into()),
            (401 | 403, _) if answer.part == Part::Registry => bail!(
                "{}: {} may not do this to {}: give the token the permission to write packages, and the repository the user",
                refusal(),
                self.account.as_ref().map_or("who has no token", |account| &account.user),
                self.name
            ),
            _ => Ok(()),
        }
    }

    /// What to do if somebody else answers.
    fn who_else(&self) -> String {
        format!(
            "this is not what a registry answers: something else seems to answer in its place, such as the page by which a network wants one to log in, or a proxy; open {} in a browser on this machine, or ask who looks after the network; if the registry is elsewhere by now, correct [image] repository in packaging/product.toml; then run this again",
            self.address
        )
    }

    /// What an answer means that refuses something.
    fn refused(&self, answer: &Answer) -> anyhow::Error {
        let advice = if answer.part == Part::Storage {
            "the registry sent us there, and this server does not take it; it gets no token and is to need none: run this again; if it stays so, ask who looks after the registry whether its storage is set up for uploads".to_owned()
        } else if answer.is_redirect() || answer.status < 300 {
            self.who_else()
        } else if answer.status == 405 || answer.has(&["UNSUPPORTED"]) {
            "it takes nothing in: it is a mirror, or is being looked after; push to the registry itself, or later".to_owned()
        } else if answer.has(&["BLOB_UNKNOWN", "MANIFEST_BLOB_UNKNOWN", "MANIFEST_UNKNOWN"]) {
            "it has lost what was there just now: run this again, it sends what is missing".to_owned()
        } else if answer.has(&["NAME_UNKNOWN", "NAME_INVALID"]) || answer.status == 404 {
            format!(
                "there is no place for {}: make it there, or correct [image] repository in packaging/product.toml",
                self.name
            )
        } else if answer.has(&["DIGEST_INVALID", "SIZE_INVALID"]) {
            "other bits arrived than were sent: run this again".to_owned()
        } else {
            "the registry does not say what it should; nobody is told of the image before it is whole"
                .to_owned()
        };
        anyhow!("{}: {advice}", answer.refusal())
    }
}

/// Refuses a manifest that is not the one that was asked for by its digest.
fn is_what_was_asked_for(answer: &Answer, reference: &str, digest: &str) -> Result<()> {
    ensure!(
        !reference.contains(':') || reference == digest,
        "{}: {digest} is what it has by this name: it has lost something, or something between changes what is sent; nobody is told of the image before it is whole: run this again; if it stays so, ask who looks after the registry",
        answer.request
    );
    Ok(())
}

/// Refuses what was stored by another digest than it has.
fn stored_as(answer: &Answer, digest: &str) -> Result<()> {
    let has = answer.digest().unwrap_or(digest);
    ensure!(
        has == digest,
        "{}: it was stored as {}, and is {digest}: other bits arrived than were sent: run this again",
        answer.request,
        said(has)
    );
    Ok(())
}

/// The time that `Retry-After` tells: seconds or a date.
fn seconds(value: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let then = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value.trim()).ok()?;
    Some(SystemTime::from(then).duration_since(now).unwrap_or_default())
}

/// A value for the query of an address.
fn escaped(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/,".contains(&byte);
    let escape = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    value.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a wait is another than the registry asks for.
    #[test]
    fn reads_how_long_to_wait() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (value, expected) in [
            ("7", Some(7)),
            (" 120 ", Some(120)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
            ("", None),
        ] {
            assert_eq!(seconds(value, now).map(|wait| wait.as_secs()), expected, "{value}");
        }
    }

    /// Fails if: what is asked for is changed on its way.
    #[test]
    fn escapes_what_is_asked_for() {
        assert_eq!(escaped("repository:a/b:pull,push"), "repository:a/b:pull,push");
        assert_eq!(escaped("a b&c=ø"), "a%20b%26c%3D%C3%B8");
    }
}
