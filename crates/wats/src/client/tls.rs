//! Whom the client trusts.
//!
//! | system  | roots                                                     |
//! |---------|-----------------------------------------------------------|
//! | Windows | the system's own verifier, which installs roots on demand |
//! | macOS   | Mozilla's roots, compiled in                              |
//! | others  | the files of the system's store                           |
//!
//! The CA file adds to these. On macOS the system's store is not asked, because that needs Apple's
//! frameworks, which a build on another system does not have.
//!
//! Wine 8.0 refuses the kind of chain engine that a CA file needs: there, a CA file is a
//! configuration error.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ConfigBuilder, WantsVerifier, client::WantsClientCert};

use super::failure::Failure;

/// Builds the TLS configuration: TLS 1.2 and 1.3, the roots of this system, and those of `ca_file`.
///
/// # Errors
/// [`super::FailureKind::Configuration`] for a CA file that cannot be used.
pub(super) fn client_config(ca_file: Option<&Path>) -> Result<ClientConfig, Failure> {
    let extra = ca_file.map(read_ca_file).transpose()?.unwrap_or_default();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::configuration(format!("TLS cannot be set up: {error}")))?;
    Ok(with_roots(builder, provider, extra)?.with_no_client_auth())
}

/// Reads a PEM file; what is not a certificate in it (a comment, a key) is skipped.
fn read_ca_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let fail = |problem: String| Failure::configuration(format!("CA file {}: {problem}", path.display()));
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

#[cfg(windows)]
fn with_roots(
    builder: ConfigBuilder<ClientConfig, WantsVerifier>,
    provider: Arc<CryptoProvider>,
    extra: Vec<CertificateDer<'static>>,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, Failure> {
    use rustls_platform_verifier::Verifier;
    let verifier = if extra.is_empty() {
        Verifier::new(provider)
    } else {
        Verifier::new_with_extra_roots(extra, provider)
    }
    .map_err(|error| Failure::configuration(format!("Windows cannot verify certificates: {error}")))?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)))
}

#[cfg(not(windows))]
fn with_roots(
    builder: ConfigBuilder<ClientConfig, WantsVerifier>,
    _provider: Arc<CryptoProvider>,
    extra: Vec<CertificateDer<'static>>,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, Failure> {
    let mut roots = system_roots();
    roots.add_parsable_certificates(extra);
    if roots.is_empty() {
        tracing::warn!(
            "this system trusts no certificate authority; install the package ca-certificates or set a CA file"
        );
    }
    Ok(builder.with_root_certificates(roots))
}

#[cfg(target_vendor = "apple")]
fn system_roots() -> rustls::RootCertStore {
    rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

#[cfg(all(unix, not(target_vendor = "apple")))]
fn system_roots() -> rustls::RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!("a part of the system's certificate store cannot be read: {error}");
    }
    let mut roots = rustls::RootCertStore::empty();
    // Stores hold old certificates that no modern library reads; the others are good.
    roots.add_parsable_certificates(found.certs);
    roots
}
