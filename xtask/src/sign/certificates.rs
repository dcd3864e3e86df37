//! Files of certificates in PEM.

use anyhow::{Context, Result, anyhow, ensure};
use cms::cert::x509::Certificate;
use cms::cert::x509::der::{Decode, pem};
use std::fs;
use std::path::Path;

/// What begins and ends a certificate.
const MARKS: [&str; 2] = ["-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"];

/// The certificates of a file, in DER. Whatever else it has is passed over, as OpenSSL does.
///
/// # Errors
/// If there are none, or one is damaged.
pub(crate) fn read(path: &Path) -> Result<Vec<Vec<u8>>> {
    let text = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let text = String::from_utf8_lossy(&text);
    let damaged = || format!("a certificate in {} is damaged", path.display());
    let mut found = Vec::new();
    let mut rest = &*text;
    while let Some((_, after)) = rest.split_once(MARKS[0]) {
        let (body, after) = after.split_once(MARKS[1]).with_context(damaged)?;
        let bytes = decode(body).with_context(damaged)?;
        Certificate::from_der(&bytes).with_context(damaged)?;
        found.push(bytes);
        rest = after;
    }
    ensure!(!found.is_empty(), "{} has no certificate in PEM", path.display());
    Ok(found)
}

/// Decodes Base64 in lines of any length.
fn decode(body: &str) -> Result<Vec<u8>> {
    let letters: Vec<char> = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let lines: Vec<String> = letters.chunks(64).map(|line| line.iter().collect()).collect();
    let text = format!("{}\n{}\n{}\n", MARKS[0], lines.join("\n"), MARKS[1]);
    let (_, bytes) = pem::decode_vec(text.as_bytes()).map_err(|error| anyhow!("{error}"))?;
    Ok(bytes)
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
