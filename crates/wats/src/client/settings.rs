//! What a client needs to know, checked before the first request.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use reqwest::ClientBuilder;
use reqwest::header::HeaderValue;
use url::Url;

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
    /// What the environment says: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`.
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

/// Tokens are copied by hand; one without its padding is still unambiguous.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

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
        String::from_utf8(BASE64.decode(&self.0).ok()?).ok()
    }

    /// The `Authorization` header, marked as sensitive so that libraries do not print it either.
    pub(super) fn to_header(&self) -> Result<HeaderValue, Failure> {
        let mut value = HeaderValue::try_from(format!("Basic {}", self.0)).map_err(|_| token_failure())?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl FromStr for Token {
    type Err = Failure;

    /// Reads a token; white space around it is ignored.
    ///
    /// # Errors
    /// [`super::FailureKind::Configuration`] for a text that is not the base64 form of
    /// `user:password`.
    fn from_str(text: &str) -> Result<Token, Failure> {
        let text = text.trim();
        let decoded = BASE64.decode(text).map_err(|_| token_failure())?;
        if !decoded.contains(&b':') {
            return Err(token_failure());
        }
        Ok(Token(text.to_owned()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

fn token_failure() -> Failure {
    Failure::configuration(
        "the API token is not usable: expected the base64 form of user:password, as the WATS server \
         shows it; copy it again, without the word Basic, quotes or line breaks",
    )
}

/// Turns the address that a person wrote into the root of the server, without a trailing slash.
///
/// # Errors
/// [`super::FailureKind::Configuration`] for everything that is not the address of an HTTP server.
pub(super) fn normalize_url(address: &str) -> Result<Url, Failure> {
    const WANTED: &str = "write it as in https://company.wats.com";
    let address = address.trim();
    if address.is_empty() {
        return Err(Failure::configuration(format!("the server's address is missing; {WANTED}")));
    }
    // The address itself is not repeated: it may hold credentials.
    let mut url = Url::parse(address).map_err(|error| {
        Failure::configuration(format!("the server's address cannot be read: {error}; {WANTED}"))
    })?;
    let problem = if !matches!(url.scheme(), "http" | "https") {
        "does not start with https:// or http://"
    } else if !url.username().is_empty() || url.password().is_some() {
        "holds a user name or password, which belong into the API token"
    } else if url.query().is_some() || url.fragment().is_some() {
        "holds a query or a fragment"
    } else {
        let path = url.path().trim_end_matches('/');
        let is_api = path.to_ascii_lowercase().ends_with("/api");
        let root = if is_api { &path[..path.len() - "/api".len()] } else { path };
        let root = root.trim_end_matches('/').to_owned();
        url.set_path(&root);
        return Ok(url);
    };
    Err(Failure::configuration(format!("the server's address {problem}; {WANTED}")))
}

/// Joins the root of the server and a path that starts with `/`.
pub(super) fn endpoint(root: &Url, path: &str) -> Url {
    let mut url = root.clone();
    url.set_path(&format!("{}{path}", root.path().trim_end_matches('/')));
    url
}

/// Tells the HTTP library which way to take.
///
/// # Errors
/// [`super::FailureKind::Configuration`] for an address that is not that of an HTTP proxy.
pub(super) fn with_proxy(builder: ClientBuilder, proxy: &Proxy) -> Result<ClientBuilder, Failure> {
    let address = match proxy {
        Proxy::System => return Ok(builder),
        Proxy::None => return Ok(builder.no_proxy()),
        Proxy::Url(address) => address.trim(),
    };
    let unusable = |problem: &str| {
        Failure::configuration(format!(
            "the proxy's address {problem}; write it as in http://proxy.company.com:8080"
        ))
    };
    // The address is not repeated in a message: it may hold credentials.
    let url = Url::parse(address).map_err(|error| unusable(&format!("cannot be read ({error})")))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(unusable("does not start with http:// or https://"));
    }
    let proxy = reqwest::Proxy::all(url).map_err(|_| unusable("is not usable"))?;
    Ok(builder.proxy(proxy))
}
