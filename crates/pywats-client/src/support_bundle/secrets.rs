//! Takes secrets out of what goes into a bundle, in three ways of which each would do for most of it: by the name of
//! what holds them, by the form of an address with a password, and by the secrets themselves, wherever they stand.

use crate::config::Loaded;
use crate::config::settings::SETTINGS;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::ffi::OsString;
use wats_settings::{text, token};

/// What stands in the place of a secret.
pub(super) const MASK: &str = "****";
/// Parts of names of what holds a secret, in small letters. Names of files that hold one are none.
const NAMES: [&str; 8] =
    ["token", "password", "passwd", "passcode", "secret", "credential", "authorization", "apikey"];
/// What is shorter is no secret that could be looked for: it would be found in every word.
const SHORTEST: usize = 4;
/// What is no secret though it stands where one does.
const WORDS: [&str; 6] = ["system", "none", "null", "true", "false", MASK];

/// The secrets of this station.
pub(super) struct Secrets {
    /// The longest first: one may be part of another.
    known: Vec<String>,
}

impl Secrets {
    /// All that configuration, its file and the environment hold.
    pub(super) fn of(loaded: &Loaded, env: impl Fn(&str) -> Option<OsString>) -> Secrets {
        let mut found = BTreeSet::new();
        let server = &loaded.config.server;
        found.extend(server.token.as_ref().map(|token| token.reveal().to_owned()));
        passwords_in(server.proxy.reveal(), &mut found);
        passwords_in(server.url.as_deref().unwrap_or_default(), &mut found);
        // One that is not in force may be in a log of when it was.
        for file in server.token_file.iter() {
            let bytes = super::files::read(file, token::MAX_FILE_BYTES as u64).unwrap_or_default();
            found.extend(token::of_file(&bytes).ok());
        }
        let bytes = super::files::read(&loaded.path, 1 << 20).unwrap_or_default();
        let document = text::decode(&bytes).ok().and_then(|text| serde_json::from_str(&text).ok());
        held(&document.unwrap_or_default(), false, &mut found);
        for name in SETTINGS.iter().map(crate::config::settings::Setting::env_name).chain(
            ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"]
                .iter()
                .flat_map(|n| [(*n).to_owned(), n.to_lowercase()]),
        ) {
            let Some(value) = env(&name).and_then(|value| value.into_string().ok()) else { continue };
            if is_secret_name(&name) {
                found.insert(value);
            } else {
                passwords_in(&value, &mut found);
            }
        }
        // A token is user and password in base64.
        let clear: Vec<String> = found.iter().filter_map(|secret| password_of_token(secret)).collect();
        found.extend(clear);
        let written: Vec<String> = found.iter().flat_map(|secret| spellings(secret)).collect();
        found.extend(written);
        let mut known: Vec<String> = found
            .into_iter()
            .map(|secret| secret.trim().to_owned())
            .filter(|secret| secret.len() >= SHORTEST && !WORDS.contains(&&**secret))
            .collect();
        known.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        Secrets { known }
    }

    /// A text without them.
    pub(super) fn removed_from(&self, text: &str) -> String {
        let mut text = without_passwords(text);
        for secret in &self.known {
            if text.contains(secret) {
                text = text.replace(secret, MASK);
            }
        }
        text
    }

    /// A document in which everything that has the name of a secret is masked.
    pub(super) fn removed_from_json(&self, value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                let masked = fields.iter().map(|(name, value)| {
                    let value =
                        if is_secret_name(name) { masked(value) } else { self.removed_from_json(value) };
                    (self.removed_from(name), value)
                });
                Value::Object(masked.collect::<Map<_, _>>())
            }
            Value::Array(values) => values.iter().map(|value| self.removed_from_json(value)).collect(),
            Value::String(text) => Value::String(self.removed_from(text)),
            other => other.clone(),
        }
    }
}

/// What is said of the value of a secret: that there is one. The rows of a diagnosis keep their masks and origins.
fn masked(value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::String(text) if text.is_empty() => Value::from(""),
        Value::Object(fields) if fields.contains_key("from") => {
            let fields = fields.iter().map(|(name, value)| {
                (name.clone(), if name == "from" { value.clone() } else { masked(value) })
            });
            Value::Object(fields.collect())
        }
        _ => MASK.into(),
    }
}

/// Whether a setting, a variable or a field of this name holds a secret, and not the path of a file with one.
fn is_secret_name(name: &str) -> bool {
    let name: String = name.to_lowercase().replace(['-', '_'], "");
    let is_place =
        name.ends_with("file") || name.ends_with("directory") || name.starts_with("loadcredential");
    NAMES.iter().any(|part| name.contains(part)) && !is_place
}

/// What a document holds under names of secrets, and the passwords of addresses in it.
fn held(value: &Value, secret: bool, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| held(value, secret || is_secret_name(name), found));
        }
        Value::Array(values) => values.iter().for_each(|value| held(value, secret, found)),
        Value::String(text) if secret => {
            found.insert(text.clone());
        }
        Value::String(text) => passwords_in(text, found),
        _ => {}
    }
}

/// The password in an address, `scheme://user:password@host`, what stands where a user does, and the values of its
/// query and its fragment.
fn passwords_in(address: &str, found: &mut BTreeSet<String>) {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    if rest.len() < address.len() {
        let parts = rest.split(['?', '#', '&']).skip(1);
        found.extend(parts.map(|part| part.split_once('=').map_or(part, |(_, value)| value).to_owned()));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // A password that is not encoded may have a slash in it.
    for part in [authority, rest] {
        if let Some((user, _)) = part.rsplit_once('@') {
            found.insert(user.split_once(':').map_or(user, |(_, password)| password).to_owned());
        }
    }
}

/// The password in a token, which is `user:password` in base64.
fn password_of_token(token: &str) -> Option<String> {
    let bytes = from_base64(token.trim())?;
    let text = String::from_utf8(bytes).ok()?;
    text.split_once(':').map(|(_, password)| password.to_owned())
}

/// [Base64](https://www.rfc-editor.org/rfc/rfc4648#section-4), read leniently: it only says what to look for.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => Some(c - b'A'),
        b'a'..=b'z' => Some(c - b'a' + 26),
        b'0'..=b'9' => Some(c - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    };
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for c in text.trim_end_matches('=').bytes() {
        bits = (bits << 6 | u32::from(digit(c)?)) & 0xff_ffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    Some(bytes)
}

/// How a secret is written elsewhere: decoded from an address, and within JSON.
fn spellings(secret: &str) -> Vec<String> {
    let mut spellings = vec![percent_decoded(secret)];
    for spelling in [secret.to_owned(), spellings[0].clone()] {
        let quoted = Value::String(spelling).to_string();
        spellings.push(quoted.trim_matches('"').to_owned());
    }
    spellings
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = (*first == b'%')
            .then(|| after.get(..2).and_then(|code| std::str::from_utf8(code).ok()))
            .flatten()
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A text in which the part of addresses before the `@`, their query and their fragment are masked.
fn without_passwords(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        result.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || "\"'<>`".contains(c)).unwrap_or(after.len());
        let mut address = &after[..end];
        if let Some(at) = address.rfind('@') {
            result.push_str(MASK);
            address = &address[at..];
        }
        match address.find(['?', '#']) {
            Some(at) => {
                result.push_str(&address[..=at]);
                result.push_str(MASK);
                // What ends a sentence, or an address in brackets, is none of it.
                result.push_str(
                    &address[address.trim_end_matches([')', ',', '.', ';', ':']).len().max(at + 1)..],
                );
            }
            None => result.push_str(address),
        }
        rest = &after[end..];
    }
    result + rest
}

/// A text of lines in which the values of assignments to names of secrets are masked: variables, and the credentials
/// that a unit sets.
pub(super) fn without_assigned(text: &str) -> String {
    let lines = text.lines().map(|line| {
        if let Some(rest) = line.trim_start().strip_prefix("SetCredential") {
            let name =
                rest.split_once('=').map_or("", |(_, value)| value.split(':').next().unwrap_or_default());
            return format!("SetCredential={name}:{MASK}\n");
        }
        let mut masked = line.to_owned();
        // The first name of a secret: behind it nothing is shown, wherever quotation marks end.
        let mut begin = 0;
        while let Some(at) = line[begin..].find('=').map(|at| begin + at) {
            let name =
                line[..at].rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default();
            if is_secret_name(name) {
                masked = format!("{}={MASK}", &line[..at]);
                break;
            }
            begin = at + 1;
        }
        masked + "\n"
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn known(secrets: &[&str]) -> Secrets {
        Secrets { known: secrets.iter().map(|secret| (*secret).to_owned()).collect() }
    }

    /// Fails if: a password, a query or a fragment of an address is shown, or what surrounds it is lost.
    #[test]
    fn addresses_lose_their_passwords() {
        for (text, expected) in [
            ("at http://u:p@h:1/x and https://h/y", "at http://****@h:1/x and https://h/y"),
            ("\"http://u:p/w@h\"", "\"http://****@h\""),
            ("http://u:a@b@h", "http://****@h"),
            ("GET http://h?token=abc: 404", "GET http://h?****: 404"),
            ("(https://h/a/b?x=1&y=u@h#z), 2", "(https://****@h#****), 2"),
            ("https://u:p@h/a#secret", "https://****@h/a#****"),
            ("is it https://h?", "is it https://h?****"),
            ("mail a@b", "mail a@b"),
            ("://", "://"),
        ] {
            assert_eq!(known(&[]).removed_from(text), expected);
        }
    }

    /// Fails if: something that is called like a secret is shown, or a path of a file with one is not.
    #[test]
    fn names_tell() {
        let document = json!({
            "server": { "token": "abc", "token_file": "/etc/token", "url": "https://u:pw@h" },
            "nested": [{ "api_token": 7, "proxyPassword": ["x", "y"], "Client-Secret": { "a": "b" }, "other": "long-secret" }],
            "empty": { "token": "", "password": null },
            "server.token": { "value": "****", "from": "file" },
        });
        let expected = json!({
            "server": { "token": "****", "token_file": "/etc/token", "url": "https://****@h" },
            "nested": [{ "api_token": "****", "proxyPassword": "****", "Client-Secret": "****", "other": "****" }],
            "empty": { "token": "", "password": null },
            "server.token": { "value": "****", "from": "file" },
        });
        assert_eq!(known(&["long-secret"]).removed_from_json(&document), expected);
        let unit = "[Service]\nEnvironment=\"PYWATS_API_TOKEN=abc def\" X=1\nEnvironment=PYWATS_SERVER_TOKEN_FILE=/x\n\
                    SetCredential=token:abc\nLoadCredential=token:/etc/token\n";
        let expected = "[Service]\nEnvironment=\"PYWATS_API_TOKEN=****\nEnvironment=PYWATS_SERVER_TOKEN_FILE=/x\n\
                        SetCredential=token:****\nLoadCredential=token:/etc/token\n";
        assert_eq!(without_assigned(unit), expected);
    }

    /// Fails if: a secret is not known in the forms in which it is written.
    #[test]
    fn secrets_have_several_forms() {
        assert_eq!(password_of_token("dXNlcjpwYXNzd29yZA==").as_deref(), Some("password"));
        assert_eq!(password_of_token("not base64"), None);
        let mut found = BTreeSet::new();
        for address in [
            "http://u:p%40ss@h:1",
            "u:plain@h",
            "https://only@h/",
            "http://u:sl/ash@h",
            "system",
            "http://h?token=of-query",
            "http://h/#of-fragment",
        ] {
            passwords_in(address, &mut found);
        }
        assert_eq!(
            found.into_iter().collect::<Vec<_>>(),
            ["of-fragment", "of-query", "only", "p%40ss", "plain", "sl/ash"]
        );
        assert_eq!(percent_decoded("p%40s%zs%"), "p@s%zs%");
        assert!(spellings("a\"b\\c").contains(&"a\\\"b\\\\c".to_owned()));
    }
}
