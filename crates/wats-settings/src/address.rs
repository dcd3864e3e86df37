//! The address of the WATS server: a part of what the [URL standard](https://url.spec.whatwg.org/) allows.
//!
//! The client takes addresses apart with the crate `url`, which brings all of Unicode along to know which names beyond
//! ASCII there can be: 340 KB, too much for the library of the installer. So both look here first, and what is accepted
//! here that crate accepts, too (a test says so), but for names in scripts that no name has.

use std::net::{Ipv4Addr, Ipv6Addr};

/// What to do about an address that is refused.
pub const WANTED: &str = "write it as in https://company.wats.com";

/// Characters that stand in no name of a server.
const FORBIDDEN: &[char] = &['<', '>', '"', '^', '`', '{', '|', '}', '%', '[', ']', ':'];

/// Checks the address that a person wrote.
///
/// # Errors
/// For everything that is not the address of an HTTP server. The address itself is not repeated: it may hold
/// a password.
pub fn check(address: &str) -> Result<(), String> {
    let refused = |problem: &str| Err(format!("the server's address {problem}; {WANTED}"));
    let unreadable = |problem: &str| refused(&format!("cannot be read: {problem}"));
    let address = address.trim();
    if address.is_empty() {
        return refused("is missing");
    }
    let Some((scheme, rest)) = address.split_once(':') else { return unreadable("it has no scheme") };
    if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return refused("does not start with https:// or http://");
    }
    let rest = rest.trim_start_matches(['/', '\\']);
    let (server, tail) = rest.split_at(rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len()));
    if server.contains('@') {
        return refused("holds a user name or password, which belong into the API token");
    }
    if tail.contains(['?', '#']) {
        return refused("holds a query or a fragment");
    }
    if rest.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return unreadable("it has a space or a control character");
    }
    let (host, port) = match server.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((inner, port)) if inner.parse::<Ipv6Addr>().is_ok() => (server, port),
            _ => return unreadable("invalid IPv6 address"),
        },
        None => server.split_at(server.find(':').unwrap_or(server.len())),
    };
    let number = port.strip_prefix(':').unwrap_or(port);
    let is_port = number.bytes().all(|byte| byte.is_ascii_digit())
        && (number.is_empty() || number.parse::<u16>().is_ok())
        && (port.is_empty() || port.starts_with(':'));
    match host {
        _ if !is_port => unreadable("invalid port number"),
        "" => unreadable("empty host"),
        _ if host.starts_with('[') => Ok(()),
        _ if host.contains(FORBIDDEN) => {
            unreadable("the name of the server has a character that no name has")
        }
        _ if is_number(host) && host.parse::<Ipv4Addr>().is_err() => unreadable("invalid IPv4 address"),
        _ => Ok(()),
    }
}

/// Whether a host is taken for an address by its last part: digits, also hexadecimal ones.
fn is_number(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or_default();
    match last.strip_prefix("0x").or_else(|| last.strip_prefix("0X")) {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use url::Url;

    proptest! {
        /// Fails if: the client could not use an address that is accepted here.
        #[test]
        fn accepts_what_can_be_used(
            address in "(https?|HTTPS):/{1,3}[!-~]{0,6}(\\.[a-zA-Z0-9_.-]{0,6})?(:[0-9]{0,6})?(/[ -~]{0,6})?",
        ) {
            prop_assume!(!address.to_lowercase().contains("xn--"));
            if check(&address).is_ok() {
                let url = Url::parse(&address);
                prop_assert!(url.as_ref().is_ok_and(Url::has_host), "{address}: {url:?}");
            }
        }

        /// Fails if: an address as people write it is refused.
        #[test]
        fn accepts_what_people_write(
            address in "(https?|HTTPS)://([a-z][a-z0-9]{0,8}\\.){0,3}[a-z][a-z0-9-]{0,8}(:[1-9][0-9]{0,3})?(/[a-z]{0,8}){0,2}",
        ) {
            prop_assert_eq!(check(&address), Ok(()));
        }
    }
}
