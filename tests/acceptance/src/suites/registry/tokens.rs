//! A service that gives tokens for a registry out, [as the registry of Debian wants
//! them](https://distribution.github.io/distribution/spec/auth/jwt/): signed by openssl.

use super::server::{ISSUER, PASSWORD, SERVICE, USER};
use crate::command::tool;
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

/// See the [module](self).
pub(super) struct Tokens {
    folder: PathBuf,
    count: AtomicUsize,
}

impl Tokens {
    /// Makes its key.
    pub(super) fn make(folder: &Path) -> Result<Tokens> {
        fs::create_dir_all(folder)?;
        tool("openssl", 60)
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tokens"])
            .arg("-keyout")
            .arg(folder.join("key"))
            .arg("-out")
            .arg(folder.join("certificate"))
            .run()?;
        Ok(Tokens { folder: folder.to_owned(), count: AtomicUsize::new(0) })
    }

    pub(super) fn certificate(&self) -> PathBuf {
        self.folder.join("certificate")
    }

    /// The status and the answer to somebody who asks for a token at a path.
    pub(super) fn answer(&self, path: &str, authorization: Option<&str>) -> Result<(u16, String)> {
        let expected = format!("Basic {}", base64(format!("{USER}:{PASSWORD}").as_bytes(), STANDARD));
        if authorization != Some(expected.as_str()) {
            return Ok((401, r#"{"details":"incorrect username or password"}"#.to_owned()));
        }
        let mut asked = path.replace('+', " ");
        for (escaped, plain) in [("%20", " "), ("%2C", ","), ("%2F", "/"), ("%3A", ":")] {
            asked = asked.replace(escaped, plain);
        }
        ensure!(asked.contains(&format!("service={SERVICE}")), "for which registry? {path}");
        let (_, scope) = asked.split_once("scope=repository:").context("nothing is asked for")?;
        let scope = scope.split('&').next().unwrap_or(scope);
        let (name, actions) = scope.split_once(':').context("nothing is to be done")?;
        let actions: Vec<&str> = actions.split(',').collect();
        let token = self.token(&json!([{ "type": "repository", "name": name, "actions": actions }]))?;
        Ok((200, json!({ "token": token, "expires_in": 300 }).to_string()))
    }

    fn token(&self, access: &serde_json::Value) -> Result<String> {
        let number = self.count.fetch_add(1, Ordering::SeqCst);
        let certificate = fs::read_to_string(self.certificate())?;
        let certificate: String = certificate.lines().filter(|line| !line.contains("-----")).collect();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
        let head = json!({ "typ": "JWT", "alg": "RS256", "x5c": [certificate] });
        let claims = json!({
            "iss": ISSUER, "sub": USER, "aud": SERVICE, "jti": number.to_string(),
            "nbf": now - 60, "iat": now, "exp": now + 300, "access": access,
        });
        let [head, claims] = [head, claims].map(|part| base64(part.to_string().as_bytes(), URL));
        let signed = self.folder.join(format!("signed-{number}"));
        let signature = signed.with_extension("signature");
        fs::write(&signed, format!("{head}.{claims}"))?;
        tool("openssl", 20)
            .args(["dgst", "-sha256", "-sign"])
            .arg(self.folder.join("key"))
            .arg("-out")
            .arg(&signature)
            .arg(&signed)
            .run()?;
        Ok(format!("{head}.{claims}.{}", base64(&fs::read(signature)?, URL)))
    }
}

/// The last two digits of base 64, and whether the end is filled up.
type Digits = ([u8; 2], bool);
const STANDARD: Digits = (*b"+/", true);
const URL: Digits = (*b"-_", false);

/// Bytes in base 64 ([RFC 4648](https://www.rfc-editor.org/rfc/rfc4648)).
fn base64(bytes: &[u8], (last, is_filled): Digits) -> String {
    let digits: Vec<u8> = (b'A'..=b'Z').chain(b'a'..=b'z').chain(b'0'..=b'9').chain(last).collect();
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let number = (0..3).fold(0_usize, |number, at| number << 8 | usize::from(three.get(at).copied().unwrap_or(0)));
        for at in 0..=three.len() {
            text.push(char::from(digits[number >> (18 - 6 * at) & 63]));
        }
        if is_filled {
            text.extend(std::iter::repeat_n('=', 3 - three.len()));
        }
    }
    text
}
