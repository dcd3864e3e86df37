//! Files of certificates in PEM.

use crate::untrusted;
use anyhow::{Context, Result, anyhow, ensure};
use cms::cert::x509::Certificate;
use cms::cert::x509::der::{Decode, pem};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::fs;
use std::path::Path;

/// The certificates of a file, in DER. Whatever else it has is passed over, as OpenSSL does.
///
/// # Errors
/// If there are none, or one is damaged.
pub(crate) fn read(path: &Path) -> Result<Vec<Vec<u8>>> {
    let text = untrusted::read(path)?;
    let damaged = || format!("a certificate in {} is damaged", path.display());
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.with_context(damaged)?;
        Certificate::from_der(&certificate).with_context(damaged)?;
        found.push(certificate.to_vec());
    }
    ensure!(!found.is_empty(), "{} has no certificate in PEM", path.display());
    Ok(found)
}

/// Writes certificates into a file.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn write(path: &Path, certificates: &[Vec<u8>]) -> Result<()> {
    let mut text = String::new();
    for certificate in certificates {
        let one = pem::encode_string("CERTIFICATE", pem::LineEnding::LF, certificate);
        text += &one.map_err(|error| anyhow!("{error}"))?;
    }
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}
