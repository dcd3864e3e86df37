//! Which way requests take: straight to the server, or through a proxy, and who says so.
//!
//! `Proxy::System` means the environment, which [`reqwest`] reads by itself, and on Windows, where the environment
//! names no proxy, the system's own settings (see [`super::winhttp`]): these can change while the client lives.

use std::sync::Arc;
#[cfg(windows)]
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::ClientBuilder;
use url::Url;

use super::failure::Failure;
use super::settings::Proxy;

/// A proxy on the way, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hop {
    /// Scheme, host and port.
    pub(super) address: String,
    pub(super) host: String,
    /// Who named it.
    pub(super) source: &'static str,
}

impl Hop {
    fn new(url: &Url, source: &'static str) -> Hop {
        Hop {
            address: url.origin().ascii_serialization(),
            host: url.host_str().unwrap_or_default().to_owned(),
            source,
        }
    }
}

/// See the module.
#[derive(Clone)]
pub(super) struct Way(Arc<Kind>);

enum Kind {
    /// What [`reqwest`] finds in the environment: a proxy or none.
    Environment(Option<Hop>),
    Straight,
    Proxy(Url),
    #[cfg(windows)]
    System(System),
}

impl Way {
    /// The way to the server at `root`.
    ///
    /// # Errors
    /// [`super::FailureKind::Settings`] for an address that is not that of an HTTP proxy.
    pub(super) fn new(proxy: &Proxy, root: &Url) -> Result<Way, Failure> {
        let kind = match proxy {
            Proxy::None => Kind::Straight,
            Proxy::Url(address) => Kind::Proxy(read(address.trim())?),
            #[cfg(windows)]
            Proxy::System if !environment_has_proxy() => Kind::System(System::new(root.clone())),
            Proxy::System => {
                let hop = |(address, _): (String, _)| Ok(Hop::new(&read(&address)?, "the environment"));
                Kind::Environment(of_environment(root).map(hop).transpose()?)
            }
        };
        Ok(Way(Arc::new(kind)))
    }

    /// Tells the HTTP library.
    pub(super) fn apply(&self, builder: ClientBuilder) -> Result<ClientBuilder, Failure> {
        Ok(match &*self.0 {
            Kind::Environment(_) => builder,
            Kind::Straight => builder.no_proxy(),
            Kind::Proxy(url) => {
                builder.proxy(reqwest::Proxy::all(url.clone()).map_err(|_| unusable("is not usable"))?)
            }
            #[cfg(windows)]
            Kind::System(_) => {
                let way = self.clone();
                builder.proxy(reqwest::Proxy::custom(move |_| way.of_system()))
            }
        })
    }

    /// The proxy that requests take now.
    pub(super) fn proxy(&self) -> Option<Hop> {
        match &*self.0 {
            Kind::Environment(hop) => hop.clone(),
            Kind::Straight => None,
            Kind::Proxy(url) => Some(Hop::new(url, "server.proxy")),
            #[cfg(windows)]
            Kind::System(_) => self.of_system().map(|url| Hop::new(&url, "the settings of Windows")),
        }
    }

    /// Asks the system again, where its answer may have changed. `failed`: the last request did not get through.
    #[cfg_attr(not(windows), allow(clippy::unused_async))]
    pub(super) async fn refresh(&self, failed: bool) {
        #[cfg(windows)]
        if let Kind::System(system) = &*self.0
            && system.is_old(failed)
        {
            let way = self.clone();
            // Looking for a proxy can take long in a network that has none; its answer then serves the next request.
            let asked = tokio::task::spawn_blocking(move || {
                if let Kind::System(system) = &*way.0 {
                    system.ask();
                }
            });
            drop(tokio::time::timeout(std::time::Duration::from_secs(20), asked).await);
        }
        #[cfg(not(windows))]
        let _ = failed;
    }

    #[cfg(windows)]
    fn of_system(&self) -> Option<Url> {
        match &*self.0 {
            Kind::System(system) => system.known.lock().unwrap_or_else(PoisonError::into_inner).0.clone(),
            _ => None,
        }
    }
}

/// The answer of the system, and when it was asked.
#[cfg(windows)]
struct System {
    root: Url,
    known: Mutex<(Option<Url>, Option<std::time::Instant>)>,
}

#[cfg(windows)]
impl System {
    fn new(root: Url) -> System {
        System { root, known: Mutex::default() }
    }

    fn is_old(&self, failed: bool) -> bool {
        let limit = std::time::Duration::from_secs(if failed { 30 } else { 600 });
        let asked = self.known.lock().unwrap_or_else(PoisonError::into_inner).1;
        asked.is_none_or(|asked| asked.elapsed() > limit)
    }

    fn ask(&self) {
        let found = super::winhttp::proxy_for(&self.root);
        let now = std::time::Instant::now();
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = (found, Some(now));
    }
}

/// Whether the environment says anything of proxies; then nothing else counts.
#[cfg(windows)]
fn environment_has_proxy() -> bool {
    ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// The proxy that the environment names for this server, and the credentials in its address, in base64.
fn of_environment(root: &Url) -> Option<(String, Option<String>)> {
    let intercept = Matcher::from_env().intercept(&root.as_str().parse().ok()?)?;
    let credentials = intercept.basic_auth().and_then(|header| header.to_str().ok());
    let credentials = credentials.and_then(|text| text.strip_prefix("Basic ")).map(str::to_owned);
    Some((intercept.uri().to_string(), credentials))
}

/// The credentials of the proxy to this server, as they are sent and in plain.
pub(super) fn credentials(proxy: &Proxy, root: &Url) -> Vec<String> {
    match proxy {
        Proxy::None => Vec::new(),
        Proxy::Url(address) => {
            let before_host = address.rsplit_once('@').map(|(before, _)| before);
            let plain =
                before_host.and_then(|before| before.split_once("//")).map(|(_, plain)| plain.to_owned());
            plain.into_iter().flat_map(|plain| [STANDARD.encode(&plain), plain]).collect()
        }
        Proxy::System => {
            let sent = of_environment(root).and_then(|(_, credentials)| credentials);
            let plain = |sent: &String| String::from_utf8(STANDARD.decode(sent).ok()?).ok();
            sent.into_iter().flat_map(|sent| [plain(&sent), Some(sent)]).flatten().collect()
        }
    }
}

fn read(address: &str) -> Result<Url, Failure> {
    // The address is not repeated in a message: it may hold credentials.
    let url = Url::parse(address).map_err(|error| unusable(&format!("cannot be read ({error})")))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(unusable("does not start with http:// or https://"));
    }
    Ok(url)
}

fn unusable(problem: &str) -> Failure {
    Failure::settings(format!(
        "the proxy's address {problem}; write it as in http://proxy.company.com:8080, and what is neither letter nor \
         digit in a password as in %2F"
    ))
}
