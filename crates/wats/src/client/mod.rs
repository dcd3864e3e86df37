//! The HTTP client of a WATS server: submit a report, ask for the server's version.
//!
//! Every failure is sorted by what can be done about it ([`FailureKind`]); a success is only what the
//! server has proven ([`Submitted`]). Redirects are not followed, request bodies are not compressed,
//! answers are read up to 1 MiB.

mod answer;
mod failure;
mod secrets;
mod settings;
mod tls;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder, StatusCode, redirect};
use url::Url;

pub use self::answer::Submitted;
pub use self::failure::{Failure, FailureKind, MAX_RETRY_AFTER};
use self::secrets::Secrets;
pub use self::settings::{Proxy, Settings, Token};

/// Bytes of an answer that are read; the rest is dropped.
const MAX_ANSWER: usize = 1024 * 1024;

/// The slowest upload that is waited for, in bytes per second: a report gets this much time on top
/// of [`Settings::timeout`], so that a large one can pass a slow line at all.
pub const MIN_UPLOAD_RATE: u64 = 16 * 1024;

/// Most of the timeout is for the server to think; a connection that takes longer will not come.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A client of one WATS server. Cloning is cheap; clones share their connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    root: Url,
    timeout: Duration,
    secrets: Secrets,
}

impl Client {
    /// Checks the settings and prepares a client; nothing is sent yet.
    ///
    /// # Errors
    /// [`FailureKind::Configuration`] for an address, token, proxy or CA file that cannot be used.
    pub fn new(settings: &Settings) -> Result<Client, Failure> {
        let root = settings::root(&settings.url)?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, JSON);
        if let Some(token) = &settings.token {
            headers.insert(AUTHORIZATION, token.to_header()?);
        }
        let user_agent = HeaderValue::try_from(settings.user_agent.as_str())
            .map_err(|_| Failure::configuration("the user agent holds characters that no header can hold"))?;
        let builder = reqwest::Client::builder()
            .default_headers(headers)
            .user_agent(user_agent)
            .redirect(redirect::Policy::none())
            .use_preconfigured_tls(tls::client_config(settings.ca_file.as_deref())?)
            .connect_timeout(settings.timeout.min(CONNECT_TIMEOUT));
        let http = settings::with_proxy(builder, &settings.proxy)?.build().map_err(|error| {
            Failure::configuration(format!("the HTTP client cannot be set up: {}", error.without_url()))
        })?;
        Ok(Client { http, root, timeout: settings.timeout, secrets: Secrets::new(settings) })
    }

    /// The server's address as requests use it: without a trailing `/` or `/api`.
    pub fn url(&self) -> &str {
        self.root.as_str().trim_end_matches('/')
    }

    /// Asks for the server's version, for example `2025.3.9.824`. The cheapest request that proves
    /// address, way and token.
    ///
    /// # Errors
    /// Every kind of [`Failure`].
    pub async fn version(&self) -> Result<String, Failure> {
        let request = self.request(Method::GET, "/api/App/Version").timeout(self.timeout);
        let (status, body) = self.exchange(request).await?;
        answer::version(status, &body)
    }

    /// Submits one WSJF report, already serialized. Submitting a report again under the same id
    /// replaces it, so a report whose fate is unknown can be sent again.
    ///
    /// # Errors
    /// Every kind of [`Failure`]; only `Ok` means that the report may be forgotten here.
    pub async fn submit_wsjf(&self, report: impl Into<Bytes>) -> Result<Submitted, Failure> {
        let report = report.into();
        let size = report.len();
        let upload = Duration::from_secs(size as u64 / MIN_UPLOAD_RATE);
        let request = self
            .request(Method::POST, "/api/Report/WSJF")
            .header(CONTENT_TYPE, JSON)
            .timeout(self.timeout.saturating_add(upload))
            .body(report);
        let result = self.exchange(request).await.and_then(|(status, body)| answer::submitted(status, &body));
        match &result {
            Ok(submitted) => tracing::debug!(bytes = size, id = submitted.id, "report submitted"),
            Err(failure) => {
                tracing::debug!(bytes = size, kind = %failure.kind, %failure, "report not submitted");
            }
        }
        result
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, settings::endpoint(&self.root, path))
    }

    /// Sends a request and reads its 2xx answer.
    async fn exchange(&self, request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), Failure> {
        let hidden = |mut failure: Failure| {
            failure.message = self.secrets.hide(failure.message);
            failure
        };
        let transport = |error| hidden(Failure::from_transport(error));
        let mut response = request.send().await.map_err(transport)?;
        let status = response.status();
        let mut body = Vec::new();
        let complete = read_bounded(&mut response, &mut body).await;
        let body = self.secrets.hide_in_body(body);
        if !status.is_success() {
            // The status says enough, even where the explanation behind it was cut off.
            return Err(hidden(Failure::from_status(status, response.headers(), &body, Timestamp::now())));
        }
        complete.map_err(transport)?;
        Ok((status, body))
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
