//! `wats-test-server`: the test server as a program, for acceptance tests inside virtual machines and
//! containers. See the library for what it does.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use wats_test_server::{Options, Server};

/// A WATS server for tests. The first line of its output is `listening on URL`; it runs until it is
/// asked to end (Ctrl-C, SIGTERM) or its standard input is closed.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The token (base64 of user:password) that clients must send; without it, all are accepted.
    #[arg(long)]
    token: Option<String>,
    /// The directory to write each accepted report to, as 0001.json, 0002.json, …
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Speak HTTPS, and write the certificate authority to trust to this file as PEM.
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// Refuse reports as the vendor's rules say.
    #[arg(long)]
    strict: bool,
    /// Keep running when standard input is closed, as a service has it from the start.
    #[arg(long)]
    ignore_stdin: bool,
}

fn main() -> io::Result<()> {
    let Arguments { listen, token, record, tls_ca, strict, ignore_stdin } = Arguments::parse();
    let server = Server::start_with(Options {
        listen,
        token,
        record,
        tls: tls_ca.is_some(),
        strict,
        ..Options::default()
    })
    .map_err(|error| io::Error::new(error.kind(), format!("cannot start on {listen}: {error}")))?;
    if let (Some(path), Some(pem)) = (tls_ca, server.ca_pem()) {
        std::fs::write(&path, pem)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    }
    let mut output = io::stdout();
    writeln!(output, "listening on {}", server.url())?;
    output.flush()?;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = asked_to_end() => ended,
            () = input_closed(), if !ignore_stdin => Ok(()),
        }
    });
    drop(server);
    ended
}

#[cfg(unix)]
async fn asked_to_end() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        ended = tokio::signal::ctrl_c() => ended,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn asked_to_end() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}

async fn input_closed() {
    let (closed, wait) = tokio::sync::oneshot::channel();
    // A thread of its own: a blocking read on the runtime's pool would hold up the end.
    std::thread::spawn(move || {
        let mut input = io::stdin().lock();
        let mut buffer = [0; 1024];
        while !matches!(input.read(&mut buffer), Ok(0) | Err(_)) {}
        let _ = closed.send(());
    });
    let _ = wait.await;
}
