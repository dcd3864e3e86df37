//! The system's certificate store: its files, read again when they have changed, so that an authority that was added or
//! taken away counts without a restart.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::failure::Failure;
use super::tls::of_roots;

/// Judges by the authorities that the system trusts at the moment.
#[derive(Debug)]
pub(super) struct Store {
    provider: Arc<CryptoProvider>,
    /// `None` is a system that trusts nobody: a verifier of `rustls` needs one authority at least.
    last: Mutex<(Stamp, Option<Arc<WebPkiServerVerifier>>)>,
}

/// What tells one state of the store from another: of each of its files and folders, when it was changed and how large
/// it is.
type Stamp = Vec<(PathBuf, Option<(SystemTime, u64)>)>;

impl Store {
    /// Reads the store.
    ///
    /// # Errors
    /// If its authorities cannot be used.
    pub(super) fn open(provider: Arc<CryptoProvider>) -> Result<Self, Failure> {
        let read = (stamp(), read(&provider)?);
        Ok(Store { provider, last: Mutex::new(read) })
    }

    fn current(&self) -> Option<Arc<WebPkiServerVerifier>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = stamp();
        if last.0 != now {
            match read(&self.provider) {
                Ok(verifier) => {
                    tracing::info!("the system's certificate store has changed and was read again");
                    *last = (now, verifier);
                }
                Err(failure) => {
                    tracing::warn!("the system's certificate store as it was stays in force: {failure}");
                }
            }
        }
        last.1.clone()
    }
}

impl ServerCertVerifier for Store {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.current() {
            Some(verifier) => {
                verifier.verify_server_cert(end_entity, intermediates, name, ocsp_response, now)
            }
            None => Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signature, self.algorithms())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, self.algorithms())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms().supported_schemes()
    }
}

impl Store {
    fn algorithms(&self) -> &rustls::crypto::WebPkiSupportedAlgorithms {
        &self.provider.signature_verification_algorithms
    }
}

/// The files and folders that are read, as they are at the moment.
fn stamp() -> Stamp {
    let places = openssl_probe::probe();
    let state = |path: PathBuf| {
        let found = fs::metadata(&path).ok();
        let state = found.and_then(|found| Some((found.modified().ok()?, found.len())));
        (path, state)
    };
    places.cert_file.into_iter().chain(places.cert_dir).map(state).collect()
}

fn read(provider: &Arc<CryptoProvider>) -> Result<Option<Arc<WebPkiServerVerifier>>, Failure> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!("a part of the system's certificate store cannot be read: {error}");
    }
    let mut roots = RootCertStore::empty();
    // Stores hold old certificates that no modern library reads; the others are good.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        tracing::warn!(
            "this system trusts no certificate authority; install the package ca-certificates or set a CA file"
        );
        return Ok(None);
    }
    of_roots(roots, Arc::clone(provider)).map(Some)
}
