//! RPMs with their OpenPGP signature: made, stored, attached again, and checked.
//!
//! What is signed is the header, which has the digest of the content; so old and new versions of rpm check all of it.

use crate::openpgp::{Detached, Kind, PublicKey};
use crate::rpm_header;
use crate::signatures::{Signatures, Subject};
use anyhow::{Context, Result, bail};
use packager::digest::sha256;

/// The signature of a package by the key, if it has one. Its digests are checked, too.
///
/// # Errors
/// If it is no RPM, damaged, or signed by another key.
pub(crate) fn check(bytes: &[u8], key: &PublicKey) -> Result<Option<Detached>> {
    let package = rpm::Package::parse(&mut &*bytes).context("it is no RPM, or damaged")?;
    package.verify_digests().context("it is damaged: a digest in it is not that of its content")?;
    let part = rpm_header::signed_part(bytes)?;
    let mut found = None;
    for signature in package.raw_signatures()? {
        let signature = Detached::parse(&signature)?;
        key.verify(Kind::Detached, &bytes[part.clone()], &signature)?;
        found = Some(signature);
    }
    Ok(found)
}

/// The package with a signature by the key: as it is, if it has one, or else with the stored one, or a new one, which is
/// stored.
///
/// # Errors
/// If it is damaged or signed by another key, the stored signature is wrong, or there is none and none is to be made.
pub(crate) fn signed(
    name: &str,
    bytes: Vec<u8>,
    signatures: &Signatures<'_>,
    may_sign: bool,
) -> Result<Vec<u8>> {
    if check(&bytes, signatures.key)?.is_some() {
        return Ok(bytes);
    }
    let part = rpm_header::signed_part(&bytes)?;
    let make = |_| Ok(bytes[part.clone()].to_vec());
    let subject = Subject::of_file(name, sha256(&bytes), &make);
    let signed = match signatures.stored(&subject)? {
        Some(stored) => stored,
        None if may_sign => signatures.sign(&subject)?,
        None => bail!("it is not signed, and no signature for it is stored: sign it, or give --sign-rpms"),
    };
    let signature = signed.signatures.first().context("the stored signature is missing")?;
    rpm_header::attach(&bytes, &signature.bytes()?, signatures.key.is_rsa())
}
