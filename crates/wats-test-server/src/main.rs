//! `wats-test-server`: the test server as a program, for acceptance tests inside virtual machines and
//! containers. See the library for what it does.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use wats_test_server::{Options, Server, Tls};

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
    /// A further name or address in the certificate; may be repeated.
    #[arg(long, value_name = "NAME", requires = "tls_ca")]
    tls_name: Vec<String>,
    /// The file with the authority's key, made if it is missing: the next server with it has another certificate of
    /// the same authority.
    #[arg(long, value_name = "FILE", requires = "tls_ca")]
    tls_key: Option<PathBuf>,
    /// For how many days the certificate holds, from yesterday on.
    #[arg(long, value_name = "DAYS", requires = "tls_ca")]
    tls_days: Option<u32>,
    /// Let every request take so many milliseconds before it is looked at.
    #[arg(long, value_name = "MS")]
    latency: Option<u64>,
    /// Refuse reports as the vendor's rules say.
    #[arg(long)]
    strict: bool,
    /// Keep running when standard input is closed, as a service has it from the start.
    #[arg(long)]
    ignore_stdin: bool,
}

fn main() -> io::Result<()> {
    let Arguments {
        listen,
        token,
        record,
        tls_ca,
        tls_name,
        tls_key,
        tls_days,
        latency,
        strict,
        ignore_stdin,
    } = Arguments::parse();
    let valid = tls_days.map(|days| Duration::from_secs(24 * 3600 * u64::from(days)));
    let server = Server::start_with(Options {
        listen,
        token,
        record,
        tls: tls_ca.is_some(),
        identity: Tls { names: tls_name, authority_key: tls_key, valid },
        strict,
        ..Options::default()
    })
    .map_err(|error| io::Error::new(error.kind(), format!("cannot start on {listen}: {error}")))?;
    if let Some(latency) = latency {
        server.set_latency(Duration::from_millis(latency));
    }
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
