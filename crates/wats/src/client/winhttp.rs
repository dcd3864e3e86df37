//! What Windows says of proxies, as its own programs hear it from
//! [WinHTTP](https://learn.microsoft.com/en-us/windows/win32/winhttp/winhttp-autoproxy-support).
//!
//! In this order, and the first that says something decides:
//!
//! 1. the account's script (an automatic configuration address), then its proxy: what people set in the control
//!    panel. The account of a service has none, unless a policy makes these settings hold for the machine;
//! 2. the machine's proxy: `netsh winhttp set proxy`;
//! 3. automatic detection (WPAD, by DHCP and DNS), where the account's settings allow it.
//!
//! How lists of proxies and of exceptions are written is tested on every system.

use url::Url;

/// What is known of proxies before a script is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// The account's script.
    pub(super) script: Option<String>,
    /// The account's proxies and exceptions.
    pub(super) account: Option<(String, String)>,
    /// The machine's.
    pub(super) machine: Option<(String, String)>,
    /// Whether to look for a script in the network.
    pub(super) detect: bool,
}

/// Where a script comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Script {
    At(String),
    Detected,
}

/// Finds the proxy for `url`. `ask` runs a script: `None` if it cannot be had, else its list of proxies, which is
/// empty for the straight way.
pub(super) fn decide(
    url: &Url,
    known: &Known,
    mut ask: impl FnMut(&Script) -> Option<String>,
) -> Option<Url> {
    if let Some(list) = known.script.clone().and_then(|address| ask(&Script::At(address))) {
        return choose(&list, url.scheme());
    }
    if let Some((list, exceptions)) = known.account.as_ref().or(known.machine.as_ref()) {
        return if is_excepted(exceptions, url) { None } else { choose(list, url.scheme()) };
    }
    let list = known.detect.then(|| ask(&Script::Detected)).flatten()?;
    choose(&list, url.scheme())
}

/// The proxy for a scheme out of a list as `http=one:80;https=two:8080`, or `one:80 two:80` for all schemes.
fn choose(list: &str, scheme: &str) -> Option<Url> {
    let entries = || list.split([';', ' ', '\t']).map(str::trim).filter(|entry| !entry.is_empty());
    let named = entries().find_map(|entry| {
        let (name, address) = entry.split_once('=')?;
        name.trim().eq_ignore_ascii_case(scheme).then_some(address.trim())
    });
    let address = named.or_else(|| entries().find(|entry| !entry.contains('=')))?;
    let address = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    Url::parse(&address).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// Whether a host is reached without the proxy: this machine itself, or one of a list as `<local>;*.corp;10.*`.
fn is_excepted(exceptions: &str, url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
    if host == "localhost" || host == "[::1]" || host.starts_with("127.") {
        return true;
    }
    let is_local = !host.contains(['.', ':']);
    exceptions.split([';', ',', ' ', '\t']).map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        if entry.eq_ignore_ascii_case("<local>") {
            return is_local;
        }
        let entry = entry.to_ascii_lowercase();
        let entry = entry.split_once("://").map_or(entry.as_str(), |(_, rest)| rest);
        let port = url.port_or_known_default().map(|port| format!(":{port}")).unwrap_or_default();
        matches(entry.strip_suffix(&port).unwrap_or(entry), &host)
    })
}

/// Whether a text fits a pattern in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            rest.is_empty()
                || (0..=text.len()).any(|end| text.is_char_boundary(end) && matches(rest, &text[end..]))
        }),
    }
}

#[cfg(windows)]
pub(super) use system::proxy_for;

#[cfg(windows)]
mod system {
    //! The questions to WinHTTP.

    use super::{Known, Script, decide};
    use std::ptr;
    use url::Url;
    use windows_sys::Win32::Foundation::GlobalFree;
    use windows_sys::Win32::Networking::WinHttp::{
        WINHTTP_ACCESS_TYPE_NAMED_PROXY, WINHTTP_ACCESS_TYPE_NO_PROXY, WINHTTP_AUTO_DETECT_TYPE_DHCP,
        WINHTTP_AUTO_DETECT_TYPE_DNS_A, WINHTTP_AUTOPROXY_AUTO_DETECT, WINHTTP_AUTOPROXY_CONFIG_URL,
        WINHTTP_AUTOPROXY_OPTIONS, WINHTTP_CURRENT_USER_IE_PROXY_CONFIG, WINHTTP_PROXY_INFO,
        WinHttpCloseHandle, WinHttpGetDefaultProxyConfiguration, WinHttpGetIEProxyConfigForCurrentUser,
        WinHttpGetProxyForUrl, WinHttpOpen,
    };
    use windows_sys::core::PWSTR;

    /// The proxy for a server. May take many seconds.
    pub(crate) fn proxy_for(url: &Url) -> Option<Url> {
        let found = decide(url, &known(), |script| ask(url, script));
        let shown =
            found.as_ref().map_or_else(|| "none".to_owned(), |proxy| proxy.origin().ascii_serialization());
        tracing::debug!("the proxy that Windows names: {shown}");
        found
    }

    fn known() -> Known {
        let mut account = WINHTTP_CURRENT_USER_IE_PROXY_CONFIG::default();
        // SAFETY: the structure is valid for the call to fill in.
        let has_settings = unsafe { WinHttpGetIEProxyConfigForCurrentUser(&raw mut account) } != 0;
        // SAFETY: each pointer is null, or a string that the call has allocated and left to the caller.
        let (script, list, exceptions) = unsafe {
            (take(account.lpszAutoConfigUrl), take(account.lpszProxy), take(account.lpszProxyBypass))
        };
        let mut machine = WINHTTP_PROXY_INFO::default();
        // SAFETY: the structure is valid for the call to fill in.
        let told = unsafe { WinHttpGetDefaultProxyConfiguration(&raw mut machine) } != 0;
        Known {
            script,
            account: list.map(|list| (list, exceptions.unwrap_or_default())),
            machine: if told { named(&machine).filter(|(list, _)| !list.is_empty()) } else { None },
            // An account without any settings has the default, which is to look.
            detect: !has_settings || account.fAutoDetect != 0,
        }
    }

    /// Runs a script.
    fn ask(url: &Url, script: &Script) -> Option<String> {
        let address = match script {
            Script::At(address) => Some(wide(address)),
            Script::Detected => None,
        };
        let mut options = WINHTTP_AUTOPROXY_OPTIONS {
            // Only where the script's server asks, with the account of this process.
            fAutoLogonIfChallenged: 1,
            ..WINHTTP_AUTOPROXY_OPTIONS::default()
        };
        match &address {
            Some(address) => {
                options.dwFlags = WINHTTP_AUTOPROXY_CONFIG_URL;
                options.lpszAutoConfigUrl = address.as_ptr();
            }
            None => {
                options.dwFlags = WINHTTP_AUTOPROXY_AUTO_DETECT;
                options.dwAutoDetectFlags = WINHTTP_AUTO_DETECT_TYPE_DHCP | WINHTTP_AUTO_DETECT_TYPE_DNS_A;
            }
        }
        let target = wide(url.as_str());
        let mut info = WINHTTP_PROXY_INFO::default();
        // SAFETY: the strings end in zeros and live until the session is closed; null stands for none.
        unsafe {
            let session = WinHttpOpen(ptr::null(), WINHTTP_ACCESS_TYPE_NO_PROXY, ptr::null(), ptr::null(), 0);
            if session.is_null() {
                return None;
            }
            let told = WinHttpGetProxyForUrl(session, target.as_ptr(), &raw mut options, &raw mut info) != 0;
            WinHttpCloseHandle(session);
            if !told {
                return None;
            }
        }
        Some(named(&info).map(|(list, _)| list).unwrap_or_default())
    }

    /// The proxies and exceptions in an answer.
    fn named(info: &WINHTTP_PROXY_INFO) -> Option<(String, String)> {
        // SAFETY: each pointer is null, or a string that the call has allocated and left to the caller.
        let (list, exceptions) = unsafe { (take(info.lpszProxy), take(info.lpszProxyBypass)) };
        let list = list.filter(|_| info.dwAccessType == WINHTTP_ACCESS_TYPE_NAMED_PROXY)?;
        Some((list, exceptions.unwrap_or_default()))
    }

    /// The text of a string, which is freed; `None` for null and for an empty one.
    ///
    /// # Safety
    /// The pointer is null, or that of a string which ends in a zero and was allocated by `GlobalAlloc`.
    unsafe fn take(text: PWSTR) -> Option<String> {
        if text.is_null() {
            return None;
        }
        // SAFETY: see above; the length stops at the zero.
        let taken = unsafe {
            let length = (0..).take_while(|at| *text.add(*at) != 0).count();
            let taken = String::from_utf16_lossy(std::slice::from_raw_parts(text, length));
            GlobalFree(text.cast());
            taken
        };
        (!taken.trim().is_empty()).then_some(taken)
    }

    fn wide(text: &str) -> Vec<u16> {
        text.encode_utf16().chain([0]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    /// Fails if: a list as people write it is misread.
    #[test]
    fn reads_lists_of_proxies() {
        let cases = [
            ("proxy:8080", "https", Some("http://proxy:8080/")),
            ("proxy", "http", Some("http://proxy/")),
            ("http://proxy.corp:3128", "https", Some("http://proxy.corp:3128/")),
            ("one:80;two:80", "https", Some("http://one/")),
            ("one:81 two:82", "https", Some("http://one:81/")),
            ("http=one:81;https=two:82", "https", Some("http://two:82/")),
            ("http=one:81; HTTPS = two:82", "http", Some("http://one:81/")),
            ("http=one:81;rest:83", "https", Some("http://rest:83/")),
            ("http=one:81;socks=two:1080", "https", None),
            ("socks://two:1080", "https", None),
            ("", "https", None),
            (" ; ", "https", None),
        ];
        for (list, scheme, proxy) in cases {
            assert_eq!(choose(list, scheme).as_ref().map(Url::as_str), proxy, "{list}");
        }
    }

    /// Fails if: an exception is not made, or made for others.
    #[test]
    fn reads_exceptions() {
        let cases = [
            ("", "https://wats.corp", false),
            ("", "http://127.0.0.1:8080", true),
            ("", "http://localhost", true),
            ("<local>", "https://wats", true),
            ("<local>", "https://wats.corp", false),
            ("<local>", "http://[fe80::1]", false),
            ("a.b;*.corp", "https://WATS.corp", true),
            ("*.corp", "https://corp", false),
            ("10.*", "http://10.1.2.3", true),
            ("10.*.3", "http://10.1.2.3", true),
            ("10.*.4", "http://10.1.2.3", false),
            ("https://wats.corp", "https://wats.corp", true),
            ("wats.corp:443", "https://wats.corp", true),
            ("wats.corp:80", "https://wats.corp", false),
            ("*", "https://wats.corp", true),
        ];
        for (exceptions, address, excepted) in cases {
            assert_eq!(is_excepted(exceptions, &url(address)), excepted, "{exceptions} {address}");
        }
    }

    /// Fails if: the order of what Windows knows is another than the documented one, or a script that cannot be
    /// had leaves nothing.
    #[test]
    fn decides_in_order() {
        let text = |text: &str| (text.to_owned(), String::new());
        let all = Known {
            script: Some("http://wpad/a.pac".to_owned()),
            account: Some(text("account:1")),
            machine: Some(text("machine:1")),
            detect: true,
        };
        let without_script = Known { script: None, ..all.clone() };
        let of_machine = Known { account: None, ..without_script.clone() };
        let detect = Known { machine: None, ..of_machine.clone() };
        let excepted = Known { account: Some(("account:1".to_owned(), "*.corp".to_owned())), ..all.clone() };
        // What is known, what a script and a detected one answer, and the proxy.
        let cases = [
            (&all, Some("script:1"), None, Some("http://script:1/")),
            (&all, Some(""), Some("detected:1"), None),
            (&all, None, Some("detected:1"), Some("http://account:1/")),
            (&without_script, Some("script:1"), Some("detected:1"), Some("http://account:1/")),
            (&of_machine, None, Some("detected:1"), Some("http://machine:1/")),
            (&detect, None, Some("detected:1"), Some("http://detected:1/")),
            (&detect, None, None, None),
            (&excepted, None, Some("detected:1"), None),
            (&Known::default(), Some("script:1"), Some("detected:1"), None),
        ];
        for (known, script, detected, proxy) in cases {
            let found = decide(&url("https://wats.corp"), known, |asked| match asked {
                Script::At(address) => {
                    assert_eq!(address, "http://wpad/a.pac");
                    script.map(str::to_owned)
                }
                Script::Detected => detected.map(str::to_owned),
            });
            assert_eq!(found.as_ref().map(Url::as_str), proxy, "{known:?}");
        }
    }

    /// Fails if: Windows cannot be asked. What it answers is up to the machine, unless `WATS_TEST_PROXY` says it.
    #[cfg(windows)]
    #[test]
    fn asks_windows() {
        let found = proxy_for(&url("https://wats.example"));
        if let Ok(wanted) = std::env::var("WATS_TEST_PROXY") {
            assert_eq!(found.as_ref().map_or("none", Url::as_str), wanted);
        }
    }
}
