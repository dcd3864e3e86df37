//! The HTTP client of a WATS server: submit a report, ask whether it is there, ask for the server's version.
//!
//! Every failure is sorted by what came instead of a proof ([`FailureKind`]); a success is only what the
//! server has proven ([`Submitted`]). Redirects are not followed, request bodies are not compressed,
//! answers are read up to 1 MiB.

mod answer;
mod body;
mod certificate;
mod failure;
mod resolver;
mod secrets;
mod settings;
#[cfg(all(unix, not(target_vendor = "apple")))]
mod store;
mod tls;
mod transport;
mod way;
#[cfg(any(windows, test))]
mod winhttp;
mod witness;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder, StatusCode, redirect};
use serde_json::Value;
use url::Url;
use uuid::Uuid;

pub use self::answer::Submitted;
use self::body::Body;
use self::failure::date;
pub use self::failure::{Failure, FailureKind, MAX_RETRY_AFTER};
use self::resolver::Resolver;
use self::secrets::Secrets;
pub use self::settings::{Proxy, Settings, Token};
use self::way::Way;
pub use self::witness::{Seen, Witness};

/// Bytes of an answer that are read; the rest is dropped.
const MAX_ANSWER: usize = 1024 * 1024;

/// The slowest upload that is waited for, in bytes per second: a report gets this much time on top
/// of [`Settings::timeout`], so that a large one can pass a slow line at all.
pub const MIN_UPLOAD_RATE: u64 = 16 * 1024;

/// Most of the timeout is for the server to think; a connection that takes longer will not come.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// Longer than this nobody waits to tell how a client is.
const STATUS_TIMEOUT: Duration = Duration::from_secs(15);

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A client of one WATS server. Cloning is cheap; clones share their connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    root: Url,
    timeout: Duration,
    secrets: Secrets,
    way: Way,
    tls: Arc<rustls::ClientConfig>,
    /// Whether the last request did not get through.
    failed: Arc<AtomicBool>,
    /// By how many seconds this machine's clock was ahead of the server's at the last answer that said its time.
    ahead: Arc<AtomicI64>,
    witness: Option<Arc<dyn Witness>>,
}

impl Client {
    /// Checks the settings and prepares a client; nothing is sent yet.
    ///
    /// # Errors
    /// [`FailureKind::Settings`] for an address, token, proxy or CA file that cannot be used.
    pub fn new(settings: &Settings) -> Result<Client, Failure> {
        let root = settings::root(&settings.url)?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, JSON);
        if let Some(token) = &settings.token {
            headers.insert(AUTHORIZATION, token.to_header()?);
        }
        let user_agent = HeaderValue::try_from(settings.user_agent.as_str())
            .map_err(|_| Failure::settings("the user agent holds characters that no header can hold"))?;
        let tls = tls::client_config(settings.ca_file.as_deref())?;
        let way = Way::new(&settings.proxy, &root)?;
        let builder = reqwest::Client::builder()
            .default_headers(headers)
            .user_agent(user_agent)
            .redirect(redirect::Policy::none())
            .use_preconfigured_tls(tls.clone())
            .dns_resolver(Arc::new(Resolver::of_system()))
            .connect_timeout(connect_timeout(settings.timeout));
        let http = way.apply(builder)?.build().map_err(|error| {
            Failure::settings(format!("the HTTP client cannot be set up: {}", error.without_url()))
        })?;
        let secrets = Secrets::new(settings, &root);
        Ok(Client {
            http,
            root,
            timeout: settings.timeout,
            secrets,
            way,
            tls: Arc::new(tls),
            failed: Arc::default(),
            ahead: Arc::default(),
            witness: None,
        })
    }

    /// The same client; whatever it asks and is answered, the witness sees it.
    #[must_use]
    pub fn seen_by(mut self, witness: Arc<dyn Witness>) -> Client {
        self.witness = Some(witness);
        self
    }

    /// The server's address as requests use it: without a trailing `/` or `/api`.
    pub fn url(&self) -> &str {
        self.root.as_str().trim_end_matches('/')
    }

    /// By how many seconds this machine's clock was ahead of the server's, negative for behind, at the last answer
    /// that said its time. A server puts reports that are dated in the future aside.
    pub fn clock_ahead(&self) -> i64 {
        self.ahead.load(Ordering::Relaxed)
    }

    /// Asks for the server's version, for example `2025.3.9.824`. The cheapest request that proves
    /// address, way and token.
    ///
    /// # Errors
    /// Every kind of [`Failure`].
    pub async fn version(&self) -> Result<String, Failure> {
        let request = self.request(Method::GET, "/api/App/Version").timeout(self.timeout);
        let (status, body) = self.exchange(request).await?.of_success(&self.secrets)?;
        answer::version(status, &body)
    }

    /// Submits one WSJF report, already serialized, that has this id. Submitting a report again under the same
    /// id replaces it, so a report whose fate is unknown can be sent again.
    ///
    /// # Errors
    /// Every kind of [`Failure`]; only `Ok` means that the report may be forgotten here.
    pub async fn submit_wsjf(&self, id: Uuid, report: impl Into<Bytes>) -> Result<Submitted, Failure> {
        let report = report.into();
        let size = report.len();
        let upload = Duration::from_secs(size as u64 / MIN_UPLOAD_RATE);
        let request = self
            .request(Method::POST, "/api/Report/WSJF")
            .header(CONTENT_TYPE, JSON)
            .timeout(self.timeout.saturating_add(upload))
            .body(report);
        let result = self.submitted(request, id).await;
        match &result {
            Ok(_) => tracing::debug!(bytes = size, %id, "report submitted"),
            Err(failure) => {
                tracing::debug!(bytes = size, %id, kind = %failure.kind, %failure, "report not submitted");
            }
        }
        result
    }

    async fn submitted(&self, request: RequestBuilder, id: Uuid) -> Result<Submitted, Failure> {
        let (status, body) = self.exchange(request).await?.of_success(&self.secrets)?;
        answer::submitted(status, &body, id)
    }

    /// Asks whether the server has the report with this id: true if it gives it back, false if it answers 404.
    ///
    /// # Errors
    /// Every kind of [`Failure`]: the server did not say.
    pub async fn holds_wsjf(&self, id: Uuid) -> Result<bool, Failure> {
        let request = self.request(Method::GET, &format!("/api/Report/Wsjf/{id}")).timeout(self.timeout);
        let answer = self.exchange(request).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(false),
            status if status.is_success() => answer::holds(status, &answer.body, id),
            _ => Err(answer.failure(&self.secrets)),
        }
    }

    /// Tells the server how this client is; the server shows it among its registered clients. It takes this only with
    /// the token of one, and older servers do not know it.
    ///
    /// # Errors
    /// Every kind of [`Failure`].
    pub async fn update_status(&self, status: &Value) -> Result<(), Failure> {
        let request = self
            .request(Method::PUT, "/api/Client/Update")
            .header(CONTENT_TYPE, JSON)
            .timeout(self.timeout.min(STATUS_TIMEOUT))
            .body(status.to_string());
        self.exchange(request).await?.of_success(&self.secrets).map(drop)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, settings::endpoint(&self.root, path))
    }

    /// Sends a request and reads the answer, whatever its status.
    async fn exchange(&self, request: RequestBuilder) -> Result<Answer, Failure> {
        self.way.refresh(self.failed.load(Ordering::Relaxed)).await;
        let began = Timestamp::now();
        let result = self.exchange_once(request).await;
        if let Some(witness) = &self.witness {
            let answer = result.as_ref().ok();
            witness.saw(&Seen::new(began, answer.map(|answer| (answer.status, &answer.headers))));
        }
        let unreachable =
            matches!(&result, Err(Broken { failure, .. }) if failure.kind == FailureKind::Unreachable);
        self.failed.store(unreachable, Ordering::Relaxed);
        if !self.may_need_https(&result) || !transport::speaks_tls(&self.root, Arc::clone(&self.tls)).await {
            return result.map_err(|broken| broken.failure);
        }
        Err(self.with_hint_of_scheme(match result {
            Ok(answer) => answer.failure(&self.secrets),
            Err(broken) => broken.failure,
        }))
    }

    async fn exchange_once(&self, request: RequestBuilder) -> Result<Answer, Broken> {
        let broken = |error: reqwest::Error| {
            let mut failure = transport::failure(&error, &self.root, self.way.proxy().as_ref());
            failure.message = self.secrets.hide(failure.message);
            Broken { failure, was_connected: !error.is_connect() && !error.is_timeout() }
        };
        let mut response = request.send().await.map_err(broken)?;
        let status = response.status();
        let mut body = Vec::new();
        let complete = read_bounded(&mut response, &mut body).await;
        if status.is_success() {
            // Otherwise the status says enough, even where the explanation behind it was cut off.
            complete.map_err(broken)?;
        }
        let headers = std::mem::take(response.headers_mut());
        if let Some(date) = date(&headers) {
            let ahead = Timestamp::now().as_second() - date.as_second();
            self.ahead.store(ahead, Ordering::Relaxed);
        }
        Ok(Answer { status, headers, body: self.secrets.hide_in_body(body) })
    }

    /// Whether a result is as one of a plain request to a port of TLS: most servers close the connection or answer
    /// with an alert, which is no HTTP; some answer 400.
    fn may_need_https(&self, result: &Result<Answer, Broken>) -> bool {
        self.root.scheme() == "http"
            && self.way.proxy().is_none()
            && match result {
                Ok(answer) if answer.status == StatusCode::BAD_REQUEST => {
                    let words = answer.failure(&self.secrets).words.map(|words| words.to_ascii_lowercase());
                    words.is_none_or(|words| ["https", "ssl", "tls"].iter().any(|word| words.contains(word)))
                }
                Ok(_) => false,
                Err(broken) => broken.was_connected,
            }
    }

    fn with_hint_of_scheme(&self, failure: Failure) -> Failure {
        let address = self.url().replacen("http://", "https://", 1);
        let message =
            format!("the server speaks TLS at this port; write its address with https://, as in {address}");
        let kind = if failure.status.is_none() { FailureKind::Unreachable } else { failure.kind };
        Failure { kind, message, ..failure }
    }
}

/// Less than the time for the whole request, so that a connection that does not come is told from an answer.
fn connect_timeout(timeout: Duration) -> Duration {
    CONNECT_TIMEOUT.min(timeout * 3 / 4)
}

/// A request that brought no complete answer.
struct Broken {
    failure: Failure,
    /// Whether it broke after a connection was there, and not for lack of time.
    was_connected: bool,
}

/// An answer of the server, or of what stands in its place.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    /// Without secrets.
    body: Vec<u8>,
}

impl Answer {
    /// Status and body of a 2xx answer; any other is a failure.
    fn of_success(self, secrets: &Secrets) -> Result<(StatusCode, Body), Failure> {
        if !self.status.is_success() {
            return Err(self.failure(secrets));
        }
        let content_type = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        Ok((self.status, Body::read(content_type.unwrap_or_default(), &self.body)))
    }

    fn failure(&self, secrets: &Secrets) -> Failure {
        Failure::from_status(self.status, &self.headers, &self.body, Timestamp::now(), secrets)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("url", &self.url())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Reads the body up to [`MAX_ANSWER`]; what was read before an error stays in `body`.
async fn read_bounded(response: &mut reqwest::Response, body: &mut Vec<u8>) -> Result<(), reqwest::Error> {
    while let Some(chunk) = response.chunk().await? {
        let room = MAX_ANSWER - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            break;
        }
    }
    Ok(())
}
