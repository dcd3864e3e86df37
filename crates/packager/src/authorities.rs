//! The certificate authorities that browsers trust, for packages that bring their own because the system has none.
//!
//! They are [Mozilla's](https://wiki.mozilla.org/CA), as the crate `webpki-root-certs` has them; a newer version of it
//! in `Cargo.lock` renews them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

/// Characters in a line of PEM ([RFC 7468](https://www.rfc-editor.org/rfc/rfc7468#section-2)).
const LINE: usize = 64;

/// Their certificates in PEM, one after the other.
pub(crate) fn pem() -> String {
    let mut text = String::new();
    for certificate in TLS_SERVER_ROOT_CERTS {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        let mut encoded = STANDARD.encode(certificate);
        while !encoded.is_empty() {
            let rest = encoded.split_off(encoded.len().min(LINE));
            text.push_str(&encoded);
            text.push('\n');
            encoded = rest;
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::prelude::BASE64_STANDARD;

    /// Fails if: a certificate is missing or changed, or a line is longer than readers of PEM take.
    #[test]
    fn every_certificate_is_there() {
        let pem = pem();
        assert!(pem.lines().all(|line| line.len() <= LINE));
        let blocks = pem.split("-----BEGIN CERTIFICATE-----\n").skip(1);
        let read: Vec<Vec<u8>> = blocks
            .map(|block| {
                let body = block.strip_suffix("-----END CERTIFICATE-----\n").unwrap();
                BASE64_STANDARD.decode(body.replace('\n', "")).unwrap()
            })
            .collect();
        assert!(read.len() > 100, "only {}", read.len());
        assert!(read.iter().map(Vec::as_slice).eq(TLS_SERVER_ROOT_CERTS.iter().map(AsRef::as_ref)));
    }
}
