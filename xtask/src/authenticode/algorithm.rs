//! Which digests and ways of signing are strong enough. Everything else is refused, also what is not known here.

use anyhow::{Context, Result};
use cms::cert::x509::der::asn1::{Any, ObjectIdentifier};
use cms::cert::x509::der::{Decode, Tagged};
use cms::cert::x509::spki::AlgorithmIdentifierOwned;

/// The digests that are strong enough.
const DIGESTS: &[(&str, &str)] = &[
    ("2.16.840.1.101.3.4.2.1", "SHA-256"),
    ("2.16.840.1.101.3.4.2.2", "SHA-384"),
    ("2.16.840.1.101.3.4.2.3", "SHA-512"),
];

/// The ways of signing a certificate that are strong enough.
const CERTIFICATE_SIGNATURES: &[(&str, &str)] = &[
    ("1.2.840.113549.1.1.11", "SHA-256 with RSA"),
    ("1.2.840.113549.1.1.12", "SHA-384 with RSA"),
    ("1.2.840.113549.1.1.13", "SHA-512 with RSA"),
    ("1.2.840.10045.4.3.2", "ECDSA with SHA-256"),
    ("1.2.840.10045.4.3.3", "ECDSA with SHA-384"),
    ("1.2.840.10045.4.3.4", "ECDSA with SHA-512"),
    ("1.3.101.112", "Ed25519"),
];

/// Names of weak ones, so that an error need not show numbers.
const WEAK: &[(&str, &str)] = &[
    ("1.2.840.113549.2.5", "MD5"),
    ("1.3.14.3.2.26", "SHA-1"),
    ("1.2.840.113549.1.1.4", "MD5 with RSA"),
    ("1.2.840.113549.1.1.5", "SHA-1 with RSA"),
    ("1.2.840.10045.4.1", "ECDSA with SHA-1"),
];

/// RSASSA-PSS, whose digest is among its parameters.
const PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");

/// What an algorithm is called.
pub(crate) fn name_of(id: ObjectIdentifier) -> String {
    let tables = [DIGESTS, CERTIFICATE_SIGNATURES, WEAK];
    let name = tables.into_iter().flatten().find(|(known, _)| *known == id.to_string());
    name.map_or_else(|| format!("an unknown algorithm ({id})"), |(_, name)| (*name).to_owned())
}

/// Notes a weak digest.
pub(crate) fn note_digest(id: ObjectIdentifier, what: &str, weak: &mut Vec<String>) {
    note(DIGESTS, id, what, "", weak);
}

/// Notes a weak way of signing: a certificate in any way, a message by the digest of an RSASSA-PSS, since it names
/// that of other ways by itself.
///
/// # Errors
/// If its parameters cannot be read.
pub(crate) fn note_signing(
    way: &AlgorithmIdentifierOwned,
    is_certificate: bool,
    what: &str,
    weak: &mut Vec<String>,
) -> Result<()> {
    if way.oid == PSS {
        let digest = pss_digest(way.parameters.as_ref()).context("the parameters of an RSASSA-PSS")?;
        note(DIGESTS, digest, what, "RSASSA-PSS with ", weak);
    } else if is_certificate {
        note(CERTIFICATE_SIGNATURES, way.oid, what, "", weak);
    }
    Ok(())
}

fn note(strong: &[(&str, &str)], id: ObjectIdentifier, what: &str, with: &str, weak: &mut Vec<String>) {
    if !strong.iter().any(|(known, _)| *known == id.to_string()) {
        weak.push(format!("{what} is made with {with}{}, which is too weak", name_of(id)));
    }
}

/// The digest: SHA-1 unless the first of the parameters names another
/// ([RFC 4055](https://www.rfc-editor.org/rfc/rfc4055), section 3.1).
fn pss_digest(parameters: Option<&Any>) -> Result<ObjectIdentifier> {
    let Some(parameters) = parameters else { return Ok(SHA1) };
    let fields = parameters.decode_as::<Vec<Any>>()?;
    let is_digest = |field: &&Any| field.tag().is_context_specific() && field.tag().number().value() == 0;
    let Some(digest) = fields.iter().find(is_digest) else { return Ok(SHA1) };
    Ok(AlgorithmIdentifierOwned::from_der(digest.value())?.oid)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: an algorithm that is weak, or not known, counts as strong.
    #[test]
    fn tells_weak_digests() {
        for (id, strong) in [
            ("2.16.840.1.101.3.4.2.1", true),
            ("2.16.840.1.101.3.4.2.3", true),
            ("1.3.14.3.2.26", false),
            ("1.2.3.4", false),
        ] {
            let mut weak = Vec::new();
            note_digest(ObjectIdentifier::new_unwrap(id), "it", &mut weak);
            assert_eq!(weak.is_empty(), strong, "{id}: {weak:?}");
        }
    }

    /// Fails if: the digest of an RSASSA-PSS is not looked at, or is taken for a strong one where none is named.
    #[test]
    fn tells_the_digest_of_a_pss() {
        const SHA256: &[u8] = &[0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
        const SHA1: &[u8] = &[0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a];
        let wrap = |tag: u8, content: &[u8]| {
            let length = u8::try_from(content.len()).unwrap();
            [&[tag, length], content].concat()
        };
        let digest = |id: &[u8]| wrap(0x30, &wrap(0xa0, &wrap(0x30, id)));
        for (parameters, strong) in [
            (Some(digest(SHA256)), true),
            (Some(digest(SHA1)), false),
            // Only the length of the salt.
            (Some(wrap(0x30, &wrap(0xa2, &[0x02, 0x01, 0x20]))), false),
            (Some(wrap(0x30, &[])), false),
            (None, false),
        ] {
            let parameters = parameters.map(|bytes| Any::from_der(&bytes).unwrap());
            let algorithm = AlgorithmIdentifierOwned { oid: PSS, parameters };
            let mut weak = Vec::new();
            note_signing(&algorithm, true, "it", &mut weak).unwrap();
            assert_eq!(weak.is_empty(), strong, "{algorithm:?}: {weak:?}");
        }
    }
}
