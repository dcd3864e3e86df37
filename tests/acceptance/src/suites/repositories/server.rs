//! A web server on the loopback interface for a folder, as plain as a bucket, which may turn to another folder.

use anyhow::{Context, Result};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A server that goes on until the bench ends.
pub(in crate::suites) struct Server {
    port: u16,
    root: Arc<Mutex<PathBuf>>,
}

impl Server {
    pub(in crate::suites) fn start() -> Result<Server> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("listening on the loopback interface")?;
        let port = listener.local_addr()?.port();
        let root = Arc::new(Mutex::new(PathBuf::new()));
        let served = Arc::clone(&root);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let root = served.lock().unwrap_or_else(PoisonError::into_inner).clone();
                // A client that hangs up, or keeps a connection, must not stop the others. Whoever asked sees that the
                // answer is missing.
                std::thread::spawn(move || answer(stream, &root));
            }
        });
        Ok(Server { port, root })
    }

    pub(in crate::suites) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on this folder is served.
    pub(in crate::suites) fn serve(&self, folder: &Path) {
        folder.clone_into(&mut self.root.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Answers one question, and hangs up.
fn answer(mut stream: TcpStream, root: &Path) -> Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
    }
    let path = first.split(' ').nth(1).unwrap_or_default();
    let content = fs::read(root.join(decode(path).trim_start_matches('/')));
    let (status, content) = content.map_or(("404 Not Found", Vec::new()), |content| ("200 OK", content));
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        content.len()
    )?;
    stream.write_all(&content)?;
    Ok(())
}

/// The path of an address: clients write `~` and `+` as `%7e` and `%2b`.
fn decode(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = (*first == b'%').then(|| tail.get(..2).and_then(|two| std::str::from_utf8(two).ok()));
        match code.flatten().and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
