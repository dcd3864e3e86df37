//! Peers that no well-behaved server library can play: a proxy, and a server that says one thing.
//! Each test file is a program of its own and uses a part of this.
#![allow(dead_code)]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use wats::{Client, Proxy, Settings};

/// The token of every test: `station:secret`.
pub(crate) const TOKEN: &str = "c3RhdGlvbjpzZWNyZXQ=";

/// A report that the test server accepts, and its id.
pub(crate) const REPORT: &str = r#"{"id":"33a2d408-3fc8-480b-b554-6866c77fd91c","sn":"1"}"#;
pub(crate) const ID: &str = "33a2d408-3fc8-480b-b554-6866c77fd91c";

/// [`ID`].
pub(crate) fn id() -> uuid::Uuid {
    ID.parse().unwrap()
}

/// Settings for a test: with [`TOKEN`], without a proxy, and not patient.
pub(crate) fn settings(url: &str) -> Settings {
    Settings {
        token: Some(TOKEN.parse().unwrap()),
        proxy: Proxy::None,
        timeout: Duration::from_secs(10),
        ..Settings::new(url)
    }
}

/// A client with these [`settings`].
pub(crate) fn client(url: &str) -> Client {
    Client::new(&settings(url)).unwrap()
}

/// A server that reads the head of a request, waits, reads the body, answers these bytes and ends
/// the connection. Returns its address.
pub(crate) async fn canned(answer: impl Into<Vec<u8>>, wait: Duration) -> String {
    let answer = answer.into();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let answer = answer.clone();
            tokio::spawn(async move {
                let head = read_head(&mut stream).await;
                let length = head
                    .lines()
                    .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok())
                    .unwrap_or(0);
                tokio::time::sleep(wait).await;
                stream.read_exact(&mut vec![0; length]).await.unwrap();
                // The client may have gone already.
                let _ = stream.write_all(&answer).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    url
}

/// A server with this certificate and those that it sends along, which answers every request with [`ID`].
/// Returns its address, by name.
pub(crate) async fn tls_server(chain: Vec<CertificateDer<'static>>, key: &rcgen::KeyPair) -> String {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not trust the certificate ends the handshake.
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let answer =
                    format!("HTTP/1.1 200 OK\r\nContent-Length: 36\r\nConnection: close\r\n\r\n{ID}");
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    url
}

/// An HTTP proxy that notes the heads of the requests made to it.
pub(crate) struct TestProxy {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl TestProxy {
    /// Starts a proxy that passes requests and tunnels on or, with an `answer`, refuses all of them.
    pub(crate) async fn start(answer: Option<&'static str>) -> TestProxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&heads);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(pass_on(stream, answer, Arc::clone(&noted)));
            }
        });
        TestProxy { address, heads }
    }

    /// The proxy's address, with `user:password@` or nothing before the host.
    pub(crate) fn url(&self, credentials: &str) -> String {
        format!("http://{credentials}{}", self.address)
    }

    /// The heads of all requests so far.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn pass_on(mut client: TcpStream, answer: Option<&str>, heads: Arc<Mutex<Vec<String>>>) {
    let head = read_head(&mut client).await;
    heads.lock().unwrap().push(head.clone());
    if let Some(answer) = answer {
        client.write_all(answer.as_bytes()).await.unwrap();
        return;
    }
    let target = head.split(' ').nth(1).unwrap().trim_start_matches("http://");
    let mut server = TcpStream::connect(target.split('/').next().unwrap()).await.unwrap();
    if head.starts_with("CONNECT ") {
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
    } else {
        server.write_all(head.as_bytes()).await.unwrap();
    }
    // Either side may go first.
    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
}

/// Reads up to the empty line, byte by byte so that nothing behind it is taken.
async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}
