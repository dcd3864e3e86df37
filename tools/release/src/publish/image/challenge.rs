//! How a registry asks who somebody is: the header `WWW-Authenticate`
//! ([RFC 9110, 11.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1)), by which it wants a password or sends to
//! a service that gives tokens out ([the rules](https://distribution.github.io/distribution/spec/auth/token/)).

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;

/// What a registry wants.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// Name and password with every request.
    Basic,
    /// A token of this service, for what the service calls the registry.
    Bearer { realm: String, service: Option<String> },
}

impl Challenge {
    /// The way to go of those that the headers offer.
    ///
    /// # Errors
    /// If none is known.
    pub(super) fn of<'a>(headers: impl Iterator<Item = &'a str>) -> Result<Challenge> {
        let mut offered = Vec::new();
        for (scheme, mut values) in headers.flat_map(schemes) {
            match scheme.as_str() {
                "bearer" => {
                    let realm =
                        values.remove("realm").context("it names no service that gives tokens out")?;
                    return Ok(Challenge::Bearer { realm, service: values.remove("service") });
                }
                _ => offered.push(scheme),
            }
        }
        if offered.iter().any(|scheme| scheme == "basic") {
            return Ok(Challenge::Basic);
        }
        bail!("it wants to be told who we are by {offered:?}, and Basic and Bearer are known here")
    }
}

/// Schemes, in small letters, with their parameters.
fn schemes(header: &str) -> Vec<(String, BTreeMap<String, String>)> {
    let mut found: Vec<(String, BTreeMap<String, String>)> = Vec::new();
    for part in parts(header) {
        let (before, value) = part.split_once('=').unwrap_or((part, ""));
        // A scheme stands before the first of its parameters, or alone.
        let (scheme, name) = match before.trim().split_once(char::is_whitespace) {
            Some((scheme, name)) => (Some(scheme), name.trim()),
            None if part.contains('=') => (None, before.trim()),
            None => (Some(before.trim()), ""),
        };
        if let Some(scheme) = scheme {
            found.push((scheme.to_ascii_lowercase(), BTreeMap::new()));
        }
        if let Some((_, values)) = found.last_mut().filter(|_| !name.is_empty()) {
            values.insert(name.to_ascii_lowercase(), unquoted(value.trim()));
        }
    }
    found
}

/// What stands between commas that are in no quotes.
fn parts(header: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in header.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => {
                parts.push(&header[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&header[start..]);
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) else {
        return value.to_owned();
    };
    let mut text = String::new();
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        text.extend(if c == '\\' { characters.next() } else { Some(c) });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a challenge that registries send is not understood, or one that cannot be met is not refused.
    #[test]
    fn understands_challenges() {
        let bearer = |realm: &str, service: Option<&str>| {
            Some(Challenge::Bearer { realm: realm.to_owned(), service: service.map(str::to_owned) })
        };
        for (headers, expected) in [
            (&["Basic realm=\"basic-realm\""][..], Some(Challenge::Basic)),
            (&["basic"], Some(Challenge::Basic)),
            (
                &[
                    "Bearer realm=\"https://ghcr.io/token\",service=\"ghcr.io\",scope=\"repository:a/b:pull,push\"",
                ],
                bearer("https://ghcr.io/token", Some("ghcr.io")),
            ),
            (
                &["bearer Realm = \"https://a/?x=1,2\" , error=\"a \\\"b\\\"\""],
                bearer("https://a/?x=1,2", None),
            ),
            (
                &["Basic realm=\"x\", Bearer realm=\"https://a\", service=\"b c\""],
                bearer("https://a", Some("b c")),
            ),
            (&["Basic realm=\"x\"", "Bearer realm=https://a"], bearer("https://a", None)),
            (&["Negotiate"], None),
            (&["Bearer service=\"x\""], None),
            (&["Bearer realm=\"half"], bearer("\"half", None)),
            (&["\"", ",,=,"], None),
            (&[], None),
        ] {
            let found = Challenge::of(headers.iter().copied());
            assert_eq!(found.as_ref().ok(), expected.as_ref(), "{headers:?}: {found:?}");
        }
    }
}
