//! OpenPGP as apt, dnf and rpm check it: one key that signs by itself, and detached signatures, binary or of a text.
//!
//! Specified in [RFC 9580](https://www.rfc-editor.org/rfc/rfc9580); of it, what every supported system knows: keys and
//! signatures of version 4, Ed25519 in its older form (algorithm 22) or RSA, and SHA-256 or SHA-512.

use anyhow::{Context, Result, anyhow, bail, ensure};
use pgp::composed::{
    ArmorOptions, CleartextSignedMessage, Deserializable as _, DetachedSignature, SignedPublicKey,
    SignedSecretKey,
};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::ser::Serialize as _;
use pgp::types::{KeyDetails as _, KeyVersion, Password, PublicParams, Tag, Timestamp};
use std::fs;
use std::path::Path;

/// The shortest RSA key.
const RSA_BITS: u16 = 4096;

/// By how many seconds clocks may differ.
const SKEW: u32 = 600;

/// What is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Bytes, whatever they are; the signature lies beside them.
    Detached,
    /// A text with the signature below it, its last line end left out.
    Clear,
}

/// The public half of a key, which is published.
#[derive(Debug)]
pub(crate) struct PublicKey(SignedPublicKey);

impl PublicKey {
    /// Reads an armored key.
    ///
    /// # Errors
    /// If it is none, its self-signatures are wrong, or it is of a kind that some supported system does not know.
    pub(crate) fn read(path: &Path) -> Result<PublicKey> {
        let text = fs::read_to_string(path).with_context(|| format!("reading the key {}", path.display()))?;
        PublicKey::parse(&text).with_context(|| format!("{} is no key to sign with", path.display()))
    }

    /// The same, of a text.
    ///
    /// # Errors
    /// As for [`PublicKey::read`].
    pub(crate) fn parse(text: &str) -> Result<PublicKey> {
        let (key, _) = SignedPublicKey::from_string(text)
            .context("it is no armored public key: export it by `gpg --armor --export`")?;
        PublicKey::checked(key)
    }

    fn checked(key: SignedPublicKey) -> Result<PublicKey> {
        key.verify_bindings().context("its signatures of itself are wrong")?;
        let primary = &key.primary_key;
        let wanted = "use RSA with 4096 bits, or Ed25519 where no Enterprise Linux 8 is served";
        ensure!(primary.version() == KeyVersion::V4, "it is of another version than 4: {wanted}");
        match primary.public_params() {
            PublicParams::EdDSALegacy(_) => {}
            PublicParams::RSA(_) => {
                // What is written of it begins with the length of its modulus.
                let bits = match primary.public_params().to_bytes()?[..] {
                    [high, low, ..] => u16::from_be_bytes([high, low]),
                    _ => 0,
                };
                ensure!(bits >= RSA_BITS, "it has only {bits} bits: {wanted}");
            }
            _ => bail!("it is of the kind {:?}: {wanted}", primary.algorithm()),
        }
        let key = PublicKey(key);
        ensure!(
            key.self_signatures().iter().any(|signature| signature.key_flags().sign()),
            "its primary key may not sign, and subkeys are not known everywhere: make a key that signs by itself"
        );
        let newest = key.self_signatures().last().and_then(|signature| signature.hash_alg());
        ensure!(
            newest.is_some_and(is_strong),
            "it vouches for itself by the digest {newest:?}, which Enterprise Linux refuses: make a new key"
        );
        Ok(key)
    }

    /// As everybody gets it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn armored(&self) -> Result<String> {
        Ok(self.0.to_armored_string(ArmorOptions::default())?)
    }

    /// In hexadecimal digits.
    pub(crate) fn fingerprint(&self) -> String {
        format!("{:X}", self.0.primary_key.fingerprint())
    }

    /// Whether it is an RSA key, and none of elliptic curves.
    pub(crate) fn is_rsa(&self) -> bool {
        matches!(self.0.primary_key.public_params(), PublicParams::RSA(_))
    }

    /// Its signatures of itself, oldest first.
    fn self_signatures(&self) -> Vec<&Signature> {
        let key = &self.0.primary_key;
        let of_users = self.0.details.users.iter().flat_map(|user| {
            user.signatures
                .iter()
                .filter(|signature| signature.verify_certification(key, Tag::UserId, &user.id).is_ok())
        });
        let mut found: Vec<_> = self.0.details.direct_signatures.iter().chain(of_users).collect();
        found.retain(|signature| signature.created().is_some());
        found.sort_by_key(|signature| signature.created());
        found
    }

    /// Refuses to sign at a time, in seconds since 1970 UTC, at which nobody would believe it.
    ///
    /// # Errors
    /// If the key had expired or not begun by then, or is revoked.
    pub(crate) fn check_usable(&self, time: u32) -> Result<()> {
        let name = self.fingerprint();
        ensure!(!self.is_revoked(), "the key {name} is revoked: sign with another one, in a new repository");
        let begin = self.self_signatures().first().and_then(|signature| signature.created());
        // sqv, and with it apt 3, refuses what was signed before.
        ensure!(
            begin.is_some_and(|begin| begin.as_secs() <= time),
            "the key {name} is younger than this signature would be: set this machine's clock"
        );
        if let Some(end) = self.end() {
            ensure!(
                u64::from(time) < end,
                "the key {name} expired on {}: extend it (`gpg --quick-set-expire`) and export it again",
                date(end)
            );
        }
        Ok(())
    }

    fn is_revoked(&self) -> bool {
        !self.0.details.revocation_signatures.is_empty()
    }

    /// When it expires, in seconds since 1970 UTC, if it does.
    fn end(&self) -> Option<u64> {
        let lives = self.self_signatures().last().and_then(|signature| signature.key_expiration_time());
        let lives = lives.filter(|lives| lives.as_secs() > 0)?;
        Some(u64::from(self.0.primary_key.created_at().as_secs()) + u64::from(lives.as_secs()))
    }

    /// Whether it has expired at a time, in seconds since 1970 UTC.
    pub(crate) fn has_expired(&self, time: u32) -> bool {
        self.end().is_some_and(|end| end <= u64::from(time))
    }

    /// The time of a signature, in seconds since 1970 UTC, if the key could sign then.
    ///
    /// # Errors
    /// If it is not said, in the future, before the key was made or after it had expired, or the key is revoked.
    pub(crate) fn check_time(&self, signature: &Detached, now: u32) -> Result<u32> {
        let name = self.fingerprint();
        let time = signature.created().context("it does not say when it was made")?;
        ensure!(!self.is_revoked(), "the key {name} is revoked: its signatures count no more");
        ensure!(
            time <= now.saturating_add(SKEW),
            "it was made in the future, on {}: set this machine's clock, or that of who signed",
            date(time.into())
        );
        ensure!(
            self.0.primary_key.created_at().as_secs() <= time,
            "it was made before the key {name}: the clock of who signed was wrong"
        );
        ensure!(
            self.end().is_none_or(|end| u64::from(time) < end),
            "it was made on {}, after the key {name} had expired on {}: get the key that is published now, in case it was extended",
            date(time.into()),
            date(self.end().unwrap_or_default())
        );
        let ends = signature.0.signature.signature_expiration_time().map(pgp::types::Duration::as_secs);
        ensure!(
            ends.is_none_or(|after| after == 0 || u64::from(now) < u64::from(time) + u64::from(after)),
            "the signature was meant for a time that is over: get the one that is published now"
        );
        Ok(time)
    }

    /// Checks a signature of this key.
    ///
    /// # Errors
    /// If it is by another key, for something else, or uses a digest that is not accepted everywhere.
    pub(crate) fn verify(&self, kind: Kind, data: &[u8], signature: &Detached) -> Result<()> {
        let signature = &signature.0.signature;
        let hash = signature.hash_alg();
        ensure!(
            hash.is_some_and(is_strong),
            "it uses the digest {hash:?}, which Enterprise Linux refuses: sign with SHA-256 or SHA-512"
        );
        let wanted = signature_type(kind);
        ensure!(signature.typ() == Some(wanted), "it is of another type than {wanted:?}");
        let key = &self.0.primary_key;
        let named = signature.issuer_fingerprint();
        let is_mine = if named.is_empty() {
            signature.issuer_key_id().contains(&&key.legacy_key_id())
        } else {
            named.contains(&&key.fingerprint())
        };
        ensure!(is_mine, "it was signed by another key than {}", self.fingerprint());
        signature.verify(key, &*hashed(kind, data)).map_err(|_| anyhow!("it was changed after it was signed"))
    }
}

/// A key with its private half.
pub(crate) struct SecretKey(SignedSecretKey);

impl SecretKey {
    /// Reads an armored key, and makes sure that the password opens it.
    ///
    /// # Errors
    /// If it is none, or the password is another one.
    pub(crate) fn read(path: &Path, password: Option<&str>) -> Result<SecretKey> {
        ensure!(
            !path.to_string_lossy().contains("-----BEGIN"),
            "the settings have a key where the name of its file belongs: put it into a file, and name that"
        );
        let doing = || format!("reading the key {}", path.display());
        let text = fs::read_to_string(path).with_context(doing)?;
        let (mut key, _) = SignedSecretKey::from_string(&text).map_err(|_| {
            anyhow!(
                "{} is no armored secret key: export it by `gpg --armor --export-secret-keys`",
                path.display()
            )
        })?;
        let is_given = password.is_some();
        let password = password.map_or_else(Password::empty, Password::from);
        // Once, for it is meant to take long. The error might quote something of the key.
        ensure!(
            key.primary_key.remove_password(&password).is_ok(),
            "{} {}, or the private half of its primary key is not in it",
            if is_given { "the password does not open" } else { "no password was given for" },
            path.display()
        );
        Ok(SecretKey(key))
    }

    /// The public half.
    ///
    /// # Errors
    /// If it is not one to sign with.
    pub(crate) fn public(&self) -> Result<PublicKey> {
        PublicKey::checked(self.0.to_public_key())
    }

    /// Signs, and dates the signature, in seconds since 1970 UTC.
    ///
    /// # Errors
    /// If the key cannot sign.
    pub(crate) fn sign(&self, kind: Kind, data: &[u8], time: u32) -> Result<Detached> {
        let key = &self.0.primary_key;
        let mut config = SignatureConfig::v4(signature_type(kind), key.algorithm(), HashAlgorithm::Sha512);
        config.hashed_subpackets = vec![
            Subpacket::regular(SubpacketData::SignatureCreationTime(Timestamp::from_secs(time)))?,
            Subpacket::regular(SubpacketData::IssuerFingerprint(key.fingerprint()))?,
        ];
        config.unhashed_subpackets =
            vec![Subpacket::regular(SubpacketData::IssuerKeyId(key.legacy_key_id()))?];
        let signature = config.sign(key, &Password::empty(), &*hashed(kind, data)).context("signing")?;
        Ok(Detached(DetachedSignature::new(signature)))
    }
}

/// A signature without what it is for.
#[derive(Debug)]
pub(crate) struct Detached(DetachedSignature);

impl Detached {
    /// Reads one, armored or not.
    ///
    /// # Errors
    /// If it is none.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Detached> {
        let armored =
            std::str::from_utf8(bytes).ok().filter(|text| text.trim_start().starts_with("-----BEGIN"));
        let signature = match armored {
            Some(text) => DetachedSignature::from_string(text).map(|(signature, _)| signature),
            None => DetachedSignature::from_bytes(bytes),
        };
        Ok(Detached(signature.map_err(|_| anyhow!("it is no OpenPGP signature"))?))
    }

    /// When it says that it was made, in seconds since 1970 UTC.
    pub(crate) fn created(&self) -> Option<u32> {
        self.0.signature.created().map(Timestamp::as_secs)
    }

    /// As a file beside what is signed.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn armored(&self) -> Result<String> {
        Ok(self.0.to_armored_string(ArmorOptions::default())?)
    }

    /// As it is in an RPM.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn bytes(&self) -> Result<Vec<u8>> {
        Ok(self.0.to_bytes()?)
    }
}

/// A text with its signature below it.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn clear_text(text: &str, signature: &Detached) -> Result<String> {
    let text = without_last_line_end(text);
    let message = CleartextSignedMessage::new_many(text, |_| Ok(vec![signature.0.signature.clone()]))?;
    Ok(message.to_armored_string(ArmorOptions::default())?)
}

/// Text and signature of a text with its signature below it.
///
/// # Errors
/// If it is none, or has more than one signature.
pub(crate) fn read_clear_text(signed: &str) -> Result<(String, Detached)> {
    let (message, _) = CleartextSignedMessage::from_string(signed)
        .map_err(|_| anyhow!("it is no text with an OpenPGP signature below it"))?;
    let [signature] = message.signatures() else { bail!("it has {} signatures", message.signatures().len()) };
    let text = message.signed_text().replace("\r\n", "\n");
    Ok((text.trim_end_matches('\n').to_owned() + "\n", Detached(DetachedSignature::new(signature.clone()))))
}

fn is_strong(hash: HashAlgorithm) -> bool {
    matches!(hash, HashAlgorithm::Sha256 | HashAlgorithm::Sha384 | HashAlgorithm::Sha512)
}

fn signature_type(kind: Kind) -> SignatureType {
    match kind {
        Kind::Detached => SignatureType::Binary,
        Kind::Clear => SignatureType::Text,
    }
}

/// What the digest is made of, but for what the signature adds itself.
fn hashed(kind: Kind, data: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    match kind {
        Kind::Detached => data.into(),
        Kind::Clear => {
            let text = String::from_utf8_lossy(data);
            without_last_line_end(&text).replace('\n', "\r\n").into_bytes().into()
        }
    }
}

fn without_last_line_end(text: &str) -> &str {
    text.strip_suffix('\n').unwrap_or(text)
}

/// The day of a time in seconds since 1970 UTC.
pub(crate) fn date(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    time.map_or_else(|| "a day out of reach".to_owned(), |time| time.strftime("%Y-%m-%d").to_string())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use pgp::composed::{EncryptionCaps, KeyType, SecretKeyParamsBuilder};

    /// A key that began at a time.
    pub(crate) fn key_of(time: u32, kind: KeyType) -> SignedSecretKey {
        let mut builder = SecretKeyParamsBuilder::default();
        builder
            .key_type(kind)
            .can_certify(true)
            .can_sign(true)
            .can_encrypt(EncryptionCaps::None)
            .created_at(Timestamp::from_secs(time))
            .primary_user_id("Test <test@example.com>".into());
        builder.build().unwrap().generate(rand::thread_rng()).unwrap()
    }

    /// Writes a new key into a file.
    pub(crate) fn write_key(path: &Path) {
        let key = key_of(1_700_000_000, KeyType::Ed25519Legacy);
        fs::write(path, key.to_armored_string(ArmorOptions::default()).unwrap()).unwrap();
    }

    fn now() -> u32 {
        Timestamp::now().as_secs()
    }

    /// Fails if: what was signed does not verify, or something else does: another content, kind or key.
    #[test]
    fn verifies_what_it_signed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write_key(&path);
        let key = SecretKey::read(&path, None).unwrap();
        let public = PublicKey::parse(&key.public().unwrap().armored().unwrap()).unwrap();
        public.check_usable(now()).unwrap();
        for kind in [Kind::Detached, Kind::Clear] {
            let signature = key.sign(kind, b"a\n- b\nc\n", now()).unwrap();
            let again = Detached::parse(signature.armored().unwrap().as_bytes()).unwrap();
            let binary = Detached::parse(&signature.bytes().unwrap()).unwrap();
            for signature in [&again, &binary] {
                public.verify(kind, b"a\n- b\nc\n", signature).unwrap();
                assert!(public.verify(kind, b"a\n- b\nd\n", signature).is_err());
            }
        }
        let signature = key.sign(Kind::Clear, b"a\n- b\n", now()).unwrap();
        let clear = clear_text("a\n- b\n", &signature).unwrap();
        let (text, signature) = read_clear_text(&clear).unwrap();
        assert_eq!(text, "a\n- b\n");
        public.verify(Kind::Clear, text.as_bytes(), &signature).unwrap();
        write_key(&path);
        let other = SecretKey::read(&path, None).unwrap().public().unwrap();
        let error = other.verify(Kind::Clear, text.as_bytes(), &signature).unwrap_err().to_string();
        assert!(error.contains("another key"), "{error}");
    }

    /// Fails if: a key is used at a time at which clients refuse it, or one that some of them do not know.
    #[test]
    fn refuses_keys_that_nobody_would_believe() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write_key(&path);
        let public = SecretKey::read(&path, None).unwrap().public().unwrap();
        // The library dates what it vouches for now, however old the key is.
        let error = public.check_usable(1_700_000_001).unwrap_err().to_string();
        assert!(error.contains("clock"), "{error}");
        let other = key_of(1_700_000_000, KeyType::Ed25519).to_public_key();
        let error = PublicKey::checked(other).unwrap_err().to_string();
        assert!(error.contains("use RSA with 4096 bits"), "{error}");
        fs::write(&path, "no key").unwrap();
        let error = SecretKey::read(&path, None).err().unwrap().to_string();
        assert!(error.contains("--export-secret-keys"), "{error}");
    }
}
