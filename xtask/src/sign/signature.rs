//! What an Authenticode signature says of itself: who signed, when, and with which digests.
//!
//! This only reads; whether a signature is right is for `osslsigncode` to judge ([`super::osslsigncode`]). A
//! signature is a PKCS#7 `SignedData` ([RFC 5652](https://www.rfc-editor.org/rfc/rfc5652)) with the structures of
//! [Authenticode](https://download.microsoft.com/download/9/c/5/9c5b2167-8017-4bae-9fde-d599bac8184a/authenticode_pe.docx)
//! in it, and a time stamp of [RFC 3161](https://www.rfc-editor.org/rfc/rfc3161).

use anyhow::{Context, Result, anyhow, bail, ensure};
use cms::cert::CertificateChoices;
use cms::cert::x509::Certificate;
use cms::cert::x509::der::asn1::{Any, ObjectIdentifier, SetOfVec};
use cms::cert::x509::der::{Decode, Encode, Tag, Tagged, pem};
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use packager::digest;
use serde::Serialize;
use std::fs;
use std::path::Path;

/// SpcSpOpusInfo: description and URL.
const OPUS_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.12");
/// A time stamp of RFC 3161.
const TIME_STAMP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.3.3.1");
/// A countersignature of PKCS#9: the time stamp that came before RFC 3161.
const OLD_TIME_STAMP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.6");

/// The digests that are strong enough. Everything else is refused, also what is not known here.
const DIGESTS: &[(&str, &str)] = &[
    ("2.16.840.1.101.3.4.2.1", "SHA-256"),
    ("2.16.840.1.101.3.4.2.2", "SHA-384"),
    ("2.16.840.1.101.3.4.2.3", "SHA-512"),
];

/// The ways of signing a certificate that are strong enough.
const CERTIFICATE_SIGNATURES: &[(&str, &str)] = &[
    ("1.2.840.113549.1.1.10", "RSASSA-PSS"),
    ("1.2.840.113549.1.1.11", "SHA-256 with RSA"),
    ("1.2.840.113549.1.1.12", "SHA-384 with RSA"),
    ("1.2.840.113549.1.1.13", "SHA-512 with RSA"),
    ("1.2.840.10045.4.3.2", "ECDSA with SHA-256"),
    ("1.2.840.10045.4.3.3", "ECDSA with SHA-384"),
    ("1.2.840.10045.4.3.4", "ECDSA with SHA-512"),
    ("1.3.101.112", "Ed25519"),
];

/// Names of weak digests, so that an error need not show numbers.
const WEAK: &[(&str, &str)] = &[
    ("1.2.840.113549.2.5", "MD5"),
    ("1.3.14.3.2.26", "SHA-1"),
    ("1.2.840.113549.1.1.4", "MD5 with RSA"),
    ("1.2.840.113549.1.1.5", "SHA-1 with RSA"),
    ("1.2.840.10045.4.1", "ECDSA with SHA-1"),
];

/// What a signature says of itself.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Signature {
    /// Whom the certificate that signed is for.
    pub(crate) signer: String,
    /// Who vouches for that.
    pub(crate) issuer: String,
    /// When the certificate expires, as `2029-05-13T02:45:55Z`.
    pub(crate) certificate_expires: String,
    /// The digest of the file: `SHA-256`.
    pub(crate) digest: String,
    /// What Windows shows as the name of the program.
    pub(crate) description: Option<String>,
    /// Where people find more about it.
    pub(crate) url: Option<String>,
    /// When it was signed, if a time stamp says so.
    pub(crate) time_stamp: Option<TimeStamp>,
    /// Digests that are too weak, in words.
    #[serde(skip)]
    pub(crate) weak: Vec<String>,
}

/// What a time stamp says of itself.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TimeStamp {
    /// UTC, as `2026-11-25T02:45:57Z`.
    pub(crate) time: String,
    /// Who stamped it.
    pub(crate) authority: String,
    /// Whether it is for this signature: its digest is that of the signature.
    #[serde(skip)]
    pub(crate) fits: bool,
}

impl Signature {
    /// Reads a signature from a PEM file.
    ///
    /// # Errors
    /// If the file cannot be read or is no signature.
    pub(crate) fn read(path: &Path) -> Result<Signature> {
        let text = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        let (_, bytes) =
            pem::decode_vec(&text).map_err(|error| anyhow!("{} is not PEM: {error}", path.display()))?;
        parse(&bytes).with_context(|| format!("{} is not an Authenticode signature", path.display()))
    }
}

fn parse(bytes: &[u8]) -> Result<Signature> {
    let signed = signed_data(bytes)?;
    let info = one_signer(&signed)?;
    let certificate = signer_certificate(&signed, info)?;
    let content = signed.encap_content_info.econtent.as_ref().context("it has no content")?;
    let indirect = sequence(content).context("its content is not that of Authenticode")?;
    let file_digest = digest_algorithm(indirect.get(1).context("it has no digest of the file")?)?;
    let mut weak = weaknesses(&signed, info, "the signature");
    note_weak(DIGESTS, file_digest, "the digest of the file", &mut weak);
    let (description, url) = opus_info(info)?;
    let time_stamp = time_stamp(info, &mut weak)?;
    let validity = certificate.tbs_certificate.validity;
    Ok(Signature {
        signer: certificate.tbs_certificate.subject.to_string(),
        issuer: certificate.tbs_certificate.issuer.to_string(),
        certificate_expires: validity.not_after.to_date_time().to_string(),
        digest: name_of(file_digest),
        description,
        url,
        time_stamp,
        weak,
    })
}

fn signed_data(bytes: &[u8]) -> Result<SignedData> {
    // Some signers pad a signature with zeros to a multiple of eight bytes.
    let mut reader = cms::cert::x509::der::SliceReader::new(bytes)?;
    let content = ContentInfo::decode(&mut reader)?;
    Ok(content.content.decode_as()?)
}

fn one_signer(signed: &SignedData) -> Result<&SignerInfo> {
    let infos = signed.signer_infos.0.as_slice();
    ensure!(infos.len() == 1, "it has {} signers instead of one", infos.len());
    Ok(&infos[0])
}

fn certificates(signed: &SignedData) -> impl Iterator<Item = &Certificate> {
    let all = signed.certificates.iter().flat_map(|set| set.0.as_slice());
    all.filter_map(|choice| match choice {
        CertificateChoices::Certificate(certificate) => Some(certificate),
        CertificateChoices::Other(_) => None,
    })
}

fn signer_certificate<'a>(signed: &'a SignedData, info: &SignerInfo) -> Result<&'a Certificate> {
    let SignerIdentifier::IssuerAndSerialNumber(id) = &info.sid else {
        bail!("it does not name its certificate by issuer and serial number, as Authenticode asks");
    };
    let mut found = certificates(signed).filter(|certificate| {
        let certificate = &certificate.tbs_certificate;
        certificate.issuer == id.issuer && certificate.serial_number == id.serial_number
    });
    found.next().context("the certificate that signed is not in it")
}

/// The elements of a sequence.
fn sequence(any: &Any) -> Result<Vec<Any>> {
    Ok(any.decode_as::<Vec<Any>>()?)
}

/// The algorithm of a DigestInfo: the first element of its first element.
fn digest_algorithm(info: &Any) -> Result<ObjectIdentifier> {
    let algorithm = sequence(info)?.into_iter().next().context("a digest without algorithm")?;
    let id = sequence(&algorithm)?.into_iter().next().context("an algorithm without identifier")?;
    Ok(id.decode_as()?)
}

fn name_of(id: ObjectIdentifier) -> String {
    let tables = [DIGESTS, CERTIFICATE_SIGNATURES, WEAK];
    let name = tables.into_iter().flatten().find(|(known, _)| *known == id.to_string());
    name.map_or_else(|| format!("an unknown algorithm ({id})"), |(_, name)| (*name).to_owned())
}

fn note_weak(strong: &[(&str, &str)], id: ObjectIdentifier, what: &str, weak: &mut Vec<String>) {
    if !strong.iter().any(|(known, _)| *known == id.to_string()) {
        weak.push(format!("{what} is made with {}, which is too weak", name_of(id)));
    }
}

/// What is weak in a signature and in the certificates that come with it. Roots are left out: they are trusted
/// for what they are, not for what they say of themselves.
fn weaknesses(signed: &SignedData, info: &SignerInfo, what: &str) -> Vec<String> {
    let mut weak = Vec::new();
    note_weak(DIGESTS, info.digest_alg.oid, what, &mut weak);
    for certificate in certificates(signed) {
        let of = &certificate.tbs_certificate;
        if of.subject != of.issuer {
            let what = format!("the certificate of {}", of.subject);
            note_weak(CERTIFICATE_SIGNATURES, certificate.signature_algorithm.oid, &what, &mut weak);
        }
    }
    weak
}

/// Description and URL.
fn opus_info(info: &SignerInfo) -> Result<(Option<String>, Option<String>)> {
    let attributes = info.signed_attrs.iter().flat_map(SetOfVec::as_slice);
    let Some(attribute) = attributes.into_iter().find(|attribute| attribute.oid == OPUS_INFO) else {
        return Ok((None, None));
    };
    let value = attribute.values.as_slice().first().context("the description is empty")?;
    let (mut description, mut url) = (None, None);
    for field in sequence(value)? {
        let text = Any::from_der(field.value()).ok().map(|inner| spc_text(&field, &inner));
        match field.tag() {
            tag if is_context(tag, 0) => description = text,
            tag if is_context(tag, 1) => url = text,
            _ => {}
        }
    }
    Ok((description, url))
}

/// A text of Authenticode: UTF-16 if it is the description's first choice, else of single bytes.
fn spc_text(field: &Any, inner: &Any) -> String {
    if is_context(field.tag(), 0) && is_context(inner.tag(), 0) {
        let units = inner.value().chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        return String::from_utf16_lossy(&units.collect::<Vec<_>>());
    }
    String::from_utf8_lossy(inner.value()).into_owned()
}

fn is_context(tag: Tag, number: u8) -> bool {
    tag.is_context_specific() && tag.number().value() == number
}

/// The time stamp, if there is one.
fn time_stamp(info: &SignerInfo, weak: &mut Vec<String>) -> Result<Option<TimeStamp>> {
    let attributes: Vec<_> = info.unsigned_attrs.iter().flat_map(SetOfVec::as_slice).collect();
    if attributes.iter().any(|attribute| attribute.oid == OLD_TIME_STAMP) {
        weak.push("the time stamp is not one of RFC 3161".to_owned());
    }
    let Some(attribute) = attributes.into_iter().find(|attribute| attribute.oid == TIME_STAMP) else {
        return Ok(None);
    };
    let value = attribute.values.as_slice().first().context("the time stamp is empty")?;
    let stamp = read_time_stamp(&value.to_der()?, info.signature.as_bytes(), weak);
    Ok(Some(stamp.context("its time stamp cannot be read")?))
}

fn read_time_stamp(bytes: &[u8], signature: &[u8], weak: &mut Vec<String>) -> Result<TimeStamp> {
    let signed = signed_data(bytes)?;
    let info = one_signer(&signed)?;
    let authority = signer_certificate(&signed, info)?.tbs_certificate.subject.to_string();
    weak.extend(weaknesses(&signed, info, "the time stamp"));
    let content = signed.encap_content_info.econtent.as_ref().context("it has no content")?;
    // TSTInfo: version, policy, digest, serial number, time, and more.
    let fields = Vec::<Any>::from_der(content.value())?;
    let imprint = fields.get(2).context("it has no digest")?;
    let algorithm = digest_algorithm(imprint)?;
    note_weak(DIGESTS, algorithm, "the digest of the time stamp", weak);
    let stamped = sequence(imprint)?.into_iter().nth(1).context("it has no digest")?;
    let stamped: String = stamped.value().iter().map(|byte| format!("{byte:02x}")).collect();
    let time = fields.get(4).context("it has no time")?;
    ensure!(time.tag() == Tag::GeneralizedTime, "its time is none");
    Ok(TimeStamp { time: rfc3339(time.value())?, authority, fits: stamped == digest::sha256(signature) })
}

/// `20261125024557.5Z` as `2026-11-25T02:45:57Z`.
fn rfc3339(time: &[u8]) -> Result<String> {
    let text = std::str::from_utf8(time)?;
    ensure!(
        text.ends_with('Z') && text.len() >= 15 && text.as_bytes()[..14].iter().all(u8::is_ascii_digit),
        "its time {text:?} is none"
    );
    let part = |from: usize, to: usize| &text[from..to];
    Ok(format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4),
        part(4, 6),
        part(6, 8),
        part(8, 10),
        part(10, 12),
        part(12, 14)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a time of a stamp is misread, or something else is taken for one.
    #[test]
    fn reads_times() {
        for (text, expected) in [
            ("20261125024557Z", Some("2026-11-25T02:45:57Z")),
            ("20261125024557.123Z", Some("2026-11-25T02:45:57Z")),
            ("20261125024557", None),
            ("2026112502455Z", None),
            ("æææææææææZ", None),
        ] {
            assert_eq!(rfc3339(text.as_bytes()).ok().as_deref(), expected, "{text}");
        }
    }

    /// Fails if: an algorithm that is weak, or not known, counts as strong.
    #[test]
    fn tells_weak_algorithms() {
        for (id, strong) in [
            ("2.16.840.1.101.3.4.2.1", true),
            ("2.16.840.1.101.3.4.2.3", true),
            ("1.3.14.3.2.26", false),
            ("1.2.3.4", false),
        ] {
            let mut weak = Vec::new();
            note_weak(DIGESTS, ObjectIdentifier::new_unwrap(id), "it", &mut weak);
            assert_eq!(weak.is_empty(), strong, "{id}: {weak:?}");
        }
    }
}
