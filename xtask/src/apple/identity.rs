//! Who signs for macOS: a key and its certificates, read by OpenSSL and kept in memory.
//!
//! OpenSSL opens every PKCS#12 file and every encrypted key. The engine opens only PKCS#12 files of the old kind, and calls
//! the others' password wrong.

use crate::authenticode::certificates;
use crate::sign::Secret;
use crate::toolchain::rust::clean_command;
use anyhow::{Context, Result, anyhow, bail, ensure};
use cms::cert::x509::Certificate;
use cms::cert::x509::der::asn1::ObjectIdentifier;
use cms::cert::x509::der::{Decode, Encode, pem};
use cms::cert::x509::ext::Extension;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::SystemTime;

/// The unit of an organisation, which in Apple's certificates is the team.
const UNIT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.11");

const MISSING: &str = "openssl is needed (Debian: apt-get install openssl)";

/// What OpenSSL says of an algorithm that it keeps apart.
const OLD: &str = "inner_evp_generic_fetch:unsupported";

/// What a certificate of Apple's Developer ID programme is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usage {
    /// Programs, bundles and disk images.
    Application,
    /// Flat packages.
    Installer,
}

impl Usage {
    /// As Apple writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Usage::Application => "Developer ID Application",
            Usage::Installer => "Developer ID Installer",
        }
    }

    /// The extension that says so in a certificate.
    fn extension(self) -> ObjectIdentifier {
        match self {
            Usage::Application => ObjectIdentifier::new_unwrap("1.2.840.113635.100.6.1.13"),
            Usage::Installer => ObjectIdentifier::new_unwrap("1.2.840.113635.100.6.1.14"),
        }
    }
}

/// See the [module](self). It cannot be shown.
pub(crate) struct Identity {
    /// Key and certificates in PEM, the certificate of the key first.
    pub(crate) pem: String,
    /// The ten letters and digits by which Apple knows the organisation.
    pub(crate) team: String,
}

impl Identity {
    /// Reads a PKCS#12 file, and further certificates.
    ///
    /// # Errors
    /// If a file cannot be read, the password is wrong, or the certificate is not one to sign with now.
    pub(crate) fn from_pkcs12(
        file: &Path,
        chain: Option<&Path>,
        password: Option<&Secret>,
        usage: Usage,
    ) -> Result<Identity> {
        let open = |more: &[&str]| openssl(&["pkcs12", "-nodes", "-in"], file, more, password);
        let text = match open(&[]) {
            // Files of the old kind, such as those of the Keychain, need algorithms that OpenSSL 3 keeps apart.
            Err(error) if format!("{error:#}").contains(OLD) => open(&["-legacy"]),
            other => other,
        };
        let text = text.with_context(|| format!("opening {}", file.display()))?;
        let mut all = read(text.as_bytes()).with_context(|| format!("reading {}", file.display()))?;
        if let Some(chain) = chain {
            all.extend(certificates::read(chain)?);
        }
        Identity::new(&text, all, usage)
            .with_context(|| format!("{} is nothing to sign with", file.display()))
    }

    /// Reads PEM files.
    ///
    /// # Errors
    /// As [`Identity::from_pkcs12`].
    pub(crate) fn from_pem(
        key: &Path,
        certificates: &Path,
        chain: Option<&Path>,
        password: Option<&Secret>,
        usage: Usage,
    ) -> Result<Identity> {
        let text = openssl(&["pkey", "-in"], key, &[], password)
            .with_context(|| format!("opening {}", key.display()))?;
        let mut all = certificates::read(certificates)?;
        if let Some(chain) = chain {
            all.extend(certificates::read(chain)?);
        }
        Identity::new(&text, all, usage)
            .with_context(|| format!("{} is nothing to sign with", certificates.display()))
    }

    fn new(key: &str, all: Vec<Vec<u8>>, usage: Usage) -> Result<Identity> {
        let key = block(key).context("there is no key in it")?;
        let mut parsed: Vec<(Certificate, Vec<u8>)> = Vec::new();
        for der in all {
            let certificate = Certificate::from_der(&der).context("a certificate is damaged")?;
            if parsed.iter().all(|(other, _)| *other != certificate) {
                parsed.push((certificate, der));
            }
        }
        // That of the key vouches for no other.
        let subjects: Vec<_> = parsed.iter().map(|(one, _)| one.tbs_certificate.issuer.clone()).collect();
        let is_leaf = |one: &Certificate| {
            let of = &one.tbs_certificate;
            of.subject == of.issuer && subjects.len() == 1 || !subjects.contains(&of.subject)
        };
        parsed.sort_by_key(|(one, _)| !is_leaf(one));
        let (first, _) = parsed.first().context("there is no certificate in it")?;
        check(first, usage)?;
        ensure!(
            public_key(key)? == first.tbs_certificate.subject_public_key_info.to_der()?,
            "the key is that of another certificate than that of {}",
            first.tbs_certificate.subject
        );
        let team = team(first).with_context(|| {
            format!("the certificate of {} names no team (OU)", first.tbs_certificate.subject)
        })?;
        let mut text = key.to_owned();
        for (_, der) in &parsed {
            let one = pem::encode_string("CERTIFICATE", pem::LineEnding::LF, der);
            text += &one.map_err(|error| anyhow!("{error}"))?;
        }
        Ok(Identity { pem: text, team })
    }
}

/// Refuses a certificate that is for something else, or not valid now.
fn check(certificate: &Certificate, usage: Usage) -> Result<()> {
    let of = &certificate.tbs_certificate;
    ensure!(
        is_for(certificate, usage),
        "the certificate of {} is no {} certificate, which Gatekeeper and the notary want",
        of.subject,
        usage.name()
    );
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).context("the clock is wrong")?;
    let [from, until] = [of.validity.not_before, of.validity.not_after];
    ensure!(
        now <= until.to_unix_duration(),
        "the certificate of {} has expired: it was valid until {}; get a new one from developer.apple.com",
        of.subject,
        until.to_date_time()
    );
    ensure!(
        now >= from.to_unix_duration(),
        "the certificate of {} is not valid before {}",
        of.subject,
        from.to_date_time()
    );
    Ok(())
}

/// Whether Apple handed a certificate out for this.
pub(crate) fn is_for(certificate: &Certificate, usage: Usage) -> bool {
    let extensions: &[Extension] = certificate.tbs_certificate.extensions.as_deref().unwrap_or_default();
    extensions.iter().any(|extension| extension.extn_id == usage.extension())
}

/// The team that a certificate is for.
pub(crate) fn team(certificate: &Certificate) -> Option<String> {
    let names = certificate.tbs_certificate.subject.0.iter().flat_map(|names| names.0.iter());
    let unit = names.into_iter().find(|name| name.oid == UNIT)?;
    // Tag and length are two bytes, since it is short.
    let text = unit.value.to_der().ok()?.split_off(2);
    String::from_utf8(text).ok().filter(|text| !text.is_empty())
}

fn read(text: &[u8]) -> Result<Vec<Vec<u8>>> {
    let certificates = CertificateDer::pem_slice_iter(text);
    certificates.map(|one| Ok(one.map_err(|_| anyhow!("a certificate in it is damaged"))?.to_vec())).collect()
}

/// The first private key in PEM.
fn block(text: &str) -> Option<&str> {
    let begin = text.find("-----BEGIN PRIVATE KEY-----")?;
    let end = "-----END PRIVATE KEY-----\n";
    let length = text[begin..].find(end)? + end.len();
    Some(&text[begin..begin + length])
}

/// The public half of a private key, both in PEM; as certificates have it.
fn public_key(key: &str) -> Result<Vec<u8>> {
    let mut command = clean_command("openssl", &["OPENSSL_"]);
    let mut child = command
        .args(["pkey", "-pubout", "-outform", "DER"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context(MISSING)?;
    // It reads all before it writes. What ends too early says why.
    drop(child.stdin.take().map(|mut input| input.write_all(key.as_bytes())));
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "openssl pkey -pubout cannot read the key: {}", said.trim());
    Ok(output.stdout)
}

/// What openssl prints of a file with a key. Nothing of that ever shows.
fn openssl(words: &[&str], file: &Path, more: &[&str], password: Option<&Secret>) -> Result<String> {
    let mut command = clean_command("openssl", &["OPENSSL_"]);
    command.args(words).arg(file).args(more);
    match password {
        Some(password) => command.args(["-passin", "stdin"]).stdin(password.input()?),
        None => command.args(["-passin", "pass:"]).stdin(Stdio::null()),
    };
    let output = command.output().context(MISSING)?;
    if output.status.success() {
        return String::from_utf8(output.stdout).context("it is not text");
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let wrong = ["invalid password", "bad decrypt", "wrong password", "empty password"];
    if wrong.iter().any(|words| said.contains(words)) {
        bail!(
            "the password is missing or wrong (it is taken from the place that the configuration names, or from {})",
            crate::sign::VARIABLE
        );
    }
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    ensure!(!lines.is_empty(), "openssl cannot read it: it is empty, cut off, or something else");
    bail!("openssl cannot read it: {}", lines.join("; "))
}
