//! Requests that brought no complete answer: which hop failed, why, and what to do.

use std::error::Error as StdError;
use std::io;

use rustls::CertificateError;

use super::body::one_line;
use super::failure::{Failure, FailureKind};

/// Judges a request that brought no complete answer.
pub(super) fn failure(error: reqwest::Error) -> Failure {
    // The address is dropped: the caller knows it, and errors are printed in places where it
    // has no business.
    let error = error.without_url();
    if let Some(failure) = certificate_failure(&error) {
        return failure;
    }
    let chain = chain_text(&error);
    if chain.contains("proxy authorization required") {
        return Failure::new(
            FailureKind::Gate,
            "the proxy asks for credentials; write them into the proxy's address, as in \
             http://user:password@proxy:8080",
        );
    }
    let (kind, what) = if error.is_connect() {
        (FailureKind::Unreachable, "no connection to the server")
    } else if error.is_timeout() {
        (FailureKind::Trouble, "the server did not answer in time")
    } else {
        (FailureKind::Trouble, "the connection to the server broke")
    };
    Failure::new(kind, format!("{what}: {}", one_line(&chain)))
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
    Some(Failure::new(FailureKind::Unreachable, one_line(&message)))
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
