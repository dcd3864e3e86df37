//! HTTP as everybody is spoken to: what may be waited for or sent again, and what must never go in the clear.
//!
//! With the address of a loopback interface it is a rehearsal: no TLS, no proxy, and waits are short.
//! Errors say the method, the address, what was answered, and what to do.

use crate::address::resolve;
use crate::shown::{hide, said, shown};
use anyhow::{Context, Result, anyhow, ensure};
use jiff::Timestamp;
use std::cell::Cell;
use std::io::Read;
use std::thread;
use std::time::{Duration, SystemTime};
use ureq::http::{HeaderMap, Request, Response, Uri};
use ureq::{Agent, AsSendBody, Body};

/// How often something that may be repeated is tried.
const TRIES: u32 = 4;
/// The longest wait for a rate limit.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(180);
/// The wait if a server wants one and names no time.
pub(crate) const DEFAULT_WAIT: Duration = Duration::from_secs(60);
/// How far clocks may differ.
const CLOCKS: Duration = Duration::from_secs(600);
/// The slowest line that is waited for, in bytes a second.
const SLOWEST: u64 = 20_000;
/// The largest answer that is read into memory.
const LARGEST: u64 = 64 << 20;

/// A token, and where it came from.
pub(crate) struct Token {
    /// What is sent.
    pub(crate) secret: String,
    /// Where it came from, for errors.
    pub(crate) from: String,
}

impl Token {
    /// Refuses what cannot be one.
    ///
    /// # Errors
    /// If it cannot be sent; the error does not show it.
    pub(crate) fn check(&self) -> Result<()> {
        ensure!(
            !self.secret.is_empty() && self.secret.chars().all(|c| c.is_ascii_graphic()),
            "what {} holds is no token: put in the token and nothing else",
            self.from
        );
        Ok(())
    }
}

/// Whether a request may be sent again if nobody knows what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// It ends the same, however often it is sent.
    Harmless,
    /// Sent twice it may do something twice.
    Never,
}

/// No answer came, or that of a server in trouble: nobody knows whether the request was carried out.
#[derive(Debug)]
pub(crate) struct Interrupted(String);

impl Interrupted {
    /// In these words.
    pub(crate) fn new(said: String) -> Interrupted {
        Interrupted(said)
    }
}

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Interrupted {}

/// Whether an error says that nobody knows what became of the request.
pub(crate) fn is_interrupted(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Interrupted>().is_some()
}

/// Connections to one server, and to those that it sends us to.
pub(crate) struct Wire {
    agent: Agent,
    is_rehearsal: bool,
    knows_the_time: Cell<bool>,
}

impl Wire {
    /// To the server at an address.
    ///
    /// # Errors
    /// If the address is neither https nor that of a loopback interface.
    pub(crate) fn new(address: &str) -> Result<Wire> {
        let is_rehearsal = is_loopback(address);
        ensure!(
            is_rehearsal || (address.starts_with("https://") && !address.contains('@')),
            "the address {address} is to begin with https://; plain http is for rehearsals on this machine"
        );
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            // Redirects are followed by us, where the token can be left behind.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .https_only(!is_rehearsal)
            .user_agent(concat!(env!("CARGO_PKG_NAME"), " of a release"))
            .timeout_resolve(Some(Duration::from_secs(20)))
            .timeout_connect(Some(Duration::from_secs(20)))
            .timeout_recv_response(Some(Duration::from_secs(120)));
        if is_rehearsal {
            config = config.proxy(None);
        }
        Ok(Wire { agent: config.build().new_agent(), is_rehearsal, knows_the_time: Cell::new(false) })
    }

    /// One request and the beginning of its answer; `limit` is for the body.
    ///
    /// # Errors
    /// If no answer comes, or the server has another time than this machine; see [`is_interrupted`].
    pub(crate) fn exchange<B: AsSendBody>(
        &self,
        request: Request<B>,
        limit: Duration,
    ) -> Result<Response<Body>> {
        let what = format!("{} {}", request.method(), without_query(&request.uri().to_string()));
        let request = self.agent.configure_request(request);
        let request = request.timeout_send_body(Some(limit)).timeout_recv_body(Some(limit)).build();
        let response = self.agent.run(request).map_err(|error| unreached(&what, &error))?;
        if !self.knows_the_time.replace(true) {
            check_clock(text(response.headers(), "date"), SystemTime::now())?;
        }
        Ok(response)
    }

    /// Tries again what may be tried again.
    ///
    /// # Errors
    /// That of the last attempt.
    pub(crate) fn patiently<T>(&self, again: Again, attempt: impl Fn() -> Result<T>) -> Result<T> {
        let mut tries = 1;
        loop {
            let error = match attempt() {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let wait = match error.downcast_ref::<Busy>() {
                // It was not carried out, so that any request may be sent again.
                Some(Busy { wait, .. }) if *wait <= LONGEST_WAIT => {
                    eprintln!("{}", shown(&format!("{error:#}")));
                    *wait
                }
                None if is_interrupted(&error) && again == Again::Harmless => {
                    self.in_rehearsal(Duration::from_secs(1 << (2 * (tries - 1))))
                }
                _ => return Err(error),
            };
            if tries == TRIES {
                return Err(error);
            }
            tries += 1;
            thread::sleep(wait);
        }
    }

    fn in_rehearsal(&self, wait: Duration) -> Duration {
        if self.is_rehearsal { wait / 1000 } else { wait }
    }

    /// Refuses an address that a token, or a release, must not go to.
    ///
    /// # Errors
    /// If it is in the clear, or in a rehearsal not on this machine.
    pub(crate) fn check_trusted(&self, url: &str) -> Result<()> {
        let is_fine = if self.is_rehearsal { is_loopback(url) } else { url.starts_with("https://") };
        ensure!(
            is_fine,
            "the server sends us to {}, which is not trusted: it is to be an address {}; log in to this network if it wants that, or ask who looks after the server",
            without_query(url),
            if self.is_rehearsal { "of this machine, in a rehearsal" } else { "that begins with https://" }
        );
        Ok(())
    }

    /// Where a server sends us to, by the header `Location` of its answer to a request at an address.
    ///
    /// # Errors
    /// If it names no place, or one that is not trusted.
    pub(crate) fn place(&self, request: &str, url: &str, headers: &HeaderMap) -> Result<String> {
        let location = text(headers, "location").filter(|location| !location.is_empty());
        let location = location.with_context(|| {
            format!("{request}: the server sends us on and does not say where (it has no Location): run this again; if it stays so, ask who looks after the server")
        })?;
        let place = resolve(url, location).with_context(|| {
            format!(
                "{request}: the server sends us to {:?}, which is no address: ask who looks after the server",
                without_query(location)
            )
        })?;
        // What opens it for whoever has it, which the server may repeat. Short values are no secrets.
        let query = place.split_once('?').map_or("", |(_, query)| query);
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let name = name.to_ascii_lowercase();
            if value.len() >= 16 && ["sig", "token", "state", "secret"].iter().any(|part| name.contains(part))
            {
                hide(value);
            }
        }
        self.check_trusted(&place).with_context(|| format!("following {request}"))?;
        Ok(place)
    }
}

/// The body of an answer.
///
/// # Errors
/// If it is broken off; see [`is_interrupted`].
pub(crate) fn read_body(request: &str, response: Response<Body>) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    let read = response.into_body().into_reader().take(LARGEST + 1).read_to_end(&mut body);
    read.map_err(|error| broken_off(request, &error))?;
    ensure!(
        body.len() as u64 <= LARGEST,
        "{request}: the answer is larger than {LARGEST} bytes, and so is not what was asked for: check the address"
    );
    Ok(body)
}

/// What to say if an answer ends before its end.
pub(crate) fn broken_off(request: &str, error: &std::io::Error) -> Interrupted {
    Interrupted(format!(
        "{request}: the answer was broken off ({error}): check the network and run this again, it goes on where it was"
    ))
}

/// The server wants to be left alone for a while; the request was not carried out.
#[derive(Debug)]
pub(crate) struct Busy {
    /// What it is called.
    pub(crate) who: String,
    /// The request and what was answered.
    pub(crate) said: String,
    /// How long it wants that.
    pub(crate) wait: Duration,
}

impl std::fmt::Display for Busy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}: {} wants to be left alone for {} s; if it goes on so, run this again later",
            self.said,
            self.who,
            self.wait.as_secs()
        )
    }
}

impl std::error::Error for Busy {}

/// What to say if there is no answer.
fn unreached(request: &str, error: &ureq::Error) -> anyhow::Error {
    let said = said(&error.to_string());
    let low = said.to_lowercase();
    let is_certificate = low.contains("certificate");
    if is_certificate
        && (low.contains("expired") || low.contains("not valid yet") || low.contains("notvalidyet"))
    {
        return anyhow!(
            "{request}: the server's certificate is not valid at the time of this machine ({said}): check this machine's clock"
        );
    }
    match error {
        ureq::Error::BadUri(_) | ureq::Error::RequireHttpsOnly(_) | ureq::Error::Http(_) => {
            anyhow!("{request}: {said}")
        }
        _ if is_certificate => anyhow!(
            "{request}: the server is not who it says ({said}): ask who looks after this network whether it looks into TLS"
        ),
        _ => Interrupted(format!(
            "{request}: no answer ({said}): check the network and run this again, it goes on where it was"
        ))
        .into(),
    }
}

/// Refuses to work with a clock that is wrong: signatures and limits depend on it.
fn check_clock(date: Option<&str>, now: SystemTime) -> Result<()> {
    let parser = jiff::fmt::rfc2822::DateTimeParser::new();
    let Some(theirs) = date.and_then(|date| parser.parse_timestamp(date).ok()) else {
        return Ok(());
    };
    let ours = Timestamp::try_from(now).context("this machine's clock is set to no time at all: set it")?;
    let ahead = ours.as_second() - theirs.as_second();
    ensure!(
        ahead.unsigned_abs() <= CLOCKS.as_secs(),
        "this machine's clock says {} when it is {} for the server: set the clock",
        ours.strftime("%F %H:%M UTC"),
        theirs.strftime("%F %H:%M UTC")
    );
    Ok(())
}

/// Whether an address is one of this machine.
pub(crate) fn is_loopback(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let has_user = uri.authority().is_none_or(|authority| authority.as_str().contains('@'));
    let host = uri.host().unwrap_or_default();
    !has_user && uri.scheme_str() == Some("http") && ["127.0.0.1", "[::1]", "localhost"].contains(&host)
}

/// An address as it may be shown: what follows `?` may be a signature that opens it for whoever has it.
pub(crate) fn without_query(url: &str) -> String {
    said(url.split('?').next().unwrap_or(url))
}

/// How long a body of so many bytes may take.
pub(crate) fn time_for(size: u64) -> Duration {
    Duration::from_secs(120 + size / SLOWEST)
}

/// A header, if it is text.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    /// Fails if: a wrong clock is not noticed, or a right one is.
    #[test]
    fn notices_a_wrong_clock() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT"); // 784111777
        check_clock(date, at(784_111_777 + 500)).unwrap();
        check_clock(None, at(0)).unwrap();
        check_clock(Some("nonsense"), at(0)).unwrap();
        for wrong in [0, 784_111_777 - 700, 784_111_777 + 700, 4_000_000_000] {
            let error = check_clock(date, at(wrong)).unwrap_err().to_string();
            assert!(error.contains("set the clock"), "{error}");
        }
    }

    /// Fails if: an error of the connection does not say what to do, or a wrong clock is taken for a broken network.
    #[test]
    fn says_what_is_wrong_with_the_connection() {
        let io = |text: &str| ureq::Error::Io(io::Error::other(text.to_owned()));
        for (error, message, interrupted) in [
            (ureq::Error::HostNotFound, "check the network", true),
            (io("Connection refused (os error 111)"), "check the network", true),
            (
                io("invalid peer certificate: certificate expired: verification time 5"),
                "check this machine's clock",
                false,
            ),
            (
                io("invalid peer certificate: certificate not valid yet: verification time 5"),
                "machine's clock",
                false,
            ),
            (io("invalid peer certificate: UnknownIssuer"), "looks into TLS", false),
        ] {
            let error = unreached("GET https://a/b", &error);
            assert!(error.to_string().contains(message), "{error}");
            assert!(error.to_string().starts_with("GET https://a/b: "), "{error}");
            assert_eq!(is_interrupted(&error), interrupted, "{error}");
        }
    }
}
