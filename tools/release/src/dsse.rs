//! A statement in an envelope with its OpenPGP signature.
//!
//! Specified by [DSSE](https://github.com/secure-systems-lab/dsse): the signature is over `PAE(payloadType, payload)`. The
//! envelope is one line of a file `*.intoto.jsonl`; `sig` is a binary detached OpenPGP signature, `keyid` the fingerprint
//! of its key.

use crate::openpgp::{Detached, Kind, PublicKey};
use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::{Deserialize, Serialize};

/// What the payload is: a statement of [in-toto](https://github.com/in-toto/attestation).
const TYPE: &str = "application/vnd.in-toto+json";

/// An envelope, as it is written. Others may have more in it.
#[derive(Serialize, Deserialize)]
struct Written {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<WrittenSignature>,
}

#[derive(Serialize, Deserialize)]
struct WrittenSignature {
    #[serde(default)]
    keyid: String,
    sig: String,
}

/// What is signed: length and content of type and payload.
pub(crate) fn pae(payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {TYPE} {} ", TYPE.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// A payload in its envelope.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn seal(payload: &[u8], key: &PublicKey, signature: &Detached) -> Result<String> {
    let written = Written {
        payload: STANDARD.encode(payload),
        payload_type: TYPE.to_owned(),
        signatures: vec![WrittenSignature {
            keyid: key.fingerprint(),
            sig: STANDARD.encode(signature.bytes()?),
        }],
    };
    Ok(serde_json::to_string(&written)? + "\n")
}

/// The payload of an envelope, and its signature, which is by the key.
///
/// # Errors
/// If it is none, of another kind, or not signed by the key.
pub(crate) fn open(text: &str, key: &PublicKey) -> Result<(Vec<u8>, Detached)> {
    ensure!(text.lines().count() == 1, "it is no envelope: it has {} lines", text.lines().count());
    let written: Written = serde_json::from_str(text).context("it is no envelope of DSSE")?;
    ensure!(written.payload_type == TYPE, "it has something else than a statement of in-toto in it");
    let payload = decode(&written.payload)?;
    let [signature] = &written.signatures[..] else {
        bail!("it has {} signatures", written.signatures.len())
    };
    // The name of the key is a hint: the signature itself says whose it is.
    let signature = Detached::parse(&decode(&signature.sig)?)?;
    key.verify(Kind::Detached, &pae(&payload), &signature)?;
    Ok((payload, signature))
}

fn decode(text: &str) -> Result<Vec<u8>> {
    // Either is allowed.
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).context("it is no envelope: base64 is missing")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openpgp::SecretKey;
    use crate::openpgp::tests::write_key;
    use crate::signatures::now;

    /// Fails if: what was sealed is read as something else, or an envelope that was changed anywhere is believed.
    #[test]
    fn opens_what_it_sealed() {
        // The example of the specification, for our type.
        assert_eq!(pae(b"hello world"), b"DSSEv1 28 application/vnd.in-toto+json 11 hello world");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write_key(&path);
        let key = SecretKey::read(&path, None).unwrap();
        let public = key.public().unwrap();
        let signature = key.sign(Kind::Detached, &pae(b"{}"), now().unwrap()).unwrap();
        let text = seal(b"{}", &public, &signature).unwrap();
        assert_eq!(open(&text, &public).unwrap().0, b"{}");
        assert_eq!(open(&text.replace(&public.fingerprint(), "0"), &public).unwrap().0, b"{}");
        write_key(&path);
        let other = SecretKey::read(&path, None).unwrap().public().unwrap();
        for (text, key, message) in [
            (text.replace("e30=", "e31="), &public, "base64"),
            (text.replace("e30=", "W10="), &public, "changed after it was signed"),
            (text.replace("in-toto+json", "other+json"), &public, "something else"),
            (text.replace(&text[text.len() - 40..text.len() - 30], "AAAAAAAAAA"), &public, ""),
            (text.clone(), &other, "another key"),
            (text.repeat(2), &public, "2 lines"),
            (String::new(), &public, "0 lines"),
            ("{}".to_owned(), &public, "no envelope"),
        ] {
            let error = format!("{:#}", open(&text, key).expect_err(&text));
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}
