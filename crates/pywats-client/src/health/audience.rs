//! Who asks, and for what. Names of files, serial numbers and reasons are for those on this machine, unless
//! `health.show_reports` says that everybody may see them.
//!
//! A web page from elsewhere must not read through the browser of somebody on this machine: it could point its own
//! name to 127.0.0.1 ("DNS rebinding"). A browser sends that name as `Host`, so the page and the details are refused
//! under a name that is not this machine's. An address cannot be pointed anywhere, so probes by address go on working,
//! and so do probes and metrics by whatever name, because they say nothing that is not for everybody.

use crate::config::station::own_name;
use crate::config::{Health, ShowReports};
use hyper::Request;
use hyper::header::{ACCEPT, FORWARDED, HOST, HeaderMap};
use std::net::IpAddr;

/// The addresses of the two ends of a connection: the other one, and that of this machine.
pub type Ends = (IpAddr, IpAddr);

/// For whom an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Whoever may see everything.
    Here,
    /// Whoever may see how the service is, but nothing of a report.
    Elsewhere,
}

/// What a request says of who asks, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// For whom the answer is.
    pub audience: Audience,
    /// The host that was asked for, without port.
    pub host: String,
    /// Whether that is not this machine.
    pub is_misdirected: bool,
    /// Whether the status page is asked for, not its JSON.
    pub wants_page: bool,
}

impl Asked {
    /// Reads a request that came over this connection.
    pub fn of<B>(request: &Request<B>, ends: Option<Ends>, health: &Health) -> Asked {
        let headers = request.headers();
        let named = headers.get(HOST).map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned());
        let named = named.or_else(|| request.uri().authority().map(ToString::to_string));
        let host = without_port(named.as_deref().unwrap_or_default()).to_ascii_lowercase();
        let is_misdirected = !is_ours(&host, health);
        let is_forwarded = headers.contains_key(FORWARDED) || headers.contains_key("x-forwarded-for");
        let is_here = !is_misdirected && !is_forwarded && ends.is_some_and(is_on_this_machine);
        let is_shown = is_here || health.show_reports == ShowReports::All;
        Asked {
            audience: if is_shown && !is_misdirected { Audience::Here } else { Audience::Elsewhere },
            host,
            is_misdirected,
            wants_page: request.uri().path() == "/" && prefers_page(headers),
        }
    }
}

fn is_on_this_machine((other, own): Ends) -> bool {
    let other = other.to_canonical();
    other.is_loopback() || other == own.to_canonical()
}

/// The host in `host:port` or `[address]:port`.
fn without_port(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split_once(':').map_or(host, |(name, _)| name),
    }
}

/// Whether a host is an address, or a name of this machine. A request of HTTP/1.0 may have none; no browser sends one.
fn is_ours(host: &str, health: &Health) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    let own = own_name().to_ascii_lowercase();
    let short = own.split('.').next().unwrap_or_default();
    host.is_empty()
        || host.parse::<IpAddr>().is_ok()
        || name == "localhost"
        || name.ends_with(".localhost")
        || [own.as_str(), short].contains(&name)
        || health.host_names.iter().any(|allowed| allowed == name)
}

/// Whether who asks names HTML and likes it no less than JSON: browsers do. `*/*`, as curl sends it, is no such wish.
/// See [RFC 9110, 12.5.1](https://www.rfc-editor.org/rfc/rfc9110#name-accept).
fn prefers_page(headers: &HeaderMap) -> bool {
    let (mut html, mut json) = (0.0, 0.0);
    let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    for range in lines.flat_map(|line| line.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let weight = weight.map_or(1.0, |weight| weight.parse::<f32>().unwrap_or(0.0));
        match kind.as_str() {
            "text/html" => html = weight,
            "application/json" => json = weight,
            _ => {}
        }
    }
    html > 0.0 && html >= json
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn request(headers: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::builder().uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    /// Fails if: somebody elsewhere, or a site whose name was pointed here, sees what is for this machine only; or who
    /// is on this machine, or was allowed to, does not; or a name of this machine is refused.
    #[test]
    fn who_asks() {
        use Audience::{Elsewhere, Here};
        let own = own_name();
        let (loopback, station, other) = ("127.0.0.1", "192.0.2.7", "192.0.2.9");
        // The other end, the host, further headers, who it is, whether it is refused as misdirected, and who it is if
        // everybody is shown everything.
        let cases = [
            (loopback, "localhost:8080", "", Here, false, Here),
            (loopback, "LOCALHOST.", "", Here, false, Here),
            (loopback, "status.localhost:1", "", Here, false, Here),
            (loopback, "127.0.0.1:8080", "", Here, false, Here),
            (loopback, "[::1]:8080", "", Here, false, Here),
            (loopback, "192.0.2.7", "", Here, false, Here),
            (loopback, "", "", Here, false, Here),
            (loopback, own.as_str(), "", Here, false, Here),
            (loopback, "station7.example.com:8080", "", Here, false, Here),
            (loopback, "evil.example", "", Elsewhere, true, Elsewhere),
            (loopback, "127.0.0.1.evil.example", "", Elsewhere, true, Elsewhere),
            (loopback, "localhost.evil.example", "", Elsewhere, true, Elsewhere),
            (loopback, "evil.example:80@127.0.0.1", "", Elsewhere, true, Elsewhere),
            (loopback, "localhost", "x-forwarded-for", Elsewhere, false, Here),
            (loopback, "localhost", "forwarded", Elsewhere, false, Here),
            ("::1", "[::1]", "", Here, false, Here),
            ("::ffff:127.0.0.1", "localhost", "", Here, false, Here),
            (station, station, "", Here, false, Here),
            (other, station, "", Elsewhere, false, Here),
            (other, "localhost", "", Elsewhere, false, Here),
            (other, "evil.example", "", Elsewhere, true, Elsewhere),
        ];
        for (peer, host, header, audience, is_misdirected, to_all) in cases {
            for (show_reports, audience) in [(ShowReports::Local, audience), (ShowReports::All, to_all)] {
                let mut health = Config::new().health;
                health.host_names = vec!["station7.example.com".to_owned()];
                health.show_reports = show_reports;
                let mut headers = vec![("host", host)];
                headers.extend(Some((header, "192.0.2.1")).filter(|(name, _)| !name.is_empty()));
                let ends = Some((peer.parse().unwrap(), station.parse().unwrap()));
                let asked = Asked::of(&request(&headers), ends, &health);
                assert_eq!(asked.audience, audience, "{peer} {host:?} {header} {show_reports:?}");
                assert_eq!(asked.is_misdirected, is_misdirected, "{peer} {host:?}");
            }
        }
    }

    /// Fails if: a browser gets JSON, or a probe or program the page.
    #[test]
    fn who_wants_the_page() {
        for (accept, page) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", true),
            ("text/html", true),
            ("application/json;q=0.9, TEXT/HTML", true),
            ("text/html, application/json", true),
            ("*/*", false),
            ("text/*", false),
            ("application/json", false),
            ("application/json, text/html;q=0.5", false),
            ("text/html;q=0, */*", false),
            ("text/html;q=x", false),
            ("text/htmlx", false),
            ("", false),
        ] {
            assert_eq!(prefers_page(request(&[("accept", accept)]).headers()), page, "{accept}");
        }
        assert!(!prefers_page(request(&[]).headers()));
    }
}
