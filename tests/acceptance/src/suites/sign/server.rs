//! A time stamp server ([RFC 3161](https://www.rfc-editor.org/rfc/rfc3161), section 3.4: over HTTP) on the loopback
//! interface, around `openssl ts`, which may misbehave.

use super::authority::Authority;
use crate::command::tool;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What a server does when it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::suites) enum Manner {
    /// Stamps.
    Stamps,
    /// Answers with something else.
    Garbage,
    /// Says that it has a fault.
    Fault,
    /// Answers with a stamp for something else.
    Stale,
    /// Stamps, but nobody who is trusted vouches for it.
    Stranger,
    /// Says nothing until the other side gives up.
    Silent,
}

/// The largest question that is read, in bytes.
const LARGEST: usize = 1 << 16;

/// A server that goes on until the bench ends.
pub(in crate::suites) struct Server {
    port: u16,
    asked: Arc<AtomicUsize>,
}

/// The address of a server that is down: a port that is never handed out as a free one.
pub(super) const DOWN: &str = "http://127.0.0.1:1/";

impl Server {
    /// Starts one that keeps its files in `folder`.
    pub(in crate::suites) fn start(authority: &Authority, folder: &Path, manner: Manner) -> Result<Server> {
        fs::create_dir_all(folder)?;
        let office = Office::open(authority, folder, manner)?;
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("listening on the loopback interface")?;
        let port = listener.local_addr()?.port();
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counter.fetch_add(1, Ordering::SeqCst);
                // Whoever asked sees that the answer is missing.
                if let Err(error) = office.serve(stream) {
                    eprintln!("time stamp server: {error:#}");
                }
            }
        });
        Ok(Server { port, asked })
    }

    pub(in crate::suites) fn address(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// How often it was asked so far.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// Where stamps are made.
struct Office {
    folder: PathBuf,
    manner: Manner,
}

impl Office {
    fn open(authority: &Authority, folder: &Path, manner: Manner) -> Result<Office> {
        let path = |name: &str| authority.path(name).to_string_lossy().into_owned();
        let (name, root) = if manner == Manner::Stranger {
            ("strange-tsa", "other-root.pem")
        } else {
            ("tsa", "tsa-root.pem")
        };
        let (certificate, key, root) =
            (path(&format!("{name}.pem")), path(&format!("{name}.key")), path(root));
        let serial = folder.join("serial");
        fs::write(&serial, "01\n")?;
        let configuration = format!(
            "[tsa]\ndefault_tsa = office\n[office]\nserial = {}\ncrypto_device = builtin\nsigner_cert = {certificate}\nsigner_key = {key}\ncerts = {root}\nsigner_digest = sha256\ndefault_policy = 1.2.3.4\ndigests = sha256\naccuracy = secs:1\ness_cert_id_alg = sha256\n",
            serial.display()
        );
        fs::write(folder.join("office"), configuration)?;
        Ok(Office { folder: folder.to_owned(), manner })
    }

    fn serve(&self, mut stream: TcpStream) -> Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let question = read_question(&stream)?;
        let (status, answer) = match self.manner {
            Manner::Stamps | Manner::Stranger => ("200 OK", self.stamp(&question)?),
            Manner::Garbage => ("200 OK", b"<html>You have reached a captive portal.</html>".to_vec()),
            Manner::Fault => ("503 Service Unavailable", Vec::new()),
            Manner::Stale => ("200 OK", self.stamp(&self.other_question()?)?),
            Manner::Silent => {
                // Ends when the other side hangs up.
                let _ = stream.read(&mut [0])?;
                return Ok(());
            }
        };
        let length = answer.len();
        write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Type: application/timestamp-reply\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        )?;
        Ok(stream.write_all(&answer)?)
    }

    fn stamp(&self, question: &[u8]) -> Result<Vec<u8>> {
        let [asked, answer] = ["question", "answer"].map(|name| self.folder.join(name));
        fs::write(&asked, question)?;
        tool("openssl", 20)
            .args(["ts", "-reply", "-config"])
            .arg(self.folder.join("office"))
            .arg("-queryfile")
            .arg(&asked)
            .arg("-out")
            .arg(&answer)
            .run()?;
        Ok(fs::read(&answer)?)
    }

    /// A question about something else.
    fn other_question(&self) -> Result<Vec<u8>> {
        let path = self.folder.join("other");
        tool("openssl", 20)
            .args(["ts", "-query", "-sha256", "-cert", "-data"])
            .arg(self.folder.join("office"))
            .arg("-out")
            .arg(&path)
            .run()?;
        Ok(fs::read(&path)?)
    }
}

/// The body of a request.
fn read_question(stream: &TcpStream) -> Result<Vec<u8>> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        ensure!(reader.read_line(&mut line)? > 0, "the question has no end");
        let line = line.trim();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) =
            line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        {
            length = value.trim().parse().with_context(|| format!("{name}: {value}"))?;
        }
    }
    ensure!(length <= LARGEST, "a question of {length} bytes");
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(body)
}
