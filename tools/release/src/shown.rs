//! What may be shown, and written for machines: servers and proxies repeat what they were sent, credentials among it, and
//! may send what a terminal obeys.
//!
//! Every secret is [hidden](hide) before it is sent the first time. What a server said goes through [`said`] when it
//! becomes part of a message, and every message through [`shown`] on its way out.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// What stands for a secret.
const MASK: &str = "***";
/// How much of what a server said is shown, in characters.
const LONGEST: usize = 300;
/// From how many characters on the word after the name of a scheme is taken for credentials: `authentication` has less.
const CREDENTIALS: usize = 16;

/// The secrets of this run, the longest first, in every form in which they are sent or come back.
static SECRETS: Mutex<BTreeSet<(Reverse<usize>, String)>> = Mutex::new(BTreeSet::new());

/// From now on this shows nowhere.
pub(crate) fn hide(secret: &str) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let escape = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    let escaped: String = secret.bytes().map(escape).collect();
    let quoted = serde_json::Value::from(secret).to_string();
    let mut secrets = SECRETS.lock().unwrap_or_else(PoisonError::into_inner);
    for form in [secret, &escaped, quoted.trim_matches('"')].into_iter().filter(|form| !form.is_empty()) {
        secrets.insert((Reverse(form.len()), form.to_owned()));
    }
}

/// The same of a name and its password, as they are sent ([RFC 7617](https://www.rfc-editor.org/rfc/rfc7617)).
pub(crate) fn hide_basic(user: &str, password: &str) {
    hide(password);
    for engine in [STANDARD, URL_SAFE] {
        let sent = engine.encode(format!("{user}:{password}"));
        // Not everybody fills up the end.
        hide(sent.trim_end_matches('='));
        hide(&sent);
    }
}

/// What a server said, in one line and not at length, as [`shown`].
pub(crate) fn said(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    // Only now: what is cut off in the middle would not be known for a secret.
    let line = shown(&line);
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// A text without the secrets of this run, and without characters that a terminal does something else with than show
/// them.
pub(crate) fn shown(text: &str) -> String {
    let mut text: String = text.chars().filter(|c| !is_obeyed(*c)).collect();
    for (_, secret) in &*SECRETS.lock().unwrap_or_else(PoisonError::into_inner) {
        if text.contains(secret) {
            text = text.replace(secret, MASK);
        }
    }
    for scheme in ["basic ", "bearer "] {
        text = without_credentials(&text, scheme);
    }
    text
}

/// Whether a terminal obeys a character, or shows others in another order because of it.
fn is_obeyed(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Hides what follows the name of a scheme: credentials of others, such as those for a proxy.
fn without_credentials(text: &str, scheme: &str) -> String {
    // The same length, as only letters of ASCII change.
    let low = text.to_ascii_lowercase();
    let (mut shown, mut at) = (String::new(), 0);
    while let Some(found) = low[at..].find(scheme) {
        let start = at + found + scheme.len();
        let is_other = |c: char| !(c.is_ascii_alphanumeric() || "-._~+/=".contains(c));
        let end = text[start..].find(is_other).map_or(text.len(), |length| start + length);
        shown += &text[at..start];
        shown += if end - start < CREDENTIALS { &text[start..end] } else { MASK };
        at = end;
    }
    shown + &text[at..]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a secret shows in any form in which it is sent, a terminal is told something, a long text is shown whole,
    /// or a plain one is changed.
    #[test]
    fn shows_no_secret() {
        hide_basic("robot-of-shown", "hush+4711/\"of-shown");
        hide("bearer-4711-of-shown");
        let basic = STANDARD.encode("robot-of-shown:hush+4711/\"of-shown");
        let far = format!("{} bearer-4711-of-shown", "x".repeat(LONGEST - 10));
        let words = "ä ".repeat(LONGEST);
        for (text, expected) in [
            ("denied", "denied"),
            ("a  b\r\n\tc", "a b c"),
            ("hush+4711/\"of-shown!", "***!"),
            ("?token=hush%2B4711%2F%22of-shown&", "?token=***&"),
            (r#"{"is":"hush+4711/\"of-shown"}"#, r#"{"is":"***"}"#),
            (&format!("authorization: Basic {basic}"), "authorization: Basic ***"),
            (&format!("[{}]", basic.trim_end_matches('=')), "[***]"),
            ("bear\u{1b}er-4711-of-shown", "***"),
            ("\u{1b}]0;title\u{7}\u{1b}[31mred\u{9b}1m \u{202e}x", "]0;title[31mred1m x"),
            ("proxy-authorization: basic c29tZWJvZHk6ZWxzZQ== x", "proxy-authorization: basic *** x"),
            ("BEARER eyJhbGciOi.J9.abc-_ bearer", "BEARER *** bearer"),
            (
                "Basic authentication needed, Bearer tokens too",
                "Basic authentication needed, Bearer tokens too",
            ),
            (&far, &format!("{} ***", "x".repeat(LONGEST - 10))),
            (&words, &format!("{}…", &words[..LONGEST / 2 * 3])),
        ] {
            assert_eq!(said(text), expected, "{text}");
        }
        assert_eq!(shown("one\n two\u{1b}[0m"), "one\n two[0m");
    }
}
