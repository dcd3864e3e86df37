//! Addresses that servers name, absolute or relative to what was asked
//! ([RFC 3986, 5.2](https://www.rfc-editor.org/rfc/rfc3986#section-5.2)).

use ureq::http::Uri;

/// An address in its parts; what follows `#` is not sent to servers.
struct Parts<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
}

impl Parts<'_> {
    fn of(text: &str) -> Parts<'_> {
        let text = text.split('#').next().unwrap_or(text);
        let (rest, query) = match text.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (text, None),
        };
        let is_scheme = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        };
        let (scheme, rest) = match rest.split_once(':').filter(|(name, _)| is_scheme(name)) {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, rest),
        };
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                (Some(authority), path)
            }
            None => (None, rest),
        };
        Parts { scheme, authority, path, query }
    }
}

/// Where a reference leads from an address; nothing if that is no address of a server.
pub(crate) fn resolve(base: &str, reference: &str) -> Option<String> {
    let (base, reference) = (Parts::of(base), Parts::of(reference.trim()));
    let (mut scheme, mut authority, mut query) = (reference.scheme, reference.authority, reference.query);
    let path = if scheme.is_some() || authority.is_some() || reference.path.starts_with('/') {
        reference.path.to_owned()
    } else if reference.path.is_empty() {
        query = query.or(base.query);
        base.path.to_owned()
    } else {
        let folder = base.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{folder}/{}", reference.path)
    };
    if scheme.is_none() {
        scheme = base.scheme;
        authority = authority.or(base.authority);
    }
    let (scheme, authority) = (scheme?, authority.filter(|authority| !authority.is_empty())?);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let whole = format!("{scheme}://{authority}{}{query}", without_dots(&path));
    // Whether these are characters of addresses, too.
    whole.parse::<Uri>().is_ok().then_some(whole)
}

/// A path without `.` and `..`.
fn without_dots(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let mut all = path.split('/').skip(1).peekable();
    while let Some(part) = all.next() {
        let is_last = all.peek().is_none();
        match part {
            "." => {}
            ".." => _ = parts.pop(),
            part => {
                parts.push(part);
                continue;
            }
        }
        // What it leads to is a folder.
        if is_last {
            parts.push("");
        }
    }
    format!("/{}", parts.join("/"))
}

/// Whether two addresses are of the same server: scheme, host and port, and no other name to log in with.
pub(crate) fn is_same_server(one: &str, other: &str) -> bool {
    let server = |url: &str| {
        let uri: Uri = url.parse().ok()?;
        let (scheme, authority) = (uri.scheme_str()?.to_owned(), uri.authority()?);
        let usual = if scheme == "https" { 443 } else { 80 };
        let host = authority.host().to_ascii_lowercase();
        let is_plain = !authority.as_str().contains('@');
        is_plain.then(|| (scheme, host, authority.port_u16().unwrap_or(usual)))
    };
    server(one).is_some_and(|one| Some(one) == server(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: an address leads elsewhere than the RFC says (5.4), or something that is none is taken for one.
    #[test]
    fn follows_references() {
        for (reference, expected) in [
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g/"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("#s", "http://a/b/c/d;p?q"),
            ("g?y#s", "http://a/b/c/g?y"),
            (";x", "http://a/b/c/;x"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("./", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../..", "http://a/"),
            ("../../g", "http://a/g"),
            ("../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("/../g", "http://a/g"),
            ("g.", "http://a/b/c/g."),
            ("..g", "http://a/b/c/..g"),
            ("./g/.", "http://a/b/c/g/"),
            ("g/../h", "http://a/b/c/h"),
            ("g;x=1/../y", "http://a/b/c/y"),
            ("g?y/../x", "http://a/b/c/g?y/../x"),
            // What registries name.
            ("u1?x=1", "http://a/b/c/u1?x=1"),
            ("u:1", ""),
            ("./u:1?next=http://x/y", "http://a/b/c/u:1?next=http://x/y"),
            ("//storage:8080/x?y", "http://storage:8080/x?y"),
            ("https://Storage/x//y?a=b:c", "https://Storage/x//y?a=b:c"),
            ("https://storage?x", "https://storage/?x"),
            ("https:///x", ""),
            ("//", ""),
            ("a b", ""),
            ("mailto:x@y", ""),
        ] {
            let found = resolve("http://a/b/c/d;p?q", reference);
            assert_eq!(found.as_deref().unwrap_or_default(), expected, "{reference}");
        }
    }

    /// Fails if: another server is taken for the same, or the same for another.
    #[test]
    fn knows_the_same_server() {
        for (url, is_same) in [
            ("https://registry.example/v2/a/b/blobs/uploads/1?state=2", true),
            ("https://registry.example:443/v2/", true),
            ("https://REGISTRY.example/v2/", true),
            ("https://registry.example:8443/v2/", false),
            ("http://registry.example/v2/", false),
            ("http://registry.example:443/v2/", false),
            ("https://registry.example.evil/v2/", false),
            ("https://registry.example@evil/v2/", false),
            ("https://me@registry.example/v2/", false),
            ("https://storage.example/x", false),
            ("registry.example", false),
            ("", false),
        ] {
            assert_eq!(is_same_server(url, "https://registry.example"), is_same, "{url}");
        }
    }
}
