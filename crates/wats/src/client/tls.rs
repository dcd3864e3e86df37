//! Whom the client trusts.
//!
//! | system  | roots                                                     |
//! |---------|-----------------------------------------------------------|
//! | Windows | the system's own verifier, which installs roots on demand |
//! | macOS   | Mozilla's roots, compiled in                              |
//! | others  | the files of the system's store, also when they change    |
//!
//! The CA file adds to these, and holds authorities and certificates of servers: a server that shows a certificate
//! which is itself in the file is accepted as long as the certificate's time and names are right, whoever issued it.
//!
//! On macOS the system's store is not asked, because that needs Apple's frameworks, which a build on another system
//! does not have.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, SignatureScheme};

use super::certificate::{Trust, advise, check_time};
use super::failure::Failure;

/// Builds the TLS configuration: TLS 1.2 and 1.3, the roots of this system, and those of `ca_file`.
///
/// # Errors
/// [`super::FailureKind::Settings`] for a CA file that cannot be used.
pub(super) fn client_config(ca_file: Option<&Path>) -> Result<ClientConfig, Failure> {
    let certificates = ca_file.map(read_ca_file).transpose()?.unwrap_or_default();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let judge = Judge {
        system: system_verifier(Arc::clone(&provider))?,
        extra: extra_verifier(Arc::clone(&provider), &certificates)?,
        trust: Trust { ca_file: ca_file.map(Path::to_owned), certificates },
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::settings(format!("TLS cannot be set up: {error}")))?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(judge)).with_no_client_auth())
}

/// Judges what servers show: as the system does, else by the authorities in the CA file; and says what to do.
#[derive(Debug)]
struct Judge {
    system: Arc<dyn ServerCertVerifier>,
    extra: Option<Arc<WebPkiServerVerifier>>,
    trust: Trust,
}

impl Judge {
    fn by_authorities(
        &self,
        verify: &dyn Fn(&dyn ServerCertVerifier) -> Result<ServerCertVerified, Error>,
    ) -> Result<ServerCertVerified, Error> {
        let error = match verify(&*self.system) {
            Ok(verified) => return Ok(verified),
            // What the system knows to be revoked stays so.
            Err(error @ Error::InvalidCertificate(CertificateError::Revoked)) => return Err(error),
            Err(error) => error,
        };
        let Some(extra) = &self.extra else { return Err(error) };
        verify(&**extra).map_err(|of_extra| match of_extra {
            Error::InvalidCertificate(CertificateError::UnknownIssuer) => error,
            of_extra => of_extra,
        })
    }
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let judged = if self.trust.certificates.iter().any(|known| **known == **end_entity) {
            check_time(end_entity, now)
                .map_err(Error::InvalidCertificate)
                .and_then(|()| verify_server_name(&ParsedCertificate::try_from(end_entity)?, name))
                .map(|()| ServerCertVerified::assertion())
        } else {
            self.by_authorities(&|verifier| {
                verifier.verify_server_cert(end_entity, intermediates, name, ocsp_response, now)
            })
        };
        judged.map_err(|error| match error {
            Error::InvalidCertificate(reason) => {
                let chain: Vec<_> = std::iter::once(end_entity).chain(intermediates).collect();
                let advice = advise(&reason, &chain, &name.to_str(), &self.trust, now);
                Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(advice))))
            }
            error => error,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.system.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.system.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.system.supported_verify_schemes()
    }
}

/// Reads a PEM file; what is not a certificate in it (a comment, a key) is skipped.
fn read_ca_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let fail = |problem: String| Failure::settings(format!("CA file {}: {problem}", path.display()));
    // A pipe would keep everything waiting for whoever writes into it.
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        return Err(fail("is no file, but a folder, a pipe or a device".to_owned()));
    }
    let pem =
        std::fs::read(path).map_err(|error| fail(format!("{error}; check its path and permissions")))?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| fail(format!("damaged PEM ({error}); export the certificate again")))?;
    if certificates.is_empty() {
        return Err(fail(
            "holds no certificate; export the certificate authority's certificate as PEM \
             (Base64, -----BEGIN CERTIFICATE-----)"
                .to_owned(),
        ));
    }
    // Each is tried here, so that a damaged one is reported with its file, not at the first request.
    let mut check = rustls::RootCertStore::empty();
    for certificate in &certificates {
        check
            .add(certificate.clone())
            .map_err(|error| fail(format!("holds a certificate that cannot be read ({error})")))?;
    }
    Ok(certificates)
}

/// Judges by the authorities in the CA file; `None` without any.
fn extra_verifier(
    provider: Arc<CryptoProvider>,
    certificates: &[CertificateDer<'static>],
) -> Result<Option<Arc<WebPkiServerVerifier>>, Failure> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(certificates.iter().cloned());
    if roots.is_empty() { Ok(None) } else { of_roots(roots, provider).map(Some) }
}

pub(super) fn of_roots(
    roots: rustls::RootCertStore,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, Failure> {
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    verifier.map_err(|error| Failure::settings(format!("TLS cannot be set up: {error}")))
}

#[cfg(windows)]
fn system_verifier(provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, Failure> {
    let verifier = rustls_platform_verifier::Verifier::new(provider);
    Ok(Arc::new(
        verifier
            .map_err(|error| Failure::settings(format!("Windows cannot verify certificates: {error}")))?,
    ))
}

#[cfg(target_vendor = "apple")]
fn system_verifier(provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, Failure> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    Ok(of_roots(roots, provider)?)
}

#[cfg(all(unix, not(target_vendor = "apple")))]
fn system_verifier(provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, Failure> {
    Ok(Arc::new(super::store::Store::open(provider)?))
}
