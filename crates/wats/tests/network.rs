//! The ways to a server that fail before it can answer: TLS, proxies, time, broken connections.
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use support::{REPORT, TestProxy, canned, client, id, settings, tls_server};
use wats::client::MIN_UPLOAD_RATE;
use wats::{Client, FailureKind, Proxy, Settings};
use wats_test_server::{Answer, Options, Server};

fn https_server() -> Server {
    Server::start_with(Options { tls: true, ..Options::default() }).unwrap()
}

fn file(directory: &Path, content: &[u8]) -> PathBuf {
    let path = directory.join("ca.pem");
    std::fs::write(&path, content).unwrap();
    path
}

fn trusting(url: &str, ca_file: PathBuf) -> Settings {
    Settings { ca_file: Some(ca_file), ..settings(url) }
}

/// Fails if: a certificate authority of one's own cannot be used, or is not needed.
#[tokio::test]
async fn trusts_the_ca_file_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let server = https_server();
    let pem = server.ca_pem().unwrap().to_owned();

    // Certificates are often exported with their description around them.
    let ca = file(directory.path(), format!("subject=Example\r\n{pem}\r\n{pem}").as_bytes());
    Client::new(&trusting(server.url(), ca)).unwrap().submit_wsjf(id(), REPORT).await.unwrap();
    assert_eq!(server.reports().len(), 1);

    let ca_of_another = file(directory.path(), https_server().ca_pem().unwrap().as_bytes());
    for settings in [settings(server.url()), trusting(server.url(), ca_of_another)] {
        let failure = Client::new(&settings).unwrap().submit_wsjf(id(), REPORT).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unreachable, "{failure}");
        assert!(
            failure.message.contains("the certificate that 127.0.0.1 shows is not accepted"),
            "{failure}"
        );
        assert!(failure.message.contains("CA file"), "{failure}");
    }
    assert_eq!(server.reports().len(), 1);
}

/// Fails if: a certificate is accepted under a name that it does not list, or the message does not
/// say so.
#[cfg(unix)] // only there, a connection to the unspecified address reaches this machine
#[tokio::test]
async fn checks_the_name_in_the_certificate() {
    let directory = tempfile::tempdir().unwrap();
    let listen = "0.0.0.0:0".parse().unwrap();
    let server = Server::start_with(Options { tls: true, listen, ..Options::default() }).unwrap();
    let ca = file(directory.path(), server.ca_pem().unwrap().as_bytes());
    let failure = Client::new(&trusting(server.url(), ca)).unwrap().version().await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unreachable, "{failure}");
    assert!(failure.message.contains("use the name that the certificate was issued for"), "{failure}");
}

/// Fails if: a certificate that is itself in the CA file is refused, or accepted under another name or outside of
/// its time; or a message names what was just done.
#[tokio::test]
async fn trusts_certificates_of_servers() {
    let directory = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let params = |name: &str, authority: bool| {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "Station Server");
        if authority {
            // As `openssl req -x509` and most appliances make them.
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        params
    };
    let expired = |mut params: CertificateParams| {
        params.not_before = rcgen::date_time_ymd(2019, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        params
    };
    let issuer =
        CertifiedIssuer::self_signed(params("Company Root", true), KeyPair::generate().unwrap()).unwrap();
    let own = |params: CertificateParams| params.self_signed(&key).unwrap();
    // The certificate, whether it is itself in the CA file, and what is said of it.
    let cases = [
        (own(params("localhost", true)), true, None),
        (own(params("localhost", false)), true, None),
        (params("localhost", false).signed_by(&key, &issuer).unwrap(), true, None),
        (own(params("elsewhere", true)), true, Some("made out for elsewhere, not for localhost")),
        (own(expired(params("localhost", true))), true, Some("it ran out on 2020-01-01")),
        (own(expired(params("localhost", false))), true, Some("it ran out on 2020-01-01")),
        (
            own(params("localhost", true)),
            false,
            Some("it is self-signed (\"Station Server\") and not the one in"),
        ),
        (
            own(params("localhost", false)),
            false,
            Some("it is self-signed (\"Station Server\") and not the one in"),
        ),
    ];
    for (number, (certificate, in_file, problem)) in cases.into_iter().enumerate() {
        let url = tls_server(vec![certificate.der().clone()], &key).await;
        let other = params("localhost", true).self_signed(&KeyPair::generate().unwrap()).unwrap();
        let pem = if in_file { certificate.pem() } else { other.pem() };
        let settings = trusting(&url, file(directory.path(), pem.as_bytes()));
        match (Client::new(&settings).unwrap().submit_wsjf(id(), REPORT).await, problem) {
            (Ok(_), None) => {}
            (Err(failure), Some(problem)) => {
                assert_eq!(failure.kind, FailureKind::Unreachable, "{failure}");
                assert!(failure.message.contains(problem), "{number}: {failure}");
            }
            (result, problem) => panic!("{number}: {result:?} instead of {problem:?}"),
        }
    }
    let url = tls_server(vec![own(params("localhost", true)).der().clone()], &key).await;
    let failure = client(&url).version().await.unwrap_err();
    assert!(failure.message.contains("export it as PEM and name it as the CA file"), "{failure}");
}

/// Fails if: a hop that is out of order is not named, or another one is blamed.
#[tokio::test]
async fn names_the_hop_that_failed() {
    let server = Server::start().unwrap();
    // A port that is never handed out as a free one.
    let dead = "http://127.0.0.1:1";
    let refusing =
        TestProxy::start(Some("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")).await.url("");
    let cases = [
        (dead, None, "no connection to the server 127.0.0.1:1: "),
        (dead, None, "nothing listens there"),
        ("http://no-such-host.invalid", None, "its name no-such-host.invalid is not found"),
        (server.url(), Some(dead), "no connection to the proxy http://127.0.0.1:1 (server.proxy): "),
        (
            "https://wats.example",
            Some(dead),
            "no connection to the proxy http://127.0.0.1:1 (server.proxy): ",
        ),
        (
            server.url(),
            Some("http://no-such-proxy.invalid:8080"),
            "the proxy http://no-such-proxy.invalid:8080: its name is not found",
        ),
        (
            "https://wats.example",
            Some("http://no-such-proxy.invalid:8080"),
            "the proxy http://no-such-proxy.invalid:8080: its name is not found",
        ),
        ("https://wats.example:8443", Some(refusing.as_str()), "makes no connection to wats.example:8443"),
    ];
    for (url, proxy, part) in cases {
        let proxy = proxy.map_or(Proxy::None, |proxy| Proxy::Url(proxy.replacen("//", "//bob:geheim@", 1)));
        let failure = Client::new(&Settings { proxy, ..settings(url) })
            .unwrap()
            .submit_wsjf(id(), REPORT)
            .await
            .unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unreachable, "{failure}");
        assert!(failure.message.contains(part), "{url}: {failure}");
        assert!(!failure.message.contains("geheim") && failure.status.is_none(), "{failure}");
    }
}

/// Fails if: a plain request to a port of TLS looks like an outage, or one to a port of HTTP is called that.
#[tokio::test]
async fn notices_a_server_with_tls() {
    let server = https_server();
    let url = server.url().replace("https://", "http://");
    let failure = client(&url).submit_wsjf(id(), REPORT).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unreachable, "{failure}");
    assert!(
        failure.message.contains(&format!("write its address with https://, as in {}", server.url())),
        "{failure}"
    );
    let plain = Server::start().unwrap();
    for answer in [Answer::Close, Answer::status(400)] {
        plain.set_default(answer);
        let failure = client(plain.url()).submit_wsjf(id(), REPORT).await.unwrap_err();
        assert!(!failure.message.contains("TLS"), "{failure}");
    }
}

/// Fails if: a CA file that cannot work is found out late, or the message does not name it.
#[test]
fn refuses_unusable_ca_files() {
    let directory = tempfile::tempdir().unwrap();
    let pem = |text: &str| format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
    let cases: [(&str, Vec<u8>, &str); 6] = [
        ("empty", Vec::new(), "holds no certificate"),
        ("text", b"hello\n".to_vec(), "holds no certificate"),
        ("DER", vec![0x30, 0x82, 0x01, 0x00, 0xff, 0xfe], "holds no certificate"),
        ("damaged base64", pem("&&&&").into_bytes(), "damaged PEM"),
        ("cut off", b"-----BEGIN CERTIFICATE-----\nMIIB".to_vec(), "damaged PEM"),
        ("no certificate inside", pem("aGVsbG8=").into_bytes(), "cannot be read"),
    ];
    for (name, content, problem) in cases {
        let path = file(directory.path(), &content);
        let failure = Client::new(&trusting("https://localhost", path.clone())).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Settings, "{name}");
        assert!(failure.message.contains(problem), "{name}: {failure}");
        assert!(failure.message.contains(&path.display().to_string()), "{name}: {failure}");
    }
    for path in [directory.path().join("missing.pem"), directory.path().to_owned()] {
        let failure = Client::new(&trusting("https://localhost", path.clone())).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Settings);
        assert!(failure.message.contains(&path.display().to_string()), "{failure}");
    }
}

/// Fails if: the wrong scheme in the address looks like an outage.
#[tokio::test]
async fn notices_a_server_without_tls() {
    let server = Server::start().unwrap();
    let url = server.url().replace("http://", "https://");
    let failure = client(&url).version().await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unreachable, "{failure}");
    assert!(failure.message.contains("check scheme and port"), "{failure}");
}

/// Fails if: requests go around the proxy, or without the credentials that its address holds.
#[tokio::test]
async fn uses_the_proxy() {
    let directory = tempfile::tempdir().unwrap();
    let proxy = TestProxy::start(None).await;
    let through = |settings: Settings, credentials: &str| {
        Client::new(&Settings { proxy: Proxy::Url(proxy.url(credentials)), ..settings }).unwrap()
    };

    let plain = Server::start().unwrap();
    through(settings(plain.url()), "").submit_wsjf(id(), REPORT).await.unwrap();
    through(settings(plain.url()), "bob:geheim@").submit_wsjf(id(), REPORT).await.unwrap();
    let secure = https_server();
    let ca = file(directory.path(), secure.ca_pem().unwrap().as_bytes());
    through(trusting(secure.url(), ca), "bob:geheim@").submit_wsjf(id(), REPORT).await.unwrap();
    assert_eq!((plain.reports().len(), secure.reports().len()), (2, 1));

    let heads = proxy.heads();
    let credentials = "proxy-authorization: basic ym9iomdlagvpbq==";
    let starts = [
        (format!("POST {}/api/Report/WSJF ", plain.url()), false),
        (format!("POST {}/api/Report/WSJF ", plain.url()), true),
        (format!("CONNECT {} ", secure.url().trim_start_matches("https://")), true),
    ];
    assert_eq!(heads.len(), starts.len());
    for (head, (start, with_credentials)) in heads.iter().zip(starts) {
        assert!(head.starts_with(&start), "{head}");
        assert_eq!(head.to_ascii_lowercase().contains(credentials), with_credentials, "{head}");
    }
    assert!(!heads[2].contains(support::TOKEN), "a tunnel hides the token from the proxy");
}

/// Fails if: a proxy that wants credentials, or refuses, is not told apart from the server.
#[tokio::test]
async fn judges_a_refusing_proxy() {
    let denied = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
    let broken = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n";
    let cases = [
        (denied, "http://127.0.0.1:9", FailureKind::Gate, "asks for credentials"),
        (denied, "https://127.0.0.1:9", FailureKind::Gate, "asks for credentials"),
        (broken, "http://127.0.0.1:9", FailureKind::Trouble, "502"),
        (broken, "https://127.0.0.1:9", FailureKind::Unreachable, "tunnel"),
    ];
    for (answer, url, kind, message) in cases {
        let proxy = TestProxy::start(Some(answer)).await;
        let settings = Settings { proxy: Proxy::Url(proxy.url("bob:geheim@")), ..settings(url) };
        let failure = Client::new(&settings).unwrap().submit_wsjf(id(), REPORT).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{url}: {failure}");
        assert!(failure.message.contains(message), "{url}: {failure}");
        assert!(!failure.message.contains("geheim"), "{failure}");
    }
}

/// Names the server to a test that runs again in another environment.
const TARGET: &str = "WATS_TEST_TARGET";

/// Runs one test of this program again, for `target` and with these variables. The environment
/// belongs to a whole process, so a test cannot change it for itself alone.
async fn run_again(test: &str, target: &str, variables: &[(&str, &str)]) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test]).env(TARGET, target);
    for name in ["ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"] {
        child.env_remove(name).env_remove(name.to_ascii_lowercase());
    }
    child.envs(variables.iter().copied());
    let output = tokio::task::spawn_blocking(move || child.output()).await.unwrap().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && shown.contains("1 passed"), "{shown}");
}

/// Fails if: `Proxy::System` ignores the environment, or `Proxy::None` does not.
#[tokio::test]
async fn takes_the_proxy_from_the_environment() {
    if let Ok(target) = std::env::var(TARGET) {
        for proxy in [Proxy::System, Proxy::None] {
            let settings = Settings { proxy, ..settings(&target) };
            Client::new(&settings).unwrap().submit_wsjf(id(), REPORT).await.unwrap();
        }
        return;
    }
    for (no_proxy, uses) in [("", 1), ("localhost,127.0.0.1", 0)] {
        let server = Server::start().unwrap();
        let proxy = TestProxy::start(None).await;
        let variables = [("HTTP_PROXY", proxy.url("")), ("NO_PROXY", no_proxy.to_owned())];
        let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
        run_again("takes_the_proxy_from_the_environment", server.url(), &variables).await;
        assert_eq!(server.reports().len(), 2, "NO_PROXY={no_proxy:?}");
        assert_eq!(proxy.heads().len(), uses, "NO_PROXY={no_proxy:?}");
    }
}

/// Fails if: a system without any certificate authority stops the client from being made, from using
/// plain HTTP or a CA file, or from saying what to do; or an authority that is added to the store or taken away counts
/// for new clients only.
#[cfg(all(unix, not(target_vendor = "apple")))] // elsewhere, the store is no set of files
#[tokio::test]
async fn works_without_a_certificate_store() {
    let server = https_server();
    if let Ok(directory) = std::env::var(TARGET) {
        let by_store = client(server.url());
        let refused = async || {
            let failure = by_store.version().await.unwrap_err();
            assert_eq!(failure.kind, FailureKind::Unreachable, "{failure}");
            assert!(failure.message.contains("CA file"), "{failure}");
        };
        refused().await;
        let store = Path::new(&directory).join("store.pem");
        std::fs::write(&store, server.ca_pem().unwrap()).unwrap();
        by_store.version().await.unwrap();
        std::fs::write(&store, https_server().ca_pem().unwrap()).unwrap();
        // What is open may go on; a request that finds it closed begins anew.
        client(server.url()).version().await.unwrap_err();
        std::fs::write(&store, "").unwrap();
        let plain = Server::start().unwrap();
        client(plain.url()).version().await.unwrap();
        let ca_file = file(Path::new(&directory), server.ca_pem().unwrap().as_bytes());
        Client::new(&trusting(server.url(), ca_file)).unwrap().version().await.unwrap();
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let empty = directory.path().join("store.pem");
    std::fs::write(&empty, "").unwrap();
    let variables = [("SSL_CERT_FILE", empty.to_str().unwrap()), ("SSL_CERT_DIR", "")];
    run_again("works_without_a_certificate_store", path, &variables).await;
}

/// Fails if: a silent server holds a submission for longer than the timeout.
#[tokio::test]
async fn gives_up_on_a_silent_server() {
    let server = Server::start().unwrap();
    server.set_default(Answer::Hang);
    let settings = Settings { timeout: Duration::from_millis(300), ..settings(server.url()) };
    let client = Client::new(&settings).unwrap();
    let start = Instant::now();
    for failure in [client.submit_wsjf(id(), REPORT).await.unwrap_err(), client.version().await.unwrap_err()]
    {
        assert_eq!(failure.kind, FailureKind::Trouble);
        assert!(failure.message.starts_with("the server did not answer in time"), "{failure}");
    }
    assert!(start.elapsed() < Duration::from_secs(5));
}

/// Fails if: a large report can never pass a line that is slow but working.
#[tokio::test]
async fn gives_a_large_report_more_time() {
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 36\r\n\r\n{}", id());
    let url = canned(answer, Duration::from_secs(1)).await;
    let settings = Settings { timeout: Duration::from_millis(300), ..settings(&url) };
    let client = Client::new(&settings).unwrap();
    let seconds = |count: u64| vec![b' '; usize::try_from(MIN_UPLOAD_RATE * count).unwrap()];
    assert_eq!(client.submit_wsjf(id(), seconds(0)).await.unwrap_err().kind, FailureKind::Trouble);
    assert_eq!(client.submit_wsjf(id(), seconds(8)).await.unwrap().id, id());
}

/// Fails if: an answer that broke off counts as a whole one, or its status is lost.
#[tokio::test]
async fn judges_broken_answers() {
    let cases = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n[{\"ID\":\"x-1\"}]", FailureKind::Trouble),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ne\r\n[{\"ID\":\"x-1\"}]\r\n",
            FailureKind::Trouble,
        ),
        ("HTTP/1.1 200 OK\r\nContent-", FailureKind::Trouble),
        ("nonsense\r\n\r\n", FailureKind::Trouble),
        ("HTTP/1.1 400 Bad Request\r\nContent-Length: 50\r\n\r\nbad", FailureKind::Refused),
        ("HTTP/1.1 999 Strange\r\nContent-Length: 0\r\n\r\n", FailureKind::Trouble),
    ];
    for (answer, kind) in cases {
        let url = canned(answer, Duration::ZERO).await;
        let failure = client(&url).submit_wsjf(id(), REPORT).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{answer:?}: {failure}");
    }
}

/// Fails if: a server that is down, or a name that does not resolve, is more than an outage.
#[tokio::test]
async fn treats_an_unreachable_server_as_an_outage() {
    let closed = Server::start().unwrap().url().to_owned();
    for url in [closed.as_str(), "http://no-such-host.invalid"] {
        let failure = client(url).submit_wsjf(id(), REPORT).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unreachable, "{failure}");
        assert!(failure.message.starts_with("no connection to the server"), "{failure}");
        assert_eq!(failure.status, None);
    }
}
