//! What a client needs to know, checked before the first request.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use reqwest::header::HeaderValue;
use url::Url;
use wats_settings::address;

use super::failure::Failure;

/// How to reach a WATS server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server's address, with or without a trailing `/` or `/api`.
    pub url: String,
    /// The API token; without one, requests carry no authorization.
    pub token: Option<Token>,
    /// The way to the server.
    pub proxy: Proxy,
    /// A PEM file of certificate authorities to trust besides those of the system.
    pub ca_file: Option<PathBuf>,
    /// How long to wait for an answer. A large report gets more: see [`super::MIN_UPLOAD_RATE`].
    pub timeout: Duration,
    /// The `User-Agent` header, for example `pywats-client/1.2.3`.
    pub user_agent: String,
}

impl Settings {
    /// Settings for the server at `url`: no token, the system's proxy, 30 seconds.
    pub fn new(url: impl Into<String>) -> Settings {
        Settings {
            url: url.into(),
            token: None,
            proxy: Proxy::System,
            ca_file: None,
            timeout: Duration::from_secs(30),
            user_agent: concat!("wats/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// The way to the server.
#[derive(Clone, PartialEq, Eq)]
pub enum Proxy {
    /// What the environment says: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`. On Windows, where it
    /// names no proxy, the settings of this account and of the machine: addresses, scripts, automatic detection.
    System,
    /// No proxy, whatever the environment says.
    None,
    /// This HTTP proxy for every request: `http://[user:password@]host:port`.
    Url(String),
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Proxy::System => f.write_str("System"),
            Proxy::None => f.write_str("None"),
            Proxy::Url(url) => write!(f, "Url({})", without_credentials(url)),
        }
    }
}

/// A proxy's address as it may be shown: nothing but scheme, host and port.
fn without_credentials(address: &str) -> String {
    match Url::parse(address) {
        Ok(url) if url.has_host() => url.origin().ascii_serialization(),
        // What cannot be taken apart may have credentials anywhere.
        _ => "…".to_owned(),
    }
}

/// An API token: the base64 form of `user:password`, as WATS hands it out and as the `Basic` scheme
/// ([RFC 7617](https://www.rfc-editor.org/rfc/rfc7617)) sends it. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The secret itself. For storing it; never for showing it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// `user:password` in plain, where it is text.
    pub(super) fn credentials(&self) -> Option<String> {
        wats_settings::token::credentials(&self.0)
    }

    /// The `Authorization` header, marked as sensitive so that libraries do not print it either.
    pub(super) fn to_header(&self) -> Result<HeaderValue, Failure> {
        let mut value = HeaderValue::try_from(format!("Basic {}", self.0))
            .map_err(|_| Failure::settings("the API token holds characters that no header can hold"))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl FromStr for Token {
    type Err = Failure;

    /// Reads a token; white space around it is ignored.
    ///
    /// # Errors
    /// [`super::FailureKind::Settings`] for a text that is not the base64 form of
    /// `user:password`.
    fn from_str(text: &str) -> Result<Token, Failure> {
        let token = wats_settings::token::read(text).map_err(Failure::settings)?;
        Ok(Token(token.to_owned()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Turns the address that a person wrote into the root of the server, without a trailing slash or `/api`.
///
/// # Errors
/// [`super::FailureKind::Settings`] for everything that is not the address of an HTTP server.
pub(super) fn root(address: &str) -> Result<Url, Failure> {
    address::check(address).map_err(Failure::settings)?;
    // The address itself is not repeated: it may hold credentials.
    let mut url = Url::parse(address.trim()).map_err(|error| {
        Failure::settings(format!("the server's address cannot be read: {error}; {}", address::WANTED))
    })?;
    let path = url.path().trim_end_matches('/');
    let is_api = path.to_ascii_lowercase().ends_with("/api");
    let root = if is_api { &path[..path.len() - "/api".len()] } else { path };
    let root = root.trim_end_matches('/').to_owned();
    url.set_path(&root);
    Ok(url)
}

/// Joins the root of the server and a path that starts with `/`.
pub(super) fn endpoint(root: &Url, path: &str) -> Url {
    let mut url = root.clone();
    url.set_path(&format!("{}{path}", root.path().trim_end_matches('/')));
    url
}
