//! The CMS signature inside a code signature ([RFC 5652](https://www.rfc-editor.org/rfc/rfc5652)): who signed, when, and
//! whether that is right. OpenSSL does the cryptography; this reads, and refuses what OpenSSL lets pass.

use super::identity::{self, Usage};
use crate::authenticode::signature::{self, Signature};
use crate::authenticode::{Roots, Trust};
use crate::process;
use crate::toolchain::rust::clean_command;
use anyhow::{Context, Result, ensure};
use cms::cert::x509::der::Encode;
use cms::cert::x509::der::asn1::{ObjectIdentifier, OctetString, SetOfVec};
use cms::signed_data::SignerInfo;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

/// A time stamp of RFC 3161.
const TIME_STAMP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.14");
/// The digests of all directories: a list of algorithms with digests.
const DIRECTORIES: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113635.100.9.2");
/// OpenSSL reaches nobody.
const LIMIT: Duration = Duration::from_secs(60);

/// What was found.
pub(super) struct Found {
    /// What the signature says of itself.
    pub(super) signature: Signature,
    /// The team of the certificate.
    pub(super) team: Option<String>,
    /// What is wrong.
    pub(super) problems: Vec<String>,
    /// The digests of directories that the signer signed besides the first.
    pub(super) directories: Vec<Vec<u8>>,
}

/// Judges the CMS signature `cms`, in DER, over `content`.
///
/// # Errors
/// If it cannot be read, or there are no roots to judge it by.
pub(super) fn judge(cms: &[u8], content: &[u8], usage: Usage, trust: &Trust) -> Result<Found> {
    let signed = signature::signed_data(cms)?;
    let info = signature::one_signer(&signed)?;
    let certificate = signature::signer_certificate(&signed, info)?;
    let mut problems = signature::weaknesses(&signed, info, "the signature")?;
    problems.extend(signature::strays(&signed, info, certificate, &[TIME_STAMP]));
    let of = &certificate.tbs_certificate;
    if !identity::is_for(certificate, usage) {
        problems.push(format!("the certificate of {} is no {} certificate", of.subject, usage.name()));
    }
    let time_stamp = signature::time_stamp_in(info, TIME_STAMP, &mut problems)?;
    let folder = tempfile::tempdir().context("making a folder for unfinished files")?;
    let path = |name: &str| folder.path().join(name);
    let write = |name: &str, bytes: &[u8]| {
        fs::write(path(name), bytes).with_context(|| format!("writing {}", path(name).display()))
    };
    write("cms", cms)?;
    write("content", content)?;
    let mut at = None;
    if let Some(stamp) = &time_stamp {
        problems.extend(stamp.problems.clone());
        if stamp.fits {
            at = Some(seconds(&stamp.time)?);
        } else {
            problems.push("its time stamp is for something else".to_owned());
        }
        let token = token(info)?;
        write("token", &token)?;
        write("stamped", info.signature.as_bytes())?;
        let mut verify = openssl(&["ts", "-verify", "-token_in", "-in"], &path("token"), at);
        verify.arg("-data").arg(path("stamped")).arg("-CAfile").arg(trust.file(Roots::TimeStamps)?);
        if let Err(lines) = run(verify)? {
            at = None;
            problems.push(format!(
                "the time stamp of {} is not by somebody who is trusted (--tsa-ca-file names others), or is for something else: {}",
                stamp.authority,
                reason(&lines)
            ));
        }
    }
    let mut verify = openssl(&["cms", "-verify", "-inform", "DER", "-in"], &path("cms"), at);
    // Apple's own extensions are critical, and OpenSSL does not know them: what the certificate is for is looked at above.
    verify.args(["-binary", "-purpose", "any", "-ignore_critical", "-out", "/dev/null", "-content"]);
    verify.arg(path("content")).arg("-CAfile").arg(trust.file(Roots::Signers)?);
    if let Err(lines) = run(verify)? {
        problems.push(meaning(&lines, time_stamp.is_some()));
    }
    let signature = Signature::of(certificate, info, time_stamp);
    let directories = directories(info)?;
    Ok(Found { signature, team: identity::team(certificate), problems, directories })
}

/// Whether a CMS signature has a time stamp.
///
/// # Errors
/// If it cannot be read.
pub(super) fn has_time_stamp(cms: &[u8]) -> Result<bool> {
    let signed = signature::signed_data(cms)?;
    let info = signature::one_signer(&signed)?;
    Ok(signature::time_stamp_in(info, TIME_STAMP, &mut Vec::new())?.is_some())
}

/// The time stamp as it is.
fn token(info: &SignerInfo) -> Result<Vec<u8>> {
    let attributes = info.unsigned_attrs.iter().flat_map(SetOfVec::as_slice);
    let mut stamps = attributes.into_iter().filter(|attribute| attribute.oid == TIME_STAMP);
    let value = stamps.next().and_then(|stamp| stamp.values.as_slice().first());
    Ok(value.context("there is no time stamp")?.to_der()?)
}

/// The digests of directories that are signed.
fn directories(info: &SignerInfo) -> Result<Vec<Vec<u8>>> {
    let attributes = info.signed_attrs.iter().flat_map(SetOfVec::as_slice);
    let values = attributes.into_iter().filter(|attribute| attribute.oid == DIRECTORIES);
    let values = values.flat_map(|attribute| attribute.values.as_slice());
    let digest = |value: &cms::cert::x509::der::Any| -> Result<Vec<u8>> {
        let fields = signature::sequence(value)?;
        let digest: OctetString = fields.get(1).context("a digest is missing")?.decode_as()?;
        Ok(digest.as_bytes().to_vec())
    };
    values.map(digest).collect()
}

/// A time as seconds since 1970.
fn seconds(time: &str) -> Result<u64> {
    let time: SystemTime = time.parse::<jiff::Timestamp>().context("a time stamp has no time")?.into();
    Ok(time.duration_since(SystemTime::UNIX_EPOCH).context("a time stamp is from before 1970")?.as_secs())
}

fn openssl(words: &[&str], file: &Path, at: Option<u64>) -> Command {
    let mut command = clean_command("openssl", &["OPENSSL_"]);
    command.args(words).arg(file).stdin(Stdio::null());
    if let Some(at) = at {
        command.arg("-attime").arg(at.to_string());
    }
    command
}

/// Runs openssl; what it says, if it is not content.
fn run(command: Command) -> Result<Result<(), Vec<String>>> {
    let mut lines = Vec::new();
    let ended = process::run_within(command, Some(LIMIT), |line| lines.push(line.trim().to_owned()));
    process::stop_if_interrupted()?;
    match ended {
        Ok(()) => Ok(Ok(())),
        Err(error) => {
            ensure!(
                error.downcast_ref::<process::Failed>().is_some(),
                error.context("openssl is needed (Debian: apt-get install openssl)")
            );
            Ok(Err(lines))
        }
    }
}

/// What openssl's lines mean.
fn meaning(lines: &[String], has_time_stamp: bool) -> String {
    let says = |words: &str| lines.iter().any(|line| line.contains(words));
    if says("digest mismatch") || says("verification failure") || says("content verify error") {
        return "it was changed after it was signed, or the signature is that of another file".to_owned();
    }
    if says("certificate has expired") {
        let stamp = if has_time_stamp { "" } else { ", and no time stamp says that it was signed before" };
        return format!("the certificate has expired{stamp}");
    }
    if says("unable to get") || says("self-signed certificate") || says("self signed certificate") {
        return "nobody who is trusted vouches for the certificate (--ca-file names others; Apple's root is on www.apple.com/certificateauthority)".to_owned();
    }
    format!("openssl refuses the signature: {}", reason(lines))
}

/// The last thing that openssl says.
fn reason(lines: &[String]) -> String {
    let words = |line: &String| line.rsplit("error:").next().unwrap_or_default().trim().to_owned();
    lines.iter().rev().map(words).find(|text| !text.is_empty()).unwrap_or_default()
}
