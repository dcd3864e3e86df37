//! What a server, or whoever stands in its place, answers.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use uuid::Uuid;
use wats::{Client, Failure, Proxy, Settings};

const ID: Uuid = Uuid::from_u128(0x33a2_d408_3fc8_480b_b554_6866_c77f_d91c);

/// Fails if: any answer makes the client panic, wait, or take a report for stored that the answer does not
/// name, or a message has more than one line.
#[test]
fn answers() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = Arc::new(Mutex::new(Vec::new()));
    let server = serve(&runtime, Arc::clone(&answer));
    let settings = Settings {
        proxy: Proxy::None,
        timeout: Duration::from_secs(30),
        ..Settings::new(format!("http://{server}"))
    };
    let client = Client::new(&settings).unwrap();
    fuzz::run("answers", |input| {
        *answer.lock().unwrap() = input.to_vec();
        match runtime.block_on(submit(&client)) {
            Ok(()) => {
                let text = String::from_utf8_lossy(input).to_ascii_lowercase();
                // Escapes, entities and chunks may take the identifier apart.
                if !text.contains(['\\', '&']) && !text.contains("chunked") {
                    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
                    assert!(digits.contains(&ID.simple().to_string()), "{text}");
                }
                fuzz::way("stored", "")
            }
            Err(failure) => {
                assert!(!failure.message.contains(['\n', '\r']), "{failure}");
                fuzz::way((std::mem::discriminant(&failure.kind), failure.status), "")
            }
        }
    });
}

async fn submit(client: &Client) -> Result<(), Failure> {
    client.submit_wsjf(ID, format!("{{\"id\":\"{ID}\",\"sn\":\"1\"}}")).await.map(drop)
}

/// A server that gives this answer to each request and hangs up.
fn serve(runtime: &Runtime, answer: Arc<Mutex<Vec<u8>>>) -> SocketAddr {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let answer = answer.lock().unwrap().clone();
            tokio::spawn(async move {
                let mut request = Vec::new();
                while !request.ends_with(b"}") {
                    // After a broken answer the client asks whether TLS is spoken here, and waits for that.
                    let read = stream.read_buf(&mut request).await.unwrap_or(0);
                    if read == 0 || request.starts_with(&[0x16]) {
                        return;
                    }
                }
                // The client may have gone already.
                let _ = stream.write_all(&answer).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    address
}
