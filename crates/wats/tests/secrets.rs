//! No secret is ever shown. A program of its own, because it captures all log output.
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

mod support;

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use support::{REPORT, TOKEN, TestProxy, id, settings};
use tracing_subscriber::fmt::MakeWriter;
use wats::{Client, Proxy, Settings};
use wats_test_server::{Answer, Options, Server};

/// The token, what it stands for, and the credentials of the proxy, in all notations.
const SECRETS: [&str; 8] = [
    TOKEN,
    "c3RhdGlvbjpzZWNyZXQ",
    "station:secret",
    "station%3Asecret",
    "password secret",
    "geheim",
    "bob%3Ageheim",
    "Ym9iOmdlaGVpbQ",
];

/// What a server may repeat of them in other forms: of the token, of the proxy's.
const ECHOES: [&str; 2] = ["station:secret, user=station%3Asecret, password secret", "bob%3Ageheim, geheim"];

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Log;

    fn make_writer(&self) -> Log {
        self.clone()
    }
}

/// Fails if: the token or the proxy's credentials appear in the log of this crate or a library below
/// it, or in the `Debug` or `Display` form of a client, of settings, or of any failure.
#[tokio::test]
async fn no_secret_is_ever_shown() {
    let log = Log::default();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(log.clone())
        .init();
    let mut shown = Vec::new();

    // A server that repeats what it was sent is the worst case for messages about its answers.
    let server = Server::start_with(Options { token: Some(TOKEN.to_owned()), ..Options::default() }).unwrap();
    // JSON can write any character in another way.
    let escaped: String = TOKEN.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
    let escaped = Answer::status_with_json(400, &format!(r#"{{"message":"got Basic {escaped}"}}"#));
    let location = format!("https://bob:geheim@example.com/?{TOKEN}");
    let proxy = TestProxy::start(None).await;
    let denied = TestProxy::start(Some("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")).await;
    let secure = Server::start_with(Options { tls: true, ..Options::default() }).unwrap();
    let targets = [
        (server.url(), Proxy::None),
        (server.url(), Proxy::Url(proxy.url("bob:geheim@"))),
        (server.url(), Proxy::Url(denied.url("bob:geheim@"))),
        (secure.url(), Proxy::Url(proxy.url("bob:geheim@"))),
        (secure.url(), Proxy::Url(denied.url("bob:geheim@"))),
        (server.url(), Proxy::Url("http://bob:geheim@127.0.0.1:1".to_owned())),
        (server.url(), Proxy::Url("http://bob:geheim@no-such-host.invalid".to_owned())),
    ];
    for (url, proxy) in targets {
        let echoes = if proxy == Proxy::None { &ECHOES[..1] } else { &ECHOES[..] }.concat();
        let echo =
            |code| Answer::status_with_json(code, &format!(r#"{{"message":"got Basic {TOKEN}, {echoes}"}}"#));
        let settings = Settings { proxy, timeout: Duration::from_millis(500), ..settings(url) };
        let client = Client::new(&settings).unwrap();
        shown.push(format!("{settings:?} {settings:#?} {client:?}"));
        for answer in [
            Answer::Accept,
            Answer::Html,
            Answer::Garbage,
            Answer::Close,
            Answer::Hang,
            echo(200),
            echo(400),
            echo(401),
            echo(429),
            echo(500),
            escaped.clone(),
            Answer::status_with_header(302, "Location", &location),
        ] {
            server.set_default(answer);
            shown.push(format!("{:?}", client.submit_wsjf(id(), REPORT).await));
            match client.version().await {
                Ok(version) => shown.push(version),
                Err(failure) => shown.push(format!("{failure} {failure:?} {failure:#?}")),
            }
        }
    }
    for address in ["geheim", "http://bob:geheim@", "ftp://bob:geheim@host", "bob:geheim@host"] {
        let proxy = Proxy::Url(address.to_owned());
        for settings in [settings(address), Settings { proxy, ..settings("http://localhost") }] {
            shown.push(format!("{:?} {:?}", settings.proxy, Client::new(&settings).unwrap_err()));
        }
    }

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("report submitted"), "nothing was captured");
    assert!(log.contains("reqwest"), "libraries were not captured");
    shown.extend(log.lines().map(str::to_owned));
    for text in &shown {
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret:?} in {text}");
        }
    }
}
