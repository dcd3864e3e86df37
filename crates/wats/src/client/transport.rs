//! Requests that brought no complete answer: which hop failed, why, and what to do.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{AlertDescription, CertificateError, ClientConfig, ClientConnection};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

use super::body::one_line;
use super::certificate::Advice;
use super::failure::{Failure, FailureKind};
use super::resolver::NotFound;
use super::way::Hop;

/// How long each step of asking for TLS may take.
const PROBE: Duration = Duration::from_secs(1);

/// Judges a request to `server`, through `proxy` where there is one, that brought no complete answer.
pub(super) fn failure(error: &reqwest::Error, server: &Url, proxy: Option<&Hop>) -> Failure {
    let causes = causes(error);
    // The library does not name these errors.
    let says = |text: &str| causes.iter().any(|cause| cause.to_string().contains(text));
    if let Some(tls) = find::<rustls::Error>(&causes) {
        return Failure::new(FailureKind::Unreachable, tls_problem(tls, server, proxy));
    }
    if let (true, Some(proxy)) = (says("proxy authorization required"), proxy) {
        let message = format!(
            "the proxy {} ({}) asks for credentials; write them into the proxy's address, as in \
             http://user:password@proxy:8080",
            proxy.address, proxy.source
        );
        return Failure { status: Some(407), ..Failure::new(FailureKind::Gate, message) };
    }
    let last = causes.last().map(|cause| one_line(&cause.to_string())).unwrap_or_default();
    if !error.is_connect() {
        let through =
            proxy.map(|proxy| format!(" (through the proxy {})", proxy.address)).unwrap_or_default();
        let what = if error.is_timeout() {
            format!("the server did not answer in time{through}")
        } else {
            format!("the connection to the server broke{through}: {last}")
        };
        return Failure::new(FailureKind::Trouble, what);
    }
    let there = place(server);
    let message = match (proxy, find::<NotFound>(&causes)) {
        (Some(proxy), Some(name)) if name.name.eq_ignore_ascii_case(&proxy.host) => format!(
            "no connection to the proxy {}: its name is not found ({name}); check the proxy's address in {} and this \
             machine's DNS",
            proxy.address, proxy.source
        ),
        (_, Some(name)) => format!(
            "no connection to the server: its name {} is not found ({name}); check the name in its address and this \
             machine's DNS",
            name.name
        ),
        (Some(proxy), None) if says("tunnel error") && !says("underlying connection") => format!(
            "the proxy {} makes no connection to {there} ({last}); check the server's address, or ask whoever looks \
             after the proxy to allow it",
            proxy.address
        ),
        (Some(proxy), None) => format!(
            "no connection to the proxy {} ({}): {}",
            proxy.address,
            proxy.source,
            refusal(error, find::<io::Error>(&causes), &last)
        ),
        (None, None) => format!(
            "no connection to the server {there}: {}",
            refusal(error, find::<io::Error>(&causes), &last)
        ),
    };
    Failure::new(FailureKind::Unreachable, message)
}

/// Host and port.
fn place(url: &Url) -> String {
    let port = url.port_or_known_default().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}{port}", url.host_str().unwrap_or_default())
}

fn refusal(error: &reqwest::Error, system: Option<&io::Error>, last: &str) -> String {
    let advice = match system.map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => {
            "nothing listens there; is it running, and is the port right?"
        }
        Some(io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) => {
            "check this machine's network"
        }
        _ if error.is_timeout() => "no answer; is it running, or does a firewall drop what is sent there?",
        _ => return last.to_owned(),
    };
    if error.is_timeout() { advice.to_owned() } else { format!("{last}; {advice}") }
}

/// What TLS has against it. Certificates are explained where they are judged.
fn tls_problem(error: &rustls::Error, server: &Url, proxy: Option<&Hop>) -> String {
    let through = proxy.map(|proxy| format!(" through the proxy {}", proxy.address)).unwrap_or_default();
    let there = place(server);
    let what = match error {
        rustls::Error::InvalidCertificate(CertificateError::Other(other)) => match other
            .0
            .downcast_ref::<Advice>()
        {
            Some(advice) => return format!("{advice}{}", proxy.map_or("", |_| " (reached through a proxy)")),
            None => format!("the certificate of {there} is not accepted: {error}"),
        },
        rustls::Error::InvalidMessage(_) => format!(
            "{there} does not answer with TLS; check scheme and port of the server's address: write http:// if it is \
             meant to be without TLS, else the port of its https, mostly 443"
        ),
        rustls::Error::PeerIncompatible(_) => {
            format!("no common TLS version or cipher with {there} ({error}); it must offer TLS 1.2 or 1.3")
        }
        rustls::Error::AlertReceived(alert) => match alert {
            AlertDescription::HandshakeFailure
            | AlertDescription::ProtocolVersion
            | AlertDescription::InsufficientSecurity => {
                format!(
                    "{there} refuses TLS 1.2 and 1.3 as this client offers them ({alert:?}); it must offer one of them"
                )
            }
            AlertDescription::UnrecognisedName => {
                format!("{there} knows no site of this name; check the name in the server's address")
            }
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::AccessDenied => format!(
                "{there} wants a certificate of the client ({alert:?}), which this client does not have; the server \
                 must accept the API token alone"
            ),
            _ => format!("{there} ends the TLS handshake ({alert:?})"),
        },
        _ => format!("TLS with {there} fails: {error}"),
    };
    one_line(&format!("{what}{through}"))
}

/// A chain of errors from the outermost on. `io::Error` hides what it wraps from `source`, so it is opened.
fn causes<'e>(error: &'e (dyn StdError + 'static)) -> Vec<&'e (dyn StdError + 'static)> {
    let mut causes = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        causes.push(error);
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    causes
}

fn find<'e, E: StdError + 'static>(causes: &[&'e (dyn StdError + 'static)]) -> Option<&'e E> {
    // The innermost: what is around it only repeats it.
    causes.iter().rev().find_map(|cause| cause.downcast_ref())
}

/// Whether a server that is asked in plain HTTP speaks TLS at that port: whether it answers the beginning of a
/// handshake with a handshake or an alert.
pub(super) async fn speaks_tls(server: &Url, config: Arc<ClientConfig>) -> bool {
    first_byte(server, config).await.is_some_and(|byte| matches!(byte, 0x15 | 0x16))
}

async fn first_byte(server: &Url, config: Arc<ClientConfig>) -> Option<u8> {
    let host = server.host_str()?.trim_matches(['[', ']']);
    let name = ServerName::try_from(host.to_owned()).ok()?;
    let mut hello = Vec::new();
    ClientConnection::new(config, name).ok()?.write_tls(&mut hello).ok()?;
    let address = (host, server.port_or_known_default()?);
    let mut stream = timeout(PROBE, TcpStream::connect(address)).await.ok()?.ok()?;
    timeout(PROBE, stream.write_all(&hello)).await.ok()?.ok()?;
    timeout(PROBE, stream.read_u8()).await.ok()?.ok()
}
