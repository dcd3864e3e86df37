//! Keeps secrets out of messages, even where a server or a proxy repeats what it was sent.

use std::cmp::Reverse;

use url::Url;
use url::form_urlencoded::byte_serialize;

use super::settings::Settings;
use super::way;

/// What stands in place of a secret.
const HIDDEN: &str = "…";

/// Shorter texts occur by chance, and hiding each occurrence would garble messages.
const MIN_LENGTH: usize = 6;

/// The secrets of one client: the token and the proxy's credentials, as they are sent, as they
/// are written by people, and as they are in addresses.
#[derive(Clone)]
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    pub(super) fn new(settings: &Settings, root: &Url) -> Secrets {
        let mut secrets = Vec::new();
        if let Some(token) = &settings.token {
            secrets.push(token.expose().to_owned());
            secrets.extend(token.credentials());
        }
        secrets.extend(way::credentials(&settings.proxy, root));
        for secret in &mut secrets {
            // The padding is no secret, and some drop it.
            secret.truncate(secret.trim_end_matches('=').len());
        }
        let password = |secret: &String| secret.split_once(':').map(|(_, password)| password.to_owned());
        let passwords: Vec<String> = secrets.iter().filter_map(password).collect();
        secrets.extend(passwords);
        let encoded: Vec<String> = secrets.iter().map(|s| byte_serialize(s.as_bytes()).collect()).collect();
        secrets.extend(encoded);
        secrets.retain(|secret| secret.len() >= MIN_LENGTH);
        // The longest first: one that is part of another would leave the rest of that.
        secrets.sort_unstable_by_key(|secret| Reverse(secret.len()));
        secrets.dedup();
        Secrets(secrets)
    }

    /// The text without secrets. To be done before a text is cut, since a cut secret is not found.
    pub(super) fn hide(&self, mut text: String) -> String {
        for secret in &self.0 {
            if text.contains(secret) {
                text = text.replace(secret, HIDDEN);
            }
        }
        text
    }

    /// The same for the body of an answer; one without secrets stays as it is.
    pub(super) fn hide_in_body(&self, body: Vec<u8>) -> Vec<u8> {
        let found = |secret: &String| body.windows(secret.len()).any(|window| window == secret.as_bytes());
        if self.0.iter().any(found) {
            self.hide(String::from_utf8_lossy(&body).into_owned()).into_bytes()
        } else {
            body
        }
    }
}
