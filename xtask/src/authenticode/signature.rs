//! What an Authenticode signature says of itself: who signed, when, and with which digests.
//!
//! This only reads; whether a signature is right is for `osslsigncode` to judge ([`super::osslsigncode`]). A
//! signature is a PKCS#7 `SignedData` ([RFC 5652](https://www.rfc-editor.org/rfc/rfc5652)) with the structures of
//! [Authenticode](https://download.microsoft.com/download/9/c/5/9c5b2167-8017-4bae-9fde-d599bac8184a/authenticode_pe.docx)
//! in it, and a time stamp of [RFC 3161](https://www.rfc-editor.org/rfc/rfc3161).

use super::algorithm;
use crate::untrusted;
use anyhow::{Context, Result, anyhow, bail, ensure};
use cms::cert::CertificateChoices;
use cms::cert::x509::attr::Attribute;
use cms::cert::x509::der::asn1::{Any, ObjectIdentifier, SetOfVec};
use cms::cert::x509::der::{Decode, Encode, ErrorKind, Reader, SliceReader, Tag, Tagged, pem};
use cms::cert::x509::ext::pkix::ExtendedKeyUsage;
use cms::cert::x509::{Certificate, TbsCertificate};
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use packager::digest;
use serde::Serialize;
use std::path::Path;

/// SpcSpOpusInfo: description and URL.
const OPUS_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.12");
/// A time stamp of RFC 3161.
const TIME_STAMP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.3.3.1");
/// A countersignature of PKCS#9: the time stamp that came before RFC 3161.
const OLD_TIME_STAMP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.6");

/// Another signature inside: osslsigncode is content when one of them is right.
const NESTED: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.4.1");
/// The use of a certificate for signing programs.
const CODE_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3");

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
    /// What osslsigncode lets pass and is refused here, such as weak digests.
    #[serde(skip)]
    pub(crate) problems: Vec<String>,
    /// Whether the certificate of the issuer came with it.
    #[serde(skip)]
    pub(crate) has_issuer: bool,
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
    /// What osslsigncode lets pass and is refused here.
    #[serde(skip)]
    pub(crate) problems: Vec<String>,
}

impl Signature {
    /// Reads a signature from a PEM file.
    ///
    /// # Errors
    /// If the file cannot be read or is no signature.
    pub(crate) fn read(path: &Path) -> Result<Signature> {
        let text = untrusted::read(path)?;
        let (_, bytes) =
            pem::decode_vec(&text).map_err(|error| anyhow!("{} is not PEM: {error}", path.display()))?;
        parse(&bytes).with_context(|| format!("{} is not an Authenticode signature", path.display()))
    }

    /// What one that is not Authenticode's says of itself.
    pub(crate) fn of(
        certificate: &Certificate,
        info: &SignerInfo,
        time_stamp: Option<TimeStamp>,
    ) -> Signature {
        let of = &certificate.tbs_certificate;
        Signature {
            signer: of.subject.to_string(),
            issuer: of.issuer.to_string(),
            certificate_expires: of.validity.not_after.to_date_time().to_string(),
            digest: algorithm::name_of(info.digest_alg.oid),
            description: None,
            url: None,
            time_stamp,
            problems: Vec::new(),
            has_issuer: true,
        }
    }
}

fn parse(bytes: &[u8]) -> Result<Signature> {
    let signed = signed_data(bytes)?;
    let info = one_signer(&signed)?;
    let certificate = signer_certificate(&signed, info)?;
    let content = signed.encap_content_info.econtent.as_ref().context("it has no content")?;
    let indirect = sequence(content).context("its content is not that of Authenticode")?;
    let file_digest = digest_algorithm(indirect.get(1).context("it has no digest of the file")?)?;
    let mut problems = weaknesses(&signed, info, "the signature")?;
    algorithm::note_digest(file_digest, "the digest of the file", &mut problems);
    problems.extend(strays(&signed, info, certificate, &[TIME_STAMP, OLD_TIME_STAMP, NESTED]));
    if unsigned_attributes(info).any(|attribute| attribute.oid == NESTED) {
        problems.push(
            "it has a second signature inside the first (nested), of which nothing is looked at: sign it anew, with one signature"
                .to_owned(),
        );
    }
    let of = &certificate.tbs_certificate;
    if !is_for_code(certificate)? {
        problems.push(format!("the certificate of {} is not one for signing code", of.subject));
    }
    let (description, url) = opus_info(info)?;
    Ok(Signature {
        signer: of.subject.to_string(),
        issuer: of.issuer.to_string(),
        certificate_expires: of.validity.not_after.to_date_time().to_string(),
        digest: algorithm::name_of(file_digest),
        description,
        url,
        time_stamp: time_stamp(info, &mut problems)?,
        problems,
        has_issuer: certificates(&signed).any(|other| other.tbs_certificate.subject == of.issuer),
    })
}

/// Whether there is nothing behind a signature but the zeros that fill it up to a multiple of eight bytes.
pub(super) fn is_alone(bytes: &[u8]) -> bool {
    let rest = SliceReader::new(bytes).and_then(|mut reader| {
        ContentInfo::decode(&mut reader)?;
        reader.read_slice(reader.remaining_len())
    });
    rest.is_ok_and(|rest| rest.len() < 8 && rest.iter().all(|byte| *byte == 0))
}

/// What is in a signature although nothing vouches for it: attributes that are not signed, other than these, and
/// certificates that the chain of the signer does not name. Both may hold anything.
pub(crate) fn strays(
    signed: &SignedData,
    info: &SignerInfo,
    signer: &Certificate,
    attributes: &[ObjectIdentifier],
) -> Vec<String> {
    let unknown = unsigned_attributes(info).filter(|attribute| !attributes.contains(&attribute.oid));
    let mut found: Vec<String> = unknown
        .map(|one| format!("the attribute {} in it is not signed and may hold anything", one.oid))
        .collect();
    let (mut chain, mut others): (Vec<_>, Vec<_>) =
        certificates(signed).map(|one| &one.tbs_certificate).partition(|one| **one == signer.tbs_certificate);
    loop {
        let is_named = |one: &&TbsCertificate| chain.iter().any(|known| known.issuer == one.subject);
        let (named, rest): (Vec<_>, Vec<_>) = others.into_iter().partition(is_named);
        others = rest;
        if named.is_empty() {
            break;
        }
        chain.extend(named);
    }
    found.extend(others.iter().map(|one| {
        format!(
            "the certificate of {} in it vouches for nobody: leave it out of chain when signing",
            one.subject
        )
    }));
    found
}

pub(crate) fn signed_data(bytes: &[u8]) -> Result<SignedData> {
    // Some signers pad a signature with zeros to a multiple of eight bytes.
    let mut reader = SliceReader::new(bytes)?;
    let content = ContentInfo::decode(&mut reader)?;
    content.content.decode_as().map_err(|error| match error.kind() {
        ErrorKind::SetDuplicate => anyhow!(
            "a certificate is in it twice: name in chain only those that the key's file or token does not have"
        ),
        _ => error.into(),
    })
}

pub(crate) fn one_signer(signed: &SignedData) -> Result<&SignerInfo> {
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

pub(crate) fn signer_certificate<'a>(signed: &'a SignedData, info: &SignerInfo) -> Result<&'a Certificate> {
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
pub(crate) fn sequence(any: &Any) -> Result<Vec<Any>> {
    Ok(any.decode_as::<Vec<Any>>()?)
}

/// The algorithm of a DigestInfo: the first element of its first element.
fn digest_algorithm(info: &Any) -> Result<ObjectIdentifier> {
    let algorithm = sequence(info)?.into_iter().next().context("a digest without algorithm")?;
    let id = sequence(&algorithm)?.into_iter().next().context("an algorithm without identifier")?;
    Ok(id.decode_as()?)
}

/// Whether a certificate says that it is for signing programs. One that says nothing may be used for anything, which
/// no authority hands out for programs.
fn is_for_code(certificate: &Certificate) -> Result<bool> {
    let uses = certificate.tbs_certificate.get::<ExtendedKeyUsage>()?;
    Ok(uses.is_some_and(|(_, ExtendedKeyUsage(uses))| uses.contains(&CODE_SIGNING)))
}

/// What is weak in a signature and in the certificates that come with it. Roots are left out: they are trusted
/// for what they are, not for what they say of themselves.
pub(crate) fn weaknesses(signed: &SignedData, info: &SignerInfo, what: &str) -> Result<Vec<String>> {
    let mut weak = Vec::new();
    algorithm::note_digest(info.digest_alg.oid, what, &mut weak);
    algorithm::note_signing(&info.signature_algorithm, false, what, &mut weak)?;
    for certificate in certificates(signed) {
        let of = &certificate.tbs_certificate;
        if of.subject != of.issuer {
            let what = format!("the certificate of {}", of.subject);
            algorithm::note_signing(&certificate.signature_algorithm, true, &what, &mut weak)?;
        }
    }
    Ok(weak)
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

fn unsigned_attributes(info: &SignerInfo) -> impl Iterator<Item = &Attribute> {
    info.unsigned_attrs.iter().flat_map(SetOfVec::as_slice)
}

/// The time stamp, if there is one.
fn time_stamp(info: &SignerInfo, problems: &mut Vec<String>) -> Result<Option<TimeStamp>> {
    if unsigned_attributes(info).any(|attribute| attribute.oid == OLD_TIME_STAMP) {
        problems.push("the time stamp is not one of RFC 3161".to_owned());
    }
    time_stamp_in(info, TIME_STAMP, problems)
}

/// The time stamp in an attribute, if there is one.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn time_stamp_in(
    info: &SignerInfo,
    attribute: ObjectIdentifier,
    problems: &mut Vec<String>,
) -> Result<Option<TimeStamp>> {
    let stamps = unsigned_attributes(info).filter(|one| one.oid == attribute);
    let stamps: Vec<&Any> = stamps.flat_map(|attribute| attribute.values.as_slice()).collect();
    let Some(first) = stamps.first() else { return Ok(None) };
    if stamps.len() > 1 {
        problems.push(format!("it has {} time stamps instead of one", stamps.len()));
    }
    let stamp = read_time_stamp(&first.to_der()?, info.signature.as_bytes());
    Ok(Some(stamp.context("its time stamp cannot be read")?))
}

fn read_time_stamp(bytes: &[u8], signature: &[u8]) -> Result<TimeStamp> {
    let signed = signed_data(bytes)?;
    let info = one_signer(&signed)?;
    let certificate = signer_certificate(&signed, info)?;
    let mut problems = weaknesses(&signed, info, "the time stamp")?;
    problems.extend(strays(&signed, info, certificate, &[]));
    let content = signed.encap_content_info.econtent.as_ref().context("it has no content")?;
    // TSTInfo: version, policy, digest, serial number, time, and more.
    let fields = Vec::<Any>::from_der(content.value())?;
    let imprint = fields.get(2).context("it has no digest")?;
    algorithm::note_digest(digest_algorithm(imprint)?, "the digest of the time stamp", &mut problems);
    let stamped = sequence(imprint)?.into_iter().nth(1).context("it has no digest")?;
    let stamped: String = stamped.value().iter().map(|byte| format!("{byte:02x}")).collect();
    let time = fields.get(4).context("it has no time")?;
    ensure!(time.tag() == Tag::GeneralizedTime, "its time is none");
    let fits = stamped == digest::sha256(signature);
    let authority = certificate.tbs_certificate.subject.to_string();
    Ok(TimeStamp { time: rfc3339(time.value())?, authority, fits, problems })
}

/// `20261125024557.5Z` as `2026-11-25T02:45:57Z`.
fn rfc3339(time: &[u8]) -> Result<String> {
    let text = std::str::from_utf8(time)?;
    ensure!(
        text.ends_with('Z') && text.len() >= 15 && text.as_bytes()[..14].iter().all(u8::is_ascii_digit),
        "its time {text:?} is none"
    );
    let [month, day, hour, minute, second] = [4, 6, 8, 10, 12].map(|at| &text[at..at + 2]);
    Ok(format!("{}-{month}-{day}T{hour}:{minute}:{second}Z", &text[..4]))
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

    /// Fails if: bytes behind a signature are overlooked, or those that fill it up are taken for something.
    #[test]
    fn sees_what_is_behind_a_signature() {
        // A PKCS#7 with nothing in it.
        const SIGNATURE: &[u8] =
            &[0x30, 15, 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2, 0xa0, 2, 0x05, 0];
        for (rest, expected) in
            [(&[][..], true), (&[0; 6], true), (&[0; 8], false), (&[0, 1], false), (b"PK\x03\x04", false)]
        {
            assert_eq!(is_alone(&[SIGNATURE, rest].concat()), expected, "{rest:?}");
        }
        assert!(!is_alone(&SIGNATURE[..16]) && !is_alone(b"PK"));
    }
}
