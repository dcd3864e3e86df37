//! A certificate authority and a server certificate, made at start and forgotten at the end.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

/// What a server needs to speak HTTPS, and a client to trust it.
pub(crate) struct Identity {
    pub(crate) acceptor: TlsAcceptor,
    /// The authority's certificate as PEM.
    pub(crate) ca_pem: String,
}

/// How a server shows itself by HTTPS.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// Names and addresses in its certificate, beside `localhost` and the loopback addresses.
    pub names: Vec<String>,
    /// The file with the key of its authority, made where there is none: with it, a later server has another
    /// certificate of the same authority. Without it, each server has an authority of its own.
    pub authority_key: Option<PathBuf>,
    /// For how long its certificate holds, from yesterday on; without it, for centuries.
    pub valid: Option<Duration>,
}

/// Makes an identity.
pub(crate) fn identity(tls: &Tls) -> io::Result<Identity> {
    let key = tls.authority_key.as_deref().map_or_else(generate, kept)?;
    let authority = authority(key).map_err(io::Error::other)?;
    let key = generate()?;
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into_iter().chain(tls.names.clone());
    let mut params = CertificateParams::new(names.collect::<Vec<_>>()).map_err(io::Error::other)?;
    if let Some(valid) = tls.valid {
        let yesterday = SystemTime::now() - Duration::from_secs(24 * 3600);
        (params.not_before, params.not_after) = (yesterday.into(), (yesterday + valid).into());
    }
    let certificate = params.signed_by(&key, &authority).map_err(io::Error::other)?;
    let private_key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], private_key)
        })
        .map_err(io::Error::other)?;
    Ok(Identity { acceptor: TlsAcceptor::from(Arc::new(config)), ca_pem: authority.pem() })
}

fn generate() -> io::Result<KeyPair> {
    KeyPair::generate().map_err(io::Error::other)
}

/// The key in a file, which is made if it is missing.
fn kept(file: &Path) -> io::Result<KeyPair> {
    if !file.exists() {
        std::fs::write(file, generate()?.serialize_pem())?;
    }
    KeyPair::from_pem(&std::fs::read_to_string(file)?).map_err(io::Error::other)
}

fn authority(key: KeyPair) -> Result<CertifiedIssuer<'static, KeyPair>, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "wats-test-server authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, key)
}
